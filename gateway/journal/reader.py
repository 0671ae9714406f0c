"""Reading the journal from a connection of its own: for the page, the command line and exports. Never writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TextIO

import msgspec
from sqlite_utils import Database

from gateway.journal.store import check

LIMIT_MAX = 10_000  # rows of one reading: a page or a terminal shows fewer, an export pages on


class Event(msgspec.Struct, frozen=True):
    """One journal row. `(boot, counter)` is the event's identity; the counter of the gateway's own rows is negative."""

    seq: int
    boot: int
    counter: int
    at_ns: int
    utc_ms: int
    kind: str
    subject: str
    person: str
    detail: dict[str, Any]
    summary: bool


class Reader:
    """A read-only view of one journal file; each call is one consistent reading. Close it when done."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._base: Database | None = None

    @property
    def base(self) -> Database:
        """The file in sqlite-utils, read-only, opened on first use. Raises sqlite3.OperationalError where it is missing."""
        if self._base is None:
            uri = f"{self._path.absolute().as_uri()}?mode=ro"
            connection = sqlite3.connect(uri, uri=True, check_same_thread=False)
            connection.execute("PRAGMA query_only = ON")
            self._base = Database(connection)
        return self._base

    def close(self) -> None:
        if self._base is not None:
            self._base.close()
            self._base = None

    def events(self, since_seq: int = 0, kinds: Sequence[str] = (), subject: str = "", limit: int = 200) -> list[Event]:
        """Rows after `since_seq`, oldest first. A kind that ends in "." means all that begin with it."""
        where, values = _where(since_seq, kinds, subject)
        order = {"order_by": "seq", "limit": min(limit, LIMIT_MAX)}
        return [_event(row) for row in self.base["event"].rows_where(where, values, **order)]

    def last(self, limit: int = 200, kinds: Sequence[str] = (), subject: str = "") -> list[Event]:
        """The newest rows, newest first."""
        where, values = _where(0, kinds, subject)
        order = {"order_by": "seq desc", "limit": min(limit, LIMIT_MAX)}
        return [_event(row) for row in self.base["event"].rows_where(where, values, **order)]

    def last_seq(self) -> int:
        return int(self.base.execute("SELECT coalesce(max(seq), 0) FROM event").fetchone()[0])

    def boot(self) -> int:
        return int(self.base.execute("SELECT boot FROM boot").fetchone()[0])

    def kept(self) -> dict[str, bytes]:
        """The latest durable state by key."""
        return {row["key"]: bytes(row["value"]) for row in self.base["kept"].rows}

    def export(self, file: TextIO, since_seq: int = 0) -> int:
        """Write all rows after `since_seq` as JSON lines, each with its field names; returns how many."""
        count = 0
        for event in self._all(since_seq):
            file.write(msgspec.json.encode(event).decode() + "\n")
            count += 1
        return count

    def tables(self) -> dict[str, int]:
        """Table name to number of rows, for `doctor`."""
        return {name: int(self.base[name].count) for name in self.base.table_names()}

    def check(self) -> str:
        """SQLite's integrity check over the whole file, "" when sound; seconds for a large file."""
        return check(self._path)

    def _all(self, since_seq: int) -> Iterator[Event]:
        while page := self.events(since_seq, limit=1_000):
            yield from page
            since_seq = page[-1].seq


def _where(since_seq: int, kinds: Sequence[str], subject: str) -> tuple[str, list[Any]]:
    parts: list[str] = ["seq > ?"]
    values: list[Any] = [since_seq]
    if kinds:
        # substr, not LIKE: an underscore in a kind is a letter here, not a wildcard.
        parts.append(
            "(" + " OR ".join("substr(kind, 1, ?) = ?" if k.endswith(".") else "kind = ?" for k in kinds) + ")"
        )
        values += _flat((len(k), k) if k.endswith(".") else (k,) for k in kinds)
    if subject:
        parts.append("subject = ?")
        values.append(subject)
    return " AND ".join(parts), values


def _flat(items: Iterable[tuple[Any, ...]]) -> list[Any]:
    return [value for item in items for value in item]


def _event(row: dict[str, Any]) -> Event:
    return Event(**{**row, "detail": msgspec.json.decode(row["detail"]), "summary": bool(row["summary"])})
