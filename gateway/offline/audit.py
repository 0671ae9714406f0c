"""The independent replay of raw inputs: what alarms would be without deadband, delay and vote, and which demands there were.

One kernel of its own, that commands nothing, follows the recorded inputs from the start of a boot. Its alarm rules are bare
(`raw`), its interlocks are on trial: each rise of a voted cause is noted, whatever the live function did. Live commands,
bypasses and read-backs are no part of it, so a demand that the gateway missed can be counted (spec/alarms.md §4).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from gateway.core.effects import Effect, Journal, Record
from gateway.core.kernel import Kernel
from gateway.core.limits import MS, SECOND
from gateway.core.program import Alarm, And, Compare, Expression, For, Interlock, Measure, Not, Or, Program, Vote
from gateway.core.samples import Input, SelfCheck, Stamp
from gateway.core.tags import TagTable
from gateway.offline.ideal import LIVE_ONLY

LISTED_MAX = 500  # of one slice and kind: one journal row stays under 20 kB; the rest is counted in `left_out`
SILENT_NS = 60 * SECOND  # so long without any input is not evaluated time
KIND = "evidence.audited"  # the journal row of a slice


class Demand(msgspec.Struct, frozen=True, array_like=True):
    """A voted cause turned true; `begin`: it stood when the boot began, so nothing could be seen of its rise."""

    function: str
    at_ms: int
    begin: bool


class Slice(msgspec.Struct, frozen=True, kw_only=True):
    """What one stretch of recorded inputs says, as it is journalled. Times are UTC ms.

    `candidates` are [alarm, begin]; `alarms` are the priorities of the audited alarms; `functions` are [priority, budget in
    ms] of each interlock, 0 = it names none. `clock_ms` is how far the wall clock moved against the monotonic one.
    """

    of_boot: int
    first_seq: int
    last_seq: int
    from_ms: int
    to_ms: int
    evaluated_ms: int
    clock_ms: int
    alarms: dict[str, int]
    functions: dict[str, tuple[int, int]]
    candidates: list[tuple[str, int]]
    demands: list[Demand]
    left_out: int


def raw(program: Program) -> Program:
    """Alarm rules without deadband, delay, vote and latch; interlocks as they are; nothing else."""
    rules = [
        msgspec.structs.replace(rule, when=_bare(rule.when), latch=False, tells=())
        if isinstance(rule, Alarm)
        else msgspec.structs.replace(rule, tells=())
        for rule in program.rules
        if isinstance(rule, Alarm | Interlock)
    ]
    return msgspec.structs.replace(program, rules=tuple(rules))


def _bare(node: Expression) -> Expression:
    match node:
        case Compare() | Measure():
            return msgspec.structs.replace(node, hyst=0.0)
        case For(item=item):
            return _bare(item)
        case Vote(items=items):
            return Or(tuple(map(_bare, items)))
        case And(items=items) | Or(items=items):
            return type(node)(tuple(map(_bare, items)))
        case Not(item=item):
            return Not(_bare(item))
        case _:
            return node  # events, counts and ages have no raw form: they count what happened


@dataclass(slots=True)
class _Found:
    candidates: list[tuple[str, int]] = field(default_factory=list)
    demands: list[Demand] = field(default_factory=list)
    left_out: int = 0


class Audit:
    """Follows one boot; `slice` may be called again and again, `save` and `load` go on in another process."""

    def __init__(self, table: TagTable, program: Program, boot: int) -> None:
        self._program = raw(program)
        self.kernel = Kernel(table, self._program, boot)
        self.boot = boot
        self.seq = -1  # the last recorded input that was taken
        self._given = 0
        self._utc_ns = self._admit_ns = 0
        self._began_ns = -1
        self._offset_ns = 0
        self._alarms = {rule.name: int(rule.priority) for rule in self._program.rules if isinstance(rule, Alarm)}
        self._functions = {
            rule.name: (
                int(rule.priority),
                min((stop.within_ns for stop in rule.stops if stop.within_ns), default=0) // MS,
            )
            for rule in self._program.rules
            if isinstance(rule, Interlock)
        }

    def slice(self, items: Iterable[tuple[Stamp, Input]]) -> Slice | None:
        """Take inputs in their order; None where there were none."""
        found, evaluated_ns, first_seq, from_ns, moved_ns = _Found(), 0, -1, 0, 0
        for stamp, given in items:
            if stamp.seq <= self.seq:
                continue
            if self._began_ns < 0:
                self._began_ns, self._offset_ns = stamp.admit_ns, stamp.utc_ns - stamp.admit_ns
                self._step(SelfCheck(True, "start"), stamp, found)
            elif stamp.seq == self.seq + 1 and stamp.admit_ns - self._admit_ns <= SILENT_NS:
                evaluated_ns += stamp.admit_ns - self._admit_ns
            if first_seq < 0:
                first_seq, from_ns = stamp.seq, stamp.utc_ns
            moved_ns = max(moved_ns, abs(stamp.utc_ns - stamp.admit_ns - self._offset_ns))
            self.seq, self._utc_ns, self._admit_ns = stamp.seq, stamp.utc_ns, stamp.admit_ns
            if not isinstance(given, LIVE_ONLY):
                self._step(given, stamp, found)
        if first_seq < 0:
            return None
        return Slice(
            of_boot=self.boot, first_seq=first_seq, last_seq=self.seq, from_ms=from_ns // MS, to_ms=self._utc_ns // MS,
            evaluated_ms=evaluated_ns // MS, clock_ms=moved_ns // MS, alarms=self._alarms, functions=self._functions,
            candidates=found.candidates, demands=found.demands, left_out=found.left_out,
        )  # fmt: skip

    def _step(self, given: Input, stamp: Stamp, found: _Found) -> None:
        kernel = self.kernel
        offset_ns = stamp.utc_ns - stamp.admit_ns
        while 0 <= (due_ns := kernel.next_due_ns()) <= stamp.admit_ns:
            self._take(kernel.wake(due_ns), offset_ns, found)
        self._given += 1
        self._take(kernel.step(Stamp(self._given, stamp.admit_ns, stamp.utc_ns), given), offset_ns, found)

    def _take(self, effects: list[Effect], offset_ns: int, found: _Found) -> None:
        for effect in effects:
            if isinstance(effect, Journal):
                self._note(effect.record, (effect.record.at_ns + offset_ns) // MS, found)

    def _note(self, record: Record, at_ms: int, found: _Found) -> None:
        if record.kind == "alarm.raise" and record.subject in self._alarms:
            if len(found.candidates) < LISTED_MAX:
                found.candidates.append((record.subject, at_ms))
            else:
                found.left_out += 1
        elif record.kind == "interlock.would_trip" and record.subject in self._functions:
            begin = record.at_ns - self._began_ns <= 10 * SECOND
            if len(found.demands) < LISTED_MAX:
                found.demands.append(Demand(record.subject, at_ms, begin))
            else:
                found.left_out += 1

    def save(self) -> bytes:
        """All that `load` needs."""
        place = [self.seq, self._given, self._utc_ns, self._admit_ns, self._began_ns, self._offset_ns]
        return msgspec.msgpack.encode([self.boot, place, self.kernel.snapshot()])

    def load(self, data: bytes) -> None:
        """Go on where `save` was. Raises ValueError where it is of another boot or rule set."""
        boot, place, state = msgspec.msgpack.decode(data)
        if boot != self.boot:
            raise ValueError("the kept audit is of another boot")
        self.kernel.restore(state)
        self.seq, self._given, self._utc_ns, self._admit_ns, self._began_ns, self._offset_ns = place
