"""The commissioning test list of a matrix (spec/interlocks.md §5): what to set, how long to wait, what must come of it.

Every mark true and false, every pair of causes for first-out, every cause bad and bypassed, every effect with a failing
write, and for every cause of a function an MC/DC pair: two tests that differ in this cause alone, and in the outcome.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import Literal

import msgspec

from gateway.core.evaluate import OPERATORS
from gateway.core.program import Alarm, And, Compare, Expression, For, Interlock, Not, Or, Program, Vote
from gateway.core.tags import Tag, TagTable
from gateway.core.voting import demand
from gateway.rulebook.workbook.matrix import Mark, Matrix, Part, parts

Kind = Literal["true", "false", "mcdc", "first-out", "bad", "bypass", "read-back", "impossible"]
Expect = Literal["trip", "hold", "blocked", "ready", "alarm", "quiet", "failed", "refused", ""]
GAP_S = 0.5  # between two causes of a first-out test
MARGIN_S = 0.5  # a poll and a write behind the last delay


class Step(msgspec.Struct, frozen=True):
    """One thing to do. `bad` is a broken signal, `refuse` a device that does not take the write."""

    do: Literal["set", "bad", "bypass", "refuse", "wait"]
    tag: str = ""
    value: float = 0.0  # of `set`, in the tag's unit; of `wait`, in seconds


class Case(msgspec.Struct, frozen=True):
    """One test of rule `effect`. `start` is the plant in which its outputs are energised; `first_out` names cause ids."""

    number: int
    kind: Kind
    effect: str
    causes: tuple[str, ...]
    start: dict[str, float]
    steps: tuple[Step, ...]
    expect: Expect
    first_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Term:
    """One cause of a function as the canonical form has it."""

    mark: Mark
    compare: Compare
    delay_s: float

    @property
    def id(self) -> str:
        return self.mark.cause.id


def test_list(matrix: Matrix, program: Program, table: TagTable) -> list[Case]:
    """The tests of every function that the matrix makes; `program` is what the workbook compiled to."""
    rules = {rule.name: rule for rule in program.rules}
    tags = {tag.name: tag for tag in table.tags}
    cases: list[Case] = []
    for effect in matrix.effects:
        for part in parts(effect):
            rule = rules[part.name]
            if isinstance(rule, Interlock | Alarm):
                guards = effect.of_kind("PN") if isinstance(rule, Interlock) else []
                for case in _Function(rule, part, guards, tags).cases():
                    cases.append(msgspec.structs.replace(case, number=len(cases) + 1))
    return cases


class _Function:
    """One rule of a column, its terms beside their marks."""

    def __init__(self, rule: Interlock | Alarm, part: Part, guards: Sequence[Mark], tags: Mapping[str, Tag]) -> None:
        self.rule = rule
        self.tags = tags
        self.terms = [_Term(*pair) for pair in _matched(part.marks, rule.when)]
        permissive = rule.permissive if isinstance(rule, Interlock) else None
        self.guards = [_Term(*pair) for pair in _matched(guards, permissive)] if permissive is not None else []
        own_s = rule.on_delay_ns / 1e9 if isinstance(rule, Interlock) else _whole_s(rule.when)
        self.delay_s = own_s + max(term.delay_s for term in (*self.terms, *self.guards)) + MARGIN_S
        self.yes: Expect = "trip" if isinstance(rule, Interlock) else "alarm"
        self.no: Expect = "hold" if isinstance(rule, Interlock) else "quiet"
        self.start = self._values(dict.fromkeys(range(len(self.terms)), False))

    def cases(self) -> Iterator[Case]:
        """All tests of the function."""
        if self.start is None:
            yield self._impossible("true", [])
            return
        for at in range(len(self.terms)):
            yield self._set("true", [at], {at})
            yield self._set("false", [at], set())
            yield from self._mcdc(at)
        for pair in combinations(range(len(self.terms)), 2):
            yield from self._first_out(pair)
        if not isinstance(self.rule, Interlock):
            return
        for at in range(len(self.terms)):
            yield self._bad(at)
            yield from self._bypass(at)
        for at in range(len(self.guards)):
            yield from self._guard(at)
        for stop in self.rule.stops:
            yield self._read_back(stop.output)

    # --- values ---

    def _values(self, wanted: Mapping[int, bool], guards: Mapping[int, bool] | None = None) -> dict[str, float] | None:
        """Tag values that make every term as `wanted` and the permissives as they must be; None where there are none."""
        must: dict[str, list[tuple[Compare, bool]]] = {}
        for at, truth in wanted.items():
            must.setdefault(self.terms[at].compare.tag, []).append((self.terms[at].compare, truth))
        for at, term in enumerate(self.guards):
            truth = (guards or {}).get(at, term.mark.kind == "P")
            must.setdefault(term.compare.tag, []).append((term.compare, truth))
        found: dict[str, float] = {}
        for name, needs in must.items():
            value = next((v for v in _candidates(self.tags[name], needs) if all(_is(c, v, t) for c, t in needs)), None)
            if value is None:
                return None
            found[name] = value
        return found

    def _vector(self, true: set[int]) -> dict[int, bool]:
        return {at: at in true for at in range(len(self.terms))}

    # --- outcomes ---

    def _trip_s(self, since: Mapping[int, float], gone: frozenset[int] = frozenset()) -> tuple[float, list[int]]:
        """When the condition turns true and the first causes behind it; `since`: term -> when it turned true."""
        true_s = {at: since[at] + self.terms[at].delay_s for at in since if at not in gone}
        moments: list[tuple[float, list[int]]] = []
        for k, members in self._groups():
            here = [at for at in members if at not in gone]
            reached = sorted(true_s[at] for at in here if at in true_s)
            k = max(1, k - (len(members) - len(here)))
            if here and len(reached) >= k:
                moments.append((reached[k - 1], here))
        if not moments:
            return math.inf, []
        when = min(moment for moment, _ in moments)
        behind = [at for moment, here in moments if moment == when for at in here if true_s.get(at, math.inf) <= when]
        first = min(since[at] for at in behind)
        return when, [at for at in behind if since[at] == first]

    def _groups(self) -> list[tuple[int, list[int]]]:
        """(k, terms) of every vote; a cause without a vote is 1 of 1."""
        groups: dict[str, tuple[int, list[int]]] = {}
        for at, term in enumerate(self.terms):
            vote = term.mark.vote
            groups.setdefault(vote[2] if vote else f"#{at}", (vote[0] if vote else 1, []))[1].append(at)
        return list(groups.values())

    def _case(
        self, kind: Kind, causes: Sequence[int], steps: Sequence[Step], expect: Expect, first: Sequence[int] = ()
    ) -> Case:
        ids = tuple(self.terms[at].id for at in causes)
        first_out = tuple(self.terms[at].id for at in first) if isinstance(self.rule, Interlock) else ()
        return Case(0, kind, self.rule.name, ids, dict(self.start or {}), tuple(steps), expect, first_out)

    def _impossible(self, kind: str, causes: Sequence[int]) -> Case:
        """A test that no value of the tags can make: two causes on one tag that imply or exclude each other."""
        ids = (kind, *(self.terms[at].id for at in causes))
        return Case(0, "impossible", self.rule.name, ids, {}, (), "")

    def _moves(self, true: set[int]) -> list[Step] | None:
        values = self._values(self._vector(true))
        start = self.start or {}
        return None if values is None else [Step("set", tag, v) for tag, v in values.items() if start[tag] != v]

    def _set(self, kind: Kind, causes: Sequence[int], true: set[int]) -> Case:
        moves = self._moves(true)
        if moves is None:
            return self._impossible(kind, causes)
        when, first = self._trip_s(dict.fromkeys(true, 0.0))
        expect = self.no if when == math.inf else self.yes
        return self._case(kind, causes, [*moves, Step("wait", value=self.delay_s)], expect, first)

    def _mcdc(self, at: int) -> Iterator[Case]:
        """`at` alone decides: as many others of its vote are true as still need it."""
        k, members = next(group for group in self._groups() if at in group[1])
        others = [other for other in members if other != at]
        for chosen in combinations(others, k - 1):
            if self._moves({*chosen, at}) is not None and self._moves(set(chosen)) is not None:
                yield self._set("mcdc", [at], {*chosen, at})
                yield self._set("mcdc", [at], set(chosen))
                return
        yield self._impossible("mcdc", [at])

    def _first_out(self, pair: tuple[int, int]) -> Iterator[Case]:
        for one, two in (pair, pair[::-1]):
            first, both = self._moves({one}), self._moves({one, two})
            if first is None or both is None:
                yield self._impossible("first-out", [one, two])
                continue
            then = [step for step in both if step not in first]
            steps = [*first, Step("wait", value=GAP_S), *then, Step("wait", value=self.delay_s)]
            when, causes = self._trip_s({one: 0.0, two: GAP_S})
            yield self._case("first-out", [one, two], steps, self.no if when == math.inf else self.yes, causes)
        yield self._set("first-out", pair, set(pair))

    def _lost(self, at: int) -> frozenset[int]:
        """All terms that read the tag of term `at`: a tag is bad or bypassed as a whole."""
        tag = self.terms[at].compare.tag
        return frozenset(i for i, term in enumerate(self.terms) if term.compare.tag == tag)

    def _bad(self, at: int) -> Case:
        lost = self._lost(at)
        tripped = any(
            demand(k, len(members), self.rule.on_bad, 0, len(lost.intersection(members)))
            for k, members in self._groups()
            if lost.intersection(members)
        )
        wait_s = self.rule.bad_after_ns / 1e9 + self.delay_s
        steps = [Step("bad", self.terms[at].compare.tag), Step("wait", value=wait_s)]
        return self._case("bad", [at], steps, "trip" if tripped else "hold", sorted(lost) if tripped else ())

    def _bypass(self, at: int) -> Iterator[Case]:
        assert isinstance(self.rule, Interlock)
        gone = self._lost(at)
        out = Step("bypass", self.terms[at].compare.tag)
        if self.rule.bypass.max_ns == 0:
            yield self._case("bypass", [at], [out], "refused")
            return
        for other in (None, *(i for i in range(len(self.terms)) if i not in gone)):
            true = {at} if other is None else {at, other}
            moves = self._moves(true)
            if moves is None:
                yield self._impossible("bypass", sorted(true))
                continue
            when, first = self._trip_s(dict.fromkeys(true, 0.0), gone)
            steps = [out, *moves, Step("wait", value=self.delay_s)]
            yield self._case("bypass", sorted(true), steps, self.no if when == math.inf else self.yes, first)

    def _guard(self, at: int) -> Iterator[Case]:
        """A permissive or inhibit: true, false and bad before a reset."""
        term = self.guards[at]
        for truth in (True, False):
            values = self._values(self._vector(set()), {at: truth})
            if values is None:
                yield Case(0, "impossible", self.rule.name, (str(truth).lower(), term.id), {}, (), "")
                continue
            expect: Expect = "ready" if truth == (term.mark.kind == "P") else "blocked"
            steps = [Step("set", term.compare.tag, values[term.compare.tag])]
            kind: Kind = "true" if truth else "false"
            yield Case(0, kind, self.rule.name, (term.id,), dict(self.start or {}), tuple(steps), expect)
        yield Case(
            0, "bad", self.rule.name, (term.id,), dict(self.start or {}), (Step("bad", term.compare.tag),), "blocked"
        )

    def _read_back(self, output: str) -> Case:
        """The first cause, or vote, trips while the device refuses the write."""
        k, members = self._groups()[0]
        chosen = next((c for c in combinations(members, k) if self._moves(set(c)) is not None), None)
        if chosen is None:
            return self._impossible("read-back", members)
        steps = [Step("refuse", output), *(self._moves(set(chosen)) or []), Step("wait", value=self.delay_s + 3.0)]
        return self._case("read-back", chosen, steps, "failed", self._trip_s(dict.fromkeys(chosen, 0.0))[1])


def _matched(marks: Sequence[Mark], expression: Expression) -> Iterator[tuple[Mark, Compare, float]]:
    """Each mark beside its comparison and delay: votes stand where their first member stands."""
    order: dict[str, list[Mark]] = {}
    for at, mark in enumerate(marks):
        order.setdefault(mark.vote[2] if mark.vote else f"#{at}", []).append(mark)
    leaves = list(_leaves(expression, 0.0))
    flat = [mark for members in order.values() for mark in members]
    return ((mark, compare, delay_s) for mark, (compare, delay_s) in zip(flat, leaves, strict=True))


def _leaves(node: Expression, delay_s: float) -> Iterator[tuple[Compare, float]]:
    match node:
        case Compare():
            yield node, delay_s
        case For(item=Compare() as item, ns=ns):
            yield item, ns / 1e9
        case For(item=item) | Not(item=item):
            yield from _leaves(item, delay_s)
        case And(items=items) | Or(items=items) | Vote(items=items):
            for item in items:
                yield from _leaves(item, delay_s)


def _whole_s(when: Expression) -> float:
    return when.ns / 1e9 if isinstance(when, For) else 0.0


def _is(compare: Compare, value: float, truth: bool) -> bool:
    """Would the comparison be `truth` at `value`, whatever it was before? False only beyond its hysteresis."""
    hold = compare.limit + compare.hyst if compare.op in ("<", "<=") else compare.limit - compare.hyst
    return OPERATORS[compare.op](value, compare.limit if truth else hold) == truth


def _candidates(tag: Tag, needs: Sequence[tuple[Compare, bool]]) -> list[float]:
    """Values worth trying: between and beside all limits and points of clearing, inside the range of the tag."""
    if tag.boolean:
        return [0.0, 1.0]
    points = {
        point
        for compare, _ in needs
        for point in (compare.limit, compare.limit - compare.hyst, compare.limit + compare.hyst)
    }
    points |= {end for end in (tag.low, tag.high) if math.isfinite(end)}
    ordered = sorted(points)
    middles = [(a + b) / 2 for a, b in pairwise(ordered)]
    beside = [ordered[0] - 1.0, ordered[-1] + 1.0]
    return [value for value in (*middles, *beside, *ordered) if tag.low <= value <= tag.high]
