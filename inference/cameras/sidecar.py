"""What is written beside a clip, and how both come to stand on the disk whole or not at all."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

SUFFIX, PART = ".mp4", ".part"
Lack = Literal["just-connected", "camera-lost", "interrupted", "overloaded", "too-long"]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who asked for the clip: a rule and what it did."""

    rule: str
    kind: Literal["alarm", "trip", "person"]
    id: str
    utc_ms: int


class Sidecar(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One clip. `whole`: it shows all that was asked for; else `lacks` says why it does not."""

    source: str
    file: str
    asked: list[Asked]
    people: Literal["blurred", "as seen"]
    begin_utc_ms: int
    end_utc_ms: int = 0
    event_utc_ms: int = 0  # of the first who asked
    before_s: float = 0.0  # what was asked for
    after_s: float = 0.0
    pictures: int = 0
    width: int = 0
    height: int = 0
    codec: str = ""
    bytes: int = 0
    sha256: str = ""
    whole: bool = False
    lacks: list[Lack] = []


def encode(one: Sidecar) -> bytes:
    """As it stands in the file."""
    return msgspec.json.format(msgspec.json.encode(one), indent=2) + b"\n"


def beside(clip: Path) -> Path:
    """The sidecar of a clip."""
    return clip.with_suffix(".json")


def store(path: Path, data: bytes) -> None:
    """The whole file or none, on the disk when this returns. Raises OSError."""
    part = path.with_name(path.name + PART)
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
    _sync(path.parent)


def finish(part: Path, told: Sidecar) -> Sidecar:
    """A written clip under its own name, its sidecar after it; returns that. Raises OSError."""
    clip = part.with_name(told.file)
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    told = msgspec.structs.replace(told, bytes=part.stat().st_size, sha256=digest)
    os.replace(part, clip)
    _sync(clip.parent)
    store(beside(clip), encode(told))
    beside(part).unlink(missing_ok=True)
    return told


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def read(folder: Path) -> list[tuple[Path, Sidecar]]:
    """Every clip of a folder that has its sidecar, oldest first: their names begin with the time."""
    found = []
    for path in sorted(folder.glob("*.json")):
        try:
            one = msgspec.json.decode(path.read_bytes(), type=Sidecar)
        except (OSError, msgspec.DecodeError):
            continue
        clip = folder / Path(one.file).name
        if clip.exists():
            found.append((clip, one))
    return found


def recover(folder: Path) -> int:
    """Take up what a power cut or a killed worker left: a fragmented file plays up to its end. How many. Raises OSError."""
    taken = 0
    for part in sorted(folder.glob(f"*{SUFFIX}{PART}")):
        try:
            told = msgspec.json.decode(beside(part).read_bytes(), type=Sidecar)
        except (OSError, msgspec.DecodeError):
            part.unlink(missing_ok=True)  # nothing says what it is or whom it shows
            continue
        end_ms = int(part.stat().st_mtime * 1000)
        finish(part, msgspec.structs.replace(told, lacks=[*told.lacks, "interrupted"], end_utc_ms=end_ms))
        taken += 1
    for left in folder.glob(f"*{PART}"):
        left.unlink(missing_ok=True)
    return taken


def retire(folder: Path, days: float, bytes_max: int, now_s: float | None = None) -> int:
    """Delete the oldest clips over the bounds, never the newest one; how many. Raises OSError."""
    now_s = time.time() if now_s is None else now_s
    clips = read(folder)
    total, gone = sum(one.bytes for _, one in clips), 0
    for clip, one in clips[:-1]:
        if total <= bytes_max and now_s - one.end_utc_ms / 1000 <= days * 86_400:
            break
        for path in (clip, beside(clip)):
            path.unlink(missing_ok=True)
        total -= one.bytes
        gone += 1
    return gone


def names(asked: Iterable[Asked]) -> list[str]:
    """The rules that asked, each once."""
    return list(dict.fromkeys(one.rule for one in asked))
