"""The yes/no functions of conditions, and those that count: `good both consecutive done in_zone since count`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lark import Token

from gateway.core.limits import WINDOW_MAX_NS
from gateway.core.program import Both, Compare, Consecutive, Count, Done, Expression, Good, Measure, Since, Tally
from gateway.rulebook.numbers import NUMERIC, SHORTEST_WINDOW_NS, USAGE, operator
from gateway.rulebook.tree import Call, Comparison, Operand, Quantity, Question, Target, first_token, last_token

if TYPE_CHECKING:
    from gateway.rulebook.condition import Conditions

COUNTING = frozenset({"since", "count"})
YES_NO = frozenset({"good", "both", "consecutive", "done", "in_zone", "warning"})
FUNCTIONS = tuple(sorted(NUMERIC | COUNTING | YES_NO))
COUNT_MAX = 1_000  # turns that one count remembers
DAY_NS = 24 * 3_600_000_000_000
AGE_MAX_NS = 3660 * DAY_NS  # ten years: no certificate lasts longer
DONE_KINDS = frozenset({"permit", "alarm", "advisory"})


def counting(node: Operand) -> bool:
    """Is the left side of a comparison one of the functions that count conditions or events?"""
    return isinstance(node, Call) and node.name in COUNTING


class Questions:
    """Lowers them for one condition."""

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        self.reader = conditions.reader

    def lower(self, node: Question, negated: bool) -> Expression | None:
        """The canonical expression, None after a report."""
        item = node.item
        if not isinstance(item, Call) or item.name in NUMERIC | COUNTING:
            first, last = first_token(item), last_token(item)
            self.reader.report("rule.no-comparison", first, last, what=str(first))
            return None
        match str(item.name):
            case "good":
                return self._good(item, negated)
            case "both":
                return self._both(item, negated)
            case "consecutive":
                return self._consecutive(item, negated)
            case "done":
                return self._done(item)
            case "in_zone":
                return self._in_zone(item, negated)
            case "warning":
                score = self.conditions.numbers.score("level", item, negated)
                return None if score is None else Measure(score, ">", 1.0)
        token = self.conditions.named(item)
        if token is not None:
            self.reader.report("rule.no-comparison", token, what=str(token))
        return None

    def _usage(self, call: Call, at: Token | None = None) -> None:
        self.reader.report("rule.arguments", at or call.name, what=str(call.name), expected=USAGE[str(call.name)])

    def _words(self, call: Call, count: int) -> list[Token]:
        """The arguments of a call that are all plain words. [] after a report."""
        parts = self.conditions.numbers.arguments(call, count)
        words = [part.item for part in parts if isinstance(part, Question) and isinstance(part.item, Token)]
        if parts and len(words) < count:
            self._usage(call)
            return []
        return words

    def _good(self, call: Call, negated: bool) -> Expression | None:
        words = self._words(call, 1)
        tag = self.conditions.use(words[0], negated) if words else None
        return None if tag is None else Good(tag.name)

    def _in_zone(self, call: Call, negated: bool) -> Expression | None:
        words = self._words(call, 2)
        if not words:
            return None
        what, zone = words
        # A person is nobody in particular here: the anonymous tag of the zone.
        name = f"{zone}.{'occupied' if what == 'person' else what}"
        token = Token.new_borrow_pos(call.name.type, name, call.name)
        token.end_pos = zone.end_pos
        tag = self.conditions.use(token, negated)
        if tag is None:
            return None
        if not tag.boolean:
            self.reader.report("rule.not-yes-no", token, tag=tag.name)
            return None
        return Compare(tag.name, "=", 1.0)

    def _both(self, call: Call, negated: bool) -> Expression | None:
        numbers = self.conditions.numbers
        parts = numbers.arguments(call, 3)
        if not parts or numbers.keywords(call) is None:
            return None
        ns = numbers.time_of(parts[2], call, SHORTEST_WINDOW_NS // 50)
        items = []
        for part in parts[:2]:
            if isinstance(part, Target):
                self._usage(call, part.op)
                return None
            items.append(self.conditions.lowered(part, negated=negated))  # type: ignore[arg-type]
        good = tuple(item for item in items if item is not None)
        return Both(good, ns) if ns is not None and len(good) == 2 else None

    def _done(self, call: Call) -> Expression | None:
        conditions = self.conditions
        if conditions.kind not in DONE_KINDS and not conditions.permissive:
            self.reader.report("rule.done-here", call.name)
            return None
        words, keywords = self._words(call, 1), conditions.numbers.keywords(call, "max_age")
        if not words or keywords is None:
            return None
        age = keywords.get("max_age", ("",))[0]
        if not isinstance(age, Quantity):
            self._usage(call)
            return None
        ns = self.reader.time(age, high=AGE_MAX_NS)
        return None if ns is None else Done(str(words[0]), ns)

    # --- events ---

    def _event(self, token: Token, by: tuple[Any, ...], negated: bool) -> tuple[str, tuple[str, ...]] | None:
        """An event with its keys. Its tags are `event`, `event.event` and `event.KEY`."""
        keys = tuple(str(key) for key in by)
        for name in (str(token), f"{token}.event", *(f"{token}.{key}" for key in keys)):
            place = Token.new_borrow_pos(token.type, name, token)
            if name not in self.conditions.index.by_name and name != token:
                self.reader.report("rule.no-event", token, what=str(token), tag=name)
                return None
            if self.conditions.use(place, negated) is None:
                return None
        return str(token), keys

    def _consecutive(self, call: Call, negated: bool) -> Expression | None:
        numbers = self.conditions.numbers
        parts, keywords = numbers.arguments(call, 2), numbers.keywords(call, "by", "within")
        if not parts or keywords is None:
            return None
        token, n = (part.item if isinstance(part, Question) else None for part in parts)
        if not isinstance(token, Token) or not isinstance(n, Quantity):
            self._usage(call)
            return None
        many = self._whole(n, 2, 100)
        within_ns: int | None = WINDOW_MAX_NS
        if "within" in keywords:
            within_ns = numbers.time_of(keywords["within"][0], call)
        event = self._event(token, keywords.get("by", ()), negated)
        if many is None or within_ns is None or event is None:
            return None
        return Consecutive(event[0], many, event[1], within_ns)

    def counted(self, node: Comparison, negated: bool) -> Expression | None:
        """`since(…) > T` or `count(…) >= n`."""
        call, op = node.left, operator(node.op)
        assert isinstance(call, Call)
        if not isinstance(node.right, Quantity) or op in ("=", "!=") or node.hyst_word is not None:
            self._usage(call, node.hyst_word or node.op)
            return None
        if call.name == "since":
            return self._since(call, node, negated ^ (op in (">", ">=")))
        return self._count(call, node, negated ^ (op in ("<", "<=")))

    def _since(self, call: Call, node: Comparison, negated: bool) -> Expression | None:
        assert isinstance(node.right, Quantity)
        parts = self.conditions.numbers.arguments(call, 1)
        if not parts or isinstance(parts[0], Target):
            return None
        item = self.conditions.lowered(parts[0], negated=negated)  # type: ignore[arg-type]
        ns = self.reader.time(node.right)
        return None if item is None or ns is None else Since(item, operator(node.op), ns)

    def _count(self, call: Call, node: Comparison, negated: bool) -> Expression | None:
        assert isinstance(node.right, Quantity)
        numbers, op = self.conditions.numbers, operator(node.op)
        parts, keywords = numbers.arguments(call, 2), numbers.keywords(call, "by")
        if not parts or keywords is None or isinstance(parts[0], Target):
            return None
        ns, n = numbers.time_of(parts[1], call), self._whole(node.right, 1 if op in (">=", "<") else 0, COUNT_MAX)
        first = parts[0].item if isinstance(parts[0], Question) else None
        if isinstance(first, Token):
            event = self._event(first, keywords.get("by", ()), negated)
            if op in ("<", "<="):
                self._usage(call, node.op)
                return None
            return None if event is None or ns is None or n is None else Tally(event[0], ns, op, n, event[1])
        if keywords:
            self._usage(call)
            return None
        item = self.conditions.lowered(parts[0], negated=negated)  # type: ignore[arg-type]
        return None if item is None or ns is None or n is None else Count(item, ns, op, n)

    def _whole(self, quantity: Quantity, low: int, high: int) -> int | None:
        """A whole number without a unit. None after a report."""
        value = float(quantity.number)
        if quantity.unit is not None or not value.is_integer() or not low <= value <= high:
            last = quantity.unit or quantity.number
            self.reader.report("rule.whole-number", quantity.number, last, low=str(low), high=str(high))
            return None
        return int(value)
