"""The alarm-handling closure rate (报警处置闭环率, spec/alarms.md §4.1), computed from journal rows alone."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache

import msgspec

from gateway.journal.reader import Event
from gateway.offline.wilson import Share, share

MINUTE_MS, DAY_MS = 60_000, 86_400_000
DEADLINE_MS = {1: 30 * MINUTE_MS, 2: 120 * MINUTE_MS, 3: 480 * MINUTE_MS, 4: DAY_MS}  # D_p
BULK, BULK_MS = 20, 10_000  # more acknowledgements of one person in so little time were not looked at
WINDOW_MIN_MS = 182 * DAY_MS  # a shorter window is shown, but is no evidence
DISPOSED = "command.alarm.dispose"
KINDS = ("alarm.", DISPOSED)


@dataclass(slots=True)
class Occurrence:
    """One activation of one condition and what became of it; times in UTC ms, None = it did not happen."""

    alarm: str
    priority: int
    up_ms: int
    ack_ms: int | None = None
    bulk: bool = False
    returned_ms: int | None = None
    latched: bool = False
    reset_ms: int | None = None
    disposed_ms: int | None = None
    ordered_ms: int | None = None  # a linked work order or permit

    def closed_ms(self) -> int | None:
        """When the last of what closes it came; None while anything is missing."""
        gone = [at for at in (self.returned_ms, self.ordered_ms) if at is not None]
        if self.ack_ms is None or self.disposed_ms is None or not gone:
            return None
        if self.latched and self.reset_ms is None:
            return None
        return max(self.ack_ms, self.disposed_ms, min(gone), self.reset_ms or 0)


class Figures(msgspec.Struct, frozen=True):
    """The figures of one set of occurrences."""

    ahcr: Share  # within the deadline of its priority
    ahcr_any: Share  # closed at all
    bulk_acked: Share
    reopened: Share  # raised again within a day of its closing
    open: int
    mtta_p50_ms: int | None
    mtta_p95_ms: int | None
    mttr_p50_ms: int | None
    mttr_p95_ms: int | None


class Closure(msgspec.Struct, frozen=True):
    """The whole figure: never the pooled number alone."""

    from_ms: int
    to_ms: int
    valid: bool  # the window has 182 days
    last_seq: int
    every: Figures
    by_priority: dict[str, Figures]
    by_month: dict[str, Figures]


def occurrences(events: Iterable[Event]) -> list[Occurrence]:
    """Every occurrence that the rows tell of, in their order. What a journal no longer holds the begin of is not counted."""
    found: dict[tuple[str, str], Occurrence] = {}
    acks: dict[str, deque[tuple[int, Occurrence]]] = defaultdict(lambda: deque(maxlen=BULK + 1))
    for event in events:
        key = (event.subject, _number(event))
        if event.kind == "alarm.raise":
            found.setdefault(key, Occurrence(event.subject, int(event.detail["priority"]), event.utc_ms))
        elif key in found and (event.kind == DISPOSED or event.kind.startswith("alarm.")):
            _apply(found[key], event, acks)
    return list(found.values())


def _number(event: Event) -> str:
    """The occurrence as people and commands write it."""
    given = event.detail.get("occurrence", "")
    return given if isinstance(given, str) else f"{given[0]:x}-{given[1]}"


def _apply(one: Occurrence, event: Event, acks: dict[str, deque[tuple[int, Occurrence]]]) -> None:
    at_ms = event.utc_ms
    if event.kind == DISPOSED:
        one.disposed_ms = one.disposed_ms or at_ms
        if event.detail.get("order"):
            one.ordered_ms = one.ordered_ms or at_ms
        return
    if event.kind in ("alarm.return", "alarm.clear") and not event.person:
        one.returned_ms = one.returned_ms or at_ms
    if "LATCHED" in event.detail["state"]:
        one.latched = True
        one.returned_ms = one.returned_ms or at_ms
    if event.kind == "alarm.reset":
        one.reset_ms = one.reset_ms or at_ms
    if event.kind in ("alarm.ack", "alarm.clear") and event.person and one.ack_ms is None:
        one.ack_ms = at_ms
        mine = acks[event.person]
        mine.append((at_ms, one))
        if len(mine) > BULK and at_ms - mine[0][0] <= BULK_MS:
            for _, each in mine:
                each.bulk = True


def closure(events: Iterable[Event], from_ms: int, to_ms: int, last_seq: int) -> Closure:
    """The figure of [from_ms, to_ms): an occurrence belongs to the month in which it was raised."""
    every = [one for one in occurrences(events) if from_ms <= one.up_ms < to_ms]
    months = sorted({month(one.up_ms) for one in every})
    return Closure(
        from_ms,
        to_ms,
        to_ms - from_ms >= WINDOW_MIN_MS,
        last_seq,
        _figures(every, to_ms),
        {str(p): _figures([one for one in every if one.priority == p], to_ms) for p in DEADLINE_MS},
        {name: _figures([one for one in every if month(one.up_ms) == name], to_ms) for name in months},
    )


def month(utc_ms: int) -> str:
    """The month that a time belongs to, in UTC."""
    return _month_of_day(utc_ms // DAY_MS)


@cache
def _month_of_day(day: int) -> str:
    return datetime.fromtimestamp(day * DAY_MS / 1000, UTC).strftime("%Y-%m")


def _figures(every: Sequence[Occurrence], to_ms: int) -> Figures:
    """Eligible is what had its whole deadline within the window."""
    closed = [one for one in every if _closed(one, to_ms)]
    eligible = [one for one in every if one.up_ms < to_ms - DEADLINE_MS[one.priority]]
    in_time = [one for one in eligible if (one.closed_ms() or to_ms) - one.up_ms <= DEADLINE_MS[one.priority]]
    acked = [one for one in every if one.ack_ms is not None and one.ack_ms < to_ms]
    to_ack = sorted(one.ack_ms - one.up_ms for one in acked if one.ack_ms is not None)
    to_close = sorted((one.closed_ms() or 0) - one.up_ms for one in closed)
    return Figures(
        share(len(in_time), len(eligible)),
        share(len(closed), len(every)),
        share(sum(one.bulk for one in acked), len(acked)),
        share(_reopened(every, closed), len(closed)),
        len(every) - len(closed),
        rank(to_ack, 50),
        rank(to_ack, 95),
        rank(to_close, 50),
        rank(to_close, 95),
    )


def _closed(one: Occurrence, to_ms: int) -> bool:
    at_ms = one.closed_ms()
    return at_ms is not None and at_ms < to_ms


def _reopened(every: Sequence[Occurrence], closed: Sequence[Occurrence]) -> int:
    ups: dict[str, list[int]] = defaultdict(list)
    for one in every:
        ups[one.alarm].append(one.up_ms)
    ends = Counter((one.alarm, one.closed_ms() or 0) for one in closed)
    for times in ups.values():
        times.sort()
    # The next rise after the end is the one that counts, if it comes within a day.
    nexts = {key: bisect_right(ups[key[0]], key[1]) for key in ends}
    again = [key for key, at in nexts.items() if at < len(ups[key[0]]) and ups[key[0]][at] <= key[1] + DAY_MS]
    return sum(ends[key] for key in again)


def rank(ordered: Sequence[int], percent: int) -> int | None:
    """The nearest rank: a value that did occur."""
    return ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] if ordered else None
