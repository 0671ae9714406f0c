"""A serial line in a thread of its own. Several devices are units 1, 2, ...; each hears what is for its unit.

On RS-485 each would hear all; but libmodbus takes the frame after another unit's request for that unit's answer, whether or not
it is one, and loses step on a line with a silent unit. That is its weakness and not what is tested here.

Pseudo-terminals stand for the wires, so a foreign program can be a device (`devices`) and the driver can open the master's end
as a serial port (`path`) or reach it as through a serial server (`port`). A pty knows no parity and no baud rate.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import threading
import time
import tty
from collections.abc import Callable
from types import TracebackType


class SerialBus:
    """Faults concern what flows from the devices to the master; `sent` is every byte of the master."""

    def __init__(self, devices: int) -> None:
        self.sent = bytearray()
        self.delay_s = 0.0
        self.change: Callable[[bytes], bytes] = bytes
        self._wires = [os.openpty() for _ in range(devices)]
        self._master, self._slave = os.openpty()
        for _, end in (*self._wires, (self._master, self._slave)):
            tty.setraw(end)
        os.set_blocking(self._master, False)  # nobody may be at its other end, and then it fills
        self.devices = [os.ttyname(end) for _, end in self._wires]
        self.path = os.ttyname(self._slave)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._clients: list[socket.socket] = []
        self._stop = os.eventfd(0)
        self._thread = threading.Thread(target=self._main, name="serial-bus", daemon=True)

    def __enter__(self) -> SerialBus:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.eventfd_write(self._stop, 1)
        self._thread.join()
        for end in (*(fd for wire in self._wires for fd in wire), self._slave, self._stop):
            os.close(end)
        self.unplug()
        for client in (*self._clients, self._listener):
            client.close()

    @property
    def connections(self) -> int:
        """Clients of the serial server now."""
        return len(self._clients)

    def unplug(self) -> None:
        """The adapter of the master is pulled."""
        if self._master >= 0:
            master, self._master = self._master, -1
            os.close(master)

    def speak(self, data: bytes) -> None:
        """Bytes on the line that no device of ours sent."""
        os.write(self._master, data)

    def _main(self) -> None:
        while True:
            masters = [self._master] if self._master >= 0 else []
            wires = [wire for wire, _ in self._wires]
            ready, _, _ = select.select([self._stop, self._listener, *self._clients, *masters, *wires], [], [], 0.05)
            if self._stop in ready:
                return
            for one in ready:
                if one is self._listener:
                    self._clients.append(self._listener.accept()[0])
                elif isinstance(one, socket.socket):
                    self._from_client(one)
                elif one in wires:
                    self._to_master(os.read(one, 4096))
                else:
                    with contextlib.suppress(OSError):
                        self._to_devices(os.read(one, 4096))

    def _from_client(self, client: socket.socket) -> None:
        try:
            data = client.recv(4096)
        except OSError:
            data = b""
        if data:
            self._to_devices(data)
        else:
            self._clients.remove(client)
            client.close()

    def _to_devices(self, data: bytes) -> None:
        self.sent += data
        if len(self._wires) == 1:
            os.write(self._wires[0][0], data)
        elif 1 <= data[0] <= len(self._wires):
            os.write(self._wires[data[0] - 1][0], data)

    def _to_master(self, data: bytes) -> None:
        time.sleep(self.delay_s)
        data = self.change(data)
        with contextlib.suppress(OSError):
            os.write(self._master, data)
        for client in self._clients:
            with contextlib.suppress(OSError):
                client.sendall(data)
