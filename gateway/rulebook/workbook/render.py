"""A matrix as rules of the text language: one column becomes one function, and every character remembers its cell.

So units, limits, budgets and names are judged by the same code as in a text file, and both give the same bytes.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass, field

from gateway.core.errors import Problem
from gateway.rulebook.formula import amount
from gateway.rulebook.sentences import SENTENCES
from gateway.rulebook.sheet import Argument, Sheet, Spot
from gateway.rulebook.site import TagIndex
from gateway.rulebook.workbook.archive import ArchiveError
from gateway.rulebook.workbook.matrix import Effect, Mark, Matrix, TextRule, parts, read_matrix
from gateway.rulebook.workbook.page import SUFFIXES, Cell, pages_of
from gateway.rulebook.workbook.sentences import WORKBOOK
from gateway.rulebook.workbook.words import CAUSES, matched

_SENTENCES = {**SENTENCES, **WORKBOOK}
PROBLEMS_MAX = 500  # shown of one workbook: more are the same mistake in other rows


@dataclass(slots=True)
class MatrixSheet(Sheet):
    """The rules of one workbook as text; problems name the cell a text came from."""

    cells: list[Cell] = field(default_factory=list)
    cell_starts: list[int] = field(default_factory=list)
    matrix: Matrix = field(default_factory=Matrix)

    def cell(self, at: int) -> Cell:
        """The cell that character `at` came from."""
        return self.cells[max(0, bisect_right(self.cell_starts, at) - 1)] if self.cells else Cell("", 1, 1)

    def place(self, at: int) -> tuple[int, int]:
        """Row and column of that cell."""
        cell = self.cell(at)
        return cell.row, cell.column

    def mark(self, start: int, end: int) -> Spot:
        """The cell that character `start` came from."""
        cell = self.cell(start)
        return Spot(self.file, cell.row, cell.column, cell.name)

    def report(self, code: str, start: int, end: int, **arguments: Argument) -> None:
        """Add a problem at the cell that character `start` came from."""
        self.complain(code, self.cell(start), **arguments)

    def complain(self, code: str, cell: Cell, **arguments: Argument) -> None:
        """Add a problem of `code` at `cell`; each is said once of a cell."""
        sentence = _SENTENCES[code]
        en = {name: value if isinstance(value, str) else value[0] for name, value in arguments.items()}
        zh = {name: value if isinstance(value, str) else value[1] for name, value in arguments.items()}
        found = Problem(
            file=self.file,
            code=code,
            text={"en": sentence.en.format_map(en), "zh-CN": sentence.zh.format_map(zh)},
            remedy={"en": sentence.remedy_en.format_map(en), "zh-CN": sentence.remedy_zh.format_map(zh)},
            line=cell.row,
            column=cell.column,
            cell=cell.name,
            severity="warning" if sentence.warning else "error",
        )
        if len(self.problems) < PROBLEMS_MAX and found not in self.problems:
            self.problems.append(found)


def sheet_of(file: str, text: str, index: TagIndex) -> Sheet:
    """The sheet of a rule file: its text, or the rules that a workbook (`.xlsx` in plain form, `.csv`) says."""
    if not file.endswith(SUFFIXES):
        return Sheet.of(file, text)
    sheet = MatrixSheet(file, "")
    try:
        pages = pages_of(file, text)
    except ArchiveError as error:
        sheet.complain("matrix.invalid", Cell("", 1, 1), what=(error.en, error.zh))
        return sheet
    sheet.matrix = matrix = read_matrix(pages, sheet.complain)
    _Writer(sheet, index).write(matrix)
    return sheet


class _Writer:
    """Writes the rules of a matrix into its sheet."""

    def __init__(self, sheet: MatrixSheet, index: TagIndex) -> None:
        self.sheet = sheet
        self.index = index
        self._parts: list[str] = []
        self._length = 0

    def write(self, matrix: Matrix) -> None:
        """All rules in their order; text rules stand behind the rule they name."""
        waiting = list(matrix.texts)
        self._texts("", waiting)
        for effect in matrix.effects:
            for name in self._effect(effect) if effect.sound else ():
                self._texts(name, waiting)
        for rule in list(waiting):  # the rule they stood behind is no longer here
            self._text(rule)
        self.sheet.text = "".join(self._parts)

    def _texts(self, name: str, waiting: list[TextRule]) -> None:
        """The text rules behind the rule `name`, and those behind these."""
        behind = [name]
        while found := next((rule for rule in waiting if rule.after == behind[-1]), None):
            waiting.remove(found)
            self._text(found)
            words = found.cell.text.split(maxsplit=2)
            behind.append(words[1] if len(words) > 1 else "")

    def _text(self, rule: TextRule) -> None:
        self._add(rule.cell.text + "\n\n", rule.cell)

    def _add(self, text: str, cell: Cell) -> None:
        self.sheet.cells.append(cell)
        self.sheet.cell_starts.append(self._length)
        self._parts.append(text)
        self._length += len(text)

    def _effect(self, effect: Effect) -> list[str]:
        """Up to three rules: the trip, what only alarms, and what is on trial."""
        if "target" not in effect.cells:
            for mark in effect.of_kind("S") + [one for one in effect.of_kind("X") if one.vote is None]:
                self.sheet.complain("matrix.no-target", mark.cell, effect=effect.id)
        written = []
        for part in parts(effect):
            self._rule(effect, part.kind, part.name, part.marks)
            written.append(part.name)
        return written

    def _rule(self, effect: Effect, kind: str, name: str, marks: list[Mark]) -> None:
        cell = effect.cells["id"]
        self._add(f"{kind} {name}\n  when ", cell)
        self._when(effect, marks)
        if kind == "interlock":
            self._outputs(effect)
            self._permissive(effect)
        else:
            self._add("\n  then alarm", cell)
        self._header(effect, kind, name, any(mark.kind == "R" for mark in marks))
        self._terms(effect, kind, marks)
        self._words(effect, marks)
        self._add("\nend\n\n", cell)

    # --- conditions ---

    def _when(self, effect: Effect, marks: list[Mark]) -> None:
        terms: list[list[Mark]] = []
        groups: dict[str, list[Mark]] = {}
        for mark in marks:
            if mark.vote is None:
                terms.append([mark])
            elif mark.vote[2] in groups:
                groups[mark.vote[2]].append(mark)
            else:
                groups[mark.vote[2]] = members = [mark]
                terms.append(members)
        delay = effect.cells.get("delay")
        self._add("(" if delay else "", effect.cells["id"])
        for at, members in enumerate(terms):
            self._add(" or " if at else "", members[0].cell)
            if members[0].vote is None:
                self._comparison(members[0])
            else:
                self._ballot(effect, members)
        if delay:
            self._add(f") for {delay.text}", delay)

    def _ballot(self, effect: Effect, members: list[Mark]) -> None:
        k, _, group = members[0].vote or (1, 1, "")
        for mark in members:
            if mark.vote != (k, len(members), group):
                shown = {"group": group, "count": str(len(members)), "effect": effect.id, "what": mark.cell.text}
                self.sheet.complain("matrix.vote", mark.cell, **shown)
        self._add(f"{k} of (", members[0].cell)
        for at, mark in enumerate(members):
            self._add(", " if at else "", mark.cell)
            self._comparison(mark)
        self._add(")", members[0].cell)

    def _comparison(self, mark: Mark) -> None:
        """One comparison in brackets; the delay of the mark takes the place of the row's."""
        cells = mark.cause.cells
        self._add("(", mark.cell)
        unit = f" {cells['unit'].text}" if "unit" in cells else ""
        self._add(f"{cells['tag'].text} ", cells["tag"])
        self._add(f"{cells['op'].text} ", cells["op"])
        self._add(cells["limit"].text, cells["limit"])
        self._add(unit, cells.get("unit", cells["limit"]))
        if "hyst" in cells:
            self._add(f" hyst {cells['hyst'].text}{unit}", cells["hyst"])
        if mark.delay:
            self._add(f" for {mark.delay}", mark.cell)
        elif "for" in cells:
            self._add(f" for {cells['for'].text}", cells["for"])
        self._add(")", mark.cell)

    def _permissive(self, effect: Effect) -> None:
        """`P` must be true to arm, `N` must be false to arm; neither ever withholds a trip."""
        for at, mark in enumerate(effect.of_kind("PN")):
            self._add(" and " if at else "\n  permissive ", mark.cell)
            self._add("not " if mark.kind == "N" else "", mark.cell)
            self._comparison(mark)

    # --- clauses ---

    def _outputs(self, effect: Effect) -> None:
        target = effect.cells["target"]
        within = effect.parts("within")
        for at, output in enumerate(effect.parts("target")):
            self._check_value(effect, output)
            self._add(f", stop {output}" if at else f"\n  then stop {output}", target)
            time = within[at] if len(within) > 1 and at < len(within) else within[0] if len(within) == 1 else ""
            if time and time not in ("0 s", "0s"):
                self._add(f" within {time}", effect.cells["within"])
        for proof in effect.parts("readback"):
            self._add(f", confirm {proof}", effect.cells["readback"])
        for at, output in enumerate(effect.parts("else")):
            self._add(f", stop {output}" if at else f"\n  else stop {output}", effect.cells["else"])

    def _check_value(self, effect: Effect, output: str) -> None:
        cell, tag = effect.cells.get("value"), self.index.by_name.get(output)
        if cell is None or tag is None or cell.text in ("safe", "安全值") or math.isnan(tag.safe):
            return
        if float(cell.text) != tag.safe:
            shown = {"tag": tag.name, "expected": amount(tag.safe, ""), "what": cell.text}
            self.sheet.complain("matrix.unsafe", cell, **shown)

    def _header(self, effect: Effect, kind: str, name: str, reset_needed: bool) -> None:
        latch, role, priority = (effect.cells.get(field) for field in ("latch", "reset_by", "priority"))
        yes = latch is not None and latch.text in ("yes", "是")
        if latch is not None and not yes and (kind == "interlock" or reset_needed):
            self.sheet.complain("matrix.no-latch", latch)
        if role is not None and (kind == "interlock" or yes or reset_needed):
            self._add(f"\n  latch reset by {role.text}", role)
        elif yes or reset_needed:
            self._add("\n  latch", effect.cells["id"])
        if kind == "alarm" and name != effect.id:
            self._add("\n  priority P3", effect.cells["id"])  # before a trip of P1 nobody wants an alarm of P1
        elif priority is not None:
            self._add(f"\n  priority {priority.text}", priority)

    def _terms(self, effect: Effect, kind: str, marks: list[Mark]) -> None:
        """What the rows bring: one policy and one bypass, the shortest process safety time, the first area."""
        policy = self._agreed(effect, marks, "on_bad", "safe after 2 s" if kind == "interlock" else "alarm after 2 s")
        if policy is not None and (read := matched("on_bad", policy.text)):
            after = f" after {read['after']}" if read["after"] else ""
            why = f" because {_quoted(read['why'])}" if read["why"] else ""
            self._add(f"\n  on bad {read['policy']}{after}{why}", policy)
        bypass = self._agreed(effect, marks, "bypass", "8 h by supervisor" if kind == "interlock" else "never")
        if bypass is not None and (read := matched("bypass", bypass.text)):
            role = f" by {read['role']}" if read["role"] else ""
            self._add("\n  bypass never" if read["never"] else f"\n  bypass max {read['most']}{role}", bypass)
        times = [mark.cause.cells["pst"] for mark in marks if "pst" in mark.cause.cells]
        if times:
            shortest = min(times, key=lambda cell: _seconds(cell.text))
            self._add(f"\n  pst {shortest.text}", shortest)
        area = next((mark.cause.cells["area"] for mark in marks if "area" in mark.cause.cells), None)
        if area is not None:
            self._add(f"\n  area {_quoted(area.text)}", area)

    def _agreed(self, effect: Effect, marks: list[Mark], name: str, default: str) -> Cell | None:
        """The term that all rows of a function share; an empty cell says the default. None where all are empty."""
        first = marks[0].cause
        for mark in marks[1:]:
            here, there = mark.cause.text(name) or default, first.text(name) or default
            if _plain(here) != _plain(there):
                cell = mark.cause.cells.get(name, mark.cause.cells["id"])
                where = first.cells.get(name, first.cells["id"]).name
                shown = {"effect": effect.id, "what": here, "other": there, "first": where}
                self.sheet.complain("matrix.terms", cell, field=CAUSES[name], **shown)
        return next((mark.cause.cells[name] for mark in marks if name in mark.cause.cells), None)

    def _words(self, effect: Effect, marks: list[Mark]) -> None:
        """What people read: the title, what caused it, what follows and what to do."""
        for language in ("zh", "en"):
            causes = list(dict.fromkeys(mark.cause.cells[language] for mark in marks if language in mark.cause.cells))
            spoken = list(dict.fromkeys(cell.text for cell in causes))
            fields = (
                ("title", effect.cells.get(language), effect.text(language)),
                ("cause", causes[0] if causes else None, JOIN[language].join(spoken)),
                ("consequence", effect.cells.get(f"consequence_{language}"), effect.text(f"consequence_{language}")),
                ("response", effect.cells.get(f"response_{language}"), effect.text(f"response_{language}")),
            )
            for what, cell, text in fields:
                if cell is not None:
                    self._add(f"\n  text {language} {what} {_quoted(text)}", cell)


JOIN = {"zh": "；", "en": "; "}  # between the texts of several causes of one function
_SCALE = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


def _seconds(text: str) -> float:
    unit = text.lstrip("0123456789. ")
    return float(text.removesuffix(unit)) * _SCALE[unit]


def _plain(text: str) -> str:
    return "".join(text.split()).removeprefix("max")


def _quoted(text: str) -> str:
    flat = " ".join(text.split())
    return '"' + flat.replace("\\", "\\\\").replace('"', '\\"') + '"'
