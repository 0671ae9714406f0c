"""An untrusted .xlsx as plain pages of text: looked through as an archive before openpyxl may see it.

openpyxl is imported where it is used: it takes over a second, and most starts read no workbook.
"""

from __future__ import annotations

import io
import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time
from typing import Any
from xml.etree.ElementTree import ParseError

import msgspec

ENTRIES_MAX = 200  # a workbook of twenty sheets with styles has about forty
UNPACKED_BYTES_MAX = 24 * 1024 * 1024  # 2,000 causes by 100 effects are 9 MiB of XML
RATIO_MAX = 100  # XML of worksheets packs 10 to 40 times
RATIO_FROM_BYTES = 1024 * 1024  # a small part may pack as well as it likes
SHEETS_MAX = 40
ROWS_MAX = 5_000
COLUMNS_MAX = 300
CELL_CHARACTERS_MAX = 20_000  # one text rule

_OLE = b"\xd0\xcf\x11\xe0"
DAMAGED = (
    zipfile.BadZipFile, zlib.error, ParseError, KeyError, ValueError, TypeError, AttributeError, IndexError, EOFError,
    OSError, NotImplementedError, RuntimeError, OverflowError,
)  # what openpyxl and zipfile raise for a damaged file; openpyxl's own errors are ValueErrors  # fmt: skip
_REFUSED = (
    (re.compile(r"(^|/)vbaProject\.bin$|\.bin$", re.I), "macros or binary parts", "宏或二进制内容"),
    (re.compile(r"(^|/)externalLinks/", re.I), "links to other workbooks", "指向其他工作簿的链接"),
    (re.compile(r"(^|/)(embeddings|activeX|ctrlProps)/", re.I), "embedded objects", "嵌入对象"),
)
_DOCTYPE = re.compile(rb"<!\s*(DOCTYPE|ENTITY)", re.I)
_SHEET = re.compile(rb"<(?:\w+:)?sheet\s")
_HIDDEN = re.compile(rb"<(?:\w+:)?(row|col)\b[^>]*\bhidden\s*=\s*[\"'](?:1|true)[\"'][^>]*>")
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\b[^>]*\bref\s*=\s*[\"']([A-Z0-9:]{1,40})[\"']")


class Page(msgspec.Struct, frozen=True):
    """One sheet: texts by (row, column) from 1, and what makes it unfit for signing."""

    name: str
    rows: list[tuple[int, dict[int, str]]]
    formulas: list[tuple[int, int]] = []
    merged: list[str] = []
    hidden: bool = False  # rows, columns or the whole sheet


class Pages(msgspec.Struct, frozen=True, tag="workbook"):
    """The plain form of a workbook that rules are compiled from; equal for equal cells, whatever the archive's bytes are."""

    pages: list[Page]


class ArchiveError(ValueError):
    """A workbook that is not read. `en` and `zh` say why."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en = en
        self.zh = zh


def unpack(data: bytes) -> str:
    """The plain form (JSON of `Pages`) of the bytes of an .xlsx file. Raises ArchiveError."""
    check_archive(data)
    try:
        return msgspec.json.encode(Pages(list(_pages(data)))).decode()
    except ArchiveError:
        raise
    except DAMAGED as error:
        raise damaged(error) from error


def damaged(error: Exception) -> ArchiveError:
    """What is said of bytes that zipfile or openpyxl cannot read."""
    name = type(error).__name__
    return ArchiveError(f"the file is damaged ({name})", f"文件已损坏（{name}）")


def check_archive(data: bytes, unpacked_bytes_max: int = UNPACKED_BYTES_MAX) -> None:
    """Looks through the archive without openpyxl: size, ratio, entries, macros, links, entities. Raises ArchiveError."""
    if data.startswith(_OLE):
        raise ArchiveError("it has a password or is an old .xls", "文件已加密，或为旧版 .xls 格式")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_entries(entries, unpacked_bytes_max)
            for entry in entries:
                if entry.filename.endswith((".xml", ".rels", ".vml")):
                    _check_part(archive.read(entry))
    except ArchiveError:
        raise
    except zipfile.BadZipFile as error:
        raise ArchiveError("not a .xlsx archive", "不是 .xlsx 格式") from error
    except DAMAGED as error:
        raise damaged(error) from error


def _check_entries(entries: list[zipfile.ZipInfo], unpacked_bytes_max: int) -> None:
    if len(entries) > ENTRIES_MAX:
        raise ArchiveError(f"more than {ENTRIES_MAX} parts", f"内部文件超过 {ENTRIES_MAX} 个")
    if len({entry.filename for entry in entries}) < len(entries):
        raise ArchiveError("two parts have one name", "内部文件重名")
    if sum(entry.file_size for entry in entries) > unpacked_bytes_max:
        most = unpacked_bytes_max // (1024 * 1024)
        raise ArchiveError(f"unpacked it has more than {most} MiB", f"解压后超过 {most} MiB")
    for entry in entries:
        if entry.flag_bits & 1:
            raise ArchiveError("it is encrypted", "文件已加密")
        if entry.file_size > RATIO_FROM_BYTES and entry.file_size > RATIO_MAX * max(1, entry.compress_size):
            raise ArchiveError(
                f"a part unpacks to over {RATIO_MAX} times its size", f"内部文件解压后超过原大小的 {RATIO_MAX} 倍"
            )
        for pattern, en, zh in _REFUSED:
            if pattern.search(entry.filename) and not entry.filename.startswith("xl/printerSettings/"):
                raise ArchiveError(f"it holds {en}", f"其中含有{zh}")


def _check_part(part: bytes) -> None:
    """A part in UTF-16 would hide a DOCTYPE from a search in bytes; Excel and WPS write UTF-8."""
    if b"\0" in part[:64] or part.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ArchiveError("a part is not UTF-8", "内部文件不是 UTF-8 编码")
    if _DOCTYPE.search(part) or re.search(rb"<\?xml[^>]*encoding\s*=\s*[\"'](?!utf-8)", part[:200], re.I):
        raise ArchiveError("a part declares entities or another encoding", "内部文件声明了实体或其他编码")


def _pages(data: bytes) -> Iterator[Page]:
    import openpyxl

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # openpyxl speaks of styles and validations that it leaves out
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=False, keep_links=False)
        try:
            if len(book.worksheets) > SHEETS_MAX:
                raise ArchiveError(f"more than {SHEETS_MAX} sheets", f"工作表超过 {SHEETS_MAX} 张")
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                if len(_SHEET.findall(archive.read("xl/workbook.xml"))) != len(book.sheetnames):
                    raise ArchiveError("a sheet is missing in it", "缺少工作表内容")  # openpyxl would leave it out
                for sheet in book.worksheets:
                    yield _page(sheet, archive.read(sheet._worksheet_path))
        finally:
            book.close()


def _page(sheet: Any, part: bytes) -> Page:
    """`part`: the sheet's XML, because openpyxl shows no merged or hidden cells when it streams."""
    rows: list[tuple[int, dict[int, str]]] = []
    formulas: list[tuple[int, int]] = []
    sheet.reset_dimensions()  # a stated extent may be wrong, or huge
    for number, cells in enumerate(sheet.iter_rows(), start=1):
        if number > ROWS_MAX or len(cells) > COLUMNS_MAX:
            raise ArchiveError(
                f"sheet {sheet.title} has more than {ROWS_MAX} rows or {COLUMNS_MAX} columns: delete the empty ones",
                f"工作表 {sheet.title} 超过 {ROWS_MAX} 行或 {COLUMNS_MAX} 列：请删除多余的空行空列",
            )
        texts: dict[int, str] = {}
        for at, cell in enumerate(cells, start=1):
            if cell.value is None:
                continue
            if cell.data_type == "f" or not isinstance(cell.value, (str, int, float, bool, date, time)):
                formulas.append((number, at))
            elif text := cell_text(cell.value):
                texts[at] = text
        if texts:
            rows.append((number, texts))
    merged = [found.decode() for found in _MERGED.findall(part)]
    hidden = sheet.sheet_state != "visible" or _HIDDEN.search(part) is not None
    return Page(str(sheet.title), rows, formulas, merged[:20], hidden)


def cell_text(value: Any) -> str:
    """A cell's value as it would stand in CSV; at most CELL_CHARACTERS_MAX characters."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date | time):
        return value.isoformat()
    return str(value).strip()[:CELL_CHARACTERS_MAX]
