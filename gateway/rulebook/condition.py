"""Conditions: from tree to canonical expression, with everything that can be wrong inside one."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import cast

from lark import Token

from gateway.core.cards import CHARTS
from gateway.core.cards import Score as Scored
from gateway.core.program import SECOND, And, Compare, Expression, For, Measure, Not, Operator, Or, Score, Value, Vote
from gateway.core.program import Arithmetic as Sums
from gateway.core.tags import Tag
from gateway.rulebook.exclude import Exclusion, excluded
from gateway.rulebook.formula import amount, duration
from gateway.rulebook.numbers import Measured, Numbers, operator
from gateway.rulebook.quantity import Reader, shown_range
from gateway.rulebook.questions import FUNCTIONS, Questions, counting
from gateway.rulebook.site import TagIndex, nearest_of
from gateway.rulebook.tree import (
    Call,
    Comparison,
    Condition,
    Delay,
    Joined,
    Negation,
    Operand,
    Poll,
    Quantity,
    Question,
    first_token,
    last_token,
)

_VOTE = re.compile(r"([0-9]+)oo[0-9]+")
_YES_NO = {"true": "1", "on": "1", "yes": "1", "open": "1", "false": "0", "off": "0", "no": "0", "closed": "0"}
DEPTH_MAX = 32  # levels of brackets; people cannot read more, and the kernel's closures nest as deep
DELAY_MAX_NS = 2 * SECOND  # spec/interlocks.md I10: a longer delay on a measured value is a warning


@dataclass
class Conditions:
    """Lowers the conditions of one rule of `kind`. `permissive`: a yes here permits, releases or ends a protection."""

    reader: Reader
    index: TagIndex
    kind: str
    permissive: bool = False
    clears: bool = False  # another condition says when it is over, so a comparison needs no hysteresis
    models: list[Tag] = field(default_factory=list)
    seen: list[Tag] = field(default_factory=list)
    _compared: dict[int, Compare] = field(default_factory=dict)

    @property
    def interlock(self) -> bool:
        """Is it a condition of an interlock?"""
        return self.kind == "interlock"

    @cached_property
    def numbers(self) -> Numbers:
        """The numbers inside."""
        return Numbers(self.reader, self.use, self.named, self.score)

    @cached_property
    def questions(self) -> Questions:
        """The yes/no functions inside."""
        return Questions(self)

    def lower(self, node: Condition) -> Expression | None:
        """The canonical expression, None after a report. The depth is bounded first: everything below recurs."""
        if node.depth > DEPTH_MAX:
            self.reader.report("rule.too-deep", first_token(node), most=str(DEPTH_MAX))
            return None
        expression = self.lowered(node, negated=False)
        self._contradictions(node)
        return expression

    def lowered(self, node: Condition, *, negated: bool) -> Expression | None:
        """The canonical expression of a part; `negated` below an odd number of `not`."""
        match node:
            case Comparison():
                return self._comparison(node, negated)
            case Question():
                return self.questions.lower(node, negated)
            case Negation():
                item = self.lowered(node.item, negated=not negated)
                return None if item is None else Not(item)
            case Delay():
                return self._delay(node, negated)
            case Poll():
                return self._vote(node, negated)
            case Joined():
                items = self._all(node.items, negated)
                return None if items is None else _flat(node.every, items)

    def _all(self, nodes: tuple[Condition, ...], negated: bool) -> tuple[Expression, ...] | None:
        items = tuple(self.lowered(node, negated=negated) for node in nodes)
        good = tuple(item for item in items if item is not None)
        return good if len(good) == len(items) else None

    def _delay(self, node: Delay, negated: bool) -> Expression | None:
        before = len(self.seen)
        item = self.lowered(node.item, negated=negated)
        ns = self.reader.time(node.time)
        if ns is None:
            return None
        measured = any(not tag.boolean for tag in self.seen[before:])
        if self.interlock and not self.permissive and measured and ns > DELAY_MAX_NS:
            self.reader.report("rule.long-delay", node.time.number, node.time.unit, what=duration(ns))
        return None if item is None else For(item, ns)

    def _vote(self, node: Poll, negated: bool) -> Expression | None:
        items = self._all(node.items, negated)
        count = len(node.items)
        if count == 1:
            self.reader.report("rule.vote-single", node.k)
            return None
        k = float(node.k)
        if not k.is_integer() or not 1 <= k <= count:
            self.reader.report("rule.vote-range", node.k, what=str(node.k), count=str(count))
            return None
        return None if items is None else Vote(int(k), items)

    def tag(self, token: Token) -> Tag | None:
        """The tag of that name. None after a report with the nearest name."""
        tag = self.index.by_name.get(token)
        if tag is None:
            report_unknown(self.reader, self.index, token)
        elif tag.personal and (self.kind in ("interlock", "control", "permit") or self.permissive):
            self.reader.report("rule.personal", token, tag=tag.name)
            return None
        return tag

    def use(self, token: Token, negated: bool) -> Tag | None:
        """A tag that the condition reads; judges whether a model's may stand there. None after a report."""
        tag = self.tag(token)
        if tag is not None:
            self._judge(tag, token, negated)
        return tag

    def score(self, what: str, word: Token, negated: bool) -> Score | None:
        """The score `what` of an early-warning group, or of a tag with a chart of its own. None after a report."""
        index = self.index
        of = "" if word in index.cards else str(word)
        found = [word] if not of else [card.name for card in index.cards.values() if of in card.charts]
        if len(found) != 1 or (of and what not in CHARTS):
            near = nearest_of(str(word), tuple(index.cards))
            expected = (f"Did you mean {near}? ", f"是否为 {near}？") if near else ("", "")
            self.reader.report("rule.no-group", word, what=str(word), expected=expected)
            return None
        card = index.cards[found[0]]
        score = Score(card.name, cast(Scored, what), card.hash, of)
        self._judge(index.scores[score.tag], word, negated)
        return score

    def _judge(self, tag: Tag, token: Token, negated: bool) -> None:
        """Keep what the condition reads, and report a model's where it may not stand."""
        self.seen.append(tag)
        if tag.model:
            self.models.append(tag)
            if self.permissive or self.kind == "permit":
                self.reader.report("rule.model-permissive", token, tag=tag.name)
            elif negated and self.kind in ("interlock", "control"):
                self.reader.report("rule.model-not", token, tag=tag.name)

    def named(self, call: Call) -> Token | None:
        """The tag that is written with brackets: `leak.sound(f12)` is leak.sound.f12. None after a report."""
        part = call.arguments[0] if len(call.arguments) == 1 else None
        word = part.item if isinstance(part, Question) else None
        if isinstance(word, Token):
            token = Token.new_borrow_pos(call.name.type, f"{call.name}.{word}", call.name)
            token.end_pos = word.end_pos
            if token in self.index.by_name:
                return token
        if _VOTE.fullmatch(call.name):
            self.reader.report(
                "rule.spelling", call.name, what=str(call.name), expected=_VOTE.sub(r"\1 of (…)", call.name)
            )
            return None
        near = nearest_of(str(call.name), FUNCTIONS, 0.7)
        expected = (f"Did you mean {near}? ", f"是否为 {near}？") if near else ("", "")
        self.reader.report("rule.unknown-function", call.name, what=str(call.name), expected=expected)
        return None

    def _comparison(self, node: Comparison, negated: bool) -> Expression | None:
        if counting(node.left):
            return self.questions.counted(node, negated)
        if isinstance(node.right, Token) and node.right.lower() in _YES_NO and node.right not in self.index.by_name:
            expected = f"{first_token(node.left)} {node.op} {_YES_NO[node.right.lower()]}"
            self.reader.report("rule.spelling", node.right, what=str(node.right), expected=expected)
            return None
        token = self.named(node.left) if isinstance(node.left, Call) and node.left.name not in FUNCTIONS else node.left
        if isinstance(token, Token) and isinstance(node.right, Quantity):
            return self._simple(node, token, node.right, negated)
        return None if token is None else self._measure(node, token, negated)

    def _simple(self, node: Comparison, token: Token, value: Quantity, negated: bool) -> Expression | None:
        """One tag with a limit: the fast leaf of the kernel, with the range of the tag to judge it by."""
        tag = self.use(token, negated)
        if tag is None:
            return None
        op = operator(node.op)
        limit = self.reader.value(tag, value)
        hyst = self._hyst(Measured(Value(tag.name), "" if tag.boolean else tag.unit), op, node, bit=tag.boolean)
        if limit is None or hyst is None or not check_limit(self.reader, tag, node.op, limit, value.number):
            return None
        compare = Compare(tag.name, op, limit, hyst)
        if hyst and not self._clears(tag, node, compare):
            return None
        chatters = self.kind in ("alarm", "advisory", "control") and not self.clears and not self.permissive
        if chatters and not tag.boolean and op not in ("=", "!=") and not hyst:
            self.reader.report("rule.hyst-missing", token, tag=tag.name, expected=_suggested_hyst(tag))
        self._compared[id(node)] = compare
        return compare

    def _measure(self, node: Comparison, left_node: Operand, negated: bool) -> Expression | None:
        left, right = self.numbers.lower(left_node, negated), self.numbers.lower(node.right, negated)
        if left is None or right is None:
            return None
        if left.term is None:
            what = "rule.constant" if right.term is None else "rule.tag-first"
            self.reader.report(what, first_token(left_node), last_token(left_node))
            return None
        op = operator(node.op)
        if op in ("=", "!=") and left.time:
            self.reader.report("rule.time-equal", node.op, what=op)
            return None
        limit, term = self._limit(left, right, node), left.term
        hyst = self._hyst(left, op, node)
        if right.term is not None:
            aligned = self.numbers.aligned(right, left, node.right)
            if aligned is None:
                return None
            term = Sums("-", term, aligned)
        return None if limit is None or hyst is None else Measure(term, op, limit, hyst)

    def _limit(self, left: Measured, right: Measured, node: Comparison) -> float | None:
        if right.term is not None:
            if left.time or right.time:
                self.reader.report("rule.alone", first_token(node.left), what=str(first_token(node.left)))
                return None
            return 0.0
        assert right.constant is not None
        if not left.time:
            return self.reader.amount(left.shown, left.unit, right.constant, difference=left.difference)
        ns = self.reader.time(right.constant)
        return None if ns is None else ns / SECOND

    def _hyst(self, left: Measured, op: Operator, node: Comparison, *, bit: bool = False) -> float | None:
        if node.hyst is None or node.hyst_word is None:
            return 0.0
        if bit or left.time or op in ("=", "!="):
            self.reader.report("rule.hyst-operator", node.hyst_word, what=op)
            return None
        hyst = self.reader.amount(left.shown, left.unit, node.hyst, difference=True)
        if hyst is not None and hyst < 0:
            self.reader.report("rule.hyst-negative", node.hyst.number)
            return None
        return hyst

    def _clears(self, tag: Tag, node: Comparison, compare: Compare) -> bool:
        """Is the point where the comparison becomes false again inside the range of the tag?"""
        down = compare.op in (">", ">=")
        point = compare.limit - compare.hyst if down else compare.limit + compare.hyst
        strict = compare.op in ("<=", ">=")  # it clears beyond the point, not at it
        beyond = (
            (point < tag.low or (strict and point == tag.low))
            if down
            else (point > tag.high or (strict and point == tag.high))
        )
        if beyond and node.hyst is not None:
            sign = ("<" if strict else "<=") if down else (">" if strict else ">=")
            expected = f"{sign} {amount(point, tag.unit)}"
            self.reader.report("rule.hyst-range", node.hyst.number, expected=expected, tag=tag.name, **shown_range(tag))
        return not beyond

    def _contradictions(self, node: Condition) -> None:
        """Reports comparisons that an `and` joins and that exclude each other."""
        stack = [node]
        while stack:
            together, apart = _together(stack.pop())
            self._group(together)
            for other in apart:
                stack.extend((other.item,) if isinstance(other, Negation) else other.items)

    def _group(self, nodes: list[Comparison]) -> None:
        known = [(node, self._compared[id(node)]) for node in nodes if id(node) in self._compared]
        found: Exclusion | None = excluded([compare for _, compare in known])
        if found is not None:
            first, second = (known[at][1] for at in found)
            node = known[found[1]][0]
            shown = [f"{one.tag} {one.op} {amount(one.limit, self.index.units[one.tag])}" for one in (first, second)]
            self.reader.report(
                "rule.never-true", first_token(node.left), last_token(node.right), first=shown[0], second=shown[1]
            )


def _together(node: Condition) -> tuple[list[Comparison], list[Joined | Negation | Poll]]:
    """The comparisons that must all be true for `node` to be true, and the nodes below which that ends."""
    found: list[Comparison] = []
    apart: list[Joined | Negation | Poll] = []
    stack = [node]
    while stack:
        here = stack.pop()
        if isinstance(here, Comparison):
            found.append(here)
        elif isinstance(here, Delay):
            stack.append(here.item)
        elif isinstance(here, Joined) and here.every:
            stack.extend(reversed(here.items))
        elif not isinstance(here, Question):
            apart.append(here)
    return found, apart


def _flat(every: bool, items: tuple[Expression, ...]) -> Expression:
    """`and` inside `and` needs no brackets: equal meaning, equal bytes."""
    kind = And if every else Or
    flat: list[Expression] = []
    for item in items:
        flat.extend(item.items if isinstance(item, kind) else (item,))
    return kind(tuple(flat))


def _suggested_hyst(tag: Tag) -> str:
    """About two per cent of the range, as spec/alarms.md §3 starts for most signals."""
    span = tag.high - tag.low
    value = float(f"{span * 0.02:.1g}") if 0 < span < 1e12 else 1.0
    return amount(value, tag.unit)


def report_unknown(reader: Reader, index: TagIndex, token: Token, *, writable: bool = False) -> None:
    """Reports a name that no tag has, with the nearest one that exists."""
    near = index.nearest(token, writable=writable)
    expected = (
        (f"Did you mean {near}?", f"是否为 {near}？")
        if near
        else ("Write a tag as it stands in the tag list.", "请按位号表中的写法填写位号。")
    )
    reader.report("rule.unknown-tag", token, what=str(token), expected=expected)


def check_limit(reader: Reader, tag: Tag, op: Token, limit: float, number: Token) -> bool:
    """Can a comparison of `tag` with `limit` be both true and false? Reports and says False where it cannot."""
    sign = operator(op)
    if tag.boolean:
        if sign not in ("=", "!="):
            reader.report("rule.bool-operator", op, tag=tag.name, what=sign)
            return False
        if limit not in (0.0, 1.0):
            reader.report("rule.bool-value", number, tag=tag.name, what=str(number))
            return False
        return True
    if tag.low <= limit <= tag.high:
        if limit in (tag.low, tag.high) and sign not in ("=", "!="):
            reader.report("rule.on-bound", number, tag=tag.name, **shown_range(tag))
        return True
    low_side = limit < tag.low
    always = sign == "!=" or (sign in (">", ">=") if low_side else sign in ("<", "<="))
    truth = ("always", "恒成立") if always else ("never", "永不成立")
    reader.report("rule.out-of-range", number, tag=tag.name, truth=truth, **shown_range(tag))
    return False
