"""The linkage execution success rate (联动执行成功率, spec/alarms.md §4.3), from journal rows alone.

A demand is what the independent replay found, so one that the gateway missed is counted as a failure. A success is a trip
whose outputs were read back safe in time, whose effect was seen where one is asked for, with a first-out, and without a
foreign hand at an output meanwhile.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec

from gateway.journal.reader import Event
from gateway.offline.audit import Demand
from gateway.offline.audited import Audited
from gateway.offline.closure import month, rank
from gateway.offline.wilson import Share, share

SAME_MS = 2_000  # a trip within this time of a demand answers it
BUDGET_MS = 2_000  # T_max where the rule names none: three tries of 500 ms, and a poll
CAUSED = ("DEMAND", "ON_DELAY_OVER")
ENERGISED = ("ARMING", "ARMED", "PRETRIP")


@dataclass(slots=True)
class Trip:
    """One trip of a live function and how it ended."""

    function: str
    at_ms: int
    event: str
    because: str
    first_out: bool
    testing: bool  # during a proof test
    bypassed: bool  # an input was out of the vote: the replay, which knows of no bypass, may not see the rise
    verified_ms: int | None = None
    failed: bool = False  # not read back, an effect that was not seen, or a foreign hand


@dataclass(slots=True)
class _Life:
    """One function on its way through the rows."""

    live: bool = False
    state: str = "INIT"
    bypassed: set[str] = field(default_factory=set)
    degraded: bool = False
    testing: bool = False
    trip: Trip | None = None
    history: list[tuple[int, str]] = field(default_factory=list)  # since when how it stood

    def stands(self) -> str:
        if not self.live:
            return "out-of-service"
        if self.state not in ENERGISED:
            return "already-safe"
        return "bypassed" if self.bypassed else "degraded" if self.degraded else "armed"


class Rate(msgspec.Struct, frozen=True):
    """Of one set of functions. `lesr` over real and test demands; `total` also over bypassed, degraded and gateway down."""

    lesr: Share
    total: Share
    real: int
    test: int
    missed: int
    pfd_bound: float | None  # 3 / n where none failed (95 %)


class Execution(msgspec.Struct, frozen=True):
    """The whole figure. Hours are of live functions in evaluated time."""

    every: Rate
    by_priority: dict[str, Rate]
    by_month: dict[str, Rate]
    by_function: dict[str, Rate]
    excluded: dict[str, int]  # demands that asked for nothing: already safe, out of service
    beyond: dict[str, int]  # demands only in `total`
    unaudited: int  # trips of which no audit could see the demand (not looked at, or a bypass): taken as demands
    spurious: int
    spurious_per_1000_h: float | None
    function_hours: float
    bypass_hours: float
    trip_p50_ms: int | None
    trip_p99_ms: int | None
    trip_max_ms: int | None
    proofs_done: int
    proofs_due: int


@dataclass(slots=True)
class _Told:
    trips: list[Trip] = field(default_factory=list)
    lives: dict[str, _Life] = field(default_factory=lambda: defaultdict(_Life))
    bypass_ms: int = 0
    proofs: int = 0
    due: set[tuple[str, int]] = field(default_factory=set)


@dataclass(slots=True)
class _Case:
    """One demand that counts: `kind` real, test, or why it is only in the total."""

    function: str
    at_ms: int
    kind: str
    ok: bool
    took_ms: int | None = None


def execution(events: Sequence[Event], audit: Audited) -> Execution:
    """The figure of the audit's window."""
    told = _follow(events, audit.from_ms, audit.to_ms)
    cases, excluded, unaudited, spurious = _cases(told, audit)
    hours = _function_ms(told, audit) / 3.6e6
    took = sorted(case.took_ms for case in cases if case.took_ms is not None)
    months = sorted({month(case.at_ms) for case in cases})
    names = sorted(audit.functions)
    return Execution(
        _rate(cases),
        {str(p): _rate([c for c in cases if audit.functions.get(c.function, (0, 0))[0] == p]) for p in (1, 2, 3, 4)},
        {name: _rate([c for c in cases if month(c.at_ms) == name]) for name in months},
        {name: _rate([c for c in cases if c.function == name]) for name in names},
        excluded,
        {kind: sum(c.kind == kind for c in cases) for kind in ("bypassed", "degraded", "gateway-down")},
        unaudited,
        spurious,
        spurious * 1000 / hours if hours else None,
        hours,
        told.bypass_ms / 3.6e6,
        rank(took, 50),
        rank(took, 99),
        took[-1] if took else None,
        told.proofs,
        len(told.due),
    )


def _follow(events: Sequence[Event], from_ms: int, to_ms: int) -> _Told:
    told, boot = _Told(), 0
    for event in events:
        if event.counter > 0 and event.boot != boot:
            boot = event.boot
            for life in told.lives.values():  # whatever it was doing, the new boot comes up tripped
                life.state, life.degraded, life.testing, life.trip = "TRIPPED", False, False, None
                life.bypassed.clear()
                life.history.append((event.utc_ms, life.stands()))
        if event.kind.startswith(("interlock.", "bypass.", "proof.", "command.bypass.set", "command.proof.start")):
            inside = from_ms <= event.utc_ms < to_ms
            life = told.lives[event.subject]
            _apply(told, life, event, inside=inside)
            if not life.history or life.history[-1][1] != life.stands():
                life.history.append((event.utc_ms, life.stands()))
        elif event.kind == "output.foreign_write":
            for life in told.lives.values():
                if life.trip is not None and life.state == "TRIPPING":
                    life.trip.failed = True
    return told


def _apply(told: _Told, life: _Life, event: Event, *, inside: bool) -> None:
    detail, kind = event.detail, event.kind
    if "to" in detail and "from" in detail and "candidate" not in detail:
        _moved(told, life, event, inside=inside)
    elif kind == "interlock.mode":
        life.live = detail["mode"] == "live"
    elif kind in ("interlock.degraded", "interlock.degraded_end") and "candidate" not in detail:
        life.degraded = kind == "interlock.degraded"
    elif kind == "interlock.effect_failed" and life.trip is not None:
        life.trip.failed = True
    elif kind == "command.bypass.set":
        life.bypassed.add(str(detail.get("tag", "")))
    elif kind.startswith("bypass.") and kind != "bypass.warning":
        told.bypass_ms += int(detail.get("lasted_ms", 0)) if inside else 0
        if kind != "bypass.extended":
            life.bypassed.discard(str(detail.get("tag", "")))
    elif kind == "command.proof.start":
        life.testing = True
    elif kind in ("proof.result", "proof.abandoned"):
        life.testing = False
        told.proofs += int(inside and kind == "proof.result" and detail["passed"] and detail["kind"] == "full")
    if inside and kind in ("proof.due", "proof.result") and detail.get("due_utc_ms"):
        told.due.add((event.subject, int(detail["due_utc_ms"])))


def _moved(told: _Told, life: _Life, event: Event, *, inside: bool) -> None:
    detail, state = event.detail, event.detail["to"]
    life.live = True
    if state == "TRIPPING":
        because = str(detail.get("because", ""))
        life.trip = Trip(
            event.subject,
            event.utc_ms,
            detail["event"],
            because,
            bool(detail.get("first_out")),
            life.testing,
            bool(life.bypassed),
        )
        if inside and because not in ("STOP", "disarm") and detail.get("first_out") != ["STOP"]:
            told.trips.append(life.trip)
    elif state == "TRIP_FAILED" and life.trip is not None:
        life.trip.failed = True
    elif state == "TRIPPED" and detail["from"] == "TRIPPING" and life.trip is not None:
        life.trip.verified_ms = event.utc_ms
    elif state == "ARMING":
        life.trip = None
    life.state = state


def _cases(told: _Told, audit: Audited) -> tuple[list[_Case], dict[str, int], int, int]:
    """Each demand with what became of it; what asked for nothing; trips without an audit; spurious trips."""
    waiting: dict[str, list[Trip]] = defaultdict(list)
    for trip in told.trips:
        waiting[trip.function].append(trip)
    cases, excluded = list[_Case](), {"already-safe": 0, "out-of-service": 0}
    for demand in sorted(audit.demands, key=lambda one: (one.at_ms, one.function)):
        near = [t for t in waiting[demand.function] if abs(t.at_ms - demand.at_ms) <= SAME_MS and t.event in CAUSED]
        if near:
            waiting[demand.function].remove(near[0])
            cases.append(_case(near[0], "test" if near[0].testing else "real", demand.at_ms, audit))
            continue
        stands = _stood(told, demand)
        if stands in excluded:
            excluded[stands] += 1
        else:
            cases.append(_Case(demand.function, demand.at_ms, "real" if stands == "armed" else stands, False))
    unaudited = spurious = 0
    for trip in [trip for name in sorted(waiting) for trip in waiting[name]]:
        if trip.event == "MANUAL_TRIP":
            cases.append(_case(trip, "test", trip.at_ms, audit))
        elif trip.event in CAUSED and (trip.bypassed or not audit.covers(trip.at_ms)):
            unaudited += 1
            cases.append(_case(trip, "real", trip.at_ms, audit))
        else:
            spurious += 1
    return cases, excluded, unaudited, spurious


def _case(trip: Trip, kind: str, since_ms: int, audit: Audited) -> _Case:
    budget_ms = audit.functions.get(trip.function, (0, 0))[1] or BUDGET_MS
    took_ms = None if trip.verified_ms is None else max(0, trip.verified_ms - min(since_ms, trip.at_ms))
    ok = took_ms is not None and took_ms <= budget_ms and not trip.failed and trip.first_out
    return _Case(trip.function, since_ms, kind, ok, took_ms)


def _stood(told: _Told, demand: Demand) -> str:
    """How the function stood at a demand that nothing answered."""
    stood = "out-of-service"
    for since_ms, how in told.lives[demand.function].history:
        if since_ms > demand.at_ms:
            break
        stood = how
    return "gateway-down" if demand.begin and stood == "already-safe" else stood


def _function_ms(told: _Told, audit: Audited) -> int:
    total = 0
    for name in audit.functions:
        history = told.lives[name].history
        since = [at_ms for at_ms, _ in history]
        for begin, _end, evaluated_ms in audit.spans:
            at = bisect_right(since, begin) - 1
            total += evaluated_ms if at >= 0 and history[at][1] != "out-of-service" else 0
    return total


def _rate(cases: Sequence[_Case]) -> Rate:
    counted = [case for case in cases if case.kind in ("real", "test")]
    good = sum(case.ok for case in counted)
    real = sum(case.kind == "real" for case in counted)
    missed = sum(not case.ok and case.took_ms is None for case in counted)
    bound = min(1.0, 3 / len(counted)) if counted and good == len(counted) else None
    return Rate(share(good, len(counted)), share(good, len(cases)), real, len(counted) - real, missed, bound)
