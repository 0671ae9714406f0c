"""The poll cycle of one Modbus device: an absolute grid in time, one block a cycle, refused addresses isolated."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from time import monotonic, monotonic_ns

import numpy as np

from drivers.base import Emit, PlannedTag
from drivers.base_talk import both
from drivers.base_told import Told
from drivers.modbus_address import Address
from drivers.modbus_reads import Decoder, Item, Limits, Read, merge, split
from drivers.modbus_wire import Lane, answer, exception_text
from gateway.core.samples import Alive, Columns
from gateway.core.tags import Cause, Group, Quality

RETRY_S = 10.0  # an address the device refuses is asked again this often: a PLC may be reprogrammed under way
SPLITS_MAX = 512  # per connection; beyond it a refused read stays BAD as a whole
_NOT_THERE = (1, 2, 3)  # exceptions that will come again: function, address, quantity
_SPLITTABLE = (2, 3)


class _Asked:
    """One read as the connection carries it."""

    __slots__ = ("function", "poller", "read", "tail", "usual")

    def __init__(self, poller: Poller, read: Read) -> None:
        self.poller = poller
        self.read = read
        self.function = read.function
        self.tail = read.tail
        self.usual: bytes | None = None

    def answered(self, link: Lane, body: bytes) -> None:
        read, poller = self.read, self.poller
        if body != read.body:
            if len(body) != read.size + 1 or body[0] != read.size:
                link.fail(both("the device answered with a wrong length", "设备应答长度错误"))
                return
            read.body = body
            self.usual = None
            poller.changed = True
        elif self.usual is None:
            self.usual = answer(self.tail, body)
        read.refused = 0
        poller.left -= 1
        if not poller.left:
            poller.finish()

    def declined(self, link: Lane, code: int) -> None:
        poller = self.poller
        self.read.refused = code or 4  # 0 is no exception code, and must not read as "none"
        poller.refusals += 1
        poller.left -= 1
        if not poller.left:
            poller.finish()

    def lost(self, message: str) -> None:
        """Nothing to do: the whole source turns BAD."""


class Poller:
    """Reads one group for ever, from `start` to `stop`, and emits one block per cycle."""

    def __init__(self, link: Lane, unit: int, limits: Limits, group: Group, tags: Sequence[PlannedTag]) -> None:
        self._link = link
        self._loop = asyncio.get_running_loop()
        self._unit = unit
        self._group = group.number
        self._alive = Alive(group.number)  # carries nothing that could change, so one will do
        self._first = group.first
        self._names = [tag.tag.name for tag in tags]
        self._told = Told(group.source)
        self._scales = [tag.scale for tag in tags]
        self._offsets = [tag.offset for tag in tags]
        items = [Item(position, _address(tag)) for position, tag in enumerate(tags)]
        self._reads = merge(unit, items, limits)
        self._decoder = Decoder(self._reads, self._scales, self._offsets)
        self._last = np.full(len(tags), np.nan)
        self._asked: list[_Asked] = []
        self._splits = 0
        self._disturbed = False  # the last block had BAD items or borrowed values, so equal bytes confirm nothing
        self._isolated = False  # some read is set aside
        self._overrides: dict[int, float] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._emit: Emit = _nowhere
        self._grid_s = 0.0
        self._period_s = 0.0
        self._tick = 0
        self._begun_ns = 0
        self.changed = False
        self.refusals = 0
        self.left = 0
        self.skipped = 0  # ticks of the grid that passed while a cycle was still under way

    def start(self, emit: Emit, period_ms: int) -> None:
        """Begin the first cycle now; up to 1 ms the cycles follow each other at once (timers of the loop resolve to 1 ms)."""
        self._emit = emit
        self._grid_s = self._loop.time()
        self._period_s = period_ms / 1000 if period_ms > 1 else 0.0
        self._collect()
        self._begin()
        self._link.pump()

    @property
    def requests(self) -> int:
        """Requests of the next cycle."""
        return len(self._asked)

    def stop(self) -> None:
        """No further cycle begins."""
        if self._timer is not None:
            self._timer.cancel()

    def wrote(self, number: int, value: float) -> None:
        """Tag `number` was just read back: a value of this cycle that was read earlier must not contradict it."""
        if self.left:
            self._overrides[number - self._first] = value

    def finish(self) -> None:
        """All reads of the cycle were answered: emit the block and plan the next cycle."""
        if self.changed or self.refusals or self._disturbed or self._overrides:
            self._emit(self._columns())  # before anything is sent: what this block trips goes out first
            self._settle()
            self._next()
        else:
            self._next()
            self._link.pump()  # nothing to trip on: the device works on the next read while we confirm this one
            self._emit(self._alive)

    def _next(self) -> None:
        if self._period_s:
            self._wait()
        else:
            self._begin()

    def _settle(self) -> None:
        """After a block with values: may the next cycle confirm it, if nothing changes?"""
        if self.refusals or self._isolated:
            self._isolate()
        self._disturbed = bool(self.refusals or self._isolated or self._overrides)
        self._overrides = {}
        self.refusals = 0
        self.changed = False

    def _begin(self) -> None:
        self._begun_ns = monotonic_ns()
        self.left = len(self._asked)
        self._link.poll(self._asked)

    def _wait(self) -> None:
        passed = int((self._loop.time() - self._grid_s) / self._period_s)
        tick = max(self._tick, passed) + 1  # a timer may fire a little early: never take the same tick twice
        self.skipped += tick - self._tick - 1
        self._tick = tick
        self._timer = self._loop.call_at(self._grid_s + tick * self._period_s, self._due)

    def _due(self) -> None:
        self._begin()
        self._link.pump()

    def _columns(self) -> Columns:
        values = self._decoder.values()
        qualities = np.zeros(len(values), dtype=np.uint8)
        causes = np.zeros(len(values), dtype=np.uint8)
        for read in self._reads:
            if read.refused or not read.body:
                at = read.positions
                qualities[at], causes[at], values[at] = Quality.BAD, Cause.DEVICE, self._last[at]
        for position, value in self._overrides.items():
            values[position], qualities[position], causes[position] = value, Quality.GOOD, Cause.NONE
        self._last = values.copy()
        return Columns(
            self._group, values, qualities, causes, uncertainty_ns=(monotonic_ns() - self._begun_ns) // 2
        )  # the midpoint of the poll, give or take half of it

    def _isolate(self) -> None:
        """Split what was refused so that the neighbours of a bad address flow; set aside what cannot be split."""
        now, reads = monotonic(), []
        for asked in self._asked:
            read = asked.read
            read.isolated = read.refused in _NOT_THERE
            read.due_s = now + RETRY_S
        for read in self._reads:
            pieces = [read]
            if read.refused in _SPLITTABLE and self._splits < SPLITS_MAX and len(read.items) > 1:
                pieces = split(self._unit, read)
            elif read.refused:
                self._told.refused([self._names[item.position] for item in read.items], exception_text(read.refused))
            self._splits += len(pieces) - 1
            reads += pieces if len(pieces) > 1 else [read]
        if len(reads) != len(self._reads):
            self._reads = reads
            self._decoder = Decoder(reads, self._scales, self._offsets)
        self._collect()

    def _collect(self) -> None:
        """The reads of the next cycle: all that give data, and at most one that was set aside."""
        aside = min((read for read in self._reads if read.isolated), key=lambda read: read.due_s, default=None)
        self._isolated = aside is not None
        asked = [read for read in self._reads if not read.isolated]
        if aside is not None and (not asked or aside.due_s <= monotonic()):
            asked.append(aside)
        known = {id(one.read): one for one in self._asked}
        self._asked = [known.get(id(read)) or _Asked(self, read) for read in asked]


def _address(tag: PlannedTag) -> Address:
    address = tag.point.key
    assert isinstance(address, Address)
    return address


def _nowhere(block: object) -> None:
    """Before `start` there is nothing to emit to."""
