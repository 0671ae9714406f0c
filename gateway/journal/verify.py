"""Is the journal what was written? The chain through all segments and the live file, against every anchor at hand.

Streams in constant memory, needs no daemon and stops none. Up to the last anchor nothing can be changed unnoticed; after it
a row can only be changed by whoever computes all later links anew.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from gateway.journal import anchor, chain, segments
from gateway.journal.chain import Found, Head, Walk
from gateway.journal.files import FILE

FOUND_MAX = 20  # more are not shown: the first one says where to look


@dataclass(frozen=True, slots=True)
class Verdict:
    """Rows walked, the first and the last place, how many anchors were met, and what is wrong."""

    rows: int
    first: Head
    head: Head
    anchors: int
    found: tuple[Found, ...]

    @property
    def ok(self) -> bool:
        return not self.found


def verify(directory: Path, anchors: Iterable[Head] = ()) -> Verdict:
    """Walk the whole journal of `directory`. `anchors` beside the local one are those that left the box."""
    local = anchor.read(directory)
    known = [*anchors, *([local] if local else [])]
    try:
        with segments.reading(directory / FILE) as db:
            db.execute("BEGIN")  # one reading: what leaves the live file meanwhile stays in it for us
            live = chain.start(db)
            older = [s for s in segments.list_segments(directory) if s.first <= live.seq]
            walk = _begin(older, live, known)
            first = walk.at
            found = tuple(islice(_walk(walk, older, db, live), FOUND_MAX))
            if first.link != chain.ORIGIN and not _retired(first, older, db):
                found = (Found("missing", first.seq), *found)
    except sqlite3.Error as error:
        return Verdict(0, Head(0, chain.ORIGIN), Head(0, chain.ORIGIN), 0, (Found("unreadable", 0, str(error)),))
    return Verdict(walk.rows, first, walk.at, walk.met, found)


def _begin(older: list[segments.Segment], live: Head, known: Iterable[Head]) -> Walk:
    if not older:
        return Walk(live, known)
    with segments.reading(older[0].path) as db:
        return Walk(chain.start(db), known)


def _walk(walk: Walk, older: list[segments.Segment], live: sqlite3.Connection, begin: Head) -> Iterator[Found]:
    for segment in older:
        try:
            with segments.reading(segment.path) as db:
                if chain.start(db) != walk.at:
                    yield Found("broken", segment.first, segment.path.name)
                yield from walk.follow(db)
        except sqlite3.Error as error:
            yield Found("unreadable", segment.first, f"{segment.path.name}: {error}")
    try:
        after = walk.at.seq  # rows that a segment holds may still be in the live file
        if begin.seq > after or (begin.seq == after and begin != walk.at):
            yield Found("broken", begin.seq + 1, FILE)
        yield from walk.follow(live, after)
    except sqlite3.Error as error:
        yield Found("unreadable", walk.at.seq, f"{FILE}: {error}")
    yield from walk.end()


def _retired(first: Head, older: list[segments.Segment], live: sqlite3.Connection) -> bool:
    """The journal itself says that it begins here: what was before went for its age."""
    sql = "SELECT 1 FROM event WHERE kind = 'journal.retired' AND instr(detail, ?)"
    hexed = first.link.hex().encode()
    if live.execute(sql, (hexed,)).fetchone():
        return True
    for segment in reversed(older):
        with segments.reading(segment.path) as db:
            if db.execute(sql, (hexed,)).fetchone():
                return True
    return False


def integrity(directory: Path) -> str:
    """SQLite's own check of every file, "" when all are sound: slower, and finds damage that no row shows."""
    for path in (*(s.path for s in segments.list_segments(directory)), directory / FILE):
        try:
            with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as db:
                rows = [str(row[0]) for row in db.execute("PRAGMA integrity_check(5)").fetchall()]
        except sqlite3.DatabaseError as error:
            return f"{path.name}: {error}"
        if rows != ["ok"]:
            return f"{path.name}: {'; '.join(rows)}"
    return ""
