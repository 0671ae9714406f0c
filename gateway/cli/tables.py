"""Rows to text: a table that lines up in Chinese too, CSV, JSON."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]
_WIDE = ("W", "F")
# colour only for the abnormal, and never colour alone: the word stands there
_RED = {"TRIPPED", "TRIPPING", "TRIP_FAILED", "FAULT", "UNACK", "LATCHED_UNACK", "bad"}
_YELLOW = {"WARNING", "DEGRADED", "PRETRIP", "RTN_UNACK", "ACKED", "LATCHED_ACKED", "uncertain", "UNCONFIGURED"}


@dataclass(frozen=True, slots=True)
class Column:
    """One column: the key of its heading, its cell in a language, and the coded word that colours it."""

    key: str
    cell: Callable[[Row, str], str]
    code: Callable[[Row], str] = lambda _row: ""
    right: bool = False


def width(text: str) -> int:
    """Columns that `text` takes on a terminal."""
    return sum(2 if unicodedata.east_asian_width(letter) in _WIDE else 1 for letter in text)


def pad(text: str, to: int, *, right: bool = False) -> str:
    """`text` filled with spaces to `to` columns."""
    space = " " * max(0, to - width(text))
    return space + text if right else text + space


def colour(text: str, code: str) -> str:
    """`text` in the colour of the coded word `code`."""
    if code in _RED:
        return f"\x1b[1;31m{text}\x1b[0m"
    if code in _YELLOW:
        return f"\x1b[33m{text}\x1b[0m"
    return text


def table(
    columns: Sequence[Column], headings: Sequence[str], rows: Sequence[Row], language: str, coloured: bool
) -> str:
    """A table with a heading; the last column is not filled up."""
    cells = [[column.cell(row, language) for column in columns] for row in rows]
    widths = [max(width(line[at]) for line in [list(headings), *cells]) for at in range(len(columns))]
    out = ["  ".join(pad(text, widths[at], right=columns[at].right) for at, text in enumerate(headings)).rstrip()]
    for row, line in zip(rows, cells, strict=True):
        shown = []
        for at, text in enumerate(line):
            filled = pad(text, widths[at], right=columns[at].right)
            shown.append(colour(filled, columns[at].code(row)) if coloured else filled)
        out.append("  ".join(shown).rstrip())
    return "\n".join(out)


def pairs(columns: Sequence[Column], headings: Sequence[str], row: Row, language: str, coloured: bool) -> str:
    """One thing, a line for each of its columns that says something."""
    left = max(width(heading) for heading in headings)
    out = []
    for column, heading in zip(columns, headings, strict=True):
        text = column.cell(row, language)
        if text:
            lines = text.split("\n")
            shown = [colour(line, column.code(row)) if coloured else line for line in lines]
            out.append(f"{pad(heading, left)}  {shown[0]}")
            out += [f"{' ' * left}  {line}" for line in shown[1:]]
    return "\n".join(out)


def flat(row: Any) -> Row:
    """`row` with nested values as JSON text, for CSV."""
    import json

    return {
        name: json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else value
        for name, value in (row if isinstance(row, dict) else {"value": row}).items()
    }


def csv_text(rows: Sequence[Any]) -> str:
    """CSV with a heading of field names; numbers and UTC ms as they are."""
    import csv
    import io

    flattened = [flat(row) for row in rows]
    names = list(dict.fromkeys(name for row in flattened for name in row))
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flattened)
    return out.getvalue().rstrip("\n")
