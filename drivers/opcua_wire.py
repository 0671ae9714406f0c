"""What an OPC UA server says while it is watched, decoded by ourselves: publish and read responses (Part 6, 5.2).

asyncua decodes value by value and recurses as deep as the bytes ask it to. Here a run of items with one layout, which is
what servers send, goes through numpy; anything else item by item; and nothing nests deeper than `NEST_MAX`.
Malformed bytes raise `Malformed`, never something else, and never give a value.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivers.base_ua import HANDLE, NUMBERS, STATUS, VALUE, Malformed, Reader, numbers_of, run_of, stamps_of

PUBLISH_RESPONSE, READ_RESPONSE = 829, 634  # node ids of the binary encodings
DATA_CHANGE, STATUS_CHANGE = 811, 820
RUN_MIN = 8  # below this numpy costs more than it gives


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


def published(data: bytes) -> tuple[int, Published]:
    """Service result and content of a publish response. Raises Malformed."""
    reader = Reader(data)
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
    reader = Reader(data)
    result = reader.header(READ_RESPONSE)
    found = [reader.data_value() for _ in range(reader.count(1))]
    reader.diagnostics()
    reader.finish()
    return result, found


def _items(reader: Reader) -> Values:
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


def _run(reader: Reader, left: int) -> Values | None:
    """As many items as have the layout of the first; None where that is no plain number or too few to be worth it."""
    data, at = reader.data, reader.at
    if left < RUN_MIN or at + 6 > len(data):
        return None
    mask, kind = data[at + 4], data[at + 5]
    if not mask & VALUE or mask & 0xC0 or kind not in NUMBERS:
        return None
    found = run_of(data, at, left, mask, kind, HANDLE)
    if len(found) < RUN_MIN:
        return None
    reader.skip(found.nbytes)
    stamps = stamps_of(found, mask)
    return Values(
        found["head"].astype(np.int64),
        numbers_of(found, kind),
        found["status"] if mask & STATUS else np.zeros(len(found), np.uint32),
        np.zeros(len(found), np.int64) if stamps is None else stamps,
    )
