"""`interlock.*`: functions in and out of service, tripped, reset, cleared. Asked again here, whatever the border asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.commands.verb import NOT_FOUND, REFUSED, Refusal, Verb
from gateway.core.commands.watchdog import healthy
from gateway.core.interlocks import Event, State
from gateway.core.samples import Command

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


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
    function = kernel.functions[command.target]
    if function.live and function.armed_hash == function.hash:
        return Refusal(REFUSED, "interlock.already-armed", {"name": command.target})
    for output in function.outputs:
        source = kernel.table.sources[kernel.source_of(output.tag.number)]
        if source.heartbeat < 0:
            return Refusal(REFUSED, "interlock.no-heartbeat", {"source": source.name})
        if not kernel.heart.proven(source.name):
            return Refusal(REFUSED, "interlock.watchdog-not-proven", {"source": source.name})
    return None


def arm(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.service.arm(kernel.functions[command.target], now_ns)


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
        if source.healthy >= 0 and not healthy(kernel, source.healthy):
            return Refusal(REFUSED, "watchdog.dropped", {"source": source.name})
    if any(output.hunting for output in function.outputs):
        return Refusal(REFUSED, "interlock.hunting", {"name": command.target})
    return None


def reset(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.functions[command.target].event(Event.RESET, now_ns, {"by": command.person})


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
    "interlock.clear": Verb("engineer", True, may_clear, clear),
}
