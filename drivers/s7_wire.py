"""S7comm on the wire: TPKT and COTP around it, setup, reading and writing variables.

Checked against the captures of real CPUs (tests/drivers/test_s7.py). An answer must echo the reference of the request.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from drivers.base_polled import Dialect, Item, Question, Span
from drivers.base_talk import Malformed, Talk, both
from drivers.base_words import packed
from gateway.core.errors import SourceError
from gateway.core.tags import Cause

ITEMS_MAX = 20  # variables in one request, of any PDU
_HEAD, _TAIL, _ITEM = 12, 2, 12
_DATA = b"\x02\xf0\x80"
FORMATS = {
    "bool": "?", "int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I", "int64": "q",
    "uint64": "Q", "float32": "f", "float64": "d",
}  # fmt: skip
REFUSALS = {
    0x03: (
        "access not allowed: on an S7-1200/1500 permit PUT/GET (CPU properties, Protection)",
        "不允许访问：S7-1200/1500 请在 CPU 属性“保护”中开放 PUT/GET",
    ),
    0x05: ("the address lies outside", "地址超出范围"),
    0x06: ("the type is not supported", "数据类型不支持"),
    0x07: ("the type does not fit", "数据类型不一致"),
    0x0A: ("no such block, or an optimised one: switch optimised access off", "数据块不存在或为优化块：请关闭优化访问"),
}


def refusal(code: int) -> str:
    """What a return code of a variable means."""
    en, zh = REFUSALS.get(code, ("refused", "拒绝"))
    return both(f"the PLC says: {en} (code {code:#04x})", f"PLC 应答：{zh}（代码 {code:#04x}）")


class S7Talk(Talk):
    """One connection to a CPU."""

    def __init__(self, timeout_ms: int) -> None:
        super().__init__(timeout_ms)
        self._reference = 0
        self._connecting = False

    def wrap(self, request: bytes) -> bytes:
        if self._connecting:
            return request
        self._reference = self._reference % 0xFFFF + 1
        body = _DATA + request[:4] + self._reference.to_bytes(2, "big") + request[6:]
        return struct.pack(">BBH", 3, 0, len(body) + 4) + body

    def size(self, data: bytes | bytearray) -> int:
        if data[:2] != b"\x03\x00"[: len(data)]:
            raise Malformed("no TPKT")
        if len(data) < 4:
            return 0
        size = data[2] << 8 | data[3]
        if size < 7:
            raise Malformed(f"a TPKT of {size} bytes")
        return size

    def unwrap(self, frame: bytes) -> bytes:
        if self._connecting:
            return frame[4:]
        if frame[4:7] != _DATA or len(frame) < 7 + _HEAD:
            raise Malformed("no data of the session")
        protocol, job, zero, reference, parameters, data, error = struct.unpack(">BBHHHHH", frame[7:19])
        if protocol != 0x32 or job != 3 or zero or reference != self._reference:
            raise Malformed("not the answer to this request")
        if 7 + _HEAD + parameters + data != len(frame):
            raise Malformed("lengths that do not add up")
        if error:
            self._refuse(error)
        return frame[19:]

    async def open(self, destination: int) -> bool:
        """COTP connect to a TSAP; whether the CPU takes it. Raises SourceError, Malformed."""
        self._connecting = True
        tsaps = b"\xc1\x02\x01\x00\xc2\x02" + destination.to_bytes(2, "big") + b"\xc0\x01\x0a"
        answer = await self.ask(b"\x03\x00\x00\x16\x11\xe0\x00\x00\x00\x01\x00" + tsaps)
        self._connecting = False
        if len(answer) < 7 or answer[0] != len(answer) - 1 or answer[1] not in (0xD0, 0x80):
            raise Malformed("no answer to a connect")
        return answer[1] == 0xD0 and answer[2:4] == b"\x00\x01"

    async def setup(self, pdu: int) -> int:
        """Agree on the length of a PDU. Raises SourceError, Malformed."""
        answer = await self.ask(_job(b"\xf0\x00\x00\x01\x00\x01" + pdu.to_bytes(2, "big"), b""))
        if len(answer) != 8 or answer[0] != 0xF0:
            raise Malformed("no answer to the setup")
        given = int.from_bytes(answer[6:8], "big")
        if not 64 <= given <= 65535:
            raise Malformed(f"a PDU of {given} bytes")
        return min(given, pdu)

    def _refuse(self, error: int) -> None:
        en, zh = f"the CPU refuses the request (error {error:#06x})", f"CPU 拒绝请求（错误 {error:#06x}）"
        if error >> 8 in (0x81, 0x83, 0x85, 0xD4, 0xD6):
            en += ": on an S7-1200/1500 permit PUT/GET, or read it over OPC UA"
            zh += "：S7-1200/1500 请开放 PUT/GET，或改用 OPC UA"
        self._end(SourceError(both(en, zh), Cause.REFUSED, slow=True))
        raise Malformed(en)


def _job(parameters: bytes, data: bytes) -> bytes:
    """A request, its reference still to come."""
    return struct.pack(">BBHHHH", 0x32, 1, 0, 0, len(parameters), len(data)) + parameters + data


def _variable(area: int, db: int, bits: int, count: int, transport: int = 2) -> bytes:
    """`transport`: 1 = a bit, 2 = bytes; `bits` is where it begins."""
    return struct.pack(">BBBBHHB", 0x12, 0x0A, 0x10, transport, count, db, area) + bits.to_bytes(3, "big")


class S7(Dialect):
    """Variables for a PDU of a given length."""

    def __init__(self, pdu: int) -> None:
        self._pdu = pdu

    def pack(self, spans: Sequence[Span]) -> list[Question]:
        questions: list[list[Span]] = []
        request = answer = self._pdu  # full, so that the first span begins a question
        for span in spans:
            size = 4 + (span.stop - span.start + 1) // 2 * 2
            if request + _ITEM > self._pdu or answer + size > self._pdu or len(questions[-1]) == ITEMS_MAX:
                questions.append([])
                request, answer = 10 + _TAIL, _HEAD + _TAIL
            questions[-1].append(span)
            request, answer = request + _ITEM, answer + size
        return [Question(some, self._read(some)) for some in questions]

    def _read(self, spans: Sequence[Span]) -> bytes:
        wanted = (_variable(span.area[0], span.area[1], 8 * span.start, span.stop - span.start) for span in spans)
        return _job(bytes([4, len(spans)]) + b"".join(wanted), b"")

    def parts(self, question: Question, answer: bytes) -> list[bytes | str]:
        if answer[:2] != bytes([4, len(question.spans)]):
            raise Malformed("an answer for other variables")
        at, found = 2, list[bytes | str]()
        for span in question.spans:
            if len(answer) < at + 4:
                raise Malformed("an answer that ends too early")
            code, transport, length = struct.unpack(">BBH", answer[at : at + 4])
            at += 4
            if code != 0xFF:
                found.append(refusal(code))  # no data follows, whatever length stands there (Snap7 writes 4)
                continue
            size = (length + 7) // 8 if transport in (3, 4, 5) else length
            if size != span.stop - span.start or len(answer) < at + size:
                raise Malformed(f"{size} bytes for a variable of {span.stop - span.start}")
            found.append(answer[at : at + size])
            at += size
            if size % 2 and len(found) < len(question.spans):
                at += 1
        if at not in (len(answer), len(answer) - 1):
            raise Malformed("an answer that is too long")
        return found

    def raw(self, span: Span, item: Item) -> float:
        assert span.data is not None
        address, at = item.address, item.start - span.start
        if address.type == "bool":
            return float(span.data[at] >> address.bit & 1)
        return float(struct.unpack_from(_layout(address), span.data, at)[0])

    def order(self, address: Any, raw: float) -> bytes:
        if address.type == "bool":
            where = _variable(address.area, address.db, address.start * 8 + address.bit, 1, 1)
            return _job(b"\x05\x01" + where, struct.pack(">BBHB", 0, 3, 1, raw != 0))
        value = packed(_layout(address), raw, address.type)
        where = _variable(address.area, address.db, address.start * 8, len(value))
        return _job(b"\x05\x01" + where, struct.pack(">BBH", 0, 4, 8 * len(value)) + value)

    def obeyed(self, answer: bytes) -> str:
        if len(answer) != 3 or answer[:2] != b"\x05\x01":
            raise Malformed("no answer to a write")
        return "" if answer[2] == 0xFF else refusal(answer[2])


def _layout(address: Any) -> str:
    return ">" + FORMATS[address.type]
