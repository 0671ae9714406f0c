"""A place in a file that a person can find."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

EXCERPT_MAX = 100  # characters: a line of a terminal, the caret stays visible


@dataclass(frozen=True, slots=True)
class Place:
    """File relative to the site folder; line and column from 1 (0 = not known), or a workbook cell."""

    file: str
    line: int = 0
    column: int = 0
    cell: str = ""
    excerpt: str = ""


def excerpt(line: str, column: int) -> str:
    """`line`, cut around `column` where it is long, with a caret under the column (wide characters count twice)."""
    if column < 1:
        return line[:EXCERPT_MAX]
    start = max(0, column - 1 - EXCERPT_MAX // 2) if len(line) > EXCERPT_MAX else 0
    shown = line[start : start + EXCERPT_MAX]
    before = shown[: column - 1 - start]
    pad = "".join("\t" if c == "\t" else "  " if unicodedata.east_asian_width(c) in "WF" else " " for c in before)
    return f"{shown}\n{pad}^"
