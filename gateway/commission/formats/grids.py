"""The cells of a CSV or Excel file of another tool, by heading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import PurePath

from gateway.core.errors import Problem
from gateway.site.messages import listed, problem
from gateway.site.place import Place
from gateway.site.table import Grid, read_csv
from gateway.site.text import document
from gateway.site.workbook import read_workbook


def grid_of(name: str, data: bytes) -> tuple[Grid | None, list[Problem]]:
    """The raw cells of a file, by its suffix."""
    if PurePath(name).suffix.lower() == ".xlsx":
        return read_workbook(name, data)
    text, problems = document(name, data)
    return (None, problems) if text is None else read_csv(text)


def where(grid: Grid, row: int) -> str:
    """A row as people find it again."""
    return f"{grid.sheet}!{row}" if grid.sheet else f"{grid.file}:{row}"


def from_headings(grid: Grid, are_headings: Callable[[Sequence[str]], bool]) -> Grid:
    """The grid without the remarks or the title above its headings; as it is where no row is one of headings."""
    start = next((i for i, (_, cells) in enumerate(grid.rows) if are_headings(cells)), 0)
    return replace(grid, rows=grid.rows[start:])


def by_heading(grid: Grid, needed: tuple[str, ...]) -> tuple[list[tuple[int, Mapping[str, str]]], list[Problem]]:
    """Rows below the first one as texts by lower-case heading; a problem where a needed heading is missing."""
    if not grid.rows:
        return [], [problem("table.empty", grid.place(1), known=listed(needed))]
    number, first = grid.rows[0]
    headings = [" ".join(cell.split()).lower() for cell in first]
    missing = [name for name in needed if name not in headings]
    if missing:
        return [], [problem("table.heading-missing", grid.place(number), value=missing[0], zh=missing[0])]
    return list(_rows(grid, headings)), []


def _rows(grid: Grid, headings: list[str]) -> Iterator[tuple[int, Mapping[str, str]]]:
    for number, cells in grid.rows[1:]:
        yield number, {head: cells[i] for i, head in enumerate(headings) if head and i < len(cells)}


def refused(grid: Grid, row: int, name: str, en: str, zh: str) -> Problem:
    """A row that cannot be taken, with the reason."""
    place = grid.place(row)
    return problem("import.row", Place(place.file, place.line, 0, place.cell), "warning", value=name, what=(en, zh))


def without(grid: Grid, row: int, name: str, en: str, zh: str) -> Problem:
    """A row that is taken, but not all of it."""
    place = grid.place(row)
    return problem("import.without", Place(place.file, place.line, 0, place.cell), "warning", value=name, what=(en, zh))


def plain_number(text: str) -> str:
    """A number as the tag list writes it, "" for none: `1.50` is `1.5`, `100.0` is `100`."""
    try:
        value = float(text)
    except ValueError:
        return ""
    return f"{value:.12g}"
