"""`permit.*` and `confirm.*`: what is noted as done, what is confirmed by several, and permits issued and revoked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.commands.verb import NOT_FOUND, REFUSED, Refusal, Verb
from gateway.core.limits import PERMIT_PLACE_MIN
from gateway.core.permits import Issued
from gateway.core.samples import Command

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


def _need_permit(kernel: Kernel, command: Command) -> Refusal | None:
    if command.target in kernel.permits:
        return None
    return Refusal(NOT_FOUND, "permit.unknown", {"name": command.target})


def may_issue(kernel: Kernel, command: Command) -> Refusal | None:
    """A necessary condition, never the issue itself: a named person gives it, for a place, while all of it is true."""
    missing = _need_permit(kernel, command)
    if missing is not None:
        return missing
    permission = kernel.permits[command.target]
    if permission.issued is not None:
        return Refusal(REFUSED, "permit.issued", {"name": command.target})
    if kernel.stopping_ns >= 0:
        return Refusal(REFUSED, "gateway.stopping")
    if not permission.allowed or not kernel.self_ok:
        return Refusal(REFUSED, "permit.denied", {"name": command.target})
    if len(command.args.get("place", "").strip()) < PERMIT_PLACE_MIN:
        return Refusal(REFUSED, "permit.place")
    minutes = command.args.get("minutes", "")
    most = permission.valid_ns // 60_000_000_000
    if minutes and not (minutes.isascii() and minutes.isdigit() and 0 < int(minutes) <= most):
        return Refusal(REFUSED, "permit.minutes", {"most": str(most)})
    return None


def issue(kernel: Kernel, command: Command, now_ns: int) -> None:
    permission = kernel.permits[command.target]
    minutes = command.args.get("minutes", "")
    until_ns = now_ns + (int(minutes) * 60_000_000_000 if minutes else permission.valid_ns)
    utc_ms = kernel.utc_ms(now_ns)
    place = command.args["place"]
    issued = Issued(kernel.identify(), command.person, place, now_ns, utc_ms, until_ns, kernel.utc_ms(until_ns))
    kernel.service.issue(permission, issued, now_ns)


def may_revoke(kernel: Kernel, command: Command) -> Refusal | None:
    missing = _need_permit(kernel, command)
    if missing is None and kernel.permits[command.target].issued is None:
        return Refusal(REFUSED, "permit.not-issued", {"name": command.target})
    return missing


def revoke(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.permits[command.target].end("revoked", now_ns)


def may_note(kernel: Kernel, command: Command) -> Refusal | None:
    """Only what some rule asks for can be noted as done; a checklist is confirmed item by item instead."""
    if command.target in kernel.stamps.checklists:
        return Refusal(REFUSED, "permit.checklist", {"name": command.target})
    if command.target not in kernel.asked_done:
        return Refusal(NOT_FOUND, "permit.nothing-asks", {"name": command.target})
    return None


def note(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.service.note(command.target, command.person, now_ns)


def may_confirm(kernel: Kernel, command: Command) -> Refusal | None:
    """Each item by another person: one who walks round and confirms all four machines is not four who look."""
    checklist = kernel.stamps.checklists.get(command.target)
    if checklist is None:
        return Refusal(NOT_FOUND, "confirm.unknown", {"name": command.target})
    item = command.args.get("item", "")
    if item not in checklist.items:
        return Refusal(NOT_FOUND, "confirm.no-item", {"name": command.target, "items": " | ".join(checklist.items)})
    already = kernel.stamps.confirmed_by(command.target, command.person, kernel.now_ns)
    if already:
        return Refusal(REFUSED, "confirm.same-person", {"item": already})
    return None


def confirm(kernel: Kernel, command: Command, now_ns: int) -> None:
    stamps, name = kernel.stamps, command.target
    if stamps.confirm(name, command.args["item"], command.person, now_ns, kernel.utc_ms(now_ns)):
        kernel.service.note(name, command.person, now_ns)


VERBS = {
    "permit.issue": Verb("supervisor", True, may_issue, issue),
    "permit.revoke": Verb("operator", False, may_revoke, revoke),
    "permit.done": Verb("operator", True, may_note, note),
    "confirm.item": Verb("operator", True, may_confirm, confirm),
}
