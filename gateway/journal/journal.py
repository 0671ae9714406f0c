"""The journal as the loop sees it: `append` never blocks, a thread commits what queued while the last commit ran."""

from __future__ import annotations

import asyncio
import errno
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gateway.core.effects import Journal as JournalEffect
from gateway.journal import anchor, files
from gateway.journal.participant import Participant
from gateway.journal.store import Note, Store
from gateway.journal.upkeep import Upkeep

WAITING_MAX = 20_000  # about 20 MB of records: four floods of 5,000 (reliability.md G14) with the disk away
RESERVED = 4_000  # of them for P1, P2, audits, kept state and intentions: what must not be crowded out
BATCH_MAX = 1_024  # a waiter of the next commit waits for at most so many rows
RETRY_S = 1.0  # a failed disk is tried again in a new connection; recovery is due within 5 s (G6)
NOTES_MAX = 64  # rows of the gateway's own that may wait: an hour's audit is one
RIDE_S = 0.02  # what the participant asks for waits this long for a transaction to ride along with
ANCHOR_S = 60.0  # so much of the journal's end could be cut off unnoticed
TIGHT_BYTES = 2 * files.RESERVE_BYTES  # with this much free a disk is no longer full


@dataclass(frozen=True, slots=True)
class Opened:
    """What a start needs: this boot's number, the durable state by key, and what was wrong with the old file."""

    boot: int
    kept: dict[str, bytes]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """One consistent reading. `lost` were refused at the bound; `waiting` are in memory, not yet on disk.

    `head` and `anchored` are places of the hash chain as SEQ:SHA-256; `tight` = the disk is full, only what matters is
    written; `renewed` counts files that were left after a failed read, write or sync.
    """

    ok: bool
    error: str
    waiting: int
    rows: int
    commits: int
    lost: int
    failures: int
    renewed: int = 0
    tight: bool = False
    head: str = ""
    anchored: str = ""
    anchored_ms: int = 0


class Journal:
    """One writer of `directory`/journal.db. `append`, `counts` and `close` belong to the loop's thread.

    `make_room` is asked first when the disk is full (writer thread): it frees what is worth less than alarms, the oldest
    history, and says whether there was any.
    """

    def __init__(
        self, directory: Path, participant: Participant | None = None, make_room: Callable[[], bool] | None = None
    ) -> None:
        self._directory = directory
        self._make_room = make_room
        self._store = Store(directory, participant)
        self._participant = participant
        self._wake = threading.Condition(threading.Lock())
        self._waiting: deque[JournalEffect] = deque()
        self._retry: list[JournalEffect] = []
        self._ride_at = 0.0
        self._closing = False
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ok = True
        self._error = ""
        self._rows = self._commits = self._lost = self._failures = 0
        self._renewed = 0
        self._tight = self._broken = False
        self._upkeep = Upkeep(self._store)
        self._notes: list[Note] = []
        self._asked: list[Note] = []  # of `note`, until the writer takes them
        self._anchor_at = self._probe_at = 0.0
        self._head, self._anchored, self._anchored_ms = self._store.head, self._store.anchored, 0
        self._delayed: set[tuple[int, int]] = set()
        self.on_durable: Callable[[int, bool], None] = _nobody

    @property
    def path(self) -> Path:
        return self._store.path

    def open(self) -> Opened:
        """Open or create the file, commit the next boot number, start the writer. Blocks; sqlite3.Error, OSError."""
        fault = self._store.start()
        if self._participant is not None:
            self._participant.bind(self.ride)
        if fault:
            self._store.commit([], [("journal.fault", {"fault": fault})])
        anchor.write(self._directory, self._store.head)
        self._head = self._store.head
        self._anchor_at = time.monotonic() + ANCHOR_S
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()
        return Opened(self._store.boot, self._store.kept(), fault)

    def append(self, effect: JournalEffect) -> None:
        """Queue `effect` for the next commit. Over the bound it is counted as lost, and a waiter is told so at once."""
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        if effect.summary is not None and self._participant is not None:
            self._participant.handed(effect.summary)
        with self._wake:
            held = len(self._waiting) + len(self._retry)
            room = held < WAITING_MAX - RESERVED or (held < WAITING_MAX and _matters(effect))
            if room and not self._closing:
                self._waiting.append(effect)
                if len(self._waiting) == 1 or self._tight:  # else the writer was told already
                    self._wake.notify()
                return
            self._lost += 1
        if effect.summary is not None and self._participant is not None:
            self._participant.missed(effect.summary)
        if effect.confirm > 0:
            self.on_durable(effect.confirm, False)

    def note(self, kind: str, detail: dict[str, Any]) -> bool:
        """Queue a row of the gateway's own; False where too many wait, and the caller may ask again later."""
        with self._wake:
            if len(self._asked) >= NOTES_MAX or self._closing:
                return False
            self._asked.append((kind, detail))
        self.ride()
        return True

    def ride(self, after_s: float = 0.0) -> None:
        """Ask for a transaction in `after_s`, at least `RIDE_S`, though nothing may wait (`Participant.bind`)."""
        at = time.monotonic() + max(after_s, RIDE_S)
        with self._wake:
            if self._ride_at == 0.0 or at < self._ride_at:
                self._ride_at = at
                self._wake.notify()

    def counts(self) -> Counts:
        with self._wake:
            waiting = len(self._waiting) + len(self._retry)
            ok = self._ok and not self._tight and self._thread is not None and self._thread.is_alive()
            return Counts(
                ok=ok,
                error=self._error,
                waiting=waiting,
                rows=self._rows,
                commits=self._commits,
                lost=self._lost,
                failures=self._failures,
                renewed=self._renewed,
                tight=self._tight,
                head=str(self._head),
                anchored=str(self._anchored) if self._anchored_ms else "",
                anchored_ms=self._anchored_ms,
            )

    def close(self, timeout_s: float = 5.0) -> bool:
        """Drain, end the writer and close the file. Blocks; False = something could not be written in time."""
        with self._wake:
            self._closing = True
            self._wake.notify()
        if self._thread is not None:
            self._thread.join(timeout_s)
            if self._thread.is_alive():
                return False
            self._thread = None
        return not self._waiting and not self._retry

    # The writer thread -------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._wake:
                batch = self._take()
                self._notes += self._asked
                self._asked.clear()
            if batch is None:
                break
            anchored = self._anchor_due()
            try:
                self._store.commit(batch, self._notes, anchor=anchored)
                self._done(batch)
                if anchored:
                    self._anchor()
                self._notes = self._upkeep.after(len(batch))
                self._loosen()
            except (sqlite3.Error, OSError) as error:
                if not self._failed(error):
                    break
        self._end()

    def _end(self) -> None:
        try:
            anchor.write(self._directory, self._store.head)
            self._upkeep.end()
            self._store.close()
        except (sqlite3.Error, OSError) as error:
            self._error = str(error)

    def _take(self) -> list[JournalEffect] | None:
        """The next batch, empty for a transaction due without one, None at the end. Called with the lock held."""
        while not self._retry:
            self._retry = self._pick()  # stays there until it is durable, so that `counts` sees it
            left = self._due_in_s()
            if self._retry or self._closing or (left is not None and left <= 0):
                break
            self._wake.wait(left)
        if not self._retry and not self._ride_at and self._closing:
            return None
        self._ride_at = 0.0
        return self._retry

    def _pick(self) -> list[JournalEffect]:
        """What waits, oldest first; on a full disk only what matters, until the end."""
        if self._tight and not self._closing:
            found = [effect for effect in self._waiting if _matters(effect)][:BATCH_MAX]
            if found:
                taken = {id(effect) for effect in found}
                self._waiting = deque(effect for effect in self._waiting if id(effect) not in taken)
            return found
        if len(self._waiting) <= BATCH_MAX:
            found = list(self._waiting)
            self._waiting.clear()
            return found
        return [self._waiting.popleft() for _ in range(BATCH_MAX)]

    def _due_in_s(self) -> float | None:
        """Until a transaction is due though nothing may wait; None = not at all."""
        due = [self._ride_at] if self._ride_at else []
        if self._store.moved:
            due.append(self._anchor_at)
        if self._tight:
            due.append(self._probe_at)
        return min(due) - time.monotonic() if due else None

    def _anchor_due(self) -> bool:
        return self._store.moved and time.monotonic() >= self._anchor_at

    def _anchor(self) -> None:
        """The record that leaves is durable; the same beside the file finds a roll-back by accident."""
        self._anchor_at = time.monotonic() + ANCHOR_S
        with self._wake:
            self._anchored, self._anchored_ms = self._store.anchored, time.time_ns() // 1_000_000
        anchor.write(self._directory, self._store.head)

    def _done(self, batch: list[JournalEffect]) -> None:
        self._tell([effect.confirm for effect in batch if effect.confirm > 0], True)
        with self._wake:
            self._rows += len(batch)
            self._commits += 1
            self._retry = []
            self._ok, self._error = True, ""
            self._head = self._store.head
        self._delayed.clear()

    def _failed(self, error: Exception) -> bool:
        """Keep the batch, tell its waiters, and come back with a new connection. False when there is no time left to."""
        batch = self._retry
        waiters = [effect.confirm for effect in batch if effect.confirm > 0]
        for effect in batch:
            if effect.summary is not None and self._participant is not None and effect.record.id not in self._delayed:
                self._delayed.add(effect.record.id)
                self._participant.delayed(effect.record.id, effect.summary)
        with self._wake:
            # A waiter that was told "not durable" must not later hear the contrary: its command was refused.
            self._retry = _unasked(batch)
        self._note_failure(error)
        self._tell(waiters, False)
        roomy = _is_full(error) and self._found_room()
        while True:
            with self._wake:
                if self._closing:
                    return False
                self._wake.wait(0.0 if roomy else RETRY_S)
                queued = [effect.confirm for effect in self._waiting if effect.confirm > 0]
                if queued:
                    self._waiting = deque(_unasked(self._waiting))
            self._tell(queued, False)
            try:
                self._reconnect()
            except (sqlite3.Error, OSError) as again:
                self._note_failure(again)
                roomy = _is_full(again) and self._found_room()
            else:
                return True

    def _note_failure(self, error: Exception) -> None:
        self._broken = self._broken or _is_broken(error)
        with self._wake:
            self._ok, self._error = False, str(error)
            self._failures += 1

    def _reconnect(self) -> None:
        """A failed read, write or sync is never tried again on the same file: a new one takes over what is durable."""
        if self._broken:
            self._upkeep.end()  # a reader that opens the file while it is replaced would see halves of two
            self._store.renew()
            self._broken = False
            self._notes.append(("journal.renewed", {"error": self._error}))
            with self._wake:
                self._renewed += 1
        else:
            self._store.close()
            self._store.connect()

    # A full disk -------------------------------------------------------------------------------------------------

    def _found_room(self) -> bool:
        """The oldest history goes first, then the reserve; with the reserve gone only what matters is written."""
        if self._make_room is not None and self._make_room():
            return True
        spent = files.spend(self._directory)
        with self._wake:
            self._tight, self._probe_at = True, time.monotonic() + RETRY_S
            rest = [effect for effect in self._retry if not _matters(effect)]
            self._retry = [effect for effect in self._retry if _matters(effect)]
            self._waiting.extendleft(reversed(rest))
        return spent

    def _loosen(self) -> None:
        """Where there is room again, build the reserve up and write what waited."""
        if not self._tight or time.monotonic() < self._probe_at:
            return
        roomy = files.free_bytes(self._directory) >= TIGHT_BYTES and files.reserve(self._directory)
        with self._wake:
            self._tight, self._probe_at = not roomy, time.monotonic() + RETRY_S

    def _tell(self, waiters: Iterable[int], ok: bool) -> None:
        waiters = list(waiters)
        loop = self._loop
        if not waiters or loop is None:
            return
        try:
            loop.call_soon_threadsafe(self._told, waiters, ok)
        except RuntimeError:  # the loop has ended: nobody waits any more
            return

    def _told(self, waiters: list[int], ok: bool) -> None:
        for waiter in waiters:
            self.on_durable(waiter, ok)


def _matters(effect: JournalEffect) -> bool:
    return (
        effect.confirm > 0
        or bool(effect.record.key)
        or (effect.summary is not None and getattr(effect.summary, "priority", 1) <= 2)
    )


def _unasked(effects: Iterable[JournalEffect]) -> list[JournalEffect]:
    """The same without a question for durability."""
    return [msgspec.structs.replace(effect, confirm=0) if effect.confirm > 0 else effect for effect in effects]


def _code(error: Exception) -> int:
    """SQLite's primary result code; 0 where it is no error of SQLite's own."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in (errno.ENOSPC, errno.EDQUOT)
    return _code(error) == sqlite3.SQLITE_FULL


def _is_broken(error: Exception) -> bool:
    return error.errno == errno.EIO if isinstance(error, OSError) else _code(error) == sqlite3.SQLITE_IOERR


def _nobody(_id: int, _ok: bool) -> None:
    return
