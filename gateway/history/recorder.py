"""The loop's side of history: append to memory, never to a file, never waiting; `Writer` brings it to disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.core.samples import Input, Stamp
from gateway.history import layout
from gateway.history.chunks import Box, Chunk, SnapshotItem
from gateway.history.codec import Encoder, Withheld
from gateway.history.segments import HOLES_MAX, Disk, HoleMark
from gateway.history.writer import Limits, State, Writer

HOLES_SHOWN = 16
HOLE_BYTES = layout.FRAME.size + layout.HOLE.size


@dataclass(frozen=True, slots=True)
class RecorderStatus:
    """How recording goes. `state` other than "recording" means that new inputs are not reaching the disk."""

    state: State
    error: str
    inputs: int
    withheld: int
    snapshots: int
    dropped_inputs: int
    dropped_snapshots: int
    holes: tuple[tuple[int, int, str], ...]  # the latest ones: first and last number missing, reason
    pending_bytes: int
    written_bytes: int
    kept_bytes: int
    segments: int
    oldest_utc_ns: int  # 0 = nothing kept
    newest_utc_ns: int
    lost_inputs: int

    @property
    def hours(self) -> float:
        """From the oldest input kept to the newest."""
        return (self.newest_utc_ns - self.oldest_utc_ns) / 3.6e12 if self.oldest_utc_ns else 0.0


class Recorder:
    """Records every admitted input of one boot. All methods but `status` belong to the loop's thread.

    `identity` is what `history.identity.identity` makes of the tag table; it is stored once beside the segments.
    """

    def __init__(
        self,
        directory: Path,
        boot: int,
        limits: Limits,
        identity: bytes,
        *,
        disk: Disk | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limits = limits
        self._box = Box(limits.memory_bytes, limits.chunk_bytes)
        self._writer = Writer(directory, boot, identity, limits, self._box, disk or Disk(), clock)
        self._thread = threading.Thread(target=self._writer.run, name="history", daemon=True)
        self._encoder = Encoder()
        self._chunk: Chunk | None = None
        self._last = Stamp(0, 0, 0)
        self._inputs = self._withheld = self._snapshots = 0
        self._dropped_inputs = self._dropped_snapshots = 0
        self._holes: list[HoleMark] = []

    def start(self) -> None:
        """Touch the buffers and start the writer thread."""
        self._box.touch()
        self._thread.start()

    def append(self, stamp: Stamp, item: Input) -> None:
        """Record one admitted input. Raises TypeError for `Personal`: call `withhold` with its stamp instead."""
        self._append(stamp, item)
        self._inputs += 1

    def withhold(self, stamp: Stamp) -> None:
        """A personal input had this number: say so, without its values, so that the numbers stay gap-free."""
        self._append(stamp, Withheld(stamp))
        self._withheld += 1

    def snapshot(self, seq: int, admit_ns: int, utc_ns: int, data: bytes) -> None:
        """Record the kernel's state after input `seq`; the next input begins a chunk, so a replay can start there."""
        self._seal()
        self._dropped(self._box.put(SnapshotItem(Stamp(seq, admit_ns, utc_ns), data)))
        self._snapshots += 1
        self._writer.wake.set()

    def close(self, timeout_s: float = 5.0) -> bool:
        """Drain and end; whether everything reached the disk in time. Blocks up to `timeout_s`: call it off the loop."""
        self._seal()
        self._writer.stopping = True
        self._writer.wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout_s)
        return self._writer.state == "stopped" and self._writer.lost_inputs == 0

    def status(self) -> RecorderStatus:
        """How recording goes, from any thread."""
        writer = self._writer
        alive = self._thread.is_alive() or writer.state == "starting"
        return RecorderStatus(
            state=writer.state if alive else "stopped",
            error=writer.error,
            inputs=self._inputs,
            withheld=self._withheld,
            snapshots=self._snapshots,
            dropped_inputs=self._dropped_inputs,
            dropped_snapshots=self._dropped_snapshots,
            holes=tuple((hole.first, hole.last, hole.reason) for hole in self._holes[-HOLES_SHOWN:]),
            pending_bytes=self._box.pending_bytes(),
            written_bytes=writer.written_bytes,
            kept_bytes=writer.kept_bytes,
            segments=writer.segments,
            oldest_utc_ns=writer.oldest_utc_ns,
            newest_utc_ns=self._last.utc_ns,
            lost_inputs=writer.lost_inputs,
        )

    def _append(self, stamp: Stamp, item: Input | Withheld) -> None:
        chunk = self._chunk
        if chunk is None or stamp.admit_ns - chunk.first.admit_ns >= self._limits.chunk_ns:
            chunk = self._begin(stamp, item)
        else:
            data = self._encoder.encode(stamp, item)
            if chunk.used + len(data) > len(chunk.buffer):
                chunk = self._begin(stamp, item)
            else:
                if stamp.seq != self._last.seq + 1:
                    _note(chunk.holes, HoleMark(self._last.seq + 1, stamp.seq - 1, "missing"))
                chunk.last = stamp
                chunk.append(data)
        if type(item) is Withheld:
            chunk.withheld += 1
        else:
            chunk.inputs += 1
        self._last = stamp

    def _begin(self, stamp: Stamp, item: Input | Withheld) -> Chunk:
        """A new chunk that begins with `item`; what had to be dropped to make room is said in it."""
        key = self._encoder.key(stamp)
        data = self._encoder.encode(stamp, item)
        self._seal()
        chunk = Chunk(self._box.buffer(len(key) + HOLE_BYTES + len(data)), stamp, stamp)
        hole = self._dropped(self._box.put(chunk))
        self._chunk = chunk
        said = b""
        if hole is not None:
            chunk.holes.append(HoleMark(hole.first, hole.last, hole.reason))
            code = layout.HOLE_REASONS.index(hole.reason)
            said = layout.frame(layout.HOLE.pack(layout.Kind.HOLE, code, hole.first, hole.last, 0, 0))
        chunk.append(key + said + data)
        return chunk

    def _seal(self) -> None:
        chunk, self._chunk = self._chunk, None
        if chunk is not None:
            self._box.shrink(chunk)
            chunk.sealed = True
            self._writer.wake.set()

    def _dropped(self, items: list[Chunk | SnapshotItem]) -> HoleMark | None:
        """Count what the box dropped; the hole of the latest outage as far as it has grown, None if nothing was dropped."""
        reason = "memory" if self._writer.state in ("starting", "recording") else "disk"
        found = False
        for item in items:
            if isinstance(item, SnapshotItem):
                self._dropped_snapshots += 1
                continue
            found = True
            self._dropped_inputs += item.inputs
            _note(self._holes, HoleMark(item.first.seq, item.last.seq, reason))
        return self._holes[-1] if found else None


def _note(holes: list[HoleMark], hole: HoleMark) -> None:
    """Add a hole: as part of the last one where they touch, or where the list is full and one more could grow for ever."""
    if holes and (hole.first == holes[-1].last + 1 or len(holes) >= HOLES_MAX):
        holes[-1].last = hole.last
    else:
        holes.append(hole)
