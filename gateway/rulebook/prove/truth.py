"""Conditions as logic of the solver: two-valued where every input is GOOD, three-valued where some are lost."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import z3

from gateway.core.program import (
    SECOND,
    And,
    Both,
    Compare,
    Consecutive,
    Count,
    Done,
    Expression,
    For,
    Good,
    Leafy,
    Measure,
    Not,
    Or,
    Since,
    Tally,
    Vote,
)
from gateway.rulebook.prove.scene import Logic, Scene, test
from gateway.rulebook.prove.walk import tags_of_leaf

Compared = Callable[[Compare | Measure], Logic]


class Reading:
    """Conditions over GOOD inputs. `compared` says what a comparison is, `copy` keeps the free times of two readings apart.

    `lasting`: a `for` counts as its condition, as if it had stood long enough.
    """

    def __init__(
        self, scene: Scene, compared: Compared | None = None, copy: str = "", *, lasting: bool = False
    ) -> None:
        self.scene = scene
        self._compared = compared or scene.state
        self._copy = copy
        self._lasting = lasting

    def holds(self, node: Expression) -> Logic:
        """The condition is true."""
        match node:
            case Compare() | Measure():
                return self._compared(node)
            case Good():
                return z3.BoolVal(True)
            case Consecutive() | Tally() | Done():
                return self.scene.chosen("event", node)
            case And(items=items):
                return z3.And([self.holds(item) for item in items])
            case Or(items=items):
                return z3.Or([self.holds(item) for item in items])
            case Not(item=item):
                return z3.Not(self.holds(item))
            case Vote(k=k, items=items):
                return z3.PbGe([(self.holds(item), 1) for item in items], k)
            case For(item=item):
                if self._lasting:
                    return self.holds(item)
                return z3.And(z3.Not(self.over(item)), self.scene.chosen(f"for{self._copy}", node))
            case Both(items=items, ns=ns):
                return z3.And([self._recent(item, ns) for item in items])
            case Since() | Count():
                return self._counted(node)

    def over(self, node: Expression, *, negated: bool = False) -> Logic:
        """The condition is firmly false: what a `for` still waits for is not, and nor is a vote that hangs on it."""
        match node:
            case And(items=items):
                return z3.Or([self.over(item, negated=negated) for item in items])
            case Or(items=items):
                return z3.And([self.over(item, negated=negated) for item in items])
            case Not(item=item):
                return self._firm(item, negated=not negated)
            case For(item=item) if not negated:
                return self.over(item)
            case Vote(k=k, items=items):
                return z3.PbGe([(self.over(item, negated=negated), 1) for item in items], len(items) - k + 1)
            case _:
                return z3.Not(self.holds(node))

    def _firm(self, node: Expression, *, negated: bool) -> Logic:
        """The condition is true, and what it rests on is."""
        match node:
            case And(items=items):
                return z3.And([self._firm(item, negated=negated) for item in items])
            case Or(items=items):
                return z3.Or([self._firm(item, negated=negated) for item in items])
            case Not(item=item):
                return self.over(item, negated=not negated)
            case Vote(k=k, items=items):
                firm = [self._firm(item, negated=negated) for item in items]
                return z3.PbGe([(one, 1) for one in firm], k) if negated else z3.And(self.holds(node), z3.Or(firm))
            case _:
                return self.holds(node)

    def _recent(self, item: Expression, ns: int) -> Logic:
        return z3.Or(self.holds(item), self.scene.chosen(f"recent{self._copy}", (item, ns)))

    def _counted(self, node: Since | Count) -> Logic:
        if isinstance(node, Count):
            return test(node.op, self.scene.tallied(f"count{self._copy}", (node.item, node.ns)), node.n)
        elapsed_s = self.scene.measured(f"since{self._copy}", node.item)
        self.scene.side.append(z3.Implies(self.holds(node.item), elapsed_s == 0))
        return test(node.op, elapsed_s, z3.Q(node.ns, SECOND))


class Pair(NamedTuple):
    """A truth of `core.voting`: both = unknown. What rests on a held value is not told apart: lost inputs hold none."""

    true: Logic  # also: an interlock trips, because unknown is demand
    false: Logic


class Lossy:
    """Conditions with inputs that may be lost: `lost` says by tag whether it is. Votes count by the table of `policy`."""

    def __init__(self, scene: Scene, lost: Mapping[str, Logic], policy: str) -> None:
        self.scene = scene
        self._lost = lost
        self._policy = policy if policy in ("trip", "safe", "avail") else "safe"
        self._good = Reading(scene)

    def truth(self, node: Expression, *, negated: bool = False) -> Pair:
        """The truth by the tables of the kernel; `negated` below an odd number of `not`, where votes count by Kleene."""
        match node:
            case Good(tag=tag):
                away = self._lost.get(tag, z3.BoolVal(False))
                return Pair(z3.Not(away), away)
            case Compare() | Measure() | Consecutive() | Tally() | Done():
                return self._leaf(node)
            case And(items=items):
                return _all([self.truth(item, negated=negated) for item in items])
            case Or(items=items):
                pairs = [self.truth(item, negated=negated) for item in items]
                return Pair(z3.Or([pair.true for pair in pairs]), z3.And([pair.false for pair in pairs]))
            case Not(item=item):
                inner = self.truth(item, negated=not negated)
                return Pair(inner.false, inner.true)
            case Vote():
                return self._vote(node, negated)
            case For(item=item):
                inner, long = self.truth(item, negated=negated), self.scene.chosen("for", node)
                stands = z3.And(inner.true, long)
                return Pair(z3.And(inner.true, z3.Or(long, inner.false)), z3.Not(stands))
            case Both(items=items, ns=ns):
                return _all([self._recent(item, ns, negated) for item in items])
            case Since() | Count():
                return self._counted(node, negated)

    def _leaf(self, node: Leafy) -> Pair:
        away = [self._lost[tag] for tag in tags_of_leaf(node) if tag in self._lost]
        held = self._good.holds(node)
        if not away:
            return Pair(held, z3.Not(held))
        lost = z3.Or(away)
        return Pair(z3.Or(held, lost), z3.Or(z3.Not(held), lost))

    def _recent(self, item: Expression, ns: int, negated: bool) -> Pair:
        inner, seen = self.truth(item, negated=negated), self.scene.chosen("recent", (item, ns))
        return Pair(z3.Or(inner.true, seen), z3.And(inner.false, z3.Not(seen)))

    def _counted(self, node: Since | Count, negated: bool) -> Pair:
        if isinstance(node, Since):
            inner = self.truth(node.item, negated=negated ^ (node.op in (">", ">=")))
            elapsed_s, ns = self.scene.measured("since", node.item), z3.Q(node.ns, SECOND)
            self.scene.side.append(z3.Implies(z3.And(inner.true, z3.Not(inner.false)), elapsed_s == 0))
            found, turned = test(node.op, elapsed_s, ns), test(node.op, z3.RealVal(0), ns)
        else:
            inner = self.truth(node.item, negated=negated ^ (node.op in ("<", "<=")))
            count = self.scene.tallied("count", (node.item, node.ns))
            found, turned = test(node.op, count, node.n), test(node.op, count + 1, node.n)
        unsure = z3.And(inner.true, inner.false, found != turned)
        return Pair(z3.Or(found, unsure), z3.Or(z3.Not(found), unsure))

    def _vote(self, node: Vote, negated: bool) -> Pair:
        pairs = [self.truth(item, negated=negated) for item in node.items]
        n = len(pairs)
        sure = _number([z3.And(pair.true, z3.Not(pair.false)) for pair in pairs])
        bad = _number([z3.And(pair.true, pair.false) for pair in pairs])
        if negated:  # permissions and what withholds a demand count by Kleene
            return Pair(sure + bad >= node.k, sure < node.k)
        if self._policy == "trip":
            demand = sure + bad >= node.k
        else:
            left = node.k - bad if self._policy == "safe" else node.k
            most = n - bad
            if self._policy == "avail":
                need = z3.If(left < most, left, most)
            else:
                need = z3.If(left < 1, z3.IntVal(1), left)
            demand = z3.Or(most == 0, sure >= need)
        return Pair(demand, z3.Or(z3.Not(demand), sure == 0))


def _all(pairs: list[Pair]) -> Pair:
    return Pair(z3.And([pair.true for pair in pairs]), z3.Or([pair.false for pair in pairs]))


def _number(truths: list[Logic]) -> Logic:
    return z3.Sum([z3.If(truth, 1, 0) for truth in truths])
