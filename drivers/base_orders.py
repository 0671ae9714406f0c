"""The order of writes: what is urgent goes first, few may wait, and every one is answered even where the connection is lost."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from dataclasses import dataclass, field

from drivers.base import Plan, PlannedTag, ReadBack, WriteCommand
from drivers.base_talk import both

ORDERS_MAX = 64  # the kernel has one write per output outstanding, a device few outputs


@dataclass(slots=True, eq=False)
class Order:
    """A write that waits for its turn; `done` is answered in any case."""

    output: PlannedTag
    command: WriteCommand
    done: asyncio.Future[ReadBack] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def end(self, result: ReadBack) -> None:
        """The first answer counts."""
        if not self.done.done():
            self.done.set_result(result)


class Ordered:
    """A driver whose writes wait until the task that owns the connection takes them: `wanted` wakes it, `up` while it lives."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.wanted = asyncio.Event()
        self.up = False
        self._outputs = {one.tag.number: one for tags in plan.tags for one in tags if one.tag.writable}
        self._orders: tuple[deque[Order], deque[Order]] = (deque(), deque())  # the urgent ones, the others

    async def write(self, command: WriteCommand) -> ReadBack:
        """One ordered write and its read-back; never raises for what the device does."""
        output = self._outputs.get(command.output)
        if output is None:
            return ReadBack(False, error=both("not a declared output", "未声明为输出"))
        if not self.up:
            return ReadBack(False, error=both("the device is not connected", "设备未连接"))
        raw = (command.value - output.offset) / output.scale
        if not math.isfinite(raw):
            return ReadBack(False, error=both(f"{raw} cannot be written", f"{raw} 无法写入"))
        queue = self._orders[0 if command.urgent else 1]
        if len(queue) >= ORDERS_MAX:
            return ReadBack(False, error=both("too many writes wait for this device", "等待写入该设备的命令过多"))
        order = Order(output, command)
        queue.append(order)
        self.wanted.set()
        try:
            return await order.done
        finally:
            if order in queue:
                queue.remove(order)

    def next_order(self) -> Order | None:
        """The order that is obeyed next."""
        for queue in self._orders:
            if queue:
                return queue.popleft()
        return None

    def abandon(self) -> None:
        """The connection is over: whoever waits is told."""
        self.up = False
        while (order := self.next_order()) is not None:
            order.end(ReadBack(False, error=both("the connection was lost", "连接中断")))
