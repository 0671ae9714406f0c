"""What a changed alarm rule would have done on the same recording: what stays, what comes later, what is no longer told."""

from __future__ import annotations

import math
from bisect import bisect_left

import msgspec

from gateway.core.kpis import Actor
from gateway.offline.occurrences import Occurrence, Occurrences

TOP_SHARE = 0.05  # spec/alarms.md §2: more of all alarms than this is a bad actor
SLACK_MS = 1  # an instant in ns is rounded down to ms
VANISHED_MAX = 200  # listed one by one, those that went furthest first; all are counted


class Vanished(msgspec.Struct, frozen=True):
    """An occurrence that people would not be told of. `beyond` is in the unit of the tag, None where no limit was passed."""

    utc_ms: int
    lasted_s: float
    open: bool  # the recording ends before it was gone
    tag: str = ""
    limit: float | None = None
    peak: float | None = None
    beyond: float | None = None
    unit: str = ""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One change with its effect. Delays are of the alarms that remain, in s."""

    change: str
    clause: str
    before: int
    after: int
    chatters_before: int
    chatters_after: int
    fleeting_before: int
    fleeting_after: int
    merged: int  # occurrences during which the one before still stands
    added: int  # occurrences that the rule as it is does not have
    later_max_s: float
    later_p95_s: float
    vanished: int
    shown: tuple[Vanished, ...]


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """An alarm with the changes tried on it, or the reason why none was. `signals`: tag -> its kind."""

    alarm: str
    priority: int
    why: tuple[str, ...]
    live: int  # in the journal
    count: int  # replayed with the rules as they are
    chatters: int
    fleeting: int
    refused: str = ""
    signals: dict[str, str] = {}
    trials: tuple[Trial, ...] = ()


def why(actor: Actor) -> tuple[str, ...]:
    """What makes a bad actor of an alarm; nothing where it came only once."""
    top = ("top",) if actor.share > TOP_SHARE and actor.count > 1 else ()
    return (*top, *(("chatter",) if actor.chatters else ()), *(("fleeting",) if actor.fleeting else ()))


def compare(
    name: str,
    was: Occurrences,
    now: Occurrences,
    *,
    change: str,
    clause: str,
    from_ms: int,
    on_delay_ms: int,
    units: dict[str, str],
) -> Trial:
    """The effect on one alarm. `on_delay_ms` is what the change adds to its on-delay: so much later it may come at most."""
    before = [each for each in was.found.get(name, ()) if each.raised_ms >= from_ms]
    after = [each for each in now.found.get(name, ()) if each.raised_ms >= from_ms]
    every = now.found.get(name, [])
    ends = [(each.boot, each.until_ms) for each in every]  # in order, for the occurrences of one alarm do not overlap
    delays: dict[int, int] = {}  # of the occurrences that remain, by their place: from the first that each stands for
    merged, vanished = 0, []
    for each in before:
        at = _told(each, every, ends, on_delay_ms)
        if at is None:
            vanished.append(each)
        elif every[at].raised_ms < each.raised_ms or at in delays:
            merged += 1
        else:
            delays[at] = every[at].raised_ms - each.raised_ms
    later = sorted(delays.values())
    vanished.sort(key=lambda each: (-(each.peak.beyond if each.peak else 0.0), each.raised_ms))
    return Trial(
        change=change,
        clause=clause,
        before=len(before),
        after=len(after),
        chatters_before=_since(was.chatters.get(name, []), from_ms),
        chatters_after=_since(now.chatters.get(name, []), from_ms),
        fleeting_before=was.fleeting(name, from_ms),
        fleeting_after=now.fleeting(name, from_ms),
        merged=merged,
        added=len(after) - len(delays),
        later_max_s=later[-1] / 1000 if later else 0.0,
        later_p95_s=later[math.ceil(0.95 * len(later)) - 1] / 1000 if later else 0.0,
        vanished=len(vanished),
        shown=tuple(_vanished(each, units) for each in vanished[:VANISHED_MAX]),
    )


def _told(each: Occurrence, every: list[Occurrence], ends: list[tuple[int, int]], on_delay_ms: int) -> int | None:
    """Which occurrence tells people of this one: it stands already, comes while this one stands, or within the delay."""
    last_ms = max(each.until_ms, each.raised_ms + on_delay_ms) + SLACK_MS
    first = bisect_left(ends, (each.boot, each.raised_ms))
    for at in range(first, min(first + 2, len(every))):
        other = every[at]
        if other.boot != each.boot or other.raised_ms > last_ms:
            return None
        if other.raised_ms >= each.raised_ms or other.until_ms > each.raised_ms:
            return at
    return None


def _since(times_ms: list[int], from_ms: int) -> int:
    return sum(at_ms >= from_ms for at_ms in times_ms)


def _vanished(each: Occurrence, units: dict[str, str]) -> Vanished:
    lasted_s = (each.until_ms - each.raised_ms) / 1000
    if each.peak is None:
        return Vanished(each.raised_ms, lasted_s, each.cleared_ms is None)
    leaf, beyond = each.peak.leaf, float(f"{each.peak.beyond:.6g}")
    return Vanished(
        utc_ms=each.raised_ms,
        lasted_s=lasted_s,
        open=each.cleared_ms is None,
        tag=leaf.tag,
        limit=leaf.limit,
        peak=float(f"{each.peak.value:.6g}"),
        beyond=beyond,
        unit=units.get(leaf.tag, ""),
    )
