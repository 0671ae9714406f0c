"""Looking through expressions: their comparisons, their tags, and what in them depends on time."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.core.program import (
    Absolute,
    Age,
    And,
    Arithmetic,
    Both,
    Compare,
    Consecutive,
    Control,
    Count,
    Done,
    Eta,
    Expression,
    For,
    Good,
    Interlock,
    Leafy,
    Measure,
    Not,
    Number,
    Or,
    Pick,
    Rule,
    Score,
    Since,
    Tally,
    Term,
    Trend,
    Value,
    Vote,
)
from gateway.core.terms import tags_of


def inside(node: Expression) -> tuple[Expression, ...]:
    """The conditions directly inside a condition."""
    match node:
        case And(items=items) | Or(items=items) | Vote(items=items) | Both(items=items):
            return items
        case Not(item=item) | For(item=item) | Since(item=item) | Count(item=item):
            return (item,)
        case _:
            return ()


def parts(node: Expression) -> Iterator[Expression]:
    """A condition and everything inside it, in written order."""
    yield node
    for item in inside(node):
        yield from parts(item)


def leaves(node: Expression) -> Iterator[Leafy]:
    """The conditions without conditions inside, in written order."""
    for part in parts(node):
        if isinstance(part, Compare | Measure | Good | Consecutive | Tally | Done):
            yield part


def tags_of_leaf(leaf: Leafy) -> list[str]:
    """The tags that a comparison, question or pattern reads."""
    match leaf:
        case Compare(tag=tag) | Good(tag=tag):
            return [tag]
        case Measure(term=term):
            return tags_of(term)
        case Consecutive(event=event, by=by) | Tally(event=event, by=by):
            return [event, f"{event}.event", *(f"{event}.{key}" for key in by)]
        case Done():
            return []


def tags(*nodes: Expression | None) -> list[str]:
    """The tags that conditions read, each once, in written order."""
    found = [tag for node in nodes if node is not None for leaf in leaves(node) for tag in tags_of_leaf(leaf)]
    return list(dict.fromkeys(found))


def terms(term: Term) -> Iterator[Term]:
    """A number and everything inside it."""
    yield term
    match term:
        case Arithmetic(left=left, right=right):
            yield from terms(left)
            yield from terms(right)
        case Pick(items=items):
            for item in items:
                yield from terms(item)
        case Absolute(item=item) | Trend(item=item) | Eta(item=item):
            yield from terms(item)
        case Value() | Number() | Age() | Score():
            return


def conditions(rule: Rule) -> list[Expression]:
    """Every condition of a rule: when, permissive, override until, clear when."""
    found: list[Expression | None] = [rule.when]
    if isinstance(rule, Interlock):
        found += [rule.permissive, rule.override.until if rule.override else None]
    elif isinstance(rule, Control):
        found.append(rule.clear)
    return [one for one in found if one is not None]


def timed(node: Expression) -> bool:
    """Does the condition hold anything that only time decides, and that the prover therefore leaves free?

    A `for` alone is none: what stands long enough fulfils it.
    """
    for part in parts(node):
        if isinstance(part, Both | Since | Count | Consecutive | Tally | Done):
            return True
        if isinstance(part, Measure) and any(isinstance(one, Trend | Eta | Age) for one in terms(part.term)):
            return True
    return False
