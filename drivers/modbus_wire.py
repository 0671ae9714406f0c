"""What waits for a Modbus device, and the TCP connection to one: framing, matching, order of requests, time-outs.

Specification: MODBUS Messaging on TCP/IP Implementation Guide V1.0b. A connection is a protocol with callbacks. An answer
must echo transaction id, unit and function of a request that is outstanding; anything else ends the connection, because after
one wrong byte nothing on it can be trusted.
"""

from __future__ import annotations

import asyncio
import struct
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable
from time import monotonic
from typing import Protocol, cast

from drivers.base_talk import both
from gateway.core.errors import SourceError

WRITES_MAX = 64  # waiting writes of each urgency; the kernel has one write per output outstanding, a device few outputs
_HEADER = struct.Struct(">HHBB")  # after the transaction id
_LENGTH_MAX = 254  # unit and PDU of 253 bytes

EXCEPTIONS = {
    1: ("function not supported", "不支持的功能码"),
    2: ("no such address", "地址不存在"),
    3: ("value not allowed", "数据值非法"),
    4: ("device failure", "设备故障"),
    5: ("accepted, still working", "已受理，处理中"),
    6: ("device busy", "设备忙"),
    8: ("memory parity error", "存储奇偶校验错误"),
    10: ("gateway path unavailable", "网关路径不可用"),
    11: ("device behind the gateway does not answer", "网关后的设备无应答"),
}


def exception_text(code: int) -> str:
    """What a Modbus exception code means."""
    en, zh = EXCEPTIONS.get(code, ("unknown", "未知"))
    return both(f"the device refuses: {en} (exception {code})", f"设备拒绝：{zh}（异常码 {code}）")


def answer(tail: bytes, body: bytes) -> bytes:
    """What follows the transaction id of an answer with this body to a request with this tail."""
    return _HEADER.pack(0, len(body) + 2, tail[4], tail[5]) + body


class Request(Protocol):
    """Something asked of the device; exactly one of the three methods is called, once."""

    function: int
    tail: bytes
    usual: bytes | None  # the last answer behind its transaction id, where the same is likely to come again

    def answered(self, link: Lane, body: bytes) -> None:
        """`body` is what follows the function code."""

    def declined(self, link: Lane, code: int) -> None:
        """The device answered with this exception code."""

    def lost(self, message: str) -> None:
        """The connection ended first."""


class Lane(ABC):
    """What waits for one device: urgent requests go before writes, writes before reads."""

    def __init__(self, timeout_ms: int) -> None:
        self._timeout_s = timeout_ms / 1000
        self._loop = asyncio.get_running_loop()
        self._over = True  # not connected yet, or no more
        self._urgent: deque[Request] = deque()
        self._writes: deque[Request] = deque()
        self._reads: deque[Request] = deque()
        self.failed: asyncio.Future[None] = self._loop.create_future()  # only ever ends with an exception
        self.gone: asyncio.Future[None] = self._loop.create_future()  # nothing of it is open any more

    def poll(self, reads: Iterable[Request]) -> None:
        """Queue the reads of a cycle behind everything that waits."""
        self._reads.extend(reads)

    def write(self, request: Request, *, urgent: bool) -> bool:
        """Queue a write; False if too many wait already."""
        queue = self._urgent if urgent else self._writes
        if self._over or len(queue) >= WRITES_MAX:
            return False
        queue.append(request)
        self.pump()
        return True

    def read_back(self, request: Request, *, urgent: bool) -> None:
        """Queue the read-back of a write that was just answered before everything of its urgency."""
        (self._urgent if urgent else self._writes).appendleft(request)

    def forget(self, request: Request) -> None:
        """Take back a write that nobody waits for any more, unless it is already on its way."""
        for queue in (self._urgent, self._writes):
            if request in queue:
                queue.remove(request)

    @abstractmethod
    def pump(self) -> None:
        """Send what may be sent now."""

    def fail(self, message: str) -> None:
        """End the connection as an operating error."""
        self._end(SourceError(message))

    @abstractmethod
    def close(self) -> None:
        """End it now, without waiting for anything that is outstanding."""

    def _end(self, error: Exception) -> None:
        if self.failed.done():
            return
        self._over = True
        self.failed.set_exception(error)
        self.failed.exception()  # retrieved: a cancelled run never looks at it
        waiting = [*self._sent(), *self._urgent, *self._writes, *self._reads]
        for queue in (self._urgent, self._writes, self._reads):
            queue.clear()
        for request in waiting:
            request.lost(str(error))
        self.close()

    @abstractmethod
    def _sent(self) -> list[Request]:
        """What is on its way and will not be answered any more; forgets it."""


class Link(Lane, asyncio.Protocol):
    """One TCP connection; at most `depth` requests are outstanding."""

    def __init__(self, unit: int, depth: int, timeout_ms: int) -> None:
        super().__init__(timeout_ms)
        self._unit = unit
        self._depth = depth
        self._transport: asyncio.Transport
        self._timer: asyncio.TimerHandle | None = None
        self._rest = b""
        self._transaction = 0
        self._outstanding: dict[bytes, tuple[Request, float]] = {}  # by transaction id, oldest first
        self._writing: Request | None = None

    def pump(self) -> None:
        """Send what may be sent now, in one piece. Runs once per answer, so it is written out flat."""
        outstanding, reads, depth = self._outstanding, self._reads, self._depth
        if self._over or len(outstanding) >= depth:
            return
        now, data = monotonic(), b""
        while len(outstanding) < depth:
            # One write at a time, so that a device that answers out of order cannot reorder them.
            if (self._urgent or self._writes) and self._writing is None:
                request = self._writing = (self._urgent or self._writes).popleft()
            elif reads:
                request = reads.popleft()
            else:
                break
            self._transaction = number = (self._transaction + 1) & 0xFFFF
            transaction = number.to_bytes(2, "big")
            outstanding[transaction] = (request, now)
            data += transaction + request.tail
        if data:
            self._transport.write(data)
            if self._timer is None:
                self._timer = self._loop.call_later(self._timeout_s, self._watch)

    def close(self) -> None:
        """End the connection now, without waiting for anything that is outstanding."""
        self._transport.abort()

    # -- what asyncio calls -----------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but its base class
        self._transport.set_write_buffer_limits(0)  # uvloop then writes at once instead of at the end of its iteration
        self._over = False

    def data_received(self, data: bytes) -> None:
        sent = self._outstanding.get(data[:2])
        if sent is not None and not self._rest:
            request, _ = sent
            if request.usual is not None and data[2:] == request.usual:  # one whole answer that changes nothing
                del self._outstanding[data[:2]]
                request.answered(self, data[8:])
                self.pump()
                return
        self._take(self._rest + data if self._rest else data)
        self.pump()

    def _take(self, data: bytes) -> None:
        """All whole answers in `data`; what is left waits for the rest of it."""
        outstanding, unit, size, begin = self._outstanding, self._unit, len(data), 0
        self._rest = b""
        while size - begin >= 9:  # the shortest answer, an exception, has nine bytes
            transaction = data[begin : begin + 2]
            protocol, length, from_unit, function = _HEADER.unpack_from(data, begin + 2)
            if protocol or not 3 <= length <= _LENGTH_MAX or from_unit != unit or transaction not in outstanding:
                self._garbage()
                return
            end = begin + 6 + length
            if end > size:
                break
            request, _ = outstanding.pop(transaction)
            if request is self._writing:
                self._writing = None
            if function == request.function:
                request.answered(self, data[begin + 8 : end])
            elif function == request.function | 0x80 and length == 3:
                request.declined(self, data[end - 1])
            else:
                outstanding[transaction] = (request, 0.0)  # it was not answered: let it be lost with the others
                self._garbage()
            if self._over:
                return
            begin = end
        self._rest = data[begin:]

    def eof_received(self) -> bool:
        self.fail(both("the device closed the connection", "设备关闭了连接"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None and not isinstance(exc, OSError):
            self._end(exc)  # a bug in a callback, for example in the receiver of a block: not an operating error
        else:
            self.fail(both("the connection to the device was lost", "与设备的连接中断"))
        if not self.gone.done():
            self.gone.set_result(None)

    # -- ends -------------------------------------------------------------------------------------------------------

    def _watch(self) -> None:
        """One timer a connection: wait for the oldest outstanding request."""
        self._timer = None
        if not self._outstanding or self._over:
            return
        _, sent_s = next(iter(self._outstanding.values()))
        left_s = sent_s + self._timeout_s - monotonic()
        if left_s > 0.0005:
            self._timer = self._loop.call_later(left_s, self._watch)
            return
        ms = round(self._timeout_s * 1000)
        self.fail(both(f"the device did not answer within {ms} ms", f"设备在 {ms} ms 内没有应答"))

    def _garbage(self) -> None:
        self.fail(both("the device sent something that is no answer to us", "设备发来的数据不是对我们请求的应答"))

    def _sent(self) -> list[Request]:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        sent = [request for request, _ in self._outstanding.values()]
        self._outstanding.clear()
        return sent
