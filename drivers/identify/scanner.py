"""Asking approved devices, one slow read at a time; everything sent and heard goes into a capture, and that capture identifies."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from drivers.identify.probes import PROTOCOLS, Protocol, Read, Values, answers_to_all, encode, learn, likeness
from drivers.identify.wire import TIMEOUT_S, Log, Wire

BETWEEN_READS_S, BETWEEN_PROTOCOLS_S = 1.0, 2.0
AT_ONCE = 5
SLOW_FLOOR_S = 0.05  # below this a doubled latency is the network's noise
CONNECT = "CONNECT"  # stands for a read where a connection could not be opened


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


@dataclass(frozen=True, slots=True)
class Failure:
    """A read, or CONNECT, that brought nothing. `why`: refused, unreachable, silent, closed; unproven: answered, but by what?"""

    protocol: str
    port: int
    read: str
    why: str


@dataclass(slots=True)
class Result:
    """What one device answered, and what it did not; `stopped` says why it was not asked to the end, "" where it was."""

    target: Target
    rows: list[dict[str, Any]] = field(default_factory=list)
    failed: list[Failure] = field(default_factory=list)
    sent: int = 0
    stopped: str = ""


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

    def slow(self, name: str, what: str, before_s: float, now_s: float) -> None:
        """A device answers `what` twice as slowly as it did the like before: nobody is asked any further."""
        self._broken = self._broken or f"{name}: {what} {before_s * 1000:.0f} ms -> {now_s * 1000:.0f} ms"

    @property
    def broken(self) -> str:
        """Why the run was stopped, "" where it was not."""
        return self._broken


class _Device:
    def __init__(self, target: Target, log: Log, scan: Scan) -> None:
        self._log, self._scan = log, scan
        self._result = Result(target)
        self._known: dict[str, tuple[float, int]] = {}  # seconds and bytes of the first answer to the like
        self._last_sent = -BETWEEN_READS_S

    async def ask(self) -> Result:
        """Ask protocol after protocol until one is confirmed."""
        result = self._result
        for at, (protocol, port) in enumerate(result.target.asked()):
            if at and not self._scan.broken:
                await asyncio.sleep(BETWEEN_PROTOCOLS_S)
            if self._scan.broken:
                break
            wire = Wire(result.target.address, port, protocol, self._log)
            failed = len(result.failed)
            try:
                if await self._opened(wire, protocol, port):
                    await self._converse(wire, protocol, port)
            finally:
                await wire.close()
            result.rows = wire.rows()
            if result.rows:
                return result
            if len(result.failed) == failed and not self._scan.broken:
                result.failed.append(Failure(protocol.id, port, protocol.reads[-1].name, "unproven"))
        result.stopped = self._scan.broken
        return result

    async def _opened(self, wire: Wire, protocol: Protocol, port: int) -> bool:
        began_s = time.monotonic()
        try:
            await wire.open()
        except OSError as error:  # not there: the next protocol is asked, this one never again
            self._failed(protocol, port, CONNECT, error)
            if not isinstance(error, ConnectionRefusedError):
                return False  # nothing was heard of it, so nothing was timed
        if protocol.over == "tcp":
            self._timed(CONNECT, CONNECT, time.monotonic() - began_s, 0)
        return wire.is_open and not self._scan.broken

    async def _converse(self, wire: Wire, protocol: Protocol, port: int) -> None:
        values = Values(number=int.from_bytes(os.urandom(2), "big"), community=self._result.target.community)
        for read in protocol.reads:
            await asyncio.sleep(max(0.0, self._last_sent + BETWEEN_READS_S - time.monotonic()))
            if self._scan.broken:
                return
            try:
                answer = await self._read(wire, protocol, read, values)
            except OSError as error:
                self._failed(protocol, port, read.name, error)
                if read in protocol.spare and isinstance(error, TimeoutError):
                    continue
                return
            learn(read, answer, values)
            values.number += 1

    async def _read(self, wire: Wire, protocol: Protocol, read: Read, values: Values) -> bytes:
        """One read and its answer. Raises OSError."""
        self._last_sent = time.monotonic()
        self._result.sent += 1
        like = likeness(read).name
        try:
            answer = await wire.exchange(
                encode(read, values), partial(answers_to_all, read) if read in protocol.spare else None
            )
        except TimeoutError:
            # a connection loses nothing: a device that answered the like before has become slow; a datagram may be lost
            if like in self._known and protocol.over == "tcp":
                self._timed(like, read.name, TIMEOUT_S, 0)
            raise
        self._timed(like, read.name, time.monotonic() - self._last_sent, len(answer))
        return answer

    def _failed(self, protocol: Protocol, port: int, read: str, error: OSError) -> None:
        why = "unreachable"
        if isinstance(error, TimeoutError):
            why = "silent"
        elif isinstance(error, ConnectionRefusedError):
            why = "refused"
        elif isinstance(error, ConnectionError):
            why = "closed"
        self._result.failed.append(Failure(protocol.id, port, read, why))

    def _timed(self, like: str, what: str, took_s: float, size: int) -> None:
        """Compare with the first answer to the like; one that is longer may take longer in proportion."""
        first_s, first_size = self._known.setdefault(like, (max(took_s, SLOW_FLOOR_S), size))
        allowed_s = first_s * max(1.0, size / max(first_size, 1))
        if took_s > 2 * allowed_s:
            self._scan.slow(self._result.target.name, what, allowed_s, took_s)
