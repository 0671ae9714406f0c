"""A layout of causes and effects as an .xlsx with drop-downs and frozen panes, or as CSV that a spreadsheet opens."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from gateway.rulebook.workbook.page import letters, would_run
from gateway.rulebook.workbook.words import CAUSES, EFFECTS, EXAMPLE, MATRIX, OPERATORS, TEXT, TEXTS, heading

if TYPE_CHECKING:
    from gateway.rulebook.workbook.export import Layout

LABELS = len(CAUSES) + 1  # the column of the effects' headings
HEADS = (
    len(EFFECTS) + 1
)  # the row of the causes' headings: the marker stands in the first row, with the ids of the effects
SPARE_ROWS, SPARE_COLUMNS = 60, 20  # empty ones that already have drop-downs
MARKS = ("X", "X/5s", "P", "A", "N", "R", "2oo3:G1", "S")
SHEETS = ("因果表 C&E", "文本规则 Text", "示例 Example", "说明 Guide", "位号 Tags")

Cells = dict[tuple[int, int], str]
_CHOICES: dict[str, Sequence[str]] = {
    "op": OPERATORS,
    "on_bad": ("safe after 2 s", "trip after 2 s"),
    "bypass": ("8 h by supervisor", "4 h by supervisor", "never"),
    "value": ("safe",),
    "latch": ("yes",),
    "reset_by": ("operator", "supervisor", "engineer", "maintainer"),
    "priority": ("P1", "P2", "P3", "P4"),
}
_GUIDE = (
    ("X", "Trip: this cause drives the target to its safe value and latches", "跳车：该原因使输出到达安全值并锁存"),
    ("X/5s", "Trip when the cause has lasted 5 s", "该原因持续 5 s 后跳车"),
    ("P", "Permissive: must be true before a reset; does not trip", "许可：复位前必须成立；本身不跳车"),
    ("N", "Inhibit: must be false before a reset; never withholds a trip", "禁止：复位前必须不成立；绝不阻止跳车"),
    ("A", "Alarm only", "仅报警"),
    ("R", "As X (without a target: as A), and it stays until a person resets it", "同 X（无输出时同 A），须人工复位"),
    ("2oo3:G1", "Vote: the three rows marked so form one group", "表决：该列标记相同的三行组成一组"),
    ("S", "Shadow: a function of its own, named …_SHADOW, on trial", "试运行：独立功能 …_SHADOW，只记录不动作"),
)


def matrix_cells(layout: Layout) -> Cells:
    """The matrix section: texts by (row, column) from 1."""
    cells: Cells = {(1, 1): MATRIX}
    for at, name in enumerate(EFFECTS):
        cells[1 + at, LABELS] = heading(EFFECTS, name)
        for number, column in enumerate(layout.columns):
            cells[1 + at, LABELS + 1 + number] = column.fields.get(name, "")
    for at, name in enumerate(CAUSES):
        cells[HEADS, 1 + at] = heading(CAUSES, name)
    for row, (cause, marks) in enumerate(zip(layout.causes, layout.cells, strict=True), start=HEADS + 1):
        for at, name in enumerate(CAUSES):
            cells[row, 1 + at] = cause.get(name, "")
        for number, mark in marks.items():
            cells[row, LABELS + 1 + number] = mark
    return {place: text for place, text in cells.items() if text}


def text_cells(layout: Layout) -> Cells:
    """The section of text rules, empty where there are none."""
    if not layout.left:
        return {}
    cells: Cells = {(1, 1): TEXT} | {(2, 1 + at): heading(TEXTS, name) for at, name in enumerate(TEXTS)}
    for row, rule in enumerate(layout.left, start=3):
        for at, text in enumerate((rule.name, rule.after, rule.why[0], rule.why[1], rule.text), start=1):
            cells[row, at] = text
    return {place: text for place, text in cells.items() if text}


def csv_text(layout: Layout) -> str:
    """The workbook as CSV; an apostrophe keeps a text from becoming a formula, as spreadsheets do it."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for cells in (matrix_cells(layout), text_cells(layout)):
        writer.writerows(_rows(cells))
    return out.getvalue()


def _rows(cells: Cells) -> Iterator[list[str]]:
    width = max((column for _, column in cells), default=0)
    for row in range(1, max((row for row, _ in cells), default=0) + 1):
        texts = [cells.get((row, column), "") for column in range(1, width + 1)]
        yield ["'" + text if would_run(text) or text.startswith("'") else text for text in texts]


def xlsx_bytes(layout: Layout, tags: Sequence[str] = (), example: Layout | None = None) -> bytes:
    """The workbook for Excel and WPS; equal layouts give equal bytes. `tags` fill the drop-down of the column tag."""
    import openpyxl

    book = openpyxl.Workbook()
    matrix = book.active
    matrix.title = SHEETS[0]
    _fill(matrix, matrix_cells(layout))
    _dress(matrix, layout, len(tags))
    if texts := text_cells(layout):
        sheet = book.create_sheet(SHEETS[1])
        _fill(sheet, texts)
        _widths(sheet, {1: 22, 2: 22, 3: 40, 4: 40, 5: 90})
    if example is not None:
        shown = matrix_cells(example) | {(1, 1): EXAMPLE}
        sheet = book.create_sheet(SHEETS[2])
        _fill(sheet, shown)
        _dress(sheet, example, len(tags))
    guide = book.create_sheet(SHEETS[3])
    _fill(guide, {(row, at): text for row, line in enumerate(_GUIDE, 1) for at, text in enumerate(line, 1)})
    _widths(guide, {1: 12, 2: 70, 3: 50})
    if tags:
        _fill(book.create_sheet(SHEETS[4]), {(row, 1): tag for row, tag in enumerate(tags, start=1)})
    book.properties.created = book.properties.modified = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)
    return _reproducible(book)


def _fill(sheet: Any, cells: Mapping[tuple[int, int], str]) -> None:
    from openpyxl.styles import Alignment

    for (row, column), text in cells.items():
        cell = sheet.cell(row, column)
        cell.value = text
        cell.data_type = "s"  # never a formula, whatever it begins with
        cell.number_format = "@"  # Excel would make a date of 2-3 and a number of 1E5
        cell.alignment = Alignment(vertical="top", wrap_text="\n" in text)


def _dress(sheet: Any, layout: Layout, tags: int) -> None:
    """Colours, widths, frozen panes and drop-downs, the spare rows and columns included."""
    from openpyxl.styles import Alignment, Border, Font, PatternFill, Side
    from openpyxl.worksheet.datavalidation import DataValidation

    last_row = HEADS + len(layout.causes) + SPARE_ROWS
    last_column = LABELS + len(layout.columns) + SPARE_COLUMNS
    head, mark = PatternFill("solid", fgColor="DCE6F1"), PatternFill("solid", fgColor="FFF8DC")
    thin = Side(style="thin", color="BFBFBF")
    grid = Border(left=thin, right=thin, top=thin, bottom=thin)
    for column in range(1, LABELS):
        sheet.cell(HEADS, column).fill = head
    for row in range(1, HEADS):
        sheet.cell(row, LABELS).fill = head
    for row in range(HEADS + 1, last_row + 1):
        for column in range(LABELS + 1, last_column + 1):
            cell = sheet.cell(row, column)
            cell.fill, cell.border, cell.alignment = mark, grid, Alignment(horizontal="center")
    sheet.cell(1, 1).font = Font(bold=True, size=13)
    sheet.freeze_panes = f"{letters(LABELS + 1)}{HEADS + 1}"
    _widths(sheet, {1: 12, 2: 22, 9: 18, 10: 18, 13: 24, 14: 24, LABELS: 24})
    _widths(sheet, dict.fromkeys(range(LABELS + 1, last_column + 1), 16))

    def offer(choices: str, area: str, *, strict: bool) -> None:
        rule = DataValidation(type="list", formula1=choices, allow_blank=True, showErrorMessage=strict)
        rule.add(area)
        sheet.add_data_validation(rule)

    last, first = letters(last_column), letters(LABELS + 1)
    # Marks and terms may also be typed: X/3s and 1oo2:G2 are right and not in the list.
    offer(f'"{",".join(MARKS)}"', f"{first}{HEADS + 1}:{last}{last_row}", strict=False)
    for name, choices in _CHOICES.items():
        strict = name in ("op", "reset_by", "priority", "latch")
        if name in CAUSES:
            at = letters(1 + list(CAUSES).index(name))
            area = f"{at}{HEADS + 1}:{at}{last_row}"
        else:
            row = 1 + list(EFFECTS).index(name)
            area = f"{first}{row}:{last}{row}"
        offer(f'"{",".join(choices)}"', area, strict=strict)
    if tags:
        offer(f"'{SHEETS[4]}'!$A$1:$A${tags}", f"B{HEADS + 1}:B{last_row}", strict=False)


def _widths(sheet: Any, widths: Mapping[int, int]) -> None:
    for column, width in widths.items():
        sheet.column_dimensions[letters(column)].width = width


def _reproducible(book: Any) -> bytes:
    """The archive with one time in every entry: openpyxl and zipfile would stamp it with the hour of writing."""
    import zipfile

    from openpyxl.writer.excel import ExcelWriter

    written, out = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        ExcelWriter(book, archive).write_data()
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.infolist():
            target.writestr(
                zipfile.ZipInfo(entry.filename, (2026, 1, 1, 0, 0, 0)), source.read(entry), zipfile.ZIP_DEFLATED
            )
    return out.getvalue()
