"""One write and one read-back per id: carries the arbiter's writes and the heartbeats to the drivers, and answers.

A trip discards energising writes of its output that still wait here. Of heartbeats only the newest counts.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.base import Driver, ReadBack, WriteCommand
from gateway.core.effects import Beat, Write
from gateway.core.limits import READ_BACK_NS
from gateway.core.samples import Input, WriteResult
from gateway.core.tags import TagTable
from gateway.runtime.clock import Clock


@dataclass(slots=True)
class _Station:
    """The way to one source. `driver` is None while it is not connected."""

    driver: Driver | None = None
    beat: Beat | None = None
    beating: asyncio.Task[None] | None = None
    writing: dict[int, tuple[asyncio.Task[None], bool]] = field(default_factory=dict)  # output -> (task, urgent)


class Outputs:
    """Runs inside the line's task group: `run` must be entered before the first write."""

    def __init__(self, table: TagTable, clock: Clock, put: Callable[[Input], None], *, monitor: bool = False) -> None:
        self._clock = clock
        self._put = put
        self._source = [tag.source for tag in table.tags]
        self._declared = frozenset(tag.number for tag in table.tags if tag.writable and not monitor)
        self._stations = {source.name: _Station() for source in table.sources}
        self._group: asyncio.TaskGroup | None = None
        self.writes = 0
        self.verified = 0
        self.failed = 0
        self.trip_ns: deque[int] = deque(maxlen=4096)  # decision to verified read-back of the latest urgent writes
        self.beats = 0

    async def run(self) -> None:
        """Carry writes until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            await asyncio.get_running_loop().create_future()

    def connect(self, source: str, driver: Driver | None) -> None:
        """The driver instance now responsible for `source`, None while there is none."""
        station = self._stations[source]
        if station.beating is not None:
            station.beating.cancel()  # one that hangs in a lost driver must not silence the next
        station.driver, station.beat, station.beating = driver, None, None

    def driver(self, source: str) -> Driver | None:
        """The living driver of `source`, None while it is not connected."""
        return self._stations[source].driver

    def write(self, effect: Write) -> None:
        """Start one write; refused by assertion for what is not a declared output."""
        assert effect.output in self._declared, f"tag {effect.output} is not a declared output"
        station = self._stations[self._source[effect.output]]
        waiting = station.writing.get(effect.output)
        if waiting is not None and effect.urgent and not waiting[1]:
            waiting[0].cancel()
        assert self._group is not None
        task = self._group.create_task(self._write(station, effect))
        station.writing[effect.output] = (task, effect.urgent)

    async def _write(self, station: _Station, effect: Write) -> None:
        self.writes += 1
        began_ns = effect.deadline_ns - READ_BACK_NS
        answer = ReadBack(False, error="not connected")
        left_s = (effect.deadline_ns - self._clock.monotonic_ns()) / 1e9
        if station.driver is not None and left_s > 0:
            try:
                async with asyncio.timeout(left_s):
                    answer = await station.driver.write(WriteCommand(effect.output, effect.value, urgent=effect.urgent))
            except TimeoutError:
                return  # the kernel's own deadline has fired; a late answer must not look like one in time
        if answer.ok and answer.value == effect.value:
            self.verified += 1
            if effect.urgent:
                self.trip_ns.append(self._clock.monotonic_ns() - began_ns)
        else:
            self.failed += 1
        value = answer.value if math.isfinite(answer.value) else math.nan
        self._put(WriteResult(effect.id, answer.ok, value, answer.error))

    def beat(self, effect: Beat) -> None:
        """Send the newest counter; one that still waits is replaced, a PLC needs no old ones."""
        station = self._stations[effect.source]
        station.beat = effect
        if station.beating is None or station.beating.done():
            assert self._group is not None
            station.beating = self._group.create_task(self._beat(station))

    async def _beat(self, station: _Station) -> None:
        while station.beat is not None and station.driver is not None:
            beat, station.beat = station.beat, None
            self.beats += 1
            await station.driver.write(WriteCommand(beat.output, float(beat.counter), urgent=True, read_back=False))
