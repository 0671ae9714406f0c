"""The key figures of all places of the box: fed by the alarms, on disk every ten minutes, whole again after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.core.deadlines import KPI
from gateway.core.kpis import DAY_MS, PERIOD_MS, STEP_MAX_MS, WINDOW_DAYS, Actor, Figures, Place
from gateway.core.limits import FLEETING_MS, KPI_PLACES_MAX, MS
from gateway.core.points import AlarmPoint

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel

SLOTS = 32  # of each place: one a day, so that a day overwrites the one that left the window
BOX = "box"


class Scores:
    """`box`, `area:NAME` and `position:NAME`. An alarm counts in the position that it was routed to when it came."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        names = [
            *(f"area:{name}" for name in _areas(kernel)),
            *(f"position:{name}" for name in kernel.plan.positions()),
        ]
        self.places = {name: Place(name) for name in [BOX, *names[: KPI_PLACES_MAX - 1]]}
        self._now_ms = 0  # up to where time has been counted
        self._saved_ms = 0  # up to where the figures are on disk
        self._running = False

    # --- what happens ---

    def raised(self, point: AlarmPoint, before_ms: int, now_ns: int) -> None:
        """A new occurrence was annunciated; `before_ms` is when the last one of this alarm was."""
        same = before_ms >= self._saved_ms and before_ms // PERIOD_MS == point.raised_ms // PERIOD_MS
        point.tally = (point.tally if same else 0) + 1
        self.again(point, now_ns)

    def again(self, point: AlarmPoint, now_ns: int) -> None:
        """An alarm was annunciated, anew or again."""
        self._advance(self._kernel.utc_ms(now_ns))
        for place in self._of(point):
            place.raised(point.name, point.priority, self._now_ms)

    def cleared(self, point: AlarmPoint, now_ns: int) -> None:
        """The condition of an alarm that people were told of is gone."""
        now_ms = self._kernel.utc_ms(now_ns)
        if 0 <= now_ms - point.raised_ms < FLEETING_MS:
            self._advance(now_ms)
            for place in self._of(point):
                place.fleeted(point.name, self._now_ms)

    def chattered(self, point: AlarmPoint, now_ns: int) -> None:
        """An alarm began to chatter."""
        self._advance(self._kernel.utc_ms(now_ns))
        for place in self._of(point):
            place.chattered(point.name, self._now_ms)

    def refused(self, now_ns: int) -> None:
        """Somebody tried to silence an alarm without the right to."""
        self._advance(self._kernel.utc_ms(now_ns))
        self.places[BOX].refused(self._now_ms)

    def _of(self, point: AlarmPoint) -> Iterator[Place]:
        if point.name in self._kernel.privacy.names:
            return  # the figures are on disk in the clear
        position = self._kernel.hearing.way(point).position
        for name in (BOX, f"area:{point.area}", f"position:{position}"):
            if name in self.places:
                yield self.places[name]

    def _advance(self, now_ms: int) -> None:
        """Count the time up to now; what the clock jumped over was not observed."""
        gone_ms = now_ms - self._now_ms
        if gone_ms < 0 and gone_ms > -DAY_MS:
            return
        whole = self._running and 0 <= gone_ms <= STEP_MAX_MS
        for place in self.places.values():
            place.advance(self._now_ms, now_ms, observed=whole and place.name == BOX)
        self._now_ms = now_ms

    # --- on disk ---

    def begin(self, now_ns: int) -> None:
        """The first input after a start tells the time; what came after the figures were last on disk is counted again."""
        self._advance(self._kernel.utc_ms(now_ns))
        for point in self._kernel.alarms.points.values():
            if point.tally and point.raised_ms >= self._saved_ms and point.raised_ms <= self._now_ms:
                for place in self._of(point):
                    place.raised(point.name, point.priority, point.raised_ms, point.tally)
        self._running = True
        self._next(now_ns)

    def due(self, now_ns: int) -> None:
        """Ten minutes are full."""
        self.keep(now_ns)
        self._next(now_ns)

    def _next(self, now_ns: int) -> None:
        left_ms = PERIOD_MS - self._kernel.utc_ms(now_ns) % PERIOD_MS
        self._kernel.schedule(now_ns + left_ms * MS, KPI, 0)

    def keep(self, now_ns: int) -> None:
        """Put what changed on disk: the day of each place that had any alarm, and the time observed."""
        self._advance(self._kernel.utc_ms(now_ns))
        self._saved_ms = self._now_ms
        for name, place in self.places.items():
            touched, place.touched = place.touched, set()
            for day in place.days:
                if day.day not in touched:
                    continue
                key = f"kpi:{day.day % SLOTS}:{name}"
                keep = msgspec.msgpack.encode([self._saved_ms, msgspec.msgpack.encode(day)])
                detail = {"alarms": sum(day.periods.values()), "observed_ms": day.observed_ms}
                self._kernel.record("alarm-kpi.kept", name, now_ns, detail, key=key, keep=keep)

    def restore(self, key: str, data: bytes) -> None:
        """Take what the journal kept; a place that the site no longer has is forgotten."""
        name = key.partition(":")[2]
        saved_ms, day = msgspec.msgpack.decode(data)
        self._saved_ms = max(self._saved_ms, saved_ms)
        if name in self.places:
            self.places[name].restore(day)

    # --- what people see ---

    def figures(self, name: str, now_ms: int, days: int = WINDOW_DAYS) -> Figures:
        """The figures of a place. Raises KeyError."""
        observed = {day.day: day.observed_ms for day in self.places[BOX].days}
        return self.places[name].figures(now_ms, observed, days)

    def actors(self, name: str, now_ms: int, days: int = WINDOW_DAYS) -> list[Actor]:
        """The bad actors of a place. Raises KeyError."""
        return self.places[name].actors(now_ms, days)

    # --- snapshot ---

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [self._now_ms, self._saved_ms, self._running, [place.save() for place in self.places.values()]]

    def load(self, state: list[Any]) -> None:
        """Take a snapshot's state."""
        self._now_ms, self._saved_ms, self._running = state[:3]
        for place, saved in zip(self.places.values(), state[3], strict=True):
            place.load(saved)


def _areas(kernel: Kernel) -> list[str]:
    """Every area that has alarms, by name."""
    return sorted({point.area for point in kernel.alarms.points.values()} - {""})
