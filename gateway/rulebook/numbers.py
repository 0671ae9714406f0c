"""Numbers in conditions: sums, choices, trends and times, each with the unit in which it counts."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, cast

from lark import Token

from gateway.core.limits import HOUR, SECOND
from gateway.core.program import Absolute, Age, Arithmetic, Eta, Number, Operator, Pick, Score, Term, Trend, Value
from gateway.core.tags import Tag
from gateway.core.windows import SURE
from gateway.core.written import term as written
from gateway.rulebook.quantity import Reader, kept_apart
from gateway.rulebook.tree import (
    Argument,
    Call,
    Keyword,
    Operand,
    Quantity,
    Question,
    Sum,
    Target,
    first_token,
    last_token,
)
from gateway.rulebook.units import UnitError, parse_unit

SHORTEST_WINDOW_NS = 5 * SECOND  # a sixtieth of it is a bucket, and each bucket is a deadline
LONGEST_SLOPE_NS = HOUR  # of an `eta` that names no window of its own
SHARE_OF_HORIZON = 6  # that window is a sixth of the horizon: 5 min for 30 min

_GLUED = re.compile(r"([0-9]{1,15})([a-z]+)")

PICKS = frozenset({"min", "max", "avg"})
TRENDS = frozenset({"rate", "delta", "moving"})
SCORED = frozenset({"t2", "spe", "ewma", "cusum"})  # of early warning, in multiples of their limits
NUMERIC = PICKS | TRENDS | SCORED | {"abs", "eta", "age"}
SIGNS = {"≤": "<=", "≥": ">=", "≠": "!="}


def operator(token: Token) -> Operator:
    """The operator as the canonical form spells it."""
    return cast(Operator, SIGNS.get(token, str(token)))


@dataclass(frozen=True, slots=True)
class Measured:
    """A number of the canonical form with the unit it counts in. `term` is None for a constant: then `constant` is it."""

    term: Term | None
    unit: str = ""
    difference: bool = False  # degrees of it are steps
    time: bool = False  # seconds; written as a time
    constant: Quantity | None = None

    @property
    def shown(self) -> str:
        """What people know it as."""
        return written(self.term) if self.term is not None else ""


ReadTag = Callable[[Token, bool], Tag | None]
ReadScore = Callable[[str, Token, bool], Score | None]


class Numbers:
    """Lowers the numbers of one condition. `read_tag` finds a tag and judges whether it may stand here."""

    def __init__(
        self, reader: Reader, read_tag: ReadTag, resolve: Callable[[Call], Token | None], read_score: ReadScore
    ) -> None:
        self.reader = reader
        self._read_tag = read_tag
        self._read_score = read_score
        self._resolve = resolve

    def lower(self, node: Operand, negated: bool) -> Measured | None:
        """The number, None after a report."""
        match node:
            case Quantity():
                return Measured(None, constant=node)
            case Sum():
                return self._sum(node, negated)
            case Call():
                return self._call(node, negated)
            case _:
                return self._tag(node, negated)

    def variable(self, node: Argument | Operand, negated: bool) -> Measured | None:
        """A number that is no constant. None after a report."""
        if isinstance(node, Question):
            node = node.item
        if not isinstance(node, Token | Quantity | Sum | Call):
            self.reader.report("rule.argument", first_token(node), expected=("a number", "数值"))
            return None
        found = self.lower(node, negated)
        if found is not None and found.term is None:
            self.reader.report("rule.constant", first_token(node), last_token(node))
            return None
        return found

    def _tag(self, token: Token, negated: bool) -> Measured | None:
        tag = self._read_tag(token, negated)
        if tag is None:
            return None
        if tag.boolean:
            self.reader.report("rule.bool-number", token, tag=tag.name)
            return None
        return Measured(Value(tag.name), tag.unit)

    # --- sums ---

    def _sum(self, node: Sum, negated: bool) -> Measured | None:
        left, right = self.lower(node.left, negated), self.lower(node.right, negated)
        if left is None or right is None:
            return None
        if left.term is None and right.term is None:
            self.reader.report("rule.constant", first_token(node), last_token(node))
            return None
        for side, part in ((left, node.left), (right, node.right)):
            if side.time:
                self.reader.report("rule.alone", first_token(part), what=str(first_token(part)))
                return None
        if node.op in "+-":
            return self._added(node, left, right)
        return self._multiplied(node, left, right)

    def _added(self, node: Sum, left: Measured, right: Measured) -> Measured | None:
        op = cast(Literal["+", "-"], str(node.op))
        base = left if left.term is not None else right
        sides = [self.aligned(side, base, part) for side, part in ((left, node.left), (right, node.right))]
        if sides[0] is None or sides[1] is None:
            return None
        difference = left.difference if right.term is None else (op == "-" or (left.difference and right.difference))
        return Measured(Arithmetic(op, sides[0], sides[1]), base.unit, difference)

    def aligned(self, side: Measured, base: Measured, node: Operand) -> Term | None:
        """`side` in the unit of `base`. None after a report."""
        if side.term is None:
            assert side.constant is not None
            # 5 K more than a temperature in degC are 5 steps, whatever the offset of the scale.
            value = self.reader.amount(base.shown, base.unit, side.constant, difference=True)
            return None if value is None else Number(value)
        if side.unit == base.unit:
            return side.term
        factor = _factor(side.unit, base.unit)
        if factor is None:
            where = first_token(node), last_token(node)
            shown = {"tag": base.shown, "what": side.unit or "1", "expected": base.unit or "1"}
            self.reader.report("rule.unit-mismatch", *where, **shown, apart=kept_apart(base.unit))
            return None
        return Arithmetic("*", side.term, Number(factor))

    def _multiplied(self, node: Sum, left: Measured, right: Measured) -> Measured | None:
        op = cast(Literal["*", "/"], str(node.op))
        sides: list[Term] = []
        for side in (left, right):
            if side.term is not None:
                sides.append(side.term)
                continue
            assert side.constant is not None
            value = self.reader.amount("", "", side.constant)
            if value is None:
                return None
            sides.append(Number(value))
        if left.unit and right.unit:
            same = left.unit == right.unit or _factor(right.unit, left.unit) is not None
            aligned = self.aligned(right, left, node.right) if op == "/" and same else None
            if aligned is None:
                self.reader.report("rule.unit-product", node.op, left=left.unit, right=right.unit)
                return None
            return Measured(Arithmetic("/", left.term or sides[0], aligned))
        if op == "/" and right.unit:
            self.reader.report("rule.unit-product", node.op, left=left.unit or "1", right=right.unit)
            return None
        return Measured(
            Arithmetic(op, sides[0], sides[1]), left.unit or right.unit, left.difference or right.difference
        )

    # --- functions ---

    def _call(self, node: Call, negated: bool) -> Measured | None:
        name = str(node.name)
        if name in PICKS:
            return self._pick(cast(Literal["min", "max", "avg"], name), node, negated)
        if name in TRENDS:
            return self._trend(cast(Literal["rate", "delta", "moving"], name), node, negated)
        if name == "abs":
            parts = self.arguments(node, 1)
            item = self.variable(parts[0], negated) if parts else None
            return (
                None if item is None or item.term is None else Measured(Absolute(item.term), item.unit, item.difference)
            )
        if name == "eta":
            return self._eta(node, negated)
        if name == "age":
            return self._age(node, negated)
        if name in SCORED:
            score = self.score(name, node, negated)
            return None if score is None else Measured(score)
        token = self._resolve(node)
        return None if token is None else self._tag(token, negated)

    def arguments(self, node: Call, least: int, most: int | None = None) -> tuple[Argument, ...]:
        """The arguments of a call without its keywords; () after a report of a wrong number of them."""
        plain = tuple(part for part in node.arguments if not isinstance(part, Keyword))
        if not least <= len(plain) <= (most or least):
            self.reader.report("rule.arguments", node.name, what=str(node.name), expected=USAGE[str(node.name)])
            return ()
        return plain

    def keywords(self, node: Call, *known: str) -> dict[str, tuple[Token | Quantity, ...]] | None:
        """The keywords of a call by name. None after a report of an unknown or repeated one."""
        found: dict[str, tuple[Token | Quantity, ...]] = {}
        for part in node.arguments:
            if isinstance(part, Keyword):
                if part.name not in known or part.name in found:
                    self.reader.report("rule.arguments", part.key, what=str(node.name), expected=USAGE[str(node.name)])
                    return None
                found[part.name] = part.values
        return found

    def time_of(self, part: Any, whole: Call, low: int = SHORTEST_WINDOW_NS) -> int | None:
        """The time that an argument is. None after a report."""
        if isinstance(part, Question):
            part = part.item
        if isinstance(part, Token):
            part = _glued(part)
        if not isinstance(part, Quantity):
            self.reader.report("rule.arguments", whole.name, what=str(whole.name), expected=USAGE[str(whole.name)])
            return None
        return self.reader.time(part, low)

    def _pick(self, what: Literal["min", "max", "avg"], node: Call, negated: bool) -> Measured | None:
        parts = self.arguments(node, 2, 64)
        items = [self.variable(part, negated) for part in parts]
        good = [item for item in items if item is not None]
        if not parts or len(good) < len(items):
            return None
        if any(item.time for item in good):
            self.reader.report("rule.alone", node.name, what=what)
            return None
        operands = [part.item for part in parts if isinstance(part, Question)]
        terms = [self.aligned(item, good[0], operand) for item, operand in zip(good, operands, strict=True)]
        sound = tuple(one for one in terms if one is not None)
        if len(sound) < len(terms):
            return None
        return Measured(Pick(what, sound), good[0].unit, all(item.difference for item in good))

    def _trend(self, what: Literal["rate", "delta", "moving"], node: Call, negated: bool) -> Measured | None:
        parts, keywords = self.arguments(node, 2), self.keywords(node, *(("sure",) if what == "rate" else ()))
        sure = None if keywords is None else self._sure(node, keywords)
        if not parts or sure is None:
            return None
        item, ns = self.variable(parts[0], negated), self.time_of(parts[1], node)
        if item is None or item.term is None or ns is None:
            return None
        if item.time:
            self.reader.report("rule.alone", node.name, what=what)
            return None
        unit = f"{item.unit}/min" if what == "rate" and item.unit else item.unit
        return Measured(Trend(what, item.term, ns, sure), unit, difference=what != "moving" or item.difference)

    def _eta(self, node: Call, negated: bool) -> Measured | None:
        parts, keywords = self.arguments(node, 2), self.keywords(node, "horizon", "window", "sure")
        sure = None if keywords is None else self._sure(node, keywords)
        if not parts or keywords is None or sure is None:
            return None
        item, target = self.variable(parts[0], negated), parts[1]
        if item is None or item.term is None:
            return None
        if (
            not isinstance(target, Target)
            or "horizon" not in keywords
            or operator(target.op) in ("=", "!=")
            or item.time
        ):
            self.reader.report("rule.arguments", node.name, what="eta", expected=USAGE["eta"])
            return None
        limit = self.reader.amount(item.shown, item.unit, target.value, difference=item.difference)
        horizon_ns = self.time_of(keywords["horizon"][0], node)
        if limit is None or horizon_ns is None:
            return None
        window_ns: int | None = min(max(horizon_ns // SHARE_OF_HORIZON, SHORTEST_WINDOW_NS), LONGEST_SLOPE_NS)
        if "window" in keywords:
            window_ns = self.time_of(keywords["window"][0], node)
        if window_ns is None:
            return None
        return Measured(Eta(item.term, operator(target.op), limit, horizon_ns, window_ns, sure), "s", time=True)

    def _sure(self, node: Call, keywords: dict[str, tuple[Token | Quantity, ...]]) -> int | None:
        """How sure a trend is to be, in per cent; 0 where nothing is said, None after a report."""
        if "sure" not in keywords:
            return 0
        said = keywords["sure"][0]
        if isinstance(said, Quantity) and said.unit == "%" and said.number in map(str, SURE):
            return int(said.number)
        expected = ", ".join(f"sure = {percent} %" for percent in SURE)
        self.reader.report("rule.arguments", node.name, what=str(node.name), expected=expected)
        return None

    def score(self, what: str, node: Call, negated: bool) -> Score | None:
        """The score of the group or tag in brackets. None after a report."""
        parts = self.arguments(node, 1)
        word = parts[0].item if parts and isinstance(parts[0], Question) else None
        if not isinstance(word, Token):
            if parts:
                self.reader.report("rule.arguments", node.name, what=str(node.name), expected=USAGE[str(node.name)])
            return None
        return self._read_score(what, word, negated)

    def _age(self, node: Call, negated: bool) -> Measured | None:
        parts = self.arguments(node, 1)
        item = parts[0].item if parts and isinstance(parts[0], Question) else None
        if not isinstance(item, Token):
            if parts:
                self.reader.report("rule.arguments", node.name, what="age", expected=USAGE["age"])
            return None
        tag = self._read_tag(item, negated)
        return None if tag is None else Measured(Age(tag.name), "s", time=True)


def _glued(token: Token) -> Quantity | None:
    """`5min` without a space, which reads like a name."""
    match = _GLUED.fullmatch(token)
    if match is None:
        return None
    number = Token.new_borrow_pos("NUMBER", match[1], token)
    number.end_pos = (token.start_pos or 0) + len(match[1])
    return Quantity(number, Token("UNIT", match[2], number.end_pos, end_pos=token.end_pos))


def _factor(source: str, target: str) -> float | None:
    """What a number in `source` is multiplied with to count in `target`, None where that is not all it takes."""
    if not source or not target:
        return None
    try:
        one, other = parse_unit(source), parse_unit(target)
    except UnitError:
        return None
    if one.dimension != other.dimension or one.offset or other.offset:
        return None
    return float(Fraction(one.scale) / Fraction(other.scale))


USAGE = {
    "min": "min(tag1, tag2)",
    "max": "max(tag1, tag2)",
    "avg": "avg(tag1, tag2)",
    "abs": "abs(tag1 - tag2)",
    "rate": "rate(tag, 5 min)",
    "delta": "delta(tag, 5 min)",
    "moving": "moving(tag, 5 min)",
    "eta": "eta(tag, > 185 degC, horizon = 30 min)",
    "age": "age(tag)",
    "since": "since(tag = 1) > 10 min",
    "count": "count(tag = 1, 10 min) >= 3",
    "consecutive": "consecutive(event, 3, by = (worker, kind))",
    "both": "both(tag1 > 1, tag2 > 1, 20 s)",
    "good": "good(tag)",
    "done": "done(gas_test, max_age = 30 min)",
    "warning": "warning(group)",
    "t2": "t2(group) > 1",
    "spe": "spe(group) > 1",
    "ewma": "ewma(tag) > 1",
    "cusum": "cusum(tag) > 1",
    "in_zone": "in_zone(person, crane_bay)",
}
