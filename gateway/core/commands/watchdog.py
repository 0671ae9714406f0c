"""`source.watchdog`: the guided proof that a PLC goes safe when the heartbeat stops (interlocks.md §7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.commands.verb import NOT_FOUND, REFUSED, Refusal, Verb
from gateway.core.interlocks import ENERGISED
from gateway.core.samples import Command
from gateway.core.tags import Quality

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


def may_prove(kernel: Kernel, command: Command) -> Refusal | None:
    """Withholding a heartbeat drives a PLC's outputs safe: never while one of them is energised by a function."""
    state = command.args.get("state", "begin")
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
        if source.healthy >= 0 and not healthy(kernel, source.healthy):
            return Refusal(REFUSED, "watchdog.dropped", {"source": source.name})
        return Refusal(REFUSED, "watchdog.running") if running else None
    if not running:
        return Refusal(REFUSED, "watchdog.not-running")
    if state == "proven" and source.healthy >= 0:
        return Refusal(REFUSED, "watchdog.measured")
    return None


def healthy(kernel: Kernel, tag: int) -> bool:
    """The PLC says that its watchdog has not dropped; one that has would prove nothing."""
    image = kernel.image
    return image.qualities[tag] == Quality.GOOD and image.values[tag] == 1.0


def prove(kernel: Kernel, command: Command, now_ns: int) -> None:
    at, state = kernel.sources[command.target], command.args.get("state", "begin")
    if state == "begin":
        kernel.heart.begin_proof(at, command.person, now_ns)
    else:
        kernel.heart.end_proof(at, "proven" if state == "proven" else "failed", now_ns, f"seen by {command.person}")


VERBS = {"source.watchdog": Verb("supervisor", True, may_prove, prove)}
