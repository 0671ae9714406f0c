"""The key figures of the alarm system (ISA-18.2, EEMUA 191; spec/alarms.md §2), kept up as alarms come. No clock, no kernel.

Times are UTC ms. One `Place` is the whole box, an area or an operator position. It holds a day as 144 counts of ten
minutes and a few sums, and 31 days: what a window of 30 needs, and never more however many alarms come.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from gateway.core.limits import FLOOD_END, FLOOD_START, KPI_DAYS, KPI_NAMES_MAX

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
PERIOD_MS = 10 * MINUTE_MS
PERIODS = DAY_MS // PERIOD_MS
WINDOW_DAYS = 30
HOUR_MANY, PERIOD_MANY = 30, 10  # more in an hour, or in ten minutes, is more than a person can work off
TOP = 10
STEP_MAX_MS = 2 * PERIOD_MS  # the clock was set, or nothing was evaluated: time that does not count


class Day(msgspec.Struct, array_like=True):
    """One UTC day of one place."""

    day: int  # days since 1970
    observed_ms: int = 0
    periods: dict[int, int] = {}  # period of the day -> alarms annunciated
    upset: list[int] = []  # periods that a flood touched
    flood_ms: int = 0
    most: int = 0  # in any ten minutes on end, in steps of a minute
    priorities: list[int] = msgspec.field(default_factory=lambda: [0, 0, 0, 0])
    names: dict[str, int] = {}
    chatter: dict[str, int] = {}  # alarm -> chatters
    fleeting: dict[str, int] = {}
    refused: int = 0  # attempts to silence an alarm without the right to


class Figures(msgspec.Struct, frozen=True):
    """The figures of one place over the last days. Shares are 0 … 1; None where nothing was observed to tell it from."""

    place: str
    days: float  # of observed time
    annunciated: int
    per_day: float | None
    per_hour: float | None
    steady_per_10min: float | None  # EEMUA: outside floods
    upset_max_10min: float | None  # EEMUA: the highest ten minutes of each day, mean over the days
    periods_over_10: float | None
    hours_over_30: float | None
    max_10min: int
    flood_share: float | None
    top10_share: float | None
    chattering: int  # alarms that chattered
    fleeting: int  # alarms that were fleeting
    priorities: tuple[int, int, int, int]
    refused: int


class Actor(msgspec.Struct, frozen=True):
    """One alarm of a place, for the list of bad actors."""

    alarm: str
    count: int
    share: float
    chatters: int
    fleeting: int


class Place:
    """The days of one place. Calls come in the order of time; a clock set back counts on at the latest instant."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.days: deque[Day] = deque(maxlen=KPI_DAYS)
        self.touched: set[int] = set()  # days that are not yet on disk as they are
        self.flooded = False
        self._latest: deque[int] = deque(maxlen=FLOOD_START + 1)
        self._flood_ms = 0  # up to where the flood that is on has been counted
        self._minutes: deque[list[int]] = deque(maxlen=10)  # [minute, alarms] of the last ten that had any

    def day(self, at_ms: int) -> Day:
        """The day of an instant; the latest one for an instant before it."""
        number = at_ms // DAY_MS
        if not self.days or number > self.days[-1].day:
            self.days.append(Day(number))
        self.touched.add(self.days[-1].day)
        return self.days[-1]

    def raised(self, alarm: str, priority: int, at_ms: int, count: int = 1) -> None:
        """`count` alarms were annunciated."""
        day = self.day(at_ms)
        period = at_ms % DAY_MS // PERIOD_MS
        day.periods[period] = day.periods.get(period, 0) + count
        day.priorities[priority - 1] += count
        _count(day.names, alarm, count)
        day.most = max(day.most, self._last_ten_minutes(at_ms, count))
        self._latest.extend([at_ms] * min(count, FLOOD_START + 1))
        begins = len(self._latest) > FLOOD_START and at_ms - self._latest[0] < PERIOD_MS
        if begins and not self.flooded:
            self.flooded, self._flood_ms = True, at_ms
            self._upset(at_ms)

    def _last_ten_minutes(self, at_ms: int, count: int) -> int:
        minute = at_ms // MINUTE_MS
        if self._minutes and self._minutes[-1][0] >= minute:
            self._minutes[-1][1] += count
        else:
            self._minutes.append([minute, count])
        return sum(many for at, many in self._minutes if at > minute - 10)

    def _upset(self, at_ms: int) -> None:
        day, period = self.day(at_ms), at_ms % DAY_MS // PERIOD_MS
        if period not in day.upset:
            day.upset.append(period)

    def chattered(self, alarm: str, at_ms: int) -> None:
        """An alarm began to chatter."""
        _count(self.day(at_ms).chatter, alarm, 1)

    def fleeted(self, alarm: str, at_ms: int) -> None:
        """An alarm was gone before anybody could act on it."""
        _count(self.day(at_ms).fleeting, alarm, 1)

    def refused(self, at_ms: int) -> None:
        """Somebody tried to silence an alarm without the right to."""
        self.day(at_ms).refused += 1

    def advance(self, from_ms: int, to_ms: int, *, observed: bool) -> None:
        """Time went on, and was observed; a flood ends when fewer than five of ten minutes are left."""
        if observed:
            for begin_ms, end_ms in _by_day(from_ms, to_ms):
                self.day(begin_ms).observed_ms += end_ms - begin_ms
        if not self.flooded:
            return
        over_ms = self._latest[-FLOOD_END] + PERIOD_MS
        until_ms = min(over_ms, to_ms)
        if until_ms > self._flood_ms:
            for begin_ms, end_ms in _by_period(self._flood_ms, until_ms):
                self.day(begin_ms).flood_ms += end_ms - begin_ms
                self._upset(begin_ms)
            self._flood_ms = until_ms
        self.flooded = over_ms > to_ms

    # --- what came of it ---

    def figures(self, now_ms: int, observed: Mapping[int, int], days: int = WINDOW_DAYS) -> Figures:
        """The figures of the last `days`, today included; `observed` is ms by day, that of the whole box."""
        first = now_ms // DAY_MS - days + 1
        window = [day for day in self.days if day.day >= first]
        observed_ms = sum(ms for day, ms in observed.items() if day >= first)
        counts = [count for day in window for count in day.periods.values()]
        hours: Counter[tuple[int, int]] = Counter()
        for day in window:
            for period, count in day.periods.items():
                hours[day.day, period // 6] += count
        total, upset = sum(counts), sum(len(day.upset) for day in window)
        steady = sum(n for day in window for period, n in day.periods.items() if period not in day.upset)
        named = _sum(day.names for day in window)
        p1, p2, p3, p4 = (sum(day.priorities[at] for day in window) for at in range(4))
        periods = observed_ms / PERIOD_MS
        # A mean over the days that were observed at all: one without any alarm counts as 0.
        watched = sum(1 for day, ms in observed.items() if day >= first and ms > 0)
        return Figures(
            place=self.name,
            days=observed_ms / DAY_MS,
            annunciated=total,
            per_day=_ratio(total * DAY_MS, observed_ms),
            per_hour=_ratio(total * HOUR_MS, observed_ms),
            steady_per_10min=_ratio(steady, periods - upset),
            upset_max_10min=_ratio(sum(day.most for day in window), watched),
            periods_over_10=_ratio(sum(count > PERIOD_MANY for count in counts), periods),
            hours_over_30=_ratio(sum(n > HOUR_MANY for n in hours.values()), observed_ms / HOUR_MS),
            max_10min=max((day.most for day in window), default=0),
            flood_share=_ratio(sum(day.flood_ms for day in window), observed_ms),
            top10_share=_ratio(sum(count for _, count in _first(named)), total),
            chattering=len(_sum(day.chatter for day in window)),
            fleeting=len(_sum(day.fleeting for day in window)),
            priorities=(p1, p2, p3, p4),
            refused=sum(day.refused for day in window),
        )

    def actors(self, now_ms: int, days: int = WINDOW_DAYS, top: int = TOP) -> list[Actor]:
        """The alarms that came most often, and after them those that chattered or were fleeting."""
        first = now_ms // DAY_MS - days + 1
        window = [day for day in self.days if day.day >= first]
        named = _sum(day.names for day in window)
        chatter, fleeting = _sum(day.chatter for day in window), _sum(day.fleeting for day in window)
        total = sum(sum(day.periods.values()) for day in window)
        names = [name for name, _ in _first(named, top)]
        names += [name for name in sorted(chatter | fleeting) if name not in names][:top]
        return [
            Actor(name, named.get(name, 0), named.get(name, 0) / total, chatter.get(name, 0), fleeting.get(name, 0))
            for name in names
        ]

    # --- restart and snapshot ---

    def restore(self, data: bytes) -> None:
        """Take one day that the journal kept; days come in any order."""
        day = msgspec.msgpack.decode(data, type=Day)
        days = sorted([each for each in self.days if each.day != day.day] + [day], key=lambda each: each.day)
        self.days = deque(days, maxlen=KPI_DAYS)

    def save(self) -> list[Any]:
        """State for a snapshot."""
        flood = [self.flooded, self._flood_ms, list(self._latest)]
        days = [msgspec.to_builtins(day) for day in self.days]
        return [days, sorted(self.touched), flood, [*map(list, self._minutes)]]

    def load(self, state: list[Any]) -> None:
        """Take a snapshot's state."""
        self.days = deque((msgspec.convert(day, Day) for day in state[0]), maxlen=KPI_DAYS)
        self.touched, (self.flooded, self._flood_ms, latest) = set(state[1]), state[2]
        self._latest = deque(latest, maxlen=FLOOD_START + 1)
        self._minutes = deque((list(each) for each in state[3]), maxlen=10)


def _count(counts: dict[str, int], name: str, count: int) -> None:
    if name in counts or len(counts) < KPI_NAMES_MAX:
        counts[name] = counts.get(name, 0) + count


def _sum(every: Iterable[Mapping[str, int]]) -> dict[str, int]:
    summed: dict[str, int] = {}
    for counts in every:
        for name, count in counts.items():
            summed[name] = summed.get(name, 0) + count
    return summed


def _first(counts: Mapping[str, int], top: int = TOP) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda row: (-row[1], row[0]))[:top]


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole > 0 else None


def _by_day(from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    return _cut(from_ms, to_ms, DAY_MS)


def _by_period(from_ms: int, to_ms: int) -> Iterator[tuple[int, int]]:
    return _cut(from_ms, to_ms, PERIOD_MS)


def _cut(from_ms: int, to_ms: int, length_ms: int) -> Iterator[tuple[int, int]]:
    """[from, to) in pieces that end at multiples of `length_ms`."""
    while from_ms < to_ms:
        end_ms = min(to_ms, (from_ms // length_ms + 1) * length_ms)
        yield from_ms, end_ms
        from_ms = end_ms
