"""One rule file: positions, excerpts with a caret, and the problems found in it."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field

from gateway.core.errors import Problem
from gateway.rulebook.sentences import SENTENCES

EXCERPT_MAX = 120  # characters of the line that are shown: the caret stays on one screen
TABLE: dict[int, str] = {9: " ", 0: " "}

Argument = str | tuple[str, str]  # the same in both languages, or (en, zh)


def width(text: str) -> int:
    """Columns of a terminal that `text` takes: Chinese characters two, combining marks none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def excerpt(line: str, column: int, length: int) -> str:
    """`line`, cut around `column` (from 0) where it is long, and under it carets below `length` characters."""
    first = max(0, column - EXCERPT_MAX // 2) if len(line) > EXCERPT_MAX else 0
    shown = line[first : first + EXCERPT_MAX].translate(TABLE)
    at = column - first
    return f"{shown}\n{' ' * width(shown[:at])}{'^' * max(1, width(shown[at : at + length]))}"


@dataclass(slots=True)
class Sheet:
    """The text of one file with `\\n` line ends and without BOM, and what is wrong with it."""

    file: str
    text: str
    problems: list[Problem] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, file: str, text: str) -> Sheet:
        """Sheet of raw text: BOM dropped, CRLF and CR made `\\n`."""
        plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        starts = [0, *(at + 1 for at, char in enumerate(plain) if char == "\n")]
        return cls(file, plain, [], starts)

    def place(self, at: int) -> tuple[int, int]:
        """Line and column, both from 1, of character `at`."""
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1

    def report(self, code: str, start: int, end: int, **arguments: Argument) -> None:
        """Add a problem of `code` at characters `start` to `end`; `arguments` fill its sentences."""
        sentence = SENTENCES[code]
        en = {name: value if isinstance(value, str) else value[0] for name, value in arguments.items()}
        zh = {name: value if isinstance(value, str) else value[1] for name, value in arguments.items()}
        start = min(start, len(self.text))
        line, column = self.place(start)
        shown = self.text[self._starts[line - 1] :].split("\n", 1)[0] if line <= len(self._starts) else ""
        self.problems.append(
            Problem(
                file=self.file,
                code=code,
                text={"en": sentence.en.format_map(en), "zh-CN": sentence.zh.format_map(zh)},
                remedy={"en": sentence.remedy_en.format_map(en), "zh-CN": sentence.remedy_zh.format_map(zh)},
                line=line,
                column=column,
                severity="warning" if sentence.warning else "error",
                excerpt=excerpt(shown, column - 1, end - start),
            )
        )
