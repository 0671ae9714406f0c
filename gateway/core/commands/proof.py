"""`proof.*`: guided proof tests of interlocks (I25): start, trip and look, finish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.commands.interlock import may_disarm, need_function
from gateway.core.commands.verb import REFUSED, Refusal, Verb
from gateway.core.limits import PROOF_FULL_TRIPS, PROOF_NOTE_MIN, PROOF_PARTIAL_TRIPS
from gateway.core.proofs import Kind
from gateway.core.samples import Command

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


def may_start(kernel: Kernel, command: Command) -> Refusal | None:
    """A live function of this very version, one test at a time."""
    missing = need_function(kernel, command) or may_disarm(kernel, command)
    if missing is not None:
        return missing
    if command.args.get("kind") not in ("partial", "full"):
        return Refusal(REFUSED, "proof.kind")
    if command.target in kernel.proofs.running:
        return Refusal(REFUSED, "proof.running", {"name": command.target})
    function = kernel.functions[command.target]
    if function.armed_hash != function.hash:
        return Refusal(REFUSED, "interlock.changed", {"name": command.target})
    return None


def start(kernel: Kernel, command: Command, now_ns: int) -> None:
    kind: Kind = "full" if command.args["kind"] == "full" else "partial"
    kernel.proofs.start(kernel.functions[command.target], kind, command.person, now_ns)


def may_finish(kernel: Kernel, command: Command) -> Refusal | None:
    """Failed is taken at its word; passed has to be measured, and at the final element seen."""
    missing = need_function(kernel, command)
    if missing is not None:
        return missing
    if command.target not in kernel.proofs.running:
        return Refusal(REFUSED, "proof.not-running", {"name": command.target})
    args = command.args
    if args.get("result") not in ("passed", "failed"):
        return Refusal(REFUSED, "proof.result")
    if len(args.get("note", "").strip()) < PROOF_NOTE_MIN:
        return Refusal(REFUSED, "proof.note", {"characters": str(PROOF_NOTE_MIN)})
    if args["result"] == "failed":
        return None
    return _lacking(kernel, command)


def _lacking(kernel: Kernel, command: Command) -> Refusal | None:
    test = kernel.proofs.running[command.target]
    match kernel.proofs.lacking(kernel.functions[command.target], looked=command.args.get("looked") == "yes"):
        case "failed":
            return Refusal(REFUSED, "proof.trip-failed", {"name": command.target})
        case "few":
            least = PROOF_FULL_TRIPS if test.kind == "full" else PROOF_PARTIAL_TRIPS
            return Refusal(REFUSED, "proof.too-few", {"trips": str(len(test.trips_ns)), "least": str(least)})
        case "slow":
            return Refusal(REFUSED, "proof.too-slow", {"longest": f"{max(test.trips_ns) / 1e6:g}"})
        case "unseen":
            return Refusal(REFUSED, "proof.not-seen", {"name": command.target})
    return None


def finish(kernel: Kernel, command: Command, now_ns: int) -> None:
    function, args = kernel.functions[command.target], command.args
    kernel.proofs.finish(function, passed=args["result"] == "passed", note=args["note"], now_ns=now_ns)


VERBS = {
    "proof.start": Verb("supervisor", True, may_start, start),
    "proof.finish": Verb("supervisor", True, may_finish, finish),
}
