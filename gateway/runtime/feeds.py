"""The retained states that leave the box, made from the running kernel: status, active list, period, health."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from gateway.core.alarms import Base
from gateway.core.kernel import Kernel
from gateway.core.kpis import WINDOW_DAYS
from gateway.core.limits import ACTIVE_MAX
from gateway.core.scores import BOX
from gateway.core.summary import Active, ActiveAlarm, Health, Period, Status
from gateway.runtime.clock import Clock
from gateway.runtime.views import LiveViews

MS = 1_000_000
TOP = 10


class LiveFeeds:
    """What the upstream session asks for. `numbers` gives (events queued so far, last number of the journal)."""

    def __init__(
        self, kernel: Kernel, views: LiveViews, clock: Clock, version: str, numbers: Callable[[], tuple[int, int]]
    ) -> None:
        self._kernel, self._views, self._clock = kernel, views, clock
        self._version = version
        self._numbers = numbers
        self._since_ms = self._now_ms()
        self._last = (0, 0)
        self._counts: dict[str, int] = {}

    def _now_ms(self) -> int:
        return self._clock.utc_ns() // MS

    def status(self) -> Status:
        """Retained on `status` after every CONNECT."""
        return Status(
            utc_ms=self._now_ms(),
            online=True,
            version=self._version,
            boot=self._kernel.boot,
            last_seq=self._numbers()[1],
            state=self._views.state()[0],
        )

    def active(self) -> Active:
        """The active list by priority, then time: cures every loss."""
        points = [
            point for point in self._kernel.alarms.points.values() if point.base not in (Base.NORMAL, Base.MASKED)
        ]
        points.sort(key=lambda point: (point.priority, point.raised_ms, point.index))
        return Active(
            utc_ms=self._now_ms(),
            alarms=tuple(
                ActiveAlarm(
                    utc_ms=point.raised_ms,
                    alarm=point.name,
                    area=point.area,
                    state=point.shown,
                    priority=point.priority,
                    occurrence=point.occurrence,
                )
                for point in points[:ACTIVE_MAX]
            ),
            more=max(0, len(points) - ACTIVE_MAX),
        )

    def period(self) -> Period:
        """Counts since the last period."""
        now_ms, points = self._now_ms(), list(self._kernel.alarms.points.values())
        queued, last = self._numbers()
        raised = {point.name: point.count - self._counts.get(point.name, 0) for point in points}
        self._counts = {point.name: point.count for point in points}
        by_priority: Counter[str] = Counter()
        by_area: Counter[str] = Counter()
        for point in points:
            if raised[point.name]:
                by_priority[f"p{point.priority}"] += raised[point.name]
                by_area[point.area] += raised[point.name]
        top = sorted(((name, count) for name, count in raised.items() if count), key=lambda row: (-row[1], row[0]))
        period = Period(
            utc_ms=now_ms,
            from_ms=self._since_ms,
            produced=queued - self._last[0],
            by_priority=dict(by_priority),
            by_state=dict(Counter(point.shown for point in points if point.base is not Base.NORMAL)),
            by_area=dict(by_area),
            top=tuple(top[:TOP]),
            first_seq=self._last[1] + 1,
            last_seq=last,
            flood=any(area.flooded for area in self._kernel.alarms.bursts.areas.values()),
            kpis=self._kpis(),
        )
        self._since_ms, self._last = now_ms, (queued, last)
        return period

    def _kpis(self) -> dict[str, float]:
        """What was observed enough to have a value."""
        figures = self._views.key_figures(BOX, WINDOW_DAYS).figures
        return {row.figure: row.value for row in figures if row.value is not None}

    def health(self) -> Health:
        """How the box is."""
        overview, sources = self._views.overview(), self._views.sources()
        upstream = overview.upstream
        return Health(
            utc_ms=self._now_ms(),
            sources_good=sum(source.up for source in sources),
            sources_bad=tuple(source.name for source in sources if not source.up),
            step_p99_us=overview.step_p99_us,
            lag_max_ms=overview.lag_max_ms,
            disk_free_bytes=overview.disk_free_bytes,
            queued=upstream.queued,
            lost=upstream.expired,
            bypasses=overview.bypasses,
            time_quality=overview.time_quality,
            state=overview.state,
        )
