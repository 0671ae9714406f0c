"""The matrix as read: causes, effects and marks with their cells; everything that is wrong with a cell is reported."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from gateway.rulebook.sheet import Argument
from gateway.rulebook.workbook.archive import Page, Pages
from gateway.rulebook.workbook.page import Cell, sections
from gateway.rulebook.workbook.words import (
    CAUSES,
    EFFECTS,
    EXAMPLE,
    EXAMPLES,
    MATRIX,
    TEXT,
    TEXTS,
    fold,
    has_form,
    mark,
    matched,
    spellings,
)  # fmt: skip

Rows = Sequence[tuple[int, dict[int, str]]]
Report = Callable[..., None]  # report(code, cell, **arguments)

_LISTS = frozenset({"target", "else", "readback", "within"})
ALARM, SHADOW = "_ALARM", "_SHADOW"  # what follows the effect's id in the names of its alarm and its trial
_NEEDED = ("id", "tag", "op", "limit")


@dataclass(slots=True)
class Cause:
    """One row: a comparison and the terms it brings."""

    cells: dict[str, Cell]
    broken: bool = False  # something in it is wrong and reported

    def text(self, name: str) -> str:
        """The text of a field, "" where it is empty."""
        return self.cells[name].text if name in self.cells else ""

    @property
    def id(self) -> str:
        """How people name the row."""
        return self.text("id")


@dataclass(frozen=True, slots=True)
class Mark:
    """One filled cell of the matrix. `kind` is X P A N R S; `delay` of X/5s; `vote` = (k, n, group) where it is one."""

    cause: Cause
    cell: Cell
    kind: str
    delay: str = ""
    vote: tuple[int, int, str] | None = None


@dataclass(slots=True)
class Effect:
    """One column: a function and its marks from top to bottom."""

    cells: dict[str, Cell]
    marks: list[Mark] = field(default_factory=list)
    broken: bool = False  # something in it is wrong and reported: no rule is made of it

    def text(self, name: str) -> str:
        """The text of a field, "" where it is empty."""
        return self.cells[name].text if name in self.cells else ""

    @property
    def id(self) -> str:
        """The name of its rule."""
        return self.text("id")

    def parts(self, name: str) -> list[str]:
        """The parts of a field that may hold several, split at semicolons."""
        return [part.strip() for part in self.text(name).split(";") if part.strip()]

    @property
    def sound(self) -> bool:
        """A rule can be made of it."""
        return not self.broken and not any(mark.cause.broken for mark in self.marks)

    def of_kind(self, kinds: str) -> list[Mark]:
        """The marks of these kinds."""
        return [mark for mark in self.marks if mark.kind in kinds]


@dataclass(frozen=True, slots=True)
class Part:
    """One rule of a column and the marks that make its condition."""

    kind: Literal["interlock", "alarm"]
    name: str
    marks: list[Mark]


def parts(effect: Effect) -> list[Part]:
    """The rules of a column: its trip, what only alarms, and what is on trial; without a target its alarm."""
    if "target" in effect.cells:
        found = [
            Part("interlock", effect.id, effect.of_kind("XR")),
            Part("alarm", effect.id + ALARM, effect.of_kind("A")),
            Part("interlock", effect.id + SHADOW, effect.of_kind("S")),
        ]
    else:
        found = [Part("alarm", effect.id, effect.of_kind("XAR"))]
    return [part for part in found if part.marks]


@dataclass(frozen=True, slots=True)
class TextRule:
    """A rule of the text language that travels in the workbook, behind the rule named `after`."""

    after: str
    cell: Cell


@dataclass(slots=True)
class Matrix:
    """Everything a workbook says."""

    causes: list[Cause] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    texts: list[TextRule] = field(default_factory=list)


def read_matrix(pages: Pages, report: Report) -> Matrix:
    """What the pages say; `report(code, cell, **arguments)` is called for everything wrong."""
    matrix = Matrix()
    found = False
    for marker, page, rows in sections(pages):
        found = True
        _check_page(page, rows, report)
        if marker == MATRIX:
            _Reader(page.name, rows, matrix, report).read()
        else:
            _read_texts(page.name, rows, matrix, report)
    _check_unread(pages, report)
    if not found:
        report("matrix.none", Cell("", 1, 1), expected=MATRIX)
    _check_ids(matrix, report)
    return matrix


def _check_page(page: Page, rows: Rows, report: Report) -> None:
    for row, column in page.formulas:
        report("matrix.formula", Cell("", row, column, page.name))
    for area in page.merged:
        report("matrix.merged", Cell(area, rows[0][0], 1, page.name), what=area)
    if page.hidden:
        report("matrix.hidden", Cell("", rows[0][0], 1, page.name), what=page.name)
    for row, cells in rows:
        for column, text in cells.items():
            for char in text:
                if unicodedata.category(char) in ("Cc", "Cf", "Zl", "Zp", "Co", "Cs") and char not in "\n\t":
                    report("matrix.invisible", Cell(text, row, column, page.name), what=f"U+{ord(char):04X}")
                    break


def _check_unread(pages: Pages, report: Report) -> None:
    """A sheet that looks like a matrix and has no marker protects nothing: that must be seen."""
    words = spellings(CAUSES)
    marks = {fold(MATRIX), fold(TEXT), fold(EXAMPLE)}
    for page in pages.pages:
        first = [fold(cells.get(1, "")) for _, cells in page.rows]
        if not marks.intersection(first) and any(words.get(text) == "id" for text in first):
            report("matrix.unread", Cell("", 1, 1, page.name), what=page.name, expected=MATRIX)


def _check_ids(matrix: Matrix, report: Report) -> None:
    for things in (matrix.causes, matrix.effects):
        seen: dict[str, Cell] = {}
        for thing in things:
            cell = thing.cells.get("id")
            if cell is None:
                continue
            if thing.id in seen:
                report("matrix.duplicate", cell, what=cell.text, first=seen[thing.id].name)
                thing.broken = True
            seen.setdefault(thing.id, cell)


class _Reader:
    """One matrix section of one page."""

    def __init__(self, page: str, rows: Rows, matrix: Matrix, report: Report) -> None:
        self.page = page
        self.rows = rows
        self.matrix = matrix
        self.report = report

    def read(self) -> None:
        """Headings, then effects, then causes with their marks."""
        words = spellings(CAUSES)
        at = next((i for i, (_, cells) in enumerate(self.rows) if words.get(fold(cells.get(1, ""))) == "id"), None)
        if at is None:
            self.report("matrix.headings", self._cell(self.rows[0][0], 1, MATRIX), what=", ".join(_NEEDED))
            return
        number, heads = self.rows[at]
        columns = self._headings(number, heads, words)
        label = max(columns.values()) + 1
        effects = self._effects(self.rows[:at], label)
        self.matrix.effects += effects.values()
        for row, cells in self.rows[at + 1 :]:
            self._cause(row, cells, columns, label, effects)
        for effect in effects.values():
            if not effect.of_kind("XARS") and not effect.broken:
                self.report("matrix.idle-effect", effect.cells["id"], what=effect.id)

    def _cell(self, row: int, column: int, text: str) -> Cell:
        return Cell(text, row, column, self.page)

    def _headings(self, row: int, heads: Mapping[int, str], words: Mapping[str, str]) -> dict[str, int]:
        """field -> column of the cause headings."""
        columns: dict[str, int] = {}
        for column, text in sorted(heads.items()):
            name = words.get(fold(text))
            cell = self._cell(row, column, text)
            if name is None:
                self.report("matrix.heading", cell, what=text, expected=_listed(CAUSES))
            elif name in columns:
                self.report("matrix.heading-twice", cell, what=text)
            else:
                columns[name] = column
        missing = [name for name in _NEEDED if name not in columns]
        if missing:
            self.report("matrix.headings", self._cell(row, 1, ""), what=", ".join(missing))
        return columns

    def _effects(self, rows: Rows, label: int) -> dict[int, Effect]:
        """column -> effect, from the rows above the headings."""
        words = spellings(EFFECTS)
        found: dict[int, dict[str, Cell]] = {}
        seen: set[str] = set()
        for row, cells in rows:
            text = cells.get(label, "")
            name = words.get(fold(text))
            if text and name is None:
                self.report("matrix.heading", self._cell(row, label, text), what=text, expected=_listed(EFFECTS))
            elif name in seen:
                self.report("matrix.heading-twice", self._cell(row, label, text), what=text)
            seen.add(name or "")
            for column, value in cells.items():
                cell = self._cell(row, column, value)
                if column == 1 and row == rows[0][0]:
                    continue  # the marker of the section
                if column > label and name is not None:
                    found.setdefault(column, {})[name] = cell
                elif column != label:
                    self.report("matrix.stray", cell, what=value[:40])
        effects = {column: Effect(found[column]) for column in sorted(found)}
        for column, effect in effects.items():
            effect.broken = not self._check(effect.cells, EFFECTS)
            if "id" not in effect.cells:
                self._missing(self._cell(rows[0][0], column, ""), EFFECTS["id"], "STOP_PUMP7")
                effect.broken = True
        return effects

    def _cause(
        self, row: int, cells: dict[int, str], columns: Mapping[str, int], label: int, effects: Mapping[int, Effect]
    ) -> None:
        if cells.get(1, "").startswith("#") and len(cells) == 1:
            return  # a title between the rows
        fields = {name: self._cell(row, at, cells[at]) for name, at in columns.items() if at in cells}
        cause = Cause(fields, not self._check(fields, CAUSES))
        for name in _NEEDED:
            if name not in fields:
                cause.broken = True
                if name in columns:
                    self._missing(self._cell(row, columns[name], ""), CAUSES[name], EXAMPLES[name])
        self.matrix.causes.append(cause)
        known = set(columns.values())
        marked = False
        for column, text in sorted(cells.items()):
            cell = self._cell(row, column, text)
            if column in effects:
                marked = True
                self._mark(cause, cell, effects[column])
            elif column not in known:
                self.report("matrix.stray", cell, what=text[:40])
        if not marked and "id" in fields:
            self.report("matrix.idle-cause", fields["id"], what=cause.id)

    def _mark(self, cause: Cause, cell: Cell, effect: Effect) -> None:
        read = mark(unicodedata.normalize("NFKC", cell.text))
        if read is None:
            self.report("matrix.mark", cell, what=cell.text[:40])
            effect.broken = True
            return
        kind = (read["letter"] or "X").upper()
        effect.marks.append(Mark(cause, cell, kind, read["delay"] or "", _vote(read) or self._own_vote(cause, kind)))

    @staticmethod
    def _own_vote(cause: Cause, kind: str) -> tuple[int, int, str] | None:
        """The vote of the row, for marks that trip or alarm."""
        read = matched("vote", cause.text("vote"))
        return _vote(read, 1) if read and kind in "XARS" else None

    def _missing(self, cell: Cell, words: tuple[str, str], expected: str) -> None:
        self.report("matrix.missing", cell, field=words, expected=expected)

    def _check(self, fields: Mapping[str, Cell], words: Mapping[str, tuple[str, str]]) -> bool:
        """Is every field that has a form of that form? Nothing else may become part of a rule's text."""
        good = True
        for name, cell in fields.items():
            if not has_form(name):
                continue
            parts = [part.strip() for part in cell.text.split(";")] if name in _LISTS else [cell.text]
            if not all(matched(name, part) for part in parts):
                shown = {"what": cell.text[:60], "expected": EXAMPLES[name]}
                self.report("matrix.value", cell, field=words[name], **shown)
                good = False
        return good


def _vote(read: re.Match[str], first: int = 3) -> tuple[int, int, str] | None:
    """(k, n, group) from groups `first` on; marks have two groups before them."""
    k, n, group = read.group(first), read.group(first + 1), read.group(first + 2)
    return (int(k), int(n), group.upper()) if k else None


def _listed(fields: Mapping[str, tuple[str, str]]) -> Argument:
    return ", ".join(en for en, _ in fields.values()), "、".join(zh for _, zh in fields.values())


def _read_texts(page: str, rows: Rows, matrix: Matrix, report: Report) -> None:
    """The section of text rules: a row of headings below the marker, then one rule in each row."""
    words = spellings(TEXTS)
    columns = {words.get(fold(text), ""): column for column, text in (rows[1][1] if len(rows) > 1 else {}).items()}
    if "text" not in columns:
        report("matrix.headings", Cell("", rows[0][0], 1, page), what=_listed(TEXTS))
        return
    for row, cells in rows[2:]:
        if columns["text"] in cells:
            cell = Cell(cells[columns["text"]], row, columns["text"], page)
            matrix.texts.append(TextRule(cells.get(columns.get("after", 0), ""), cell))
        else:
            column, text = next(iter(cells.items()))
            report("matrix.stray", Cell(text, row, column, page), what=text[:40])
