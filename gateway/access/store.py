"""Secrets of people as one file, `access/secrets.json`: read whole, changed under a lock, replaced in one step, 0600.

The daemon and the command line both write it; whoever writes gives it to the owner of the state directory.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import msgspec

FOLDER, FILE, LOCK = "access", "secrets.json", "lock"
TOKENS_MAX = 32

_T = TypeVar("_T")


class DamagedError(Exception):
    """The file is there and cannot be read as what it must be; nothing is guessed from it. The text names it."""


class Token(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A read-only token of an integrator: what it is for, and the SHA-256 of what they were given."""

    name: str
    sha256: str
    made_utc_ms: int


class Secrets(msgspec.Struct, forbid_unknown_fields=True):
    """Hashes by person, and tokens. A PIN that another person has set is in `fresh`: its owner must choose their own."""

    pins: dict[str, str] = {}
    fresh: list[str] = []
    passphrases: dict[str, str] = {}
    tokens: list[Token] = []

    def forget(self, person: str) -> bool:
        """Take everything of `person` out; whether there was anything."""
        had = person in self.pins or person in self.passphrases
        self.pins.pop(person, None)
        self.passphrases.pop(person, None)
        self.fresh = [one for one in self.fresh if one != person]
        return had


def read(state: Path) -> Secrets:
    """What is kept under `state`; empty where nothing is. Raises OSError, DamagedError."""
    return load(state / FOLDER / FILE, Secrets) or Secrets()


def change(state: Path, edit: Callable[[Secrets], _T]) -> _T:
    """Let `edit` change what is kept, and keep it. Raises OSError, DamagedError, and what `edit` raises (then nothing is kept)."""
    with _locked(state):
        secrets = read(state)
        result = edit(secrets)
        save(state / FOLDER / FILE, secrets)
    return result


def load(file: Path, kind: type[_T]) -> _T | None:
    """The content of a file of ours, None where it is not there. Raises OSError, DamagedError."""
    try:
        data = file.read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedError(f"{file}: {error}") from None


def save(file: Path, content: object) -> None:
    """Replace `file` by `content` in one durable step, 0600, for the owner of its folder. Raises OSError."""
    write(file, msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n")


def write(file: Path, data: bytes) -> None:
    """`save` of bytes. Raises OSError."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(handle, "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(handle)
    _hand_over(temporary, file.parent)
    os.replace(temporary, file)


def make_folder(state: Path) -> Path:
    """The folder of this room under `state`, made where it is not there (0700). Raises OSError."""
    folder = state / FOLDER
    if not folder.is_dir():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _hand_over(folder, state)
    return folder


@contextmanager
def _locked(state: Path) -> Iterator[None]:
    path = make_folder(state) / LOCK
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        _hand_over(path, state)
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _hand_over(path: Path, folder: Path) -> None:
    """What root writes belongs to the daemon, which owns the folder."""
    if os.geteuid() == 0:
        owner = folder.stat()
        os.chown(path, owner.st_uid, owner.st_gid)
