"""The fully bracketed form of a compiled rule: what people read before they sign."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.program import Alarm, And, Compare, Expression, For, Interlock, Not, Or, Rule, Vote
from gateway.core.tags import TagTable

_CLEARS = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}
_DURATIONS = (("d", 86_400_000_000_000), ("h", 3_600_000_000_000), ("min", 60_000_000_000), ("s", 1_000_000_000))


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


def comparison(node: Compare, unit: str) -> str:
    """One comparison without brackets, with the point at which it clears."""
    text = f"{node.tag} {node.op} {amount(node.limit, unit)}"
    if not node.hyst:
        return text
    clears = node.limit + node.hyst if node.op in ("<", "<=") else node.limit - node.hyst
    return f"{text}, clears at {_CLEARS[node.op]} {amount(clears, unit)}"


def expression(node: Expression, units: Mapping[str, str]) -> str:
    """Every node in brackets of its own."""
    match node:
        case Compare():
            return f"({comparison(node, units.get(node.tag, ''))})"
        case And() | Or():
            word = " and " if isinstance(node, And) else " or "
            return f"({word.join(expression(item, units) for item in node.items)})"
        case Not():
            return f"(not {expression(node.item, units)})"
        case Vote():
            return f"({node.k} of {len(node.items)} ({', '.join(expression(item, units) for item in node.items)}))"
        case For():
            return f"({expression(node.item, units)} for {duration(node.ns)})"


def bracketed(rule: Rule, table: TagTable) -> str:
    """The condition of `rule` with every bracket written, T_on and permissive included."""
    return formula(rule, {tag.name: tag.unit for tag in table.tags})


def formula(rule: Rule, units: Mapping[str, str]) -> str:
    """`bracketed` for a caller that already holds the units of the tags."""
    if isinstance(rule, Alarm):
        return expression(rule.when, units)
    return _interlock(rule, units)


def _interlock(rule: Interlock, units: Mapping[str, str]) -> str:
    when: Expression = For(rule.when, rule.on_delay_ns) if rule.on_delay_ns else rule.when
    text = expression(when, units)
    return text if rule.permissive is None else f"{text} permissive {expression(rule.permissive, units)}"
