"""Numbers of `core.program` as living terms: `read(now_ns)` gives the number now, NaN while there is none."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

from gateway.core.image import Image
from gateway.core.limits import SECOND
from gateway.core.program import Absolute, Age, Arithmetic, Eta, Number, Pick, Score, Term, Trend, Value
from gateway.core.tags import Cause, Quality
from gateway.core.windows import MINUTE_NS, SURE, Window

BAD = int(Quality.BAD)
OUTSIDE = (int(Cause.ABOVE_RANGE), int(Cause.BELOW_RANGE))
SIGNS: dict[str, Callable[[float, float], float]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "=": operator.eq,
    "!=": operator.ne,
}


class Reading:
    """What the terms of one comparison share: the image, its clock, and why a number may be missing."""

    __slots__ = ("filling", "image", "numbers", "outside", "schedule")

    def __init__(self, image: Image, numbers: dict[str, int], schedule: Callable[[int], None]) -> None:
        self.image = image
        self.numbers = numbers
        self.schedule = schedule
        self.filling = False  # a window does not know enough yet
        self.outside = False  # a value out of its range was taken as it stands: it may be demand, and nothing else


class Living(Protocol):
    """A term at work; `parts` are the terms inside."""

    @property
    def parts(self) -> tuple[Living, ...]: ...
    def read(self, now_ns: int) -> float: ...


class _Keeping(Protocol):
    def save(self) -> list[Any]: ...
    def load(self, state: Sequence[Any]) -> None: ...


class _Value:
    """A tag. Out of range it is taken as it stands, except into a window: a broken wire is no trend."""

    __slots__ = ("_number", "_reading", "_windowed", "parts")

    def __init__(self, number: int, reading: Reading, windowed: bool) -> None:
        self._number, self._reading, self._windowed = number, reading, windowed
        self.parts: tuple[Living, ...] = ()

    def read(self, now_ns: int) -> float:
        image, number = self._reading.image, self._number
        if image.qualities[number] != BAD:
            return image.values[number]
        if self._windowed or image.causes[number] not in OUTSIDE:
            return math.nan
        self._reading.outside = True
        return image.values[number]


class _Number:
    __slots__ = ("_value", "parts")

    def __init__(self, value: float) -> None:
        self._value = value
        self.parts: tuple[Living, ...] = ()

    def read(self, now_ns: int) -> float:
        return self._value


class _Arithmetic:
    __slots__ = ("_sign", "parts")

    def __init__(self, op: str, left: Living, right: Living) -> None:
        self._sign = SIGNS.get(op)
        self.parts = (left, right)

    def read(self, now_ns: int) -> float:
        left, right = self.parts[0].read(now_ns), self.parts[1].read(now_ns)
        if self._sign is not None:
            return self._sign(left, right)
        return left / right if right else math.nan


class _Pick:
    __slots__ = ("_what", "parts")

    def __init__(self, what: str, parts: tuple[Living, ...]) -> None:
        self._what, self.parts = what, parts

    def read(self, now_ns: int) -> float:
        values = [part.read(now_ns) for part in self.parts]
        total = 0.0
        for value in values:
            total += value  # NaN if any is, which `min` and `max` would hide
        if total != total:
            return total
        return min(values) if self._what == "min" else max(values) if self._what == "max" else total / len(values)


class _Absolute:
    __slots__ = ("parts",)

    def __init__(self, part: Living) -> None:
        self.parts = (part,)

    def read(self, now_ns: int) -> float:
        return abs(self.parts[0].read(now_ns))


class _Windowed:
    """A term with a window of its part."""

    __slots__ = ("_due_ns", "_reading", "parts", "window")

    def __init__(self, part: Living, ns: int, reading: Reading) -> None:
        self.parts = (part,)
        self.window = Window(ns)
        self._reading = reading
        self._due_ns = -1

    def _put(self, now_ns: int) -> float:
        value = self.parts[0].read(now_ns)
        due_ns = self.window.put(value, now_ns)
        if self._due_ns <= now_ns:  # one pending deadline is enough
            self._due_ns = due_ns
            self._reading.schedule(due_ns)
        return value

    def _known(self, value: float) -> float:
        if value != value:
            self._reading.filling = True
        return value

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [self._due_ns, self.window.save()]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self._due_ns = state[0]
        self.window.load(state[1])


class _Trend(_Windowed):
    __slots__ = ("_sure", "_what")

    def __init__(self, node: Trend, part: Living, reading: Reading) -> None:
        super().__init__(part, node.ns, reading)
        self._what, self._sure = node.what, node.sure

    def read(self, now_ns: int) -> float:
        value = self._put(now_ns)
        if value != value:
            return value
        window = self.window
        if self._what == "delta":
            return self._known(window.delta())
        if self._sure:
            return self._known(window.line().sure_slope(self._sure))
        return self._known(window.slope if self._what == "rate" else window.mean)


class _Eta(_Windowed):
    __slots__ = ("_horizon_s", "_limit", "_rising", "_sure", "_test")

    def __init__(self, node: Eta, part: Living, reading: Reading) -> None:
        super().__init__(part, node.window_ns, reading)
        self._test, self._limit = OPERATORS[node.op], node.limit
        self._rising = node.op in (">", ">=")
        self._horizon_s = node.horizon_ns / SECOND
        self._sure = node.sure

    def read(self, now_ns: int) -> float:
        value = self._put(now_ns)
        if value != value or self._test(value, self._limit):
            return value if value != value else 0.0
        slope = self.window.slope
        if self._sure:
            line = self.window.line()
            slope, late = line.sure_slope(self._sure), SURE[self._sure] * line.spread
            value = line.level - late if self._rising else line.level + late
        slope = self._known(slope) * SECOND / MINUTE_NS  # per second
        if slope != slope:
            return slope
        if (slope <= 0) if self._rising else (slope >= 0):
            return math.inf
        left_s = (self._limit - value) / slope
        return left_s if left_s <= self._horizon_s else math.inf


class AgeTerm:
    """Counts from the last change that was seen, so at most from the start of the gateway."""

    __slots__ = ("_due_ns", "_number", "_reading", "_since_ns", "_value", "parts")

    def __init__(self, number: int, reading: Reading) -> None:
        self._number, self._reading = number, reading
        self._value = math.nan
        self._since_ns = -1
        self._due_ns = -1
        self.parts: tuple[Living, ...] = ()

    def read(self, now_ns: int) -> float:
        image, number = self._reading.image, self._number
        if image.qualities[number] == BAD:
            return math.nan
        if image.values[number] != self._value:
            self._value, self._since_ns = image.values[number], now_ns
        return (now_ns - self._since_ns) / SECOND

    def due_ns(self, limit_s: float, now_ns: int) -> int:
        """When to look whether the age has passed `limit_s`; -1 once it has, while there is none, or where one look is pending."""
        limit_ns = round(limit_s * SECOND)
        due_ns = self._since_ns + limit_ns + (now_ns - self._since_ns >= limit_ns)  # at it, and just beyond it
        if self._since_ns < 0 or due_ns <= now_ns or self._due_ns > now_ns:
            return (
                -1
            )  # a value that changes ten times a second must not fill the heap: a look that comes too early asks again
        self._due_ns = due_ns
        return due_ns

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [None if self._value != self._value else self._value, self._since_ns, self._due_ns]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self._value, self._since_ns, self._due_ns = math.nan if state[0] is None else state[0], state[1], state[2]


def build(term: Term, reading: Reading, *, windowed: bool = False) -> Living:
    """The living term of `term`; `windowed` inside a window."""
    match term:
        case Value(tag=tag):
            return _Value(reading.numbers[tag], reading, windowed)
        case Number(value=value):
            return _Number(value)
        case Arithmetic(op=op, left=left, right=right):
            return _Arithmetic(op, build(left, reading, windowed=windowed), build(right, reading, windowed=windowed))
        case Pick(what=what, items=items):
            return _Pick(what, tuple(build(item, reading, windowed=windowed) for item in items))
        case Absolute(item=item):
            return _Absolute(build(item, reading, windowed=windowed))
        case Trend(item=item):
            return _Trend(term, build(item, reading, windowed=True), reading)
        case Eta(item=item):
            return _Eta(term, build(item, reading, windowed=True), reading)
        case Score():
            return _Value(reading.numbers[term.tag], reading, windowed)
        case Age(tag=tag):
            return AgeTerm(reading.numbers[tag], reading)


def keeping(term: Living) -> Iterator[_Keeping]:
    """The parts of a term that have state, in a fixed order."""
    if isinstance(term, _Windowed | AgeTerm):
        yield term
    for part in term.parts:
        yield from keeping(part)


def tags_of(term: Term) -> list[str]:
    """The tags that a term reads, in written order, each once."""
    match term:
        case Value(tag=tag) | Age(tag=tag):
            return [tag]
        case Score():
            return [term.tag]
        case Number():
            return []
        case Arithmetic(left=left, right=right):
            parts: tuple[Term, ...] = (left, right)
        case Pick(items=items):
            parts = items
        case Absolute(item=item) | Trend(item=item) | Eta(item=item):
            parts = (item,)
    return list(dict.fromkeys(tag for part in parts for tag in tags_of(part)))
