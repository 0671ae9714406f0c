"""Interlocks in and out of service, and what the rest of the box is told of their life."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.core.deadlines import BYPASS
from gateway.core.effects import View
from gateway.core.functions import Bypass, FirstOut, Function
from gateway.core.interlocks import ENERGISED, Event, State
from gateway.core.limits import BYPASS_WARN_NS, MS

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

    def noted(self, function: Function, kind: str, now_ns: int, detail: dict[str, Any]) -> None:
        """A function has something for the journal that is no change of state."""
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

    def disarm(self, function: Function, now_ns: int) -> None:
        """Take a function out of service: it trips first, and lets go of its outputs only when they are read back safe."""
        function.retiring = True
        if function.state in (*ENERGISED, State.TRIPPING, State.TRIP_FAILED):
            function.event(Event.MANUAL_TRIP, now_ns, {"because": "disarm"})
        else:
            self._retire(function, now_ns)

    def _retire(self, function: Function, now_ns: int) -> None:
        """The end of a disarm. Who still waits in ARMING for the same outputs must be reset anew: a disarm energises nothing."""
        self._kernel.arbiter.disown(function)
        function.retire(now_ns)
        for output in function.outputs:
            for owner in list(output.owners):
                if isinstance(owner, Function) and owner.state is State.ARMING:
                    owner.event(Event.EXTERNAL_TRIP, now_ns, {"because": f"{function.name} is disarmed"})
        self._kernel.alarms.function_moved(function, State.TRIPPED, now_ns)
        self.keep_mode(function, now_ns)
        self._kernel.proofs.due(function, now_ns)

    def keep_mode(self, function: Function, now_ns: int) -> None:
        """Journal the mode of a function, so that a restart knows it."""
        row = {"mode": function.mode, "hash": function.hash}
        key = f"function:{function.name}"
        self._kernel.record("interlock.mode", function.name, now_ns, row, key=key, keep=function.kept())
        self._kernel.emit(View("interlock", function.name))

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
