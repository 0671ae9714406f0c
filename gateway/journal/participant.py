"""What takes part in the journal's transactions: the outbox, through these two protocols and nothing else."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any, Protocol

from gateway.core.summary import Summary


class Ledger(Protocol):
    """The open transaction as a participant sees it."""

    @property
    def db(self) -> sqlite3.Connection:
        """The connection; never commit or roll back on it."""

    def event(self, kind: str, subject: str, detail: dict[str, Any]) -> tuple[int, int]:
        """Add a journal row of the participant's own; returns (seq, utc_ms)."""


class Participant(Protocol):
    """Writes rows of its own in the transaction of a journal row; called on the writer thread unless said otherwise."""

    def handed(self, summary: Summary) -> None:
        """A summary waits for the next transaction (loop thread)."""

    def missed(self, summary: Summary) -> None:
        """A summary that was handed over will never be written: the journal's bound was reached (loop thread)."""

    def delayed(self, identity: tuple[int, int], summary: Summary) -> None:
        """The transaction of this summary failed; it is kept in memory and tried again (once per summary)."""

    def bind(self, wake: Callable[[float], None]) -> None:
        """`wake` asks for a transaction in so many seconds though no record waits; callable from any thread."""

    def prepare(self, db: sqlite3.Connection, base: int) -> None:
        """A new connection: create tables, read state. Numbers of a new file start above `base`."""

    def write(self, ledger: Ledger, seq: int, identity: tuple[int, int], summary: Summary) -> None:
        """Queue `summary` of journal row `seq` in this transaction."""

    def own(self, ledger: Ledger, seq: int, identity: tuple[int, int], summary: Summary) -> None:
        """Queue what the journal itself has to say: nobody handed it over."""

    def repeated(self, identity: tuple[int, int], summary: Summary) -> None:
        """The row of this summary was already durable: a commit that reported failure had succeeded."""

    def flush(self, ledger: Ledger) -> None:
        """Whatever else is due, at the end of every transaction."""

    def committed(self) -> None:
        """The transaction is on disk."""

    def rolled_back(self) -> None:
        """The transaction did not happen; everything since the last `committed` is undone."""
