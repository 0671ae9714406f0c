"""The bundle file: an uncompressed tar in one fixed order whose every byte follows from the signed manifest.

`manifest.json`, `manifest.sig`, then the files by path. A reader knows each header and each filling byte beforehand, so one
changed bit anywhere is found, and nothing but a bounded first member is read before the signature stands.
"""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.appliance.manifest import Entry, Manifest, decode, encode
from gateway.appliance.trust import SIGNATURE_BYTES, signer
from gateway.appliance.words import FAILED, NOT_PERMITTED, ApplianceError

SUFFIX = ".ghb"
BLOCK = 512
CHUNK = 1 << 20
MANIFEST_MAX = 4 << 20
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
END = bytes(2 * BLOCK)

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Opened:
    """A bundle whose manifest is signed by the key of that name; where each file begins."""

    path: Path
    manifest: Manifest
    digest: str  # SHA-256 of the manifest
    key: str
    starts: Mapping[str, int]


def write(target: Path, manifest: Manifest, key: Ed25519PrivateKey, files: Mapping[str, Path]) -> None:
    """Write the bundle; `files` says where the contents of each entry lie. Raises OSError, KeyError."""
    text = encode(manifest)
    with target.open("wb") as out:
        for name, data in ((MANIFEST, text), (SIGNATURE, key.sign(text))):
            out.write(header(name, len(data), manifest.built_s) + data + filling(len(data)))
        for entry in manifest.files:
            out.write(header(entry.path, entry.size, manifest.built_s))
            with files[entry.path].open("rb") as source:
                while chunk := source.read(CHUNK):
                    out.write(chunk)
            out.write(filling(entry.size))
        out.write(END)


def header(name: str, size: int, mtime_s: int) -> bytes:
    """The one header that a file of this name and size can have: a plain file of root, readable by all."""
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, mtime_s, 0o644
    return info.tobuf(tarfile.USTAR_FORMAT, "utf-8", "strict")


def filling(size: int) -> bytes:
    """Zeros up to the next block."""
    return bytes(-size % BLOCK)


def open_signed(path: Path, keys: Mapping[str, Ed25519PublicKey]) -> Opened:
    """Check the signature, then read the manifest; the files are not looked at. Raises ApplianceError."""
    try:
        with path.open("rb") as file:
            return _opened(path, file, keys)
    except OSError as error:
        raise ApplianceError(FAILED, "unreadable", file=path, why=error) from error


def _opened(path: Path, file: BinaryIO, keys: Mapping[str, Ed25519PublicKey]) -> Opened:
    text, head = _first(path, file)
    mark = file.read(BLOCK)
    data = file.read(BLOCK)
    key = signer(keys, data[:SIGNATURE_BYTES], text)
    if not key:
        raise ApplianceError(NOT_PERMITTED, "signature", file=path, known=", ".join(keys))
    found = decode(text)
    expected = header(SIGNATURE, SIGNATURE_BYTES, found.built_s) + filling(SIGNATURE_BYTES)
    if mark + data[SIGNATURE_BYTES:] != expected or head != header(MANIFEST, len(text), found.built_s):
        raise ApplianceError(FAILED, "not-a-bundle", file=path)
    starts, at = dict[str, int](), file.tell()
    for entry in found.files:
        starts[entry.path] = at + BLOCK
        at += BLOCK + entry.size + (-entry.size % BLOCK)
    return Opened(path, found, hashlib.sha256(text).hexdigest(), key, starts)


def _first(path: Path, file: BinaryIO) -> tuple[bytes, bytes]:
    """The bytes of the manifest and its header: of the header only the size is believed, and only up to a bound."""
    head = file.read(BLOCK)
    name, digits = head[: len(MANIFEST) + 1], head[124:136].strip(b"\0 ")
    size = int(digits, 8) if digits.isdigit() and not digits.strip(b"01234567") else MANIFEST_MAX + 1
    if name != MANIFEST.encode() + b"\0" or not 0 < size <= MANIFEST_MAX:
        raise ApplianceError(FAILED, "not-a-bundle", file=path)
    text = file.read(size)
    if file.read(-size % BLOCK) != filling(size) or len(text) != size:
        raise ApplianceError(FAILED, "not-a-bundle", file=path)
    return text, head


def check_all(opened: Opened, progress: Progress = lambda _bytes: None) -> None:
    """Every byte of the bundle is as signed. Raises ApplianceError with the first file that is not."""
    path, manifest = opened.path, opened.manifest
    try:
        with path.open("rb") as file:
            for entry in manifest.files:
                start = opened.starts[entry.path]
                file.seek(start - BLOCK)
                if file.read(BLOCK) != header(entry.path, entry.size, manifest.built_s):
                    raise ApplianceError(FAILED, "differs", path=entry.path)
                for chunk in _checked(file, entry):
                    progress(len(chunk))
                if file.read(-entry.size % BLOCK) != filling(entry.size):
                    raise ApplianceError(FAILED, "differs", path=entry.path)
            if file.read(len(END) + 1) != END:
                raise ApplianceError(FAILED, "trailing", file=path)
    except OSError as error:
        raise ApplianceError(FAILED, "unreadable", file=path, why=error) from error


def copy(opened: Opened, entry: Entry, target: Path) -> None:
    """Write one file of the bundle, checked once more while it is read. Raises ApplianceError, OSError."""
    with opened.path.open("rb") as file, target.open("wb") as out:
        file.seek(opened.starts[entry.path])
        for chunk in _checked(file, entry):
            out.write(chunk)


def _checked(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    """The bytes of `entry`; raises ApplianceError at the end where they are not those that were signed."""
    digest, left = hashlib.sha256(), entry.size
    while left and (chunk := file.read(min(CHUNK, left))):
        digest.update(chunk)
        left -= len(chunk)
        yield chunk
    if left or digest.hexdigest() != entry.sha256:
        raise ApplianceError(FAILED, "differs", path=entry.path)
