"""The first sheet of an Excel workbook as a grid: values only, formulas refused, size and zip ratio limited."""

from __future__ import annotations

import io
import warnings

from gateway.core.errors import Problem
from gateway.core.limits import TAGS_MAX
from gateway.rulebook.workbook.archive import DAMAGED, ArchiveError, cell_text, check_archive, damaged
from gateway.site.messages import problem
from gateway.site.place import Place
from gateway.site.table import Grid, letters

UNPACKED_BYTES_MAX = 128 * 1024 * 1024  # 100,000 tags in every column are about 90 MiB of XML
COLUMNS_MAX = 64


def read_workbook(file: str, data: bytes) -> tuple[Grid | None, list[Problem]]:
    """The cells of the first sheet of a workbook, or why it cannot be read."""
    try:
        check_archive(data, UNPACKED_BYTES_MAX)
        return _read(file, data)
    except ArchiveError as error:
        found = error
    except DAMAGED as error:
        found = damaged(error)
    return None, [problem("workbook.invalid", Place(file), what=(found.en, found.zh))]


def _read(file: str, data: bytes) -> tuple[Grid, list[Problem]]:
    import openpyxl  # over a second to import, and most sites have their tags in CSV

    problems: list[Problem] = []
    rows: list[tuple[int, list[str]]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl speaks of styles and validations that it leaves out
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # some writers state a wrong extent
            for number, cells in enumerate(sheet.iter_rows(max_col=COLUMNS_MAX), start=1):
                texts = [" ".join(cell_text(cell.value).split()) for cell in cells]
                for i, cell in enumerate(cells):
                    if cell.data_type == "f":
                        place = Place(file, number, 0, f"{sheet.title}!{letters(i)}{number}")
                        problems.append(problem("workbook.formula", place, value=str(cell.value)[:60]))
                        texts[i] = ""
                if any(texts):
                    rows.append((number, texts))
                if len(rows) > TAGS_MAX + 1:
                    problems.append(problem("table.too-many", Place(file, number), limit=TAGS_MAX))
                    break
            return Grid(file, rows, sheet=str(sheet.title)), problems
        finally:
            book.close()
