"""The live file: schema, connection, and one transaction. No thread, no queue."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

from gateway.core.effects import Journal as JournalEffect
from gateway.core.summary import Audit
from gateway.journal import anchor, chain, files, segments
from gateway.journal.chain import Head
from gateway.journal.files import FILE
from gateway.journal.participant import Participant

BUSY_MS = 2_000  # readers never hold the write lock; an operator's shell may, briefly
BASE_BITS = 32  # numbers of a file that replaces a lost one start at boot << 32, above all that were ever given
LIVE_ROWS = 20_000  # the latest rows stay in the live file: what a page or a start reads
SEGMENT_ROWS = 200_000  # rows above those make a segment of about 80 MB
SEGMENT_MS = 31 * 86_400_000  # or age does: a month
SLICE_ROWS = 4_000  # rows that leave the live file in one transaction: a few milliseconds, and twice as many as come
SEGMENTS_MAX_BYTES = (
    2 << 30
)  # of rows that left the live file; a year at 200 alarms a day and ten floods is a tenth of it

SCHEMA = """
CREATE TABLE IF NOT EXISTS boot(one INTEGER PRIMARY KEY CHECK(one = 1), boot INTEGER NOT NULL, base INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS kept(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
KEEP = "INSERT INTO kept VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value = excluded.value"
FORGET = "DELETE FROM kept WHERE key = ?"

Note = tuple[str, dict[str, Any]]  # kind and detail of a row about the journal itself


class JournalError(Exception):
    """The journal cannot be opened; the text says why."""


class Store:
    """One connection to the file. Made and used on one thread at a time; `open` before everything else."""

    def __init__(self, directory: Path, participant: Participant | None) -> None:
        self._directory = directory
        self._participant = participant
        self._db: sqlite3.Connection | None = None
        self._head = Head(0, chain.ORIGIN)
        self.anchored = self._head  # the place that the last anchor names
        self._anchor_row = 0
        self._own = 0  # counter of the rows that the participant adds: negative, so it never meets the kernel's
        self._encode = msgspec.json.Encoder(enc_hook=str).encode
        self.boot = 0

    @property
    def path(self) -> Path:
        return self._directory / FILE

    @property
    def db(self) -> sqlite3.Connection:
        if self._db is None:
            raise JournalError("the journal is not open")
        return self._db

    @property
    def head(self) -> Head:
        """The last row, between transactions a durable one."""
        return self._head

    @property
    def moved(self) -> bool:
        """There are rows above the last anchor."""
        return self._head.seq > self._anchor_row

    def start(self) -> str:
        """Open, check, and commit the next boot number. Returns what was wrong with the old file ("" = nothing)."""
        self._directory.mkdir(parents=True, exist_ok=True)
        files.settle(self._directory)
        fault = files.check_or_set_aside(self.path)
        self.connect()
        row = self.db.execute("SELECT boot, base FROM boot").fetchone()
        before = max(row[0] if row else 0, files.read_boot(self._directory))
        known = anchor.read(self._directory)
        if not fault and known is not None:
            fault = self._behind(known)
        base = int(row[1]) if row else 0
        if fault or row is None:
            base = before << BASE_BITS
        self.boot = before + 1
        # The side file goes first: should the database ever be lost, no boot number is given twice.
        files.write_boot(self._directory, self.boot)
        with self.db:
            self.db.execute("INSERT OR REPLACE INTO boot VALUES(1, ?, ?)", (self.boot, base))
            self.db.execute("INSERT OR IGNORE INTO chain VALUES(1, ?, ?)", (base + 1, chain.ORIGIN))
        self._load()
        files.reserve(self._directory)
        return fault

    def connect(self) -> None:
        """A new connection to the file, ready for transactions. Raises sqlite3.Error or OSError."""
        files.settle(self._directory)
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, cached_statements=64)
        try:
            db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA wal_autocheckpoint = 4000")  # only a backstop; `checkpoint` runs after waiters were told
            db.execute("PRAGMA foreign_keys = OFF")
            db.executescript(chain.SCHEMA + SCHEMA)
            chain.adopt(db)
        except sqlite3.Error:
            db.close()
            raise
        self._db = db
        if self.boot:
            self._load()
        files.grow(self.path.with_name(FILE + "-wal"))

    def renew(self) -> None:
        """All that is durable goes into a new, synced file, and that one is the journal. Raises sqlite3.Error, OSError.

        After a failed sync the kernel may have marked pages clean that are not on the disk; a second sync of the same
        file would call them durable. So nothing of that file is synced again: it is read, and left.
        """
        # A copy that was finished and could not take its place stands: the old file may have lost its log since.
        if not (self._directory / files.FRESH).exists():
            with self._reading() as source:
                files.copy_fresh(source, self._directory)
        self.close()
        self.connect()

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        """The open connection, else one for now."""
        if self._db is not None:
            yield self._db
        else:
            with closing(sqlite3.connect(self.path)) as db:
                yield db

    def close(self) -> None:
        """Close the connection; the last one to close empties the write-ahead log into the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def kept(self) -> dict[str, bytes]:
        return {str(key): bytes(value) for key, value in self.db.execute("SELECT key, value FROM kept")}

    def commit(self, batch: list[JournalEffect], notes: Iterable[Note] = (), *, anchor: bool = False) -> None:
        """All of `batch` and what the participant adds in one durable transaction, or nothing. Raises sqlite3.Error.

        `notes` are rows of the journal's own; with `anchor` the head is made a record that leaves the box.
        """
        head, done = self._head, False
        self.db.execute("BEGIN IMMEDIATE")
        try:
            self._write(batch)
            for kind, detail in notes:
                self.event(kind, "journal", detail)
            if anchor:
                self._anchor()
            if self._participant is not None:
                self._participant.flush(self)
            self.db.execute("COMMIT")
            done = True
        finally:
            if not done:
                self._undo(head)
        if self._participant is not None:
            self._participant.committed()

    def _undo(self, head: Head) -> None:
        self._head = head
        if self._anchor_row > head.seq:
            self._anchor_row = 0
        if self._participant is not None:
            self._participant.rolled_back()
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    def event(self, kind: str, subject: str, detail: dict[str, Any]) -> tuple[int, int]:
        """A row of the participant's own (`Ledger`)."""
        self._own -= 1
        utc_ms = time.time_ns() // 1_000_000
        seq = self._head.seq + 1
        row = (seq, self.boot, self._own, time.monotonic_ns(), utc_ms, kind, subject, "", self._encode(detail), 1)
        self._head = Head(seq, chain.link(self._head.link, (row,)))
        self.db.execute(chain.INSERT, (*row, self._head.link))
        return seq, utc_ms

    def checkpoint(self) -> None:
        """Copy the log into the file so that the next transaction writes at the log's beginning again."""
        self.db.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()

    def _write(self, batch: list[JournalEffect]) -> None:
        try:
            self._insert(batch)
        except sqlite3.IntegrityError:
            # Some of these rows are there: a commit that reported failure had reached the disk. What it wrote stands,
            # and an identity names one event: the first that was stored.
            self.db.execute("ROLLBACK")
            self.db.execute("BEGIN IMMEDIATE")
            first: dict[tuple[int, int], JournalEffect] = {}
            for effect in batch:
                if effect.record.id in first:
                    self._repeated(effect)
                else:
                    first[effect.record.id] = effect
            self._insert([effect for effect in first.values() if not self._stands(effect)])

    def _insert(self, batch: list[JournalEffect]) -> None:
        """Statements over the whole batch: a call into SQLite costs as much as the row itself."""
        if not batch:
            return
        encode, seq = self._encode, self._head.seq
        rows, kept = [], dict[str, bytes | None]()
        for effect in batch:
            seq += 1
            r, told = effect.record, effect.summary is not None
            detail = encode(r.detail)
            rows.append((seq, *r.id, r.at_ns, r.utc_ms, r.kind, r.subject, r.person, detail, int(told)))
            if r.key:
                kept[r.key] = r.keep
        link = chain.link(self._head.link, rows)
        self.db.executemany(chain.INSERT_INNER, rows[:-1])
        self.db.execute(chain.INSERT, (*rows[-1], link))
        if kept:
            self.db.executemany(KEEP, [(key, keep) for key, keep in kept.items() if keep is not None])
            self.db.executemany(FORGET, [(key,) for key, keep in kept.items() if keep is None])
        self._head = Head(seq, link)
        if self._participant is not None:
            for row, effect in zip(rows, batch, strict=True):
                if effect.summary is not None:
                    self._participant.write(self, row[0], effect.record.id, effect.summary)

    def _anchor(self) -> None:
        """The head as a row of its own, and upstream: what is written down elsewhere cannot be cut off unnoticed."""
        head = self._head
        _, utc_ms = self.event("journal.anchor", "journal", {"seq": head.seq, "head": head.link.hex()})
        if self._participant is not None:
            told = Audit(
                utc_ms=utc_ms, verb="journal.anchor", target=str(head.seq), role="gateway", head=head.link.hex()
            )
            self._participant.own(self, self._head.seq, (self.boot, self._own), told)
        self.anchored, self._anchor_row = head, self._head.seq

    def _stands(self, effect: JournalEffect) -> bool:
        found = self.db.execute("SELECT 1 FROM event WHERE boot = ? AND counter = ?", effect.record.id).fetchone()
        if found is not None:
            self._repeated(effect)
        return found is not None

    def _repeated(self, effect: JournalEffect) -> None:
        if effect.summary is not None and self._participant is not None:
            self._participant.repeated(effect.record.id, effect.summary)

    def _behind(self, known: Head) -> str:
        """The journal ends before its anchor, or is another one there: an older file was put in its place."""
        if chain.start(self.db).seq > known.seq:
            return ""
        head = chain.head(self.db)
        if head.seq < known.seq:
            return f"{FILE}: ends at row {head.seq}, before its anchor at {known.seq}: rows were cut off or rolled back"
        row = self.db.execute("SELECT link FROM event WHERE seq = ?", (known.seq,)).fetchone()
        if known.seq and known.seq > chain.start(self.db).seq and (row is None or row[0] != known.link):
            return f"{FILE}: row {known.seq} is not the one that the anchor names"
        return ""

    def _load(self) -> None:
        base = int(self.db.execute("SELECT base FROM boot").fetchone()[0])
        head = chain.head(self.db)
        self._head = Head(max(head.seq, base), head.link)
        least = self.db.execute("SELECT min(counter) FROM event WHERE boot = ?", (self.boot,)).fetchone()[0]
        self._own = min(int(least or 0), 0)
        if self._participant is not None:
            self._participant.prepare(self.db, base)

    # Segments ----------------------------------------------------------------------------------------------------

    def due(self, utc_ms: int) -> int:
        """Up to which row a segment should be written now; 0 = none yet."""
        begin = chain.start(self.db)
        last = self._head.seq - LIVE_ROWS
        if last <= begin.seq:
            return 0
        oldest = self.db.execute("SELECT utc_ms FROM event ORDER BY seq LIMIT 1").fetchone()
        if last - begin.seq < SEGMENT_ROWS and utc_ms - oldest[0] < SEGMENT_MS:
            return 0
        last = chain.linked(self.db, last).seq
        return last if last > begin.seq else 0

    def give_up(self) -> bool:
        """Take a slice of what segments hold out of the live file; whether there may be more. Raises sqlite3.Error."""
        kept = segments.list_segments(self._directory)
        begin = chain.start(self.db)
        if not kept or kept[-1].last <= begin.seq:
            return False
        least = min(kept[-1].last, begin.seq + SLICE_ROWS)
        sql = "SELECT seq, link FROM event WHERE seq >= ? AND link IS NOT NULL ORDER BY seq LIMIT 1"
        head = Head(*self.db.execute(sql, (least,)).fetchone())
        with self.db:
            self.db.execute("BEGIN IMMEDIATE")
            self.db.execute("DELETE FROM event WHERE seq <= ?", (head.seq,))
            self.db.execute(chain.BEGIN, (head.seq + 1, head.link))
        return head.seq < kept[-1].last

    def over(self) -> list[segments.Segment]:
        """The oldest segments that are over the bound."""
        kept = segments.list_segments(self._directory)
        size = sum(segment.bytes for segment in kept)
        found = list[segments.Segment]()
        while len(kept) > 1 and size > SEGMENTS_MAX_BYTES:
            found.append(kept.pop(0))
            size -= found[-1].bytes
        return found
