"""What targets of a driver over TCP share: a transport that goes nowhere, and a loop that never turns by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import uvloop

from gateway.core.samples import Alive, Block, Columns
from gateway.core.tags import Quality


class Nowhere(asyncio.Transport):
    """Keeps what was written; `abort` only remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.aborted = False

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Nothing is buffered."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def abort(self) -> None:
        self.aborted = True

    def close(self) -> None:
        self.aborted = True


class Good:
    """Keeps the GOOD values of every block, by position in the group."""

    def __init__(self) -> None:
        self.values: list[tuple[int, float]] = []

    def __call__(self, block: Block) -> None:
        if isinstance(block, Alive):
            return
        if isinstance(block, Columns):
            for at in np.flatnonzero(block.qualities == Quality.GOOD):
                self.values.append((int(at), float(block.values[at])))
            return
        rows: Any = block
        self.values += [
            (tag, value)
            for tag, value, quality in zip(rows.tags, rows.values, rows.qualities, strict=True)
            if quality == Quality.GOOD
        ]


@cache
def _loop() -> asyncio.AbstractEventLoop:
    return uvloop.new_event_loop()


def on_loop(work: Callable[[], None]) -> None:
    """Run `work` where there is a running loop, as callbacks of a protocol are run."""

    async def turn() -> None:
        work()

    _loop().run_until_complete(turn())


def pieces(data: bytes) -> tuple[bytes, bytes]:
    """The input in two, cut at a place that depends on it: a stream keeps no borders."""
    at = sum(data[:8]) % (len(data) + 1)
    return data[:at], data[at:]
