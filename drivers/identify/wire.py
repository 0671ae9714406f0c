"""One conversation with an approved device, and the log that holds every byte of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from drivers.identify.engine import Engine
from drivers.identify.probes import Protocol
from drivers.identify.signatures import table
from drivers.identify.source import PAD, Batch

TIMEOUT_S = 3.0
MOST_ANSWER = 1 << 20  # bytes; the longest of these answers is a list of OPC UA endpoints with their certificates
_PIECE = 32_768
_RAW_IP = 101


class Log:
    """A pcap file (raw IPv4) to which every byte sent and heard is appended before anything else happens with it."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o640)
        os.write(self._file, struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262_144, _RAW_IP))

    def add(self, packet: bytes) -> None:
        """One packet."""
        now = time.time_ns()
        head = struct.pack("<IIII", now // 10**9, now % 10**9 // 1000, len(packet), len(packet))
        os.write(self._file, head + packet)

    def close(self) -> None:
        """Make it durable."""
        os.fsync(self._file)
        os.close(self._file)


class Wire:
    """One conversation: a full TCP connection with a clean close, or datagrams; written to the log as packets."""

    def __init__(self, address: str, port: int, protocol: Protocol, log: Log) -> None:
        self._address, self._port, self._protocol, self._log = address, port, protocol, log
        self._over = protocol.over
        self._packets: list[bytes] = []
        shapes = table().by_port.get((protocol.over, protocol.port), ())
        self._shape = next(one for one in shapes if one.sized) if protocol.over == "tcp" else None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._datagrams: tuple[asyncio.DatagramTransport, _Heard] | None = None
        self._own, self._sequence = ("0.0.0.0", 0), [1, 1]

    async def open(self) -> None:
        """Connect. Raises OSError, TimeoutError."""
        async with asyncio.timeout(TIMEOUT_S):
            if self._over == "tcp":
                self._reader, self._writer = await asyncio.open_connection(self._address, self._port)
                self._own = self._writer.get_extra_info("sockname")[:2]
                self._note(b"", True, flags=2)
            else:
                loop = asyncio.get_running_loop()
                self._datagrams = await loop.create_datagram_endpoint(_Heard, remote_addr=(self._address, self._port))
                self._own = self._datagrams[0].get_extra_info("sockname")[:2]

    @property
    def is_open(self) -> bool:
        """Whether there is somebody to send to."""
        return self._writer is not None or self._datagrams is not None

    async def exchange(self, request: bytes, to_all: Callable[[bytes], bool] | None = None) -> bytes:
        """Send one read and hear one whole answer. Raises OSError, TimeoutError.

        `to_all`: which of the datagrams that the device sends to everybody is an answer too; None = none is.
        """
        self._note(request, True)
        async with asyncio.timeout(TIMEOUT_S):
            if self._datagrams is None:
                return await self._whole(request)
            transport, heard = self._datagrams
            heard.again()  # what came before is no answer to this, and a time-out cancelled the last wait
            with contextlib.nullcontext() if to_all is None else listening((self._address, self._port), to_all, heard):
                transport.sendto(request)
                answer = await heard.heard
            self._note(answer, False)
            return answer

    async def _whole(self, request: bytes) -> bytes:
        """An answer may come in pieces; each is in the log before the next is waited for."""
        assert self._writer is not None
        assert self._reader is not None
        assert self._shape is not None
        self._writer.write(request)
        await self._writer.drain()
        answer, size = b"", 0
        while len(answer) < (size or MOST_ANSWER) <= MOST_ANSWER:
            piece = await self._reader.read(_PIECE)
            if not piece:
                raise ConnectionResetError
            self._note(piece, False)
            answer += piece
            size = self._shape.size_of(answer, 0)
        return answer

    async def close(self) -> None:
        """Close cleanly, whatever happened."""
        if self._datagrams is not None:
            self._datagrams[0].close()
        if self._writer is not None:
            self._writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(TIMEOUT_S):
                    await self._writer.wait_closed()

    def rows(self) -> list[dict[str, Any]]:
        """What the conversation proves, by the same signatures as any capture."""
        if not self._packets:
            return []
        engine = Engine(table(), int.from_bytes(os.urandom(16), "big"))
        size = np.fromiter(map(len, self._packets), np.int64, len(self._packets))
        start = np.concatenate(([0], np.cumsum(size)[:-1])).astype(np.int64)
        data = np.frombuffer(b"".join(self._packets) + bytes(PAD), np.uint8)
        engine.take(Batch(data, start, size, size, np.full(len(size), _RAW_IP)))
        found = engine.finish().rows()
        # our own request proves nothing
        return [row | {"port": self._port} for row in found if row["confidence"] == "confirmed"]

    def _note(self, payload: bytes, outward: bool, flags: int = 0x18) -> None:
        at, heard = self._sequence[not outward], self._sequence[outward]
        self._sequence[not outward] += len(payload) + (flags == 2)
        self._log.add(self._packet(self._port, payload, outward, at, heard, flags))
        # who approved the device said that this port speaks the protocol: it is judged as if it were the usual one
        self._packets.append(self._packet(self._protocol.port, payload, outward, at, heard, flags))

    def _packet(self, port: int, payload: bytes, outward: bool, at: int, heard: int, flags: int) -> bytes:
        near, far = self._own, (self._address, port)
        source, target = (near, far) if outward else (far, near)
        ports = struct.pack(">HH", source[1], target[1])
        if self._over == "udp":
            body = ports + struct.pack(">HH", 8 + len(payload), 0) + payload
        else:
            body = ports + struct.pack(">IIBBHHH", at, heard, 0x50, flags, 65535, 0, 0) + payload
        ends = b"".join(bytes(map(int, end[0].split("."))) for end in (source, target))
        kind = 17 if self._over == "udp" else 6
        return struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, kind, 0) + ends + body


@contextlib.contextmanager
def listening(device: tuple[str, int], wanted: Callable[[bytes], bool], heard: _Heard) -> Iterator[None]:
    """Hear what `device` sends to everybody at its own port. Nothing is sent from there, and of others nothing is taken.

    Where another program of this machine has the port, it keeps it: then only an answer to us is heard.
    """
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.setblocking(False)
        # beside a program that shares the port, as BACnet stacks do
        ear.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)

        def take() -> None:
            with contextlib.suppress(BlockingIOError):
                data, source = ear.recvfrom(_PIECE)
                if source == device and wanted(data):
                    heard.datagram_received(data, source)

        try:
            ear.bind(("", device[1]))
        except OSError:
            yield
            return
        loop.add_reader(ear, take)
        try:
            yield
        finally:
            loop.remove_reader(ear)


class _Heard(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.again()

    def again(self) -> None:
        """Wait for the next datagram."""
        self.heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    def datagram_received(self, data: bytes, _source: object) -> None:
        if not self.heard.done():
            self.heard.set_result(data)

    def error_received(self, error: Exception) -> None:
        if not self.heard.done():
            self.heard.set_exception(error)
