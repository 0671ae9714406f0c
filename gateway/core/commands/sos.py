"""`sos.*`: the start-up override (I18), a class of its own: ends on its condition or its timer, at most a quarter of an hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.commands.interlock import need_function
from gateway.core.commands.verb import REFUSED, Refusal, Verb
from gateway.core.interlocks import State
from gateway.core.limits import BYPASS_REASON_MIN
from gateway.core.samples import Command

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


def override_role(kernel: Kernel, command: Command) -> str:
    """The role that the rule itself names."""
    function = kernel.functions.get(command.target)
    return function.rule.override.role if function and function.rule.override else ""


def may_start(kernel: Kernel, command: Command) -> Refusal | None:
    """Only where the rule has one, and only before the start: never while a trip is near or under way."""
    missing = need_function(kernel, command)
    if missing is not None:
        return missing
    function = kernel.functions[command.target]
    if function.rule.override is None:
        return Refusal(REFUSED, "sos.none", {"name": command.target})
    if function.override is not None:
        return Refusal(REFUSED, "sos.running", {"name": command.target})
    if function.state not in (State.TRIPPED, State.READY):
        return Refusal(REFUSED, "sos.started", {"name": command.target, "state": function.state.name})
    if len(command.args.get("reason", "").strip()) < BYPASS_REASON_MIN:
        return Refusal(REFUSED, "bypass.reason", {"characters": str(BYPASS_REASON_MIN)})
    if function.started():
        return Refusal(REFUSED, "sos.over", {"name": command.target})
    return None


def start(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.service.override(kernel.functions[command.target], command.person, command.args["reason"], now_ns)


def may_end(kernel: Kernel, command: Command) -> Refusal | None:
    missing = need_function(kernel, command)
    if missing is None and kernel.functions[command.target].override is None:
        return Refusal(REFUSED, "sos.not-running", {"name": command.target})
    return missing


def end(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.functions[command.target].end_override("ended", now_ns)


VERBS = {
    "sos.start": Verb("supervisor", True, may_start, start, override_role),
    "sos.end": Verb("operator", False, may_end, end),
}
