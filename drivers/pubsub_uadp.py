"""UADP, the binary encoding of OPC UA PubSub (Part 14, 7.2.4), decoded by ourselves. No socket, no clock.

A data set of one layout, which is what publishers send, goes through numpy; a mixed one through a `struct` made from the
types it had last time, and checked; anything else value by value. Malformed bytes raise `Malformed` and never give a value.
"""

from __future__ import annotations

import math
import struct
from array import array
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from drivers.base_ua import (
    FIXED,
    NUMBERS,
    PLACE,
    STATUS,
    STATUS_CODE,
    VALUE,
    Malformed,
    Reader,
    numbers_of,
    run_of,
    stamps_of,
    utc_ns,
)
from drivers.pubsub_message import DELTA, KEEP_ALIVE, DataSet, Fields, Message, WriterKey
from drivers.pubsub_security import Opener

RUN_MIN = 8  # below this numpy costs more than it gives
VARIANT, RAW, DATA_VALUE = 0, 1, 2  # field encodings
_U2, _U4, _U8 = struct.Struct("<H"), struct.Struct("<I"), struct.Struct("<Q")
_PUBLISHER = {0: struct.Struct("<B"), 1: _U2, 2: _U4, 3: _U8}


@dataclass(slots=True)
class Layout:
    """What is known of a writer's data set: built-in types where metadata is configured, and the types it sent last."""

    raw: tuple[int, ...] = ()
    mixed: struct.Struct | None = None
    kinds: tuple[int, ...] = ()


Layouts = Mapping[WriterKey, Layout]


@dataclass(slots=True)
class _Head:
    """The headers before the payload; `end` is where the payload ends."""

    publisher: str = ""
    group: str = "*"
    sequence: int = -1
    writers: tuple[int, ...] = ()
    stamp: int = 0
    at: int = 0
    end: int = 0


def network(data: bytes, layouts: Layouts, opener: Opener | None = None) -> Message:
    """A network message, and in it the data sets that `layouts` names. Raises Malformed, and Refused from `opener`."""
    try:
        return _network(data, layouts, opener)
    except (struct.error, IndexError, UnicodeDecodeError) as error:
        raise Malformed(str(error)) from error


def _network(data: bytes, layouts: Layouts, opener: Opener | None) -> Message:
    first = data[0]
    if first & 0x0F != 1:
        raise Malformed(f"UADP version {first & 0x0F}")
    at, flags, more = 1, 0, 0
    if first & 0x80:
        flags, at = data[1], 2
        if flags & 0x80:
            more, at = data[2], 3
    if more & 0x1D:
        return Message()  # a chunk, or discovery: nothing for us
    head = _Head(at=at, end=len(data))
    if first & 0x10:
        _publisher(data, head, flags & 0x07)
    if flags & 0x08:
        head.at += 16
    if first & 0x20:
        _group(data, head)
    if first & 0x40:
        count = data[head.at]
        head.writers = struct.unpack_from(f"<{count}H", data, head.at + 1)
        head.at += 1 + 2 * count
    if flags & 0x20:
        head.stamp = utc_ns(_U8.unpack_from(data, head.at)[0])
        head.at += 8
    if flags & 0x40:
        head.at += 2
    if more & 0x02:
        head.at += 2 + _U2.unpack_from(data, head.at)[0]
    if opener is not None:
        data, head.at, head.end = opener.open(data, head.at, bool(flags & 0x10), (head.publisher, head.group))
    elif flags & 0x10:
        raise Malformed("a secured message, and no keys are configured")
    return _payload(data, head, layouts)


def _publisher(data: bytes, head: _Head, kind: int) -> None:
    if kind == 4:
        size = _U4.unpack_from(data, head.at)[0]
        begin = head.at + 4
        if size > len(data) - begin:
            raise Malformed("a publisher id that is longer than its message")
        head.publisher, head.at = data[begin : begin + size].decode(), begin + size
        return
    layout = _PUBLISHER.get(kind)
    if layout is None:
        raise Malformed(f"a publisher id of type {kind}")
    head.publisher = str(layout.unpack_from(data, head.at)[0])
    head.at += layout.size


def _group(data: bytes, head: _Head) -> None:
    flags = data[head.at]
    head.at += 1
    if flags & 0x01:
        head.group = str(_U2.unpack_from(data, head.at)[0])
        head.at += 2
    head.at += 4 * (flags >> 1 & 1) + 2 * (flags >> 2 & 1)
    if flags & 0x08:
        head.sequence = _U2.unpack_from(data, head.at)[0]
        head.at += 2


def _payload(data: bytes, head: _Head, layouts: Layouts) -> Message:
    found = Message(head.publisher)
    count = len(head.writers)
    if count > 1:
        sizes = struct.unpack_from(f"<{count}H", data, head.at)
        head.at += 2 * count
        if head.at + sum(sizes) != head.end:
            raise Malformed(f"data sets of {sum(sizes)} bytes in {head.end - head.at}")
    else:
        sizes = (head.end - head.at,)
    for writer, size in zip(head.writers, sizes, strict=False):
        key = WriterKey(head.publisher, head.group, writer)
        layout = layouts.get(key)
        if layout is None and head.group != "*":
            key = WriterKey(head.publisher, "*", writer)
            layout = layouts.get(key)
        if layout is None:
            found.skipped += 1
        else:
            found.sets.append(_data_set(data, head.at, head.at + size, key, layout, head))
        head.at += size
    return found


def _data_set(data: bytes, at: int, end: int, key: WriterKey, layout: Layout, head: _Head) -> DataSet:
    flags = data[at]
    more, at = (data[at + 1], at + 2) if flags & 0x80 else (0, at + 1)
    found = DataSet(key, more & 0x0F, bool(flags & 1), head.sequence, 0, head.stamp)
    if flags & 0x08:
        found.sequence = _U2.unpack_from(data, at)[0]
        at += 2
    if more & 0x10:
        found.stamp = utc_ns(_U8.unpack_from(data, at)[0])
        at += 8
    if more & 0x20:
        at += 2
    if flags & 0x10:
        found.status = _U2.unpack_from(data, at)[0] << 16
        at += 2
    if flags & 0x60:
        major, minor = -1, -1
        if flags & 0x20:
            major = _U4.unpack_from(data, at)[0]
            at += 4
        if flags & 0x40:
            minor = _U4.unpack_from(data, at)[0]
            at += 4
        found.version = major, minor
    encoding = flags >> 1 & 3
    if found.kind > KEEP_ALIVE or encoding == 3:
        raise Malformed(f"a data set message of type {found.kind}, encoded as {encoding}")
    if found.kind == KEEP_ALIVE:
        ended = at
    elif not found.valid:
        ended = end  # whatever follows, it is no value
    elif encoding == RAW:
        found.fields, ended = _raw(data, at, end, layout, found.kind)
    else:
        found.fields, ended = _fields(data[:end], at, encoding == DATA_VALUE, found.kind == DELTA, layout)
    if ended != end:
        raise Malformed(f"a data set message ends at {ended}, not {end}")
    return found


def _fields(data: bytes, at: int, whole: bool, delta: bool, layout: Layout) -> tuple[Fields, int]:
    """Variants, or data values (`whole`), each after its number in a delta frame."""
    count = _U2.unpack_from(data, at)[0]
    at += 2
    if count >= RUN_MIN:
        if not whole and not delta and layout.mixed is not None and len(layout.kinds) == count:
            mixed = _mixed(data, at, layout, layout.mixed)
            if mixed is not None:
                return mixed
        ran = _uniform(data, at, count, whole, delta)
        if ran is not None:
            return ran
    return _single(data, at, count, whole, delta, layout)


def _uniform(data: bytes, at: int, count: int, whole: bool, delta: bool) -> tuple[Fields, int] | None:
    """All fields at once, where they have one layout."""
    skip = 2 if delta else 0
    mask = data[at + skip] if whole else 0
    kind = data[at + skip + (1 if whole else 0)]
    if kind not in NUMBERS or mask & 0xC0 or (whole and not mask & VALUE):
        return None
    found = run_of(data, at, count, mask, kind, PLACE if delta else "")
    if len(found) != count:
        return None
    fields = Fields(numbers_of(found, kind), found["status"] if mask & STATUS else None)
    fields.stamps = stamps_of(found, mask)
    if delta:
        fields.places = found["head"].astype(np.int64)
    return fields, at + found.nbytes


def _mixed(data: bytes, at: int, layout: Layout, shape: struct.Struct) -> tuple[Fields, int] | None:
    """Variants of several types, where the types are those of last time."""
    if at + shape.size > len(data):
        return None
    flat = shape.unpack_from(data, at)
    if flat[::2] != layout.kinds:
        return None
    return Fields(np.frombuffer(array("d", flat[1::2]))), at + shape.size


def _single(data: bytes, at: int, count: int, whole: bool, delta: bool, layout: Layout) -> tuple[Fields, int]:
    """Field by field."""
    if count > (len(data) - at):
        raise Malformed(f"{count} fields in {len(data) - at} bytes")
    reader = Reader(data)
    reader.at = at
    values, statuses, stamps, places, kinds = [], [], [], [], []
    for _ in range(count):
        if delta:
            places.append(int.from_bytes(data[(here := reader.skip(2)) : here + 2], "little"))
        kinds.append(data[reader.at])
        value, status, stamp = reader.data_value() if whole else (*_variant(reader), 0)
        values.append(value)
        statuses.append(status)
        stamps.append(stamp)
    if not whole and not delta and all(kind in NUMBERS for kind in kinds):
        layout.kinds, layout.mixed = tuple(kinds), struct.Struct("<" + "".join("B" + NUMBERS[kind] for kind in kinds))
    return Fields(
        np.array(values, np.float64),
        np.array(statuses, np.uint32) if any(statuses) else None,
        np.array(stamps, np.int64) if any(stamps) else None,
        np.array(places, np.int64) if delta else None,
    ), reader.at


def _variant(reader: Reader) -> tuple[float, int]:
    """A value and its status: a bad field is sent as its status code (Part 14, 7.2.4.5.5)."""
    if reader.at < len(reader.data) and reader.data[reader.at] == STATUS_CODE:
        reader.skip(1)
        return math.nan, reader.uint()
    return reader.variant(), 0


def _raw(data: bytes, at: int, end: int, layout: Layout, kind: int) -> tuple[Fields, int]:
    """Fields without types, as the configured metadata says."""
    if not layout.raw:
        raise Malformed("raw fields, and no types are configured for this writer")
    if kind == DELTA:
        raise Malformed("a delta frame of raw fields")
    shape = layout.mixed
    if shape is None:
        codes = (NUMBERS[one] if one in NUMBERS else f"{FIXED[one]}s" for one in layout.raw)
        shape = layout.mixed = struct.Struct("<" + "".join(codes))
    if end - at != shape.size:
        raise Malformed(f"raw fields of {end - at} bytes, the configured types have {shape.size}")
    if len(set(layout.raw)) == 1 and layout.raw[0] in NUMBERS and NUMBERS[layout.raw[0]] != "?":
        same = np.frombuffer(data, "<" + NUMBERS[layout.raw[0]], len(layout.raw), at)
        return Fields(same.astype(np.float64)), end
    flat = shape.unpack_from(data, at)
    return Fields(np.array([math.nan if isinstance(one, bytes) else one for one in flat], np.float64)), end
