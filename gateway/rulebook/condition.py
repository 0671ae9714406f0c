"""Conditions: from tree to canonical expression, with everything that can be wrong inside one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import cast

from lark import Token

from gateway.core.program import SECOND, And, Compare, Expression, For, Not, Operator, Or, Vote
from gateway.core.tags import Tag
from gateway.rulebook.exclude import Exclusion, excluded
from gateway.rulebook.formula import amount, duration
from gateway.rulebook.quantity import Reader, shown_range
from gateway.rulebook.site import TagIndex
from gateway.rulebook.tree import Comparison, Condition, Delay, Joined, Negation, Poll

DEPTH_MAX = 32  # levels of brackets; people cannot read more, and the kernel's closures nest as deep
DELAY_MAX_NS = 2 * SECOND  # spec/interlocks.md I10: a longer delay on a measured value is a warning
_SIGNS = {"≤": "<=", "≥": ">=", "≠": "!="}


def operator(token: Token) -> Operator:
    """The operator as the canonical form spells it."""
    return cast(Operator, _SIGNS.get(token, str(token)))


@dataclass(slots=True)
class Conditions:
    """Lowers the conditions of one rule. `interlock`, `permissive` say which rules apply to the tags in them."""

    reader: Reader
    index: TagIndex
    interlock: bool
    permissive: bool = False
    models: list[Tag] = field(default_factory=list)
    seen: list[Tag] = field(default_factory=list)
    _compared: dict[int, Compare] = field(default_factory=dict)

    def lower(self, node: Condition) -> Expression | None:
        """The canonical expression, None after a report. The depth is bounded first: everything below recurs."""
        if node.depth > DEPTH_MAX:
            self.reader.report("rule.too-deep", _first(node), most=str(DEPTH_MAX))
            return None
        expression = self._lower(node, negated=False)
        self._contradictions(node)
        return expression

    def _lower(self, node: Condition, *, negated: bool) -> Expression | None:
        match node:
            case Comparison():
                return self._comparison(node, negated)
            case Negation():
                item = self._lower(node.item, negated=True)
                return None if item is None else Not(item)
            case Delay():
                return self._delay(node, negated)
            case Poll():
                return self._vote(node, negated)
            case Joined():
                items = self._all(node.items, negated)
                return None if items is None else _flat(node.every, items)

    def _all(self, nodes: tuple[Condition, ...], negated: bool) -> tuple[Expression, ...] | None:
        items = tuple(self._lower(node, negated=negated) for node in nodes)
        good = tuple(item for item in items if item is not None)
        return good if len(good) == len(items) else None

    def _delay(self, node: Delay, negated: bool) -> Expression | None:
        before = len(self.seen)
        item = self._lower(node.item, negated=negated)
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
        elif tag.personal and self.interlock:
            self.reader.report("rule.personal", token, tag=tag.name)
            return None
        return tag

    def _comparison(self, node: Comparison, negated: bool) -> Expression | None:
        tag = self.tag(node.tag)
        if tag is None:
            return None
        self.seen.append(tag)
        if tag.model:
            self.models.append(tag)
            if self.permissive:
                self.reader.report("rule.model-permissive", node.tag, tag=tag.name)
            elif negated and self.interlock:
                self.reader.report("rule.model-not", node.tag, tag=tag.name)
        op = operator(node.op)
        limit = self.reader.value(tag, node.value)
        hyst = self._hyst(tag, op, node)
        if limit is None or hyst is None or not check_limit(self.reader, tag, node.op, limit, node.value.number):
            return None
        compare = Compare(tag.name, op, limit, hyst)
        if hyst and not self._clears(tag, node, compare):
            return None
        if not self.interlock and not tag.boolean and op not in ("=", "!=") and not hyst:
            self.reader.report("rule.hyst-missing", node.tag, tag=tag.name, expected=_suggested_hyst(tag))
        self._compared[id(node)] = compare
        return compare

    def _hyst(self, tag: Tag, op: str, node: Comparison) -> float | None:
        if node.hyst is None or node.hyst_word is None:
            return 0.0
        if tag.boolean or op in ("=", "!="):
            self.reader.report("rule.hyst-operator", node.hyst_word, what=op)
            return None
        hyst = self.reader.value(tag, node.hyst, difference=True)
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
            self.reader.report("rule.never-true", node.tag, node.value.number, first=shown[0], second=shown[1])


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
        else:
            apart.append(here)
    return found, apart


def _flat(every: bool, items: tuple[Expression, ...]) -> Expression:
    """`and` inside `and` needs no brackets: equal meaning, equal bytes."""
    kind = And if every else Or
    flat: list[Expression] = []
    for item in items:
        flat.extend(item.items if isinstance(item, kind) else (item,))
    return kind(tuple(flat))


def _first(node: Condition) -> Token:
    """A token of the condition to point at."""
    while not isinstance(node, Comparison):
        if isinstance(node, Negation):
            return node.word
        if isinstance(node, Poll):
            return node.k
        node = node.items[0] if isinstance(node, Joined) else node.item
    return node.tag


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
