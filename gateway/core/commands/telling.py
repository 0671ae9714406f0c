"""`telling.*`: the answer to an escalation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.core.commands.verb import REFUSED, Refusal, Verb
from gateway.core.samples import Command

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


def may_answer(kernel: Kernel, command: Command) -> Refusal | None:
    if kernel.tellings.escalating(command.target):
        return None
    return Refusal(REFUSED, "telling.none", {"name": command.target})


def answer(kernel: Kernel, command: Command, now_ns: int) -> None:
    kernel.tellings.answered(command.target, command.person, now_ns)


VERBS = {"telling.answer": Verb("operator", False, may_answer, answer)}
