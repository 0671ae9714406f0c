"""Where commands of people go in and their answers come out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.control.messages import Reply
from gateway.core.effects import Answer
from gateway.core.limits import COMMANDS_MAX
from gateway.core.samples import Command, Input
from gateway.runtime import words

ANSWER_S = 5.0  # the kernel refuses after 2 s; beyond this something is wrong


class CommandDesk:
    """The `Desk` of control.messages. The id of a command is its number since the start, unique within a boot."""

    def __init__(self, put: Callable[[Input], None]) -> None:
        self._put = put
        self._count = 0
        self._waiting: dict[int, asyncio.Future[Answer]] = {}

    async def submit(self, person: str, role: str, verb: str, target: str, args: dict[str, str]) -> Reply:
        """Give the command to the kernel and wait for its answer."""
        if len(self._waiting) >= COMMANDS_MAX:
            return Reply(6, texts=words.answer("command.too-many", {}))
        self._count += 1
        number = self._count
        future = asyncio.get_running_loop().create_future()
        self._waiting[number] = future
        try:
            self._put(Command(number, person, role, verb, target, dict(args)))
            async with asyncio.timeout(ANSWER_S):
                answer = await future
        except TimeoutError:
            return Reply(8, texts=words.answer("command.timeout", {}))
        finally:
            del self._waiting[number]
        return Reply(answer.code, texts=words.answer(answer.message, answer.args))

    def answered(self, answer: Answer) -> None:
        """The kernel's answer; nobody may be waiting any more."""
        future = self._waiting.get(answer.id)
        if future is not None and not future.done():
            future.set_result(answer)
