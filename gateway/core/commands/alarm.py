"""`alarm.*`: what people do with one alarm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.alarms import Happening, Verdict, after
from gateway.core.commands.verb import NOT_FOUND, REFUSED, Refusal, Verb
from gateway.core.samples import Command

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


def may_ack(kernel: Kernel, command: Command) -> Refusal | None:
    """An acknowledgement names its occurrence, and cannot mean a later one."""
    point = kernel.alarms.points.get(command.target)
    if point is None:
        return Refusal(NOT_FOUND, "alarm.unknown", {"name": command.target})
    given, current = command.args.get("occurrence", ""), f"{point.occurrence[0]:x}-{point.occurrence[1]}"
    if given != current:
        return Refusal(REFUSED, "alarm.other-occurrence", {"given": given, "current": current})
    if after(point.base, Happening.ACK, latch=point.latch)[1] is Verdict.REJECTED:
        return Refusal(REFUSED, "alarm.not-active", {"name": command.target})
    return None


def ack(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.alarms.acknowledge(command.target, command.person, now_ns)


def may_alarm_reset(kernel: Kernel, command: Command) -> Refusal | None:
    point = kernel.alarms.points.get(command.target)
    if point is None:
        return Refusal(NOT_FOUND, "alarm.unknown", {"name": command.target})
    verdict = after(point.base, Happening.RESET, latch=point.latch)[1]
    if verdict is Verdict.ACK_FIRST:
        return Refusal(REFUSED, "alarm.ack-first", {"name": command.target})
    return None if verdict is Verdict.MOVED else Refusal(REFUSED, "alarm.not-latched", {"name": command.target})


def alarm_reset(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.alarms.reset(command.target, command.person, now_ns)


VERBS = {
    "alarm.ack": Verb("operator", False, may_ack, ack),
    "alarm.reset": Verb("operator", False, may_alarm_reset, alarm_reset),
}
