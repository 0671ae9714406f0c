"""FINS on the wire: reading and writing memory areas, over TCP with its node handshake and over UDP.

Specification: Omron W227 (FINS commands), W421 (FINS/TCP). An answer must echo the service number and the command.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from drivers.base_polled import Dialect, Item, Question, Span
from drivers.base_talk import Malformed, Talk, both
from drivers.base_words import number, words_of
from gateway.core.errors import SourceError
from gateway.core.tags import Cause

READ, WRITE = b"\x01\x01", b"\x01\x02"
MAGIC = b"FINS"
FATAL = 0x80  # of the second byte of an end code
ENDS = {
    0x01: ("the network or the node is not there", "网络或节点不存在"),
    0x02: ("the node is not there or busy", "节点不存在或忙"),
    0x03: ("the unit reports an error of its own", "单元自身报错"),
    0x04: ("this PLC does not know the command", "该 PLC 不支持此命令"),
    0x05: ("the routing table does not lead there", "路由表未指向该处"),
    0x10: ("the length of the command is wrong", "命令长度错误"),
    0x11: ("no such address", "地址不存在"),
    0x20: ("the PLC cannot do it now", "PLC 当前无法执行"),
    0x21: ("the area cannot be written, or is protected", "该区不可写或受保护"),
    0x22: ("not in this operating mode", "当前运行模式不允许"),
    0x23: ("no such unit", "没有该单元"),
    0x25: ("the unit is faulty", "单元故障"),
    0x26: ("another command is under way, or it is protected", "正在执行其他命令，或受保护"),
    0x30: ("another device holds the right of access", "访问权被其他设备占用"),
}
HANDS = {  # W421, 7-4: error codes of the handshake
    0x20: ("all its FINS/TCP connections are taken", "FINS/TCP 连接已用完"),
    0x21: (
        "our node number is already connected: write another own_node, or wait until the PLC gives up the old connection",
        "本机节点号已被占用：请另写 own_node，或等 PLC 释放旧连接",
    ),
    0x22: (
        "it permits certain IP addresses only: add the gateway's in its FINS/TCP settings",
        "仅允许指定的 IP 地址：请在其 FINS/TCP 设置中加入本网关",
    ),
    0x23: ("own_node is none that it permits", "own_node 超出允许范围"),
    0x24: ("own_node is the PLC's own number: write another", "own_node 与 PLC 节点号相同：请另写"),
    0x25: ("it has no node number left to give: write own_node", "没有可分配的节点号：请写 own_node"),
}
_SETTINGS = (0x22, 0x23, 0x24)  # trying again cures none of these


def refusal(code: int) -> str:
    """What an end code means."""
    en, zh = ENDS.get(code >> 8, ("refused", "拒绝"))
    return both(f"the PLC says: {en} (end code {code:04X})", f"PLC 应答：{zh}（结束码 {code:04X}）")


class FinsTalk(Talk):
    """FINS to one PLC; `stream` = over TCP. Node numbers of 0 are found in the handshake, or in the addresses."""

    def __init__(self, timeout_ms: int, *, stream: bool, network: int, node: int, unit: int, own_node: int) -> None:
        super().__init__(timeout_ms)
        self._stream = stream
        self._target = bytes([network, node, unit])
        self._own = own_node
        self._service = 0
        self._command = b""
        self._shaking = False

    def nodes(self, own: int, server: int) -> None:
        """Fill in what the site left open."""
        self._own = self._own or own
        self._target = bytes([self._target[0], self._target[1] or server, self._target[2]])

    def wrap(self, request: bytes) -> bytes:
        if self._shaking:
            return request
        self._service = (self._service + 1) & 0xFF
        self._command = request[:2]
        frame = b"\x80\x00\x02" + self._target + bytes([0, self._own, 0, self._service]) + request
        return MAGIC + struct.pack(">III", len(frame) + 8, 2, 0) + frame if self._stream else frame

    def size(self, data: bytes | bytearray) -> int:
        if not self._stream:
            return len(data)
        if data[:4] != MAGIC[: len(data)]:
            raise Malformed("no FINS/TCP")
        if len(data) < 8:
            return 0
        size = 8 + int.from_bytes(data[4:8], "big")
        if not 16 <= size <= 4096:
            raise Malformed(f"a frame of {size} bytes")
        return size

    def unwrap(self, frame: bytes) -> bytes:
        if self._stream:
            command, error = struct.unpack_from(">II", frame, 8)
            if self._shaking:
                if command != 1 or len(frame) not in (16, 24):
                    raise Malformed("no answer to the handshake")
                return frame[12:]
            if command != 2 or error:
                raise Malformed(f"FINS/TCP command {command}, error {error}")
            frame = frame[16:]
        if len(frame) < 14 or frame[0] & 0xC0 != 0xC0 or frame[9] != self._service or frame[10:12] != self._command:
            raise Malformed("not the answer to this request")
        if frame[6:9] != self._target or frame[3:6] != bytes([0, self._own, 0]):
            raise Malformed("from another node")
        return frame[12:]

    async def shake(self) -> None:
        """The node handshake of FINS/TCP. Raises SourceError, Malformed."""
        self._shaking = True
        answer = await self.ask(MAGIC + struct.pack(">IIII", 12, 0, 0, self._own))
        self._shaking = False
        (error,) = struct.unpack_from(">I", answer)
        if error or len(answer) < 12:
            en, zh = HANDS.get(error, ("its manual says why", "原因见其手册"))
            raise SourceError(
                both(f"the PLC refuses us (error {error:#x}): {en}", f"PLC 拒绝连接（错误 {error:#x}）：{zh}"),
                Cause.REFUSED,
                slow=error in _SETTINGS,
            )
        own, server = struct.unpack_from(">II", answer, 4)
        self.nodes(own & 0xFF, server & 0xFF)


class Fins(Dialect):
    """Words of memory areas; an area is the code of its words."""

    def pack(self, spans: Sequence[Span]) -> list[Question]:
        return [
            Question([span], READ + struct.pack(">BHBH", span.area, span.start, 0, span.stop - span.start))
            for span in spans
        ]

    def parts(self, question: Question, answer: bytes) -> list[bytes | str]:
        (span,) = question.spans
        if end := _end(answer):
            return [refusal(end)]
        if len(answer) != 2 + 2 * (span.stop - span.start):
            raise Malformed(f"{len(answer) - 2} bytes for {span.stop - span.start} words")
        return [answer[2:]]

    def raw(self, span: Span, item: Item) -> float:
        assert span.data is not None
        words = span.data[2 * (item.start - span.start) : 2 * (item.stop - span.start)]
        if item.address.bit >= 0:
            return float(int.from_bytes(words, "big") >> item.address.bit & 1)
        return number(item.address.type, item.address.order, words)

    def order(self, address: Any, raw: float) -> bytes:
        if address.bit >= 0:
            # The area of bits has the code of the area of words without its highest bit.
            where = struct.pack(">BHBH", address.area & 0x7F, address.start, address.bit, 1)
            return WRITE + where + bytes([raw != 0])
        words = words_of(address.type, address.order, raw)
        return WRITE + struct.pack(">BHBH", address.area, address.start, 0, len(words) // 2) + words

    def obeyed(self, answer: bytes) -> str:
        if len(answer) != 2:
            raise Malformed("no answer to a write")
        end = _end(answer)
        return refusal(end) if end else ""


def _end(answer: bytes) -> int:
    """The end code without the bits that tell of an error of the relay or a small one of the PLC, which still answers.

    Raises SourceError where the PLC has a fatal error: its program stands still, and its memory is no longer true.
    """
    if answer[1] & FATAL:
        raise SourceError(
            both(
                "the PLC has a fatal error and its program stands still: see its error log",
                "PLC 发生致命错误，程序已停止：请查看其错误记录",
            ),
            Cause.DEVICE,
        )
    return (answer[0] & 0x7F) << 8 | answer[1] & 0x3F
