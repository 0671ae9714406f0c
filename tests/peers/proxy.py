"""A TCP proxy in a thread of its own that spoils the connection between a driver and its peer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any


class FaultProxy:
    """Listens on `port` and forwards to `target` until told otherwise. Faults concern what flows from the peer to the driver.

    Calls are thread-safe and take effect at once; they hold for connections to come as well.
    """

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.connections = 0  # open now, on the driver's side
        self.accepted = 0
        self.said: list[bytearray] = []  # by the driver, a connection each
        self._delay_s = 0.0
        self._frozen = False
        self._refusing = False
        self._change: Callable[[bytes], bytes] | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._upstream: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._main, name="fault-proxy", daemon=True)

    def __enter__(self) -> FaultProxy:
        self._thread.start()
        self._call(self._listen())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def normal(self) -> None:
        """Forward faithfully again."""
        self._delay_s, self._frozen, self._refusing, self._change = 0.0, False, False, None

    def delay(self, ms: float) -> None:
        """Answers arrive this much later."""
        self._delay_s = ms / 1000

    def freeze(self) -> None:
        """Half-open: the connection stays, nothing more arrives."""
        self._frozen = True

    def spoil(self, change: Callable[[bytes], bytes]) -> None:
        """What the peer sends is replaced by what `change` makes of it."""
        self._change = change

    def refuse(self) -> None:
        """New connections are closed at once."""
        self._refusing = True

    def drop(self) -> None:
        """Close every connection now."""
        self._call(self._drop())

    def inject(self, data: bytes) -> None:
        """Send `data` to the driver as if the peer had."""
        self._call(self._inject(data))

    def _main(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(5)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        await self._drop()
        while self.connections:  # noqa: ASYNC110 - the handlers end by themselves, there is nothing to wait on
            await asyncio.sleep(0.005)

    async def _drop(self) -> None:
        for writer in [*self._writers, *self._upstream]:
            writer.transport.abort()

    async def _inject(self, data: bytes) -> None:
        for writer in self._writers:
            writer.write(data)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        if self._refusing:
            writer.transport.abort()
            return
        self.connections += 1
        self._writers.add(writer)
        try:
            from_peer, to_peer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
        else:
            self._upstream.add(to_peer)
            self.said.append(bytearray())
            await asyncio.gather(
                self._up(reader, to_peer, self.said[-1]), self._down(from_peer, writer), return_exceptions=True
            )
            self._upstream.discard(to_peer)
            to_peer.transport.abort()
            writer.transport.abort()
        finally:
            self._writers.discard(writer)
            self.connections -= 1

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, said: bytearray) -> None:
        try:
            while data := await reader.read(65536):
                said += data
                writer.write(data)
        except OSError:
            pass
        writer.transport.abort()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                if self._delay_s:
                    await asyncio.sleep(self._delay_s)
                if not self._frozen:
                    writer.write(self._change(data) if self._change is not None else data)
        except OSError:
            pass
        if not self._frozen:
            writer.transport.abort()
