"""A list of rows under headings, from CSV or Excel, with the place of every cell."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.errors import Problem
from gateway.core.limits import TAGS_MAX
from gateway.site.messages import listed, nearest, problem
from gateway.site.place import Place
from gateway.site.text import Document

SEPARATORS = (",", ";", "\t", "；", "，")


@dataclass(frozen=True, slots=True)
class Grid:
    """The raw cells of a list: (row number from 1, texts). `document` is None for a workbook, which has a `sheet`."""

    file: str
    rows: Sequence[tuple[int, list[str]]]
    document: Document | None = None
    separator: str = ","
    sheet: str = ""

    def place(self, row: int, column: int = -1) -> Place:
        """The place of cell number `column` (from 0) of a row; -1 = the row."""
        if self.document is None:
            cell = f"{self.sheet}!{letters(column)}{row}" if column >= 0 else f"{self.sheet}!{row}:{row}"
            return Place(self.file, row, 0, cell)
        if column < 0:
            return self.document.place(row)
        line = self.document.lines[row - 1]
        return self.document.place(row, _offset(line, self.separator, column) + 1)


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the headings: texts by column name, without blanks around them; absent and empty are the same."""

    number: int
    cells: Mapping[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells.get(column, "")


@dataclass(frozen=True, slots=True)
class Table:
    """The rows of a list and where its columns stand."""

    grid: Grid
    columns: Mapping[str, int]
    rows: Sequence[Row]
    problems: list[Problem] = field(default_factory=list)

    def place(self, row: Row, column: str = "") -> Place:
        """The place of a cell; of the row where the list has no such column."""
        return self.grid.place(row.number, self.columns.get(column, -1))


def letters(column: int) -> str:
    """Excel's name of column number `column` (from 0)."""
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def read_csv(document: Document) -> tuple[Grid, list[Problem]]:
    """The cells of a CSV document; the separator is the one the headings use most."""
    text = document.text
    first = next((line for line in text.split("\n") if line.strip()), "")
    separator = max(SEPARATORS, key=first.count)
    grid = Grid(document.file, [], document, separator)
    rows: list[tuple[int, list[str]]] = []
    problems: list[Problem] = []
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    number = 1
    try:
        for cells in reader:
            if any("\n" in cell for cell in cells):
                problems.append(problem("table.line-break", document.place(number, 1)))
            elif any(cell.strip() for cell in cells):
                rows.append((number, [cell.strip() for cell in cells]))
            number = reader.line_num + 1
            if len(rows) > TAGS_MAX + 1:
                problems.append(problem("table.too-many", document.place(number), limit=TAGS_MAX))
                break
    except csv.Error as error:
        what = (str(error), "单元格过长" if "limit" in str(error) else str(error))
        problems.append(problem("table.csv", document.place(number, 1), what=what))
    return Grid(document.file, rows, document, grid.separator), problems


def read_table(grid: Grid, headings: Mapping[str, Sequence[str]], required: Sequence[str]) -> Table:
    """The rows of `grid` by column name. `headings` gives for each column its other spellings."""
    if not grid.rows:
        missing = problem("table.empty", grid.place(1), known=listed(headings))
        return Table(grid, {}, [], [missing])
    spelling = {_fold(word): name for name, others in headings.items() for word in (name, *others)}
    number, first = grid.rows[0]
    columns: dict[str, int] = {}
    problems: list[Problem] = []
    for i, heading in enumerate(first):
        name = spelling.get(_fold(heading))
        if not heading and not any(len(cells) > i and cells[i] for _, cells in grid.rows):
            continue  # Excel writes empty columns after the last one
        if name is None:
            near = nearest(heading.lower(), spelling)
            problems.append(
                problem("table.heading", grid.place(number, i), value=heading, near=near, known=listed(headings))
            )
        elif name in columns:
            problems.append(problem("table.heading-twice", grid.place(number, i), value=heading))
        else:
            columns[name] = i
    for name in required:
        if name not in columns:
            zh = next(iter(headings[name]), name)
            problems.append(problem("table.heading-missing", grid.place(number), value=name, zh=zh))
    return Table(grid, columns, list(_rows(grid, columns, len(first), problems)), problems)


def _rows(grid: Grid, columns: Mapping[str, int], width: int, problems: list[Problem]) -> Iterator[Row]:
    for number, cells in grid.rows[1:]:
        if any(cells[width:]):
            problems.append(problem("table.cells", grid.place(number, width), count=len(cells), width=width))
        yield Row(number, {name: cells[i] for name, i in columns.items() if i < len(cells)})


def _fold(heading: str) -> str:
    """A heading without case, width and blanks."""
    return "".join(unicodedata.normalize("NFKC", heading).lower().split()).replace("-", "_")


def _offset(line: str, separator: str, column: int) -> int:
    """Where cell number `column` of a CSV line begins; the end of the line where it has fewer."""
    quoted = False
    for at, char in enumerate(line):
        if column == 0:
            return at
        if char == '"':
            quoted = not quoted
        elif char == separator and not quoted:
            column -= 1
    return len(line)
