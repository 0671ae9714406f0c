"""The journal as the loop sees it: `append` never blocks, a thread commits what queued while the last commit ran."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from gateway.core.effects import Journal as JournalEffect
from gateway.journal.participant import Participant
from gateway.journal.store import Store

WAITING_MAX = 20_000  # about 20 MB of records: four floods of 5,000 (reliability.md G14) with the disk away
RESERVED = 4_000  # of them for P1, P2, audits, kept state and intentions: what must not be crowded out
BATCH_MAX = 1_024  # a waiter of the next commit waits for at most so many rows
RETRY_S = 1.0  # a failed disk is tried again in a new connection; recovery is due within 5 s (G6)
RIDE_S = 0.02  # what the participant asks for waits this long for a transaction to ride along with
CHECKPOINT_ROWS = 2_000  # keeps the log below its grown size


@dataclass(frozen=True, slots=True)
class Opened:
    """What a start needs: this boot's number, the durable state by key, and what was wrong with the old file."""

    boot: int
    kept: dict[str, bytes]
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """One consistent reading. `lost` were refused at the bound; `waiting` are in memory, not yet on disk."""

    ok: bool
    error: str
    waiting: int
    rows: int
    commits: int
    lost: int
    failures: int


class Journal:
    """One writer of `directory`/journal.db. `append`, `counts` and `close` belong to the loop's thread."""

    def __init__(self, directory: Path, participant: Participant | None = None) -> None:
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
        self._rows = self._commits = self._lost = self._failures = self._since_checkpoint = 0
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
                if len(self._waiting) == 1:  # else the writer was told already
                    self._wake.notify()
                return
            self._lost += 1
        if effect.summary is not None and self._participant is not None:
            self._participant.missed(effect.summary)
        if effect.confirm > 0:
            self.on_durable(effect.confirm, False)

    def ride(self) -> None:
        """Ask for a transaction within `RIDE_S` though nothing may wait (`Participant.bind`)."""
        with self._wake:
            if self._ride_at == 0.0:
                self._ride_at = time.monotonic() + RIDE_S
                self._wake.notify()

    def counts(self) -> Counts:
        with self._wake:
            waiting = len(self._waiting) + len(self._retry)
            ok = self._ok and self._thread is not None and self._thread.is_alive()
            return Counts(ok, self._error, waiting, self._rows, self._commits, self._lost, self._failures)

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
            if batch is None:
                break
            try:
                self._store.commit(batch)
            except (sqlite3.Error, OSError) as error:
                if not self._failed(batch, error):
                    break
            else:
                self._done(batch)
        try:
            self._store.close()
        except sqlite3.Error as error:
            self._error = str(error)

    def _take(self) -> list[JournalEffect] | None:
        """The next batch, empty for a ride-along transaction, None at the end. Called with the lock held."""
        while not self._retry and not self._waiting and not self._closing:
            left = self._ride_at - time.monotonic() if self._ride_at else None
            if left is not None and left <= 0:
                break
            self._wake.wait(left)
        if not self._retry and not self._waiting and not self._ride_at and self._closing:
            return None
        self._ride_at = 0.0
        if not self._retry:
            if len(self._waiting) <= BATCH_MAX:
                self._retry = list(self._waiting)
                self._waiting.clear()
            else:
                self._retry = [self._waiting.popleft() for _ in range(BATCH_MAX)]
        return self._retry  # stays there until it is durable, so that `counts` sees it

    def _done(self, batch: list[JournalEffect]) -> None:
        self._tell([effect.confirm for effect in batch if effect.confirm > 0], True)
        with self._wake:
            self._rows += len(batch)
            self._commits += 1
            self._retry = []
            self._ok, self._error = True, ""
        self._delayed.clear()
        self._since_checkpoint += len(batch) + 8
        if self._since_checkpoint >= CHECKPOINT_ROWS:
            self._since_checkpoint = 0
            try:
                self._store.checkpoint()
            except sqlite3.Error as error:  # nothing is lost: the log is longer, and the next commit reports the disk
                self._error = str(error)

    def _failed(self, batch: list[JournalEffect], error: Exception) -> bool:
        """Keep `batch`, tell its waiters, and come back with a new connection. False when there is no time left to."""
        waiters = [effect.confirm for effect in batch if effect.confirm > 0]
        for effect in batch:
            if effect.summary is not None and self._participant is not None and effect.record.id not in self._delayed:
                self._delayed.add(effect.record.id)
                self._participant.delayed(effect.record.id, effect.summary)
        with self._wake:
            self._ok, self._error = False, str(error)
            self._failures += 1
            # A waiter that was told "not durable" must not later hear the contrary: its command was refused.
            self._retry = [msgspec.structs.replace(e, confirm=0) if e.confirm > 0 else e for e in batch]
        self._tell(waiters, False)
        while True:
            with self._wake:
                if self._closing:
                    return False
                self._wake.wait(RETRY_S)
                queued = [effect.confirm for effect in self._waiting if effect.confirm > 0]
                if queued:
                    self._waiting = deque(
                        msgspec.structs.replace(e, confirm=0) if e.confirm > 0 else e for e in self._waiting
                    )
            self._tell(queued, False)
            if self._reconnected():
                return True

    def _reconnected(self) -> bool:
        """A failed sync is never retried on the same connection: the kernel may have dropped the dirty pages."""
        try:
            self._store.close()
            self._store.connect()
        except (sqlite3.Error, OSError) as error:
            with self._wake:
                self._error = str(error)
                self._failures += 1
            return False
        return True

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


def _nobody(_id: int, _ok: bool) -> None:
    return
