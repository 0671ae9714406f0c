"""The thread that brings chunks to disk: segments, retention, disk full, and back."""

from __future__ import annotations

import errno
import threading
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gateway.core.limits import HOUR, MS, SECOND
from gateway.core.samples import Stamp
from gateway.history import layout
from gateway.history.chunks import Box, Chunk, SnapshotItem
from gateway.history.segments import (
    Disk,
    Kept,
    Segment,
    SnapshotMark,
    forget_identities,
    identity_digest,
    identity_path,
    mend,
    open_segment,
    retire,
)

State = Literal["starting", "recording", "disk full", "failing", "stopped"]


@dataclass(frozen=True, slots=True)
class Limits:
    """How much history is kept, and how it is written."""

    hours: float = 24
    bytes_max: int = 536_870_912
    memory_bytes: int = 64 << 20  # what may wait for a slow disk
    chunk_bytes: int = 4 << 20  # unit of dropping, seeking and recovery; 10,000 tags cost 2 % of it in key values
    chunk_ns: int = 60 * SECOND
    segment_bytes: int = 64 << 20
    segment_ns: int = 600 * SECOND
    reserve_bytes: int = 64 << 20  # left free for the journal: history stops first
    flush_ns: int = 250 * MS  # at most this much is lost by kill -9
    sync_ns: int = 5 * SECOND  # at most this much is lost by a power cut; rare, so that the journal's syncs stay short
    retry_ns: int = 2 * SECOND

    def segment_size(self) -> int:
        """Bytes preallocated for one file: an eighth of all history at most, so that retention goes in small steps."""
        return max(min(self.segment_bytes, self.bytes_max // 8), 2 * self.chunk_bytes if self.bytes_max else 0)


@dataclass(slots=True)
class Writer:
    """State and work of the thread; other threads only read its plain fields."""

    directory: Path
    boot: int
    identity: bytes
    limits: Limits
    box: Box
    disk: Disk
    clock: Callable[[], float]  # monotonic seconds, for flush, sync and retry only
    wake: threading.Event = field(default_factory=threading.Event)
    stopping: bool = False
    state: State = "starting"
    error: str = ""
    written_bytes: int = 0
    kept_bytes: int = 0
    oldest_utc_ns: int = 0
    segments: int = 0
    lost_inputs: int = 0  # still in memory when recording ended
    _kept: list[Kept] = field(default_factory=list)
    _segment: Segment | None = None
    _active: Chunk | SnapshotItem | None = None
    _active_done: int = 0
    _sync_at: float = 0.0
    _ready: bool = False

    def run(self) -> None:
        """Until `stopping`, then everything that waits once more."""
        while True:
            last = self.stopping
            wait_s = self._round() / SECOND
            if last:
                break
            self.wake.wait(wait_s)
            self.wake.clear()
        self._end()

    def _round(self) -> int:
        """Write what there is; ns until the next try."""
        try:
            if not self._ready:
                self._prepare()
            self._drain()
            self._sync()
        except OSError as error:
            self._abandon(error)
            return self.limits.retry_ns
        self.state, self.error = "recording", ""
        return self.limits.flush_ns

    def _prepare(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._kept = mend(self.directory)
        digest = identity_digest(self.identity).hex()
        forget_identities(self.directory, [digest, *(k.identity for k in self._kept)])
        path = identity_path(self.directory, digest)
        fresh = path.with_suffix(".tmp")
        fresh.write_bytes(self.identity)
        fresh.replace(path)
        self._ready = True

    def _drain(self) -> None:
        while True:
            if self._active is None:
                self._active, self._active_done = self.box.take(), 0
            item = self._active
            if item is None:
                return
            if isinstance(item, SnapshotItem):
                self._write_snapshot(item)
            elif not self._write_chunk(item):
                return
            self.box.release(item)
            self._active = None

    def _write_chunk(self, chunk: Chunk) -> bool:
        """Bring the chunk's new records to disk; whether it is finished."""
        sealed, used = chunk.sealed, chunk.used  # `sealed` first: nothing is appended after it
        if used > self._active_done:
            segment = self._segment_for(chunk.first.admit_ns, chunk.bytes, chunk)
            index = segment.index
            if self._active_done == 0:
                segment.chunk_at = index.used_bytes
                index.keys.append((index.used_bytes, chunk.first.seq, chunk.first.utc_ns))
                if chunk.first.seq > index.last_seq + 1:
                    index.add_hole(index.last_seq + 1, chunk.first.seq - 1, "missing")
            with memoryview(chunk.buffer) as view, view[self._active_done : used] as part:
                segment.write(part)
            self.written_bytes += used - self._active_done
            self._active_done = used
            index.last_seq, index.last_utc_ns = chunk.last.seq, chunk.last.utc_ns
        if sealed and self._segment is not None:
            self._segment.index.inputs += chunk.inputs
            self._segment.index.withheld += chunk.withheld
            for hole in chunk.holes:
                self._segment.index.add_hole(hole.first, hole.last, hole.reason)
        return sealed

    def _write_snapshot(self, item: SnapshotItem) -> None:
        stamp = item.stamp
        head = layout.SNAPSHOT.pack(layout.Kind.SNAPSHOT, stamp.seq, stamp.admit_ns, stamp.utc_ns)
        size = len(head) + len(item.data)
        segment = self._segment_for(stamp.admit_ns, size, item)
        segment.chunk_at = segment.index.used_bytes
        crc = zlib.crc32(item.data, zlib.crc32(head))
        segment.write(layout.FRAME.pack(size, crc) + head)
        segment.write(item.data)
        mark = SnapshotMark(segment.chunk_at, stamp.seq, stamp.admit_ns, stamp.utc_ns, len(item.data))
        segment.index.snapshots.append(mark)

    def _segment_for(self, admit_ns: int, size: int, item: Chunk | SnapshotItem) -> Segment:
        """The file for an item of `size` bytes; a new one where it does not fit or the old one has its age."""
        segment = self._segment
        if segment is not None and self._active_done:
            return segment
        if segment is not None and (
            segment.index.used_bytes + size > segment.size or admit_ns - segment.opened_ns >= self.limits.segment_ns
        ):
            self._close_segment(segment)
            segment = None
        if segment is None:
            segment = self._segment = self._open_segment(item, size)
        return segment

    def _open_segment(self, item: Chunk | SnapshotItem, size: int) -> Segment:
        limits = self.limits
        space = max(limits.segment_size(), size + layout.HEADER_BYTES)
        stamp = item.first if isinstance(item, Chunk) else item.stamp
        oldest_ns = stamp.utc_ns - int(limits.hours * HOUR)
        retire(self._kept, room=limits.bytes_max - space, oldest_utc_ns=oldest_ns)
        self._count()
        digest = identity_digest(self.identity)
        first = stamp if isinstance(item, Chunk) else Stamp(stamp.seq + 1, stamp.admit_ns, stamp.utc_ns)
        segment = open_segment(self.disk, self.directory, first, self.boot, digest, space, limits.reserve_bytes)
        if not self.oldest_utc_ns:
            self.oldest_utc_ns = stamp.utc_ns
        self.segments += 1
        self.kept_bytes += space
        return segment

    def _count(self) -> None:
        self.kept_bytes = sum(k.bytes for k in self._kept)
        self.segments = len(self._kept)
        self.oldest_utc_ns = self._kept[0].first_utc_ns if self._kept else 0

    def _close_segment(self, segment: Segment) -> None:
        self._segment = None
        index = segment.index
        segment.close()
        self._kept.append(Kept(segment.path, index.last_utc_ns, index.used_bytes, index.identity, index.first_utc_ns))

    def _sync(self) -> None:
        if self._segment is not None and self.clock() >= self._sync_at:
            self._sync_at = self.clock() + self.limits.sync_ns / SECOND
            self.disk.sync(self._segment.fd)

    def _abandon(self, error: OSError) -> None:
        """Leave the segment whose write or sync failed: its chunk is written again, whole, into the next one."""
        self.state = "disk full" if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG) else "failing"
        self.error = str(error)
        segment, self._segment = self._segment, None
        self._active_done = 0
        if segment is None:
            return
        keep = max(segment.chunk_at, layout.HEADER_BYTES)
        segment.abandon(keep)
        index = segment.index
        self._kept.append(Kept(segment.path, index.last_utc_ns, keep, index.identity, index.first_utc_ns))

    def _end(self) -> None:
        if self._segment is not None:
            with suppress(OSError):  # closing: the file is readable without its index
                self._close_segment(self._segment)
        rest = [*([self._active] if self._active else []), *self.box.left()]
        self.lost_inputs = sum(item.inputs for item in rest if isinstance(item, Chunk))
        self.state = "stopped"
