"""Asking approved devices, one slow read at a time; everything sent and heard goes into a capture, and that capture identifies."""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from drivers.identify.engine import Engine
from drivers.identify.probes import PROTOCOLS, Protocol, Values, encode, learn
from drivers.identify.signatures import table
from drivers.identify.source import PAD, Batch

BETWEEN_READS_S, BETWEEN_PROTOCOLS_S, TIMEOUT_S = 1.0, 2.0, 3.0
AT_ONCE = 5
SLOW_FLOOR_S = 0.05  # below this a doubled latency is the network's noise
_RAW_IP = 101


@dataclass(frozen=True, slots=True)
class Target:
    """An approved device: IPv4 address, protocols to ask in order (none: all) and ports where they are not the usual."""

    name: str
    address: str
    protocols: tuple[str, ...] = ()
    ports: tuple[tuple[str, int], ...] = ()
    community: str = ""

    def asked(self) -> list[tuple[Protocol, int]]:
        """What is asked, with its port. SNMP only where a community was given: none is ever guessed."""
        ports = dict(self.ports)
        chosen = [one for one in PROTOCOLS if not self.protocols or one.id in self.protocols]
        return [(one, ports.get(one.id, one.port)) for one in chosen if one.id != "snmp" or self.community]


@dataclass(slots=True)
class Result:
    """What one device answered; `stopped` says why it was not asked to the end, "" where it was."""

    target: Target
    rows: list[dict[str, Any]] = field(default_factory=list)
    sent: int = 0
    stopped: str = ""


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


class Scan:
    """One run over approved targets. The breaker stops all of it when any device becomes slow."""

    def __init__(self, targets: Sequence[Target], log: Log) -> None:
        self._targets, self._log = targets, log
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._broken = ""

    async def run(self) -> list[Result]:
        """Ask every target; the results in the order of the targets."""
        async with asyncio.TaskGroup() as group:
            asking = [group.create_task(self._device(target)) for target in self._targets]
        return [task.result() for task in asking]

    async def _device(self, target: Target) -> Result:
        async with self._slots:
            return await _Device(target, self._log, self).ask()

    def slow(self, name: str, before_s: float, now_s: float) -> None:
        """A device answers twice as slowly as before: nobody is asked any further."""
        self._broken = self._broken or f"{name}: {before_s * 1000:.0f} ms -> {now_s * 1000:.0f} ms"

    @property
    def broken(self) -> str:
        """Why the run was stopped, "" where it was not."""
        return self._broken


class _Device:
    def __init__(self, target: Target, log: Log, scan: Scan) -> None:
        self._log, self._scan = log, scan
        self._result = Result(target)
        self._first_s: float | None = None
        self._last_sent = -BETWEEN_READS_S

    async def ask(self) -> Result:
        """Ask protocol after protocol until one is confirmed."""
        result = self._result
        for at, (protocol, port) in enumerate(result.target.asked()):
            if at:
                await asyncio.sleep(BETWEEN_PROTOCOLS_S)
            if self._scan.broken:
                result.stopped = self._scan.broken
                break
            wire = _Wire(result.target.address, port, protocol.over, self._log)
            try:
                await self._converse(wire, protocol)
            except (OSError, TimeoutError):
                pass  # not there, or not this protocol: the next one is asked, this one never again
            finally:
                await wire.close()
            result.rows = wire.rows()
            if result.rows:
                break
        return result

    async def _converse(self, wire: _Wire, protocol: Protocol) -> None:
        await wire.open()
        values = Values(number=int.from_bytes(os.urandom(2), "big"), community=self._result.target.community)
        for read in protocol.reads:
            if self._scan.broken:
                return
            await asyncio.sleep(max(0.0, self._last_sent + BETWEEN_READS_S - time.monotonic()))
            self._last_sent = time.monotonic()
            self._result.sent += 1
            answer = await wire.exchange(encode(read, values))
            self._timed(time.monotonic() - self._last_sent)
            learn(read, answer, values)
            values.number += 1

    def _timed(self, took_s: float) -> None:
        if self._first_s is None:
            self._first_s = max(took_s, SLOW_FLOOR_S)
        elif took_s > 2 * self._first_s:
            self._scan.slow(self._result.target.name, self._first_s, took_s)


class _Wire:
    """One conversation: a full TCP connection with a clean close, or datagrams; written to the log as packets."""

    def __init__(self, address: str, port: int, over: str, log: Log) -> None:
        self._address, self._port, self._over, self._log = address, port, over, log
        self._packets: list[bytes] = []
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

    async def exchange(self, request: bytes) -> bytes:
        """Send one read and hear one answer. Raises OSError, TimeoutError."""
        self._note(request, True)
        async with asyncio.timeout(TIMEOUT_S):
            if self._datagrams is not None:
                self._datagrams[0].sendto(request)
                answer = await self._datagrams[1].heard
                self._datagrams[1].again()
            else:
                assert self._writer is not None
                assert self._reader is not None
                self._writer.write(request)
                await self._writer.drain()
                answer = await self._reader.read(65_536)
        if not answer:
            raise ConnectionResetError
        self._note(answer, False)
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
        return [
            row for row in engine.finish().rows() if row["confidence"] == "confirmed"
        ]  # our own request proves nothing

    def _note(self, payload: bytes, outward: bool, flags: int = 0x18) -> None:
        near, far = self._own, (self._address, self._port)
        source, target = (near, far) if outward else (far, near)
        ports = struct.pack(">HH", source[1], target[1])
        if self._over == "udp":
            body = ports + struct.pack(">HH", 8 + len(payload), 0) + payload
        else:
            at = self._sequence[not outward]
            body = ports + struct.pack(">IIBBHHH", at, self._sequence[outward], 0x50, flags, 65535, 0, 0) + payload
            self._sequence[not outward] += len(payload) + (flags == 2)
        ends = b"".join(bytes(map(int, end[0].split("."))) for end in (source, target))
        kind = 17 if self._over == "udp" else 6
        packet = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(body), 0, 0, 64, kind, 0) + ends + body
        self._log.add(packet)
        self._packets.append(packet)


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
