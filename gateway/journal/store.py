"""The file: schema, connection, growth of the write-ahead log, and one transaction. No thread, no queue."""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec
from sqlite_utils import Database

from gateway.core.effects import Journal as JournalEffect
from gateway.journal.participant import Participant

FILE = "journal.db"
BOOT_FILE = "boot"

WAL_BYTES = 8 << 20  # grown in advance: an fdatasync that need not extend the file costs half
CHECK_MAX_BYTES = 64 << 20  # a full check at start-up stays under a second; larger files are checked by `reader.check`
BUSY_MS = 2_000  # readers never hold the write lock; an operator's shell may, briefly
BASE_BITS = 32  # numbers of a file that replaces a lost one start at boot << 32, above all that were ever given

SCHEMA = """
CREATE TABLE IF NOT EXISTS boot(one INTEGER PRIMARY KEY CHECK(one = 1), boot INTEGER NOT NULL, base INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS event(
    seq INTEGER PRIMARY KEY, boot INTEGER NOT NULL, counter INTEGER NOT NULL, at_ns INTEGER NOT NULL,
    utc_ms INTEGER NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL, person TEXT NOT NULL,
    detail BLOB NOT NULL, summary INTEGER NOT NULL, UNIQUE(boot, counter));
CREATE TABLE IF NOT EXISTS kept(key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
INSERT = "INSERT INTO event VALUES(?,?,?,?,?,?,?,?,?,?)"
KEEP = "INSERT INTO kept VALUES(?,?) ON CONFLICT(key) DO UPDATE SET value = excluded.value"
FORGET = "DELETE FROM kept WHERE key = ?"


class JournalError(Exception):
    """The journal cannot be opened; the text says why."""


class Store:
    """One connection to the file. Made and used on one thread at a time; `open` before everything else."""

    def __init__(self, directory: Path, participant: Participant | None) -> None:
        self._directory = directory
        self._participant = participant
        self._db: sqlite3.Connection | None = None
        self._seq = 0
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

    def start(self) -> str:
        """Open, check, and commit the next boot number. Returns what was wrong with the old file ("" = nothing)."""
        self._directory.mkdir(parents=True, exist_ok=True)
        fault = self._check_or_set_aside()
        self.connect()
        row = self.db.execute("SELECT boot FROM boot").fetchone()
        before = max(row[0] if row else 0, _read_boot(self._directory))
        base = (before << BASE_BITS) if row is None and before else 0
        self.boot = before + 1
        # The side file goes first: should the database ever be lost, no boot number is given twice.
        _write_boot(self._directory, self.boot)
        with self.db:
            self.db.execute(
                "INSERT INTO boot VALUES(1, ?, ?) ON CONFLICT(one) DO UPDATE SET boot = excluded.boot",
                (self.boot, base),
            )
        self._load()
        return fault

    def connect(self) -> None:
        """A new connection to the file, ready for transactions. Raises sqlite3.Error or OSError."""
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, cached_statements=64)
        try:
            db.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute("PRAGMA wal_autocheckpoint = 4000")  # only a backstop; `checkpoint` runs after waiters were told
            db.execute("PRAGMA foreign_keys = OFF")
            db.executescript(SCHEMA)
        except sqlite3.Error:
            db.close()
            raise
        self._db = db
        if self.boot:
            self._load()
        _grow(self.path.with_name(FILE + "-wal"))

    def close(self) -> None:
        """Close the connection; the last one to close empties the write-ahead log into the file."""
        if self._db is not None:
            self._db.close()
            self._db = None

    def kept(self) -> dict[str, bytes]:
        return {str(key): bytes(value) for key, value in self.db.execute("SELECT key, value FROM kept")}

    def commit(self, batch: list[JournalEffect]) -> None:
        """All of `batch` and what the participant adds in one durable transaction, or nothing. Raises sqlite3.Error."""
        seq, done = self._seq, False
        self.db.execute("BEGIN IMMEDIATE")
        try:
            self._write(batch)
            if self._participant is not None:
                self._participant.flush(self)
            self.db.execute("COMMIT")
            done = True
        finally:
            if not done:
                self._undo(seq)
        if self._participant is not None:
            self._participant.committed()

    def _undo(self, seq: int) -> None:
        self._seq = seq
        if self._participant is not None:
            self._participant.rolled_back()
        if self.db.in_transaction:
            self.db.execute("ROLLBACK")

    def event(self, kind: str, subject: str, detail: dict[str, Any]) -> tuple[int, int]:
        """A row of the participant's own (`Ledger`)."""
        self._seq += 1
        self._own -= 1
        utc_ms = time.time_ns() // 1_000_000
        row = (self._seq, self.boot, self._own, time.monotonic_ns(), utc_ms, kind, subject, "", self._encode(detail), 1)
        self.db.execute(INSERT, row)
        return self._seq, utc_ms

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
        encode, seq = self._encode, self._seq
        rows, kept = [], dict[str, bytes | None]()
        for effect in batch:
            seq += 1
            r, summary = effect.record, effect.summary
            detail = encode(r.detail)
            rows.append(
                (seq, *r.id, r.at_ns, r.utc_ms, r.kind, r.subject, r.person, detail, 0 if summary is None else 1)
            )
            if r.key:
                kept[r.key] = r.keep
        self.db.executemany(INSERT, rows)
        if kept:
            self.db.executemany(KEEP, [(key, keep) for key, keep in kept.items() if keep is not None])
            self.db.executemany(FORGET, [(key,) for key, keep in kept.items() if keep is None])
        if self._participant is not None:
            for row, effect in zip(rows, batch, strict=True):
                if effect.summary is not None:
                    self._participant.write(self, row[0], effect.record.id, effect.summary)
        self._seq = seq

    def _stands(self, effect: JournalEffect) -> bool:
        found = self.db.execute("SELECT 1 FROM event WHERE boot = ? AND counter = ?", effect.record.id).fetchone()
        if found is not None:
            self._repeated(effect)
        return found is not None

    def _repeated(self, effect: JournalEffect) -> None:
        if effect.summary is not None and self._participant is not None:
            self._participant.repeated(effect.record.id, effect.summary)

    def _load(self) -> None:
        base = int(self.db.execute("SELECT base FROM boot").fetchone()[0])
        self._seq = int(self.db.execute("SELECT coalesce(max(seq), ?) FROM event", (base,)).fetchone()[0])
        least = self.db.execute("SELECT min(counter) FROM event WHERE boot = ?", (self.boot,)).fetchone()[0]
        self._own = min(int(least or 0), 0)
        if self._participant is not None:
            self._participant.prepare(self.db, base)

    def _check_or_set_aside(self) -> str:
        if not self.path.exists():
            return ""
        try:
            fault = check(self.path) if self.path.stat().st_size <= CHECK_MAX_BYTES else ""
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):  # locked, no room, no permission: not damage
                raise
            fault = str(error)
        if fault:
            aside = f".damaged-{time.time_ns() // 1_000_000}"
            for name in (FILE, FILE + "-wal", FILE + "-shm"):
                if (self._directory / name).exists():
                    (self._directory / name).rename(self._directory / (name + aside))
            fault = f"{FILE}: {fault}; kept as {FILE}{aside}"
        return fault


def check(path: Path) -> str:
    """What SQLite's integrity check finds in the file, "" when it is sound. Raises sqlite3.DatabaseError."""
    base = Database(sqlite3.connect(path))
    try:
        rows = [str(row[0]) for row in base.execute("PRAGMA quick_check(5)").fetchall()]
    finally:
        base.close()
    return "" if rows == ["ok"] else "; ".join(rows)


def _grow(wal: Path) -> None:
    """Zeros behind the log's end: SQLite ignores them (no valid frame), and commits no longer extend the file."""
    fd = os.open(wal, os.O_RDWR | os.O_CREAT, 0o640)
    try:
        size = os.fstat(fd).st_size
        while size < WAL_BYTES:
            size += os.pwrite(fd, bytes(min(1 << 20, WAL_BYTES - size)), size)
        os.fsync(fd)
    finally:
        os.close(fd)


def _read_boot(directory: Path) -> int:
    try:
        return int((directory / BOOT_FILE).read_text(encoding="ascii"))
    except (FileNotFoundError, ValueError):
        return 0


def _write_boot(directory: Path, boot: int) -> None:
    new = directory / (BOOT_FILE + ".new")
    with new.open("w", encoding="ascii") as file:
        file.write(f"{boot}\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(directory / BOOT_FILE)
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
