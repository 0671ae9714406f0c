"""A rule set on what was recorded: every trip it would have made, beside what really happened, with what the data cover."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

from gateway.core.annunciation import QUIET, AlarmPlan
from gateway.core.effects import Effect, Journal, Record
from gateway.core.kernel import Kernel
from gateway.core.limits import MS, SECOND
from gateway.core.program import Interlock, Program, rule_hash
from gateway.core.samples import Input, Stamp
from gateway.core.tags import TagTable
from gateway.history import reader
from gateway.history.identity import identity
from gateway.history.segments import identity_digest
from gateway.journal.reader import rows
from gateway.offline.figures import AlarmFigures, Backtest, Coverage, Equality, FunctionFigures, WouldTrip
from gateway.offline.ideal import Ideal
from gateway.offline.replay import replay

WARM_NS = 60 * SECOND  # before the period: interlocks come up tripped and need their T_clear
AGAIN_MS = 60_000  # a trip so soon after the last one was over is chatter
SAME_MS = 2_000  # a live trip within this time of a would-trip is the same one
TRIPS_MAX = 10_000  # listed one by one; all are counted


class Listener(Protocol):
    """Who follows a backtest beside its figures."""

    def boot(self, boot: int, kernel: Kernel) -> None:
        """The inputs of a boot come next."""

    def heard(self, record: Record) -> None:
        """The rules decided something."""

    def stepped(self, utc_ms: int) -> None:
        """An input was taken, and all that it caused was heard."""


@dataclass(slots=True)
class _Tally:
    """Collects what the replay of a new rule set says."""

    program: Program
    from_ms: int
    trips: list[WouldTrip] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    again: Counter[str] = field(default_factory=Counter)
    hunting: Counter[str] = field(default_factory=Counter)
    ready: set[str] = field(default_factory=set)
    alarms: dict[str, list[int]] = field(default_factory=dict)
    _open: dict[str, int] = field(default_factory=dict)
    _over_ms: dict[str, int] = field(default_factory=dict)
    _stops: dict[str, tuple[str, ...]] = field(default_factory=dict)
    _clear_ms: dict[str, int] = field(default_factory=dict)
    _outputs: dict[str, list[str]] = field(default_factory=dict)

    def prepare(self, table: TagTable) -> None:
        """What each interlock drives, and to where."""
        safe = {tag.name: tag.safe for tag in table.tags}
        for rule in self.program.rules:
            if isinstance(rule, Interlock):
                self._stops[rule.name] = tuple(f"{stop.output} = {safe[stop.output]:g}" for stop in rule.stops)
                self._clear_ms[rule.name] = rule.clear_ns // MS
                for stop in rule.stops:
                    self._outputs.setdefault(stop.output, []).append(rule.name)

    def next_boot(self) -> None:
        """What was open at the end of a boot stays so."""
        self._open.clear()
        self._over_ms.clear()

    def take(self, record: Record, boot: int) -> None:
        name = record.subject
        if record.kind == "interlock.armed":
            self.ready.add(name)
        elif record.kind == "interlock.ready":
            self._ended(name, record.utc_ms)
        if record.utc_ms < self.from_ms:
            return
        if record.kind == "interlock.tripping":
            self._tripped(record, boot)
        elif record.kind == "alarm.raise":
            self.alarms.setdefault(name, []).append(record.utc_ms)
        elif record.kind == "output.hunting":
            self.hunting.update(self._outputs.get(name, ()))

    def _tripped(self, record: Record, boot: int) -> None:
        name, detail = record.subject, record.detail
        again = record.utc_ms - self._over_ms.get(name, -AGAIN_MS - 1) <= AGAIN_MS
        self.counts[name] += 1
        self.again[name] += again
        if len(self.trips) < TRIPS_MAX:
            self._open[name] = len(self.trips)
            first = tuple(detail.get("first_out", ()))
            self.trips.append(
                WouldTrip(
                    name, boot, record.utc_ms, detail.get("event", ""), first, self._stops.get(name, ()), None, again
                )
            )

    def _ended(self, name: str, utc_ms: int) -> None:
        self._over_ms[name] = utc_ms
        at = self._open.pop(name, None)
        if at is not None:
            lasted_ms = max(0, utc_ms - self.trips[at].utc_ms - self._clear_ms[name])
            self.trips[at] = msgspec.structs.replace(self.trips[at], lasted_s=round(lasted_ms / 1000, 3))


def on_history(
    state: Path,
    table: TagTable,
    program: Program,
    *,
    from_utc_ms: int | None = None,
    to_utc_ms: int | None = None,
    plan: AlarmPlan = QUIET,
    listener: Listener | None = None,
) -> Backtest:
    """Backtest on what the site recorded itself. Raises LookupError where nothing usable is recorded, OSError.

    A `listener` wants one of many runs: an exact replay is not made beside it.
    """
    history = state / "history"
    digest = identity_digest(identity(table)).hex()
    same = {info.index.boot for info in reader.segments(history) if info.index.identity == digest}
    spans = [
        boot
        for boot in reader.coverage(history)
        if (from_utc_ms is None or boot.last_utc_ns >= from_utc_ms * MS)
        and (to_utc_ms is None or boot.first_utc_ns <= to_utc_ms * MS)
    ]
    if not any(span.boot in same for span in spans):
        raise LookupError("nothing usable is recorded in this period")
    begin_ms = max(min(span.first_utc_ns for span in spans) // MS, from_utc_ms or 0)
    last_ms = max(span.last_utc_ns for span in spans) // MS
    end_ms = last_ms if to_utc_ms is None else min(last_ms, to_utc_ms)
    tally, covered = _Tally(program, begin_ms), []
    tally.prepare(table)
    began_s = time.perf_counter()
    for span in spans:
        part = _Part(span.boot)
        if span.boot in same:
            items = reader.inputs(history, boot=span.boot, from_utc_ns=begin_ms * MS - WARM_NS, to_utc_ns=end_ms * MS)
            _run(Ideal(table, program, span.boot), part.watch(items), tally, span.boot, listener)
        covered.append(part.coverage(span, span.boot in same))
    took_s = time.perf_counter() - began_s
    journal = state / "journal" / "journal.db"
    live = _live(journal, begin_ms, end_ms) if journal.exists() else []
    boots = [span.boot for span in spans if span.boot in same]
    compared = listener is None and journal.exists()
    equality = _equality(state, table, program, boots, plan) if compared else None
    return _result(program, tally, live, covered, begin_ms, end_ms, took_s, equality)


def on_export(
    items: Iterable[tuple[Stamp, Input]], table: TagTable, program: Program, gaps: list[tuple[int, int]]
) -> Backtest:
    """Backtest on the export of a historian, as `offline.historian` reads it. `gaps` is filled while `items` are read."""
    tally, part = _Tally(program, 0), _Part(0)
    tally.prepare(table)
    began_s = time.perf_counter()
    _run(Ideal(table, program, 1), part.watch(items), tally, 0)
    took_s = time.perf_counter() - began_s
    if not part.inputs:
        raise LookupError("the export holds none of the tags of this site")
    covered = [Coverage(0, part.first_ms, part.last_ms, part.inputs, 0, True, tuple(gaps))]
    return _result(program, tally, [], covered, part.first_ms, part.last_ms, took_s, None, exported=True)


@dataclass(slots=True)
class _Part:
    """Counts the inputs of one boot on their way."""

    boot: int
    inputs: int = 0
    missing: int = 0
    first_ms: int = 0
    last_ms: int = 0

    def watch(self, items: Iterable[tuple[Stamp, Input]]) -> Iterator[tuple[Stamp, Input]]:
        last = -1
        for stamp, given in items:
            self.missing += stamp.seq - last - 1 if last >= 0 else 0
            last = stamp.seq
            self.inputs += 1
            self.first_ms = self.first_ms or stamp.utc_ns // MS
            self.last_ms = stamp.utc_ns // MS
            yield stamp, given

    def coverage(self, span: reader.BootCoverage, used: bool) -> Coverage:
        """Of an unused boot, what is kept of it."""
        if not used:
            return Coverage(self.boot, span.first_utc_ns // MS, span.last_utc_ns // MS, span.inputs, 0, False)
        return Coverage(self.boot, self.first_ms, self.last_ms, self.inputs, self.missing, True)


def _run(
    ideal: Ideal,
    items: Iterable[tuple[Stamp, Input]],
    tally: _Tally,
    boot: int,
    listener: Listener | None = None,
) -> None:
    def take(effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Journal):
                tally.take(effect.record, boot)
                if listener is not None:
                    listener.heard(effect.record)

    tally.next_boot()
    if listener is not None:
        listener.boot(boot, ideal.kernel)
    begun = False
    for stamp, given in items:
        if not begun:
            begun = True
            take(ideal.begin(stamp.admit_ns, stamp.utc_ns))
        take(ideal.step(stamp, given))
        if listener is not None:
            listener.stepped(stamp.utc_ns // MS)


def _live(journal: Path, from_ms: int, to_ms: int) -> list[tuple[str, str, int]]:
    """Kind, subject and time of the live trips and alarms of the period."""
    return [
        (event.kind, event.subject, event.utc_ms)
        for event in rows(journal, ("interlock.tripping", "alarm.raise"))
        if from_ms <= event.utc_ms <= to_ms and event.detail.get("because") != "STOP"
    ]


def _equality(state: Path, table: TagTable, program: Program, boots: list[int], plan: AlarmPlan) -> Equality | None:
    """An exact replay of the boots that ran these very rules, sounds and routes, None where there is none."""
    wanted, decisions, equal, ran = rule_hash(program), 0, 0, False
    differing: list[str] = []
    for boot in boots:
        found = reader.snapshots(state / "history", boot=boot)
        if not found:
            continue
        state_of = msgspec.msgpack.decode(found[0].read())
        if state_of["program"] != wanted or state_of.get("plan") != plan.hash():
            continue
        outcome = replay(
            state / "history",
            lambda: Kernel(table, program, 0, plan=plan),
            boot=boot,
            journal=state / "journal" / "journal.db",
        )
        ran, decisions, equal = True, decisions + outcome.decisions, equal + outcome.equal
        differing += outcome.differing
    return Equality(decisions, equal, tuple(differing[:10])) if ran else None


def _result(
    program: Program,
    tally: _Tally,
    live: list[tuple[str, str, int]],
    covered: list[Coverage],
    from_ms: int,
    to_ms: int,
    took_s: float,
    equality: Equality | None,
    *,
    exported: bool = False,
) -> Backtest:
    hours = sum(part.to_utc_ms - part.from_utc_ms for part in covered if part.used) / 3.6e6
    trips, both = _matched(tally.trips, live)
    really = Counter(name for kind, name, _ in live if kind == "interlock.tripping")
    before = Counter(name for kind, name, _ in live if kind == "alarm.raise")
    return Backtest(
        program_hash=rule_hash(program),
        from_utc_ms=from_ms,
        to_utc_ms=to_ms,
        hours=round(hours, 4),
        trips=tuple(trips),
        trips_in_all=sum(tally.counts.values()),
        functions=_functions(program, tally, really, both),
        alarms=tuple(
            AlarmFigures(name, before[name], len(tally.alarms.get(name, ())), _chatters(tally.alarms.get(name, [])))
            for name in sorted({*before, *tally.alarms})
        ),
        alarms_before=sum(before.values()),
        alarms_after=sum(map(len, tally.alarms.values())),
        coverage=tuple(covered),
        equality=equality,
        took_s=round(took_s, 3),
        times_real=round(hours * 3600 / took_s, 1) if took_s else 0.0,
        exported=exported,
    )  # fmt: skip


def _functions(
    program: Program, tally: _Tally, really: Counter[str], both: Counter[str]
) -> tuple[FunctionFigures, ...]:
    """All interlocks of the rules, then those that tripped live and are no longer among them."""
    names = [rule.name for rule in program.rules if isinstance(rule, Interlock)]
    return tuple(
        FunctionFigures(
            function=name,
            would=tally.counts[name],
            really=really[name],
            both=both[name],
            new=tally.counts[name] - both[name],
            gone=really[name] - both[name],
            again=tally.again[name],
            hunting=tally.hunting[name],
            ready=name in tally.ready,
        )
        for name in dict.fromkeys([*names, *sorted(really)])
    )


def _matched(trips: list[WouldTrip], live: list[tuple[str, str, int]]) -> tuple[list[WouldTrip], Counter[str]]:
    """Would-trips that also happened live, each live trip once."""
    waiting: dict[str, list[int]] = {}
    for kind, name, utc_ms in live:
        if kind == "interlock.tripping":
            waiting.setdefault(name, []).append(utc_ms)
    both: Counter[str] = Counter()
    out = []
    for trip in trips:
        near = next((at for at in waiting.get(trip.function, ()) if abs(at - trip.utc_ms) <= SAME_MS), None)
        if near is not None:
            waiting[trip.function].remove(near)
            both[trip.function] += 1
        out.append(msgspec.structs.replace(trip, really=near is not None))
    return out, both


def _chatters(times_ms: list[int]) -> bool:
    return any(late - early <= AGAIN_MS for early, late in zip(times_ms, times_ms[2:], strict=False))
