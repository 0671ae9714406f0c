"""The occurrences of each alarm in a replay: when, how long, and how far beyond the limit the signal went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.core.effects import Record
from gateway.core.kernel import Kernel
from gateway.core.kpis import Actor, Place
from gateway.core.limits import FLEETING_MS, KPI_DAYS
from gateway.core.program import Compare
from gateway.core.tags import Quality


@dataclass(frozen=True, slots=True)
class Peak:
    """The comparison that a signal went furthest beyond, with its value there, in the unit of the tag."""

    leaf: Compare
    value: float

    @property
    def beyond(self) -> float:
        """How far beyond the limit, never negative."""
        return abs(self.value - self.leaf.limit)


@dataclass(slots=True)
class Occurrence:
    """One time that an alarm came. `cleared_ms` is None where the recording ends before it was gone."""

    boot: int
    raised_ms: int
    cleared_ms: int | None = None
    last_ms: int = 0  # of its boot: up to where it is known to have stood
    peak: Peak | None = None

    @property
    def until_ms(self) -> int:
        """Up to when it stood, as far as is recorded."""
        return self.last_ms if self.cleared_ms is None else self.cleared_ms


@dataclass(slots=True)
class Occurrences:
    """A listener of a backtest. `watched`: alarm -> the comparisons of its rule."""

    watched: dict[str, Sequence[Compare]]
    found: dict[str, list[Occurrence]] = field(default_factory=dict)
    chatters: dict[str, list[int]] = field(default_factory=dict)  # UTC ms at which one began
    priorities: dict[str, int] = field(default_factory=dict)
    _boot: int = 0
    _kernel: Kernel | None = None
    _open: dict[str, Occurrence] = field(default_factory=dict)
    _peaks: dict[str, Peak] = field(default_factory=dict)

    def boot(self, boot: int, kernel: Kernel) -> None:
        self._boot, self._kernel = boot, kernel
        self._open.clear()
        self._peaks.clear()

    def heard(self, record: Record) -> None:
        name = record.subject
        if record.kind == "alarm.raise" and not record.detail.get("realarm"):
            occurrence = Occurrence(self._boot, record.utc_ms, last_ms=record.utc_ms)
            self._open[name] = occurrence
            self.found.setdefault(name, []).append(occurrence)
            self.priorities[name] = record.detail["priority"]
        elif record.kind in ("alarm.return", "alarm.clear") and name in self._open:
            occurrence = self._open.pop(name)
            occurrence.cleared_ms, occurrence.peak = record.utc_ms, self._peaks.pop(name, None)
        elif record.kind == "alarm.chatter":
            self.chatters.setdefault(name, []).append(record.utc_ms)

    def stepped(self, utc_ms: int) -> None:
        for name, leaves in self.watched.items():
            beyond = [peak for leaf in leaves if (peak := self._beyond(leaf)) is not None]
            worst = max(beyond, key=lambda peak: peak.beyond, default=None)
            if worst is not None and (name not in self._peaks or worst.beyond > self._peaks[name].beyond):
                self._peaks[name] = worst
            elif worst is None and name not in self._open:
                self._peaks.pop(name, None)  # an excursion that raised nothing is over
        for name, occurrence in self._open.items():
            occurrence.last_ms, occurrence.peak = utc_ms, self._peaks.get(name)

    def _beyond(self, leaf: Compare) -> Peak | None:
        assert self._kernel is not None
        number, image = self._kernel.names[leaf.tag], self._kernel.image
        value = image.values[number]
        if image.qualities[number] == Quality.BAD or value != value:
            return None
        over = value >= leaf.limit if leaf.op in (">", ">=") else value <= leaf.limit
        return Peak(leaf, value) if over and leaf.op not in ("=", "!=") else None

    def fleeting(self, name: str, from_ms: int) -> int:
        """How many were gone before anybody could act."""
        return sum(
            each.cleared_ms is not None and each.cleared_ms - each.raised_ms < FLEETING_MS
            for each in self.found.get(name, ())
            if each.raised_ms >= from_ms
        )

    def actors(self, from_ms: int, to_ms: int) -> list[Actor]:
        """The bad actors as the key figures count them, of the last 31 days of the replay."""
        happened = [(at, name, "chatter") for name, every in self.chatters.items() for at in every]
        for name, every in self.found.items():
            for each in every:
                happened.append((each.raised_ms, name, "raise"))
                if each.cleared_ms is not None and each.cleared_ms - each.raised_ms < FLEETING_MS:
                    happened.append((each.cleared_ms, name, "fleeting"))
        place = Place("replay")
        for at_ms, name, what in sorted(happened):
            if at_ms < from_ms:
                continue
            if what == "raise":
                place.raised(name, self.priorities[name], at_ms)
            elif what == "chatter":
                place.chattered(name, at_ms)
            else:
                place.fleeted(name, at_ms)
        return place.actors(to_ms, KPI_DAYS) if place.days else []
