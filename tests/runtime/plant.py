"""What runtime tests stand on: a clock to move by hand, a recorder and sinks that remember, a driver that does as told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from drivers.base import Emit, ReadBack, WriteCommand
from gateway.core.effects import Act, Answer, Beat, Effect, Ended, Journal, View, Write
from gateway.core.samples import Alive, Block, Columns, Few, Input, Stamp

SECOND = 1_000_000_000
UTC0 = 1_795_000_000 * SECOND


class HandClock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now_ns = SECOND

    def monotonic_ns(self) -> int:
        return self.now_ns

    def utc_ns(self) -> int:
        return UTC0 + self.now_ns


class Memory:
    """Recorder and trend in one: everything in the order it came; `log` is shared with the sinks."""

    def __init__(self, log: list[Any] | None = None) -> None:
        self.log = log if log is not None else []
        self.inputs: list[tuple[Stamp, Input]] = []
        self.withheld: list[Stamp] = []
        self.snapshots: list[int] = []
        self.lost_groups: list[int] = []
        self.trend: list[Block] = []

    def append(self, stamp: Stamp, item: Input) -> None:
        self.inputs.append((stamp, item))

    def withhold(self, stamp: Stamp) -> None:
        self.withheld.append(stamp)

    def snapshot(self, seq: int, admit_ns: int, utc_ns: int, data: bytes) -> None:
        assert data
        self.snapshots.append(admit_ns)
        self.log.append("snapshot")

    def lost(self, stamp: Stamp, group: int) -> None:
        self.lost_groups.append(group)


class Rings(Memory):
    """The trend's `append` has another shape than the recorder's."""

    def append(self, stamp: Stamp, item: Input) -> None:
        assert isinstance(item, Few | Columns | Alive)
        self.trend.append(item)


class Heard:
    """Sinks that keep every effect."""

    def __init__(self, log: list[Any] | None = None) -> None:
        self.log: list[Any] = log if log is not None else []

    def _keep(self, effect: Effect) -> None:
        self.log.append(effect)

    def write(self, effect: Write) -> None:
        self._keep(effect)

    def beat(self, effect: Beat) -> None:
        self._keep(effect)

    def journal(self, effect: Journal) -> None:
        self._keep(effect)

    def act(self, effect: Act) -> None:
        self._keep(effect)

    def answer(self, effect: Answer) -> None:
        self._keep(effect)

    def view(self, effect: View) -> None:
        self._keep(effect)

    def ended(self, effect: Ended) -> None:
        self._keep(effect)


class Puppet:
    """A driver whose life and writes are the functions given."""

    alive = 0
    most_alive = 0

    def __init__(
        self,
        life: Callable[[Emit], Awaitable[None]],
        answer: Callable[[WriteCommand], Awaitable[ReadBack]] | None = None,
    ) -> None:
        self._life, self._answer = life, answer
        self.written: list[WriteCommand] = []

    async def run(self, emit: Emit) -> None:
        Puppet.alive += 1
        Puppet.most_alive = max(Puppet.most_alive, Puppet.alive)
        try:
            await self._life(emit)
            await asyncio.sleep(0)
        finally:
            Puppet.alive -= 1

    async def write(self, command: WriteCommand) -> ReadBack:
        self.written.append(command)
        return await self._answer(command) if self._answer else ReadBack(True, command.value)


def few(group: int = 0, *values: float) -> Few:
    """Good values for the first tags of group 0."""
    numbers = list(range(len(values)))
    return Few(group, numbers, list(values), [0] * len(values), [0] * len(values))
