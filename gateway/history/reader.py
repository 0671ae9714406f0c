"""What was recorded, read back: segments, inputs in order, snapshots, and how much of it there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from gateway.core.samples import Input, Stamp
from gateway.history import layout
from gateway.history.codec import NONSENSE, Decoder, Snapshot
from gateway.history.segments import HoleMark, Index, SnapshotMark, identity_path, read_index, segment_paths


@dataclass(frozen=True, slots=True)
class SegmentInfo:
    """One segment. `closed` = its writer finished it; `index.torn_bytes` says how much of it is damaged."""

    path: Path
    index: Index
    closed: bool


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """A kernel snapshot on disk; it holds after input `seq` of `boot`."""

    boot: int
    seq: int
    admit_ns: int
    utc_ns: int
    path: Path
    offset: int

    def read(self) -> bytes:
        """The snapshot's bytes. Raises OSError, layout.FormatError if they are damaged."""
        with self.path.open("rb") as file:
            file.seek(self.offset)
            head = file.read(layout.FRAME.size)
            if len(head) == layout.FRAME.size:
                data = head + file.read(layout.FRAME.unpack(head)[0])
                for _, payload, _ in layout.walk(data, 0):
                    item = None if payload is None else Decoder().feed(payload)
                    if isinstance(item, Snapshot):
                        return item.data
        raise layout.FormatError(f"snapshot after input {self.seq} is damaged")


@dataclass(frozen=True, slots=True)
class BootCoverage:
    """What is kept of one boot; `holes` are numbers inside it that are missing, with the reason."""

    boot: int
    first_seq: int
    last_seq: int
    first_utc_ns: int
    last_utc_ns: int
    inputs: int
    withheld: int
    snapshots: int
    bytes: int
    torn_bytes: int
    holes: tuple[tuple[int, int, str], ...]


def segments(directory: Path) -> list[SegmentInfo]:
    """All readable segments, oldest first; files that are no segments of this version are left out. Raises OSError."""
    found = []
    for path in segment_paths(directory):
        with suppress(layout.FormatError, FileNotFoundError):  # retention may delete while we look
            index, closed = read_index(path)
            found.append(SegmentInfo(path, index, closed))
    return found


def identity_bytes(directory: Path, info: SegmentInfo) -> bytes:
    """The tag-name sidecar the segment was recorded with. Raises OSError."""
    return identity_path(directory, info.index.identity).read_bytes()


def snapshots(directory: Path, *, boot: int | None = None) -> list[SnapshotInfo]:
    """All snapshots, oldest first. Raises OSError."""
    return [
        SnapshotInfo(info.index.boot, mark.seq, mark.admit_ns, mark.utc_ns, info.path, mark.offset)
        for info in segments(directory)
        if boot is None or info.index.boot == boot
        for mark in info.index.snapshots
    ]


def coverage(directory: Path) -> list[BootCoverage]:
    """What is kept, boot by boot, holes stated. Raises OSError."""
    boots: dict[int, list[SegmentInfo]] = {}
    for info in segments(directory):
        boots.setdefault(info.index.boot, []).append(info)
    return [_cover(boot, parts) for boot, parts in boots.items()]


def _cover(boot: int, parts: list[SegmentInfo]) -> BootCoverage:
    indexes = [part.index for part in parts]
    first, last = indexes[0].first_seq, max(index.last_seq for index in indexes)
    whole = Index(boot, "", first, last, indexes[0].first_utc_ns, indexes[-1].last_utc_ns)
    end = first - 1
    for index in indexes:
        if index.first_seq > end + 1:
            whole.add_hole(end + 1, index.first_seq - 1, "missing")
        end = max(end, index.last_seq)
    for index in indexes:
        for hole in index.holes:
            whole.add_hole(hole.first, hole.last, hole.reason)
    return BootCoverage(
        boot,
        first,
        last,
        whole.first_utc_ns,
        whole.last_utc_ns,
        sum(index.inputs for index in indexes),
        sum(index.withheld for index in indexes),
        sum(len(index.snapshots) for index in indexes),
        sum(index.used_bytes for index in indexes),
        sum(index.torn_bytes for index in indexes),
        tuple((h.first, h.last, h.reason) for h in sorted(whole.holes, key=_first) if h.last >= first),
    )


def _first(hole: HoleMark) -> int:
    return hole.first


def inputs(
    directory: Path,
    *,
    boot: int | None = None,
    from_seq: int | None = None,
    to_seq: int | None = None,
    from_utc_ns: int | None = None,
    to_utc_ns: int | None = None,
) -> Iterator[tuple[Stamp, Input]]:
    """Recorded inputs in the order of boots and numbers, each number once; bounds are included.

    Damaged records are skipped up to the next chunk; `coverage` says what is missing. Raises OSError.
    """
    last = (-1, -1)
    for info in segments(directory):
        if boot is None or info.index.boot == boot:
            for stamp, item in _filtered(info, from_seq, to_seq, from_utc_ns, to_utc_ns):
                at = (info.index.boot, stamp.seq)
                if at > last:  # a chunk whose write failed is there again, whole, in the next segment
                    last = at
                    yield stamp, item


def _filtered(
    info: SegmentInfo, from_seq: int | None, to_seq: int | None, from_utc_ns: int | None, to_utc_ns: int | None
) -> Iterator[tuple[Stamp, Input]]:
    """Inputs of one segment inside the bounds."""
    index = info.index
    if (from_seq is not None and index.last_seq < from_seq) or (to_seq is not None and index.first_seq > to_seq):
        return
    times = [index.first_utc_ns, index.last_utc_ns, *(utc_ns for _, _, utc_ns in index.keys)]
    if from_utc_ns is not None and max(times) < from_utc_ns:
        return
    start = _start(index, from_seq)
    for stamp, item in segment_inputs(info.path, start):
        if to_seq is not None and stamp.seq > to_seq:
            return
        if from_seq is not None and stamp.seq < from_seq:
            continue
        if from_utc_ns is not None and stamp.utc_ns < from_utc_ns:
            continue
        if to_utc_ns is not None and stamp.utc_ns > to_utc_ns:
            continue
        yield stamp, item


def _start(index: Index, from_seq: int | None) -> int:
    """Offset of the last chunk that begins at or before `from_seq`."""
    at = layout.HEADER_BYTES
    if from_seq is not None:
        for offset, seq, _ in index.keys:
            if seq <= from_seq:
                at = offset
    return at


def segment_inputs(path: Path, offset: int = layout.HEADER_BYTES) -> Iterator[tuple[Stamp, Input]]:
    """Inputs of one segment from the chunk at `offset` on. Raises OSError."""
    return decoded(path.read_bytes(), offset)


def decoded(data: bytes, offset: int = 0) -> Iterator[tuple[Stamp, Input]]:
    """Inputs in bytes that an Encoder made, from the chunk at `offset` on."""
    decoder = Decoder()
    sound = True  # after damage nothing is decoded until a chunk begins
    for _, payload, _ in layout.walk(data, offset):
        if payload is None:
            sound = False
            continue
        if payload[0] == layout.Kind.KEY:
            sound = True
        if not sound:
            continue
        try:
            item = decoder.feed(payload)
        except NONSENSE:
            sound = False
            continue
        if isinstance(item, tuple):
            yield item


__all__ = [
    "BootCoverage",
    "SegmentInfo",
    "SnapshotInfo",
    "SnapshotMark",
    "coverage",
    "decoded",
    "identity_bytes",
    "inputs",
    "segment_inputs",
    "segments",
    "snapshots",
]
