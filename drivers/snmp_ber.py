"""BER as SNMP uses it: lengths are definite, every value carries its tag. Specification: X.690, RFC 3416."""

from __future__ import annotations

import math
import re
import struct

from drivers.base_talk import Malformed

INTEGER, OCTETS, NULL, OID, SEQUENCE = 0x02, 0x04, 0x05, 0x06, 0x30
COUNTER, GAUGE, TICKS, OPAQUE, COUNTER64 = 0x41, 0x42, 0x43, 0x44, 0x46
MISSING = (0x80, 0x81, 0x82)  # noSuchObject, noSuchInstance, endOfMibView
OPAQUE_FLOATS = {b"\x9f\x78\x04": ">f", b"\x9f\x79\x08": ">d"}
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?\s*", re.ASCII)


def tlv(tag: int, content: bytes) -> bytes:
    """One value with its tag and length."""
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def integer(value: int) -> bytes:
    """INTEGER in as few bytes as can be."""
    bits = (value if value >= 0 else ~value).bit_length()
    return tlv(INTEGER, value.to_bytes(bits // 8 + 1, "big", signed=True))


def oid(text: str) -> bytes:
    """The content of an object identifier such as 1.3.6.1.2.1.1.3.0. Raises ValueError."""
    arcs = [int(part) for part in text.split(".") if part.isascii() and part.isdecimal()]
    if len(arcs) != text.count(".") + 1 or not 2 <= len(arcs) <= 128:
        raise ValueError(text)
    if arcs[0] > 2 or (arcs[0] < 2 and arcs[1] > 39) or max(arcs) >= 1 << 32:
        raise ValueError(text)
    made = bytearray()
    for arc in (40 * arcs[0] + arcs[1], *arcs[2:]):
        sevens = [arc & 0x7F]
        while arc := arc >> 7:
            sevens.append(0x80 | arc & 0x7F)
        made += bytes(reversed(sevens))
    return bytes(made)


def extent(data: bytes | bytearray, at: int = 0) -> tuple[int, int]:
    """Where the content of the value at `at` begins and ends, (0, 0) = too early to say. Raises Malformed."""
    if len(data) < at + 2:
        return 0, 0
    size, begin = data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        if not 1 <= count <= 3:
            raise Malformed(f"a length of {count} bytes")
        if len(data) < begin + count:
            return 0, 0
        size, begin = int.from_bytes(data[begin : begin + count], "big"), begin + count
    return begin, begin + size


class Reader:
    """Goes through the values of one content; `at` and `end` are positions in the whole data."""

    def __init__(self, data: bytes, at: int = 0, end: int | None = None) -> None:
        self.data = data
        self.at = at
        self.end = len(data) if end is None else end

    def next(self, *tags: int) -> tuple[int, int, int]:
        """Tag, begin and end of the next content. Raises Malformed where it is cut off, or none of `tags`."""
        tag = self.data[self.at] if self.at < self.end else -1
        begin, end = extent(self.data, self.at)
        if not begin or end > self.end or (tags and tag not in tags):
            raise Malformed(f"not the value that was expected at {self.at}")
        self.at = end
        return tag, begin, end

    def inner(self, tag: int) -> Reader:
        """Through the next value."""
        _, begin, end = self.next(tag)
        return Reader(self.data, begin, end)

    def octets(self, tag: int = OCTETS) -> bytes:
        """The next content."""
        _, begin, end = self.next(tag)
        return self.data[begin:end]

    def integer(self) -> int:
        """The next INTEGER."""
        content = self.octets(INTEGER)
        if not 1 <= len(content) <= 9:
            raise Malformed(f"an integer of {len(content)} bytes")
        return int.from_bytes(content, "big", signed=True)

    def done(self) -> None:
        """Raises Malformed where something is left."""
        if self.at != self.end:
            raise Malformed("more than was expected")


def number(value: bytes) -> float:
    """The number that a whole value (tag, length, content) stands for; a text that is a number counts; NaN for all else."""
    begin, end = extent(value)
    tag, content = value[0], value[begin:end]
    if tag == INTEGER and 1 <= len(content) <= 8:
        return float(int.from_bytes(content, "big", signed=True))
    if tag in (COUNTER, GAUGE, TICKS, COUNTER64) and 1 <= len(content) <= 9:
        return float(int.from_bytes(content, "big"))
    layout = OPAQUE_FLOATS.get(content[:3]) if tag == OPAQUE else None
    if layout is not None and len(content) == 3 + struct.calcsize(layout):
        found = float(struct.unpack(layout, content[3:])[0])
    elif tag == OCTETS and len(content) <= 32 and _NUMBER.fullmatch(content.decode("latin-1")):
        found = float(content)
    else:
        return math.nan
    return found if math.isfinite(found) else math.nan
