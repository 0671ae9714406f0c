"""The files of a journal directory: sound or set aside, replaced whole by a synced copy, grown and reserved in advance."""

from __future__ import annotations

import errno
import os
import sqlite3
import time
from contextlib import closing, suppress
from pathlib import Path

from gateway.journal.anchor import replace_text
from gateway.journal.segments import sync

FILE = "journal.db"
BOOT_FILE = "boot"
FRESH, MAKING = "journal.fresh", "journal.making"
RESERVE = "reserve"

WAL_BYTES = 8 << 20  # grown in advance: an fdatasync that need not extend the file costs half
CHECK_MAX_BYTES = (
    64 << 20
)  # a full check at start-up stays under a second; larger files are checked by `journal verify`
RESERVE_BYTES = 16 << 20  # given up on a full disk: about 20,000 rows of what matters


def check(path: Path) -> str:
    """What SQLite's integrity check finds in the file, "" when it is sound. Raises sqlite3.DatabaseError."""
    with closing(sqlite3.connect(path)) as base:
        rows = [str(row[0]) for row in base.execute("PRAGMA quick_check(5)").fetchall()]
    return "" if rows == ["ok"] else "; ".join(rows)


def check_or_set_aside(path: Path) -> str:
    """Move a damaged file away, so that a new one can begin; what was wrong with it, "" = nothing."""
    if not path.exists():
        return ""
    try:
        fault = check(path) if path.stat().st_size <= CHECK_MAX_BYTES else ""
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError):  # locked, no room, no permission: not damage
            raise
        fault = str(error)
    if not fault:
        return ""
    return f"{path.name}: {fault}; kept as {set_aside(path, 'damaged').name}"


def set_aside(path: Path, why: str) -> Path:
    """Give the file and its log another name; returns it."""
    aside = f".{why}-{time.time_ns() // 1_000_000}"
    for name in (path.name, path.name + "-wal", path.name + "-shm"):
        if path.with_name(name).exists():
            path.with_name(name).rename(path.with_name(name + aside))
    return path.with_name(path.name + aside)


def copy_fresh(source: sqlite3.Connection, directory: Path) -> None:
    """A whole copy of what `source` sees, in a new file, synced, ready for `settle`. Raises sqlite3.Error, OSError."""
    making = directory / MAKING
    making.unlink(missing_ok=True)
    with closing(sqlite3.connect(making)) as target:
        target.execute("PRAGMA synchronous = OFF")  # synced once, below, before it has a name that counts
        source.backup(target)
    sync(making)
    making.replace(directory / FRESH)
    sync(directory)


def settle(directory: Path) -> bool:
    """Finish the change to a fresh copy, also after a crash in its middle; whether there was one. Raises OSError."""
    fresh = directory / FRESH
    if not fresh.exists():
        return False
    for tail in ("-wal", "-shm"):  # the old file's log must never meet the new file
        (directory / (FILE + tail)).unlink(missing_ok=True)
    sync(directory)
    fresh.replace(directory / FILE)
    sync(directory)
    return True


def grow(wal: Path) -> None:
    """Zeros behind the log's end: SQLite ignores them (no valid frame), and commits no longer extend the file."""
    fd = os.open(wal, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        size = os.fstat(fd).st_size
        while size < WAL_BYTES:
            size += os.pwrite(fd, bytes(min(1 << 20, WAL_BYTES - size)), size)
        os.fsync(fd)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):  # on a full disk commits go on, a little slower
            raise
    finally:
        os.close(fd)


def reserve(directory: Path, size: int = RESERVE_BYTES) -> bool:
    """Occupy `size` bytes for the day the disk is full; False where there is no room for them now."""
    path = directory / RESERVE
    if path.exists() and path.stat().st_size >= size:
        return True
    fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        os.posix_fallocate(fd, 0, size)
    except OSError:  # full, or a file system that cannot: then there is none
        os.close(fd)
        path.unlink()
        return False
    os.close(fd)
    return True


def spend(directory: Path) -> bool:
    """Give the reserve up; False where it was given up before."""
    with suppress(FileNotFoundError):
        (directory / RESERVE).unlink()
        return True
    return False


def free_bytes(directory: Path) -> int:
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def read_boot(directory: Path) -> int:
    try:
        return int((directory / BOOT_FILE).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return 0


def write_boot(directory: Path, boot: int) -> None:
    """Durably. Raises OSError."""
    replace_text(directory / BOOT_FILE, f"{boot}\n")
