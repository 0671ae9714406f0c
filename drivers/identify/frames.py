"""The language of signatures: fields of a frame in order, each with what must hold; how much they agree is counted in bits.

    u16   transaction                  width and name; u8 u16 u24 u32 u64, `le` behind it for little-endian
    u16   protocol = 0                 a value
    u8    function in 1-6,15,16,0x2b   a set
    u32le nanoseconds <= 999999999     a bound
    u8    version & 0xf0 = 0x10        a value or a set under a mask
    u16   length = rest                as many bytes as follow this field (rest+2, rest-4 …)
    u16   length = total               as many bytes as the whole frame (total-4 …)
    bytes 4 magic = "FINS"             text or hex digits (`= 46494e53`)
    bytes 6 reserved

A field that must be one of k out of 2^n values agrees by n - log2(k) bits when it holds. A length that fits agrees by 12 bits
at most: lengths are not evenly spread. A frame with a length field can be cut out of a stream.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

_LENGTH_BITS = 12
_FIELD = re.compile(r"(?P<type>u8|u16|u24|u32|u64|u16le|u24le|u32le|u64le|bytes +\d+) +(?P<name>\w+)(?P<rule>.*)")
_RULE = re.compile(r"(?:& *(?P<mask>\w+) *)?(?P<how><=|=|in) *(?P<what>.+)")
_MEASURE = re.compile(r"(rest|total) *(?:([+-]) *(\d+))?")


class SignatureError(Exception):
    """A signature that is not written right; the text says where and what would be."""


@dataclass(frozen=True, slots=True)
class Field:
    """One field: where it lies and what it must be (`allowed` None: anything)."""

    name: str
    at: int
    width: int
    order: str
    mask: int
    allowed: frozenset[int] | range | None
    bits: float


@dataclass(frozen=True, slots=True)
class Frame:
    """A compiled frame; `size_field` tells the length of the whole frame: value + `size_plus`."""

    fields: tuple[Field, ...]
    least: int
    size_field: Field | None
    size_plus: int
    size_bits: float
    bits: float
    text: str

    def size_of(self, data: bytes, at: int = 0) -> int:
        """Bytes of the frame that begins at `at`; 0 where too little is there to say, -1 where the length is absurd."""
        field = self.size_field
        if field is None:
            return len(data) - at
        if len(data) - at < field.at + field.width:
            return 0
        size = self.value(field, data, at) + self.size_plus
        return size if size >= max(self.least, 1) else -1

    def value(self, field: Field, data: bytes, at: int = 0) -> int:
        """The value of `field`, before its mask."""
        start = at + field.at
        return int.from_bytes(data[start : start + field.width], "little" if field.order == "little" else "big")

    def holds(self, data: bytes) -> bool:
        """Whether every field of `data` is what it must be; lengths are the caller's, who cuts frames."""
        if len(data) < self.least:
            return False
        for field in self.fields:
            if field.allowed is not None:
                raw = data[field.at : field.at + field.width]
                if (
                    int.from_bytes(raw, "little" if field.order == "little" else "big") & field.mask
                    not in field.allowed
                ):
                    return False
        return True


def compile_frame(text: str) -> Frame:
    """The frame a signature describes. Raises SignatureError with the line."""
    fields: list[Field] = []
    size_field, size_plus, at = None, 0, 0
    lines = [line.partition("#")[0].strip() for line in text.strip().splitlines()]
    measured: list[tuple[Field, str, int]] = []
    for line in filter(None, lines):
        field, measure = _field(line, at)
        fields.append(field)
        at += field.width
        if measure is not None:
            measured.append((field, *measure))
    size_bits = 0.0
    for field, kind, plus in measured[:1]:
        size_field = field
        size_plus = plus + (field.at + field.width if kind == "rest" else 0)
        size_bits = min(_LENGTH_BITS, field.width * 8)
    bits = sum(field.bits for field in fields)
    return Frame(tuple(fields), at, size_field, size_plus, size_bits, bits, "; ".join(filter(None, lines)))


def _field(line: str, at: int) -> tuple[Field, tuple[str, int] | None]:
    shape = _FIELD.fullmatch(line)
    if shape is None:
        raise SignatureError(f"“{line}” is no field; write e.g. “u16 length = rest”")
    kind, name, rule = shape["type"], shape["name"], shape["rule"].strip()
    width = int(kind.split()[1]) if kind.startswith("bytes") else int(kind[1:].rstrip("le")) // 8
    order = "little" if kind.endswith("le") else "big"
    full = (1 << (8 * width)) - 1
    if not rule:
        return Field(name, at, width, order, full, None, 0.0), None
    found = _RULE.fullmatch(rule)
    if found is None:
        raise SignatureError(f"“{rule}” is no rule; write “= 5”, “in 1-4,7”, “& 0xf0 = 0x10” or “= rest”")
    measure = _MEASURE.fullmatch(found["what"])
    if measure is not None:
        plus = int(measure[3] or 0) * (1 if measure[2] == "-" else -1)
        return Field(name, at, width, order, full, None, 0.0), (measure[1], plus)
    mask = int(found["mask"], 0) if found["mask"] else full
    bounded = found["how"] == "<="
    try:
        allowed = range(int(found["what"], 0) + 1) if bounded else _set(found["what"], width, kind.startswith("bytes"))
    except ValueError as wrong:
        raise SignatureError(f"“{rule}”: {wrong}") from wrong
    bits = mask.bit_count() - math.log2(len(allowed))
    return Field(name, at, width, order, mask, allowed, bits), None


def _set(what: str, width: int, text: bool) -> frozenset[int]:
    if text:
        raw = what.strip('"').encode("latin-1") if what.startswith('"') else bytes.fromhex(what)
        if len(raw) != width:
            raise SignatureError(f"{what} has {len(raw)} bytes and the field {width}")
        return frozenset({int.from_bytes(raw, "big")})
    values: set[int] = set()
    for part in what.split(","):
        low, _, high = part.strip().partition("-")
        values |= set(range(int(low, 0), int(high or low, 0) + 1))
    return frozenset(values)
