"""What people ask. Giving permission takes two phases: validate, journal, durable, validate again, act.
Taking permission away acts first and is journalled after (spec/kernel.md, Effects and outputs). One file per noun.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.core.commands import alarm, bypass, control, interlock, permit, proof, sos, telling, watchdog
from gateway.core.commands.verb import NOT_FOUND, NOT_PERMITTED, OK, RANK, REFUSED, Refusal, Verb
from gateway.core.deadlines import PENDING
from gateway.core.effects import Answer
from gateway.core.limits import COMMANDS_MAX, DURABLE_WAIT_NS
from gateway.core.samples import Command, Durable
from gateway.core.summary import Audit

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel

_NOUNS = (interlock, bypass, sos, proof, control, permit, telling, alarm, watchdog)
MASKING = ("alarm.shelve", "alarm.suppress", "alarm.oos")  # what alarms.md §2 calls an unauthorised change
VERBS: dict[str, Verb] = {name: verb for noun in _NOUNS for name, verb in noun.VERBS.items()}


class Commands:
    """The verbs, and the intentions that wait for the disk."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._pending: dict[int, Command] = {}

    # --- the two ways ---

    def given(self, command: Command, now_ns: int) -> None:
        """A command arrived: refuse it, act on it, or journal the intention first."""
        privacy = self._kernel.privacy
        if not privacy.rests(command.target):
            with privacy.at_work(command.target):
                self._given(command, now_ns)

    def _given(self, command: Command, now_ns: int) -> None:
        verb = VERBS.get(command.verb)
        refusal = Refusal(NOT_FOUND, "command.unknown", {"verb": command.verb}) if verb is None else None
        if verb is not None:
            refusal = self._permitted(verb, command) or verb.validate(self._kernel, command)
        if refusal is not None or verb is None:
            self._refuse(command, refusal or Refusal(NOT_FOUND, "command.unknown"), now_ns)
            return
        if not verb.gives:
            verb.act(self._kernel, command, now_ns)
            self._journal(command, "command", now_ns, {})
            self._answer(command, OK, "command.done")
            return
        if len(self._pending) >= COMMANDS_MAX:
            self._refuse(command, Refusal(REFUSED, "command.too-many"), now_ns)
            return
        self._pending[command.id] = command
        self._journal(command, "intent", now_ns, {}, confirm=command.id)
        self._kernel.schedule(now_ns + DURABLE_WAIT_NS, PENDING, command.id)

    def durable(self, durable: Durable, now_ns: int) -> None:
        """An intention is on disk, or cannot be."""
        command = self._pending.pop(durable.id, None)
        if command is not None:
            with self._kernel.privacy.at_work(command.target):
                self._go_on(command, durable, now_ns)

    def _go_on(self, command: Command, durable: Durable, now_ns: int) -> None:
        if not durable.ok:
            self._refuse(command, Refusal(REFUSED, "command.not-durable"), now_ns)
            return
        verb = VERBS[command.verb]
        refusal = verb.validate(self._kernel, command)
        if refusal is not None:
            self._refuse(command, refusal, now_ns)
            return
        verb.act(self._kernel, command, now_ns)
        self._journal(command, "command", now_ns, {}, summary=True)
        self._answer(command, OK, "command.done")

    def overdue(self, command_id: int, now_ns: int) -> None:
        """An intention was not on disk in time: it is refused, and stays so should it become durable later."""
        command = self._pending.pop(command_id, None)
        if command is not None:
            with self._kernel.privacy.at_work(command.target):
                self._refuse(command, Refusal(REFUSED, "command.not-durable"), now_ns)

    def _permitted(self, verb: Verb, command: Command) -> Refusal | None:
        if not command.person:
            return Refusal(NOT_PERMITTED, "command.person")
        role = verb.role_of(self._kernel, command) or verb.role
        if RANK.get(command.role, 0) >= RANK.get(role, 9):
            return None
        return Refusal(NOT_PERMITTED, "command.role", {"role": role, "yours": command.role})

    def _refuse(self, command: Command, refusal: Refusal, now_ns: int) -> None:
        if command.verb in MASKING and refusal.code == NOT_PERMITTED:
            self._kernel.scores.refused(now_ns)
        self._journal(command, "refused", now_ns, {"why": refusal.message})
        self._answer(command, refusal.code, refusal.message, refusal.args)

    def _answer(self, command: Command, code: int, message: str, args: dict[str, str] | None = None) -> None:
        self._kernel.emit(Answer(command.id, code, message, args or {}))

    def _journal(
        self,
        command: Command,
        kind: str,
        now_ns: int,
        detail: dict[str, Any],
        *,
        confirm: int = 0,
        summary: bool = False,
    ) -> None:
        row = {"role": command.role, **command.args, **detail}
        audit = (
            Audit(utc_ms=self._kernel.utc_ms(now_ns), verb=command.verb, target=command.target, role=command.role)
            if summary or (kind == "command" and not command.verb.startswith("alarm."))
            else None
        )
        self._kernel.record(
            f"{kind}.{command.verb}",
            command.target,
            now_ns,
            row,
            person=command.person,
            summary=audit,
            confirm=confirm,
        )

    # --- snapshot ---

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [[c.id, c.person, c.role, c.verb, c.target, list(c.args.items())] for c in self._pending.values()]

    def load(self, state: list[Any]) -> None:
        """Take a snapshot's state."""
        self._pending = {row[0]: Command(row[0], row[1], row[2], row[3], row[4], dict(row[5])) for row in state}
