"""How the vault writes: a file replaced whole, or something put whole behind its end. All of it blocks, and on disk when it returns."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def durable(path: Path, data: bytes) -> None:
    """Replace `path` by `data`, whole or not at all. Raises OSError."""
    part = path.with_name(path.name + ".part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        _whole(handle, data)
        os.fsync(handle)
    finally:
        os.close(handle)
    os.replace(part, path)
    sync_folder(path.parent)


def append(path: Path, data: bytes, *, sync: bool) -> None:
    """Put `data` behind the end of `path`, whole or not at all: half of it would spoil what is written later. Raises OSError."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        before = os.fstat(handle).st_size
        try:
            _whole(handle, data)
        except OSError:
            os.ftruncate(handle, before)
            raise
        if sync:
            os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Its names are on disk. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _whole(handle: int, data: bytes) -> None:
    if os.write(handle, data) < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
