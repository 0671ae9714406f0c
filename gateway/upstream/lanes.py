"""The durable numbers of the lanes: what was given, queued, confirmed, dropped. Plain data and SQL, no thread."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import NamedTuple

from gateway.upstream.encode import LANES

SCHEMA = """
CREATE TABLE IF NOT EXISTS outbox(
    lane INTEGER NOT NULL, lane_seq INTEGER NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,
    topic TEXT NOT NULL, acked INTEGER NOT NULL DEFAULT 0, payload BLOB NOT NULL,
    PRIMARY KEY(lane, lane_seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS lane(
    lane INTEGER PRIMARY KEY, last INTEGER NOT NULL, produced INTEGER NOT NULL, confirmed INTEGER NOT NULL,
    queued INTEGER NOT NULL, aggregated INTEGER NOT NULL, expired INTEGER NOT NULL, bytes INTEGER NOT NULL,
    open INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS sent(
    lane INTEGER NOT NULL, lane_seq INTEGER NOT NULL, seq INTEGER NOT NULL, id TEXT NOT NULL, kind TEXT NOT NULL,
    topic TEXT NOT NULL, payload BLOB NOT NULL, PRIMARY KEY(lane, lane_seq)) WITHOUT ROWID;
"""
COLUMNS = "lane, lane_seq, seq, id, kind, topic, payload"
INSERT = f"INSERT INTO outbox({COLUMNS}) VALUES(?,?,?,?,?,?,?)"
SAVE = "INSERT OR REPLACE INTO lane VALUES(?,?,?,?,?,?,?,?,?)"
KEEP = f"INSERT OR REPLACE INTO sent SELECT {COLUMNS} FROM outbox WHERE lane = ? AND lane_seq = ?"
SENT_MAX = 5_000  # delivered rows of a lane that can be sent again: about 3 MB
ROW_BYTES = 64  # what a row costs on disk beside its texts


class Row(NamedTuple):
    """One queued record as it will be sent, and sent again: byte for byte the same."""

    lane: int
    lane_seq: int
    seq: int
    id: str
    kind: str
    topic: str
    payload: bytes

    @property
    def size(self) -> int:
        return len(self.payload) + len(self.topic) + len(self.id) + ROW_BYTES


@dataclass(slots=True)
class Lane:
    """`produced = confirmed + queued + aggregated + expired`; `last` is the highest number given.

    `open` is the first number of a run of aggregated records whose gap record is still to come, 0 = none.
    """

    lane: int
    last: int = 0
    produced: int = 0
    confirmed: int = 0
    queued: int = 0
    aggregated: int = 0
    expired: int = 0
    bytes: int = 0
    open: int = 0


Lanes = dict[int, Lane]


def load(db: sqlite3.Connection, base: int) -> Lanes:
    """All lanes as stored; numbers of a new or restored file start above `base`."""
    db.executescript(SCHEMA)
    if not any(column[1] == "open" for column in db.execute("PRAGMA table_info(lane)")):  # of an earlier form
        db.execute("ALTER TABLE lane ADD COLUMN open INTEGER NOT NULL DEFAULT 0")
    stored = {row[0]: Lane(*row) for row in db.execute("SELECT * FROM lane")}
    lanes = {lane: stored.get(lane) or Lane(lane) for lane in LANES}
    for state in lanes.values():
        state.last = max(state.last, base)
    return lanes


def save(db: sqlite3.Connection, lanes: Iterable[Lane]) -> None:
    db.executemany(SAVE, [astuple(lane) for lane in lanes])


def copy(lanes: Lanes) -> Lanes:
    return {lane: replace(state) for lane, state in lanes.items()}


def add(db: sqlite3.Connection, lanes: Lanes, rows: list[Row]) -> None:
    """Queue `rows`, whose numbers their lanes have given."""
    db.executemany(INSERT, rows)
    for row in rows:
        state = lanes[row.lane]
        state.produced += 1
        state.queued += 1
        state.bytes += row.size


def confirm(db: sqlite3.Connection, state: Lane, lane_seq: int, *, keep: bool = False) -> bool:
    """The row was delivered: it leaves the queue (`keep`: for `sent`). False where it had left before."""
    if keep:
        db.execute(KEEP, (state.lane, lane_seq))
        db.execute("DELETE FROM sent WHERE lane = ? AND lane_seq <= ?", (state.lane, lane_seq - SENT_MAX))
    found = db.execute(
        "DELETE FROM outbox WHERE lane = ? AND lane_seq = ? RETURNING length(payload), length(topic), length(id)",
        (state.lane, lane_seq),
    ).fetchall()
    for sizes in found:
        state.queued -= 1
        state.confirmed += 1
        state.bytes -= sum(sizes) + ROW_BYTES
    return bool(found)


def confirm_to(db: sqlite3.Connection, state: Lane, lane_seq: int, *, keep: bool = False) -> None:
    """A receipt: all that the broker acknowledged up to `lane_seq` is delivered."""
    rows = db.execute(
        "SELECT lane_seq FROM outbox WHERE lane = ? AND lane_seq <= ? AND acked = 1", (state.lane, lane_seq)
    ).fetchall()
    for (number,) in rows:
        confirm(db, state, number, keep=keep)


def mark(db: sqlite3.Connection, lane: int, lane_seq: int) -> None:
    """The broker has it; the receiver's word is still to come."""
    db.execute("UPDATE outbox SET acked = 1 WHERE lane = ? AND lane_seq = ?", (lane, lane_seq))


def expire(db: sqlite3.Connection, state: Lane, size: int) -> list[tuple[int, int]]:
    """Drop the oldest rows of a lane until `size` bytes are free; returns the numbers that never come."""
    ranges: list[tuple[int, int]] = []
    freed = 0
    for number, *sizes in db.execute(
        "SELECT lane_seq, length(payload), length(topic), length(id) FROM outbox WHERE lane = ? ORDER BY lane_seq",
        (state.lane,),
    ):
        if freed >= size:
            break
        freed += sum(sizes) + ROW_BYTES
        state.queued -= 1
        state.expired += 1
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1] = (ranges[-1][0], number)
        else:
            ranges.append((number, number))
    state.bytes -= freed
    db.executemany(
        "DELETE FROM outbox WHERE lane = ? AND lane_seq BETWEEN ? AND ?", [(state.lane, *span) for span in ranges]
    )
    return ranges


def page(db: sqlite3.Connection, lane: int, after: int, limit: int) -> list[Row]:
    """Queued rows with a number above `after`, lowest first."""
    sql = f"SELECT {COLUMNS} FROM outbox WHERE lane = ? AND lane_seq > ? ORDER BY lane_seq LIMIT ?"
    return [Row(*row) for row in db.execute(sql, (lane, after, limit))]


def sent(db: sqlite3.Connection, lane: int, first: int, last: int, limit: int) -> list[Row]:
    """Delivered rows that are still at hand, lowest first."""
    sql = f"SELECT {COLUMNS} FROM sent WHERE lane = ? AND lane_seq BETWEEN ? AND ? ORDER BY lane_seq LIMIT ?"
    return [Row(*row) for row in db.execute(sql, (lane, first, last, limit))]


def make_late(db: sqlite3.Connection, state: Lane, first: int) -> None:
    """Rows from `first` on, which no socket has seen, waited for a connection: say so before they are ever sent."""
    for row in page(db, state.lane, first - 1, 1 << 30):
        late = row.payload.replace(b',"late":false,', b',"late":true,', 1)
        db.execute("UPDATE outbox SET payload = ? WHERE lane = ? AND lane_seq = ?", (late, row.lane, row.lane_seq))
        state.bytes += len(late) - len(row.payload)
