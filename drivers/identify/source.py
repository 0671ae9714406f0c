"""A capture as batches of packets: the format told by its first bytes, read in bounded pieces, gzip unpacked on the way."""

from __future__ import annotations

import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]

PIECE = 1 << 22  # bytes read at once: a batch of some ten thousand packets, small beside the memory of a box
MAX_PACKET = 262_144  # bytes; the largest snapshot length that capture programs use
PAD = 160  # zero bytes behind every batch, so that headers may be gathered without looking at its end first
_GZIP = b"\x1f\x8b"


class CaptureError(Exception):
    """A capture that cannot be read (further): `reason` is a key of the catalogue, `offset` in bytes of the unpacked file."""

    def __init__(self, reason: str, offset: int, found: str = "") -> None:
        super().__init__(f"{reason} at byte {offset}: {found}")
        self.reason, self.offset, self.found = reason, offset, found


@dataclass(slots=True)
class Batch:
    """Packets of one piece: `start` and `size` into `data` (which ends in PAD zero bytes), `wire` their length on the wire."""

    data: Bytes
    start: Ints
    size: Ints
    wire: Ints
    link: Ints
    first_ns: int = 0
    last_ns: int = 0


@dataclass(slots=True)
class Piece:
    """What a format's walk over one piece found; `used` bytes of it are done with."""

    used: int = 0
    start: list[int] = field(default_factory=list)
    size: list[int] = field(default_factory=list)
    wire: list[int] = field(default_factory=list)
    link: list[int] = field(default_factory=list)
    first_ns: int = 0
    last_ns: int = 0
    error: CaptureError | None = None


class Format(ABC):
    """One capture format: `walk` finds whole packets in `data`, which begins at `offset` of the file; damage ends the piece."""

    @abstractmethod
    def walk(self, data: bytes, offset: int) -> Piece:
        """The packets of this piece."""


def unpacked(read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    """`read`, unpacking gzip where the file is packed. A damaged packing ends the file like a cut one."""
    head = read(PIECE)
    if not head.startswith(_GZIP):
        return _after(head, read)
    inflate = zlib.decompressobj(wbits=31)
    waiting = head

    def more(most: int) -> bytes:
        nonlocal inflate, waiting
        while True:
            if not waiting:
                waiting = read(PIECE)
            if not waiting:
                return b""
            try:
                out = inflate.decompress(waiting, most)
            except zlib.error as error:
                raise CaptureError("gzip", 0, str(error)) from error
            waiting = inflate.unconsumed_tail
            if inflate.eof:  # files may be several packings one after the other
                waiting, inflate = inflate.unused_data, zlib.decompressobj(wbits=31)
            if out:
                return out

    return more


def _after(head: bytes, read: Callable[[int], bytes]) -> Callable[[int], bytes]:
    kept = [head] if head else []
    return lambda most: kept.pop() if kept else read(most)


def batches(read: Callable[[int], bytes], formats: Callable[[bytes], Format]) -> Iterator[Batch]:
    """The packets of a capture, piece by piece. Raises CaptureError where it stops being readable, after all before it."""
    read = unpacked(read)
    rest, offset = b"", 0
    walker: Format | None = None
    while True:
        fresh = read(PIECE)
        data = rest + fresh if rest else fresh
        if walker is None:
            if len(data) < 24 and fresh:
                rest = data
                continue
            walker = formats(data)
        piece = walker.walk(data, offset)
        if piece.start:
            yield _batch(data, piece)
        if piece.error is not None:
            raise piece.error
        rest, offset = data[piece.used :], offset + piece.used
        if not fresh:
            if rest:
                raise CaptureError("cut", offset, str(len(rest)))
            return
        if len(rest) > 8 * PIECE:
            raise CaptureError("block", offset, str(len(rest)))


def _batch(data: bytes, piece: Piece) -> Batch:
    whole = np.frombuffer(data[: piece.used] + bytes(PAD), np.uint8)
    columns = [np.array(column, np.int64) for column in (piece.start, piece.size, piece.wire, piece.link)]
    return Batch(whole, columns[0], columns[1], columns[2], columns[3], piece.first_ns, piece.last_ns)
