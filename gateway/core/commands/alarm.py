"""`alarm.*`: what people do with one alarm. Masks give permission to be silent, so they are on disk before they act."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from gateway.core import masks
from gateway.core.alarms import Happening, Verdict, after
from gateway.core.commands.verb import NOT_FOUND, NOT_PERMITTED, REFUSED, Refusal, Verb
from gateway.core.limits import BYPASS_REASON_MIN, SHELVE_MAX_MIN, SHELVE_OPERATOR_MIN
from gateway.core.masking import REVIEW
from gateway.core.masks import Shelf
from gateway.core.points import AlarmPoint
from gateway.core.samples import Command

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel

SHELVES = {"timed": Shelf.TIMED, "one-shot": Shelf.ONE_SHOT}


def _missing(kernel: Kernel, command: Command) -> Refusal | None:
    if command.target in kernel.alarms.points:
        return None
    return Refusal(NOT_FOUND, "alarm.unknown", {"name": command.target})


def _point(kernel: Kernel, command: Command) -> AlarmPoint:
    return kernel.alarms.points[command.target]


def may_ack(kernel: Kernel, command: Command) -> Refusal | None:
    """An acknowledgement names its occurrence, and cannot mean a later one."""
    missing = _missing(kernel, command)
    if missing is not None:
        return missing
    point = _point(kernel, command)
    given, current = command.args.get("occurrence", ""), f"{point.occurrence[0]:x}-{point.occurrence[1]}"
    if given != current:
        return Refusal(REFUSED, "alarm.other-occurrence", {"given": given, "current": current})
    if after(point.base, Happening.ACK, latch=point.latch)[1] is Verdict.REJECTED:
        return Refusal(REFUSED, "alarm.not-active", {"name": command.target})
    return None


def ack(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.alarms.acknowledge(command.target, command.person, now_ns)


def may_alarm_reset(kernel: Kernel, command: Command) -> Refusal | None:
    missing = _missing(kernel, command)
    if missing is not None:
        return missing
    point = _point(kernel, command)
    verdict = after(point.base, Happening.RESET, latch=point.latch)[1]
    if verdict is Verdict.ACK_FIRST:
        return Refusal(REFUSED, "alarm.ack-first", {"name": command.target})
    return None if verdict is Verdict.MOVED else Refusal(REFUSED, "alarm.not-latched", {"name": command.target})


def alarm_reset(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.alarms.reset(command.target, command.person, now_ns)


CAUSES = ("process", "equipment", "instrument", "operation", "external", "false")  # a closed list can be counted

VERDICTS = ("true", "false")  # of a candidate that was suppressed


def may_dispose(kernel: Kernel, command: Command) -> Refusal | None:
    """What was found and done about one occurrence: a cause of the closed list and words for the action."""
    missing = _missing(kernel, command)
    if missing is not None:
        return missing
    if command.args.get("code") not in CAUSES:
        return Refusal(REFUSED, "alarm.code", {"codes": " | ".join(CAUSES)})
    if not command.args.get("occurrence") or not command.args.get("action", "").strip():
        return Refusal(REFUSED, "alarm.action")
    return None


def dispose(_kernel: Kernel, _command: Command, _now_ns: int) -> None:
    """The row of the command is the record."""


def may_judge(kernel: Kernel, command: Command) -> Refusal | None:
    """Was a candidate that nobody was told of a true alarm? It is named by its alarm and its begin in UTC ms."""
    missing = _missing(kernel, command)
    if missing is not None:
        return missing
    if command.args.get("verdict") not in VERDICTS or not command.args.get("at", "").isdigit():
        return Refusal(REFUSED, "alarm.verdict", {"verdicts": " | ".join(VERDICTS)})
    return None


# --- masks ---


def _may_mask(kernel: Kernel, command: Command) -> Refusal | None:
    """Every mask names an alarm and a reason; the alarm that watches over the masks takes none."""
    missing = _missing(kernel, command)
    if missing is not None:
        return missing
    if command.target == REVIEW:
        return Refusal(REFUSED, "alarm.self", {"name": REVIEW})
    if len(command.args.get("reason", "").strip()) < BYPASS_REASON_MIN:
        return Refusal(REFUSED, "alarm.reason", {"characters": str(BYPASS_REASON_MIN)})
    return None


def may_shelve(kernel: Kernel, command: Command) -> Refusal | None:
    """The longest shelf depends on priority and role; a renewal needs a new reason (spec/alarms.md §1)."""
    wrong = _may_mask(kernel, command)
    if wrong is not None:
        return wrong
    point, args = _point(kernel, command), command.args
    operator = command.role == "operator"
    if operator and point.priority == 1:
        return Refusal(NOT_PERMITTED, "alarm.shelve-p1", {"name": point.name})
    if args.get("kind", "timed") not in SHELVES:
        return Refusal(REFUSED, "alarm.shelf")
    most = SHELVE_OPERATOR_MIN if operator else SHELVE_MAX_MIN[point.priority]
    minutes = args.get("minutes", "")
    if not (minutes.isascii() and minutes.isdigit() and len(minutes) < 9 and 0 < int(minutes) <= most):
        return Refusal(REFUSED, "alarm.minutes", {"most": str(most)})
    if _same(args["reason"], point.masks.reason):
        return Refusal(REFUSED, "alarm.same-reason", {"name": point.name})
    return None


def _same(reason: str, before: str) -> bool:
    """Spelled otherwise it is still the same reason."""
    return "".join(reason.split()).casefold() == "".join(before.split()).casefold()


def shelve(kernel: Kernel, command: Command, now_ns: int) -> None:
    point, args, now_ms = _point(kernel, command), command.args, kernel.utc_ms(now_ns)
    changed = msgspec.structs.replace(
        point.masks,
        shelf=SHELVES[args.get("kind", "timed")],
        since_ms=now_ms,
        until_ms=now_ms + int(args["minutes"]) * 60_000,
        person=command.person,
        reason=args["reason"],
    )
    kernel.alarms.masking.change(point, changed, "shelved", now_ns, command.person, until_ms=changed.until_ms)


def may_unshelve(kernel: Kernel, command: Command) -> Refusal | None:
    missing = _missing(kernel, command)
    if missing is None and not _point(kernel, command).masks.shelf:
        return Refusal(REFUSED, "alarm.not-shelved", {"name": command.target})
    return missing


def unshelve(kernel: Kernel, command: Command, now_ns: int) -> None:
    point = _point(kernel, command)
    kernel.alarms.masking.change(point, masks.unshelved(point.masks), "unshelved", now_ns, command.person)


def may_suppress(kernel: Kernel, command: Command) -> Refusal | None:
    """Suppression names an alarm rule as its logic, and is not for what an ARMED function trips on."""
    wrong = _may_mask(kernel, command)
    if wrong is not None:
        return wrong
    logic = command.args.get("logic", "")
    if logic not in kernel.watches or logic == command.target:
        return Refusal(REFUSED, "alarm.logic", {"name": command.target, "logic": logic})
    if not kernel.alarms.masking.suppressible(_point(kernel, command)):
        return Refusal(REFUSED, "alarm.armed", {"name": command.target})
    return None


def suppress(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.alarms.masking.name_logic(_point(kernel, command), command.args["logic"], command.person, now_ns)


def may_unsuppress(kernel: Kernel, command: Command) -> Refusal | None:
    missing = _missing(kernel, command)
    if missing is None and not _point(kernel, command).masks.logic:
        return Refusal(REFUSED, "alarm.not-suppressed", {"name": command.target})
    return missing


def unsuppress(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.alarms.masking.name_logic(_point(kernel, command), "", command.person, now_ns)


def may_take_out(kernel: Kernel, command: Command) -> Refusal | None:
    """Out of service needs an MOC id and a replacing measure; asking again is the daily review."""
    wrong = _may_mask(kernel, command)
    if wrong is not None:
        return wrong
    if not command.args.get("moc", "").strip():
        return Refusal(REFUSED, "alarm.moc", {"name": command.target})
    if not command.args.get("measure", "").strip():
        return Refusal(REFUSED, "alarm.measure", {"name": command.target})
    return None


def take_out(kernel: Kernel, command: Command, now_ns: int) -> None:
    args = command.args
    kernel.alarms.masking.out_of_service(_point(kernel, command), args["moc"], args["measure"], command.person, now_ns)


def may_bring_back(kernel: Kernel, command: Command) -> Refusal | None:
    missing = _missing(kernel, command)
    if missing is None and not _point(kernel, command).masks.moc:
        return Refusal(REFUSED, "alarm.in-service", {"name": command.target})
    return missing


def bring_back(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.alarms.masking.out_of_service(_point(kernel, command), "", "", command.person, now_ns)


def may_silence(kernel: Kernel, _command: Command) -> Refusal | None:
    """Anybody who hears it; it lasts until the next alarm."""
    return None if kernel.hearing.sounds.sounding() else Refusal(REFUSED, "alarm.no-sound")


def silence(kernel: Kernel, _command: Command, now_ns: int) -> None:
    kernel.hearing.sounds.silence(now_ns)


VERBS = {
    "alarm.silence": Verb("operator", False, may_silence, silence),
    "alarm.ack": Verb("operator", False, may_ack, ack),
    "alarm.reset": Verb("operator", False, may_alarm_reset, alarm_reset),
    "alarm.dispose": Verb("operator", False, may_dispose, dispose),
    "alarm.judge": Verb("supervisor", False, may_judge, dispose),
    "alarm.shelve": Verb("operator", True, may_shelve, shelve),
    "alarm.unshelve": Verb("operator", False, may_unshelve, unshelve),
    "alarm.suppress": Verb("engineer", True, may_suppress, suppress),
    "alarm.unsuppress": Verb("operator", False, may_unsuppress, unsuppress),
    "alarm.oos": Verb("supervisor", True, may_take_out, take_out),
    "alarm.in-service": Verb("operator", False, may_bring_back, bring_back),
}
