"""`interlock.*`: functions in and out of service, tripped, reset, cleared. Asked again here, whatever the border asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from gateway.core.commands.verb import NOT_FOUND, RANK, REFUSED, Refusal, Verb
from gateway.core.commands.watchdog import healthy
from gateway.core.functions import Function
from gateway.core.interlocks import ENERGISED, Event, State
from gateway.core.outputs import Output
from gateway.core.samples import Command

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


MOVING = (*ENERGISED, State.TRIPPING, State.TRIP_FAILED)  # outputs are not yet read back safe


def need_function(kernel: Kernel, command: Command) -> Refusal | None:
    """The target is an interlock of this site."""
    if command.target in kernel.functions:
        return None
    return Refusal(NOT_FOUND, "interlock.unknown", {"name": command.target})


def reset_role(kernel: Kernel, command: Command) -> str:
    """The role that the rule itself names."""
    function = kernel.functions.get(command.target)
    return function.rule.reset_role if function else ""


def may_shadow(kernel: Kernel, command: Command) -> Refusal | None:
    missing = need_function(kernel, command)
    if missing is None and kernel.functions[command.target].live:
        return Refusal(REFUSED, "interlock.live", {"name": command.target})
    return missing


def shadow(kernel: Kernel, command: Command, now_ns: int) -> None:
    function = kernel.functions[command.target]
    function.mode = "shadow"
    kernel.service.keep_mode(function, now_ns)


def may_arm(kernel: Kernel, command: Command) -> Refusal | None:
    """Arming needs a proven watchdog on every PLC that the function drives (interlocks.md §7)."""
    missing = need_function(kernel, command)
    if missing is not None:
        return missing
    function, serving = version_to_arm(kernel, command), kernel.functions[command.target]
    if function is None:
        return Refusal(REFUSED, "interlock.no-version", {"name": command.target})
    if function.live and function.armed_hash == function.hash:
        return Refusal(REFUSED, "interlock.already-armed", {"name": command.target})
    if serving.retiring or (function.outputs != serving.outputs and serving.state in MOVING):
        return Refusal(REFUSED, "interlock.trip-first", {"name": command.target})
    return drivable(kernel, function.outputs)


def drivable(kernel: Kernel, outputs: Sequence[Output]) -> Refusal | None:
    """Heartbeat loss has been proven on every PLC that has one of these outputs."""
    for output in outputs:
        source = kernel.table.sources[kernel.source_of(output.tag.number)]
        if source.heartbeat < 0:
            return Refusal(REFUSED, "interlock.no-heartbeat", {"source": source.name})
        if not kernel.heart.proven(source.name):
            return Refusal(REFUSED, "interlock.watchdog-not-proven", {"source": source.name})
    return None


def arm(kernel: Kernel, command: Command, now_ns: int) -> None:
    function = version_to_arm(kernel, command)
    assert function is not None  # validated in this very step
    if function is kernel.functions[command.target]:
        kernel.service.arm(function, now_ns)
    else:
        kernel.service.replace(function, now_ns)


def version_to_arm(kernel: Kernel, command: Command) -> Function | None:
    """The version with the hash that was asked for; without one the candidate, where there is one."""
    function, candidate = kernel.functions[command.target], kernel.candidates.get(command.target)
    versions = [candidate, function] if candidate else [function]
    asked = command.args.get("hash", versions[0].hash)
    return next((version for version in versions if version.hash == asked), None)


def may_disarm(kernel: Kernel, command: Command) -> Refusal | None:
    missing = need_function(kernel, command)
    if missing is None and not kernel.functions[command.target].live:
        return Refusal(REFUSED, "interlock.not-live", {"name": command.target})
    return missing


def disarm(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.service.disarm(kernel.functions[command.target], now_ns)


def trip(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.functions[command.target].event(Event.MANUAL_TRIP, now_ns, {"by": command.person})


def may_reset(kernel: Kernel, command: Command) -> Refusal | None:
    """Only READY takes a reset; what is missing is named."""
    missing = need_function(kernel, command) or may_disarm(kernel, command)
    if missing is not None:
        return missing
    function = kernel.functions[command.target]
    if function.rule.group:
        return Refusal(REFUSED, "interlock.grouped", {"name": command.target, "group": function.rule.group})
    return resettable(kernel, function)


def resettable(kernel: Kernel, function: Function) -> Refusal | None:
    """What keeps this function from taking a reset now."""
    name = function.name
    if function.retiring:
        return Refusal(REFUSED, "interlock.not-live", {"name": name})
    if function.armed_hash != function.hash:
        return Refusal(REFUSED, "interlock.changed", {"name": name})
    if kernel.stopping_ns >= 0:
        return Refusal(REFUSED, "gateway.stopping")
    if function.state is not State.READY:
        return Refusal(REFUSED, "interlock.not-ready", {"name": name, "state": function.state.name})
    if not function.cleared() or not function.permissive_ok():
        return Refusal(REFUSED, "interlock.not-clear", {"name": name})
    for output in function.outputs:
        source = kernel.table.sources[kernel.source_of(output.tag.number)]
        if source.healthy >= 0 and not healthy(kernel, source.healthy):
            return Refusal(REFUSED, "watchdog.dropped", {"source": source.name})
    if any(output.hunting for output in function.outputs):
        return Refusal(REFUSED, "interlock.hunting", {"name": name})
    return None


def reset(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.functions[command.target].event(Event.RESET, now_ns, {"by": command.person})


def _group(kernel: Kernel, command: Command) -> list[Function]:
    """The functions of a group that are in service and not energised: those that a reset is for."""
    members = [f for f in kernel.functions.values() if f.live and f.rule.group and f.rule.group == command.target]
    return [function for function in members if function.state not in ENERGISED]


def may_reset_group(kernel: Kernel, command: Command) -> Refusal | None:
    """All of them or none: every member is asked what it would be asked alone."""
    if not any(function.rule.group == command.target for function in kernel.functions.values() if function.rule.group):
        return Refusal(NOT_FOUND, "group.unknown", {"name": command.target})
    members = _group(kernel, command)
    if not members:
        return Refusal(REFUSED, "group.nothing", {"name": command.target})
    return next((refusal for each in members if (refusal := resettable(kernel, each)) is not None), None)


def reset_group(kernel: Kernel, command: Command, now_ns: int) -> None:
    for function in _group(kernel, command):
        function.event(Event.RESET, now_ns, {"by": command.person, "group": command.target})


def group_role(kernel: Kernel, command: Command) -> str:
    """The highest role that any rule of the group names."""
    roles = [f.rule.reset_role for f in kernel.functions.values() if f.rule.group and f.rule.group == command.target]
    return max(roles, key=lambda role: RANK.get(role, 0), default="")


def may_clear(kernel: Kernel, command: Command) -> Refusal | None:
    missing = need_function(kernel, command)
    if missing is not None:
        return missing
    function = kernel.functions[command.target]
    if any(output.hunting for output in function.outputs):
        return None
    if function.state is not State.FAULT or not kernel.self_ok:
        return Refusal(REFUSED, "interlock.no-fault", {"name": command.target})
    return None


def clear(kernel: Kernel, command: Command, now_ns: int) -> None:
    function = kernel.functions[command.target]
    for output in function.outputs:
        if output.hunting:
            kernel.arbiter.clear(output, now_ns)
    function.event(Event.CLEAR_FAULT, now_ns, {"by": command.person})


VERBS = {
    "interlock.shadow": Verb("engineer", False, may_shadow, shadow),
    "interlock.arm": Verb("supervisor", True, may_arm, arm),
    "interlock.disarm": Verb("supervisor", False, may_disarm, disarm),
    "interlock.trip": Verb("operator", False, may_disarm, trip),
    "interlock.reset": Verb("supervisor", True, may_reset, reset, reset_role),
    "group.reset": Verb("supervisor", True, may_reset_group, reset_group, group_role),
    "interlock.clear": Verb("engineer", True, may_clear, clear),
}
