"""Versions as files that are written once: `000001.version`, its signatures `000001.<person>.sig`, its evidence `000001.<n>.evidence`.

Nothing is ever changed or deleted here. A version's first line is its digest, the rest its canonical bytes; one that does
not agree with itself or with its parent is damaged, and nothing of it is loaded.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from gateway.activation.signature import Signature, TextError, from_text, to_text
from gateway.activation.version import Evidence, Version, encode

FOLDER = "versions"
VERSION_MAX_BYTES = 16 << 20
SUFFIX, SIGNATURE, EVIDENCE = ".version", ".sig", ".evidence"


@dataclass(frozen=True, slots=True)
class Kept:
    """What the folder holds: sound versions by number with what belongs to them, and the names of damaged files."""

    versions: dict[int, Version] = field(default_factory=dict)
    digests: dict[int, str] = field(default_factory=dict)
    signatures: dict[int, dict[str, Signature]] = field(default_factory=dict)  # number -> person -> signature
    evidence: dict[int, list[Evidence]] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()
    taken: int = 0  # the highest number on the disk, damaged or not

    def head(self) -> tuple[int, str]:
        """Number and digest of the newest version, (0, "") without one."""
        last = max(self.versions, default=0)
        return last, self.digests.get(last, "")


def read(directory: Path) -> Kept:
    """Everything under the state folder `directory`, each file checked. Raises OSError."""
    folder, kept, damaged, taken = directory / FOLDER, Kept(), list[str](), 0
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith("."):
            continue  # a file that was being written when the power went
        if path.name[:6].isdigit() and path.name.endswith(SUFFIX):
            taken = max(taken, int(path.name[:6]))
        if not _take(path, kept):
            damaged.append(path.name)
    for number in sorted(kept.versions):
        parent = kept.versions[number].parent
        if number > 1 and number - 1 in kept.digests and kept.digests[number - 1] != parent:
            damaged.append(f"{number:06}{SUFFIX}")
    for name in damaged:
        if name.endswith(SUFFIX) and name[:6].isdigit():
            kept.versions.pop(int(name[:6]), None)
            kept.digests.pop(int(name[:6]), None)
    return Kept(kept.versions, kept.digests, kept.signatures, kept.evidence, tuple(damaged), taken)


def _take(path: Path, kept: Kept) -> bool:
    number, _, rest = path.name.partition(".")
    if not (number.isascii() and number.isdigit()):
        return False
    data = path.read_bytes() if path.stat().st_size <= VERSION_MAX_BYTES else b""
    try:
        if path.suffix == SIGNATURE:
            kept.signatures.setdefault(int(number), {})[rest.removesuffix(SIGNATURE)] = from_text(data.decode())
        elif path.suffix == EVIDENCE:
            found = msgspec.json.decode(_body(data), type=Evidence)
            kept.evidence.setdefault(int(number), []).append(found)
        elif rest == SUFFIX.removeprefix("."):
            version = msgspec.json.decode(_body(data), type=Version)
            if version.number != int(number) or not version.sound():
                return False
            kept.versions[version.number], kept.digests[version.number] = version, version.digest()
        else:
            return False
    except (msgspec.DecodeError, UnicodeDecodeError, TextError, ValueError):
        return False
    return True


def _body(data: bytes) -> bytes:
    """What stands behind the digest of the first line. Raises ValueError where it is not of that digest."""
    line, _, body = data.partition(b"\n")
    if line.decode("ascii") != hashlib.sha256(body).hexdigest():
        raise ValueError("the digest is of something else")
    return body


def load_version(path: Path) -> Version | None:
    """The version in one file, as it was carried to another machine; None where it is damaged. Raises OSError."""
    try:
        version = msgspec.json.decode(_body(path.read_bytes()), type=Version)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        return None
    return version if version.sound() else None


def add_version(directory: Path, version: Version) -> None:
    """Keep a version for ever. Raises FileExistsError where its number is taken, OSError."""
    _write(directory, f"{version.number:06}{SUFFIX}", _sealed(encode(version)))


def add_signature(directory: Path, number: int, person: str, signature: Signature) -> None:
    """Keep one person's signature. Raises FileExistsError where there is one, OSError."""
    _write(directory, f"{number:06}.{person}{SIGNATURE}", to_text(signature).encode())


def add_evidence(directory: Path, number: int, evidence: Evidence) -> None:
    """Keep what was tried. Raises FileExistsError, OSError."""
    taken = len(list((directory / FOLDER).glob(f"{number:06}.*{EVIDENCE}")))
    _write(directory, f"{number:06}.{taken + 1}{EVIDENCE}", _sealed(encode(evidence)))


def _sealed(body: bytes) -> bytes:
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


def _write(directory: Path, name: str, data: bytes) -> None:
    """The whole file or none, on the disk when this returns, and never over another one."""
    folder = directory / FOLDER
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    part = folder / f".{name}.{os.getpid()}"
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o440)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(part, folder / name)
    finally:
        part.unlink(missing_ok=True)
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(at)
    finally:
        os.close(at)
