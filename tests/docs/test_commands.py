"""What documents name is there, in both languages: commands with their options, scripts and files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from posixpath import dirname
from typing import Any

from gateway.cli.build import build
from gateway.cli.help import walk
from gateway.rulebook.workbook.words import MATRIX, TEXT
from tests.docs.test_words import FENCE, ROOT, documents, tracked

GENERATED = {"docs/cli.md", "docs/cli.zh-CN.md"}
EVERYWHERE = {"--output", "-o", "--watch", "--lang", "--role", "--control", "--site", "--help"}
CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
WORD = re.compile(r"[a-z][a-z-]*")
PLACE = re.compile(r"(?:gateway|drivers|inference|config|docs|scripts|systemd|tests)/[\w./-]+")
ENDS = re.compile(r"\s(?:[|>&;#]|&&|\|\|)(?:\s|$)")  # where a shell line goes on to something else


@cache
def commands() -> dict[str, set[str]]:
    """Every command and group by its words, with its options."""
    return {" ".join(path): options(command) for path, command in walk(build("en"))}


def options(command: Any) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def named(text: str) -> Iterator[str]:
    """Lines of code blocks and inline code that call the command line, from the word behind `gatehouse` on; not `a|b`."""
    lines = [line for block in FENCE.findall(text) for line in re.sub(r"\\\n\s*", " ", block).splitlines()]
    for line in [*lines, *CODE.findall(FENCE.sub("", text))]:
        called = re.match(r"\s*(?:\$ |sudo (?:-u \S+ )?)?(?:\S*/bin/)?gatehouse ((?:--site \S+ )?[a-z].*)", line)
        if called and "|" not in called[1].split()[0] and line not in (MATRIX, TEXT):
            yield ENDS.split(called[1])[0]


def wrong(line: str) -> str:
    """Why this is no command of ours, "" where it is one."""
    try:
        words = shlex.split(line, comments=True)
    except ValueError:
        words = line.split()
    while words and words[0] in ("--site", "--lang"):
        words = words[2:]
    known, path, at = commands(), "", 0
    while at < len(words) and f"{path} {words[at]}".strip() in known:
        path, at = f"{path} {words[at]}".strip(), at + 1
    if not path:
        return f"no command: {line}"
    if at < len(words) and WORD.fullmatch(words[at]) and any(name.startswith(f"{path} ") for name in known):
        return f"no command of {path}: {line}"
    used = {word.split("=")[0] for word in words[at:] if re.fullmatch(r"--[a-z][\w-]*(=.*)?", word)}
    unknown = used - known[path] - EVERYWHERE
    return f"no option of {path}: {sorted(unknown)}" if unknown else ""


def test_every_command_and_option_exists() -> None:
    lines = [(name, line) for name in documents() if name not in GENERATED for line in named(read(name))]
    assert len(lines) > 300, "the documents are read"
    assert [(name, found) for name, line in lines if (found := wrong(line))] == []


def test_what_does_not_exist_is_found() -> None:
    text = (
        "`gatehouse alarm dance` and\n```sh\nsudo gatehouse rule check site --quickly | less\ngatehouse status\n```\n"
    )
    assert [wrong(line) for line in named(text)] == [
        "no option of rule check: ['--quickly']",
        "",
        "no command of alarm: alarm dance",
    ]
    assert wrong("dance") == "no command: dance"


def test_every_file_that_is_named_exists() -> None:
    there = {*tracked(), *(dirname(one) for one in tracked())}
    for name in documents():
        places = {code for code in CODE.findall(FENCE.sub("", read(name))) if PLACE.fullmatch(code)}
        missing = sorted(one for one in places if one.rstrip("/") not in there and not (ROOT / one).exists())
        assert missing == [], name
