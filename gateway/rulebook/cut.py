"""Cuts a rule file into rules, so that one broken rule hides no other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.rulebook.sheet import Sheet

RULE_CHARACTERS_MAX = 20_000  # one rule; a page of text has 3,000
SHEET_CHARACTERS_MAX = 4_000_000  # 2,000 rules of that page size

KINDS = frozenset({"interlock", "alarm", "control", "advisory", "permit"})

_QUIET = re.compile(r'(?P<string>"(?:\\.|[^"\\\n])*")|(?P<open>"[^\n]*)|#[^\n]*')
_WORD = re.compile(r"\w+(?:[.\-]\w+)*")
_HEADER = re.compile(r"(?:interlock|control|advisory|permit|alarm)[ \t]+[A-Z0-9_]*[A-Z][A-Z0-9_]*(?![\w.\-])")


@dataclass(frozen=True, slots=True)
class Chunk:
    """One rule: characters `start` to `end` of the sheet, `end` word included where it is there (`closed`)."""

    start: int
    end: int
    closed: bool


def _masked(sheet: Sheet) -> str:
    """The text with comments and the inside of strings blanked, character for character."""

    def blank(match: re.Match[str]) -> str:
        if match["string"] is not None:
            return '"' + " " * (len(match[0]) - 2) + '"'
        if match["open"] is None:
            return " " * len(match[0])
        sheet.report("rule.unclosed-string", match.start(), match.start() + 1)
        return '"' + " " * (len(match[0]) - 1)

    return _QUIET.sub(blank, sheet.text)


def cut(sheet: Sheet) -> Iterator[Chunk]:
    """The rules of `sheet` in order; what stands between rules is reported."""
    if len(sheet.text) > SHEET_CHARACTERS_MAX:
        sheet.report("rule.too-long", 0, 1, most=str(SHEET_CHARACTERS_MAX))
        return
    masked = _masked(sheet)
    begin: int | None = None
    edge = 0  # everything before it is dealt with
    lost = False  # inside text that is no rule
    for word in _WORD.finditer(masked):
        line_start = masked.rfind("\n", 0, word.start()) + 1
        header = not masked[line_start : word.start()].strip() and _HEADER.match(masked, word.start()) is not None
        if begin is None:
            clean = word[0] in KINDS and (header or not lost) and (lost or not masked[edge : word.start()].strip())
            if clean:
                begin, lost = word.start(), False
            elif not lost:
                lost = True
                _report_garbage(sheet, masked, edge)
        elif word[0] == "end":
            yield Chunk(begin, word.end(), True)
            begin, edge = None, word.end()
        elif header:
            _report_unclosed(sheet, masked, begin)
            yield Chunk(begin, word.start(), False)
            begin = word.start()
    if begin is not None:
        _report_unclosed(sheet, masked, begin)
        yield Chunk(begin, len(masked), False)
    elif not lost and masked[edge:].strip():
        _report_garbage(sheet, masked, edge)


def _report_garbage(sheet: Sheet, masked: str, edge: int) -> None:
    rest = masked[edge:]
    at = edge + len(rest) - len(rest.lstrip())
    word = _WORD.match(masked, at)
    end = word.end() if word else at + 1
    sheet.report("rule.garbage", at, end, what=sheet.text[at:end])


def _report_unclosed(sheet: Sheet, masked: str, begin: int) -> None:
    words = _WORD.finditer(masked, begin)
    kind = next(words)
    name = next(words, kind)
    sheet.report("rule.unclosed", kind.start(), kind.end(), name=name[0])
