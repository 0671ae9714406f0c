"""The latest picture of a job in memory that both processes map: the writer never waits, the reader copies a whole one.

Each slot carries a number that is odd while it is written (a sequence lock). The file is sealed against shrinking before it is
handed over, so a worker gone wild cannot make the daemon's read fault; the shape it writes is checked before it is believed.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SLOTS = 3  # one being written, one being read, one whole
_HEADER = struct.Struct("<QqIIIx")  # sequence, captured_ns, height, width, channels
_SPACE = 64  # bytes of a slot before its picture
_SEQUENCE = struct.Struct("<Q")
_SEALS = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL


@dataclass(frozen=True, slots=True)
class Picture:
    """One picture, uint8 height x width x channels (blue, green, red), and when it was captured (CLOCK_MONOTONIC)."""

    pixels: NDArray[np.uint8]
    captured_ns: int
    sequence: int


class Ring:
    """`SLOTS` pictures of up to `largest` bytes each behind one descriptor."""

    def __init__(self, descriptor: int) -> None:
        """Map a ring that `create` made. Raises OSError, ValueError."""
        size = os.fstat(descriptor).st_size
        self.largest = size // SLOTS - _SPACE
        if self.largest <= 0:
            raise ValueError(f"a ring of {size} bytes")
        self.descriptor = descriptor
        self._map = mmap.mmap(descriptor, size)
        self._sequence = 0

    @classmethod
    def create(cls, largest: int) -> Ring:
        """A new ring for pictures of up to `largest` bytes; `close` it."""
        descriptor = os.memfd_create("gatehouse-pictures", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(descriptor, SLOTS * (largest + _SPACE))
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, _SEALS)
        return cls(descriptor)

    def close(self) -> None:
        """Give the memory back."""
        self._map.close()
        os.close(self.descriptor)

    def _start(self, slot: int) -> int:
        return slot * (self.largest + _SPACE)

    def write(self, pixels: NDArray[np.uint8], captured_ns: int) -> bool:
        """Put a picture; False where it is larger than a slot. One writer only."""
        if pixels.nbytes > self.largest or pixels.ndim != 3 or pixels.dtype != np.uint8:
            return False
        number = self._sequence // 2 + 1
        self._sequence = number * 2
        at = self._start(number % SLOTS)
        _SEQUENCE.pack_into(self._map, at, self._sequence - 1)  # odd: being written
        height, width, channels = pixels.shape
        target = np.frombuffer(self._map, np.uint8, pixels.nbytes, at + _SPACE).reshape(pixels.shape)
        np.copyto(target, pixels)
        _HEADER.pack_into(self._map, at, self._sequence - 1, captured_ns, height, width, channels)
        _SEQUENCE.pack_into(self._map, at, self._sequence)
        return True

    def latest(self) -> Picture | None:
        """A copy of the latest whole picture, None where there is none yet."""
        for _ in range(SLOTS):
            headers = [_HEADER.unpack_from(self._map, self._start(slot)) for slot in range(SLOTS)]
            slot = max(range(SLOTS), key=lambda slot: headers[slot][0] if headers[slot][0] % 2 == 0 else 0)
            found = self._copy(slot, headers[slot])
            if found is not None:
                return found
        return None

    def _copy(self, slot: int, header: tuple[Any, ...]) -> Picture | None:
        sequence, captured_ns, height, width, channels = header
        size = height * width * channels
        if sequence == 0 or sequence % 2 or not 0 < size <= self.largest:
            return None
        at = self._start(slot)
        pixels = np.frombuffer(self._map, np.uint8, size, at + _SPACE).reshape(height, width, channels).copy()
        if _SEQUENCE.unpack_from(self._map, at)[0] != sequence:  # overwritten meanwhile
            return None
        return Picture(pixels, captured_ns, sequence // 2)
