"""What people ask. Giving permission takes two phases: validate, journal, durable, validate again, act.
Taking permission away acts first and is journalled after (spec/kernel.md, Effects and outputs).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from gateway.core.alarms import Happening, Verdict, after
from gateway.core.deadlines import PENDING
from gateway.core.effects import Answer, View
from gateway.core.evaluate import DOUBTFUL, FIT
from gateway.core.functions import Bypass, Function
from gateway.core.interlocks import ENERGISED, Event, State
from gateway.core.limits import (
    BYPASS_EXTENSION_NS,
    BYPASS_MAX_NS,
    BYPASS_REASON_MIN,
    COMMANDS_MAX,
    DURABLE_WAIT_NS,
    SECOND,
)
from gateway.core.samples import Command, Durable
from gateway.core.summary import Audit
from gateway.core.tags import Quality

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel

OK, NOT_FOUND, NOT_PERMITTED, REFUSED, NOT_CONFIRMED = 0, 4, 5, 6, 7
RANK = {"operator": 1, "supervisor": 2, "engineer": 3}


class Refusal(msgspec.Struct, frozen=True):
    """Why not: an exit code, a message key and its arguments."""

    code: int
    message: str
    args: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Verb:
    """One thing people can ask. `gives` = it gives permission, and so has two phases."""

    role: str
    gives: bool
    validate: Callable[[Commands, Command], Refusal | None]
    act: Callable[[Commands, Command, int], None]


class Commands:
    """The verbs, and the intentions that wait for the disk."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._pending: dict[int, Command] = {}

    # --- the two ways ---

    def given(self, command: Command, now_ns: int) -> None:
        """A command arrived: refuse it, act on it, or journal the intention first."""
        verb = VERBS.get(command.verb)
        refusal = Refusal(NOT_FOUND, "command.unknown", {"verb": command.verb}) if verb is None else None
        if verb is not None:
            refusal = self._permitted(verb, command) or verb.validate(self, command)
        if refusal is not None or verb is None:
            self._refuse(command, refusal or Refusal(NOT_FOUND, "command.unknown"), now_ns)
            return
        if not verb.gives:
            verb.act(self, command, now_ns)
            self._journal(command, "command", now_ns, {})
            self._answer(command, OK, "command.done")
            return
        if len(self._pending) >= COMMANDS_MAX:
            self._refuse(command, Refusal(REFUSED, "command.too-many"), now_ns)
            return
        self._pending[command.id] = command
        self._journal(command, "intent", now_ns, {}, confirm=command.id)
        self._kernel.schedule(now_ns + DURABLE_WAIT_NS, PENDING, command.id)

    def durable(self, durable: Durable, now_ns: int) -> None:
        """An intention is on disk, or cannot be."""
        command = self._pending.pop(durable.id, None)
        if command is None:
            return
        if not durable.ok:
            self._refuse(command, Refusal(REFUSED, "command.not-durable"), now_ns)
            return
        verb = VERBS[command.verb]
        refusal = verb.validate(self, command)
        if refusal is not None:
            self._refuse(command, refusal, now_ns)
            return
        verb.act(self, command, now_ns)
        self._journal(command, "command", now_ns, {}, summary=True)
        self._answer(command, OK, "command.done")

    def overdue(self, command_id: int, now_ns: int) -> None:
        """An intention was not on disk in time: it is refused, and stays so should it become durable later."""
        command = self._pending.pop(command_id, None)
        if command is not None:
            self._refuse(command, Refusal(REFUSED, "command.not-durable"), now_ns)

    def _permitted(self, verb: Verb, command: Command) -> Refusal | None:
        if not command.person:
            return Refusal(NOT_PERMITTED, "command.person")
        role = verb.role
        function = self._kernel.functions.get(command.target)
        if function is not None and command.verb == "interlock.reset":
            role = function.rule.reset_role
        elif function is not None and command.verb == "bypass.set":
            role = function.rule.bypass.role
        if RANK.get(command.role, 0) >= RANK.get(role, 9):
            return None
        return Refusal(NOT_PERMITTED, "command.role", {"role": role, "yours": command.role})

    def _refuse(self, command: Command, refusal: Refusal, now_ns: int) -> None:
        self._journal(command, "refused", now_ns, {"why": refusal.message})
        self._answer(command, refusal.code, refusal.message, refusal.args)

    def _answer(self, command: Command, code: int, message: str, args: dict[str, str] | None = None) -> None:
        self._kernel.emit(Answer(command.id, code, message, args or {}))

    def _journal(
        self,
        command: Command,
        kind: str,
        now_ns: int,
        detail: dict[str, Any],
        *,
        confirm: int = 0,
        summary: bool = False,
    ) -> None:
        row = {"role": command.role, **command.args, **detail}
        audit = (
            Audit(utc_ms=self._kernel.utc_ms(now_ns), verb=command.verb, target=command.target, role=command.role)
            if summary or (kind == "command" and not command.verb.startswith("alarm."))
            else None
        )
        self._kernel.record(
            f"{kind}.{command.verb}",
            command.target,
            now_ns,
            row,
            person=command.person,
            summary=audit,
            confirm=confirm,
        )

    # --- finding things ---

    def function(self, command: Command) -> Function:
        """The function a validated command is about."""
        return self._kernel.functions[command.target]

    def _need_function(self, command: Command) -> Refusal | None:
        if command.target in self._kernel.functions:
            return None
        return Refusal(NOT_FOUND, "interlock.unknown", {"name": command.target})

    # --- interlocks ---

    def may_shadow(self, command: Command) -> Refusal | None:
        missing = self._need_function(command)
        if missing is None and self.function(command).live:
            return Refusal(REFUSED, "interlock.live", {"name": command.target})
        return missing

    def shadow(self, command: Command, now_ns: int) -> None:
        function = self.function(command)
        function.mode = "shadow"
        self._kernel.service.keep_mode(function, now_ns)

    def may_arm(self, command: Command) -> Refusal | None:
        """Arming needs a proven watchdog on every PLC that the function drives (interlocks.md §7)."""
        missing = self._need_function(command)
        if missing is not None:
            return missing
        function, kernel = self.function(command), self._kernel
        if function.live and function.armed_hash == function.hash:
            return Refusal(REFUSED, "interlock.already-armed", {"name": command.target})
        for output in function.outputs:
            source = kernel.table.sources[kernel.source_of(output.tag.number)]
            if source.heartbeat < 0:
                return Refusal(REFUSED, "interlock.no-heartbeat", {"source": source.name})
            if not kernel.heart.proven(source.name):
                return Refusal(REFUSED, "interlock.watchdog-not-proven", {"source": source.name})
        return None

    def arm(self, command: Command, now_ns: int) -> None:
        self._kernel.service.arm(self.function(command), now_ns)

    def may_disarm(self, command: Command) -> Refusal | None:
        missing = self._need_function(command)
        if missing is None and not self.function(command).live:
            return Refusal(REFUSED, "interlock.not-live", {"name": command.target})
        return missing

    def disarm(self, command: Command, now_ns: int) -> None:
        self._kernel.service.disarm(self.function(command), now_ns)

    def trip(self, command: Command, now_ns: int) -> None:
        self.function(command).event(Event.MANUAL_TRIP, now_ns, {"by": command.person})

    def may_reset(self, command: Command) -> Refusal | None:
        """Only READY takes a reset; what is missing is named."""
        missing = self._need_function(command) or self.may_disarm(command)
        if missing is not None:
            return missing
        function, kernel = self.function(command), self._kernel
        if function.retiring:
            return Refusal(REFUSED, "interlock.not-live", {"name": command.target})
        if function.armed_hash != function.hash:
            return Refusal(REFUSED, "interlock.changed", {"name": command.target})
        if kernel.stopping_ns >= 0:
            return Refusal(REFUSED, "gateway.stopping")
        if function.state is not State.READY:
            return Refusal(REFUSED, "interlock.not-ready", {"name": command.target, "state": function.state.name})
        if not function.cleared() or not function.permissive_ok():
            return Refusal(REFUSED, "interlock.not-clear", {"name": command.target})
        for output in function.outputs:
            source = kernel.table.sources[kernel.source_of(output.tag.number)]
            if source.healthy >= 0 and not self._healthy(source.healthy):
                return Refusal(REFUSED, "watchdog.dropped", {"source": source.name})
        if any(output.hunting for output in function.outputs):
            return Refusal(REFUSED, "interlock.hunting", {"name": command.target})
        return None

    def reset(self, command: Command, now_ns: int) -> None:
        self.function(command).event(Event.RESET, now_ns, {"by": command.person})

    def may_clear(self, command: Command) -> Refusal | None:
        missing = self._need_function(command)
        if missing is not None:
            return missing
        if self.function(command).state is not State.FAULT or not self._kernel.self_ok:
            return Refusal(REFUSED, "interlock.no-fault", {"name": command.target})
        return None

    def clear(self, command: Command, now_ns: int) -> None:
        self.function(command).event(Event.CLEAR_FAULT, now_ns, {"by": command.person})

    # --- bypass (I19) ---

    def may_bypass(self, command: Command) -> Refusal | None:
        missing = self._need_function(command) or self._bypass_form(command)
        if missing is not None:
            return missing
        function, tag = self.function(command), command.args["tag"]
        leaves = function.leaves_of(tag)
        if not leaves:
            return Refusal(NOT_FOUND, "bypass.no-such-input", {"name": command.target, "tag": tag})
        if any(bypass.tag == tag for bypass in function.bypasses):
            return Refusal(REFUSED, "bypass.already", {"tag": tag})
        person, ended_ns = function.last_bypass.get(tag, ("", 0))
        if person == command.person and self._kernel.now_ns - ended_ns < BYPASS_EXTENSION_NS:
            return Refusal(REFUSED, "bypass.extension", {"tag": tag, "person": person})
        if function.bypassed_votes() & {leaf.vote for leaf in leaves}:
            return Refusal(REFUSED, "bypass.group", {"name": command.target})
        if function.state is State.PRETRIP:
            return Refusal(REFUSED, "bypass.pretrip", {"name": command.target})
        # A value beyond its range on the demand side is demand and no failed transmitter, though its quality is BAD.
        if any(leaf.state in (FIT, DOUBTFUL) and leaf.last & 3 == leaf.against for leaf in leaves):
            return Refusal(REFUSED, "bypass.demand", {"tag": tag})
        return None

    def _bypass_form(self, command: Command) -> Refusal | None:
        args, terms = command.args, self.function(command).rule.bypass
        if terms.max_ns == 0:
            return Refusal(REFUSED, "bypass.never", {"name": command.target})
        if not args.get("tag"):
            return Refusal(REFUSED, "bypass.no-tag")
        if len(args.get("reason", "").strip()) < BYPASS_REASON_MIN:
            return Refusal(REFUSED, "bypass.reason", {"characters": str(BYPASS_REASON_MIN)})
        if not args.get("measure", "").strip():
            return Refusal(REFUSED, "bypass.measure")
        longest_ns = min(terms.max_ns, BYPASS_MAX_NS)
        minutes = args.get("minutes", "")
        if not minutes.isascii() or not minutes.isdigit() or not 0 < int(minutes) * 60 * SECOND <= longest_ns:
            return Refusal(REFUSED, "bypass.minutes", {"most": str(longest_ns // (60 * SECOND))})
        return None

    def bypass(self, command: Command, now_ns: int) -> None:
        function, args = self.function(command), command.args
        until_ns = now_ns + int(args["minutes"]) * 60 * SECOND
        bypass = Bypass(
            args["tag"],
            command.person,
            args["reason"],
            args["measure"],
            now_ns,
            until_ns,
            self._kernel.utc_ms(until_ns),
        )
        function.set_bypass(bypass, now_ns)
        self._kernel.service.watch_bypass(function, bypass)
        self._kernel.emit(View("bypass", function.name))

    def may_end_bypass(self, command: Command) -> Refusal | None:
        missing = self._need_function(command)
        tag = command.args.get("tag", "")
        if missing is None and not any(bypass.tag == tag for bypass in self.function(command).bypasses):
            return Refusal(NOT_FOUND, "bypass.none", {"tag": tag})
        return missing

    def end_bypass(self, command: Command, now_ns: int) -> None:
        function = self.function(command)
        for bypass in [b for b in function.bypasses if b.tag == command.args["tag"]]:
            function.end_bypass(bypass, now_ns)
        self._kernel.emit(View("bypass", function.name))

    # --- alarms ---

    def may_ack(self, command: Command) -> Refusal | None:
        """An acknowledgement names its occurrence, and cannot mean a later one."""
        point = self._kernel.alarms.points.get(command.target)
        if point is None:
            return Refusal(NOT_FOUND, "alarm.unknown", {"name": command.target})
        given, current = command.args.get("occurrence", ""), f"{point.occurrence[0]:x}-{point.occurrence[1]}"
        if given != current:
            return Refusal(REFUSED, "alarm.other-occurrence", {"given": given, "current": current})
        if after(point.base, Happening.ACK, latch=point.latch)[1] is Verdict.REJECTED:
            return Refusal(REFUSED, "alarm.not-active", {"name": command.target})
        return None

    def ack(self, command: Command, now_ns: int) -> None:
        self._kernel.alarms.acknowledge(command.target, command.person, now_ns)

    def may_alarm_reset(self, command: Command) -> Refusal | None:
        point = self._kernel.alarms.points.get(command.target)
        if point is None:
            return Refusal(NOT_FOUND, "alarm.unknown", {"name": command.target})
        verdict = after(point.base, Happening.RESET, latch=point.latch)[1]
        if verdict is Verdict.ACK_FIRST:
            return Refusal(REFUSED, "alarm.ack-first", {"name": command.target})
        return None if verdict is Verdict.MOVED else Refusal(REFUSED, "alarm.not-latched", {"name": command.target})

    def alarm_reset(self, command: Command, now_ns: int) -> None:
        self._kernel.alarms.reset(command.target, command.person, now_ns)

    # --- the proof of a watchdog (§7) ---

    def may_prove(self, command: Command) -> Refusal | None:
        """Withholding a heartbeat drives a PLC's outputs safe: never while one of them is energised by a function."""
        kernel, state = self._kernel, command.args.get("state", "begin")
        at = kernel.sources.get(command.target)
        if at is None:
            return Refusal(NOT_FOUND, "source.unknown", {"name": command.target})
        source = kernel.table.sources[at]
        if source.heartbeat < 0:
            return Refusal(REFUSED, "interlock.no-heartbeat", {"source": source.name})
        if state not in ("begin", "proven", "failed"):
            return Refusal(REFUSED, "watchdog.state", {"state": state})
        running = kernel.heart.peers[at].proof in ("running", "latched")
        if state == "begin":
            for function in kernel.functions.values():
                if function.state in ENERGISED and any(o.tag.source == source.name for o in function.outputs):
                    return Refusal(REFUSED, "watchdog.energised", {"name": function.name})
            if source.healthy >= 0 and not self._healthy(source.healthy):
                return Refusal(REFUSED, "watchdog.dropped", {"source": source.name})
            return Refusal(REFUSED, "watchdog.running") if running else None
        if not running:
            return Refusal(REFUSED, "watchdog.not-running")
        if state == "proven" and source.healthy >= 0:
            return Refusal(REFUSED, "watchdog.measured")
        return None

    def _healthy(self, tag: int) -> bool:
        """The PLC says that its watchdog has not dropped; one that has would prove nothing."""
        image = self._kernel.image
        return image.qualities[tag] == Quality.GOOD and image.values[tag] == 1.0

    def prove(self, command: Command, now_ns: int) -> None:
        at, state = self._kernel.sources[command.target], command.args.get("state", "begin")
        if state == "begin":
            self._kernel.heart.begin_proof(at, command.person, now_ns)
        else:
            self._kernel.heart.end_proof(
                at, "proven" if state == "proven" else "failed", now_ns, f"seen by {command.person}"
            )

    # --- snapshot ---

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [[c.id, c.person, c.role, c.verb, c.target, list(c.args.items())] for c in self._pending.values()]

    def load(self, state: list[Any]) -> None:
        """Take a snapshot's state."""
        self._pending = {row[0]: Command(row[0], row[1], row[2], row[3], row[4], dict(row[5])) for row in state}


VERBS: dict[str, Verb] = {
    "interlock.shadow": Verb("engineer", False, Commands.may_shadow, Commands.shadow),
    "interlock.arm": Verb("supervisor", True, Commands.may_arm, Commands.arm),
    "interlock.disarm": Verb("supervisor", False, Commands.may_disarm, Commands.disarm),
    "interlock.trip": Verb("operator", False, Commands.may_disarm, Commands.trip),
    "interlock.reset": Verb("supervisor", True, Commands.may_reset, Commands.reset),
    "interlock.clear": Verb("engineer", True, Commands.may_clear, Commands.clear),
    "bypass.set": Verb("supervisor", True, Commands.may_bypass, Commands.bypass),
    "bypass.clear": Verb("operator", False, Commands.may_end_bypass, Commands.end_bypass),
    "alarm.ack": Verb("operator", False, Commands.may_ack, Commands.ack),
    "alarm.reset": Verb("operator", False, Commands.may_alarm_reset, Commands.alarm_reset),
    "source.watchdog": Verb("supervisor", True, Commands.may_prove, Commands.prove),
}
