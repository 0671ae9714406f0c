"""One rule file: positions, excerpts with a caret, and the problems found in it."""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from gateway.core.errors import Problem
from gateway.rulebook.sentences import SENTENCES

EXCERPT_MAX = 120  # characters of the line that are shown: the caret stays on one screen
INVISIBLE_MAX = 20  # reported per file: a binary file has thousands

# Control characters and those that hide or reorder what stands beside them: nobody may sign what they cannot see.
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)

Argument = str | tuple[str, str]  # the same in both languages, or (en, zh)


def width(text: str) -> int:
    """Columns of a terminal that `text` takes: Chinese characters two, combining marks none."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def excerpt(line: str, column: int, length: int) -> str:
    """`line`, cut around `column` (from 0) where it is long, and under it carets below `length` characters."""
    first = max(0, column - EXCERPT_MAX // 2) if len(line) > EXCERPT_MAX else 0
    shown = _INVISIBLE.sub(" ", line[first : first + EXCERPT_MAX].replace("\t", " "))
    at = column - first
    return f"{shown}\n{' ' * width(shown[:at])}{'^' * max(1, width(shown[at : at + length]))}"


class Spot(NamedTuple):
    """A place in a file as a `Problem` names it."""

    file: str
    line: int = 0
    column: int = 0
    cell: str = ""
    excerpt: str = ""


@dataclass(slots=True)
class Sheet:
    """The text of one file with `\\n` line ends and without BOM, and what is wrong with it."""

    file: str
    text: str
    problems: list[Problem] = field(default_factory=list)
    _starts: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, file: str, text: str) -> Sheet:
        """Sheet of raw text: BOM dropped, CRLF and CR made `\\n`, lone surrogates made `?`, invisible characters reported."""
        plain = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
        plain = plain.encode("utf-8", "replace").decode("utf-8")
        starts = [0, *(at + 1 for at, char in enumerate(plain) if char == "\n")]
        sheet = cls(file, plain, [], starts)
        for match in islice(_INVISIBLE.finditer(plain), INVISIBLE_MAX):
            sheet.report("rule.invisible", match.start(), match.end(), what=f"U+{ord(match[0]):04X}")
        return sheet

    def place(self, at: int) -> tuple[int, int]:
        """Line and column, both from 1, of character `at`."""
        line = bisect_right(self._starts, at)
        return line, at - self._starts[line - 1] + 1

    def mark(self, start: int, end: int) -> Spot:
        """Characters `start` to `end` as a place."""
        start = min(start, len(self.text))
        line, column = self.place(start)
        shown = self.text[self._starts[line - 1] :].split("\n", 1)[0] if line <= len(self._starts) else ""
        return Spot(self.file, line, column, "", excerpt(shown, column - 1, end - start))

    def report(self, code: str, start: int, end: int, **arguments: Argument) -> None:
        """Add a problem of `code` at characters `start` to `end`; `arguments` fill its sentences."""
        sentence = SENTENCES[code]
        en = {name: value if isinstance(value, str) else value[0] for name, value in arguments.items()}
        zh = {name: value if isinstance(value, str) else value[1] for name, value in arguments.items()}
        mark = self.mark(start, end)
        self.problems.append(
            Problem(
                file=self.file,
                code=code,
                text={"en": sentence.en.format_map(en), "zh-CN": sentence.zh.format_map(zh)},
                remedy={"en": sentence.remedy_en.format_map(en), "zh-CN": sentence.remedy_zh.format_map(zh)},
                line=mark.line,
                column=mark.column,
                severity="warning" if sentence.warning else "error",
                excerpt=mark.excerpt,
            )
        )
