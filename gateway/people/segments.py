"""Sealed blocks in files of one hour each: appended, read back, and deleted whole when their time is over.

A file is deleted `keep` hours after its hour *began*, so nothing in it is older than that. Headers are plain and mean nothing
by themselves: a number drawn by chance, the kind of stream, a running number. May block: call it in the vault's thread.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from gateway.people.files import append
from gateway.people.sealing import NONCE_BYTES

HOUR_MS = 3_600_000
MAGIC = b"GHV1"
HEADER = struct.Struct("<4s16s16sQQII")  # magic, worker, stream, first running number, UTC ms, part of the key, length
BLOCK_MAX = 1 << 22  # of nonce and ciphertext


@dataclass(frozen=True, slots=True)
class Block:
    """One sealed block. `utc_ms` is when the gateway received it, `about` what it was authenticated with."""

    worker: bytes
    stream: str
    sequence: int
    utc_ms: int
    part: int
    nonce: bytes
    sealed: bytes

    @property
    def day(self) -> int:
        """The day whose key seals it."""
        return self.utc_ms // (24 * HOUR_MS)

    @property
    def about(self) -> bytes:
        """Worker, stream and running number, with the time and the part of the key."""
        return about(self.worker, self.stream, self.sequence, self.utc_ms, self.part)


def about(worker: bytes, stream: str, sequence: int, utc_ms: int, part: int) -> bytes:
    """What a block is authenticated with."""
    return struct.pack("<16s16sQQI", worker, stream.encode(), sequence, utc_ms, part)


class Segments:
    """The blocks of one tier (`raw`, `event`) of a vault, kept `hours`."""

    def __init__(self, folder: Path, hours: int) -> None:
        self.folder = folder
        self.hours = hours

    def files(self) -> list[Path]:
        """All hours there are, oldest first."""
        return sorted(self.folder.glob("*.seg"))

    def append(self, blocks: list[Block], *, durable: bool = False) -> None:
        """Write blocks behind those of their hour. Raises OSError."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        by_hour: dict[int, list[bytes]] = {}
        for block in blocks:
            stream = block.stream.encode()
            length = len(block.nonce) + len(block.sealed)
            assert length <= BLOCK_MAX, "a longer block would end the file for whoever reads it"
            head = HEADER.pack(MAGIC, block.worker, stream, block.sequence, block.utc_ms, block.part, length)
            by_hour.setdefault(block.utc_ms // HOUR_MS, []).extend((head, block.nonce, block.sealed))
        for hour, parts in by_hour.items():
            append(self._path(hour), b"".join(parts), sync=durable)

    def _path(self, hour: int) -> Path:
        return self.folder / f"{hour:08d}.seg"

    def read(self, from_ms: int = 0, to_ms: int = 1 << 62, worker: bytes | None = None) -> Iterator[Block]:
        """Blocks of a span and a worker, in the order they were written; what a power cut tore ends its file."""
        for path in self.files():
            hour_ms = int(path.stem) * HOUR_MS
            if hour_ms + HOUR_MS > from_ms and hour_ms < to_ms:
                yield from (one for one in blocks_of(path, worker) if from_ms <= one.utc_ms < to_ms)

    def expire(self, now_ms: int) -> list[Path]:
        """Delete the hours whose beginning is further back than is kept. Gives what was deleted."""
        gone = [path for path in self.files() if int(path.stem) * HOUR_MS + self.hours * HOUR_MS <= now_ms]
        for path in gone:
            path.unlink(missing_ok=True)
        return gone

    def shrink(self, bytes_max: int) -> list[Path]:
        """Delete the oldest hours, but for the one that runs, until the rest has room. Gives what was deleted."""
        files = self.files()
        left, gone = sum(path.stat().st_size for path in files), []
        for path in files[:-1]:
            if left <= bytes_max:
                break
            left -= path.stat().st_size
            path.unlink()
            gone.append(path)
        return gone


def blocks_of(path: Path, worker: bytes | None = None) -> Iterator[Block]:
    """The whole blocks of a file. Raises OSError."""
    with path.open("rb") as file:
        while len(head := file.read(HEADER.size)) == HEADER.size:
            magic, number, stream, sequence, utc_ms, part, length = HEADER.unpack(head)
            if magic != MAGIC or length > BLOCK_MAX:
                return
            if worker is not None and number != worker:
                file.seek(length, os.SEEK_CUR)
                continue
            nonce, sealed = file.read(NONCE_BYTES), file.read(max(0, length - NONCE_BYTES))
            if len(nonce) + len(sealed) < length:
                return
            yield Block(number, stream.rstrip(b"\0").decode("ascii", "replace"), sequence, utc_ms, part, nonce, sealed)


def digest(path: Path) -> str:
    """SHA-256 of a closed file."""
    with path.open("rb") as file:
        whole = sha256()
        while part := file.read(1 << 20):
            whole.update(part)
    return whole.hexdigest()
