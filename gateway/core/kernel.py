"""`step(stamp, input) -> effects`: the whole of what decides, synchronous and deterministic (spec/kernel.md).

Deadlines are (due_ns, kind, index, generation) in a heap and fire at their own due time, before the input that is applied.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway.core.annunciator import Annunciator
from gateway.core.commands import Commands
from gateway.core.deadlines import (
    BYPASS,
    FRESH,
    FROZEN,
    HELD,
    RULE,
    SOURCE,
    STOPPING,
    TRY,
)
from gateway.core.effects import Effect, Ended, Journal, Record, View, Write
from gateway.core.freshness import NEVER, Freshness
from gateway.core.functions import Bypass, FirstOut, Function
from gateway.core.heartbeat import Heartbeats
from gateway.core.image import Image
from gateway.core.interlocks import ENERGISED, SILENT, Event, State
from gateway.core.limits import BYPASS_WARN_NS, MS, SECOND, SOURCE_ALARM_NS, STOP_NS
from gateway.core.outputs import Output
from gateway.core.program import Interlock, Program, rule_hash
from gateway.core.samples import (
    Alive,
    Columns,
    Command,
    Durable,
    Few,
    Input,
    Personal,
    SelfCheck,
    SourceDown,
    Stamp,
    Stop,
    WriteResult,
)
from gateway.core.summary import AlarmSummary, Audit
from gateway.core.tags import Cause, Quality, TagTable
from gateway.core.watches import Watch


class Kernel:
    """The kernel of one site. `boot` is the durable boot counter; `kept` what the journal kept of earlier boots."""

    def __init__(self, table: TagTable, program: Program, boot: int, kept: dict[str, bytes] | None = None) -> None:
        self.table, self.program, self.boot = table, program, boot
        self._program_hash = rule_hash(program)  # of 1,000 rules it costs milliseconds, and every snapshot names it
        self.names = table.names()
        self.image = Image(table)
        self.fresh = Freshness(table)
        self.sources = {source.name: at for at, source in enumerate(table.sources)}
        self._source_of_group = [self.sources[group.source] for group in table.groups]
        self.seq, self.now_ns, self._utc_offset_ns = 0, 0, 0
        self.steps = 0
        self.self_ok, self.self_reason, self.booted = False, "", False
        self.stopping_ns, self.ended = -1, False
        self._counter = 0
        self._heap: list[tuple[int, int, int, int]] = []
        self._writes: list[Effect] = []
        self._rest: list[Effect] = []
        self.outputs: dict[str, Output] = {}
        self._unsettled: list[Output] = []  # outputs whose owners may want another value at the end of this instant
        self._waiting: dict[int, Output] = {}  # outputs by the id of their write in flight
        self.functions: dict[str, Function] = {}
        self.watches: dict[str, Watch] = {}
        self.rules: list[Function | Watch] = []
        self.alarms = Annunciator(self)
        self._build()
        self.heart = Heartbeats(self)
        self.commands = Commands(self)
        self._readers()
        self._restore_kept(kept or {})

    # --- construction ---

    def _build(self) -> None:
        for index, rule in enumerate(self.program.rules):
            if isinstance(rule, Interlock):
                outputs = [self._output(stop.output) for stop in rule.stops]
                otherwise = [self._output(stop.output) for stop in rule.otherwise]
                function = Function(rule, index, self.image, self.names, self, outputs, otherwise)
                self.functions[rule.name] = function
                self.rules.append(function)
            else:
                watch = Watch(rule, index, self.image, self.names, self)
                self.watches[rule.name] = watch
                self.rules.append(watch)
            self.alarms.add_rule(rule, index)
        for source in self.table.sources:
            self.alarms.add_source(source.name)

    def _output(self, name: str) -> Output:
        tag = self.table.tags[self.names[name]]
        assert tag.writable, f"{name} is not a declared output"
        assert tag.boolean, f"{name}: an interlock drives bits"
        return self.outputs.setdefault(name, Output(tag, self._next))

    def _readers(self) -> None:
        """Which rules read a tag: lists for scalar blocks, parallel arrays per group for columns."""
        pairs: set[tuple[int, int]] = set()
        for at, rule in enumerate(self.rules):
            for condition in rule.conditions():
                pairs.update((leaf.number, at) for leaf in condition.leaves())
            if isinstance(rule, Function):
                pairs.update((self.names[confirm.tag], at) for confirm in rule.rule.confirms)
        self._reading: dict[int, list[int]] = {}
        for tag, at in sorted(pairs):
            self._reading.setdefault(tag, []).append(at)
        self._pairs: list[tuple[NDArray[np.intp], NDArray[np.intp]]] = []
        self._checked: list[list[Output]] = []
        for group in self.table.groups:
            inside = [(t - group.first, r) for t, r in sorted(pairs) if group.first <= t < group.first + group.count]
            self._pairs.append((np.array([t for t, _ in inside], np.intp), np.array([r for _, r in inside], np.intp)))
            self._checked.append(
                [o for o in self.outputs.values() if group.first <= o.tag.number < group.first + group.count]
            )
        self._awake = np.zeros(len(self.rules), np.bool_)

    def _restore_kept(self, kept: dict[str, bytes]) -> None:
        for key in sorted(kept):
            kind, _, name = key.partition(":")
            if kind == "function" and name in self.functions:
                function = self.functions[name]
                function.restore(kept[key])
                if function.live:
                    self._own(function)
            elif kind == "watchdog":
                self.heart.restore(name, kept[key])
            elif kind == "alarm":
                self.alarms.restore(name, kept[key])

    def _own(self, function: Function) -> None:
        """A live function owns its outputs, in rule order."""
        self._unsettled += function.outputs
        for output in function.outputs:
            if function not in output.owners:
                output.owners = sorted([*output.owners, function], key=lambda owner: owner.index)

    def _disown(self, function: Function) -> None:
        self._unsettled += function.outputs
        for output in function.outputs:
            output.owners = [owner for owner in output.owners if owner is not function]

    # --- the door ---

    def step(self, stamp: Stamp, given: Input) -> list[Effect]:
        """Fire what is due at or before `stamp.admit_ns`, each at its own time, then apply `given`."""
        assert stamp.seq == self.seq + 1 or not self.seq, f"input {stamp.seq} after {self.seq}"
        assert stamp.admit_ns >= self.now_ns, "kernel time runs backwards"
        effects = self._fire(stamp.admit_ns)
        self.seq, self.now_ns = stamp.seq, stamp.admit_ns
        self._utc_offset_ns = stamp.utc_ns - stamp.admit_ns
        self._apply[type(given)](self, given, stamp.admit_ns)
        self.steps += 1
        effects += self._flush(stamp.admit_ns)
        return effects

    def wake(self, now_ns: int) -> list[Effect]:
        """Fire what is due by `now_ns`. Not an input: it changes when effects appear, never which."""
        effects = self._fire(now_ns)
        self.steps += 1
        return effects

    def next_due_ns(self) -> int:
        """The earliest deadline, NEVER if there is none."""
        return self._heap[0][0] if self._heap else NEVER

    def _fire(self, until_ns: int) -> list[Effect]:
        effects: list[Effect] = []
        while self._heap and self._heap[0][0] <= until_ns:
            due_ns, kind, index, generation = heapq.heappop(self._heap)
            self.now_ns = max(self.now_ns, due_ns)
            self._due[kind](self, index, generation, due_ns)
            effects += self._flush(due_ns)
        return effects

    def _flush(self, now_ns: int) -> list[Effect]:
        """Let the outputs follow the functions, then give back the writes before everything else of this instant."""
        while self._unsettled:
            output = self._unsettled.pop(0)
            self._ask(output, output.arbitrate(now_ns))
        if self.stopping_ns >= 0 and not self.ended:
            self._stop_if_safe()
        effects, self._writes, self._rest = self._writes + self._rest, [], []
        return effects

    # --- services for functions, watches, alarms, commands ---

    def schedule(self, due_ns: int, kind: int, index: int, generation: int = 0) -> None:
        """Put a deadline in the heap; never before now."""
        entry = (max(due_ns, self.now_ns), kind, index, generation)
        if kind == HELD and entry in self._heap:
            return
        heapq.heappush(self._heap, entry)

    def schedule_rule(self, due_ns: int, index: int) -> None:
        """Evaluate rule `index` at `due_ns`."""
        heapq.heappush(self._heap, (max(due_ns, self.now_ns), RULE, index, 0))

    def utc_ms(self, at_ns: int) -> int:
        """UTC of a kernel instant, by the last input's stamp."""
        return (at_ns + self._utc_offset_ns) // MS

    def _next(self) -> int:
        self._counter += 1
        return self._counter

    def identify(self) -> tuple[int, int]:
        """A fresh identifier: (boot, counter)."""
        return self.boot, self._next()

    def record(
        self,
        kind: str,
        subject: str,
        at_ns: int,
        detail: dict[str, Any] | None = None,
        *,
        person: str = "",
        key: str = "",
        keep: bytes | None = None,
        summary: AlarmSummary | Audit | None = None,
        confirm: int = 0,
        identity: tuple[int, int] | None = None,
    ) -> None:
        """Ask for a journal row, with what a restart must know and what leaves the box under the same `identity`."""
        row = Record(
            identity or self.identify(), at_ns, self.utc_ms(at_ns), kind, subject, detail or {}, person, key, keep
        )
        self.emit(Journal(row, summary, confirm))

    def emit(self, effect: Effect) -> None:
        """Add an effect of this instant; writes go before the rest."""
        (self._writes if isinstance(effect, Write) else self._rest).append(effect)

    def _ask(self, output: Output, write: Write | None) -> None:
        if write is not None:
            self.emit(write)
            self._waiting[write.id] = output
            self.schedule(write.deadline_ns, TRY, output.tag.number, write.id)
        elif output.held_until_ns:
            self.schedule(output.held_until_ns, HELD, output.tag.number)

    def source_of(self, tag: int) -> int:
        """Index of the source of a tag."""
        return self.sources[self.table.tags[tag].source]

    # --- functions tell ---

    def moved(self, function: Function, event: Event, before: State, now_ns: int, detail: dict[str, Any]) -> None:
        """A function's state changed: journal it, tell the alarm, move what must move at once."""
        state = function.state
        self.emit(View("interlock", function.name))
        self._unsettled += function.outputs
        row: dict[str, Any] = {"from": before.name, "to": state.name, "event": event.name, **detail}
        if function.first_out is not None and state in (State.TRIPPING, State.TRIPPED, State.TRIP_FAILED):
            row["first_out"] = list(function.first_out.causes)
        near_miss = before is State.PRETRIP and state is State.ARMED
        kind = "interlock.near_miss" if near_miss else f"interlock.{state.name.lower()}"
        self.alarms.function_moved(function, before, now_ns)
        self.record(kind, function.name, now_ns, row, key=f"function:{function.name}", keep=function.kept())
        if state is State.TRIPPING:
            for output in function.outputs:
                self._ask(output, output.confirm_safe(now_ns))
        elif state is State.TRIP_FAILED:
            self.drive_secondary(function, now_ns)
        elif function.retiring and state in (State.TRIPPED, State.FAULT):
            self._retire(function, now_ns)
        if state is State.ARMING:
            for output in function.otherwise:
                output.forced = False
                self._unsettled.append(output)

    def noted(self, function: Function, kind: str, now_ns: int, detail: dict[str, Any]) -> None:
        """A function has something for the journal that is no change of state."""
        self.record(kind, function.name, now_ns, detail)
        self.alarms.function_noted(function, kind, now_ns)
        if kind == "interlock.effect_failed":
            self.drive_secondary(function, now_ns)

    def drive_secondary(self, function: Function, now_ns: int) -> None:
        """The first outputs or their effect failed: the secondary ones go safe until the next reset (`else stop`)."""
        for output in function.otherwise:
            output.forced = True
            self._unsettled.append(output)
            for owner in list(output.owners):
                if isinstance(owner, Function) and owner is not function:
                    owner.event(Event.EXTERNAL_TRIP, now_ns, {"because": function.name})

    def arm(self, function: Function, now_ns: int) -> None:
        """Make this version of a function live; a first arm comes up TRIPPED, a running one keeps its state."""
        if not function.live:
            function.mode = "live"
            function.state, function.state_since_ns = (State.TRIPPED if self.self_ok else State.FAULT), now_ns
            function.clear_since_ns = now_ns if function.cleared() and function.permissive_ok() else -1
            if function.state is State.TRIPPED and function.first_out is None:
                function.first_out = FirstOut(("FIRST_ARM",), (), now_ns, self.utc_ms(now_ns))
            self._own(function)
        function.armed_hash = function.hash
        function.evaluate(now_ns)
        function.settle(now_ns)
        self.alarms.function_moved(function, function.state, now_ns)

    def disarm(self, function: Function, now_ns: int) -> None:
        """Take a function out of service: it trips first, and lets go of its outputs only when they are read back safe."""
        function.retiring = True
        if function.state in (*ENERGISED, State.TRIPPING, State.TRIP_FAILED):
            function.event(Event.MANUAL_TRIP, now_ns, {"because": "disarm"})
        else:
            self._retire(function, now_ns)

    def _retire(self, function: Function, now_ns: int) -> None:
        """The end of a disarm. Who still waits in ARMING for the same outputs must be reset anew: a disarm energises nothing."""
        self._disown(function)
        function.retire(now_ns)
        for output in function.outputs:
            for owner in list(output.owners):
                if isinstance(owner, Function) and owner.state is State.ARMING:
                    owner.event(Event.EXTERNAL_TRIP, now_ns, {"because": f"{function.name} is disarmed"})
        self.alarms.function_moved(function, State.TRIPPED, now_ns)
        self.keep_mode(function, now_ns)

    def keep_mode(self, function: Function, now_ns: int) -> None:
        """Journal the mode of a function, so that a restart knows it."""
        self.record(
            "interlock.mode",
            function.name,
            now_ns,
            {"mode": function.mode, "hash": function.hash},
            key=f"function:{function.name}",
            keep=function.kept(),
        )
        self.emit(View("interlock", function.name))

    # --- inputs ---

    def _heard(self, number: int, now_ns: int) -> Cause:
        cause = self.fresh.heard(number, now_ns)
        if cause:
            source = self._source_of_group[number]
            self.schedule(self.fresh.due_ns(number), FRESH, source)
            if not any(self.fresh.down[group] for group in self.fresh.members[source]):
                self.alarms.source_back(source, now_ns)
            self.emit(View("source", self.table.sources[source].name))
        return cause

    def _on_columns(self, block: Columns, now_ns: int) -> None:
        number = block.group
        self._heard(number, now_ns)
        self.fresh.recall(number)
        first = self.table.groups[number].first
        self._see_peer(number, lambda tag: float(block.values[tag - first]), now_ns)
        mask = self.image.store_columns(block, now_ns)
        if mask is not None:
            tags, rules = self._pairs[number]
            awake = self._awake
            awake[rules[mask[tags]]] = True
            woken = np.flatnonzero(awake).tolist()
            awake[:] = False
            every = self.rules
            for at in woken:
                every[at].evaluate(now_ns)
        if self._checked[number]:
            self._check_outputs(number, now_ns)
        self._watch_frozen(number, now_ns)

    def _on_few(self, block: Few | Personal, now_ns: int) -> None:
        self._heard(block.group, now_ns)
        recovered = self._recover(block.group)
        if block.tags:
            values = dict(zip(block.tags, block.values, strict=True))
            self._see_peer(block.group, values.get, now_ns)
        changed = self.image.store_few(block, now_ns)
        self._wake(sorted({*recovered, *changed}) if recovered else changed, now_ns)
        self._check_outputs(block.group, now_ns)
        self._watch_frozen(block.group, now_ns)

    def _on_alive(self, block: Alive, now_ns: int) -> None:
        cause = Cause(self.fresh.down[block.group])
        if cause not in (Cause.NONE, Cause.STALE):
            return  # nothing was received since the loss: there is nothing to confirm
        self._heard(block.group, now_ns)
        changed = self._recover(block.group)
        changed += self.image.confirm(block.group, now_ns)
        self._wake(sorted(set(changed)), now_ns)
        self._check_outputs(block.group, now_ns)

    def _recover(self, number: int) -> list[int]:
        """A stale group is heard again: its values are what they were, unless the PLC's own counter stands still."""
        before = self.fresh.recall(number)
        if before is None:
            return []
        group = self.table.groups[number]
        if self.heart.peers[self._source_of_group[number]].silent:
            return self.image.degrade(group.first, group.first + group.count, Cause.PEER_SILENT)
        self.image.qualities[group.first : group.first + group.count] = before[0]
        self.image.causes[group.first : group.first + group.count] = before[1]
        return list(range(group.first, group.first + group.count))

    def _wake(self, changed: Sequence[int], now_ns: int) -> None:
        """Evaluate the rules that read a changed tag, each once, in rule order."""
        reading = self._reading
        if len(changed) == 1:
            woken: Sequence[int] = reading.get(changed[0], ())
        else:
            woken = sorted({at for tag in changed for at in reading.get(tag, ())})
        for at in woken:
            self.rules[at].evaluate(now_ns)

    def _see_peer(self, number: int, value_of: Callable[[int], float | None], now_ns: int) -> None:
        """The PLC's counter moved or stands; seen before the block is stored, because it decides how the block is stored."""
        source = self._source_of_group[number]
        peer = self.table.sources[source].peer
        group = self.table.groups[number]
        if group.first <= peer < group.first + group.count:
            value = value_of(peer)
            if value is not None and self.heart.peer_seen(source, value, now_ns):
                self.image.force(self.table.sources[source].name, None)

    def _watch_frozen(self, number: int, now_ns: int) -> None:
        group = self.table.groups[number]
        for tag in self.image.watched(number):
            limit_s = self.table.tags[tag].frozen_s
            if limit_s > 0 and self.image.changed_ns[tag] == now_ns:
                self.schedule(now_ns + int(limit_s * SECOND), FROZEN, group.number)

    def _check_outputs(self, number: int, now_ns: int) -> None:
        values, qualities = self.image.values, self.image.qualities
        for output in self._checked[number]:
            tag = output.tag.number
            if output.stands(values[tag]):
                continue
            write = output.polled(values[tag], qualities[tag] == Quality.GOOD, now_ns)
            if output.external:
                self._foreign_write(output, now_ns)
            self._ask(output, write)

    def _foreign_write(self, output: Output, now_ns: int) -> None:
        self.record("output.foreign_write", output.tag.name, now_ns, {"asked": output.wanted, "read": output.read})
        self._tell_owners(output, now_ns)
        self.alarms.foreign_write(output, now_ns)
        output.external = False

    def _on_source_down(self, lost: SourceDown, now_ns: int) -> None:
        source = self.sources[lost.source]
        changed: list[int] = []
        for number in self.fresh.members[source]:
            group = self.table.groups[number]
            self.fresh.down[number] = lost.cause
            self.fresh.recall(number)
            changed += self.image.degrade(group.first, group.first + group.count, lost.cause)
        self.alarms.source_lost(source, lost.cause, now_ns)
        self.schedule(now_ns + SOURCE_ALARM_NS, SOURCE, source)
        self.emit(View("source", lost.source))
        self._wake(changed, now_ns)

    def _on_result(self, result: WriteResult, now_ns: int) -> None:
        output = self._waiting.pop(result.id, None)
        if output is None or output.in_flight != result.id:
            return  # answered too late, or for a movement that another one has replaced
        self._ask(output, output.answered(result.value, result.ok, now_ns))
        if not output.verified:
            row = {"value": result.value, "asked": output.wanted, "try": output.tries, "error": result.error}
            self.record("output.read_back_wrong", output.tag.name, now_ns, _finite(row))
        self._tell_owners(output, now_ns)

    def _tell_owners(self, output: Output, now_ns: int) -> None:
        for owner in list(output.owners):
            if isinstance(owner, Function):
                owner.read_back(now_ns)
        for function in self.functions.values():
            if function.live and output in function.outputs and function not in output.owners:
                function.read_back(now_ns)

    def _on_self_check(self, check: SelfCheck, now_ns: int) -> None:
        first, self.booted = not self.booted, True
        if check.ok == self.self_ok and not first:
            return
        self.self_ok, self.self_reason = check.ok, check.what
        if not check.ok or not first:
            self.record("self_check", "gateway", now_ns, {"ok": check.ok, "what": check.what})
        self.alarms.self_check(check.ok, now_ns)
        for function in self.functions.values():
            function.event(Event.SELF_OK if check.ok else Event.SELF_FAIL, now_ns)
        if first:
            for rule in self.rules:  # what has never been received counts as bad from now on
                rule.evaluate(now_ns)
            self.heart.start(now_ns)
            for at, groups in enumerate(self.fresh.members):
                if any(self.fresh.down[group] for group in groups):
                    self.alarms.source_lost(at, Cause.NEVER, now_ns)
                    self.schedule(now_ns + SOURCE_ALARM_NS, SOURCE, at)

    def _on_stop(self, _stop: Stop, now_ns: int) -> None:
        self.stopping_ns = now_ns
        self.record("gateway.stop", "gateway", now_ns)
        for function in self.functions.values():
            if function.state in ENERGISED:
                function.event(Event.MANUAL_TRIP, now_ns, {"because": "STOP"})
        self.schedule(now_ns + STOP_NS, STOPPING, 0)

    def _stop_if_safe(self) -> None:
        waiting = [output for output in self.outputs.values() if output.owners]
        if all(output.verified and output.wanted == output.tag.safe for output in waiting):
            self.emit(Ended(True))
            self.ended = True  # and stays so: what was asked before the end is not energised after it

    def _on_command(self, command: Command, now_ns: int) -> None:
        self.commands.given(command, now_ns)

    def _on_durable(self, durable: Durable, now_ns: int) -> None:
        self.commands.durable(durable, now_ns)

    # --- deadlines ---

    def _due_rule(self, index: int, _generation: int, now_ns: int) -> None:
        rule = self.rules[index]
        rule.evaluate(now_ns)
        rule.settle(now_ns)

    def _due_try(self, tag: int, write_id: int, now_ns: int) -> None:
        output = self.outputs[self.table.tags[tag].name]
        self._waiting.pop(write_id, None)
        if output.in_flight == write_id:
            self._ask(output, output.overdue(write_id, now_ns))
            self.record("output.read_back_late", output.tag.name, now_ns, {"asked": output.wanted, "try": output.tries})
            self._tell_owners(output, now_ns)

    def _due_held(self, tag: int, _generation: int, now_ns: int) -> None:
        output = self.outputs[self.table.tags[tag].name]
        self._ask(output, output.again(now_ns))

    def _due_fresh(self, source: int, _generation: int, now_ns: int) -> None:
        stale, again_ns = self.fresh.expired(source, now_ns)
        changed: list[int] = []
        for number in stale:
            group = self.table.groups[number]
            part = slice(group.first, group.first + group.count)
            self.fresh.remember(number, bytes(self.image.qualities[part]), bytes(self.image.causes[part]))
            self.fresh.down[number] = Cause.STALE
            changed += self.image.degrade(group.first, group.first + group.count, Cause.STALE)
        if stale:
            self.alarms.source_lost(source, Cause.STALE, now_ns)
            self.schedule(now_ns + SOURCE_ALARM_NS, SOURCE, source)
            self.emit(View("source", self.table.sources[source].name))
        if again_ns != NEVER and not any(e[1] == FRESH and e[2] == source for e in self._heap):
            self.schedule(again_ns, FRESH, source)
        self._wake(changed, now_ns)

    def _due_peer(self, source: int, _generation: int, now_ns: int) -> None:
        if not self.heart.peer_silent(source, now_ns):
            return
        name = self.table.sources[source].name
        self.image.force(name, Cause.PEER_SILENT)
        self.record("source.peer_silent", name, now_ns)
        changed: list[int] = []
        for number in self.fresh.members[source]:
            group = self.table.groups[number]
            if not self.fresh.down[number]:
                changed += self.image.degrade(group.first, group.first + group.count, Cause.PEER_SILENT)
        self._wake(changed, now_ns)

    def _due_frozen(self, number: int, _generation: int, now_ns: int) -> None:
        if not self.fresh.down[number]:
            self._wake(self.image.freeze(number, now_ns), now_ns)

    def _due_beat(self, source: int, _generation: int, now_ns: int) -> None:
        self.heart.due(source, now_ns)

    def _due_proof(self, source: int, generation: int, now_ns: int) -> None:
        self.heart.proof_due(source, generation, now_ns)

    def _due_bypass(self, index: int, _generation: int, now_ns: int) -> None:
        function = self.rules[index]
        assert isinstance(function, Function)
        for bypass in list(function.bypasses):
            if bypass.until_ns <= now_ns:
                self.record("bypass.expired", function.name, now_ns, {"tag": bypass.tag})
                function.end_bypass(bypass, now_ns)
            elif bypass.until_ns - BYPASS_WARN_NS <= now_ns:
                self.record("bypass.warning", function.name, now_ns, {"tag": bypass.tag})
        self.emit(View("bypass", function.name))

    def watch_bypass(self, function: Function, bypass: Bypass) -> None:
        """Its end, and the warning before it, are the kernel's own deadlines: no person or link keeps a bypass alive."""
        self.schedule(bypass.until_ns - BYPASS_WARN_NS, BYPASS, function.index)
        self.schedule(bypass.until_ns, BYPASS, function.index)

    def _due_source(self, source: int, _generation: int, now_ns: int) -> None:
        self.alarms.source_due(source, now_ns)

    def _due_pending(self, command_id: int, _generation: int, now_ns: int) -> None:
        self.commands.overdue(command_id, now_ns)

    def _due_stopping(self, _index: int, _generation: int, now_ns: int) -> None:
        if not self.ended:
            self.ended = True
            self.emit(Ended(False))

    _apply: dict[type, Callable[..., None]] = {
        Columns: _on_columns,
        Few: _on_few,
        Personal: _on_few,
        Alive: _on_alive,
        SourceDown: _on_source_down,
        WriteResult: _on_result,
        Command: _on_command,
        Durable: _on_durable,
        SelfCheck: _on_self_check,
        Stop: _on_stop,
    }
    _due: tuple[Callable[[Kernel, int, int, int], None], ...] = (
        _due_rule,
        _due_try,
        _due_held,
        _due_fresh,
        _due_peer,
        _due_frozen,
        _due_beat,
        _due_proof,
        _due_bypass,
        _due_source,
        _due_pending,
        _due_stopping,
    )

    # --- heartbeat ---

    def silent(self, source: str) -> bool:
        """I3: the heartbeat of a PLC is withheld while the self-check is down or a live function of its is not to be trusted."""
        return not self.self_ok or any(
            function.live and function.state in SILENT and any(o.tag.source == source for o in function.outputs)
            for function in self.functions.values()
        )

    # --- snapshot ---

    def snapshot(self) -> bytes:
        """Everything that `restore` needs for the same effects from here on, bit for bit."""
        state = {
            "boot": self.boot,
            "program": self._program_hash,
            "clock": [self.seq, self.now_ns, self._utc_offset_ns, self._counter],
            "level": [self.self_ok, self.self_reason, self.booted, self.stopping_ns, self.ended],
            "heap": sorted(self._heap),
            "image": self.image.save(),
            "fresh": self.fresh.save(),
            "rules": [rule.save() for rule in self.rules],
            "outputs": {name: output.save() for name, output in self.outputs.items()},
            "unsettled": [output.tag.name for output in self._unsettled],
            "alarms": self.alarms.save(),
            "heart": self.heart.save(),
            "commands": self.commands.save(),
        }
        return msgspec.msgpack.encode(state)

    def restore(self, data: bytes) -> None:
        """Take a snapshot of a kernel of the same site and program. Raises ValueError if it is of another."""
        state = msgspec.msgpack.decode(data)
        if state["program"] != self._program_hash:
            raise ValueError("the snapshot is of another rule set")
        self.boot = state["boot"]
        self.seq, self.now_ns, self._utc_offset_ns, self._counter = state["clock"]
        self.self_ok, self.self_reason, self.booted, self.stopping_ns, self.ended = state["level"]
        self._heap = [(due, kind, index, generation) for due, kind, index, generation in state["heap"]]
        self.image.load(state["image"])
        self.fresh.load(state["fresh"])
        for rule, saved in zip(self.rules, state["rules"], strict=True):
            rule.load(saved)
        owners = [rule for rule in self.rules if isinstance(rule, Function)]
        by_index: dict[int, Function] = {function.index: function for function in owners}
        for name, saved in state["outputs"].items():
            self.outputs[name].load(saved, by_index)
        self._unsettled = [self.outputs[name] for name in state["unsettled"]]
        self._waiting = {output.in_flight: output for output in self.outputs.values() if output.in_flight}
        self.alarms.load(state["alarms"])
        self.heart.load(state["heart"])
        self.commands.load(state["commands"])


def _finite(row: dict[str, Any]) -> dict[str, Any]:
    """Without NaN, which JSON cannot say."""
    return {key: value for key, value in row.items() if value == value}
