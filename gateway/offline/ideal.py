"""A new rule set on recorded inputs: an ideal actuator answers every command at once, and whoever is ready is reset.

All through the kernel's own door: interlocks come up live and TRIPPED as after a restart (what the journal would have kept
says so), reads of outputs are what the actuator did, and resets are commands like those of a person.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import msgspec

from gateway.core.effects import Act, Effect, Journal, Write
from gateway.core.function_state import Kept
from gateway.core.interlocks import State
from gateway.core.kernel import Kernel
from gateway.core.limits import SECOND
from gateway.core.program import Interlock, Program, rule_hash
from gateway.core.samples import (
    FEW_MAX,
    Alive,
    Columns,
    Command,
    Durable,
    Few,
    Input,
    Overrun,
    SelfCheck,
    Stamp,
    Stop,
    TimeBound,
    WriteResult,
)
from gateway.core.tags import TagTable

PLANT = "backtest"  # the person of its commands
AGAIN_NS = SECOND  # between two requests for the same function
LIVE_ONLY = (
    WriteResult,
    Command,
    Durable,
    SelfCheck,
    Overrun,
    TimeBound,
    Stop,
)  # of the gateway that ran then, not of the plant


class Ideal:
    """One boot of a plant that does as it is told. `step` gives the effects of an input and of all that follows at once."""

    def __init__(self, table: TagTable, program: Program, boot: int) -> None:
        self.program = _without_confirms(program)
        kept = {f"function:{rule.name}": _live(rule) for rule in self.program.rules if isinstance(rule, Interlock)}
        for source in table.sources:
            if source.heartbeat >= 0:
                kept[f"watchdog:{source.name}"] = msgspec.msgpack.encode(["proven", source.heartbeat])
        self.kernel = Kernel(table, self.program, boot, kept)
        self._stands: dict[int, float] = {output.tag.number: output.tag.safe for output in self.kernel.outputs.values()}
        self._stands |= {source.healthy: 1.0 for source in table.sources if source.healthy >= 0}
        self._of_group: dict[int, list[int]] = {}
        for tag in self._stands:
            self._of_group.setdefault(table.tags[tag].group, []).append(tag)
        for tags in self._of_group.values():
            tags.sort()
        self._first = {group.number: group.first for group in table.groups}
        self._unread: set[int] = set()  # groups whose outputs moved since they were last heard
        self._asked_ns: dict[str, int] = {}
        self._seq = self._commands = 0

    def begin(self, at_ns: int, utc_ns: int) -> Iterator[Effect]:
        """The self-check of the start."""
        yield from self._give(SelfCheck(True, "start"), at_ns, utc_ns)

    def step(self, stamp: Stamp, given: Input) -> Iterator[Effect]:
        """Everything due before this input at its own time, then the input as this plant would have given it."""
        kernel = self.kernel
        offset_ns = stamp.utc_ns - stamp.admit_ns
        while 0 <= (due_ns := kernel.next_due_ns()) <= stamp.admit_ns:
            yield from self._answered(kernel.wake(due_ns), due_ns, due_ns + offset_ns)
        if isinstance(given, LIVE_ONLY):
            return
        for block in self._as_told(given):
            yield from self._give(block, stamp.admit_ns, stamp.utc_ns)

    def _give(self, given: Input, at_ns: int, utc_ns: int) -> Iterator[Effect]:
        self._seq += 1
        yield from self._answered(self.kernel.step(Stamp(self._seq, at_ns, utc_ns), given), at_ns, utc_ns)

    def _answered(self, effects: list[Effect], at_ns: int, utc_ns: int) -> Iterator[Effect]:
        """The effects, and what the actuator, the disk and the operator make of them in the same instant."""
        for effect in effects:
            yield effect
            if isinstance(effect, Write):
                self._stands[effect.output] = effect.value
                self._unread.add(self.kernel.table.tags[effect.output].group)
                yield from self._give(WriteResult(effect.id, True, effect.value), at_ns, utc_ns)
            elif isinstance(effect, Act) and effect.until_ns:
                yield from self._give(WriteResult(effect.id, True, math.nan), at_ns, utc_ns)
            elif isinstance(effect, Journal):
                if effect.confirm:
                    yield from self._give(Durable(effect.confirm), at_ns, utc_ns)
                if effect.record.kind == "interlock.ready":
                    self._asked_ns.pop(effect.record.subject, None)
        yield from self._operate(at_ns, utc_ns)

    def _operate(self, at_ns: int, utc_ns: int) -> Iterator[Effect]:
        """Reset who is READY; let a hunting output move again, which the report counts."""
        for name, function in self.kernel.functions.items():
            if function.state is not State.READY or at_ns < self._asked_ns.get(name, 0):
                continue
            self._asked_ns[name] = at_ns + AGAIN_NS
            hunting = any(output.hunting for output in function.outputs)
            verb, role = ("interlock.clear", "engineer") if hunting else ("interlock.reset", function.rule.reset_role)
            self._commands += 1
            yield from self._give(Command(self._commands, PLANT, role, verb, name), at_ns, utc_ns)

    def _as_told(self, given: Input) -> Iterator[Input]:
        """A block with the outputs standing where this plant put them; what a group confirms unchanged may have moved here."""
        ours = self._of_group.get(given.group, []) if isinstance(given, Columns | Few | Alive) else []
        if isinstance(given, Columns) and ours:
            at = [tag - self._first[given.group] for tag in ours]
            values, qualities, causes = given.values.copy(), given.qualities.copy(), given.causes.copy()
            values[at], qualities[at], causes[at] = [self._stands[tag] for tag in ours], 0, 0
            self._unread.discard(given.group)
            yield Columns(given.group, values, qualities, causes, given.source_ns, given.uncertainty_ns, given.clock)
            return
        if isinstance(given, Few) and ours:
            kept = [at for at, tag in enumerate(given.tags) if tag not in self._stands]
            tags, values_of = [given.tags[at] for at in kept], [given.values[at] for at in kept]
            qualities_of, causes_of = [given.qualities[at] for at in kept], [given.causes[at] for at in kept]
            yield (
                Few(given.group, tags, values_of, qualities_of, causes_of, given.source_ns)
                if kept
                else Alive(given.group)
            )
        else:
            yield given
        if isinstance(given, Few | Alive) and given.group in self._unread:
            self._unread.discard(given.group)
            for first in range(0, len(ours), FEW_MAX):
                part = ours[first : first + FEW_MAX]
                zeros = [0] * len(part)
                yield Few(given.group, part, [self._stands[tag] for tag in part], zeros, [*zeros])


def _live(rule: Interlock) -> bytes:
    return msgspec.msgpack.encode(Kept("live", rule_hash(rule), int(State.TRIPPED), None, 0))


def _without_confirms(program: Program) -> Program:
    """A recorded plant does not answer new commands: the physical effect of a trip cannot be seen in it."""
    seen = [
        msgspec.structs.replace(rule, confirms=()) if isinstance(rule, Interlock) else rule for rule in program.rules
    ]
    return msgspec.structs.replace(program, rules=tuple(seen))
