"""Rules beside rules: one that another makes superfluous, and two that say the same."""

from __future__ import annotations

from collections import defaultdict
from itertools import permutations

import z3

from gateway.core.program import Advisory, Alarm, Expression, Interlock, Program, Rule
from gateway.rulebook.prove.finding import Desk
from gateway.rulebook.prove.question import Asker, Verdict
from gateway.rulebook.prove.truth import Reading
from gateway.rulebook.prove.walk import tags

SAME_TAGS_MAX = 8  # rules over the very same tags of which each is compared with each


def beside(program: Program, desk: Desk, asker: Asker) -> None:
    """Lay down which rules another makes superfluous."""
    interlocks = [rule for rule in program.rules if isinstance(rule, Interlock)]
    said: set[tuple[str, str]] = set()
    for one, other in permutations(interlocks, 2):
        if not _may_shadow(one, other):
            continue
        verdict = _implies(one.when, other.when, asker)
        if verdict == "open":
            desk.undecided("shadowed", one, other=other.name)
        elif verdict == "yes" and (other.name, one.name) not in said:  # twins shadow each other: said once
            said.add((one.name, other.name))
            desk.say("check.shadowed", one, None, other=other.name)
    _twins(program, desk, asker)


def _may_shadow(one: Interlock, other: Interlock) -> bool:
    """Does `other` drive all that `one` drives, from no other inputs and no later?"""
    outputs = {stop.output for stop in one.stops}
    same = outputs <= {stop.output for stop in other.stops} and other.on_delay_ns <= one.on_delay_ns
    return (
        same and set(tags(other.when)) <= set(tags(one.when)) and (one.override is not None or other.override is None)
    )


def _implies(one: Expression, other: Expression, asker: Asker) -> Verdict:
    """Is `other` true whenever `one` is? Times are free, so "no" may only mean that time decides."""
    verdict, _ = asker.ask(
        [one, other],
        lambda scene: [Reading(scene).holds(one), z3.Not(Reading(scene).holds(other))],
        example=False,
    )
    return "no" if verdict == "yes" else "yes" if verdict == "no" else "open"


def _twins(program: Program, desk: Desk, asker: Asker) -> None:
    groups: dict[tuple[str, ...], list[Rule]] = defaultdict(list)
    for rule in program.rules:
        if isinstance(rule, Alarm | Advisory | Interlock):
            groups[tuple(sorted(tags(rule.when)))].append(rule)
    for rules in groups.values():
        for at, one in enumerate(rules[:SAME_TAGS_MAX]):
            for other in rules[at + 1 : SAME_TAGS_MAX]:
                if isinstance(one, Interlock) and isinstance(other, Interlock):
                    continue  # what they drive decides: see above
                if _delay_ns(one) == _delay_ns(other) and _same(one.when, other.when, asker):
                    desk.say("check.same", other, None, other=one.name)


def _delay_ns(rule: Rule) -> int:
    return rule.on_delay_ns if isinstance(rule, Interlock) else 0


def _same(one: Expression, other: Expression, asker: Asker) -> bool:
    return one == other or (_implies(one, other, asker) == "yes" and _implies(other, one, asker) == "yes")
