"""Old rows in files of their own: `events-FIRST-LAST.db`, written whole, synced, and never changed again.

The live file keeps the latest rows, the durable state and the queue; the chain goes through all files in turn.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.journal import chain
from gateway.journal.chain import Head

_NAME = re.compile(r"events-(\d{19})-(\d{19})\.db$")


@dataclass(frozen=True, slots=True, order=True)
class Segment:
    """One file of rows `first` to `last`."""

    first: int
    last: int
    path: Path

    @property
    def bytes(self) -> int:
        return self.path.stat().st_size


def list_segments(directory: Path) -> list[Segment]:
    """All segments, oldest first; half-written ones have another name."""
    found = [(path, _NAME.match(path.name)) for path in directory.glob("events-*.db")]
    return sorted(Segment(int(match[1]), int(match[2]), path) for path, match in found if match)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """A connection that cannot write. Raises sqlite3.OperationalError where the file is missing."""
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)) as db:
        db.execute("PRAGMA query_only = ON")
        yield db


def write(live: Path, last: int) -> Segment | None:
    """Copy the rows of `live` up to `last` into a new segment and sync it; None where there are none. Any thread.

    Raises sqlite3.Error, OSError. The rows leave the live file afterwards (`Store.give_up`), never before.
    """
    directory = live.parent
    making = directory / "events.making"
    making.unlink(missing_ok=True)
    with reading(live) as source, closing(sqlite3.connect(making, isolation_level=None)) as target:
        source.execute("BEGIN")
        begin = chain.start(source)
        first = begin.seq + 1
        target.execute("PRAGMA journal_mode = OFF")  # not synced as it grows: a file without its name does not count
        target.execute("PRAGMA synchronous = OFF")
        target.executescript(chain.SCHEMA)
        target.execute("BEGIN")
        target.execute(chain.BEGIN, (first, begin.link))
        rows = source.execute("SELECT * FROM event WHERE seq <= ? ORDER BY seq", (last,))
        copied = target.executemany(chain.INSERT, rows).rowcount
        target.execute("COMMIT")
    if copied <= 0:
        making.unlink()
        return None
    path = directory / f"events-{first:019d}-{last:019d}.db"
    sync(making)
    making.replace(path)
    sync(directory)
    return Segment(first, last, path)


def head_of(path: Path) -> Head:
    """The last row of a segment."""
    with reading(path) as db:
        return chain.head(db)


def sync(path: Path) -> None:
    """fsync of a file or a directory. Raises OSError."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
