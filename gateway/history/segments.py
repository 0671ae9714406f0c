"""Segment files: written preallocated and in order by one thread, each with an index beside it once it is closed."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from gateway.core.samples import Stamp
from gateway.history import layout
from gateway.history.codec import NONSENSE, Decoder, Hole, Key, Snapshot, Withheld

SUFFIX = ".ghh"
INDEX_SUFFIX = ".ghx"
HOLES_MAX = 64  # holes listed one by one in a segment; later ones are merged into the last


class SnapshotMark(msgspec.Struct, frozen=True, array_like=True):
    """Where a kernel snapshot lies; it holds after input `seq`."""

    offset: int
    seq: int
    admit_ns: int
    utc_ns: int
    bytes: int


class HoleMark(msgspec.Struct, array_like=True):
    """Numbers that are missing, first and last included; `reason` is one of layout.HOLE_REASONS."""

    first: int
    last: int
    reason: str


class Index(msgspec.Struct, forbid_unknown_fields=True):
    """What a segment holds. `keys` = (offset, seq, utc_ns) of each chunk; `torn_bytes` = damaged and skipped."""

    boot: int
    identity: str
    first_seq: int
    last_seq: int
    first_utc_ns: int
    last_utc_ns: int
    inputs: int = 0
    withheld: int = 0
    used_bytes: int = layout.HEADER_BYTES
    torn_bytes: int = 0
    keys: list[tuple[int, int, int]] = []
    snapshots: list[SnapshotMark] = []
    holes: list[HoleMark] = []

    def add_hole(self, first: int, last: int, reason: str) -> None:
        """Note missing numbers; overlapping ones are one hole, and its most telling reason stays."""
        for hole in self.holes:
            if first <= hole.last + 1 and last >= hole.first - 1:
                hole.first, hole.last = min(first, hole.first), max(last, hole.last)
                hole.reason = reason if hole.reason == "missing" else hole.reason
                return
        if len(self.holes) >= HOLES_MAX:
            self.holes[-1].last = last
            return
        self.holes.append(HoleMark(first, last, reason))


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Index).decode


def segment_name(boot: int, first_seq: int, part: int) -> str:
    """File name of a segment; `part` tells those apart that begin at one number (a snapshot alone, a write that failed)."""
    return f"{boot:010d}-{first_seq:018d}-{part:03d}{SUFFIX}"


def segment_key(path: Path) -> tuple[int, ...] | None:
    """(boot, first seq, part) that the name of a segment says, None for any other file."""
    parts = path.stem.split("-")
    return (
        tuple(map(int, parts)) if path.suffix == SUFFIX and len(parts) == 3 and all(map(str.isdigit, parts)) else None
    )


def segment_paths(directory: Path) -> list[Path]:
    """All segments of a directory, oldest first."""
    found = [(key, path) for path in directory.glob(f"*{SUFFIX}") if (key := segment_key(path)) is not None]
    return [path for _, path in sorted(found)]


def identity_digest(identity: bytes) -> bytes:
    """What a segment's header says of the tag names it was recorded with."""
    return hashlib.sha256(identity).digest()


def identity_path(directory: Path, digest_hex: str) -> Path:
    """The tag-name sidecar with this digest."""
    return directory / f"tags-{digest_hex[:32]}.json"


class _Scan:
    """Collects an Index from the records of one segment."""

    def __init__(self, data: bytes) -> None:
        boot, seq, _, utc_ns, digest = layout.parse_header(data)
        self.index = Index(boot, digest.hex(), seq, seq - 1, utc_ns, utc_ns)
        self._decoder = Decoder()

    def take(self, offset: int, payload: memoryview, end: int) -> None:
        index = self.index
        item = self._decoder.stamp_only(payload)
        if isinstance(item, Stamp | Withheld):
            stamp = item.stamp if isinstance(item, Withheld) else item
            if stamp.seq > index.last_seq + 1:
                index.add_hole(index.last_seq + 1, stamp.seq - 1, "missing")
            index.last_seq, index.last_utc_ns = max(index.last_seq, stamp.seq), stamp.utc_ns
            index.withheld += isinstance(item, Withheld)
            index.inputs += not isinstance(item, Withheld)
        elif isinstance(item, Key):
            index.keys.append((offset, item.stamp.seq, item.stamp.utc_ns))
        elif isinstance(item, Snapshot):
            index.snapshots.append(SnapshotMark(offset, item.seq, item.admit_ns, item.utc_ns, len(item.data)))
        elif isinstance(item, Hole):
            index.add_hole(item.first, item.last, item.reason)
        index.used_bytes = end


def scan(path: Path) -> Index:
    """Index of a segment from its records alone. Raises layout.FormatError, OSError."""
    data = path.read_bytes()
    found = _Scan(data)
    for offset, payload, end in layout.walk(data, layout.HEADER_BYTES):
        if payload is None:
            found.index.torn_bytes += end - offset
            continue
        try:
            found.take(offset, payload, end)
        except NONSENSE:
            found.index.torn_bytes += end - offset
    return found.index


def read_index(path: Path) -> tuple[Index, bool]:
    """(index, closed) of a segment: from the file beside it, or by a scan where the writer has not finished it.

    Raises layout.FormatError, OSError.
    """
    try:
        return _decode(path.with_suffix(INDEX_SUFFIX).read_bytes()), True
    except (FileNotFoundError, msgspec.DecodeError):
        return scan(path), False


def write_index(path: Path, index: Index) -> None:
    """Put the index beside segment `path`, at once or not at all."""
    target = path.with_suffix(INDEX_SUFFIX)
    fresh = target.with_suffix(".tmp")
    fresh.write_bytes(_encode(index))
    fresh.replace(target)


class Disk:
    """The few calls of the operating system that history writes with; tests put a slow or full disk in its place."""

    def create(self, path: Path, size: int, reserve: int) -> int:
        """A new file of `size` bytes that are really there. Raises OSError if that would leave less than `reserve`."""
        space = os.statvfs(path.parent)
        if space.f_bavail * space.f_frsize < size + reserve:
            raise OSError(28, "too little space left for history")
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        try:
            os.posix_fallocate(fd, 0, size)
        except OSError:
            os.close(fd)
            path.unlink()
            raise
        return fd

    def write(self, fd: int, data: memoryview | bytes) -> None:
        """All of `data` at the file's position."""
        view = memoryview(data)
        while len(view):
            view = view[os.write(fd, view) :]

    def sync(self, fd: int) -> None:
        """Make what was written survive a power cut."""
        os.fdatasync(fd)


@dataclass(slots=True)
class Segment:
    """The file being written."""

    disk: Disk
    path: Path
    index: Index
    size: int
    fd: int
    opened_ns: int
    chunk_at: int = field(default=0)  # where the chunk being written begins

    def write(self, data: memoryview | bytes) -> None:
        """Append to the file. Raises OSError."""
        self.disk.write(self.fd, data)
        self.index.used_bytes += len(data)

    def close(self) -> None:
        """Give back what was preallocated and not needed, write the index. Raises OSError, closed in any case."""
        try:
            os.ftruncate(self.fd, self.index.used_bytes)
            self.disk.sync(self.fd)
            write_index(self.path, self.index)
        finally:
            os.close(self.fd)

    def abandon(self, keep_bytes: int) -> None:
        """Close a file that failed; what lies beyond `keep_bytes` is cut where the disk still lets us."""
        try:
            with suppress(OSError):
                os.ftruncate(self.fd, keep_bytes)
        finally:
            os.close(self.fd)


def open_segment(
    disk: Disk, directory: Path, stamp: Stamp, boot: int, identity: bytes, size: int, reserve: int
) -> Segment:
    """A new preallocated segment that begins at `stamp`; no file is ever written over. Raises OSError."""
    part = 0
    while (path := directory / segment_name(boot, stamp.seq, part)).exists():
        part += 1
    fd = disk.create(path, size, reserve)
    index = Index(boot, identity.hex(), stamp.seq, stamp.seq - 1, stamp.utc_ns, stamp.utc_ns)
    segment = Segment(disk, path, index, size, fd, stamp.admit_ns)
    try:
        disk.write(fd, layout.header(boot, stamp.seq, stamp.admit_ns, stamp.utc_ns, identity))
    except OSError:
        os.close(fd)
        path.unlink(missing_ok=True)
        raise
    return segment


@dataclass(slots=True)
class Kept:
    """A finished segment as retention sees it."""

    path: Path
    last_utc_ns: int
    bytes: int
    identity: str
    first_utc_ns: int = 0


def mend(directory: Path) -> list[Kept]:
    """Cut the unwritten and torn ends of segments an earlier process left open, index them; all, oldest first.

    A file that is no segment of ours is left alone and not listed. Raises OSError.
    """
    kept: list[Kept] = []
    for path in segment_paths(directory):
        try:
            index, closed = read_index(path)
        except layout.FormatError:
            continue
        if not closed:
            os.truncate(path, index.used_bytes)
            write_index(path, index)
        kept.append(Kept(path, index.last_utc_ns, path.stat().st_size, index.identity, index.first_utc_ns))
    return kept


def retire(kept: list[Kept], *, room: int, oldest_utc_ns: int) -> int:
    """Delete oldest segments, until `room` bytes hold the rest and none ended before `oldest_utc_ns`.

    Returns how many went. Raises OSError.
    """
    gone = 0
    while kept and (sum(k.bytes for k in kept) > room or kept[0].last_utc_ns < oldest_utc_ns):
        kept[0].path.unlink(missing_ok=True)
        kept[0].path.with_suffix(INDEX_SUFFIX).unlink(missing_ok=True)
        del kept[0]
        gone += 1
    return gone


def forget_identities(directory: Path, used: Iterable[str]) -> None:
    """Delete the tag-name sidecars that no segment refers to any more. Raises OSError."""
    names = {identity_path(directory, digest).name for digest in used}
    for path in directory.glob("tags-*.json"):
        if path.name not in names:
            path.unlink()


def give_up_oldest(directory: Path) -> bool:
    """Delete the oldest segment for the sake of what must not be lost; False where only the newest one is left."""
    paths = segment_paths(directory)
    for path in paths[:-1]:
        path.unlink(missing_ok=True)
        path.with_suffix(INDEX_SUFFIX).unlink(missing_ok=True)
        return True
    return False
