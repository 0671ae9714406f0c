"""Work beside the commits: the log goes back into the file, old rows into segments, the oldest segments away."""

from __future__ import annotations

import sqlite3
import threading
import time

from gateway.journal import segments
from gateway.journal.store import Note, Store

CHECKPOINT_ROWS = 2_000  # keeps the log below its grown size
TRANSACTION_ROWS = 8  # what a transaction costs in the log beside its rows, counted as rows


class Upkeep:
    """For the writer thread, after waiters were told. Only the copy into a segment has a thread of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._rows = 0
        self._copying: threading.Thread | None = None
        self._failed: Exception | None = None
        self._leaving: list[segments.Segment] = []

    def after(self, rows: int) -> list[Note]:
        """A transaction of `rows` is done; returns what the journal should note. Raises sqlite3.Error, OSError."""
        self._rows += rows + TRANSACTION_ROWS
        if self._rows < CHECKPOINT_ROWS:
            return []
        self._rows = 0
        self._store.checkpoint()
        if self._copying is not None and self._copying.is_alive():
            return []
        failed, self._failed = self._failed, None
        if failed is not None:
            return [("journal.segment", {"error": str(failed)})]
        if self._store.give_up():
            return []
        last = self._store.due(time.time_ns() // 1_000_000)
        if last:
            self._copying = threading.Thread(target=self._copy, args=(last,), name="journal-segment", daemon=True)
            self._copying.start()
        return self._retire()

    def _retire(self) -> list[Note]:
        """The oldest segments over the bound go one round after the journal has noted where it will begin."""
        for segment in self._leaving:
            segment.path.unlink()
        self._leaving = self._store.over()
        heads = [segments.head_of(segment.path) for segment in self._leaving]
        return [("journal.retired", {"last": head.seq, "head": head.link.hex()}) for head in heads]

    def end(self) -> None:
        """Wait for a copy that is being made; without its name it would be made again."""
        if self._copying is not None:
            self._copying.join()

    def _copy(self, last: int) -> None:
        try:
            segments.write(self._store.path, last)
        except (sqlite3.Error, OSError) as error:  # noted by the next round, and tried again
            self._failed = error
