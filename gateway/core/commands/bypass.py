"""`bypass.*`: one input of one function leaves the vote for a time (I19). Never an output, never a whole function."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.commands.interlock import need_function
from gateway.core.commands.verb import NOT_FOUND, REFUSED, Refusal, Verb
from gateway.core.effects import View
from gateway.core.evaluate import DOUBTFUL, FIT
from gateway.core.function_state import Bypass
from gateway.core.functions import Function
from gateway.core.interlocks import State
from gateway.core.limits import BYPASS_CODES, BYPASS_EXTENSION_NS, BYPASS_MAX_NS, BYPASS_REASON_MIN, SECOND
from gateway.core.samples import Command

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


def bypass_role(kernel: Kernel, command: Command) -> str:
    """The role that the rule itself names."""
    function = kernel.functions.get(command.target)
    return function.rule.bypass.role if function else ""


def may_bypass(kernel: Kernel, command: Command) -> Refusal | None:
    missing = need_function(kernel, command) or _bypass_form(kernel, command)
    if missing is not None:
        return missing
    function, tag = kernel.functions[command.target], command.args["tag"]
    leaves = function.leaves_of(tag)
    if not leaves:
        return Refusal(NOT_FOUND, "bypass.no-such-input", {"name": command.target, "tag": tag})
    running = _running(function, tag)
    if running is not None:  # an extension is a new authorisation, by another person
        return Refusal(REFUSED, "bypass.already", {"tag": tag}) if running.person == command.person else None
    person, ended_ns = function.last_bypass.get(tag, ("", 0))
    if person == command.person and kernel.now_ns - ended_ns < BYPASS_EXTENSION_NS:
        return Refusal(REFUSED, "bypass.extension", {"tag": tag, "person": person})
    if function.bypassed_votes() & {leaf.vote for leaf in leaves}:
        return Refusal(REFUSED, "bypass.group", {"name": command.target})
    if function.state is State.PRETRIP:
        return Refusal(REFUSED, "bypass.pretrip", {"name": command.target})
    # A value beyond its range on the demand side is demand and no failed transmitter, though its quality is BAD.
    if any(leaf.state in (FIT, DOUBTFUL) and leaf.last & 3 == leaf.against for leaf in leaves):
        return Refusal(REFUSED, "bypass.demand", {"tag": tag})
    return None


def _running(function: Function, tag: str) -> Bypass | None:
    return next((bypass for bypass in function.bypasses if bypass.tag == tag), None)


def _bypass_form(kernel: Kernel, command: Command) -> Refusal | None:
    args, terms = command.args, kernel.functions[command.target].rule.bypass
    if terms.max_ns == 0:
        return Refusal(REFUSED, "bypass.never", {"name": command.target})
    if not args.get("tag"):
        return Refusal(REFUSED, "bypass.no-tag")
    if args.get("code") not in BYPASS_CODES:
        return Refusal(REFUSED, "bypass.code", {"codes": " | ".join(BYPASS_CODES)})
    if len(args.get("reason", "").strip()) < BYPASS_REASON_MIN:
        return Refusal(REFUSED, "bypass.reason", {"characters": str(BYPASS_REASON_MIN)})
    if not args.get("measure", "").strip():
        return Refusal(REFUSED, "bypass.measure")
    longest_ns = min(terms.max_ns, BYPASS_MAX_NS)
    minutes = args.get("minutes", "")
    if not minutes.isascii() or not minutes.isdigit() or not 0 < int(minutes) * 60 * SECOND <= longest_ns:
        return Refusal(REFUSED, "bypass.minutes", {"most": str(longest_ns // (60 * SECOND))})
    return None


def bypass(kernel: Kernel, command: Command, now_ns: int) -> None:
    function, args = kernel.functions[command.target], command.args
    until_ns = now_ns + int(args["minutes"]) * 60 * SECOND
    bypass = Bypass(
        args["tag"],
        command.person,
        args["reason"],
        args["measure"],
        now_ns,
        until_ns,
        kernel.utc_ms(until_ns),
        args["code"],
    )
    running = _running(function, bypass.tag)
    if running is None:
        function.set_bypass(bypass, now_ns)
    else:
        kernel.service.extend_bypass(function, running, bypass, now_ns)
    kernel.service.watch_bypass(function, bypass)
    kernel.emit(View("bypass", function.name))


def may_end_bypass(kernel: Kernel, command: Command) -> Refusal | None:
    missing = need_function(kernel, command)
    tag = command.args.get("tag", "")
    if missing is None and not any(bypass.tag == tag for bypass in kernel.functions[command.target].bypasses):
        return Refusal(NOT_FOUND, "bypass.none", {"tag": tag})
    return missing


def end_bypass(kernel: Kernel, command: Command, now_ns: int) -> None:
    function = kernel.functions[command.target]
    for bypass in [b for b in function.bypasses if b.tag == command.args["tag"]]:
        kernel.service.end_bypass(function, bypass, "bypass.ended", now_ns)


VERBS = {
    "bypass.set": Verb("supervisor", True, may_bypass, bypass, bypass_role),
    "bypass.clear": Verb("operator", False, may_end_bypass, end_bypass),
}
