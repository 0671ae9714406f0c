"""The layout of rule texts: a clause a line, comments where they stood, twice the same as once, and never another meaning."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from lark import Token

from gateway.rulebook.cut import Chunk, cut
from gateway.rulebook.parse import parse, tokens
from gateway.rulebook.sheet import Sheet, width

WIDTH_MAX = 110  # columns; a longer clause goes on in the next line
CLAUSE, FURTHER = "  ", "      "

_STARTS = frozenset({"WHEN", "_THEN", "ELSE", "LATCH", "_ON", "PERMISSIVE", "OVERRIDE", "CLEAR", "MIN_ON", "MIN_OFF"}) | {
    "BYPASS", "VALID", "DEGRADED", "PROOF", "GROUP", "PRIORITY", "PST", "AREA", "TEXT"
}  # fmt: skip
_BREAKS = frozenset({"_AND", "_OR"})  # a long clause goes on before one of these, or behind a comma outside brackets
_SPACES = re.compile(r"\s+")


@dataclass(slots=True)
class _Line:
    """One line on its way: pieces with whether a break may stand before each, and a comment at its end."""

    indent: str
    pieces: list[tuple[str, bool]] = field(default_factory=list)
    comment: str = ""


def formatted(file: str, text: str) -> tuple[str, Sheet]:
    """The text in its layout, and its sheet; where the sheet has problems the text is given back as it is."""
    sheet = Sheet.of(file, text)
    chunks = list(cut(sheet))
    for chunk in chunks:
        parse(sheet, chunk)
    if sheet.problems:
        return text, sheet
    parts: list[str] = []
    at = 0
    for chunk in chunks:
        parts += _between(sheet.text[at : chunk.start], first=at == 0)
        parts.append(_rule(sheet, chunk))
        at = chunk.end
    parts += _between(sheet.text[at:], first=at == 0)
    return "\n".join(_spaced(parts)).rstrip("\n") + "\n", sheet


def _between(text: str, *, first: bool) -> list[str]:
    """Comments between rules, "" for a blank line. Behind `end` a comment on its line stays there."""
    lines = [line.strip() for line in text.split("\n")]
    tail = [f"\0{lines[0]}"] if not first and lines[0] else []
    return tail + lines[0 if first else 1 : -1] + [line for line in lines[-1:] if line and (first or len(lines) > 1)]


def _spaced(parts: list[str]) -> Iterator[str]:
    """Blank lines between parts: one before each rule that no comment leads, never two."""
    told: list[str] = []
    for part in parts:
        if part.startswith("\0"):
            told[-1] += f"  {part[1:]}"
        elif part and told and "\n" in part and "\n" in told[-1]:
            told += ["", part]
        elif part or (told and told[-1]):
            told.append(part)
    yield from told


def _rule(sheet: Sheet, chunk: Chunk) -> str:
    text = sheet.text[chunk.start : chunk.end]
    found = list(tokens(text))
    shown = "\n".join(_written(line) for line in _lines(text, found))
    if [_meaning(token) for token in tokens(shown)] != [_meaning(token) for token in found]:
        return text  # cannot be laid out without reading differently: left as it is
    return shown


def _meaning(token: Token) -> tuple[str, str]:
    return token.type, _SPACES.sub("", token) if token.type != "STRING" else str(token)


def _lines(text: str, found: list[Token]) -> Iterator[_Line]:
    """The lines of one rule: head, clauses, comments of their own, end."""
    line, end, depth, before = _Line(""), 0, 0, None
    for token in found:
        start = token.start_pos or 0
        for own, comment in _comments(text[end:start]):
            if not own and not line.comment and line.pieces:
                line.comment = comment
            else:
                if line.pieces or line.comment:
                    yield line
                yield _Line(FURTHER if depth else CLAUSE, [], comment)
                line = _Line(FURTHER)
        begins = token.type in _STARTS and depth == 0 and before is not None
        if token.type == "_END" or begins:
            if line.pieces or line.comment:
                yield line
            line = _Line("" if token.type == "_END" else CLAUSE)
        elif line.comment:  # a comment in the middle of a clause ends its line
            yield line
            line = _Line(FURTHER)
        depth += (token.type == "LPAR") - (token.type == "RPAR")
        shown = str(token) if token.type == "STRING" else _SPACES.sub(" ", token)
        line.pieces.append((_gap(before, token) + shown, _may_break(before, token, depth)))
        before, end = token, token.end_pos or start + len(token)
    yield line


def _comments(gap: str) -> Iterator[tuple[bool, str]]:
    """The comments in a gap between tokens, and whether each has a line of its own."""
    for at, line in enumerate(gap.split("\n")):
        text = line.strip()
        if text:
            yield at > 0, text


def _gap(before: Token | None, token: Token) -> str:
    """What stands between two tokens of a line."""
    if before is None or token.type in ("COMMA", "RPAR") or before.type == "LPAR":
        return ""
    return "" if token.type == "LPAR" and before.type == "WORD" else " "


def _may_break(before: Token | None, token: Token, depth: int) -> bool:
    if before is None:
        return False
    return token.type in _BREAKS or (before.type == "COMMA" and depth == 0)


def _written(line: _Line) -> str:
    """The line, wrapped where it is too long."""
    rows, row = [], line.indent
    for at, (piece, may_break) in enumerate(line.pieces):
        rest = piece.lstrip() if at == 0 or row == FURTHER else piece
        if may_break and width(row) + width(_stretch(line.pieces, at)) > WIDTH_MAX and row.strip():
            rows.append(row)
            row, rest = FURTHER, piece.lstrip()
        row += rest
    if line.comment:
        row = f"{row}  {line.comment}" if line.pieces else f"{line.indent}{line.comment}"
    return "\n".join([*rows, row.rstrip()])


def _stretch(pieces: list[tuple[str, bool]], at: int) -> str:
    """What must stay together from a piece on."""
    text = pieces[at][0]
    for piece, may_break in pieces[at + 1 :]:
        if may_break:
            break
        text += piece
    return text
