"""The line: Inbox -> kernel.step -> effects, and the kernel's own deadlines. Nothing here waits for anything else.

A callback of the loop rather than a task that awaits: one hop less between a register's change and the coil.
"""

from __future__ import annotations

import asyncio
import math
import sys
from collections import deque
from collections.abc import Callable
from time import perf_counter_ns
from typing import Protocol

import numpy as np

from gateway.core.effects import Act, Answer, Beat, Computed, Effect, Ended, Journal, View, Write
from gateway.core.kernel import Kernel
from gateway.core.limits import SNAPSHOT_NS, STEP_MAX_NS
from gateway.core.samples import Alive, Block, Columns, Few, Input, Personal, SelfCheck, SourceDown, Stamp
from gateway.runtime.clock import Clock
from gateway.runtime.inbox import Inbox
from gateway.runtime.vitals import Vitals

SNAPSHOT_AFTER_TRIP_S = 0.05  # a snapshot of 1,000 rules takes milliseconds: the coil comes first
BATCH = 64  # inputs in one turn of the loop: sockets and writes get theirs in between


class Recorder(Protocol):
    """History, as the line sees it."""

    def append(self, stamp: Stamp, item: Input) -> None: ...
    def withhold(self, stamp: Stamp) -> None: ...
    def snapshot(self, seq: int, admit_ns: int, utc_ns: int, data: bytes) -> None: ...


class Trend(Protocol):
    """Value rings, as the line sees them."""

    def append(self, stamp: Stamp, block: Block) -> None: ...
    def lost(self, stamp: Stamp, group: int) -> None: ...


class Sinks(Protocol):
    """Where effects go."""

    def write(self, effect: Write) -> None: ...
    def beat(self, effect: Beat) -> None: ...
    def journal(self, effect: Journal) -> None: ...
    def act(self, effect: Act) -> None: ...
    def answer(self, effect: Answer) -> None: ...
    def view(self, effect: View) -> None: ...
    def ended(self, effect: Ended) -> None: ...


class Meter:
    """Figures of the line: exponential-bucket histograms, so that a percentile costs nothing to keep."""

    def __init__(self) -> None:
        self.steps = 0
        self.points = 0
        self.lag_max_ns = 0
        self.step_max_ns = 0
        self.overruns = 0  # steps over STEP_MAX_NS (I26)
        self._buckets = [0] * 64  # bucket n holds durations below 2**(n/2) us

    def step(self, took_ns: int) -> None:
        """One step took this long."""
        self.steps += 1
        if took_ns > STEP_MAX_NS:
            self.overruns += 1
        if took_ns > self.step_max_ns:
            self.step_max_ns = took_ns
        self._buckets[min(63, max(0, math.frexp(took_ns / 1000)[1] * 2))] += 1

    def quantile_us(self, share: float) -> int:
        """Upper bound of the bucket that holds the given share of all steps, in microseconds."""
        left = share * sum(self._buckets)
        for at, count in enumerate(self._buckets):
            left -= count
            if left <= 0 and count:
                return int(2 ** (at / 2))
        return 0


class Line:
    """Owns the Inbox and the kernel's turn. `run` ends only by an error of the kernel, which ends the process."""

    def __init__(self, kernel: Kernel, clock: Clock, recorder: Recorder, trend: Trend, sinks: Sinks) -> None:
        self.kernel = kernel
        self.clock = clock
        self.inbox = Inbox(clock, self._wake)
        self.meter = Meter()
        self._recorder = recorder
        self._trend = trend
        self._sinks = sinks
        self._loop: asyncio.AbstractEventLoop | None = None
        self._failed: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_ns = -1
        self._soon: asyncio.TimerHandle | None = None
        self._wrote = False  # in this turn
        self._rows: deque[Journal] = deque()  # behind a write of this turn; at most what one turn decides
        self._turn = False
        self._sizes = [group.count for group in kernel.table.groups]
        self._snapshot_ns = 0
        self.vitals = Vitals(self.inbox.put)
        self.on_step: Callable[[], None] = _nothing  # the watchdog is fed here, by finished steps
        self.on_personal: Callable[[Personal], None] = _unseen  # the people room counts events here

    async def run(self) -> None:
        """Run until cancelled; raises what the kernel raises."""
        self._loop = asyncio.get_running_loop()
        self._failed = self._loop.create_future()
        self._take_snapshot(self.clock.monotonic_ns())
        self.inbox.put(SelfCheck(True, "start"))
        self._wake()
        try:
            await self._failed
        finally:
            for timer in (self._timer, self._soon):
                if timer is not None:
                    timer.cancel()

    def _wake(self) -> None:
        if self._loop is not None and not self._turn:
            self._turn = True
            self._loop.call_soon(self._take_turn)

    def _take_turn(self) -> None:
        self._turn = False
        assert self._failed is not None
        if self._failed.done():
            return
        try:
            self._work()
        finally:
            # No supervisor surrounds the kernel: whatever it raised ends `run`, and with it the process.
            error = sys.exception()
            if error is not None:
                self._failed.set_exception(error)

    def _work(self) -> None:
        kernel, inbox = self.kernel, self.inbox
        self._wrote = False
        for _ in range(BATCH):
            taken = inbox.take()
            if taken is None:
                break
            stamp, given = taken
            began_ns = perf_counter_ns()
            effects = kernel.step(stamp, given)
            took_ns = perf_counter_ns() - began_ns
            self.meter.step(took_ns)
            self._dispatch(effects)
            self._record(stamp, given)
            self._judge(stamp, took_ns)
        now_ns = self.clock.monotonic_ns()
        if len(inbox):
            self._wake()
        else:
            due_ns = kernel.next_due_ns()
            if 0 <= due_ns <= now_ns:
                self._dispatch(kernel.wake(now_ns))
            self._sleep_until(kernel.next_due_ns(), now_ns)
        if now_ns - self._snapshot_ns >= SNAPSHOT_NS:
            self._take_snapshot(now_ns)
        self.on_step()

    def _sleep_until(self, due_ns: int, now_ns: int) -> None:
        """One timer, moved only when a deadline comes before it."""
        if due_ns < 0 or (self._timer is not None and self._timer_ns <= due_ns and self._timer_ns > now_ns):
            return
        assert self._loop is not None
        if self._timer is not None:
            self._timer.cancel()
        self._timer_ns = due_ns
        self._timer = self._loop.call_later(max(0.0, (due_ns - now_ns) / 1e9), self._timed)

    def _timed(self) -> None:
        self._timer = None
        self._wake()

    def _record(self, stamp: Stamp, given: Input) -> None:
        if isinstance(given, Personal):
            self._recorder.withhold(stamp)
            self.on_personal(given)
            return
        self._recorder.append(stamp, given)
        if isinstance(given, Columns | Few | Alive):
            self.meter.points += self._sizes[given.group]  # polled and confirmed, changed or not
            self._trend.append(stamp, given)
        elif isinstance(given, SourceDown):
            for group in self.kernel.fresh.members[self.kernel.sources[given.source]]:
                self._trend.lost(stamp, group)

    def _judge(self, stamp: Stamp, took_ns: int) -> None:
        now_ns = self.clock.monotonic_ns()
        lag_ns = now_ns - stamp.admit_ns
        if lag_ns > self.meter.lag_max_ns:
            self.meter.lag_max_ns = lag_ns
        self.vitals.stepped(took_ns, lag_ns, now_ns)

    def _take_snapshot(self, now_ns: int) -> None:
        self._snapshot_ns = now_ns
        kernel = self.kernel
        self._recorder.snapshot(kernel.seq, now_ns, self.clock.utc_ns(), kernel.snapshot())

    def _dispatch(self, effects: list[Effect]) -> None:
        """Hand the effects on, in their order. A trip asks for a snapshot, but only when its writes are on their way."""
        sinks = self._sinks
        for effect in effects:
            match effect:
                case Write():
                    self._wrote = True
                    sinks.write(effect)
                case Beat():
                    sinks.beat(effect)
                case Journal(record=record):
                    self._hand(effect)
                    if record.kind == "interlock.tripping":
                        self._snapshot_soon()
                case Answer():
                    sinks.answer(effect)
                case View():
                    sinks.view(effect)
                case Act():
                    sinks.act(effect)
                case Computed():
                    self._trend.append(*_block(effect, self.kernel.seq))
                case Ended():
                    sinks.ended(effect)

    def _hand(self, effect: Journal) -> None:
        """Trip first, then durable: rows behind a write wait until it has had its turn, and no row overtakes another."""
        if self._loop is None or not (self._wrote or self._rows):
            self._sinks.journal(effect)
            return
        self._rows.append(effect)
        if len(self._rows) == 1:
            self._loop.call_soon(self._hand_rows)

    def _hand_rows(self) -> None:
        while self._rows:
            self._sinks.journal(self._rows.popleft())

    def _snapshot_soon(self) -> None:
        if self._loop is not None and self._soon is None:
            self._soon = self._loop.call_later(SNAPSHOT_AFTER_TRIP_S, self._snapshot_now)

    def _snapshot_now(self) -> None:
        self._soon = None
        self._take_snapshot(self.clock.monotonic_ns())


def _block(computed: Computed, seq: int) -> tuple[Stamp, Columns]:
    values = np.array(computed.values)
    qualities, causes = (np.full(len(values), code, np.uint8) for code in (computed.quality, computed.cause))
    return Stamp(seq, computed.at_ns, computed.utc_ns), Columns(computed.group, values, qualities, causes)


def _nothing() -> None:
    return


def _unseen(_block: Personal) -> None:
    return
