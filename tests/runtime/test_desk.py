"""The desk: each command gets its own answer or a refusal, in both languages, and what the kernel says has words."""

from __future__ import annotations

import ast
import asyncio
import string
from pathlib import Path

import pytest

from gateway.control.messages import LANGUAGES, Reply
from gateway.core import commands
from gateway.core.effects import Answer
from gateway.core.limits import COMMANDS_MAX
from gateway.core.samples import Command, Input
from gateway.runtime import desk as desk_room
from gateway.runtime import words
from gateway.runtime.desk import CommandDesk


def test_each_answer_goes_to_its_own_command_whatever_the_order() -> None:
    given: list[Input] = []
    desk = CommandDesk(given.append)

    async def play() -> tuple[Reply, Reply]:
        first = asyncio.ensure_future(desk.submit("li", "operator", "interlock.reset", "A", {}))
        second = asyncio.ensure_future(desk.submit("wang", "operator", "interlock.reset", "B", {"x": "y"}))
        await asyncio.sleep(0)
        assert given == [
            Command(1, "li", "operator", "interlock.reset", "A", {}),
            Command(2, "wang", "operator", "interlock.reset", "B", {"x": "y"}),
        ]
        desk.answered(Answer(2, 6, "interlock.not-clear", {"name": "B"}))
        desk.answered(Answer(1, 0, "command.done"))
        return await first, await second

    first, second = asyncio.run(play())
    assert (first.code, first.texts) == (0, words.answer("command.done", {}))
    assert (second.code, second.texts) == (6, words.answer("interlock.not-clear", {"name": "B"}))


def test_an_answer_for_nobody_or_a_second_one_is_harmless() -> None:
    desk = CommandDesk(lambda given: None)

    async def play() -> Reply:
        desk.answered(Answer(99, 0, "command.done"))
        waiting = asyncio.ensure_future(desk.submit("li", "operator", "v", "", {}))
        await asyncio.sleep(0)
        desk.answered(Answer(1, 0, "command.done"))
        desk.answered(Answer(1, 6, "gateway.stopping"))
        return await waiting

    assert asyncio.run(play()).code == 0


def test_a_kernel_that_does_not_answer_is_code_8_and_leaves_nothing_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(desk_room, "ANSWER_S", 0.01)
    desk = CommandDesk(lambda given: None)

    async def play() -> list[Reply]:
        full = [desk.submit("li", "operator", "v", "", {}) for _ in range(COMMANDS_MAX)]
        return [*await asyncio.gather(*full), await desk.submit("li", "operator", "v", "", {})]

    for reply in asyncio.run(play()):  # were they kept, the last would be refused as one too many
        assert (reply.code, reply.texts) == (8, words.answer("command.timeout", {}))


def test_too_many_waiting_is_code_6_and_never_reaches_the_kernel() -> None:
    given: list[Input] = []
    desk = CommandDesk(given.append)

    async def play() -> Reply:
        waiting = [asyncio.ensure_future(desk.submit("li", "operator", "v", "", {})) for _ in range(COMMANDS_MAX)]
        await asyncio.sleep(0)
        reply = await desk.submit("li", "operator", "v", "", {})
        assert len(given) == COMMANDS_MAX
        waiting[0].cancel()  # a client that hangs up makes room
        await asyncio.wait({waiting[0]})
        again = asyncio.ensure_future(desk.submit("li", "operator", "v", "", {}))
        await asyncio.sleep(0)
        assert len(given) == COMMANDS_MAX + 1
        for task in (*waiting, again):
            task.cancel()
        await asyncio.wait({*waiting, again})
        return reply

    reply = asyncio.run(play())
    assert (reply.code, reply.texts) == (6, words.answer("command.too-many", {}))


# --- every word the kernel can say ---


def said_by_the_kernel() -> list[tuple[str, str, frozenset[str]]]:
    """(file and line, message key, names of arguments) of every refusal and answer in core.commands."""
    found = []
    files = sorted(Path(commands.__file__).parent.glob("*.py"))
    nodes = [(file, node) for file in files for node in ast.walk(ast.parse(file.read_text("utf-8")))]
    for path, node in nodes:
        if not isinstance(node, ast.Call):
            continue
        name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
        at = {"Refusal": 1, "_answer": 2}.get(name)
        if at is None or not isinstance(message := node.args[at], ast.Constant):
            continue
        args = node.args[at + 1] if len(node.args) > at + 1 else ast.Dict([], [])
        assert isinstance(args, ast.Dict), f"{path.name}:{node.lineno}: arguments that cannot be checked"
        names = frozenset(str(key.value) for key in args.keys if isinstance(key, ast.Constant))
        found.append((f"{path.name}:{node.lineno}", str(message.value), names))
    return found


# `refusal or Refusal(NOT_FOUND, "command.unknown")` is there for the type checker only: `refusal` is never None there.
NEVER_REACHED = ("command.unknown", frozenset[str]())


def test_the_kernel_says_nothing_without_words_for_it() -> None:
    said = said_by_the_kernel()
    assert len(said) > 30
    for line, key, names in said:
        assert key in words.ANSWERS, f"{line}: {key} has no words"
        for language in LANGUAGES:
            text = words.ANSWERS[key][language]
            needed = {field for _, field, _, _ in string.Formatter().parse(text) if field}
            if (key, names) != NEVER_REACHED:
                assert needed <= names, f"{line}: {key} ({language}) needs {needed - names}"


def test_no_words_are_left_over_and_all_have_both_languages() -> None:
    keys = {key for _, key, _ in said_by_the_kernel()} | {"command.timeout"}
    assert set(words.ANSWERS) == keys
    for key, texts in words.ANSWERS.items():
        assert set(texts) == set(LANGUAGES), key
        assert all(texts.values()), key


def test_an_answer_names_its_arguments_in_both_languages() -> None:
    texts = words.answer("interlock.not-ready", {"name": "PKL_LSLL", "state": "TRIPPED"})
    assert all("PKL_LSLL" in text and "TRIPPED" in text for text in texts.values())
    assert any("一" <= letter <= "鿿" for letter in texts["zh-CN"])
