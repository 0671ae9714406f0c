"""Tags as unknowns: what the values and comparisons of rules can be at some instants, one after the other.

Thresholds are the decimals of the canonical form; a tag whose device counts is a whole number; the state that a
hysteresis keeps is followed from instant to instant, from the start on, so what can only be reached by a way is reached by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import Any

import z3

from gateway.core.program import (
    Absolute,
    Age,
    Arithmetic,
    Compare,
    Eta,
    Expression,
    Measure,
    Number,
    Operator,
    Pick,
    Score,
    Term,
    Trend,
    Value,
)
from gateway.core.tags import Tag
from gateway.core.terms import tags_of
from gateway.rulebook.prove.plant import Plant, step_test
from gateway.rulebook.prove.walk import leaves

MINUTE_NS = 60_000_000_000
DEPTH_MAX = 9  # instants of one history: eight comparisons with hysteresis that hang together; more is not decided
STEEPEST = Fraction(302, 100)  # a slope over half-known windows is at most 3.003 spans per window (core.windows)

Logic = Any  # a truth of the solver
Real = Any  # a number of the solver


def exact(value: float) -> Real:
    """The decimal that people wrote."""
    fraction = Fraction(repr(value))
    return z3.Q(fraction.numerator, fraction.denominator)


def test(op: Operator, left: Real, right: Real) -> Logic:
    """`left <op> right`."""
    match op:
        case "<":
            return left < right
        case "<=":
            return left <= right
        case ">":
            return left > right
        case ">=":
            return left >= right
        case "=":
            return left == right
        case "!=":
            return left != right


def held_at(node: Compare | Measure) -> float:
    """The limit of a comparison that is true already, summed as the kernel sums it."""
    return node.limit + node.hyst if node.op in ("<", "<=") else node.limit - node.hyst


class Scene:
    """The unknowns of one question, `depth` instants long. `side` is what holds of them anyway: ranges, and no division by 0."""

    def __init__(self, plant: Plant, depth: int = 1) -> None:
        self.plant = plant
        self.depth = depth
        self.side: list[Logic] = []
        self.values: dict[tuple[str, int], Any] = {}
        self.free: dict[tuple[str, Any], Any] = {}  # what the time operators may say: (what of it, node) -> unknown
        self.still: dict[tuple[str, Any], Any] = {}  # smallest movements, for the question whether something hunts
        self._states: dict[tuple[Compare | Measure, int], Logic] = {}

    # --- tags ---

    def value(self, tag: str, at: int) -> Any:
        """The unknown of `tag` at an instant: a truth for a bit, else a number or the count of its device."""
        key = (tag, at)
        if key not in self.values:
            self.values[key] = self._unknown(self.plant.tags[tag], f"{tag}@{at}")
        return self.values[key]

    def _unknown(self, tag: Tag, name: str) -> Any:
        if tag.boolean:
            return z3.Bool(name)
        steps = self.plant.steps.get(tag.name)
        unknown = z3.Int(name) if steps else z3.Real(name)
        if steps:
            self.side += [unknown >= steps.low, unknown <= steps.high]
        low, high = good_range(tag)
        for op, limit in ((">=", low), ("<=", high)):
            if abs(limit) < float("inf"):
                self.side.append(self._compared(tag, unknown, op, limit))  # type: ignore[arg-type]
        return unknown

    def _compared(self, tag: Tag, unknown: Any, op: Operator, limit: float) -> Logic:
        if tag.boolean:
            return unknown if (op == "=") == (limit == 1.0) else z3.Not(unknown)
        steps = self.plant.steps.get(tag.name)
        if steps is None:
            return test(op, unknown, exact(limit))
        whole = step_test(op, limit, steps)
        return z3.BoolVal(op == "!=") if whole is None else test(whole[0], unknown, whole[1])  # type: ignore[arg-type]

    def number(self, term: Term, at: int) -> Real:
        """The unknown number that a term is at an instant."""
        match term:
            case Value(tag=tag):
                unknown, steps = self.value(tag, at), self.plant.steps.get(tag)
                return z3.ToReal(unknown) * exact(steps.scale) + exact(steps.offset) if steps else unknown
            case Score():
                return self.value(term.tag, at)  # what a model may say is anything in its range
            case Number(value=value):
                return exact(value)
            case Arithmetic():
                return self._sum(term, at)
            case Pick(what=what, items=items):
                return _picked(what, [self.number(item, at) for item in items])
            case Absolute(item=item):
                inner = self.number(item, at)
                return z3.If(inner < 0, -inner, inner)
            case Trend() | Eta() | Age():
                return self._timed(term, at)

    def _sum(self, term: Arithmetic, at: int) -> Real:
        left, right = self.number(term.left, at), self.number(term.right, at)
        match term.op:
            case "+":
                return left + right
            case "-":
                return left - right
            case "*":
                return left * right
            case "/":
                self.side.append(right != 0)  # without a value it is bad, and bad inputs are another question
                return left / right

    def _timed(self, term: Trend | Eta | Age, at: int) -> Real:
        key = (f"term@{at}", term)
        if key in self.free:
            return self.free[key]
        unknown = self.free[key] = z3.Real(f"t{len(self.free)}@{at}")
        match term:
            case Age():
                self.side.append(unknown >= 0)
            case Eta(item=item, op=op, limit=limit, horizon_ns=horizon_ns):
                there, horizon_s = test(op, self.number(item, at), exact(limit)), exact(horizon_ns / 1e9)
                never = horizon_s * 1000 + 1_000_000  # stands for "not within the horizon"
                self.side += [(unknown == 0) == there, unknown >= 0, z3.Or(unknown <= horizon_s, unknown == never)]
            case Trend(what=what, item=item, ns=ns):
                span = self._span(item)
                if span is not None and what == "moving":
                    self.side += [unknown >= _q(span[0]), unknown <= _q(span[1])]
                elif span is not None:
                    most = span[1] - span[0] if what == "delta" else STEEPEST * (span[1] - span[0]) * MINUTE_NS / ns
                    self.side += [unknown >= -_q(most), unknown <= _q(most)]
        return unknown

    def _span(self, term: Term) -> tuple[Fraction, Fraction] | None:
        """The range of a plain tag, None where it has none or the term is computed."""
        if not isinstance(term, Value):
            return None
        low, high = good_range(self.plant.tags[term.tag])
        return (Fraction(repr(low)), Fraction(repr(high))) if high - low < float("inf") else None

    # --- comparisons ---

    def plain(self, node: Compare | Measure, at: int, limit: float) -> Logic:
        """The comparison with `limit`, whatever it was before."""
        if isinstance(node, Compare):
            return self._compared(self.plant.tags[node.tag], self.value(node.tag, at), node.op, limit)
        return test(node.op, self.number(node.term, at), exact(limit))

    def state(self, node: Compare | Measure, at: int | None = None) -> Logic:
        """The truth of the comparison at an instant, the last if none is named; before the first it was not true."""
        at = self.depth - 1 if at is None else at
        key = (node, at)
        if key not in self._states:
            fresh = self.plain(node, at, node.limit)
            if node.hyst and at:
                fresh = z3.Or(fresh, z3.And(self.state(node, at - 1), self.plain(node, at, held_at(node))))
            self._states[key] = fresh
        return self._states[key]

    def chosen(self, what: str, node: Any) -> Logic:
        """A free yes or no about `node`."""
        key = (what, node)
        if key not in self.free:
            self.free[key] = z3.Bool(f"{what}{len(self.free)}")
        return self.free[key]

    def measured(self, what: str, node: Any) -> Real:
        """A free number of at least 0 about `node`: seconds."""
        key = (what, node)
        if key not in self.free:
            self.free[key] = z3.Real(f"{what}{len(self.free)}")
            self.side.append(self.free[key] >= 0)
        return self.free[key]

    def tallied(self, what: str, node: Any) -> Any:
        """A free whole number of at least 0 about `node`."""
        key = (what, node)
        if key not in self.free:
            self.free[key] = z3.Int(f"{what}{len(self.free)}")
            self.side.append(self.free[key] >= 0)
        return self.free[key]


def _q(value: Fraction) -> Real:
    return z3.Q(value.numerator, value.denominator)


def _picked(what: str, items: list[Real]) -> Real:
    found = items[0]
    for item in items[1:]:
        found = (
            found + item if what == "avg" else z3.If((item < found) if what == "min" else (item > found), item, found)
        )
    return found / len(items) if what == "avg" else found


def good_range(tag: Tag) -> tuple[float, float]:
    """Values of a tag that are GOOD: its range, and no fault of its loop."""
    return max(tag.low, tag.fault_low), min(tag.high, tag.fault_high)


def kept(expressions: Iterable[Expression]) -> Iterator[Compare | Measure]:
    """The comparisons with hysteresis, each once."""
    seen = dict.fromkeys(leaf for one in expressions for leaf in leaves(one))
    return (leaf for leaf in seen if isinstance(leaf, Compare | Measure) and leaf.hyst)


def depth_of(expressions: Iterable[Expression]) -> int:
    """How many instants reach every state of the hystereses.

    Each state rests on the last instant outside its band. Those instants, one for each comparison of a tag, and the last
    one are enough; comparisons of different tags go their ways side by side.
    """
    groups: list[tuple[set[str], int]] = []
    for leaf in kept(expressions):
        tags, count = {leaf.tag} if isinstance(leaf, Compare) else set(tags_of(leaf.term)), 1
        for other in [group for group in groups if group[0] & tags]:
            groups.remove(other)
            tags, count = tags | other[0], count + other[1]
        groups.append((tags, count))
    return 1 + max((count for _, count in groups), default=0)
