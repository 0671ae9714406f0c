"""A serial port as the transport of a Modbus line: settings through pyserial, bytes through the event loop's own reader."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import termios
from typing import Protocol

import serial

from drivers.base_talk import both
from drivers.modbus_url import Endpoint
from gateway.core.errors import SourceError

PIECE = 4096


class Receiver(Protocol):
    """The line."""

    def connection_made(self, transport: SerialPort) -> None: ...
    def data_received(self, data: bytes) -> None: ...
    def connection_lost(self, exc: Exception | None) -> None: ...


class SerialPort:
    """An open port. One process has it: a second one on the same line would speak into our answers."""

    def __init__(self, where: Endpoint, receiver: Receiver) -> None:
        """Raises SourceError."""
        self._receiver = receiver
        self._loop = asyncio.get_running_loop()
        self._port = _open(where)
        self._loop.add_reader(self._port.fd, self._readable)
        receiver.connection_made(self)

    def write(self, data: bytes) -> None:
        """A frame is far smaller than the port's buffer: what does not fit means that the port is stuck."""
        try:
            if os.write(self._port.fd, data) == len(data):
                return
        except OSError:
            pass
        self._loop.call_soon(self.abort)

    def abort(self) -> None:
        """Close now, and throw away what was not sent: closing would wait for it."""
        if not self._port.is_open:
            return
        self._loop.remove_reader(self._port.fd)
        with contextlib.suppress(termios.error, OSError):
            termios.tcflush(self._port.fd, termios.TCIOFLUSH)
        with contextlib.suppress(termios.error, OSError):
            self._port.close()
        self._loop.call_soon(self._receiver.connection_lost, None)

    def _readable(self) -> None:
        try:
            data = os.read(self._port.fd, PIECE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        whole = False
        try:
            if data:
                self._receiver.data_received(data)
                whole = True
        finally:
            if not whole:
                self.abort()  # the adapter was pulled, or a receiver of values failed


def _open(where: Endpoint) -> serial.Serial:
    path = where.host
    try:
        return serial.Serial(
            path,
            where.baud,
            bytesize=where.bits,
            parity=where.parity,
            stopbits=where.stop,
            timeout=0,
            exclusive=True,
        )
    except termios.error as error:
        raise SourceError(
            both(f"{path} does not do {where.line.partition(' ')[2]}", f"{path} 不支持 {where.line.partition(' ')[2]}"),
            slow=True,
        ) from error
    except (serial.SerialException, OSError, ValueError) as error:
        raise SourceError(*_why(path, getattr(error, "errno", None), error)) from error


def _why(path: str, code: int | None, error: Exception) -> tuple[str]:
    if code == errno.ENOENT:
        return (both(f"{path} is not there: is the adapter plugged in?", f"{path} 不存在：请检查串口适配器是否已插好"),)
    if code == errno.EACCES:
        return (
            both(
                f"{path} may not be opened: put the service into the group dialout",
                f"无权打开 {path}：请把服务加入 dialout 组",
            ),
        )
    if code in (errno.EBUSY, errno.EAGAIN):
        return (both(f"{path} is in use by another program", f"{path} 正被其他程序使用"),)
    return (both(f"{path} cannot be opened ({error})", f"无法打开 {path}（{error}）"),)
