"""`control.*`: linkages in and out of service, and let go after hunting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.commands.interlock import drivable
from gateway.core.commands.verb import NOT_FOUND, REFUSED, Refusal, Verb
from gateway.core.samples import Command

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


def _need_control(kernel: Kernel, command: Command) -> Refusal | None:
    if command.target in kernel.controls:
        return None
    return Refusal(NOT_FOUND, "control.unknown", {"name": command.target})


def may_arm(kernel: Kernel, command: Command) -> Refusal | None:
    """A control writes too: it needs the same proof of the PLC's watchdog as an interlock."""
    missing = _need_control(kernel, command)
    if missing is not None:
        return missing
    linkage = kernel.controls[command.target]
    if linkage.live:
        return Refusal(REFUSED, "control.already-armed", {"name": command.target})
    return drivable(kernel, linkage.outputs)


def arm(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.service.arm_control(kernel.controls[command.target], now_ns)


def may_disarm(kernel: Kernel, command: Command) -> Refusal | None:
    missing = _need_control(kernel, command)
    if missing is None and not kernel.controls[command.target].live:
        return Refusal(REFUSED, "control.not-live", {"name": command.target})
    return missing


def disarm(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.service.disarm_control(kernel.controls[command.target], now_ns)


def may_clear(kernel: Kernel, command: Command) -> Refusal | None:
    missing = _need_control(kernel, command)
    if missing is None and not any(output.hunting for output in kernel.controls[command.target].outputs):
        return Refusal(REFUSED, "control.not-hunting", {"name": command.target})
    return missing


def clear(kernel: Kernel, command: Command, now_ns: int) -> None:
    for output in kernel.controls[command.target].outputs:
        if output.hunting:
            kernel.arbiter.clear(output, now_ns)


VERBS = {
    "control.arm": Verb("supervisor", True, may_arm, arm),
    "control.disarm": Verb("supervisor", False, may_disarm, disarm),
    "control.clear": Verb("engineer", True, may_clear, clear),
}
