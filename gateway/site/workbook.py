"""The first sheet of an Excel workbook as a grid: values only, formulas refused, size and zip ratio limited."""

from __future__ import annotations

import io
import warnings
import zipfile
import zlib
from datetime import date, datetime
from typing import Any
from xml.etree.ElementTree import ParseError

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from gateway.core.errors import Problem
from gateway.core.limits import TAGS_MAX
from gateway.site.messages import Both, problem
from gateway.site.place import Place
from gateway.site.table import Grid, letters

UNPACKED_BYTES_MAX = 128 * 1024 * 1024
COLUMNS_MAX = 64
_DAMAGED = (
    InvalidFileException, zipfile.BadZipFile, zlib.error, ParseError, KeyError, ValueError, TypeError, AttributeError,
    IndexError, EOFError, OSError, NotImplementedError, RuntimeError,
)  # what openpyxl and zipfile raise for a damaged or encrypted file  # fmt: skip


def read_workbook(file: str, data: bytes) -> tuple[Grid | None, list[Problem]]:
    """The cells of the first sheet of a workbook, or why it cannot be read."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > UNPACKED_BYTES_MAX:
            mib = 1024 * 1024
            return None, [problem("workbook.too-large", Place(file), size=size // mib, limit=UNPACKED_BYTES_MAX // mib)]
        return _read(file, data)
    except zipfile.BadZipFile:
        return None, [problem("workbook.invalid", Place(file), what=_NOT_ZIP)]
    except _DAMAGED as error:
        what = (f"damaged or encrypted ({type(error).__name__})", f"文件损坏或已加密（{type(error).__name__}）")
        return None, [problem("workbook.invalid", Place(file), what=what)]


_NOT_ZIP: Both = ("not a .xlsx archive", "不是 .xlsx 格式")


def _read(file: str, data: bytes) -> tuple[Grid, list[Problem]]:
    problems: list[Problem] = []
    rows: list[tuple[int, list[str]]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl speaks of styles and validations that it leaves out
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        try:
            sheet = book.worksheets[0]
            sheet.reset_dimensions()  # some writers state a wrong extent
            for number, cells in enumerate(sheet.iter_rows(max_col=COLUMNS_MAX), start=1):
                texts = [_text(cell.value) for cell in cells]
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


def _text(value: Any) -> str:
    """A cell's value as it would stand in CSV."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return " ".join(str(value).split())
