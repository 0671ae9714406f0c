"""Reading the journal from a connection of its own: for the page, the command line and exports. Never writes."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import msgspec

from gateway.journal import chain
from gateway.journal.files import check
from gateway.journal.segments import list_segments

if TYPE_CHECKING:
    from sqlite_utils import Database

PAGE = 5_000  # rows read at once
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
    """A read-only view of one journal and its segments; each call is one consistent reading. Close it when done."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._base: Database | None = None
        self._inode = 0
        self._segments: dict[Path, Database] = {}

    @property
    def base(self) -> Database:
        """The live file in sqlite-utils, read-only. Raises sqlite3.OperationalError where it is missing."""
        if self._base is not None and not self._is_same():
            self.close()
        if self._base is None:
            self._base = _opened(self._path)
            self._inode = self._path.stat().st_ino
        return self._base

    def close(self) -> None:
        for base in (self._base, *self._segments.values()):
            if base is not None:
                base.close()
        self._base, self._segments = None, {}

    def events(self, since_seq: int = 0, kinds: Sequence[str] = (), subject: str = "", limit: int = 200) -> list[Event]:
        """Rows after `since_seq`, oldest first. A kind that ends in "." means all that begin with it."""
        where, values = _where(since_seq, kinds, subject)
        limit = min(limit, LIMIT_MAX)
        first, live = self._live(where, values, "seq", limit)
        found: list[dict[str, Any]] = []
        if since_seq + 1 < first:
            for base in self._older(since_seq, first):
                if len(found) < limit:
                    found += _rows(base, f"{where} AND seq < ?", [*values, first], "seq", limit - len(found))
        return [_event(row) for row in (found + live)[:limit]]

    def last(self, limit: int = 200, kinds: Sequence[str] = (), subject: str = "") -> list[Event]:
        """The newest rows, newest first."""
        where, values = _where(0, kinds, subject)
        limit = min(limit, LIMIT_MAX)
        first, found = self._live(where, values, "seq desc", limit)
        if len(found) < limit:
            for base in reversed(self._older(0, first)):
                if len(found) < limit:
                    found += _rows(base, f"{where} AND seq < ?", [*values, first], "seq desc", limit - len(found))
        return [_event(row) for row in found]

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
        for event in self.walk(since_seq):
            file.write(msgspec.json.encode(event).decode() + "\n")
            count += 1
        return count

    def tables(self) -> dict[str, int]:
        """Table name to number of rows, for `doctor`."""
        return {name: int(self.base[name].count) for name in self.base.table_names()}

    def check(self) -> str:
        """SQLite's integrity check over the whole file, "" when sound; seconds for a large file."""
        return check(self._path)

    def _is_same(self) -> bool:
        """The file is still the one that is open: after a failed sync the journal goes on in a new one."""
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _live(self, where: str, values: list[Any], order: str, limit: int) -> tuple[int, list[dict[str, Any]]]:
        """The first number that the live file is to hold, and its rows, in one reading: before segments are listed."""
        base = self.base
        with base.conn:
            base.execute("BEGIN")
            return chain.start(base.conn).seq + 1, _rows(base, where, values, order, limit)

    def _older(self, since_seq: int, first: int) -> list[Database]:
        """Segments with rows between the two numbers, oldest first."""
        found = [s for s in list_segments(self._path.parent) if s.last > since_seq and s.first < first]
        for segment in found:
            if segment.path not in self._segments:
                self._segments[segment.path] = _opened(segment.path)
        return [self._segments[segment.path] for segment in found]

    def walk(self, since_seq: int = 0, kinds: Sequence[str] = ()) -> Iterator[Event]:
        """All rows after `since_seq`, oldest first, a page at a time: a journal may be larger than memory."""
        while page := self.events(since_seq, kinds, limit=PAGE):
            yield from page
            since_seq = page[-1].seq


def rows(path: Path, kinds: Sequence[str] = ()) -> Iterator[Event]:
    """All rows of the journal at `path`, oldest first. Raises sqlite3.Error."""
    reader = Reader(path)
    try:
        yield from reader.walk(0, kinds)
    finally:
        reader.close()


def _opened(path: Path) -> Database:
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    from sqlite_utils import Database  # a tenth of a second, and the daemon itself reads nothing before somebody asks

    return Database(connection)


def _rows(base: Database, where: str, values: list[Any], order: str, limit: int) -> list[dict[str, Any]]:
    found = base["event"].rows_where(where, values, order_by=order, limit=limit)
    return [{key: value for key, value in row.items() if key != "link"} for row in found]


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
