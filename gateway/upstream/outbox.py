"""The durable queue: takes part in the journal's transactions and hands every committed record to the session.

Numbers and bytes of a record are fixed in the transaction that stores it, so a repeat is byte for byte the same.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, cast

from gateway.core.summary import AlarmSummary, Flood, Gap, Priority, Queued, Summary
from gateway.upstream import lanes
from gateway.upstream.encode import QUEUED, Encoder, Message, Numbers, gap_id, lane_of
from gateway.upstream.lanes import Lanes, Row

QUEUE_MAX_BYTES = 1 << 30  # 10^6 alarms of 30 days offline fit (reliability.md G7)
RESERVE_BYTES = 256 << 20  # of the disk stay free for the journal itself and the history
FLOOR_BYTES = (
    16 << 20
)  # of the queue stay whatever the disk lacks: about 20,000 alarms, and dropping them would free nothing
DROP_SHARE = 16  # this part of the bound is freed at a time: few gap records, each for a long range
DISK_EVERY_S = 5.0  # how often the free space is asked for
MEMORY_MAX = 256  # P1 and P2 that may be sent from memory while the journal is down
GAP_S = 1.0  # at most one gap record a second tells of what a flood aggregated
AGGREGATED = ("raise", "clear", "return", "ack", "shelve")  # what a trip did is told one by one, also in a flood
DROP_ORDER: tuple[Priority, ...] = (4, 3, 2, 1)  # audits and gaps never go: people and drops are few

Proof = Literal["broker", "receipt"]


class Ledger(Protocol):
    """The journal's open transaction, as `journal.participant.Ledger` defines it."""

    @property
    def db(self) -> sqlite3.Connection: ...

    def event(self, kind: str, subject: str, detail: dict[str, Any]) -> tuple[int, int]: ...


@dataclass(frozen=True, slots=True)
class Algebra:
    """One consistent reading: `produced = confirmed + queued + aggregated + expired`; the rest stands beside it."""

    produced: int
    confirmed: int
    queued: int
    aggregated: int
    expired: int
    pending: int  # handed to the journal, not yet committed
    unjournalled: int  # sent from memory while the journal was down
    missed: int  # refused by the journal's bound

    @property
    def balanced(self) -> bool:
        return self.produced == self.confirmed + self.queued + self.aggregated + self.expired


@dataclass(frozen=True, slots=True)
class Bound:
    """How much the queue may take: bytes of its own, and what must stay free on the disk (`free` in bytes).

    A disk that lacks room costs the queue what is above `floor_bytes`, and nothing below.
    """

    max_bytes: int = QUEUE_MAX_BYTES
    reserve_bytes: int = RESERVE_BYTES
    floor_bytes: int = FLOOR_BYTES
    free: Callable[[], int] | None = None


class Receiver(Protocol):
    """The session, while it is connected. Called on the loop's thread."""

    def take(self, rows: list[Row]) -> None:
        """Rows just committed."""

    def take_unjournalled(self, message: Message) -> None:
        """A P1 or P2 that cannot be journalled now."""


class Outbox:
    """The journal's participant. `path` is the journal's file; `proof` says what removes a row from the queue."""

    def __init__(
        self,
        path: Path,
        encoder: Encoder,
        *,
        bound: Bound = Bound(),
        proof: Proof = "broker",
        shadow: bool = False,
        resend: bool = False,
    ) -> None:
        self.encoder = encoder
        self.proof = proof
        self._path = path
        self._bound = bound
        self._shadow = shadow
        self._resend = resend
        self._floods: set[str] = set()  # areas in flood, with what this transaction changes
        self._floods_before: set[str] = set()
        self._gap_at = 0.0
        self._gap_lane = 0  # that had the last turn
        self._lock = threading.Lock()
        self._committed: Lanes = {}
        self._working: Lanes = {}
        self._fresh: list[Row] = []
        self._written = 0
        self._pending = self._missed = self._unjournalled = 0
        self._acks: deque[tuple[int, int]] = deque()
        self._receipts: dict[int, int] = {}
        self._late_from: dict[int, int] = {}
        self._using: tuple[list[tuple[int, int]], dict[int, int], dict[int, int]] = ([], {}, {})
        self._outside: set[tuple[int, int]] = set()
        self._passed: list[tuple[int, int]] = []
        self._memory: deque[Message] = deque(maxlen=MEMORY_MAX)
        self._receiver: Receiver | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._wake: Callable[[float], None] = _nobody
        self._disk_at = 0.0
        self._short = 0

    # For the session, on the loop's thread -----------------------------------------------------------------------

    def connect(self, receiver: Receiver) -> dict[int, int]:
        """From now on `receiver` gets every row above the returned numbers, by lane; those up to them are in the table."""
        with self._lock:
            self._loop = asyncio.get_running_loop()
            self._receiver = receiver
            return {lane: state.last for lane, state in self._committed.items()}

    def disconnect(self, unsent: dict[int, int]) -> None:
        """The connection is lost. `unsent`: by lane, from which number on no socket has seen a row; those become late."""
        with self._lock:
            self._receiver = None
            for lane, first in unsent.items():
                self._late_from[lane] = min(first, self._late_from.get(lane, first))
        self._wake(0.0)

    def acked(self, lane: int, lane_seq: int) -> None:
        """The broker acknowledged a row; the durable cursor moves with the next transaction."""
        with self._lock:
            self._acks.append((lane, lane_seq))
        self._wake(0.0)

    def receipt(self, highest: dict[int, int]) -> None:
        """The receiver holds everything up to these numbers; honoured for what the broker acknowledged."""
        with self._lock:
            for lane, lane_seq in highest.items():
                self._receipts[lane] = max(lane_seq, self._receipts.get(lane, 0))
        self._wake(0.0)

    def settled(self) -> bool:
        """No change of rows is waiting: what `page` reads may be sent."""
        with self._lock:
            return not self._late_from and not self._using[2]

    def page(self, lane: int, after: int, limit: int) -> list[Row]:
        """Queued rows above a number, from a connection of its own; call it in a thread. Raises sqlite3.Error."""
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as db:
            return lanes.page(db, lane, after, limit)

    def sent(self, lane: int, first: int, last: int, limit: int) -> list[Row]:
        """Delivered rows that a receiver asks for again, from a connection of its own; call it in a thread."""
        uri = f"{self._path.absolute().as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as db:
            return lanes.sent(db, lane, first, last, limit)

    def memory(self) -> list[Message]:
        """What was never journalled and not yet acknowledged; sent again on each connection."""
        return list(self._memory)

    def memory_acked(self, message: Message) -> None:
        if message in self._memory:
            self._memory.remove(message)

    def counts(self) -> Algebra:
        """The equation as committed, with what is pending, at one instant."""
        with self._lock:
            total = self._committed.values()
            return Algebra(
                produced=sum(x.produced for x in total),
                confirmed=sum(x.confirmed for x in total),
                queued=sum(x.queued for x in total),
                aggregated=sum(x.aggregated for x in total),
                expired=sum(x.expired for x in total),
                pending=self._pending,
                unjournalled=self._unjournalled,
                missed=self._missed,
            )

    def by_lane(self) -> dict[int, dict[str, int]]:
        """The same by lane, with the highest number given and the bytes queued."""
        names = ("last", "produced", "confirmed", "queued", "aggregated", "expired", "bytes")
        with self._lock:
            return {lane: {name: getattr(x, name) for name in names} for lane, x in self._committed.items()}

    # For the journal (Participant) -------------------------------------------------------------------------------

    def bind(self, wake: Callable[[float], None]) -> None:
        self._wake = wake

    def handed(self, summary: Summary) -> None:
        """Loop thread. Raises TypeError for everything that is not of the closed set of queued types."""
        if type(summary) not in QUEUED:
            raise TypeError(f"{type(summary).__name__} is not a record that may be queued for upstream")
        if self._leaves(summary):
            with self._lock:
                self._pending += 1

    def missed(self, summary: Summary) -> None:
        if self._leaves(summary):
            with self._lock:
                self._pending -= 1
                self._missed += 1

    def delayed(self, identity: tuple[int, int], summary: Summary) -> None:
        """P1 and P2 do not wait for a broken disk: they go from memory, marked, and then only in that form."""
        if type(summary) is not AlarmSummary or summary.priority > 2 or not self._leaves(summary):
            return
        message = self.encoder.queued(summary, identity, None)
        with self._lock:
            receiver, loop = self._receiver, self._loop
            if receiver is None or loop is None or len(self._memory) >= MEMORY_MAX:
                return  # it stays in the journal's memory and is queued when the disk is back
            self._outside.add(identity)
            self._memory.append(message)
            self._unjournalled += 1
            self._pending -= 1
        _on(loop, receiver.take_unjournalled, message)

    def prepare(self, db: sqlite3.Connection, base: int) -> None:
        loaded = lanes.load(db, base)
        with self._lock:
            self._committed = loaded
        self._working = lanes.copy(loaded)

    def write(self, ledger: Ledger, seq: int, identity: tuple[int, int], summary: Summary) -> None:
        if not self._leaves(summary):
            return
        if identity in self._outside:
            self._passed.append(identity)
            return
        self._written += 1
        if type(summary) is Flood:
            (self._floods.add if summary.active else self._floods.discard)(summary.area)
        if self._in_flood(summary):
            self._aggregate(self._working[lane_of(cast(Queued, summary))])
            return
        self._end_run(ledger, self._working[lane_of(cast(Queued, summary))])
        self._number(cast(Queued, summary), identity, seq)

    def own(self, ledger: Ledger, seq: int, identity: tuple[int, int], summary: Summary) -> None:
        if type(summary) not in QUEUED:
            raise TypeError(f"{type(summary).__name__} is not a record that may be queued for upstream")
        self._number(cast(Queued, summary), identity, seq)

    def repeated(self, identity: tuple[int, int], summary: Summary) -> None:
        if self._leaves(summary) and identity not in self._outside:
            self._written += 1

    def flush(self, ledger: Ledger) -> None:
        """Move the cursor, mark what became late, and keep the bound."""
        with self._lock:
            self._using = (list(self._acks), dict(self._receipts), dict(self._late_from))
            self._acks.clear()
            self._receipts.clear()
            self._late_from.clear()
        acks, receipts, late = self._using
        self._tell_gaps(ledger)
        lanes.add(ledger.db, self._working, self._fresh)
        for lane, lane_seq in acks:
            if self.proof == "broker":
                lanes.confirm(ledger.db, self._working[lane], lane_seq, keep=self._resend)
            else:
                lanes.mark(ledger.db, lane, lane_seq)
        for lane, lane_seq in receipts.items():
            lanes.confirm_to(ledger.db, self._working[lane], lane_seq, keep=self._resend)
        for lane, first in late.items():
            lanes.make_late(ledger.db, self._working[lane], first)
        self._keep_bound(ledger)
        changed = [state for lane, state in self._working.items() if state != self._committed[lane]]
        lanes.save(ledger.db, changed)

    def committed(self) -> None:
        fresh, self._fresh = self._fresh, []
        with self._lock:
            self._committed = lanes.copy(self._working)
            self._pending -= self._written
            self._using = ([], {}, {})
            receiver, loop = self._receiver, self._loop
        self._written = 0
        self._floods_before = set(self._floods)
        self._outside.difference_update(self._passed)
        self._passed = []
        if fresh and receiver is not None and loop is not None:
            _on(loop, receiver.take, fresh)

    def rolled_back(self) -> None:
        acks, receipts, late = self._using
        with self._lock:
            self._working = lanes.copy(self._committed)
            self._acks.extendleft(reversed(acks))
            for lane, lane_seq in receipts.items():
                self._receipts[lane] = max(lane_seq, self._receipts.get(lane, 0))
            for lane, first in late.items():
                self._late_from[lane] = min(first, self._late_from.get(lane, first))
            self._using = ([], {}, {})
        self._fresh, self._passed = [], []
        self._floods = set(self._floods_before)
        self._written = 0

    # Inside ------------------------------------------------------------------------------------------------------

    def _leaves(self, summary: Summary) -> bool:
        return self._shadow or not (type(summary) is AlarmSummary and summary.shadow)

    def _number(self, summary: Queued, identity: tuple[int, int] | str, seq: int) -> None:
        state = self._working[lane_of(summary)]
        state.last += 1
        # Late is decided here, once: a record that is stored while nobody is connected will reach the broker late.
        message = self.encoder.queued(summary, identity, Numbers(seq, state.last, late=self._receiver is None))
        self._fresh.append(Row(state.lane, state.last, seq, message.id, message.kind, message.topic, message.payload))

    def _in_flood(self, summary: Summary) -> bool:
        """P3 and P4 of an area in flood are counted, not sent one by one; P1 and P2 never."""
        return (
            type(summary) is AlarmSummary
            and summary.priority > 2
            and summary.area in self._floods
            and summary.event in AGGREGATED
        )

    def _aggregate(self, state: lanes.Lane) -> None:
        state.last += 1
        state.produced += 1
        state.aggregated += 1
        if not state.open:
            state.open = state.last
            now = time.monotonic()
            if now >= self._gap_at:
                self._gap_at = now + GAP_S
            self._wake(self._gap_at - now)

    def _tell_gaps(self, ledger: Ledger) -> None:
        """One gap record a second whatever is aggregated: the lanes take turns."""
        now, runs = time.monotonic(), [state for state in self._working.values() if state.open]
        if not runs or now < self._gap_at:
            return
        turn = next((state for state in runs if state.lane > self._gap_lane), runs[0])
        self._end_run(ledger, turn)
        self._gap_lane = turn.lane
        if len(runs) > 1:
            self._gap_at = now + GAP_S
            self._wake(GAP_S)

    def _end_run(self, ledger: Ledger, state: lanes.Lane) -> None:
        """The gap record of the numbers that were aggregated, in the transaction that ends their run."""
        if state.open:
            self._gap(ledger, cast(Priority, state.lane), state.open, state.last, "aggregated")
            state.open = 0

    def _gap(
        self, ledger: Ledger, lane: Priority, first: int, last: int, reason: Literal["aggregated", "expired"]
    ) -> None:
        detail = {"lane": lane, "first": first, "last": last, "reason": reason}
        seq, utc_ms = ledger.event("upstream.gap", f"lane {lane}", detail)
        gap = Gap(utc_ms=utc_ms, lane=lane, first=first, last=last, reason=reason)
        self._number(gap, gap_id(self.encoder.names.gateway, lane, first, last), seq)

    def _keep_bound(self, ledger: Ledger) -> None:
        held = sum(state.bytes for state in self._working.values())
        over = max(held - self._bound.max_bytes, self._disk_short(held - self._bound.floor_bytes))
        if over <= 0:
            return
        stored = len(self._fresh)
        for lane in DROP_ORDER:
            if over <= 0:
                break
            before = self._working[lane].bytes
            size = over + self._bound.max_bytes // DROP_SHARE
            for first, last in lanes.expire(ledger.db, self._working[lane], size):
                self._gap(ledger, lane, first, last, "expired")
            over -= before - self._working[lane].bytes
        lanes.add(ledger.db, self._working, self._fresh[stored:])

    def _disk_short(self, most: int) -> int:
        """Bytes that the disk lacks to the reserve, at most `most`; what was dropped is reused inside the file, so it counts once."""
        now = time.monotonic()
        if now < self._disk_at:
            return 0
        self._disk_at = now + DISK_EVERY_S
        free = self._bound.free() if self._bound.free else _free(self._path.parent)
        short = self._bound.reserve_bytes - free
        drop = min(short - self._short, most) if short > 0 else 0
        self._short = min(max(short, 0), self._short + max(drop, 0))
        return max(drop, 0)


def _free(directory: Path) -> int:
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def _on(loop: asyncio.AbstractEventLoop, call: Callable[[Any], None], argument: object) -> None:
    try:
        loop.call_soon_threadsafe(call, argument)
    except RuntimeError:  # the loop has ended; the row is in the table and goes out after the next start
        return


def _nobody(_after_s: float) -> None:
    return
