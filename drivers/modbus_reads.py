"""The reads of one poll cycle: merging addresses into few requests, splitting one that was refused, decoding all at once.

A value is never split across two requests. Decoding is one `numpy.take` per type through a permutation made beforehand,
which also absorbs word order: 2,000 floats in any order cost a few microseconds.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from drivers.base_words import wire_order
from drivers.modbus_address import Address

_DTYPES = {
    "int16": "<i2",
    "uint16": "<u2",
    "int32": "<i4",
    "uint32": "<u4",
    "int64": "<i8",
    "uint64": "<u8",
    "float32": "<f4",
    "float64": "<f8",
}


@dataclass(frozen=True, slots=True)
class Item:
    """One tag of the group: its place in the block and its address."""

    position: int
    address: Address


@dataclass(slots=True, eq=False)
class Read:
    """One request and the last answer to it. `body` is the byte count and the data, as they came."""

    function: int
    start: int
    count: int
    items: Sequence[Item]
    tail: bytes  # the request after its transaction id
    body: bytes = b""
    refused: int = 0  # the exception code of the last answer, 0 = it gave data
    isolated: bool = False  # refused and not worth splitting further: asked again only now and then
    due_s: float = 0.0  # when an isolated read is asked again
    positions: NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        self.positions = np.array([item.position for item in self.items], dtype=np.intp)

    @property
    def size(self) -> int:
        """Bytes of data in a right answer."""
        return (self.count + 7) // 8 if self.function <= 2 else 2 * self.count


@dataclass(frozen=True, slots=True)
class Limits:
    """What the device allows in one request, and how many undeclared registers may be read along to save a request."""

    max_registers: int
    max_bits: int
    max_gap: int


def read_of(unit: int, items: Sequence[Item]) -> Read:
    """The request that covers these items of one table."""
    function = items[0].address.function
    start = min(item.address.start for item in items)
    count = max(item.address.start + item.address.count for item in items) - start
    return Read(function, start, count, items, struct.pack(">HHBBHH", 0, 6, unit, function, start, count))


def merge(unit: int, items: Sequence[Item], limits: Limits) -> list[Read]:
    """The fewest requests for these items within the limits, in address order."""
    reads: list[Read] = []
    run: list[Item] = []
    end = 0
    for item in sorted(items, key=lambda item: (item.address.function, item.address.start)):
        address = item.address
        most, gap = (limits.max_bits, 16 * limits.max_gap) if address.bits else (limits.max_registers, limits.max_gap)
        reach = max(end, address.start + address.count)
        joins = (
            bool(run)
            and run[0].address.function == address.function
            and address.start <= end + gap
            and reach - run[0].address.start <= most
        )
        if run and not joins:
            reads.append(read_of(unit, run))
            run = []
        run.append(item)
        end = reach if joins else address.start + address.count
    if run:
        reads.append(read_of(unit, run))
    return reads


def split(unit: int, read: Read) -> list[Read]:
    """Smaller requests for a refused read: without its gaps if it has some, else halved between two values; one if it cannot."""
    runs: list[list[Item]] = []
    end = -1
    for item in read.items:  # in address order since `merge`
        address = item.address
        if not runs or address.start > end:
            runs.append([])
        runs[-1].append(item)
        end = max(end, address.start + address.count)
    if len(runs) == 1:
        runs = _halves(runs[0])
    return [read_of(unit, run) for run in runs]


def _halves(items: list[Item]) -> list[list[Item]]:
    """The items cut where two values meet, as near to the middle as can be; whole where they all overlap."""
    cuts = []
    end = items[0].address.start + items[0].address.count
    for index, item in enumerate(items[1:], start=1):
        if item.address.start >= end:
            cuts.append(index)
        end = max(end, item.address.start + item.address.count)
    if not cuts:
        return [items]
    cut = min(cuts, key=lambda index: abs(2 * index - len(items)))
    return [items[:cut], items[cut:]]


class _Column:
    """All values of one type: where their bytes lie in the image, and where they go in the block."""

    def __init__(self, dtype: str, taken: Sequence[Sequence[int]], positions: Sequence[int]) -> None:
        self.index = np.array(taken, dtype=np.intp).reshape(-1)
        self.bytes = np.empty(len(self.index), dtype=np.uint8)
        self.numbers = self.bytes.view(dtype)
        first = positions[0]
        in_order = list(positions) == list(range(first, first + len(positions)))
        self.where: slice | NDArray[np.intp] = (
            slice(first, first + len(positions)) if in_order else np.array(positions, dtype=np.intp)
        )


class Decoder:
    """Turns the bodies of a set of reads into the values of the group, scaled to their units."""

    def __init__(self, reads: Sequence[Read], scales: Sequence[float], offsets: Sequence[float]) -> None:
        self._size = len(scales)
        self._scales = np.array(scales) if any(scale != 1.0 for scale in scales) else None
        self._offsets = np.array(offsets) if any(offset != 0.0 for offset in offsets) else None
        self._bytes = bytearray(sum(read.size + 1 for read in reads))
        self._image = np.frombuffer(self._bytes, dtype=np.uint8)  # the same memory
        self._places: list[tuple[Read, slice]] = []
        numbers: dict[str, tuple[list[list[int]], list[int]]] = {}
        bits: tuple[list[int], list[int], list[int]] = ([], [], [])
        begin = 0
        for read in reads:
            self._places.append((read, slice(begin, begin + read.size + 1)))
            for item in read.items:
                self._place(item, read, begin + 1, numbers, bits)
            begin += read.size + 1
        self._columns = [_Column(_DTYPES[kind], *where) for kind, where in numbers.items()]
        self._bit_index = np.array(bits[0], dtype=np.intp)
        self._bit_mask = np.array(bits[1], dtype=np.uint16)
        self._whole = np.flatnonzero(self._bit_mask == 0xFFFF)
        self._bit_positions = np.array(bits[2], dtype=np.intp)

    def _place(
        self,
        item: Item,
        read: Read,
        begin: int,
        numbers: dict[str, tuple[list[list[int]], list[int]]],
        bits: tuple[list[int], list[int], list[int]],
    ) -> None:
        address, away = item.address, item.address.start - read.start
        if address.bits:
            place, mask = begin + away // 8, 1 << away % 8
        elif address.bit >= 0:
            place, mask = begin + 2 * away + (address.bit < 8), 1 << address.bit % 8
        elif address.type == "bool":  # a whole register: any bit of both bytes
            place, mask = begin + 2 * away, 0xFFFF
        else:
            wire = wire_order(address.count, address.order)
            taken, positions = numbers.setdefault(address.type, ([], []))
            taken.append([begin + 2 * away + position for position in reversed(wire)])  # little-endian for numpy
            positions.append(item.position)
            return
        for whole, part in zip(bits, (place, mask, item.position), strict=True):
            whole.append(part)

    def values(self) -> NDArray[np.float64]:
        """The values of all reads as they last answered, in a new array; NaN where nothing was received yet."""
        for read, place in self._places:
            if read.body:
                self._bytes[place] = read.body
        values = np.empty(self._size, dtype=np.float64)
        with np.errstate(
            invalid="ignore", over="ignore"
        ):  # signalling NaN and infinity come from the device as they are
            for column in self._columns:
                np.take(self._image, column.index, out=column.bytes, mode="clip")
                values[column.where] = column.numbers
            if len(self._bit_index):
                low = self._image[self._bit_index].astype(np.uint16)
                if len(self._whole):
                    low[self._whole] |= self._image[self._bit_index[self._whole] + 1]
                values[self._bit_positions] = (low & self._bit_mask) != 0
            if self._scales is not None:
                values *= self._scales
            if self._offsets is not None:
                values += self._offsets
        for read, _ in self._places:
            if not read.body:
                values[read.positions] = np.nan
        return values
