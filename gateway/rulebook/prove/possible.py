"""Can each condition come true, and can it be over again? Votes, parts, permissives and `clear when` too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import z3

from gateway.core.program import Compare, Control, Expression, Good, Interlock, Measure, Or, Rule, Vote
from gateway.rulebook.formula import expression
from gateway.rulebook.prove.finding import Desk
from gateway.rulebook.prove.question import Asker, Verdict
from gateway.rulebook.prove.truth import Reading
from gateway.rulebook.prove.walk import conditions, inside, leaves, tags, tags_of_leaf


def possible(rule: Rule, desk: Desk, asker: Asker) -> None:
    """Lay down what of a rule can never, or must always, be true."""
    if _can(rule, "when", rule.when, desk, asker):
        _parts(rule, desk, asker)
        if not open_both_ways(rule.when):
            _always(rule, desk, asker)
    if isinstance(rule, Interlock):
        until = rule.override.until if rule.override else None
        if until is not None:
            _can(rule, "override until", until, desk, asker)
        if rule.permissive is not None and _can(rule, "permissive", rule.permissive, desk, asker):
            _together(rule, rule.permissive, "permissive", desk, asker)
    if isinstance(rule, Control) and rule.clear is not None and _can(rule, "clear when", rule.clear, desk, asker):
        _together(rule, rule.clear, "clear", desk, asker)


def open_both_ways(node: Expression) -> bool:
    """Each tag stands in one comparison only: then nothing hangs together, and every part can be true and false.

    That each comparison alone can be both is what the compiler has checked already.
    """
    found = list(leaves(node))
    counts = Counter(tag for leaf in found for tag in tags_of_leaf(leaf))
    plain = all(isinstance(leaf, Compare | Good) for leaf in found)
    return plain and not any(isinstance(leaf, Good) for leaf in found) and max(counts.values(), default=1) == 1


def _can(rule: Rule, what: str, node: Expression, desk: Desk, asker: Asker) -> bool:
    """Can the condition be true? Lays down that it cannot."""
    if open_both_ways(node):
        return True
    verdict = _true(node, asker)
    if verdict == "no":
        desk.say("check.never", rule, None, what=what, part=expression(node, desk.plant.units))
    elif verdict == "open":
        desk.undecided("never", rule)
    return verdict == "yes"


def _true(node: Expression, asker: Asker) -> Verdict:
    return asker.ask([node], lambda scene: [Reading(scene).holds(node)], example=False)[0]


def _always(rule: Rule, desk: Desk, asker: Asker) -> None:
    verdict, _ = asker.ask([rule.when], lambda scene: [z3.Not(Reading(scene).holds(rule.when))], example=False)
    if verdict == "no":
        desk.say("check.always", rule, None, part=expression(rule.when, desk.plant.units))
    elif verdict == "open":
        desk.undecided("always", rule)


def _alternatives(node: Expression) -> Iterator[Expression]:
    """Votes, and what stands in an `or` or a vote: parts whose being impossible leaves the whole possible."""
    if isinstance(node, Vote):
        yield node
    for item in inside(node):
        if isinstance(node, Or | Vote) and not isinstance(item, Vote):
            yield item
        yield from _alternatives(item)


def _parts(rule: Rule, desk: Desk, asker: Asker) -> None:
    for condition in conditions(rule):
        for part in _alternatives(condition):
            if open_both_ways(part) or isinstance(part, Compare | Measure | Good):
                continue
            verdict = _true(part, asker)
            if verdict == "no":
                code = "check.vote-never" if isinstance(part, Vote) else "check.part-never"
                desk.say(code, rule, None, part=expression(part, desk.plant.units))
            elif verdict == "open":
                desk.undecided("part", rule)


def _together(rule: Rule, other: Expression, question: str, desk: Desk, asker: Asker) -> None:
    """Can `other` be true while `when` is false?"""
    if not set(tags(other)) & set(tags(rule.when)):
        return
    both = [rule.when, other]
    verdict, _ = asker.ask(
        both, lambda scene: [Reading(scene).holds(other), z3.Not(Reading(scene).holds(rule.when))], example=False
    )
    if verdict == "no":
        desk.say(f"check.{question}-never", rule)
    elif verdict == "open":
        desk.undecided(question, rule)
