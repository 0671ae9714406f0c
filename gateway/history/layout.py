"""The bytes of a segment: file header, framed records, their kinds. Little-endian throughout, version 1.

    segment := header, record*, zeros (the part preallocated and not written yet)
    record  := length u32, CRC-32 of the payload u32, payload;  payload := kind u8, ...

A KEY record begins a chunk that can be decoded alone: it forgets every group's last values. Input records carry only
time differences; their number is the previous one plus one. BASE restates number and times where they do not follow.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from enum import IntEnum

from gateway.core.samples import ClockClass

VERSION = 1
MAGIC = b"GHHISTR\x01"
KEY_MARK = b"\x20GH-KEY\xf5\x9c"  # kind KEY and eight bytes that let a reader find the next chunk after damage
HOLE_REASONS = ("memory", "disk", "missing", "damaged")  # index = code in a HOLE record


class Kind(IntEnum):
    """First byte of a payload."""

    COLUMNS = 1
    FEW = 2
    ALIVE = 3
    SOURCE_DOWN = 4
    WRITE_RESULT = 5
    COMMAND = 6
    DURABLE = 7
    SELF_CHECK = 8
    STOP = 9
    WITHHELD = 10  # a personal input had this number; its values are in the vault only
    OVERRUN = 11
    SHIFT = 12
    TIME_BOUND = 13
    KEY = 32
    BASE = 33
    HOLE = 34
    SNAPSHOT = 35


FRAME = struct.Struct("<II")  # length, CRC of the payload
INPUT = struct.Struct("<BIi")  # kind, admit_ns since the previous record, (utc - admit) drift since it
KEY = struct.Struct("<9sqqq")  # mark, number of the next input, its admit_ns, its utc_ns
BASE = struct.Struct("<Bqqq")  # kind, number of the next input, its admit_ns, its utc_ns
HOLE = struct.Struct("<BBqqqq")  # kind, reason, first and last number missing, utc_ns of first and last
SNAPSHOT = struct.Struct("<Bqqq")  # kind, seq after which it holds, admit_ns, utc_ns; the data follow
ALIVE = struct.Struct("<BIiI")  # input head, group
COLUMNS = struct.Struct("<BIiIH")  # input head, group, flags
META = struct.Struct("<IqB")  # length of the group, uncertainty_ns, clock class
COUNT = struct.Struct("<I")
NUMBER = struct.Struct("<q")
HEADER = struct.Struct(
    "<8sHHqqqq32s"
)  # magic, version, header bytes, boot, first seq, admit_ns, utc_ns, SHA-256 of identity
HEADER_BYTES = HEADER.size + COUNT.size

CLOCKS: tuple[ClockClass, ...] = ("none", "device", "ntp", "ptp")
DADMIT_MAX = 0xFFFF_FFFF
DRIFT_MAX = 0x7FFF_FFFF

# How one array of a Columns differs from the last one of its group (two bits each in `flags`)
SAME, FULL, BITMAP, INDEX = 0, 1, 2, 3
VALUES_SHIFT, QUALITIES_SHIFT, CAUSES_SHIFT, SOURCE_SHIFT = 0, 2, 4, 6
SOURCE_ARRAY = 1 << 8  # source times are one per value, stored as the array at SOURCE_SHIFT
META_FOLLOWS = 1 << 9


def frame(payload: bytes) -> bytes:
    """`payload` as a record."""
    return FRAME.pack(len(payload), zlib.crc32(payload)) + payload


def header(boot: int, first_seq: int, admit_ns: int, utc_ns: int, identity: bytes) -> bytes:
    """File header of a segment; `identity` is the SHA-256 of the tag-name sidecar."""
    head = HEADER.pack(MAGIC, VERSION, HEADER_BYTES, boot, first_seq, admit_ns, utc_ns, identity)
    return head + COUNT.pack(zlib.crc32(head))


class FormatError(ValueError):
    """These bytes are not a segment of this version."""


def parse_header(data: bytes | memoryview) -> tuple[int, int, int, int, bytes]:
    """(boot, first seq, admit_ns, utc_ns, identity digest). Raises FormatError."""
    if len(data) < HEADER_BYTES:
        raise FormatError("shorter than a segment header")
    magic, version, size, boot, seq, admit_ns, utc_ns, identity = HEADER.unpack_from(data)
    if magic != MAGIC or version != VERSION or size != HEADER_BYTES:
        raise FormatError(f"not a history segment of version {VERSION}")
    if COUNT.unpack_from(data, HEADER.size)[0] != zlib.crc32(data[: HEADER.size]):
        raise FormatError("segment header damaged")
    return boot, seq, admit_ns, utc_ns, identity


def _intact(view: memoryview, offset: int) -> int:
    """Where the record at `offset` ends, 0 if there is no whole and sound record."""
    body = offset + FRAME.size
    if body > len(view):
        return 0
    length, crc = FRAME.unpack_from(view, offset)
    end: int = body + length
    if length == 0 or end > len(view) or zlib.crc32(view[body:end]) != crc:
        return 0
    return end


def _next_key(data: bytes, view: memoryview, offset: int) -> int:
    """Offset of the first sound KEY record after `offset`, or the length of the data."""
    found = data.find(KEY_MARK, offset + FRAME.size + 1)
    while found >= 0:
        if _intact(view, found - FRAME.size):
            return found - FRAME.size
        found = data.find(KEY_MARK, found + 1)
    return len(data)


def walk(data: bytes, offset: int) -> Iterator[tuple[int, memoryview | None, int]]:
    """(offset, payload, next offset) of each record; payload None = damaged up to the next offset, a KEY or the end.

    Ends at the zeros that were preallocated and never written.
    """
    view = memoryview(data)
    while offset < len(data):
        end = _intact(view, offset)
        if end:
            yield offset, view[offset + FRAME.size : end], end
        else:
            written = len(data.rstrip(b"\0")) if data[-1] == 0 else len(data)
            if written <= offset:
                return
            end = _next_key(data, view, offset)
            yield offset, None, end if end < len(data) else written
        offset = end
