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


def expression(node: Expression, units: Mapping[str, str], *, as_rule: bool = False) -> str:
    """Every node in brackets of its own; `as_rule` in the very words that a rule file takes."""

    def inner(item: Expression) -> str:
        return expression(item, units, as_rule=as_rule)

    match node:
        case And() | Or():
            word = " and " if isinstance(node, And) else " or "
            return f"({word.join(map(inner, node.items))})"
        case Not():
            return f"(not {inner(node.item)})"
        case Vote():
            of = "of" if as_rule else f"of {len(node.items)}"
            return f"({node.k} {of} ({', '.join(map(inner, node.items))}))"
        case For():
            return f"({inner(node.item)} for {duration(node.ns)})"
        case Both():
            return f"both({', '.join(map(inner, node.items))}, {duration(node.ns)})"
        case Since():
            return f"(since({inner(node.item)}) {node.op} {duration(node.ns)})"
        case Count():
            return f"(count({inner(node.item)}, {duration(node.ns)}) {node.op} {node.n})"
        case _:
            return f"({leaf_text(node, units, as_rule=as_rule)})"


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
