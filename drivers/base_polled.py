"""The poll cycle of drivers that ask and are answered: one task owns the connection, writes go between reads, bad items are set aside.

A driver brings spans (what it can ask for in one piece), packs them into questions, and decodes. Here are the grid in time, the
block of every cycle, the read-back of writes, and what happens to a span that the device refuses: it is halved
until its bad item stands alone, and that one is asked again every `RETRY_S`. Its quality says that it is bad, the log says why.
"""

from __future__ import annotations

import asyncio
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic, monotonic_ns
from typing import Any

import numpy as np

from drivers.base import Emit, Plan, PlannedTag, Point, PointSpec, ReadBack
from drivers.base_orders import Order, Ordered
from drivers.base_talk import Malformed, Talk, Unwritable, both, not_an_answer
from drivers.base_told import Told
from gateway.core.errors import AddressError, SourceError
from gateway.core.samples import Alive, Columns
from gateway.core.tags import Cause, Group, Quality

RETRY_S = 10.0  # a refused address is asked again this often: a PLC may be reprogrammed under way
NAN = math.nan


@dataclass(frozen=True, slots=True)
class Item:
    """A tag of the group: its place in the block and where its value lies, `start` up to before `stop` in `area`."""

    position: int
    area: Any
    start: int
    stop: int
    address: Any


@dataclass(slots=True, eq=False)
class Span:
    """A piece of one area that is asked for at once, and what last came of it."""

    items: Sequence[Item]
    area: Any
    start: int
    stop: int
    data: bytes | None = None  # None = nothing yet, or refused
    refused: str = ""  # why, in the words for people
    due_s: float = 0.0  # when one that was set aside is asked again


@dataclass(slots=True, eq=False)
class Question:
    """One request for some spans."""

    spans: Sequence[Span]
    request: bytes
    last: bytes = b""


class Dialect(ABC):
    """What a protocol adds."""

    @abstractmethod
    def pack(self, spans: Sequence[Span]) -> list[Question]:
        """As few requests as can be."""

    @abstractmethod
    def parts(self, question: Question, answer: bytes) -> list[bytes | str]:
        """The data of every span, or the words for a refusal of the device. Raises Malformed."""

    @abstractmethod
    def raw(self, span: Span, item: Item) -> float:
        """The number of an item in the data of its span; NaN where it is none."""

    def unknown(self, address: Any) -> bool:
        """Whether a write must wait for a read that tells what is needed for it."""
        return False

    def order(self, address: Any, raw: float) -> bytes:
        """The request that writes. Raises Unwritable where the value does not fit, or nothing is written."""
        raise Unwritable("this protocol is only read", "该协议只读")

    def obeyed(self, answer: bytes) -> str:
        """Empty where the device accepted the write, else what it says. Raises Malformed."""
        raise Malformed("nobody wrote")


def merged(items: Sequence[Item], most: int, gap: int) -> list[Span]:
    """Items that lie close together become one span of at most `most` units."""
    spans: list[list[Item]] = []
    stop = 0
    for item in sorted(items, key=lambda item: (str(item.area), item.start, item.stop)):
        last = spans[-1] if spans else None
        if (
            last is None
            or last[0].area != item.area
            or item.start > stop + gap
            or max(stop, item.stop) - last[0].start > most
        ):
            spans.append([])
            stop = item.stop
        spans[-1].append(item)
        stop = max(stop, item.stop)
    return [span_of(items) for items in spans]


def span_of(items: Sequence[Item]) -> Span:
    """What covers them."""
    return Span(items, items[0].area, min(item.start for item in items), max(item.stop for item in items))


def grouped(spec: PointSpec, boolean: bool, order: tuple[Any, ...], key: Any) -> Point:
    """All tags of a device form the group "poll", a hidden output the group "write". Raises AddressError for a wrong scaling."""
    if not (math.isfinite(spec.scale) and math.isfinite(spec.offset)) or spec.scale == 0:
        raise AddressError(
            f"{spec.address}: scale must be a number other than 0, offset a number",
            f"{spec.address}：scale 应为非零数值，offset 应为数值",
        )
    if boolean and (spec.scale, spec.offset) not in ((1.0, 0.0), (-1.0, 1.0)):  # 1 - raw turns a closed contact round
        raise AddressError(
            f"{spec.address}: a bool has no scale and offset (-1 and 1 invert it)",
            f"{spec.address}：bool 不能带 scale 和 offset（取反可写 -1 和 1）",
        )
    return Point("write" if spec.hidden and spec.writable else "poll", order, boolean, key)


class Polled(Ordered, ABC):
    """A driver whose device is asked one question at a time."""

    most = 0  # units of one span, set by the driver
    gap = 0  # units nobody asked for, read along to save a piece

    def __init__(self, settings: Any, plan: Plan) -> None:
        super().__init__(plan)
        self.settings = settings
        self.skipped = 0  # ticks of the poll grid that passed while a cycle was still under way

    # -- what a driver says -----------------------------------------------------------------------------------------

    @abstractmethod
    async def connect(self) -> tuple[Talk, Dialect]:
        """A connection that is ready to be asked. Raises SourceError, Malformed; leaves nothing open then."""

    @abstractmethod
    def item(self, position: int, address: Any) -> Item:
        """Where the value of an address lies."""

    # -- the contract -----------------------------------------------------------------------------------------------

    async def run(self, emit: Emit) -> None:
        """Connect, poll and emit until cancelled. Raises SourceError."""
        try:
            talk, dialect = await self.connect()
        except Malformed as error:
            raise SourceError(not_an_answer(error)) from error
        talk.on_loss = self.wanted.set
        self.up = True
        try:
            await _Cycle(self, talk, dialect, emit).run()
        except Malformed as error:
            raise SourceError(not_an_answer(error)) from error
        finally:
            self.abandon()
            talk.close()
            await talk.gone


class _Cycle:
    """One life of a connection."""

    def __init__(self, driver: Polled, talk: Talk, dialect: Dialect, emit: Emit) -> None:
        self._driver, self._talk, self._dialect, self._emit = driver, talk, dialect, emit
        self._group, self._tags = polled(driver.plan)
        size = len(self._tags)
        self._values = np.full(size, NAN)
        self._qualities = np.full(size, Quality.BAD, np.uint8)
        self._causes = np.full(size, Cause.NEVER, np.uint8)
        items = [driver.item(at, tag.point.key) for at, tag in enumerate(self._tags)]
        self._spans = merged(items, driver.most, driver.gap)
        self._questions = dialect.pack(self._spans)
        self._pushed: dict[
            int, float
        ] = {}  # read back while a cycle was under way: nothing read earlier may contradict it
        self._disturbed = False
        self._told = Told(driver.plan.source)

    async def run(self) -> None:
        loop, period_s = asyncio.get_running_loop(), self._driver.settings.period_ms / 1000
        grid_s, tick = loop.time(), 0
        while True:
            if self._tags:
                await self._once()
            passed = int((loop.time() - grid_s) / period_s)
            self._driver.skipped += max(0, passed - tick)
            tick = max(tick, passed) + 1
            await self._idle(grid_s + tick * period_s)

    async def _idle(self, until_s: float) -> None:
        """Obey orders until the next cycle is due."""
        wanted = self._driver.wanted
        while True:
            await self._obey()
            if self._talk.error is not None:
                raise self._talk.error
            try:
                async with asyncio.timeout_at(until_s):
                    await wanted.wait()
            except TimeoutError:
                return

    async def _once(self) -> None:
        """Every question once, then one block."""
        begun_ns, changed = monotonic_ns(), False
        self._pushed.clear()
        for question in self._questions:
            await self._obey()
            answer = await self._talk.ask(question.request)
            if answer != question.last or any(span.refused for span in question.spans):
                parts = self._dialect.parts(question, answer)
                for span, part in zip(question.spans, parts, strict=True):
                    _take(span, part)
                    self._store(span)
                question.last = answer
                changed = True
        uncertainty_ns = (monotonic_ns() - begun_ns) // 2
        if changed or self._pushed or self._disturbed:
            self._disturbed = bool(self._pushed)
            for position, value in self._pushed.items():
                self._put(position, value)
            columns = self._values.copy(), self._qualities.copy(), self._causes.copy()
            self._emit(Columns(self._group.number, *columns, uncertainty_ns=uncertainty_ns))
        elif self._qualities.any():  # nothing confirms what is not GOOD
            columns = self._values.copy(), self._qualities.copy(), self._causes.copy()
            self._emit(Columns(self._group.number, *columns, uncertainty_ns=uncertainty_ns))
        else:
            self._emit(Alive(self._group.number))
        self._isolate()

    def _store(self, span: Span) -> None:
        for item in span.items:
            raw = NAN if span.data is None else self._dialect.raw(span, item)
            tag = self._tags[item.position]
            self._put(item.position, raw * tag.scale + tag.offset)
            if span.data is not None and math.isnan(raw):
                self._causes[item.position] = Cause.DECODE

    def _put(self, position: int, value: float) -> None:
        good = not math.isnan(value)
        self._values[position] = value
        self._qualities[position] = Quality.GOOD if good else Quality.BAD
        self._causes[position] = Cause.NONE if good else Cause.DEVICE

    def _isolate(self) -> None:
        """Halve what was refused; set aside what cannot be halved, and take it back in when it is due."""
        asked = [span for question in self._questions for span in question.spans]
        now, again, moved = monotonic(), [], False
        for span in asked:
            if span.refused and len(span.items) > 1:
                half = len(span.items) // 2
                again += [span_of(span.items[:half]), span_of(span.items[half:])]
                self._spans.remove(span)
                self._spans += again[-2:]
                moved = True
            elif span.refused:
                span.due_s, moved = now + RETRY_S, True
                self._told.refused([self._tags[span.items[0].position].tag.name], span.refused)
        due = [span for span in self._spans if not span.refused or span.due_s <= now]
        if moved or len(due) != len(asked):
            self._questions = self._dialect.pack(due or self._spans[:1])

    async def _obey(self) -> None:
        """Everything that was ordered meanwhile, the urgent first."""
        driver = self._driver
        driver.wanted.clear()
        while (order := driver.next_order()) is not None:
            if not order.done.done():
                try:
                    await self._write(order)
                finally:
                    order.end(ReadBack(False, error=both("no answer from the device", "设备无应答")))

    async def _write(self, order: Order) -> None:
        output, command = order.output, order.command
        address = output.point.key
        if self._dialect.unknown(address):
            _, refused = await self._read(address)
            if refused:
                order.end(ReadBack(False, error=refused))
                return
        try:
            request = self._dialect.order(address, (command.value - output.offset) / output.scale)
        except Unwritable as error:
            order.end(ReadBack(False, error=str(error)))
            return
        refused = self._dialect.obeyed(await self._talk.ask(request))
        if refused or not command.read_back:
            order.end(ReadBack(not refused, error=refused))
            return
        try:
            raw, refused = await self._read(address)
        except (SourceError, Malformed) as lost:
            order.end(ReadBack(True, error=str(lost)))
            raise
        value = raw * output.scale + output.offset
        if output.point.group == "poll" and math.isfinite(value):
            self._pushed[output.tag.number - self._group.first] = value
        order.end(ReadBack(True, value, refused))

    async def _read(self, address: Any) -> tuple[float, str]:
        """The number at an address, or NaN with the words for a refusal."""
        span = span_of([self._driver.item(0, address)])
        question = self._dialect.pack([span])[0]
        (part,) = self._dialect.parts(question, await self._talk.ask(question.request))
        _take(span, part)
        return NAN if span.data is None else self._dialect.raw(span, span.items[0]), span.refused


def _take(span: Span, part: bytes | str) -> None:
    """What came of it."""
    span.data, span.refused = (None, part) if isinstance(part, str) else (part, "")


def polled(plan: Plan) -> tuple[Group, Sequence[PlannedTag]]:
    """The group that is read; an empty one where a source has only a heartbeat to write."""
    for group, tags in zip(plan.groups, plan.tags, strict=True):
        if tags and tags[0].point.group == "poll":
            return group, tags
    return Group(-1, "poll", plan.source, 0, 0, 0), ()
