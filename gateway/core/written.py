"""Numbers, times, terms and comparisons of the canonical form as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from gateway.core.limits import SECOND
from gateway.core.program import (
    Absolute,
    Age,
    Arithmetic,
    Compare,
    Consecutive,
    Done,
    Eta,
    Good,
    Leafy,
    Measure,
    Number,
    Pick,
    Score,
    Tally,
    Term,
    Trend,
    Value,
)

_CLEARS = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_DURATIONS = (("d", 86_400 * SECOND), ("h", 3_600 * SECOND), ("min", 60 * SECOND), ("s", SECOND))
NO_UNITS: Mapping[str, str] = {}


def number(value: float) -> str:
    """The shortest text that reads back as the same number; 30 rather than 30.0."""
    text = repr(value)
    return text.removesuffix(".0")


def duration(ns: int) -> str:
    """`ns` in the largest unit that takes it whole, milliseconds at the smallest."""
    for unit, size in _DURATIONS:
        if ns >= size and ns % size == 0:
            return f"{ns // size} {unit}"
    return f"{number(ns / 1_000_000)} ms"


def amount(value: float, unit: str) -> str:
    """A number with its unit, if it has one."""
    return f"{number(value)} {unit}" if unit else number(value)


def unit_of(term: Term, units: Mapping[str, str]) -> str:
    """The unit in which a term counts; "s" for times, "" for a bare number."""
    match term:
        case Value(tag=tag):
            return units.get(tag, "")
        case Number() | Score():
            return ""
        case Age() | Eta():
            return "s"
        case Trend(what="rate", item=item):
            unit = unit_of(item, units)
            return f"{unit}/min" if unit else ""
        case Trend(item=item) | Absolute(item=item):
            return unit_of(item, units)
        case Pick(items=items):
            return next(filter(None, (unit_of(item, units) for item in items)), "")
        case Arithmetic(op="/", left=left, right=right):
            return "" if unit_of(right, units) else unit_of(left, units)
        case Arithmetic(left=left, right=right):
            return unit_of(left, units) or unit_of(right, units)


def term(node: Term, units: Mapping[str, str] = NO_UNITS) -> str:
    """A term with every bracket written."""
    match node:
        case Value(tag=tag):
            return tag
        case Number(value=value):
            return number(value)
        case Arithmetic(op=op, left=left, right=right):
            return f"({_operand(left, right, op, units)} {op} {_operand(right, left, op, units)})"
        case Pick(what=what, items=items):
            return f"{what}({', '.join(_operand(item, _beside(items), '+', units) for item in items)})"
        case Absolute(item=item):
            return f"abs({term(item, units)})"
        case Trend(what=what, item=item, ns=ns, sure=sure):
            return f"{what}({term(item, units)}, {duration(ns)}{_sure(sure)})"
        case Eta(item=item, op=op, limit=limit, horizon_ns=horizon_ns, window_ns=window_ns, sure=sure):
            point = amount(limit, unit_of(item, units))
            times = f"horizon = {duration(horizon_ns)}, window = {duration(window_ns)}{_sure(sure)}"
            return f"eta({term(item, units)}, {op} {point}, {times})"
        case Age(tag=tag):
            return f"age({tag})"
        case Score(what=what, group=group, of=of):
            return f"{what}({of or group})"


def _sure(percent: int) -> str:
    return f", sure = {percent} %" if percent else ""


def _beside(items: tuple[Term, ...]) -> Term:
    return next((item for item in items if not isinstance(item, Number)), items[0])


def _operand(node: Term, other: Term, op: str, units: Mapping[str, str]) -> str:
    """One side of a sum or choice: a constant shows the unit of what stands beside it."""
    if isinstance(node, Number) and op in "+-":
        return amount(node.value, unit_of(other, units))
    return term(node, units)


def _point(node: Measure, value: float, units: Mapping[str, str]) -> str:
    unit = unit_of(node.term, units)
    if unit == "s" and isinstance(node.term, Age | Eta):
        return duration(round(value * SECOND))
    return amount(value, unit)


def leaf_text(node: Leafy, units: Mapping[str, str] = NO_UNITS, *, as_rule: bool = False) -> str:
    """A condition without conditions inside, without outer brackets, with the point at which it clears.

    `as_rule` gives what a rule file takes instead, which has `hyst` for it.
    """
    match node:
        case Compare(tag=tag):
            return tag + _against(node, lambda value: amount(value, units.get(tag, "")), as_rule)
        case Measure(term=Score(what="level", group=group)):
            return f"warning({group})"
        case Measure():
            return term(node.term, units) + _against(node, lambda value: _point(node, value, units), as_rule)
        case Good(tag=tag):
            return f"good({tag})"
        case Consecutive(event=event, n=n, by=by, within_ns=within_ns):
            return f"consecutive({event}, {n}{_by(by)}, within = {duration(within_ns)})"
        case Tally(event=event, ns=ns, op=op, n=n, by=by):
            return f"count({event}, {duration(ns)}{_by(by)}) {op} {n}"
        case Done(name=name, max_age_ns=max_age_ns):
            return f"done({name}, max_age = {duration(max_age_ns)})"


def _against(node: Compare | Measure, shown: object, as_rule: bool) -> str:
    assert callable(shown)
    text = f" {node.op} {shown(node.limit)}"
    if not node.hyst:
        return text
    if as_rule:
        return f"{text} hyst {shown(node.hyst)}"
    # 0.7 - 0.15 as people reckon it: 0.55 and not 0.5499999999999999, which nobody can sign.
    limit, hyst = Decimal(repr(node.limit)), Decimal(repr(node.hyst))
    clears = float(limit + hyst if node.op in ("<", "<=") else limit - hyst)
    return f"{text}, clears at {_CLEARS[node.op]} {shown(clears)}"


def _by(keys: tuple[str, ...]) -> str:
    if not keys:
        return ""
    return f", by = {keys[0]}" if len(keys) == 1 else f", by = ({', '.join(keys)})"
