"""Rules of a site as a workbook: what a matrix can say stands in columns, every other rule travels as text with its reason.

Nothing is taken on trust: the workbook is compiled again, and a rule that does not come back byte for byte becomes text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.core.program import (
    SECOND,
    Alarm,
    And,
    BypassTerms,
    Compare,
    Confirm,
    Expression,
    For,
    Interlock,
    Not,
    Or,
    Program,
    Rule,
    RuleText,
    Vote,
    rule_hash,
)
from gateway.core.tags import TagTable
from gateway.rulebook.compile import compile_rules
from gateway.rulebook.cut import cut
from gateway.rulebook.formula import amount, duration, number
from gateway.rulebook.site import TagIndex
from gateway.rulebook.workbook.page import SUFFIXES
from gateway.rulebook.workbook.render import JOIN, sheet_of
from gateway.rulebook.workbook.write import csv_text

Both = tuple[str, str]

NO_COLUMN: Both = ("the matrix has no column for this kind of rule", "因果表没有这一类规则的列")
NO_ROW: Both = (
    "its condition is more than comparisons joined by 'or' and votes of comparisons",
    "其条件不止是用 or 连接的比较和由比较组成的表决",
)
NO_PERMISSIVE: Both = (
    "its permissive is more than comparisons, plain or under 'not', joined by 'and'",
    "其许可条件不止是用 and 连接的比较（可带 not）",
)
NOT_SAME: Both = ("it has terms that no cell holds", "其中有单元格无法表示的规定")


@dataclass(slots=True)
class Column:
    """One effect: its fields, and its marks as (fields of the row, mark)."""

    fields: dict[str, str]
    marks: list[tuple[dict[str, str], str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Left:
    """A rule that a matrix cannot say: it stands as text behind the rule `after`."""

    name: str
    after: str
    text: str
    why: Both


@dataclass(slots=True)
class Layout:
    """A workbook before it is written: `cells` gives for each cause its mark by column number."""

    columns: list[Column] = field(default_factory=list)
    causes: list[dict[str, str]] = field(default_factory=list)
    cells: list[dict[int, str]] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


class ExportError(ValueError):
    """The rules do not compile, or the workbook would not come back as they are."""


def export(files: Sequence[tuple[str, str]], table: TagTable) -> Layout:
    """The workbook of all rules of `files`, proven to compile to the same program. Raises ExportError."""
    compiled = compile_rules(list(files), table)
    if compiled.program is None:
        raise ExportError("the rules have errors")
    index = TagIndex(table)
    sources = _sources(files, index)
    reasons: dict[str, Both] = {}
    while True:
        layout = _layout(compiled.program, index, sources, reasons)
        wrong = _differing(layout, compiled.program, table)
        if not wrong:
            return layout
        if not wrong - reasons.keys():
            raise ExportError(f"does not come back the same: {', '.join(sorted(wrong))}")
        reasons |= dict.fromkeys(wrong, NOT_SAME)


def _differing(layout: Layout, program: Program, table: TagTable) -> set[str]:
    """The rules that do not come back the same from the workbook; all of them if only their order differs."""
    again = compile_rules([("export.csv", csv_text(layout))], table)
    back = {rule.name: rule_hash(rule) for rule in again.program.rules} if again.program else {}
    if again.program is not None and rule_hash(again.program) == rule_hash(program):
        return set()
    names = {rule.name for rule in program.rules}
    wrong = {rule.name for rule in program.rules if back.get(rule.name) != rule_hash(rule)}
    if again.program is not None:
        return wrong or names
    # An error keeps the whole program away: `formulas` tells which rules were sound, each is tried alone.
    return {column.fields["id"] for column in layout.columns if not _alone(column, program, table)} or names


def _alone(column: Column, program: Program, table: TagTable) -> bool:
    """Does this column come back the same when it stands alone?"""
    single = Layout([column])
    _place(single, 0, column)
    again = compile_rules([("export.csv", csv_text(single))], table).program
    rule = next(rule for rule in program.rules if rule.name == column.fields["id"])
    return again is not None and [rule_hash(one) for one in again.rules] == [rule_hash(rule)]


def _sources(files: Sequence[tuple[str, str]], index: TagIndex) -> dict[str, str]:
    """rule name -> its text as written, for rules of text files and the rendered text for those of workbooks."""
    found: dict[str, str] = {}
    for file, text in files:
        sheet = sheet_of(file, text, index)
        for chunk in cut(sheet):
            source = sheet.text[chunk.start : chunk.end]
            found[source.split(maxsplit=2)[1]] = source if not file.endswith(SUFFIXES) else source.strip()
    return found


def _layout(program: Program, index: TagIndex, sources: dict[str, str], reasons: dict[str, Both]) -> Layout:
    layout = Layout()
    after = ""
    for rule in program.rules:
        column = NOT_SAME if rule.name in reasons else _column(rule, index)
        if isinstance(column, Column):
            layout.columns.append(column)
            _place(layout, len(layout.columns) - 1, column)
        else:
            layout.left.append(Left(rule.name, after, sources[rule.name], reasons.get(rule.name, column)))
        after = rule.name
    return layout


def _place(layout: Layout, number: int, column: Column) -> None:
    """Gives every mark of the column a row, below the mark before it; rows are shared where all their fields are equal."""
    last = -1
    for fields, mark in column.marks:
        row = next((i for i in range(last + 1, len(layout.causes)) if _same(layout.causes[i], fields)), None)
        if row is None:
            row = len(layout.causes)
            layout.causes.append({"id": f"C{row + 1}", **fields})
            layout.cells.append({})
        layout.cells[row][number] = mark
        last = row


def _same(row: dict[str, str], fields: dict[str, str]) -> bool:
    return {name: text for name, text in row.items() if name != "id"} == fields


# --- one rule as a column ---


def _column(rule: Rule, index: TagIndex) -> Column | Both:
    """The column of a rule, or why there is none."""
    if not isinstance(rule, Interlock | Alarm):
        return NO_COLUMN
    delay_ns, when = _delayed(rule)
    marks = _marks(when, index, "X" if isinstance(rule, Interlock) else "A")
    if marks is None:
        return NO_ROW
    single = len(marks) == 1 and delay_ns and isinstance(rule, Interlock) and "for" not in marks[0][0]
    if single:
        marks = [(marks[0][0], f"X/{duration(delay_ns)}")]
    column = Column(_header(rule, 0 if single else delay_ns, index))
    _add_terms(rule, marks)
    column.marks = marks
    if isinstance(rule, Interlock) and rule.permissive is not None:
        permissive = _permissive(rule.permissive, index)
        if permissive is None:
            return NO_PERMISSIVE
        column.marks = marks + permissive
    return column


def _delayed(rule: Interlock | Alarm) -> tuple[int, Expression]:
    """The delay of the whole condition and what it delays; the delay of a lone comparison stays in its row."""
    if isinstance(rule, Interlock):
        return rule.on_delay_ns, rule.when
    if isinstance(rule.when, For) and not isinstance(rule.when.item, Compare):
        return rule.when.ns, rule.when.item
    return 0, rule.when


def _marks(when: Expression, index: TagIndex, letter: str) -> list[tuple[dict[str, str], str]] | None:
    """Rows and marks of a condition, None where it is no column."""
    marks: list[tuple[dict[str, str], str]] = []
    groups = 0
    for term in when.items if isinstance(when, Or) else (when,):
        items: Sequence[Expression] = (term,)
        mark = letter
        if isinstance(term, Vote):
            groups += 1
            items, mark = term.items, f"{term.k}oo{len(term.items)}:G{groups}"
        for item in items:
            row = _row(item, index)
            if row is None:
                return None
            marks.append((row, mark))
    return marks


def _row(item: Expression, index: TagIndex) -> dict[str, str] | None:
    """The fields of one comparison, with its delay."""
    lasting = duration(item.ns) if isinstance(item, For) else ""
    node = item.item if isinstance(item, For) else item
    if not isinstance(node, Compare):
        return None
    tag = index.by_name[node.tag]
    fields = {"tag": node.tag, "op": node.op, "limit": number(node.limit), "unit": "" if tag.boolean else tag.unit}
    fields |= {"hyst": number(node.hyst) if node.hyst else "", "for": lasting}
    return {name: text for name, text in fields.items() if text}


def _permissive(node: Expression, index: TagIndex) -> list[tuple[dict[str, str], str]] | None:
    marks: list[tuple[dict[str, str], str]] = []
    for item in node.items if isinstance(node, And) else (node,):
        row = _row(item.item if isinstance(item, Not) else item, index)
        if row is None:
            return None
        marks.append((row, "N" if isinstance(item, Not) else "P"))
    return marks


def _header(rule: Interlock | Alarm, delay_ns: int, index: TagIndex) -> dict[str, str]:
    fields = {"id": rule.name, "priority": f"P{rule.priority}", "delay": duration(delay_ns) if delay_ns else ""}
    if isinstance(rule, Interlock):
        fields["target"] = "; ".join(stop.output for stop in rule.stops)
        if any(stop.within_ns for stop in rule.stops):
            fields["within"] = "; ".join(_within(stop.within_ns) for stop in rule.stops)
        fields["value"] = "safe"
        fields["readback"] = "; ".join(_proof(proof, index) for proof in rule.confirms)
        fields["else"] = "; ".join(stop.output for stop in rule.otherwise)
        fields |= {"latch": "yes", "reset_by": rule.reset_role}
    elif rule.latch:
        fields |= {"latch": "yes", "reset_by": rule.reset_role}
    for language, short in (("zh-CN", "zh"), ("en", "en")):
        text = rule.text.get(language, RuleText())
        fields[short] = text.title
        fields[f"consequence_{short}"], fields[f"response_{short}"] = text.consequence, text.response
    return {name: text for name, text in fields.items() if text}


def _proof(proof: Confirm, index: TagIndex) -> str:
    tag = index.by_name[proof.tag]
    value = amount(proof.value, "" if tag.boolean else tag.unit)
    return f"{proof.tag} {proof.op} {value} within {duration(proof.within_ns)}"


def _within(ns: int) -> str:
    return duration(ns) if ns else "0 s"


def _add_terms(rule: Interlock | Alarm, marks: list[tuple[dict[str, str], str]]) -> None:
    """Into every row of the function what belongs to the whole of it; a text of several causes is dealt out again."""
    after = "" if rule.bad_after_ns == 2 * SECOND else f" after {duration(rule.bad_after_ns)}"
    because = f' because "{rule.because}"' if rule.because else ""
    terms = {"on_bad": f"{rule.on_bad}{after or ' after 2 s'}{because}", "bypass": _bypass(rule.bypass)}
    terms |= {"pst": duration(rule.pst_ns) if rule.pst_ns else "", "area": rule.area}
    texts = {language: _dealt(rule, language, len(marks)) for language in ("zh", "en")}
    for at, (fields, _) in enumerate(marks):
        more = terms | {language: dealt[at] for language, dealt in texts.items()}
        fields |= {name: text for name, text in more.items() if text}


def _bypass(terms: BypassTerms) -> str:
    return f"{duration(terms.max_ns)} by {terms.role}" if terms.max_ns else "never"


def _dealt(rule: Interlock | Alarm, language: str, count: int) -> list[str]:
    """The cause text for each row: its parts where there are as many as rows, else the whole in each."""
    text = rule.text.get("zh-CN" if language == "zh" else "en", RuleText()).cause
    parts = text.split(JOIN[language])
    if len(parts) == count and len(set(parts)) == count and all(part.strip() == part and part for part in parts):
        return parts
    return [text] * count
