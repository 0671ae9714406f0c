"""A TCP relay between a driver and a foreign server that mistreats what the driver writes: for servers that only obey."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable
from types import TracebackType

# A request of the driver -> what the server gets, what the driver is told at once, and how long the server is kept waiting.
Hook = Callable[[bytes], tuple[bytes, bytes, float]]


def faithful(request: bytes) -> tuple[bytes, bytes, float]:
    """The server gets what was sent."""
    return request, b"", 0.0


class Relay:
    """Listens on `port`. `sent` are the requests in their order: the wire, for tests of what was written."""

    def __init__(self, target: int) -> None:
        self.hook: Hook = faithful
        self.sent: list[bytes] = []
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._drivers: set[socket.socket] = set()
        self._over = False
        self._thread = threading.Thread(target=self._main, name="relay", daemon=True)

    def __enter__(self) -> Relay:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over = True
        self._thread.join()
        for one in (*self._pairs, self._listener):
            one.close()

    @property
    def connections(self) -> int:
        """Of drivers, now."""
        return len(self._drivers)

    def _main(self) -> None:
        while not self._over:
            ready, _, _ = select.select([self._listener, *self._pairs], [], [], 0.02)
            for one in ready:
                if one is self._listener:
                    self._accept()
                elif one in self._pairs:
                    self._pass_on(one)

    def _accept(self) -> None:
        driver, _ = self._listener.accept()
        server = socket.create_connection(("127.0.0.1", self._target))
        for one in (driver, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._pairs[driver], self._pairs[server] = server, driver
        self._drivers.add(driver)

    def _pass_on(self, one: socket.socket) -> None:
        other = self._pairs[one]
        data = b""
        with contextlib.suppress(OSError):
            data = one.recv(65536)
        if not data:
            for end in (one, other):
                del self._pairs[end]
                self._drivers.discard(end)
                end.close()
            return
        with contextlib.suppress(OSError):
            if one in self._drivers:
                self.sent.append(data)
                data, told, delay_s = self.hook(data)
                one.sendall(told)
                time.sleep(delay_s)
            other.sendall(data)
