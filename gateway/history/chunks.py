"""What waits in memory between the loop, which appends, and the writer thread, which takes: no lock, one writer per field."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

from gateway.core.samples import Stamp
from gateway.history.segments import HoleMark

PAGE = 4096
SPARE_MAX = 2  # finished buffers kept for the next chunks, so that their pages are touched already


@dataclass(slots=True)
class Chunk:
    """Records that can be decoded alone. The loop writes `buffer` up to `used` and then `used`; the thread only reads them."""

    buffer: bytearray
    first: Stamp
    last: Stamp
    used: int = 0
    inputs: int = 0
    withheld: int = 0
    sealed: bool = False
    holes: list[HoleMark] = field(default_factory=list)

    def append(self, data: bytes) -> None:
        """Add bytes that fit. `used` moves last: the thread sees whole records only."""
        end = self.used + len(data)
        self.buffer[self.used : end] = data
        self.used = end

    @property
    def bytes(self) -> int:
        """Memory held."""
        return len(self.buffer)


@dataclass(slots=True)
class SnapshotItem:
    """A kernel snapshot on its way to disk; the thread frames it, so that the loop does not sum its bytes."""

    stamp: Stamp
    data: bytes

    @property
    def bytes(self) -> int:
        """Memory held."""
        return len(self.data)


@dataclass(slots=True)
class Box:
    """The bounded queue between both. Oldest chunks are dropped when `bytes_max` is reached: the last minutes matter most."""

    bytes_max: int
    chunk_bytes: int
    waiting: deque[Chunk | SnapshotItem] = field(default_factory=deque)
    spare: deque[bytearray] = field(default_factory=lambda: deque(maxlen=SPARE_MAX))
    put_bytes: int = 0  # written by the loop only
    dropped_bytes: int = 0  # written by the loop only
    released_bytes: int = 0  # written by the thread only

    def touch(self) -> None:
        """Make the first buffers' pages real, so that the loop does not meet page faults later."""
        for _ in range(SPARE_MAX):
            buffer = bytearray(self.chunk_bytes)
            buffer[::PAGE] = b"\0" * len(range(0, len(buffer), PAGE))
            self.spare.append(buffer)

    def pending_bytes(self) -> int:
        """Memory that waits for the thread or is in its hands."""
        return self.put_bytes - self.dropped_bytes - self.released_bytes

    def buffer(self, size: int) -> bytearray:
        """A buffer of at least `size` bytes."""
        with suppress(IndexError):
            if size <= self.chunk_bytes:
                return self.spare.popleft()
        return bytearray(max(size, self.chunk_bytes))

    def put(self, item: Chunk | SnapshotItem) -> list[Chunk | SnapshotItem]:
        """Queue an item; what had to be dropped for it. Loop only."""
        dropped: list[Chunk | SnapshotItem] = []
        with suppress(IndexError):  # the thread may take the last one meanwhile
            while self.pending_bytes() + item.bytes > self.bytes_max:
                old = self.waiting.popleft()
                self.dropped_bytes += old.bytes
                dropped.append(old)
        self.put_bytes += item.bytes
        self.waiting.append(item)
        return dropped

    def shrink(self, chunk: Chunk) -> None:
        """Under pressure, let a nearly empty chunk hold only what it needs. Loop only, before the chunk is sealed.

        The thread may be reading the old buffer: both begin with the same bytes, and the old one is never used again.
        """
        if self.pending_bytes() * 2 > self.bytes_max and chunk.used * 16 <= len(chunk.buffer):
            self.put_bytes -= len(chunk.buffer) - chunk.used
            chunk.buffer = chunk.buffer[: chunk.used]

    def take(self) -> Chunk | SnapshotItem | None:
        """The oldest item. Thread only."""
        with suppress(IndexError):
            return self.waiting.popleft()
        return None

    def release(self, item: Chunk | SnapshotItem) -> None:
        """An item is on disk: its memory may be used again. Thread only."""
        self.released_bytes += item.bytes
        if isinstance(item, Chunk) and len(item.buffer) == self.chunk_bytes:
            self.spare.append(item.buffer)

    def left(self) -> Iterator[Chunk | SnapshotItem]:
        """Empty the box: what was never written. Thread only."""
        while (item := self.take()) is not None:
            yield item
