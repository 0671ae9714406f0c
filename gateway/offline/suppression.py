"""The false-alarm suppression rate (误报抑制率, spec/alarms.md §4.2) with its companions, from journal rows alone.

A candidate is a rise of an alarm's bare condition, found by the audit. It was annunciated where the alarm itself was raised
between its begin and the next candidate's; everything else was suppressed. True or false is what people said: the cause code
of the disposition for what was annunciated, a review (`alarm judge`) for what was not.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

import msgspec

from gateway.journal.reader import Event
from gateway.offline.audited import Audited
from gateway.offline.closure import DAY_MS, DISPOSED, month, rank
from gateway.offline.wilson import Share, share

EARLY_MS = (
    1_000  # an alarm belongs to a candidate that began so much after it: two clocks of one box may differ by a step
)
SAMPLE_MONTH = 385  # reviewed candidates a month give ± 5 % (spec §4.2)
JUDGED = "command.alarm.judge"


@dataclass(slots=True)
class Candidate:
    """One raw candidate, or an alarm without one. `true` None = nobody has said."""

    alarm: str
    priority: int
    at_ms: int
    raised_ms: int | None = None
    true: bool | None = None


class Rates(msgspec.Struct, frozen=True):
    """The figures of one set of candidates: only what was judged counts."""

    fasr: Share
    mar: Share
    precision: Share
    reduction: Share  # 1 - annunciated / raw: a reduction, no suppression
    judged: int
    unjudged: int
    mar_bound: float | None  # 3 / n where no true event was missed
    added_p95_ms: int | None  # of true alarms
    nuisance: int  # false and annunciated


class Suppression(msgspec.Struct, frozen=True):
    """The whole figure."""

    raw: int
    without_candidate: int  # alarms whose condition the audit did not see: counted as annunciated
    nuisance_per_day: float
    critical_unreviewed: int  # suppressed candidates of P1 that nobody has judged
    short_months: list[str]  # months with fewer reviews than the sample asks for
    every: Rates
    by_priority: dict[str, Rates]
    by_month: dict[str, Rates]


def candidates(events: Sequence[Event], audit: Audited) -> tuple[list[Candidate], int]:
    """All candidates of the window with what became of them, and how many alarms came without one."""
    false: dict[tuple[str, str], bool] = {}
    judged: dict[tuple[str, int], bool] = {}
    raises: dict[str, dict[str, int]] = defaultdict(dict)  # alarm -> occurrence -> when
    for event in events:
        if event.kind == "alarm.raise" and event.subject in audit.alarms:
            if audit.from_ms <= event.utc_ms < audit.to_ms:
                boot, counter = event.detail["occurrence"]
                raises[event.subject].setdefault(f"{boot:x}-{counter}", event.utc_ms)  # again: a re-alarm
        elif event.kind == DISPOSED:
            false[(event.subject, event.detail["occurrence"])] = event.detail["code"] == "false"
        elif event.kind == JUDGED:
            judged[(event.subject, int(event.detail["at"]))] = event.detail["verdict"] == "true"
    found: dict[str, list[Candidate]] = defaultdict(list)
    for alarm, at_ms in sorted(audit.candidates):
        found[alarm].append(Candidate(alarm, audit.alarms[alarm], at_ms, true=judged.get((alarm, at_ms))))
    lonely = 0
    for alarm in sorted(raises):
        begins = [one.at_ms for one in found[alarm]]
        for occurrence, at_ms in sorted(raises[alarm].items(), key=lambda one: one[1]):
            verdict = false.get((alarm, occurrence))
            place = bisect_right(begins, at_ms + EARLY_MS) - 1
            true = None if verdict is None else not verdict
            if place < 0 or found[alarm][place].raised_ms is not None:
                lonely += 1
                found[alarm].append(Candidate(alarm, audit.alarms[alarm], at_ms, at_ms, true))
            else:
                one = found[alarm][place]
                one.raised_ms, one.true = at_ms, true
    return [one for alarm in sorted(found) for one in found[alarm]], lonely


def suppression(events: Sequence[Event], audit: Audited) -> Suppression:
    """The figure of the audit's window."""
    every, lonely = candidates(events, audit)
    months = sorted({month(one.at_ms) for one in every})
    days = (audit.to_ms - audit.from_ms) / DAY_MS
    reviewed = {
        name: sum(_suppressed(o) and o.true is not None and month(o.at_ms) == name for o in every) for name in months
    }
    waiting = {name: sum(_suppressed(o) and month(o.at_ms) == name for o in every) for name in months}
    rates = _rates(every)
    return Suppression(
        len(every) - lonely,
        lonely,
        rates.nuisance / days,
        sum(_suppressed(one) and one.true is None and one.priority == 1 for one in every),
        [name for name in months if reviewed[name] < min(SAMPLE_MONTH, waiting[name])],
        rates,
        {str(p): _rates([one for one in every if one.priority == p]) for p in (1, 2, 3, 4)},
        {name: _rates([one for one in every if month(one.at_ms) == name]) for name in months},
    )


def _suppressed(one: Candidate) -> bool:
    return one.raised_ms is None


def _rates(every: Iterable[Candidate]) -> Rates:
    count = {(out, true): 0 for out in (True, False) for true in (True, False, None)}
    added: list[int] = []
    for one in every:
        count[(not _suppressed(one), one.true)] += 1
        if one.true and one.raised_ms is not None:
            added.append(max(0, one.raised_ms - one.at_ms))
    told, kept = (sum(count[(out, true)] for true in (True, False, None)) for out in (True, False))
    missed, true_told = count[(False, True)], count[(True, True)]
    unjudged = count[(True, None)] + count[(False, None)]
    return Rates(
        share(count[(False, False)], count[(False, False)] + count[(True, False)]),
        share(missed, missed + true_told),
        share(true_told, true_told + count[(True, False)]),
        share(kept, kept + told),
        kept + told - unjudged,
        unjudged,
        3 / true_told if true_told and not missed else None,
        rank(sorted(added), 95),
        count[(True, False)],
    )


def sample(events: Sequence[Event], audit: Audited, size: int = SAMPLE_MONTH) -> list[Candidate]:
    """What to review: every suppressed P1 without a verdict, and of the others `size` in all, a share of each priority.

    The order is that of SHA-256 over alarm and time: nobody chooses, and the same window gives the same sample to everybody.
    """
    every, _ = candidates(events, audit)
    kept = [one for one in every if _suppressed(one)]
    first = [one for one in kept if one.priority == 1]
    rest = [[one for one in kept if one.priority == p] for p in (2, 3, 4)]
    total = sum(map(len, rest))
    drawn = list(first)
    for stratum in rest:
        many = -(-size * len(stratum) // total) if total else 0
        drawn += sorted(stratum, key=_lot)[:many]
    return [one for one in drawn if one.true is None]


def _lot(one: Candidate) -> bytes:
    return sha256(f"{one.alarm} {one.at_ms}".encode()).digest()
