"""Modbus RTU: one line with one owner, shared by the units on it; frames with CRC, silence between them, late answers.

Specification: MODBUS over Serial Line V1.02. A line has one request on its way. It takes turns: what is urgent of any unit
first, then writes, then reads. An answer must come from the unit and function asked, have the length it says and a right CRC,
and nothing may follow it; anything else is passed over until the line has been silent. A read that found no answer is asked
again `RETRIES` times where the unit answered before, a write never. After a missing answer its unit is left in peace for
another time-out: RTU has no transaction number, so an answer that comes late must not meet the next request.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from math import ceil
from time import monotonic
from typing import Protocol

from drivers.base_talk import both
from drivers.modbus_wire import Lane, Request
from gateway.core.errors import SourceError

RETRIES = 2  # noise on a line is no lost device
GAP_LEAST_S = 0.00175  # V1.02, 2.5.1.1: above 19200 baud the silence no longer shrinks
HUSH_S = 0.02  # serial adapters and servers hand on what they received in pieces up to 16 ms apart
FRAME_MAX = 256
READS = (1, 2, 3, 4)


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
        table.append(byte)
    return table


_CRC = _table()


def crc(data: bytes | bytearray) -> bytes:
    """CRC-16/MODBUS in the order of the wire: the low byte first."""
    register = 0xFFFF
    for byte in data:
        register = register >> 8 ^ _CRC[(register ^ byte) & 0xFF]
    return register.to_bytes(2, "little")


def answer_size(data: bytes | bytearray, unit: int, function: int) -> int:
    """Length of the answer that begins with `data`; 0 = too early to say, -1 = it is none to this request."""
    if data[:1] != bytes([unit]):
        return -1 if data else 0
    if len(data) < 2:
        return 0
    if data[1] == function | 0x80:
        return 5
    if data[1] != function:
        return -1
    if function not in READS:
        return 8
    return 0 if len(data) < 3 else 5 + data[2]


class Port(Protocol):
    """What a line sends through: a serial port or a TCP connection."""

    def write(self, data: bytes) -> None:
        """Send, without waiting."""

    def abort(self) -> None:
        """Close now; the line's `connection_lost` follows."""


class Unit(Lane):
    """One unit on a line, as the poller and the writes see it."""

    def __init__(self, line: Line, unit: int, timeout_ms: int) -> None:
        super().__init__(timeout_ms)
        self.line, self.unit, self.timeout_s = line, unit, timeout_ms / 1000
        self.answers = (
            False  # it has answered since it joined; one that never did is not asked again, for the others' sake
        )
        self.tries = 0  # times the read that is asked now was asked before
        self._over = False
        line.units.append(self)

    def pump(self) -> None:
        """The line decides whose turn it is."""
        self.line.pump()

    def close(self) -> None:
        """Leave the line; the last one closes it."""
        self._over = True
        self.line.leave(self)

    def queues(self) -> tuple[deque[Request], deque[Request], deque[Request]]:
        """What waits, the most urgent first."""
        return self._urgent, self._writes, self._reads

    def heard(self) -> None:
        """It answered."""
        self.answers, self.tries = True, 0

    def again(self, request: Request) -> None:
        """Ask this once more before everything else that is read."""
        self._reads.appendleft(request)

    def _sent(self) -> list[Request]:
        return self.line.forget(self)


class _Asked:
    """The request on its way."""

    __slots__ = ("deadline_s", "request", "unit")

    def __init__(self, unit: Unit, request: Request, deadline_s: float) -> None:
        self.unit: Unit | None = unit
        self.request, self.deadline_s = request, deadline_s


class Line(asyncio.Protocol):
    """One serial line, or the TCP connection to one. `character_s`: how long one byte takes on it, 0 = not known."""

    def __init__(self, name: str, character_s: float) -> None:
        self.name = name
        self.units: list[Unit] = []
        self.open = False
        self.opening = asyncio.Lock()
        self._character_s = character_s
        self._gap_s = max(3.5 * character_s, GAP_LEAST_S)
        self._hush_s = max(3.5 * character_s, HUSH_S)
        self._loop = asyncio.get_running_loop()
        self._port: Port
        self._asked: _Asked | None = None
        self._last: Unit | None = None  # who left last waits for the port to be closed
        self._late: dict[int, float] = {}  # unit -> until when an answer of it may still come late
        self._held = bytearray()
        self._noise = False  # what comes is no answer: pass over it until the line is silent
        self._garbled = False  # something came, but no answer
        self._free_s = 0.0  # the silence between frames is over then
        self._timer: asyncio.TimerHandle | None = None

    # -- what the units call ----------------------------------------------------------------------------------------

    def pump(self) -> None:
        """Ask the next, if the line is free."""
        if self._asked is not None or not self.open:
            return
        now = monotonic()
        if now < self._free_s or self._noise:
            self._wake(max(self._free_s, now + 0.001))
            return
        chosen = self._next(now)
        if chosen is None:
            return
        unit, request = chosen
        frame = bytes([unit.unit]) + request.tail[5:]  # the head of a TCP frame gives way to unit and CRC
        frame += crc(frame)
        on_line_s = self._character_s * (len(frame) + FRAME_MAX)
        self._asked = _Asked(unit, request, now + unit.timeout_s + on_line_s)
        self._held.clear()
        self._garbled = False
        self._port.write(frame)
        self._wake(self._asked.deadline_s)

    def leave(self, unit: Unit) -> None:
        """`unit` asks no more. What it asked last still occupies the line until its answer is due."""
        if unit not in self.units:
            return
        self.units.remove(unit)
        if self._asked is not None and self._asked.unit is unit:
            self._asked.unit = None
        if self.units or not self.open:
            self._gone(unit)
            self.pump()
            return
        self._last, self.open = unit, False
        self._closed()
        self._port.abort()

    def forget(self, unit: Unit) -> list[Request]:
        """The request of `unit` that is on its way: nobody waits for its answer any more."""
        asked = self._asked
        if asked is None or asked.unit is not unit:
            return []
        asked.unit = None
        return [asked.request]

    # -- what asyncio or the port calls -----------------------------------------------------------------------------

    def connection_made(self, transport: Port | asyncio.BaseTransport) -> None:
        self._port = transport  # type: ignore[assignment]
        self.open = True
        self._noise = True  # what still comes from before we were here is nobody's
        self._free_s = monotonic() + self._hush_s
        self._wake(self._free_s)

    def data_received(self, data: bytes) -> None:
        asked = self._asked
        if asked is None or self._noise:
            self._pass_over()
            return
        self._held += data
        size = answer_size(self._held, asked.request.tail[4], asked.request.function)
        if size == 0 or (0 < len(self._held) < size <= FRAME_MAX):
            return
        if size != len(self._held) or bytes(self._held[-2:]) != crc(self._held[:-2]):
            self._pass_over()
            return
        frame = bytes(self._held)
        self._done()
        if asked.unit is None:
            pass  # its unit has left meanwhile
        elif frame[1] == asked.request.function:
            asked.unit.heard()
            asked.request.answered(asked.unit, frame[2:-2])
        else:
            asked.unit.heard()
            asked.request.declined(asked.unit, frame[2])
        self.pump()

    def connection_lost(self, exc: Exception | None) -> None:
        self.open = False
        self._closed()
        units, self.units = self.units, []
        for unit in units:
            if exc is not None and not isinstance(exc, OSError):
                unit._end(exc)  # a bug in a callback: not an operating error
            unit.fail(both(f"{self.name}: the line was lost", f"{self.name}：线路中断"))
            self._gone(unit)
        if self._last is not None:
            self._gone(self._last)

    def eof_received(self) -> bool:
        """The serial server closed the connection."""
        return False

    # -- turns ------------------------------------------------------------------------------------------------------

    def _next(self, now: float) -> tuple[Unit, Request] | None:
        """The most urgent request of a unit that may be asked now; units take turns. Wakes up when one may be later."""
        self._late = {unit: until for unit, until in self._late.items() if until > now}
        ready = [unit for unit in self.units if unit.unit not in self._late]
        for level in range(3):
            for unit in ready:
                queue = unit.queues()[level]
                if queue:
                    self.units.remove(unit)
                    self.units.append(unit)
                    return unit, queue.popleft()
        if self._late:
            self._wake(min(self._late.values()))
        return None

    def _wake(self, at_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        wait_s = ceil(max(0.0, at_s - monotonic()) * 1000) / 1000  # uvloop's timers have whole milliseconds
        self._timer = self._loop.call_later(wait_s, self._due)

    def _due(self) -> None:
        """Silence has come, or the time of an answer is over."""
        self._timer = None
        now = monotonic()
        if self._noise and now >= self._free_s:
            self._noise = False
            self._held.clear()
        asked = self._asked
        if asked is not None and now >= asked.deadline_s:
            self._missing(asked, now)
        elif asked is not None:
            self._wake(min(self._free_s, asked.deadline_s) if self._noise else asked.deadline_s)
            return
        self.pump()

    def _pass_over(self) -> None:
        """No answer to us: whatever follows without a pause belongs to it."""
        self._noise = self._garbled = True
        self._free_s = monotonic() + self._hush_s
        self._wake(self._free_s if self._asked is None else min(self._free_s, self._asked.deadline_s))

    def _done(self) -> None:
        """The line is free after the silence between frames."""
        self._asked = None
        self._held.clear()
        self._free_s = monotonic() + self._gap_s

    def _missing(self, asked: _Asked, now: float) -> None:
        """No answer, or none that can be read: once more for a read, else the unit is lost."""
        garbled, unit = self._garbled, asked.unit
        self._done()
        if unit is None:
            return
        self._late[unit.unit] = now + unit.timeout_s
        if asked.request.function in READS and unit.answers and unit.tries < RETRIES:
            unit.tries += 1
            unit.again(asked.request)
            return
        self._asked = asked  # so that the unit finds it among what is lost
        ms = round(unit.timeout_s * 1000)
        if garbled:
            unit.fail(
                both(
                    f"unit {unit.unit} answers unreadably: check baud, parity, termination and polarity of the line",
                    f"从站 {unit.unit} 的应答无法识别：请检查波特率、校验、终端电阻和极性",
                )
            )
        else:
            unit.fail(
                both(f"unit {unit.unit} did not answer within {ms} ms", f"从站 {unit.unit} 在 {ms} ms 内没有应答")
            )
        self._asked = None

    def _closed(self) -> None:
        """Whoever joins from now on opens the line anew."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if LINES.get(self.name) is self:
            del LINES[self.name]

    def _gone(self, unit: Unit) -> None:
        if not unit.gone.done():
            unit.gone.set_result(None)


LINES: dict[str, Line] = {}  # the lines of this process that are open: one owner each, whatever sources use it


async def join(
    name: str, character_s: float, unit: int, timeout_ms: int, connect: Callable[[Line], Awaitable[None]]
) -> Unit:
    """A unit on the line `name`, which is opened by `connect` if it is not. Raises what `connect` raises, SourceError."""
    line = LINES.get(name)
    if line is None:
        line = LINES[name] = Line(name, character_s)
    try:
        async with line.opening:
            if LINES.get(name) is not line:
                raise SourceError(both(f"{name}: the line was lost", f"{name}：线路中断"))
            if not line.open:
                await connect(line)
            if any(one.unit == unit for one in line.units):
                raise SourceError(
                    both(
                        f"{name}: two sources read unit {unit}; put their tags into one source",
                        f"{name}：两个数据源读取同一从站 {unit}；请合并为一个数据源",
                    ),
                    slow=True,
                )
            return Unit(line, unit, timeout_ms)
    finally:
        if not line.open and not line.units and LINES.get(name) is line and not line.opening.locked():
            del LINES[name]
