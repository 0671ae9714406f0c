"""The door of drivers that devices call: a bounded number of connections, frames cut from what comes, silence and rubbish ended.

A caller has `HELLO_S` for its first good frame and `idle_s` for each further one, however slowly its bytes come. Bytes between
frames are skipped, since modems announce themselves in a device's stream; too many of them end the connection. Where
the door is full, the oldest caller that has said nothing good makes room; each device may hold `EACH_MAX` connections.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import cast

from drivers.base_talk import both
from gateway.core.errors import SourceError

HELLO_S = 30.0
EACH_MAX = 2  # the connection in use, and one that a modem left half open
JUNK_MAX = 4096  # bytes that belong to no frame, since the last good one
BAD_COST = 256  # what a frame that is wrong counts as: it costs more than a byte to find out
UNSENT_MAX = 65_536  # bytes that a caller does not fetch


class Door:
    """Who is connected now."""

    def __init__(self, most: int, idle_s: float) -> None:
        self.most = most
        self.idle_s = idle_s
        self.turned_away = 0
        self.callers: list[Caller] = []  # in the order in which they came

    async def serve(self, make: Callable[[], Caller], host: str, port: int) -> None:
        """Listen until cancelled; nothing stays open then. Raises SourceError where the port is not ours."""
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(make, host, port)
        except (OSError, UnicodeError) as error:
            raise SourceError(
                both(
                    f"cannot listen at {host}:{port} ({error}): is another program using the port?",
                    f"无法监听 {host}:{port}（{error}）：端口是否已被其他程序占用？",
                )
            ) from error
        try:
            await loop.create_future()
        finally:
            server.close()
            left = list(self.callers)
            for caller in left:
                caller.end()
            await asyncio.gather(*(caller.gone for caller in left))
            await server.wait_closed()

    def come(self, caller: Caller) -> bool:
        """Whether there is room; somebody unknown may have to go for it."""
        if len(self.callers) >= self.most:
            self.turned_away += 1
            unknown = next((one for one in self.callers if not one.names), None)
            if unknown is None:
                return False
            self.leave(unknown)
            unknown.end()
        self.callers.append(caller)
        return True

    def leave(self, caller: Caller) -> None:
        """It needs no place any more."""
        if caller in self.callers:
            self.callers.remove(caller)

    def known(self, caller: Caller, name: str) -> None:
        """It speaks for the device `name`; the oldest connections of that device end."""
        if name not in caller.names:
            caller.names.add(name)
            same = [one for one in self.callers if name in one.names and one is not caller]
            for old in same[: len(same) + 1 - EACH_MAX]:
                self.leave(old)
                old.end()


class Caller(asyncio.Protocol, ABC):
    """One connection. A subclass says how a frame begins, where it ends and what it means."""

    mark = b""  # what a frame begins with

    def __init__(self, door: Door) -> None:
        self.door = door
        self.names: set[str] = set()  # devices that it has spoken for
        self.over = False
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._held = bytearray()
        self._junk = 0
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    @abstractmethod
    def size(self, held: bytearray) -> int:
        """Length of the frame that begins here, 0 = too early to say, -1 = there is none."""

    @abstractmethod
    def hear(self, frame: bytes) -> str:
        """Take a frame; the name of the device that sent it, "" where it is wrong."""

    def send(self, data: bytes) -> None:
        """Answer."""
        if self._transport is not None and not self.over:
            self._transport.write(data)

    def end(self) -> None:
        """Close it now."""
        self.over = True
        self._held.clear()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=UNSENT_MAX)
        if self.door.come(self):
            self._wait(HELLO_S)
        else:
            self.end()

    def data_received(self, data: bytes) -> None:
        if self.over:
            return
        self._held += data
        while not self.over and self._frame():
            pass
        if self._junk > JUNK_MAX:
            self.end()

    def pause_writing(self) -> None:
        """Our answers are not fetched."""
        self.end()

    def connection_lost(self, exc: Exception | None) -> None:
        self.over = True
        if self._timer is not None:
            self._timer.cancel()
        self.door.leave(self)
        if not self.gone.done():
            self.gone.set_result(None)

    def _frame(self) -> bool:
        """One step through what is held; False = more bytes are needed, or it is over."""
        at = self._held.find(self.mark)
        if at < 0:
            at = max(0, len(self._held) - len(self.mark) + 1)
            self._skip(at, at)
            return False
        self._skip(at, at)
        size = self.size(self._held)
        if size == 0 or len(self._held) < size:
            return False
        name = self.hear(bytes(self._held[:size])) if size > 0 else ""
        if self.over:
            return False
        if not name:
            self._skip(1, BAD_COST)
            return self._junk <= JUNK_MAX
        del self._held[:size]
        self._junk = 0
        self.door.known(self, name)
        self._wait(self.door.idle_s)
        return True

    def _skip(self, count: int, cost: int) -> None:
        del self._held[:count]
        self._junk += cost

    def _wait(self, seconds: float) -> None:
        """From now on it has this long for a good frame."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(seconds, self.end)
