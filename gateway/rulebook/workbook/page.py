"""The text of a rule file of the workbook family as pages of cells, each cell with its name."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from gateway.rulebook.workbook.archive import CELL_CHARACTERS_MAX, COLUMNS_MAX, ROWS_MAX, ArchiveError, Page, Pages
from gateway.rulebook.workbook.words import MATRIX, TEXT, fold, matched

SUFFIXES = (".xlsx", ".csv")
SEPARATORS = (",", ";", "\t", "；", "，")


@dataclass(frozen=True, slots=True)
class Cell:
    """A text and where it stands; row and column from 1, `page` "" in a CSV file."""

    text: str
    row: int
    column: int
    page: str = ""

    @property
    def name(self) -> str:
        """`Sheet!D7`, or `D7` in a CSV file: what a person looks for."""
        at = f"{letters(self.column)}{self.row}"
        return f"{self.page}!{at}" if self.page else at


def letters(column: int) -> str:
    """Excel's name of column number `column` (from 1)."""
    name = ""
    while column:
        column, rest = divmod(column - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def pages_of(file: str, text: str) -> Pages:
    """The pages of a rule file: JSON of `archive.unpack` for .xlsx, else CSV. Raises ArchiveError."""
    if not file.endswith(".xlsx"):
        return Pages([_csv(text)])
    try:
        return msgspec.json.decode(text, type=Pages, strict=False)
    except msgspec.MsgspecError as error:
        raise ArchiveError("the workbook was not unpacked", "工作簿未能解包") from error


def _csv(text: str) -> Page:
    first = next((line for line in text.split("\n") if line.strip()), "")
    separator = max(SEPARATORS, key=first.count)
    rows: list[tuple[int, dict[int, str]]] = []
    formulas: list[tuple[int, int]] = []
    try:
        for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), start=1):
            if number > ROWS_MAX or len(cells) > COLUMNS_MAX or any(len(cell) > CELL_CHARACTERS_MAX for cell in cells):
                raise ArchiveError(
                    f"more than {ROWS_MAX} rows, {COLUMNS_MAX} columns or {CELL_CHARACTERS_MAX} characters in a cell",
                    f"超过 {ROWS_MAX} 行、{COLUMNS_MAX} 列，或单元格超过 {CELL_CHARACTERS_MAX} 个字符",
                )
            texts = {at: cell.strip() for at, cell in enumerate(cells, start=1) if cell.strip()}
            formulas += [(number, at) for at, cell in texts.items() if would_run(cell)]
            rows.append((number, {at: cell.removeprefix("'") for at, cell in texts.items()}))
    except csv.Error as error:
        raise ArchiveError(
            "not a CSV table: a quotation mark is not closed", "不是有效的 CSV 表格：双引号未成对"
        ) from error
    return Page("", rows, formulas)


def would_run(text: str) -> bool:
    """Would a spreadsheet program take this text for a formula?"""
    if text[:1] not in ("=", "@", "+", "-", "\t") or text == "=":
        return False
    return matched("limit", text) is None


def sections(pages: Pages) -> Iterator[tuple[str, Page, list[tuple[int, dict[int, str]]]]]:
    """`(marker, page, rows from the marker's own row)` of everything on the pages that a marker in column A opens."""
    markers = {fold(MATRIX): MATRIX, fold(TEXT): TEXT}
    for page in pages.pages:
        current: tuple[str, list[tuple[int, dict[int, str]]]] | None = None
        for number, cells in page.rows:
            marker = markers.get(fold(cells.get(1, "")))
            if marker is not None:
                if current is not None:
                    yield current[0], page, current[1]
                current = (marker, [])
            if current is not None:
                current[1].append((number, cells))
        if current is not None:
            yield current[0], page, current[1]
