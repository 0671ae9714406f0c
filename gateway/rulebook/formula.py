"""The fully bracketed form of a compiled rule: what people read before they sign."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.core.program import (
    And,
    Both,
    Control,
    Count,
    Expression,
    For,
    Interlock,
    Not,
    Or,
    Rule,
    Since,
    Vote,
)
from gateway.core.tags import TagTable
from gateway.core.written import amount, duration, leaf_text, number

__all__ = ["amount", "bracketed", "duration", "expression", "formula", "number"]


def expression(node: Expression, units: Mapping[str, str]) -> str:
    """Every node in brackets of its own."""
    match node:
        case And() | Or():
            word = " and " if isinstance(node, And) else " or "
            return f"({word.join(expression(item, units) for item in node.items)})"
        case Not():
            return f"(not {expression(node.item, units)})"
        case Vote():
            return f"({node.k} of {len(node.items)} ({_list(node.items, units)}))"
        case For():
            return f"({expression(node.item, units)} for {duration(node.ns)})"
        case Both():
            return f"both({_list(node.items, units)}, {duration(node.ns)})"
        case Since():
            return f"(since({expression(node.item, units)}) {node.op} {duration(node.ns)})"
        case Count():
            return f"(count({expression(node.item, units)}, {duration(node.ns)}) {node.op} {node.n})"
        case _:
            return f"({leaf_text(node, units)})"


def _list(items: tuple[Expression, ...], units: Mapping[str, str]) -> str:
    return ", ".join(expression(item, units) for item in items)


def bracketed(rule: Rule, table: TagTable) -> str:
    """The condition of `rule` with every bracket written, T_on and permissive included."""
    return formula(rule, {tag.name: tag.unit for tag in table.tags})


def formula(rule: Rule, units: Mapping[str, str]) -> str:
    """`bracketed` for a caller that already holds the units of the tags."""
    if isinstance(rule, Interlock):
        return _interlock(rule, units)
    text = expression(rule.when, units)
    if isinstance(rule, Control) and rule.clear is not None:
        return f"{text} clear when {expression(rule.clear, units)}"
    return text


def _interlock(rule: Interlock, units: Mapping[str, str]) -> str:
    when: Expression = For(rule.when, rule.on_delay_ns) if rule.on_delay_ns else rule.when
    text = expression(when, units)
    if rule.permissive is not None:
        text += f" permissive {expression(rule.permissive, units)}"
    if rule.override is not None:
        text += f" override until {expression(rule.override.until, units)} max {duration(rule.override.max_ns)}"
    return text
