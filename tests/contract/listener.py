"""Runs a driver and keeps the latest of every tag, as the kernel would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import numpy as np

from drivers.base import Driver, Plan
from gateway.core.samples import Alive, Block, Columns
from gateway.core.tags import Cause, Quality
from tests.waiting import until as until  # tests of drivers take it from here


class Listener:
    """The receiver of blocks; checks on arrival what holds for every block of every driver."""

    def __init__(self, plan: Plan) -> None:
        self.groups = {group.number: group for group in plan.groups}
        self.names = {one.tag.number: one.tag.name for tags in plan.tags for one in tags}
        self.latest: dict[str, tuple[float, int, int]] = {}
        self.good: list[tuple[str, float]] = []  # every change of a GOOD value, in order
        self.blocks = 0
        self.alive = 0
        self.error: BaseException | None = None

    def __call__(self, block: Block) -> None:
        self.blocks += 1
        if isinstance(block, Alive):
            assert block.group in self.groups
            self.alive += 1
            return
        if isinstance(block, Columns):
            group = self.groups[block.group]
            assert len(block.values) == len(block.qualities) == len(block.causes) == group.count
            assert block.values.dtype == np.float64
            numbers = range(group.first, group.first + group.count)
            rows = zip(numbers, block.values.tolist(), block.qualities.tolist(), block.causes.tolist(), strict=True)
        else:
            assert block.tags == sorted(set(block.tags))
            rows = zip(block.tags, block.values, block.qualities, block.causes, strict=True)
        for number, value, quality, cause in rows:
            assert (quality == Quality.GOOD) == (cause == Cause.NONE)
            name = self.names[number]
            if quality == Quality.GOOD and self.latest.get(name, (None,))[0] != value:
                self.good.append((name, value))
            self.latest[name] = (value, quality, cause)

    def value(self, name: str) -> float | None:
        """The latest value where it is GOOD."""
        value, quality, _ = self.latest.get(name, (0.0, int(Quality.BAD), 0))
        return value if quality == Quality.GOOD else None

    def holds(self, known: dict[str, float]) -> bool:
        """Whether every one of these is GOOD and equal."""
        return all(self.value(name) == value for name, value in known.items())


@asynccontextmanager
async def listening(driver: Driver, plan: Plan) -> AsyncIterator[tuple[Listener, asyncio.Task[None]]]:
    """The driver running; cancelled at the end, whatever happened. What run() raised is in `listener.error`."""
    listener = Listener(plan)
    task = asyncio.create_task(driver.run(listener))
    try:
        yield listener, task
    finally:
        task.cancel()
        (listener.error,) = await asyncio.gather(task, return_exceptions=True)
