"""EtherNet/IP and CIP on the wire: session, unconnected send, multiple service packet, reading and writing tags.

Specification: CIP Networks Library volumes 1 and 2; Logix 5000 Controllers Data Access (1756-PM020). Checked against captures of
real controllers (tests/drivers/test_enip.py). An answer must echo command, session and sender context.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from drivers.base_polled import Dialect, Item, Question, Span
from drivers.base_talk import Malformed, Talk, Unwritable, both
from drivers.base_words import packed
from gateway.core.errors import SourceError
from gateway.core.tags import Cause

REGISTER, SEND = 0x65, 0x6F
READ, WRITE, MULTIPLE, UNCONNECTED = 0x4C, 0x4D, 0x0A, 0x52
EMBEDDED = 0x1E  # status of a multiple service packet of which a part was refused
MESSAGE_MAX = 480  # an unconnected message has 504 bytes, some of them for the route
ANSWER_OF_ONE = 18  # offset, head, type and the longest value
TYPES = {  # code -> layout, name
    0xC1: ("<?", "BOOL"), 0xC2: ("<b", "SINT"), 0xC3: ("<h", "INT"), 0xC4: ("<i", "DINT"), 0xC5: ("<q", "LINT"),
    0xC6: ("<B", "USINT"), 0xC7: ("<H", "UINT"), 0xC8: ("<I", "UDINT"), 0xC9: ("<Q", "ULINT"), 0xCA: ("<f", "REAL"),
    0xCB: ("<d", "LREAL"), 0xD1: ("<B", "BYTE"), 0xD2: ("<H", "WORD"), 0xD3: ("<I", "DWORD"), 0xD4: ("<Q", "LWORD"),
}  # fmt: skip
REFUSALS = {
    0x04: ("no such tag", "没有该标签"),
    0x05: ("no such tag", "没有该标签"),
    0x08: ("the controller does not know this service", "控制器不支持该服务"),
    0x0F: ("no permission: external access of the tag is not read/write", "无权限：标签的外部访问不是读/写"),
    0x10: ("the controller is in a state that forbids it", "控制器当前状态不允许"),
    0xFF: ("the type or the length does not fit the tag", "类型或长度与标签不符"),
}
_HEAD = struct.Struct("<HHII8sI")
_MESSAGE_ROUTER, _CONNECTION_MANAGER = b"\x20\x02\x24\x01", b"\x20\x06\x24\x01"


def refusal(status: int) -> str:
    """What a status of CIP means."""
    en, zh = REFUSALS.get(status, ("refused", "拒绝"))
    return both(f"the controller says: {en} (status {status:#04x})", f"控制器应答：{zh}（状态 {status:#04x}）")


class EnipTalk(Talk):
    """One session. `slot` is where the controller sits in its rack, -1 = what we connect to is the controller."""

    def __init__(self, timeout_ms: int, slot: int) -> None:
        super().__init__(timeout_ms)
        self._slot = slot
        self._session = 0
        self._count = 0
        self._command = REGISTER

    def wrap(self, request: bytes) -> bytes:
        self._count += 1
        if self._command == SEND:
            item = self._routed(request)
            request = struct.pack("<IHHHHHH", 0, 0, 2, 0, 0, 0xB2, len(item)) + item
        return _HEAD.pack(self._command, len(request), self._session, 0, self._context(), 0) + request

    def size(self, data: bytes | bytearray) -> int:
        return 0 if len(data) < 4 else _HEAD.size + (data[2] | data[3] << 8)

    def unwrap(self, frame: bytes) -> bytes:
        command, length, session, status, context, options = _HEAD.unpack_from(frame)
        if command != self._command or context != self._context() or options:
            raise Malformed("not the answer to this request")
        if status:
            raise Malformed(f"encapsulation status {status:#x}")
        body = frame[_HEAD.size :]
        if command == REGISTER:
            if length != 4 or not session:
                raise Malformed("no session")
            self._session, self._command = session, SEND
            return body
        if session != self._session or len(body) < 16:
            raise Malformed("not of this session")
        interface, _, count, address, nothing, kind, size = struct.unpack_from("<IHHHHHH", body)
        if interface or (count, address, nothing, kind) != (2, 0, 0, 0xB2) or size != len(body) - 16:
            raise Malformed("items that do not add up")
        return body[16:]

    async def open(self) -> None:
        """Register a session. Raises SourceError, Malformed."""
        await self.ask(struct.pack("<HH", 1, 0))

    def _context(self) -> bytes:
        return self._count.to_bytes(8, "little")

    def _routed(self, message: bytes) -> bytes:
        if self._slot < 0:
            return message
        pad = b"\0" * (len(message) % 2)
        head = bytes([UNCONNECTED, 2]) + _CONNECTION_MANAGER + b"\x0a\x0e" + len(message).to_bytes(2, "little")
        return head + message + pad + bytes([1, 0, 1, self._slot])


def path_of(parts: Sequence[tuple[str, Sequence[int]]]) -> bytes:
    """The encoded path of names with their indices."""
    path = b""
    for name, indices in parts:
        text = name.encode("ascii")
        path += bytes([0x91, len(text)]) + text + b"\0" * (len(text) % 2)
        for index in indices:
            if index < 256:
                path += bytes([0x28, index])
            elif index < 65536:
                path += b"\x29\0" + index.to_bytes(2, "little")
            else:
                path += b"\x2a\0" + index.to_bytes(4, "little")
    return path


def service(number: int, path: bytes, data: bytes) -> bytes:
    """The request for one service of what lies at `path`."""
    return bytes([number, len(path) // 2]) + path + data


def answered(answer: bytes, number: int) -> tuple[int, bytes]:
    """Status and data of the answer to service `number`. Raises Malformed."""
    if len(answer) < 4 or answer[0] != number | 0x80 or answer[1] or len(answer) < 4 + 2 * answer[3]:
        raise Malformed("not the answer to this service")
    return answer[2], answer[4 + 2 * answer[3] :]


class Cip(Dialect):
    """Tags of a Logix controller."""

    def __init__(self, slot: int) -> None:
        self._slot = slot
        self._types: dict[bytes, int] = {}  # path of a tag -> code of its type, as the controller told it

    def pack(self, spans: Sequence[Span]) -> list[Question]:
        questions: list[tuple[list[Span], list[bytes]]] = []
        request = answer = MESSAGE_MAX
        for span in spans:
            read = service(READ, span.area, b"\x01\x00")
            if request + len(read) + 2 > MESSAGE_MAX or answer + ANSWER_OF_ONE > MESSAGE_MAX:
                questions.append(([], []))
                request = answer = 8
            questions[-1][0].append(span)
            questions[-1][1].append(read)
            request, answer = request + len(read) + 2, answer + ANSWER_OF_ONE
        return [Question(some, _together(services)) for some, services in questions]

    def parts(self, question: Question, answer: bytes) -> list[bytes | str]:
        routed(answer, self._slot)
        if len(question.spans) == 1:
            return [_value(answer)]
        status, data = answered(answer, MULTIPLE)
        if status not in (0, EMBEDDED):
            return [refusal(status)] * len(question.spans)
        count = len(question.spans)
        if len(data) < 2 + 2 * count or int.from_bytes(data[:2], "little") != count:
            raise Malformed("an answer for other tags")
        offsets = [*struct.unpack_from(f"<{count}H", data, 2), len(data)]
        if offsets[0] != 2 + 2 * count or any(b < a + 4 for a, b in pairwise(offsets)):
            raise Malformed("offsets that do not add up")
        return [_value(data[begin:end]) for begin, end in pairwise(offsets)]

    def raw(self, span: Span, item: Item) -> float:
        assert span.data is not None
        code = int.from_bytes(span.data[:2], "little")
        layout = TYPES.get(code & 0xFF, ("", ""))[0] if code < 0x100 else ""
        value, bit = span.data[2:], item.address.bit
        if not layout or len(value) != struct.calcsize(layout) or (bit >= 0 and layout[1] in "?fd"):
            return float("nan")  # a structure, a string, or a bit of what has none
        if bit >= 8 * len(value):
            return float("nan")
        self._types[span.area] = code
        if bit >= 0:
            return float(int.from_bytes(value, "little") >> bit & 1)
        found = float(struct.unpack(layout, value)[0])
        return float(found != 0) if item.address.boolean and found == found else found

    def unknown(self, address: Any) -> bool:
        """Whether a write must wait for a read that tells the tag's type."""
        return address.path not in self._types

    def order(self, address: Any, raw: float) -> bytes:
        code = self._types.get(address.path)
        if code is None:
            raise Unwritable(
                "the tag is of no simple type: a structure or a text", "该标签不是简单类型，而是结构体或字符串"
            )
        layout, name = TYPES[code]
        data = (b"\xff" if raw else b"\x00") if name == "BOOL" else packed(layout, raw, name)
        return service(WRITE, address.path, struct.pack("<HH", code, 1) + data)

    def obeyed(self, answer: bytes) -> str:
        routed(answer, self._slot)
        status, _ = answered(answer, WRITE)
        return refusal(status) if status else ""


def routed(answer: bytes, slot: int) -> None:
    """Raises SourceError where the way to the controller is refused."""
    if answer[:1] == bytes([UNCONNECTED | 0x80]) and slot >= 0:
        raise SourceError(
            both(
                f"no controller answers in slot {slot}: which slot is it in? (slot = -1 for CompactLogix without rack)",
                f"槽 {slot} 中没有控制器应答：请核对槽号（无机架的控制器写 slot = -1）",
            ),
            Cause.REFUSED,
            slow=True,
        )


def _together(services: Sequence[bytes]) -> bytes:
    if len(services) == 1:
        return services[0]
    at, offsets = 2 + 2 * len(services), list[int]()
    for one in services:
        offsets.append(at)
        at += len(one)
    head = struct.pack(f"<H{len(offsets)}H", len(services), *offsets)
    return service(MULTIPLE, _MESSAGE_ROUTER, head + b"".join(services))


def _value(answer: bytes) -> bytes | str:
    """Type and value of one tag, or the words for a refusal. Raises Malformed."""
    status, data = answered(answer, READ)
    if status:
        return refusal(status)
    if len(data) < 3:
        raise Malformed("a tag without value")
    return data
