"""Help, catalogue and manual belong together, in both languages."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from gateway.cli import texts
from gateway.cli.build import build
from gateway.cli.examples import EXAMPLES
from gateway.cli.help import help_text, walk
from gateway.cli.reference import FILES, reference
from gateway.cli.texts import catalogue
from gateway.control.messages import LANGUAGES
from tests.cli.conftest import Terminal

DOCS = Path(__file__).parents[2] / "docs"
FORBIDDEN = re.compile(r"\bSIL\b|safety PLC|guarantee|certified", re.IGNORECASE)


def test_no_text_stands_in_two_files_and_every_file_is_read() -> None:
    keys = Counter(key for file in texts.FILES for key in file.TEXTS)
    assert [key for key, times in keys.items() if times > 1] == []
    folder = Path(texts.__file__).parent
    assert {Path(str(file.__file__)).name for file in texts.FILES} == {
        path.name for path in folder.glob("*.py") if path.name != "__init__.py"
    }


def test_both_languages_have_the_same_places() -> None:
    english, chinese = catalogue("en"), catalogue("zh-CN")
    for key, text in english.items():
        assert sorted(re.findall(r"{(\w+)}", text)) == sorted(re.findall(r"{(\w+)}", chinese[key])), key
        assert not FORBIDDEN.search(text)
        assert text or not chinese[key]
    same = {key for key, text in english.items() if text == chinese[key] and re.search(r"[A-Za-z]{4}", text)}
    assert same <= {"column.python", "doctor.count", "doctor.celsius"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_manual_is_what_the_commands_say(language: str) -> None:
    assert (DOCS / FILES[language]).read_text(encoding="utf-8") == reference(language), (
        "the manual is older than the commands: python -m gateway.cli.reference docs"
    )


def test_every_command_has_an_example_that_is_one_of_its_own() -> None:
    commands = {" ".join(path): command for path, command in walk(build("en")) if path}
    leaves = {name for name, command in commands.items() if not getattr(command, "commands", None)}
    assert leaves == set(EXAMPLES)
    for name, example in EXAMPLES.items():
        assert example.startswith(f"gatehouse {name}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_help_is_in_the_language_of_the_reader(terminal: Terminal, language: str) -> None:
    for path, command in walk(build(language)):
        shown = terminal(*path, "--help", "--lang", language)
        assert shown.code == 0
        assert shown.out.strip() == help_text(command, path, language)
    other = terminal("interlock", "reset", "--help", "--lang", "zh-CN").out
    assert "复位联锁" in other
    assert "Reset" not in other


@pytest.mark.parametrize(("path", "example"), sorted(EXAMPLES.items()))
def test_every_example_is_understood(path: str, example: str, terminal: Terminal) -> None:
    import shlex

    from gateway.cli.common import split

    words = split(shlex.split(example)[1:]).rest
    tree = build("en")
    context = tree.make_context("gatehouse", list(words))
    for name in path.split():
        _, command, rest = context.command.resolve_command(context, [*context._protected_args, *context.args])
        context = command.make_context(name, rest, parent=context)
    assert context.command_path == f"gatehouse {path}"
