"""The prover's answers are those of trying everything: small random rules over small plants, with the kernel's own evaluation."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import msgspec
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.core.evaluate import Condition
from gateway.core.image import Image
from gateway.core.program import And, Compare, Control, Expression, Good, Interlock, Not, Or, Set, Stop, Vote
from gateway.core.samples import Columns
from gateway.core.tags import Cause, Group, Quality, Tag, TagTable
from gateway.core.voting import FALSE, TRUE, UNKNOWN
from gateway.rulebook.prove.badness import coverage
from gateway.rulebook.prove.finding import Desk
from gateway.rulebook.prove.hunting import hunting
from gateway.rulebook.prove.plant import Plant, Steps
from gateway.rulebook.prove.question import Asker, Claim
from gateway.rulebook.prove.rehearse import truths
from gateway.rulebook.prove.truth import Reading

NAMES = ("i", "j", "b")
_TAGS = [
    Tag(0, "i", "p", 0, low=0.0, high=3.0),
    Tag(1, "j", "p", 0, low=0.0, high=1.5),
    Tag(2, "b", "p", 0, boolean=True),
]
_TAGS += [Tag(3, "out", "p", 0, boolean=True, writable=True)]
TABLE = TagTable(_TAGS, [Group(0, "g", "p", 0, 4, 1000)], [])
PLANT = Plant(TABLE, {"i": Steps(1.0, 0.0, 0, 9), "j": Steps(0.5, 0.0, 0, 9)})  # j counts in halves
GRID = {"i": [0.0, 1.0, 2.0, 3.0], "j": [0.0, 0.5, 1.0, 1.5], "b": [0.0, 1.0]}
NOW = 1_000_000_000

_numbers = st.builds(
    Compare, st.sampled_from(["i", "j"]), st.sampled_from(["<", "<=", ">", ">="]), st.integers(0, 6).map(lambda n: n / 2),
    st.sampled_from([0.0, 0.0, 0.0, 1.0, 1.5]),
)  # fmt: skip
_equal = st.builds(Compare, st.sampled_from(["i", "j"]), st.sampled_from(["=", "!="]), st.integers(0, 3).map(float))
_bits = st.builds(Compare, st.just("b"), st.just("="), st.sampled_from([0.0, 1.0]))


def _nodes(leaf: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def grown(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        some = st.lists(inner, min_size=2, max_size=3).map(tuple)
        votes = st.lists(inner, min_size=2, max_size=3).flatmap(
            lambda items: st.integers(1, len(items)).map(lambda k: Vote(k, tuple(items)))
        )
        return st.builds(And, some) | st.builds(Or, some) | st.builds(Not, inner) | votes

    return st.recursive(leaf, grown, max_leaves=4)


EXPRESSIONS = _nodes(_numbers | _bits | _equal)
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))


class Trial:
    """Conditions in the kernel's evaluation, fed with one state of the plant after the other at one instant of time."""

    def __init__(self, *nodes: Expression, policy: str = "safe", bad_after_ns: int = 0) -> None:
        self.image = Image(TABLE)
        numbers = TABLE.names()
        self.conditions = [Condition(one, self.image, numbers, policy, bad_after_ns, lambda _ns: None) for one in nodes]

    def see(self, values: tuple[float, ...], lost: frozenset[str] = frozenset()) -> tuple[int, ...]:
        qualities = np.array([Quality.BAD if name in lost else Quality.GOOD for name in (*NAMES, "out")], np.uint8)
        causes = np.array([Cause.COMMS if name in lost else Cause.NONE for name in (*NAMES, "out")], np.uint8)
        self.image.store_columns(Columns(0, np.array([*values, 0.0]), qualities, causes), NOW)
        return tuple(condition.root.read(NOW) for condition in self.conditions)

    def state(self) -> bytes:
        return msgspec.msgpack.encode([condition.save() for condition in self.conditions])

    def back(self, state: bytes) -> None:
        for condition, data in zip(self.conditions, msgspec.msgpack.decode(state), strict=True):
            condition.load(data)


def everywhere(*nodes: Expression) -> tuple[set[tuple[int, ...]], set[bytes]]:
    """All truths that any way through the grid brings, and all states it leaves."""
    trial = Trial(*nodes)
    waiting, seen, found = [trial.state()], set[bytes](), set[tuple[int, ...]]()
    while waiting:
        before = waiting.pop()
        for values in product(*GRID.values()):
            trial.back(before)
            found.add(trial.see(values))
            after = trial.state()
            if after not in seen:
                seen.add(after)
                waiting.append(after)
    return found, seen


@QUICK
@given(EXPRESSIONS)
def test_what_can_be_true_and_what_can_be_false(node: Expression) -> None:
    reached, _ = everywhere(node)
    claims: tuple[tuple[Callable[[int], bool], Claim], ...] = (
        (lambda truth: truth & 3 == TRUE, lambda scene: [Reading(scene).holds(node)]),
        (lambda truth: truth & 3 == FALSE, lambda scene: [Reading(scene).holds(Not(node))]),
        (lambda truth: truth == FALSE, lambda scene: [Reading(scene).over(node)]),
    )
    for meant, claim in claims:
        verdict, example = Asker(PLANT).ask([node], claim)
        assert verdict == ("yes" if any(meant(truth) for (truth,) in reached) else "no")
        if example is not None:
            assert meant(truths(example, [node], PLANT)[0]), "the example does not replay"


@settings(QUICK, max_examples=25)
@given(EXPRESSIONS, EXPRESSIONS)
def test_what_can_be_true_together(one: Expression, other: Expression) -> None:
    reached, _ = everywhere(one, other)
    verdict, example = Asker(PLANT).ask(
        [one, other], lambda scene: [Reading(scene).holds(node) for node in (one, other)]
    )
    assert verdict == ("yes" if any(a & 3 == b & 3 == TRUE for a, b in reached) else "no")
    if example is not None:
        assert all(truth & 3 == TRUE for truth in truths(example, [one, other], PLANT))


def _tried(node: Expression, tag: str, policy: str) -> str:
    """What losing `tag` does, by trying every state of the others, each GOOD or lost."""
    others = [name for name in NAMES if name != tag]
    trips: list[bool] = []
    alone = beside = False
    for gone in (frozenset[str](), *(frozenset(some) for some in ((others[0],), (others[1],), tuple(others)))):
        for values in product(*GRID.values()):
            fresh = Trial(node, policy=policy)
            lost = fresh.see(values, gone | {tag})[0] & 3 in (TRUE, UNKNOWN)
            good = Trial(node, policy=policy).see(values, gone)[0] & 3 in (TRUE, UNKNOWN)
            if not gone:
                trips.append(lost)
                alone |= lost and not good
            beside |= lost and not good
    return "trips" if all(trips) else "may trip" if alone else "with others" if beside else "never"


_plain = _numbers.map(lambda leaf: Compare(leaf.tag, leaf.op, leaf.limit))
_LOSABLE = _nodes(_bits | _equal | _plain | st.builds(Good, st.sampled_from(NAMES)))


@settings(QUICK, max_examples=25)
@given(_LOSABLE, st.sampled_from(["trip", "safe", "avail"]))
def test_what_losing_an_input_does(node: Expression, policy: Any) -> None:
    rule = Interlock(name="L", when=node, priority=1, on_bad=policy, because="tried", stops=(Stop("out"),))
    desk = Desk(PLANT)
    coverage(rule, desk, Asker(PLANT))
    for tag, effect in desk.coverage["L"].items():
        assert effect == _tried(node, tag, policy), tag


def _hunts(node: Expression) -> bool:
    """From any state that can be reached, does moving to and fro by one count switch it for ever?"""
    _, states = everywhere(node)
    trial = Trial(node)
    for before, (i, j, b), (a1, a2, c1, c2) in product(states, product(*GRID.values()), product((0, 1), repeat=4)):
        one, other = (i + a1, j + c1 / 2, b), (i + a2, j + c2 / 2, b)
        if one != other and max(one[0], other[0]) <= 3 and max(one[1], other[1]) <= 1.5:
            trial.back(before)
            trial.see((i, j, b))
            if [trial.see(step)[0] & 3 for step in (one, other) * 3][-2:] == [TRUE, FALSE]:
                return True
    return False


_TREMBLING = _nodes(_numbers | _bits)


@settings(QUICK, max_examples=15)
@given(_TREMBLING)
def test_what_hunts(node: Expression) -> None:
    rule = Control(name="C", when=node, priority=3, on_bad="safe", sets=(Set("out", 1.0),))
    desk = Desk(PLANT)
    hunting(rule, desk, Asker(PLANT))
    assert bool(desk.found) == _hunts(node)
