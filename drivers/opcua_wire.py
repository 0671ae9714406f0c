"""What an OPC UA server says while it is watched, decoded by ourselves: publish and read responses (Part 6, 5.2).

asyncua decodes value by value and recurses as deep as the bytes ask it to. Here a run of items with one layout, which is
what servers send, goes through numpy; anything else item by item; and nothing nests deeper than `NEST_MAX`.
Malformed bytes raise `Malformed`, never something else, and never give a value.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

NEST_MAX = 16  # variants in variants, diagnostics in diagnostics
EPOCH = 116_444_736_000_000_000  # 100 ns from 1601-01-01 to 1970-01-01
LATEST = (1 << 63) // 100  # 100 ns from 1970 to where ns end, in 2262
PUBLISH_RESPONSE, READ_RESPONSE = 829, 634  # node ids of the binary encodings
DATA_CHANGE, STATUS_CHANGE = 811, 820

# Built-in types of fixed size (Part 6, 5.1.2) that are a number to us: id -> format.
_NUMBERS = {1: "?", 2: "b", 3: "B", 4: "h", 5: "H", 6: "i", 7: "I", 8: "q", 9: "Q", 10: "f", 11: "d"}
_FIXED = {13: 8, 14: 16, 19: 4}  # DateTime, Guid, StatusCode
_STRING_LIKE = (12, 15, 16)  # String, ByteString, XmlElement
_ARRAY, _DIMENSIONS = 0x80, 0x40
_VALUE, _STATUS, _SOURCE, _SERVER, _SOURCE_PICO, _SERVER_PICO = 1, 2, 4, 8, 16, 32


class Malformed(Exception):
    """Bytes that are no such answer."""


@dataclass(slots=True)
class Values:
    """Items in the order they came. `values` is NaN where the item is no number; `stamps` is UTC ns, 0 = none given."""

    handles: NDArray[np.int64]
    values: NDArray[np.float64]
    statuses: NDArray[np.uint32]
    stamps: NDArray[np.int64]

    @staticmethod
    def join(parts: list[Values]) -> Values:
        """All of them, one after the other."""
        if len(parts) == 1:
            return parts[0]
        return Values(
            np.concatenate([part.handles for part in parts]) if parts else np.zeros(0, np.int64),
            np.concatenate([part.values for part in parts]) if parts else np.zeros(0),
            np.concatenate([part.statuses for part in parts]) if parts else np.zeros(0, np.uint32),
            np.concatenate([part.stamps for part in parts]) if parts else np.zeros(0, np.int64),
        )


@dataclass(slots=True)
class Published:
    """One publish response. `ended` is the status with which the server ended the subscription, 0 = it goes on."""

    subscription: int
    sequence: int
    notified: bool
    changes: list[Values] = field(default_factory=list)
    ended: int = 0


class _Reader:
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
            if kind in _NUMBERS:
                layout = struct.Struct("<" + _NUMBERS[kind])
                return float(layout.unpack_from(self.data, self.skip(layout.size))[0])
            if kind:
                self._other(kind, depth)
            return float("nan")
        for _ in range(self.count(1)):
            if kind in _NUMBERS:
                self.skip(struct.calcsize("<" + _NUMBERS[kind]))
            else:
                self._other(kind, depth)
        if encoding & _DIMENSIONS:
            self.skip(4 * self.count(4))
        return float("nan")

    def _other(self, kind: int, depth: int) -> None:
        """Pass over a value that is no number."""
        if kind in _FIXED:
            self.skip(_FIXED[kind])
        elif kind in _STRING_LIKE:
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
        value = self.variant(depth) if mask & _VALUE else float("nan")
        status = self.uint() if mask & _STATUS else 0
        stamp = 0
        for bit, pico in ((_SOURCE, _SOURCE_PICO), (_SERVER, _SERVER_PICO)):
            if mask & bit:
                ticks = int.from_bytes(self.data[(at := self.skip(8)) : at + 8], "little", signed=True)
                stamp = stamp or _utc_ns(ticks)
            if mask & pico:
                self.skip(2)
        return value, status, stamp


def _utc_ns(ticks: int) -> int:
    """100 ns since 1601 to ns since 1970; 0 for no time, or one outside 1970 to 2262."""
    return (ticks - EPOCH) * 100 if 0 < ticks - EPOCH < LATEST else 0


def published(data: bytes) -> tuple[int, Published]:
    """Service result and content of a publish response. Raises Malformed."""
    reader = _Reader(data)
    result = reader.header(PUBLISH_RESPONSE)
    found = Published(reader.uint(), 0, False)
    reader.skip(4 * reader.count(4))
    reader.byte()  # more notifications: the next request is on its way in any case
    found.sequence = reader.uint()
    reader.skip(8)
    count = reader.count(2)
    found.notified = count > 0
    for _ in range(count):
        kind, end = reader.extension()
        if end > len(data):
            raise Malformed(f"a notification that ends at {end} of {len(data)}")
        if kind == DATA_CHANGE:
            found.changes.append(_items(reader))
            reader.diagnostics()
        elif kind == STATUS_CHANGE:
            found.ended = reader.uint()
            reader.diagnostic()
        else:
            reader.at = end
        if reader.at != end:
            raise Malformed(f"a notification ends at {reader.at}, not {end}")
    reader.skip(4 * reader.count(4))
    reader.diagnostics()
    reader.finish()
    return result, found


def read(data: bytes) -> tuple[int, list[tuple[float, int, int]]]:
    """Service result, and value, status and UTC ns of every item of a read response. Raises Malformed."""
    reader = _Reader(data)
    result = reader.header(READ_RESPONSE)
    found = [reader.data_value() for _ in range(reader.count(1))]
    reader.diagnostics()
    reader.finish()
    return result, found


def _items(reader: _Reader) -> Values:
    """Monitored items: runs of equal layout at once, the others one by one."""
    left = reader.count(5)
    parts: list[Values] = []
    while left:
        run = _run(reader, left)
        if run is None:
            handle = reader.uint()
            value, status, stamp = reader.data_value()
            run = Values(np.array([handle]), np.array([value]), np.array([status], np.uint32), np.array([stamp]))
        parts.append(run)
        left -= len(run.handles)
    return Values.join(parts)


def _run(reader: _Reader, left: int) -> Values | None:
    """As many items as have the layout of the first; None where that is no plain number or too few to be worth it."""
    data, at = reader.data, reader.at
    if left < 8 or at + 6 > len(data):
        return None
    mask, kind = data[at + 4], data[at + 5]
    if not mask & _VALUE or mask & 0xC0 or kind not in _NUMBERS:
        return None
    layout = _LAYOUTS.get((mask, kind))
    if layout is None:
        layout = _LAYOUTS[mask, kind] = _layout(mask, kind)
    count = min(left, (len(data) - at) // layout.itemsize)
    if count < 8:
        return None
    found = np.frombuffer(data, layout, count, at)
    other = np.flatnonzero((found["mask"] != mask) | (found["kind"] != kind))
    if len(other):
        count = int(other[0])
        found = found[:count]
    reader.skip(count * layout.itemsize)
    stamp = "source" if mask & _SOURCE else "server" if mask & _SERVER else ""
    ticks = found[stamp] - EPOCH if stamp else np.zeros(count, np.int64)
    values = found["value"] != 0 if _NUMBERS[kind] == "?" else found["value"]  # true is any byte but 0
    return Values(
        found["handle"].astype(np.int64),
        values.astype(np.float64),
        found["status"] if mask & _STATUS else np.zeros(count, np.uint32),
        np.where((ticks > 0) & (ticks < LATEST), ticks, 0) * 100,
    )


_LAYOUTS: dict[tuple[int, int], np.dtype[np.void]] = {}  # at most 64 masks times 11 types


def _layout(mask: int, kind: int) -> np.dtype[np.void]:
    fields: list[tuple[str, str]] = [("handle", "<u4"), ("mask", "u1"), ("kind", "u1")]
    fields.append(("value", "<" + {"?": "u1"}.get(_NUMBERS[kind], _NUMBERS[kind])))
    for bit, name, size in (
        (_STATUS, "status", "<u4"),
        (_SOURCE, "source", "<i8"),
        (_SOURCE_PICO, "pico", "<u2"),
        (_SERVER, "server", "<i8"),
        (_SERVER_PICO, "micro", "<u2"),
    ):
        if mask & bit:
            fields.append((name, size))
    return np.dtype(fields)
