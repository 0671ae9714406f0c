"""limits.csv: what permit rules must not be laxer than, each row with clause, edition and who stands for it (interlocks.md §6).

A limit of a clause is a template until the site's safety engineer has signed it: `status` says which it is, and the check tells.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.core.errors import Problem
from gateway.core.program import And, Compare, Done, Expression, Permit, Rule
from gateway.core.tags import Tag
from gateway.site.messages import nearest, problem
from gateway.site.place import Place
from gateway.site.table import Row, Table

FILE = "limits.csv"
_NAMES = {
    "permit": "许可",
    "what": "项目",
    "op": "比较",
    "value": "限值",
    "unit": "单位",
    "work": "作业",
    "clause": "条款",
    "edition": "标准版本",
    "status": "状态",
    "approver": "批准人",
    "date": "批准日期",
    "note": "说明",
}
HEADINGS: dict[str, tuple[str, ...]] = {name: (zh, f"{zh} {name}") for name, zh in _NAMES.items()}
REQUIRED = ("permit", "what", "op", "value", "clause", "edition", "status")
TIMES = {"min": 60, "h": 3600, "d": 86_400}
STATUS = {"unverified": "unverified", "未核实": "unverified", "signed": "signed", "已核实": "signed"}
_DATE = re.compile(r"20\d\d-[01]\d-[0-3]\d")


@dataclass(frozen=True, slots=True)
class Limit:
    """One row. `what` is a tag, `done NAME` for the age of what was noted as done, or `valid` for the life of the permit."""

    permit: str
    what: str
    op: str
    value: float
    unit: str
    clause: str
    signed: bool
    place: Place


def read_limits(table: Table) -> tuple[list[Limit], list[Problem]]:
    """The rows, and what is wrong with them."""
    problems, limits = list(table.problems), list[Limit]()
    if not all(column in table.columns for column in REQUIRED):
        return limits, problems
    for row in table.rows:
        found = list(_wrong(table, row))
        problems += found
        if not found:
            status = STATUS[row["status"]]
            clause = f"{row['edition']} {row['clause']}".strip()
            value, place = float(row["value"]), table.place(row, "value")
            limits.append(
                Limit(row["permit"], row["what"], row["op"], value, row["unit"], clause, status == "signed", place)
            )
    return limits, problems


def _wrong(table: Table, row: Row) -> Iterator[Problem]:
    if row["op"] not in ("<=", ">=", "<", ">"):
        yield problem("limits.op", table.place(row, "op"), value=row["op"])
    try:
        float(row["value"])
    except ValueError:
        yield problem("limits.value", table.place(row, "value"), value=row["value"])
    timed = row["what"] == "valid" or row["what"].startswith("done ")
    if timed and (row["unit"] not in TIMES or row["op"] != "<="):
        yield problem("limits.time", table.place(row, "unit"), value=f"{row['op']} {row['value']} {row['unit']}")
    if row["status"] not in STATUS:
        yield problem("limits.status", table.place(row, "status"), value=row["status"])
    elif STATUS[row["status"]] == "signed" and not (row["approver"] and _DATE.fullmatch(row["date"])):
        yield problem("limits.unsigned", table.place(row, "approver"), value=row["clause"])


Converted = Callable[
    [float, str, str], float | None
]  # value, its unit, the tag's unit -> value; None where they do not fit


def check_limits(
    limits: Sequence[Limit], rules: Iterable[Rule], tags: Mapping[str, Tag], converted: Converted
) -> list[Problem]:
    """What is laxer than its limit, or does not look at it at all, is an error; what nobody has signed is a warning."""
    permits = {rule.name: rule for rule in rules if isinstance(rule, Permit)}
    problems = list[Problem]()
    for limit in limits:
        rule = permits.get(limit.permit)
        if rule is None:
            near = nearest(limit.permit, list(permits))
            problems.append(problem("limits.no-permit", limit.place, "warning", value=limit.permit, near=near))
            continue
        problems += _against(limit, rule, tags, converted)
        if not limit.signed:
            named = f"{limit.permit}: {limit.what} {limit.op} {limit.value:g} {limit.unit}".rstrip()
            problems.append(problem("limits.unverified", limit.place, "warning", value=named, clause=limit.clause))
    return problems


def _against(limit: Limit, rule: Permit, tags: Mapping[str, Tag], converted: Converted) -> Iterator[Problem]:
    said: list[float]
    if limit.what == "valid":
        said, unit, value = [rule.valid_ns / 1e9], "s", limit.value * TIMES[limit.unit]
    elif limit.what.startswith("done "):
        name = limit.what.removeprefix("done ").strip()
        said = [node.max_age_ns / 1e9 for node in _terms(rule.when) if isinstance(node, Done) and node.name == name]
        value, unit = limit.value * TIMES[limit.unit], "s"
    else:
        tag = tags.get(limit.what)
        if tag is None:
            near = nearest(limit.what, list(tags))
            yield problem("limits.no-tag", limit.place, value=limit.what, near=near)
            return
        said = [
            node.limit
            for node in _terms(rule.when)
            if isinstance(node, Compare) and node.tag == tag.name and node.op[0] == limit.op[0]
        ]
        found = converted(limit.value, limit.unit, tag.unit)
        if found is None:
            yield problem("limits.unit", limit.place, value=limit.unit, unit=tag.unit or "–")
            return
        value, unit = found, tag.unit
    wanted = f"{limit.what} {limit.op} {limit.value:g} {limit.unit}".rstrip()
    if not said:
        yield problem("limits.not-asked", limit.place, value=rule.name, wanted=wanted, clause=limit.clause)
        return
    tightest = min(said) if limit.op[0] == "<" else max(said)
    slack = 1e-9 * max(1.0, abs(value))
    if (tightest > value + slack) if limit.op[0] == "<" else (tightest < value - slack):
        shown = f"{tightest:g} {unit}".rstrip()
        yield problem("limits.laxer", limit.place, value=rule.name, said=shown, wanted=wanted, clause=limit.clause)


def _terms(node: Expression) -> Iterator[Expression]:
    """What must be true for the whole to be: the items of `and`, however they are nested."""
    if isinstance(node, And):
        for item in node.items:
            yield from _terms(item)
    else:
        yield node
