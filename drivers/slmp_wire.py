"""SLMP (MC protocol) 3E frames in binary: reading and writing devices in words and bits.

Specification: Mitsubishi SH-080956 (SLMP), SH-080008 (MC protocol). A 3E frame has no number that comes back, so a connection
that misses an answer is over, and datagrams are not used.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

from drivers.base_polled import Dialect, Item, Question, Span
from drivers.base_talk import Malformed, Talk, both
from drivers.base_words import number, words_of

READ, WRITE = 0x0401, 0x1401
WORDS, BITS = 0x0000, 0x0001
MODEL = struct.pack("<HH", 0x0101, 0)  # asks for the name of the CPU, 16 characters, and its code
_POINTS = ("too many points at once", "一次点数过多")
_NUMBER = ("no such device number", "软元件编号超出范围")
_CODE = (
    "it is set to ASCII: choose binary as the communication data code in the module's parameters",
    "模块设为 ASCII：请在模块参数中将通信数据代码设为二进制",
)
ENDS = {  # SH-080956, and 5.1.4 of the CPU's manual
    0x4030: ("this CPU has no such device", "该 CPU 没有此软元件"),
    0x4031: _NUMBER,
    0xC050: _CODE,
    0xC051: _POINTS,
    0xC052: _POINTS,
    0xC053: _POINTS,
    0xC054: _POINTS,
    0xC056: _NUMBER,
    0xC059: ("the PLC does not know the command", "PLC 不支持该命令"),
    0xC05B: ("no such device", "没有该软元件"),
    0xC05C: ("no such device, or no bits of it", "没有该软元件，或不可按位访问"),
    0x0055: (
        "writing during RUN is not permitted: permit it in the module's parameters",
        "不允许在 RUN 中写入：请在模块参数中允许",
    ),
    0xC05F: ("network, pc, module or station is not that of the CPU", "network、pc、module 或 station 与 CPU 不符"),
    0xC060: ("the value does not suit a bit device", "数值与位软元件不符"),
    0xC061: ("the length of the request is wrong", "请求数据长度错误"),
    0xC06F: _CODE,
    0xC200: ("the remote password is wrong", "远程口令错误"),
    0xC201: ("remote password is set", "设置了远程口令"),
}


def refusal(code: int) -> str:
    """What an end code means."""
    en, zh = ENDS.get(code, ("refused", "拒绝"))
    return both(f"the PLC says: {en} (end code {code:04X})", f"PLC 应答：{zh}（结束码 {code:04X}）")


class SlmpTalk(Talk):
    """One connection; `route` is network, PLC, module and station as every frame carries them."""

    def __init__(self, timeout_ms: int, *, network: int, pc: int, module: int, station: int) -> None:
        super().__init__(timeout_ms)
        self._route = struct.pack("<BBHB", network, pc, module, station)
        self._patience = max(1, min(0xFFFF, timeout_ms // 250))  # how long the PLC may take, in 250 ms

    def wrap(self, request: bytes) -> bytes:
        return b"\x50\x00" + self._route + struct.pack("<HH", len(request) + 2, self._patience) + request

    def size(self, data: bytes | bytearray) -> int:
        if data[:2] != b"\xd0\x00"[: len(data)]:
            raise Malformed("no 3E frame")
        if len(data) < 9:
            return 0
        size = data[7] | data[8] << 8
        if not 2 <= size <= 4096:
            raise Malformed(f"an answer of {size} bytes")
        return 9 + size

    def unwrap(self, frame: bytes) -> bytes:
        if frame[2:7] != self._route:
            raise Malformed("from another station")
        return frame[9:]

    async def model(self) -> str:
        """What the CPU's name begins with, "FX" or another two letters; "" where it does not tell. Raises SourceError, Malformed."""
        answer = await self.ask(MODEL)
        return answer[2:4].decode("latin-1") if answer[:2] == b"\0\0" else ""


class Slmp(Dialect):
    """Devices in words; an area is the device's code and whether it holds bits, of which sixteen lie in a word."""

    def pack(self, spans: Sequence[Span]) -> list[Question]:
        return [
            Question([span], _request(READ, WORDS, span.area, span.start, span.stop - span.start)) for span in spans
        ]

    def parts(self, question: Question, answer: bytes) -> list[bytes | str]:
        (span,) = question.spans
        if end := int.from_bytes(answer[:2], "little"):
            return [refusal(end)]
        if len(answer) != 2 + 2 * (span.stop - span.start):
            raise Malformed(f"{len(answer) - 2} bytes for {span.stop - span.start} words")
        return [answer[2:]]

    def raw(self, span: Span, item: Item) -> float:
        assert span.data is not None
        words = span.data[2 * (item.start - span.start) : 2 * (item.stop - span.start)]
        if item.address.bit >= 0:
            return float(int.from_bytes(words, "little") >> item.address.bit & 1)
        return number(item.address.type, item.address.order, _swapped(words))

    def order(self, address: Any, raw: float) -> bytes:
        code, bits = address.area
        if bits:
            at = 16 * address.start + address.bit
            return _device(WRITE, BITS, code, at, 1) + (b"\x10" if raw else b"\x00")
        words = _swapped(words_of(address.type, address.order, raw))
        return _device(WRITE, WORDS, code, address.start, len(words) // 2) + words

    def obeyed(self, answer: bytes) -> str:
        end = int.from_bytes(answer[:2], "little")
        if not end and len(answer) != 2:
            raise Malformed("no answer to a write")
        return refusal(end) if end else ""


def _request(command: int, kind: int, area: tuple[int, bool], start: int, count: int) -> bytes:
    code, bits = area
    return _device(command, kind, code, 16 * start if bits else start, count)


def _device(command: int, kind: int, code: int, at: int, count: int) -> bytes:
    return struct.pack("<HH", command, kind) + at.to_bytes(3, "little") + struct.pack("<BH", code, count)


def _swapped(words: bytes) -> bytes:
    """The bytes inside each word the other way round: the wire is little-endian, our orders begin with the high byte."""
    swapped = bytearray(words)
    swapped[0::2], swapped[1::2] = words[1::2], words[0::2]
    return bytes(swapped)
