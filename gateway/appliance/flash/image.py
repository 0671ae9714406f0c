"""An image and its signed map: which ranges of it hold anything, and the SHA-256 of each. Only those are written and read back."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.appliance.trust import signer
from gateway.appliance.words import FAILED, NOT_PERMITTED, ApplianceError

STEP = 4 << 20  # bytes of one range at most: what is read back and compared at a time
ALIGNED = 4096
FORM = 1
MAP, SIGNATURE = ".map.json", ".map.sig"


class Range(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the image that holds something."""

    offset: int
    size: int
    sha256: str


class Map(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole image: its size and its ranges in order."""

    form: int
    size: int
    ranges: tuple[Range, ...]

    @property
    def mapped(self) -> int:
        """Bytes that are written."""
        return sum(one.size for one in self.ranges)


def make(image: Path, key: Ed25519PrivateKey) -> Map:
    """Write the map and its signature beside the image. Raises OSError."""
    with image.open("rb") as file:
        ranges = tuple(_range(file.fileno(), offset, size) for offset, size in _mapped(file.fileno()))
        found = Map(FORM, os.fstat(file.fileno()).st_size, ranges)
    text = msgspec.json.encode(found)
    image.with_name(image.name + MAP).write_bytes(text)
    image.with_name(image.name + SIGNATURE).write_bytes(key.sign(text))
    return found


def _range(handle: int, offset: int, size: int) -> Range:
    return Range(offset, size, hashlib.sha256(os.pread(handle, size, offset)).hexdigest())


def _mapped(handle: int) -> Iterator[tuple[int, int]]:
    """Offsets and sizes of what is not a hole, on whole blocks, in steps."""
    size, at = os.fstat(handle).st_size, 0
    while at < size:
        try:
            begin = os.lseek(handle, at, os.SEEK_DATA) // ALIGNED * ALIGNED
        except OSError as error:
            if error.errno == errno.ENXIO:  # nothing but holes behind
                return
            raise
        end = min(size, -(-os.lseek(handle, begin, os.SEEK_HOLE) // ALIGNED) * ALIGNED)
        for offset in range(begin, end, STEP):
            yield offset, min(STEP, end - offset)
        at = end


def read(image: Path, keys: dict[str, Ed25519PublicKey]) -> Map:
    """The map of an image, signed by one of `keys` and sane. Raises ApplianceError, OSError."""
    text = image.with_name(image.name + MAP).read_bytes()
    if not signer(keys, image.with_name(image.name + SIGNATURE).read_bytes(), text):
        raise ApplianceError(NOT_PERMITTED, "signature", file=image, known=", ".join(keys))
    found = msgspec.json.decode(text, type=Map)
    if found.form != FORM:
        raise ApplianceError(FAILED, "manifest", why=f"form {found.form}")
    at = 0
    for one in found.ranges:
        if one.offset < at or not 0 < one.size <= STEP or one.offset + one.size > found.size:
            raise ApplianceError(FAILED, "manifest", why=f"range at {one.offset}")
        at = one.offset + one.size
    return found
