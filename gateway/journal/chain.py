"""The hash chain over journal rows: a link is SHA-256 over the link before it and all rows since, as they are stored.

The last row of what was inserted at once carries the link. A row's canonical bytes are the MessagePack array of its ten
columns in the order of the table, `detail` as stored: a column that holds ciphertext is hashed as ciphertext. So no row can
be edited, inserted, deleted or moved without every later link being another one; an anchor, a link that somebody else
wrote down, shows what was computed anew.
"""

from __future__ import annotations

import sqlite3
from collections import deque
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import msgspec

ORIGIN = bytes(32)  # the link before the first row of all
COLUMNS = "seq, boot, counter, at_ns, utc_ms, kind, subject, person, detail, summary"

SCHEMA = """
CREATE TABLE IF NOT EXISTS event(
    seq INTEGER PRIMARY KEY, boot INTEGER NOT NULL, counter INTEGER NOT NULL, at_ns INTEGER NOT NULL,
    utc_ms INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, person TEXT NOT NULL,
    detail BLOB NOT NULL, summary INTEGER NOT NULL, link BLOB, UNIQUE(boot, counter));
CREATE TABLE IF NOT EXISTS chain(
    one INTEGER PRIMARY KEY CHECK(one = 1), first INTEGER NOT NULL, before BLOB NOT NULL);
"""
INSERT = "INSERT INTO event VALUES(?,?,?,?,?,?,?,?,?,?,?)"
INSERT_INNER = f"INSERT INTO event({COLUMNS}) VALUES(?,?,?,?,?,?,?,?,?,?)"  # a row that is not the last of its block
BEGIN = "INSERT OR REPLACE INTO chain VALUES(1, ?, ?)"

_encode = msgspec.msgpack.Encoder().encode


class Head(NamedTuple):
    """A place in the chain: the number of a row and its link. Whoever keeps one elsewhere holds an anchor."""

    seq: int
    link: bytes

    def __str__(self) -> str:
        return f"{self.seq}:{self.link.hex()}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """The opposite of `str`. Raises ValueError."""
        seq, _, link = text.strip().partition(":")
        found = cls(int(seq), bytes.fromhex(link))
        if len(found.link) != len(ORIGIN):
            raise ValueError(f"{text!r} is no anchor: it is SEQ:SHA-256 in hex")
        return found


class Found(NamedTuple):
    """What is wrong, and at which row.

    edited: the rows up to this one are not those that its link is of. differs, missing: what an anchor says of this row.
    truncated: the journal ends before this anchor. unreadable: SQLite cannot read it. broken: a segment does not follow the
    one before.
    """

    what: Literal["edited", "differs", "missing", "truncated", "unreadable", "broken"]
    seq: int
    text: str = ""


def link(before: bytes, rows: Iterable[tuple[Any, ...]]) -> bytes:
    """The link of `rows`, which follow the link `before`."""
    return sha256(before + b"".join(map(_encode, rows))).digest()


def start(db: sqlite3.Connection) -> Head:
    """Where the chain of this file begins: the place of the row before its first one."""
    row = db.execute("SELECT first, before FROM chain").fetchone()
    return Head(int(row[0]) - 1, bytes(row[1])) if row else Head(0, ORIGIN)


def head(db: sqlite3.Connection) -> Head:
    """The last link of this file, or where its chain begins."""
    return linked(db, 1 << 62)


def linked(db: sqlite3.Connection, last: int) -> Head:
    """The last link up to row `last`, or where the chain of this file begins."""
    sql = "SELECT seq, link FROM event WHERE seq <= ? AND link IS NOT NULL ORDER BY seq DESC LIMIT 1"
    row = db.execute(sql, (last,)).fetchone()
    return Head(int(row[0]), bytes(row[1])) if row else start(db)


def adopt(db: sqlite3.Connection) -> None:
    """Give the rows of a file from before the chain their links."""
    if any(column[1] == "link" for column in db.execute("PRAGMA table_info(event)")):
        return
    with db:
        db.execute("BEGIN IMMEDIATE")
        db.execute("ALTER TABLE event ADD COLUMN link BLOB")
        rows = db.execute(f"SELECT {COLUMNS} FROM event ORDER BY seq").fetchall()
        if rows:
            db.execute("UPDATE event SET link = ? WHERE seq = ?", (link(start(db).link, rows), rows[-1][0]))


class Walk:
    """Follows the chain over the rows of one file after the other, in constant memory, and meets anchors on its way."""

    def __init__(self, begin: Head, anchors: Iterable[Head] = ()) -> None:
        self.at = begin
        self.rows = 0
        self.met = 0
        self._anchors = deque(sorted({anchor for anchor in anchors if anchor.seq >= begin.seq}))

    def follow(self, db: sqlite3.Connection, after: int = 0) -> Iterator[Found]:
        """Check the rows of `db` above `after`, and yield what is wrong with them. Raises sqlite3.Error."""
        yield from self._meet()
        seq, digest = self.at.seq, sha256(self.at.link)
        for *row, stored in db.execute(f"SELECT {COLUMNS}, link FROM event WHERE seq > ? ORDER BY seq", (after,)):
            self.rows += 1
            seq = row[0]
            digest.update(_encode(row))
            if stored is None:
                continue
            if digest.digest() != stored:
                yield Found("edited", seq)
            self.at = Head(seq, stored if isinstance(stored, bytes) else digest.digest())
            digest = sha256(self.at.link)
            yield from self._meet()
        if seq > self.at.seq:
            yield Found("edited", seq)  # rows without a link behind them: the end was cut off

    def end(self) -> Iterator[Found]:
        """After the last file: the first anchor that the journal no longer reaches."""
        if self._anchors:
            yield Found("truncated", self._anchors[-1].seq)

    def _meet(self) -> Iterator[Found]:
        while self._anchors and self._anchors[0].seq <= self.at.seq:
            anchor = self._anchors.popleft()
            if anchor == self.at:
                self.met += 1
            else:
                yield Found("differs" if anchor.seq == self.at.seq else "missing", anchor.seq)
