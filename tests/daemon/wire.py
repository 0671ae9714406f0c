"""A cable between the gateway and a peer that can be cut without either end being told."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


class Wire:
    """A TCP proxy. `cut`: nothing passes in either direction, sockets stay open, new ones hang; what waits passes at `heal`.

    `snap`: every connection is closed and new ones are closed at once, until `heal`. Lives on the loop it is started on.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.accepted = 0
        self.open = 0  # connections of the gateway open now
        self.open_max = 0
        self.heard: list[tuple[bytearray, bytearray]] | None = None  # set to []: by connection, to the peer and from it
        self._passing = asyncio.Event()
        self._passing.set()
        self._snapped = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close everything."""
        self._server.close()
        await self.snap()
        self._passing.set()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def cut(self) -> None:
        self._passing.clear()

    async def heal(self) -> None:
        self._snapped = False
        self._passing.set()

    async def snap(self) -> None:
        self._snapped = True
        for writer in self._writers:
            writer.transport.abort()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.accepted += 1
        self.open += 1
        self.open_max = max(self.open_max, self.open)
        self._writers.add(writer)
        try:
            if not self._snapped:
                await self._passing.wait()
                await self._join(reader, writer)
        except OSError:
            pass  # the peer is away: the gateway's connection ends, below
        finally:
            self.open -= 1
            self._writers.discard(writer)
            self._tasks.discard(task)
            writer.transport.abort()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_peer, to_peer = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers.add(to_peer)
        kept = bytearray(), bytearray()
        if self.heard is not None:
            self.heard.append(kept)
        both: list[Coroutine[Any, Any, None]] = [
            self._pump(reader, to_peer, kept[0]),
            self._pump(from_peer, writer, kept[1]),
        ]
        tasks = [asyncio.ensure_future(one) for one in both]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            self._writers.discard(to_peer)
            to_peer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kept: bytearray) -> None:
        while data := await reader.read(65536):
            await self._passing.wait()
            if self.heard is not None:
                kept += data
            writer.write(data)
            await writer.drain()
        await self._passing.wait()  # a close does not pass a cut cable either
