"""OPC UA Binary (Part 6, 5.2) as the drivers read it: built-in values as numbers, everything else passed over. No socket, no clock.

Nothing nests deeper than `NEST_MAX`. Malformed bytes raise `Malformed`, never something else, and never give a value.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from drivers.base_held import Held, Places
from gateway.core.tags import Cause, Quality

NEST_MAX = 16  # variants in variants, diagnostics in diagnostics
EPOCH = 116_444_736_000_000_000  # 100 ns from 1601-01-01 to 1970-01-01
LATEST = (1 << 63) // 100  # 100 ns from 1970 to where ns end, in 2262

# Built-in types of fixed size (Part 6, 5.1.2) that are a number to us: id -> format.
NUMBERS = {1: "?", 2: "b", 3: "B", 4: "h", 5: "H", 6: "i", 7: "I", 8: "q", 9: "Q", 10: "f", 11: "d"}
STATUS_CODE = 19
FIXED = {13: 8, 14: 16, STATUS_CODE: 4}  # DateTime, Guid, StatusCode
STRING_LIKE = (12, 15, 16)  # String, ByteString, XmlElement
VALUE, STATUS, SOURCE, SERVER, SOURCE_PICO, SERVER_PICO = 1, 2, 4, 8, 16, 32  # what a data value holds
OVERFLOW_BITS = 0x480  # a data value's info bits: the server's queue dropped older values (Part 4, 7.39)
_ARRAY, _DIMENSIONS = 0x80, 0x40


class Malformed(Exception):
    """Bytes that are no such answer."""


class Reader:
    """A position in bytes; every step checks that there is enough."""

    __slots__ = ("at", "data")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def skip(self, size: int) -> int:
        """Position before `size` bytes, which are passed over. Raises Malformed."""
        at = self.at
        if size < 0 or at + size > len(self.data):
            raise Malformed(f"ends within {size} bytes at {at}")
        self.at = at + size
        return at

    def finish(self) -> None:
        """Nothing may follow. Raises Malformed."""
        if self.at != len(self.data):
            raise Malformed(f"{len(self.data) - self.at} bytes too many")

    def byte(self) -> int:
        return self.data[self.skip(1)]

    def uint(self) -> int:
        return int.from_bytes(self.data[(at := self.skip(4)) : at + 4], "little")

    def count(self, least: int) -> int:
        """The length of an array whose elements have at least `least` bytes; -1 and 0 are both none."""
        count = int.from_bytes(self.data[(at := self.skip(4)) : at + 4], "little", signed=True)
        if count > (len(self.data) - self.at) // least:
            raise Malformed(f"an array of {count} at {at}")
        return max(0, count)

    def text(self) -> None:
        self.skip(self.count(1))

    def node_id(self) -> int:
        """The number of a node id in namespace 0, -1 for any other; expanded ones too."""
        kind = self.byte()
        number = -1
        shape = kind & 0x3F
        if shape == 0:
            number = self.byte()
        elif shape == 1:
            space = self.byte()
            number = int.from_bytes(self.data[(at := self.skip(2)) : at + 2], "little")
            number = -1 if space else number
        elif shape == 2:
            space = int.from_bytes(self.data[(at := self.skip(2)) : at + 2], "little")
            number = -1 if space else self.uint()
            self.skip(4 if space else 0)
        elif shape in (3, 5):
            self.skip(2)
            self.text()
        elif shape == 4:
            self.skip(18)
        else:
            raise Malformed(f"node id of kind {kind:#x}")
        if kind & 0x80:
            self.text()
        if kind & 0x40:
            self.skip(4)
        return number

    def extension(self) -> tuple[int, int]:
        """Type and end of the body of an extension object; the position is then at the body's begin."""
        kind = self.node_id()
        encoding = self.byte()
        if encoding == 0:
            return kind, self.at
        if encoding > 2:
            raise Malformed(f"extension object encoded as {encoding}")
        size = self.count(1)
        return kind, self.at + size

    def diagnostic(self, depth: int = 0) -> None:
        if depth > NEST_MAX:
            raise Malformed("diagnostics nested too deep")
        mask = self.byte()
        if mask & 0x80:
            raise Malformed(f"diagnostics mask {mask:#x}")
        self.skip(4 * (mask & 0x0F).bit_count())
        if mask & 0x10:
            self.text()
        if mask & 0x20:
            self.skip(4)
        if mask & 0x40:
            self.diagnostic(depth + 1)

    def diagnostics(self) -> None:
        for _ in range(self.count(1)):
            self.diagnostic()

    def header(self, expected: int) -> int:
        """Type and header of a response; returns its service result."""
        kind = self.node_id()
        if kind != expected:
            raise Malformed(f"an answer of type {kind}, not {expected}")
        self.skip(12)
        result = self.uint()
        self.diagnostic()
        for _ in range(self.count(4)):
            self.text()
        _, end = self.extension()
        self.at = end
        return result

    def variant(self, depth: int = 0) -> float:
        """A number, or NaN for anything else, which is passed over."""
        if depth > NEST_MAX:
            raise Malformed("variants nested too deep")
        encoding = self.byte()
        kind = encoding & 0x3F
        if not encoding & _ARRAY:
            if encoding & _DIMENSIONS:
                raise Malformed("dimensions of what is no array")
            if kind in NUMBERS:
                layout = struct.Struct("<" + NUMBERS[kind])
                return float(layout.unpack_from(self.data, self.skip(layout.size))[0])
            if kind:
                self._other(kind, depth)
            return float("nan")
        for _ in range(self.count(1)):
            if kind in NUMBERS:
                self.skip(struct.calcsize("<" + NUMBERS[kind]))
            else:
                self._other(kind, depth)
        if encoding & _DIMENSIONS:
            self.skip(4 * self.count(4))
        return float("nan")

    def _other(self, kind: int, depth: int) -> None:
        """Pass over a value that is no number."""
        if kind in FIXED:
            self.skip(FIXED[kind])
        elif kind in STRING_LIKE:
            self.text()
        elif kind in (17, 18):
            self.node_id()
        elif kind == 20:  # QualifiedName
            self.skip(2)
            self.text()
        elif kind == 21:  # LocalizedText
            mask = self.byte()
            for bit in (1, 2):
                if mask & bit:
                    self.text()
        elif kind == 22:
            _, self.at = self.extension()
        elif kind == 23:
            self.data_value(depth + 1)
        elif kind == 24:
            self.variant(depth + 1)
        elif kind == 25:
            self.diagnostic(depth + 1)
        else:
            raise Malformed(f"a value of type {kind}")

    def data_value(self, depth: int = 0) -> tuple[float, int, int]:
        """Value (NaN = no number), status, UTC ns of the source or else of the server."""
        if depth > NEST_MAX:
            raise Malformed("values nested too deep")
        mask = self.byte()
        if mask & 0xC0:
            raise Malformed(f"data value mask {mask:#x}")
        value = self.variant(depth) if mask & VALUE else float("nan")
        status = self.uint() if mask & STATUS else 0
        stamp = 0
        for bit, pico in ((SOURCE, SOURCE_PICO), (SERVER, SERVER_PICO)):
            if mask & bit:
                ticks = int.from_bytes(self.data[(at := self.skip(8)) : at + 8], "little", signed=True)
                stamp = stamp or utc_ns(ticks)
            if mask & pico:
                self.skip(2)
        return value, status, stamp


def utc_ns(ticks: int) -> int:
    """100 ns since 1601 to ns since 1970; 0 for no time, or one outside 1970 to 2262."""
    return (ticks - EPOCH) * 100 if 0 < ticks - EPOCH < LATEST else 0


# By the bits that tell what a data value holds (0 = a variant without them), its type, and what stands before it: a
# handle or a field's number. At most 64 masks times 11 types times three heads.
_LAYOUTS: dict[tuple[int, int, str], np.dtype[np.void]] = {}
HANDLE, PLACE = "<u4", "<u2"


def layout(mask: int, kind: int, head: str = "") -> np.dtype[np.void]:
    """Data values of one layout as numpy sees them: fields head, mask, kind, value, status, source, server."""
    found = _LAYOUTS.get((mask, kind, head))
    if found is None:
        found = _LAYOUTS[mask, kind, head] = _layout(mask, kind, head)
    return found


def _layout(mask: int, kind: int, head: str) -> np.dtype[np.void]:
    fields = [("head", head)] if head else []
    fields += [("mask", "u1")] if mask else []
    fields += [("kind", "u1"), ("value", "<" + {"?": "u1"}.get(NUMBERS[kind], NUMBERS[kind]))]
    for bit, name, size in (
        (STATUS, "status", "<u4"),
        (SOURCE, "source", "<i8"),
        (SOURCE_PICO, "pico", "<u2"),
        (SERVER, "server", "<i8"),
        (SERVER_PICO, "micro", "<u2"),
    ):
        if mask & bit:
            fields.append((name, size))
    return np.dtype(fields)


def run_of(data: bytes, at: int, left: int, mask: int, kind: int, head: str = "") -> NDArray[np.void]:
    """As many values as follow at `at`, at most `left`, in the layout of the first; empty where it is no plain number."""
    shape = layout(mask, kind, head)
    count = max(0, min(left, (len(data) - at) // shape.itemsize))
    found: NDArray[np.void] = np.frombuffer(data, shape, count, at)
    other = found["kind"] != kind
    if mask:
        other |= found["mask"] != mask
    return found[: int(other.argmax())] if other.any() else found


def numbers_of(found: NDArray[np.void], kind: int) -> NDArray[np.float64]:
    """The values of a run; true is any byte but 0."""
    values = found["value"] != 0 if NUMBERS[kind] == "?" else found["value"]
    return values.astype(np.float64)


def stamps_of(found: NDArray[np.void], mask: int) -> Places | None:
    """UTC ns of a run, 0 where a time makes no sense; None where it has none."""
    name = "source" if mask & SOURCE else "server" if mask & SERVER else ""
    if not name:
        return None
    ticks = found[name] - EPOCH
    return np.where((ticks > 0) & (ticks < LATEST), ticks, 0) * 100


EVERY = slice(None)  # all places of a group, in their order


def store(held: Held, at: Places | slice, raw: NDArray[np.float64], status: NDArray[np.uint32] | None) -> int:
    """Values with what their status codes say of them (None: all good); how many were told to follow a loss."""
    if status is None and not np.count_nonzero(raw != raw):  # a NaN is none; `isnan().any()` takes thrice as long
        held.values[at] = raw if held.plain else raw * held.scale[at] + held.offset[at]
        held.qualities[at] = Quality.GOOD
        held.causes[at] = Cause.NONE
        return 0
    number = ~np.isnan(raw)
    code = np.zeros(len(raw), np.uint32) if status is None else status
    severity = code >> 30
    dropped = (code & OVERFLOW_BITS) == OVERFLOW_BITS
    bad = (severity >= 2) | ~number
    doubtful = (severity == 1) | dropped
    held.values[at] = np.where(bad, np.nan, raw * held.scale[at] + held.offset[at])
    held.qualities[at] = np.where(bad, Quality.BAD, np.where(doubtful, Quality.UNCERTAIN, Quality.GOOD))
    held.causes[at] = np.select(
        [severity >= 2, ~number, dropped, severity == 1],
        [Cause.DEVICE, Cause.DECODE, Cause.OVERFLOW, Cause.DEVICE],
        Cause.NONE,
    )
    return int(np.count_nonzero(dropped))
