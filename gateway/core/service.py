"""Interlocks in and out of service, and what the rest of the box is told of their life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gateway.core.controls import Linkage, Position
from gateway.core.deadlines import BYPASS
from gateway.core.effects import View
from gateway.core.function_state import Bypass, FirstOut
from gateway.core.functions import Function
from gateway.core.interlocks import ENERGISED, Event, State
from gateway.core.limits import BYPASS_WARN_NS, MS, OVERRIDE_MAX_NS
from gateway.core.outputs import Owner
from gateway.core.permits import Ending, Issued, Permission

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


class Service:
    """The `Line` of functions: journals their moves, moves their outputs, keeps their modes and bypasses."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel

    @property
    def self_ok(self) -> bool:
        """The level of the self-check."""
        return self._kernel.self_ok

    @property
    def stopping(self) -> bool:
        """An orderly end is under way."""
        return self._kernel.stopping_ns >= 0

    def utc_ms(self, at_ns: int) -> int:
        """UTC of a kernel instant."""
        return self._kernel.utc_ms(at_ns)

    def schedule_rule(self, due_ns: int, index: int) -> None:
        """Evaluate rule `index` at `due_ns`."""
        self._kernel.schedule_rule(due_ns, index)

    def stamped(self, name: str, now_ns: int) -> int:
        """Age in ns of what a person noted as done, -1 where none counts."""
        return self._kernel.stamped(name, now_ns)

    # --- functions tell ---

    def moved(self, function: Function, event: Event, before: State, now_ns: int, detail: dict[str, Any]) -> None:
        """A function's state changed: journal it, tell the alarm, move what must move at once."""
        kernel, state = self._kernel, function.state
        kernel.emit(View("interlock", function.name))
        kernel.arbiter.unsettle(function.outputs)
        row: dict[str, Any] = {"from": before.name, "to": state.name, "event": event.name, **detail}
        if function.first_out is not None and state in (State.TRIPPING, State.TRIPPED, State.TRIP_FAILED):
            row["first_out"] = list(function.first_out.causes)
        near_miss = before is State.PRETRIP and state is State.ARMED
        kind = "interlock.near_miss" if near_miss else f"interlock.{state.name.lower()}"
        kernel.alarms.function_moved(function, before, now_ns)
        kernel.record(kind, function.name, now_ns, row, key=f"function:{function.name}", keep=function.kept())
        if state is State.TRIPPING:
            for output in function.outputs:
                kernel.arbiter.ask(output, output.confirm_safe(now_ns))
        elif state is State.TRIP_FAILED:
            kernel.proofs.failed(function)
            self.drive_secondary(function, now_ns)
        elif state is State.TRIPPED and before is State.TRIPPING:
            kernel.proofs.tripped(function, function.last_trip_ns)
        if function.retiring and state in (State.TRIPPED, State.FAULT):
            self._retire(function, now_ns)
        if state is State.ARMING:
            for output in function.otherwise:
                output.forced = False
            kernel.arbiter.unsettle(function.otherwise)
        if state is State.TRIPPING:
            kernel.tellings.up(function.rule, now_ns)

    def noted(self, function: Function, kind: str, now_ns: int, detail: dict[str, Any]) -> None:
        """A function has something for the journal that is no change of state."""
        if self._kernel.functions[function.name] is not function:  # a version on trial: no alarm speaks for it
            self._kernel.record(kind, function.name, now_ns, {**detail, "candidate": function.hash})
            return
        self._kernel.record(kind, function.name, now_ns, detail)
        self._kernel.alarms.function_noted(function, kind, now_ns)
        if kind in ("interlock.effect_failed", "interlock.effect_confirmed"):
            self._kernel.proofs.effect(function, seen=kind == "interlock.effect_confirmed")
        if kind == "interlock.effect_failed":
            self.drive_secondary(function, now_ns)

    def drive_secondary(self, function: Function, now_ns: int) -> None:
        """The first outputs or their effect failed: the secondary ones go safe until the next reset (`else stop`)."""
        self._kernel.arbiter.unsettle(function.otherwise)
        for output in function.otherwise:
            output.forced = True
            for owner in list(output.owners):
                if isinstance(owner, Function) and owner is not function:
                    owner.event(Event.EXTERNAL_TRIP, now_ns, {"because": function.name})

    # --- in and out of service ---

    def arm(self, function: Function, now_ns: int) -> None:
        """Make this version of a function live; a first arm comes up TRIPPED, a running one keeps its state."""
        kernel = self._kernel
        if not function.live:
            function.mode = "live"
            function.state, function.state_since_ns = (State.TRIPPED if self.self_ok else State.FAULT), now_ns
            function.clear_since_ns = now_ns if function.cleared() and function.permissive_ok() else -1
            if function.state is State.TRIPPED and function.first_out is None:
                function.first_out = FirstOut(("FIRST_ARM",), (), now_ns, self.utc_ms(now_ns))
            kernel.arbiter.own(function)
        function.armed_hash = function.hash
        function.evaluate(now_ns)
        function.settle(now_ns)
        kernel.alarms.function_moved(function, function.state, now_ns)
        self.keep_mode(function, now_ns)
        kernel.proofs.armed(function, now_ns)

    def replace(self, new: Function, now_ns: int) -> None:
        """Arm the candidate of a function in this very step. The same outputs: it goes on from the state of the old version."""
        kernel, old = self._kernel, self._kernel.functions[new.name]
        for bypass in list(old.bypasses):  # given for the old version, by people who did not know the new one
            self.end_bypass(old, bypass, "bypass.version", now_ns)
        going_on = old.live and old.outputs == new.outputs
        if going_on:
            new.succeed(old, now_ns)
        if going_on:
            kernel.arbiter.disown(old)
        elif old.live:
            self._let_go(old, now_ns)
        old.retire(now_ns)
        kernel.exchange(new.name)
        if going_on:
            kernel.arbiter.own(new)
        self.arm(new, now_ns)

    def disarm(self, function: Function, now_ns: int) -> None:
        """Take a function out of service: it trips first, and lets go of its outputs only when they are read back safe."""
        function.retiring = True
        if function.state in (*ENERGISED, State.TRIPPING, State.TRIP_FAILED):
            function.event(Event.MANUAL_TRIP, now_ns, {"because": "disarm"})
        else:
            self._retire(function, now_ns)

    def _retire(self, function: Function, now_ns: int) -> None:
        """The end of a disarm."""
        self._let_go(function, now_ns)
        function.retire(now_ns)
        self._kernel.alarms.function_moved(function, State.TRIPPED, now_ns)
        self.keep_mode(function, now_ns)
        self._kernel.proofs.due(function, now_ns)

    def _let_go(self, leaving: Owner, now_ns: int) -> None:
        """An owner leaves its outputs. One that stands safe stays so: whoever still asks for it must be reset anew."""
        self._kernel.arbiter.disown(leaving)
        for output in leaving.outputs:
            if output.wanted != output.tag.safe:
                continue
            for owner in list(output.owners):
                if isinstance(owner, Function) and owner.state in ENERGISED:
                    owner.event(Event.EXTERNAL_TRIP, now_ns, {"because": f"{leaving.name} is disarmed"})

    def keep_mode(self, function: Function, now_ns: int) -> None:
        """Journal the mode of a function, so that a restart knows it."""
        row = {"mode": function.mode, "hash": function.hash}
        key = f"function:{function.name}"
        self._kernel.record("interlock.mode", function.name, now_ns, row, key=key, keep=function.kept())
        self._kernel.emit(View("interlock", function.name))

    # --- controls ---

    def shifted(self, linkage: Linkage, before: Position, why: str, now_ns: int) -> None:
        """A control moved, or its outputs failed to: journal it and arbitrate its outputs."""
        kernel, name = self._kernel, linkage.name
        kernel.arbiter.unsettle(linkage.outputs)
        row = {"from": before, "to": linkage.position, **({"why": why} if why else {})}
        kernel.record("control.moved", name, now_ns, row)
        kernel.emit(View("control", name))
        kernel.alarms.system(f"{name}_FAILED", linkage.failed, now_ns)
        if linkage.live and linkage.position == "on" != before:
            kernel.tellings.up(linkage.rule, now_ns)
        if linkage.rule.announce:
            kernel.alarms.system(name, linkage.live and linkage.position == "on", now_ns)

    def arm_control(self, linkage: Linkage, now_ns: int) -> None:
        """A control is in service: it owns its outputs, safe at first."""
        self._kernel.arbiter.own(linkage)
        linkage.arm(now_ns)
        self._keep_control(linkage, now_ns)

    def disarm_control(self, linkage: Linkage, now_ns: int) -> None:
        """Out of service: it lets go of its outputs when they are read back safe."""
        linkage.disarm(now_ns)
        self._keep_control(linkage, now_ns)

    def released(self, linkage: Linkage, now_ns: int) -> None:
        """The outputs of a control out of service stand safe."""
        self._let_go(linkage, now_ns)

    def _keep_control(self, linkage: Linkage, now_ns: int) -> None:
        row = {"mode": "live" if linkage.live else "off", "hash": linkage.hash}
        key = f"control:{linkage.name}"
        self._kernel.record("control.mode", linkage.name, now_ns, row, key=key, keep=linkage.kept())

    # --- permits ---

    def permitted(self, permission: Permission, now_ns: int) -> None:
        """A permit may be issued now, or may not any more."""
        kind = "permit.allowed" if permission.allowed else "permit.denied"
        self._kernel.record(kind, permission.name, now_ns)
        self._kernel.emit(View("permit", permission.name))

    def issue(self, permission: Permission, issued: Issued, now_ns: int) -> None:
        """Give a permit out."""
        kernel, name = self._kernel, permission.name
        permission.issue(issued)
        row = {"number": list(issued.number), "place": issued.place, "until_utc_ms": issued.until_utc_ms}
        key = f"permit:{name}"
        kernel.record("permit.issued", name, now_ns, row, person=issued.person, key=key, keep=permission.kept())
        kernel.alarms.system(f"{name}_REVOKED", False, now_ns)
        kernel.emit(View("permit", name))

    def revoked(self, permission: Permission, issued: Issued, why: Ending, now_ns: int) -> None:
        """An issued permit ended; one that ended because a condition failed is an alarm: people are at work there."""
        kernel, name = self._kernel, permission.name
        row = {"number": list(issued.number), "why": why}
        kernel.record("permit.ended", name, now_ns, row, person=issued.person, key=f"permit:{name}")
        if why in ("condition", "expired"):
            kernel.alarms.system(f"{name}_REVOKED", True, now_ns)
            kernel.tellings.up(permission.rule, now_ns)
        kernel.emit(View("permit", name))

    def note(self, name: str, person: str, now_ns: int) -> None:
        """Something is done: rules that ask for it look again."""
        kernel = self._kernel
        stamp = kernel.stamps.note(name, person, now_ns, kernel.utc_ms(now_ns))
        key = f"done:{name}"
        kernel.record("done", name, now_ns, person=person, key=key, keep=msgspec.msgpack.encode(stamp))
        for index in kernel.asked_done[name]:
            kernel.rules[index].evaluate(now_ns)

    # --- start-up override (I18) ---

    def override(self, function: Function, person: str, reason: str, now_ns: int) -> None:
        """Keep the demand from tripping until the equipment has started, a quarter of an hour at most."""
        assert function.rule.override is not None
        until_ns = now_ns + min(function.rule.override.max_ns, OVERRIDE_MAX_NS)
        override = Bypass("", person, reason, "", now_ns, until_ns, self.utc_ms(until_ns), "start-up")
        self._kernel.record(
            "override.begin", function.name, now_ns, {"until_utc_ms": override.until_utc_ms}, person=person
        )
        function.begin_override(override, now_ns)
        self._kernel.emit(View("bypass", function.name))

    # --- bypasses end by themselves (I20) ---

    def watch_bypass(self, function: Function, bypass: Bypass) -> None:
        """Its end, and the warning before it, are the kernel's own deadlines: no person or link keeps a bypass alive."""
        self._kernel.schedule(bypass.until_ns - BYPASS_WARN_NS, BYPASS, function.index)
        self._kernel.schedule(bypass.until_ns, BYPASS, function.index)

    def due_bypass(self, index: int, now_ns: int) -> None:
        """A bypass of this function ends now, or in a quarter of an hour."""
        kernel = self._kernel
        function = kernel.rules[index]
        assert isinstance(function, Function)
        for bypass in list(function.bypasses):
            if bypass.until_ns <= now_ns:
                self.end_bypass(function, bypass, "bypass.expired", now_ns)
            elif bypass.until_ns - BYPASS_WARN_NS <= now_ns:
                kernel.record("bypass.warning", function.name, now_ns, {"tag": bypass.tag})
        self._warn_bypasses(function, now_ns)
        kernel.emit(View("bypass", function.name))

    def end_bypass(self, function: Function, bypass: Bypass, kind: str, now_ns: int) -> None:
        """Put the input back into the vote, and keep how long it was out."""
        self._keep_bypass(function, bypass, kind, now_ns)
        function.end_bypass(bypass, now_ns)
        self._warn_bypasses(function, now_ns)

    def extend_bypass(self, function: Function, bypass: Bypass, longer: Bypass, now_ns: int) -> None:
        """Another person answers for the bypass from now on."""
        self._keep_bypass(function, bypass, "bypass.extended", now_ns)
        function.extend_bypass(bypass, longer)
        self._warn_bypasses(function, now_ns)

    def _keep_bypass(self, function: Function, bypass: Bypass, kind: str, now_ns: int) -> None:
        """Journal the end of one authorisation before what follows from it, with the time it took."""
        lasted_ns = now_ns - bypass.since_ns
        function.statistics.bypassed_ns += lasted_ns
        row, key = {"tag": bypass.tag, "lasted_ms": lasted_ns // MS}, f"function:{function.name}"
        self._kernel.record(kind, function.name, now_ns, row, key=key, keep=function.kept())
        self._kernel.emit(View("bypass", function.name))

    def _warn_bypasses(self, function: Function, now_ns: int) -> None:
        ending = any(bypass.until_ns - BYPASS_WARN_NS <= now_ns for bypass in function.bypasses)
        self._kernel.alarms.system(f"{function.name}_BYPASS", ending, now_ns)
