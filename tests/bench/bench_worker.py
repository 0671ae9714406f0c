"""A worker that dies in every way, beside an interlock path that must not notice: the real line, kernel, supervisor and worker process.

A sensor offers a block every few milliseconds, and the time until the kernel has stepped with it is taken: a trip is decided in that step.
Each turn has a quiet half and one in which the worker is killed, stopped, hangs, leaks, sends rubbish or faults; which half comes first
changes from turn to turn, so that whatever else the machine does falls on both. What counts is the median of the 99th percentiles of
the halves: one bad second of the machine is one half of many. `BENCH_TURNS` faults of each kind, else 10.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path
from statistics import median
from time import monotonic, perf_counter_ns
from typing import Any

import numpy as np

from drivers.base import Emit, Plan, PlannedTag, Point, ReadBack, WriteCommand
from gateway.core.kernel import Kernel
from gateway.core.program import Compare, Interlock, Program, Stop
from gateway.core.samples import Block, Few, Input, SourceDown
from gateway.core.tags import Group, Source, Tag, TagTable
from gateway.runtime import supervisor
from gateway.runtime.clock import SystemClock
from gateway.runtime.line import Line
from inference.runtime.source import Task, follow
from inference.runtime.worker import Limits, Worker
from tests.bench.figure import figure, spread

ROOT = Path(__file__).parents[2]
FAULTS = ("kill", "stop", "hang", "leak", "garbage", "segfault")
JOB = "tests.inference.fake_job:Job"
COMMAND = (sys.executable, "-m", "inference.runtime.child")
EVERY_S = 0.004
BAD_S, BACK_S, SHARE = 2.0, 10.0, 0.05  # issue: must show


class Deaf:
    """Takes everything that leaves the line and does nothing with it."""

    def __getattr__(self, _name: str) -> Callable[..., None]:
        return lambda *_args: None

    def connect(self, _name: str, _driver: object) -> None:
        """As `Outputs`."""


def kernel() -> Kernel:
    """One analogue tag with 200 interlocks on it, and the tags of a camera."""
    tags = [Tag(0, "level", "plc", 0, low=-1e9, high=1e9), Tag(1, "run", "plc", 0, boolean=True, writable=True)]
    tags += [Tag(2, "count", "gate", 1, model=True), Tag(3, "pid", "gate", 1, model=True)]
    groups = [Group(0, "poll", "plc", 0, 2, 60_000), Group(1, "", "gate", 2, 2, 60_000)]
    table = TagTable(tags, groups, [Source("plc", "modbus", 100), Source("gate", "camera", 100)])
    rules = [
        Interlock(name=f"R{at}", when=Compare("level", ">", 1e6, 5.0), priority=3, on_bad="trip", stops=(Stop("run"),))
        for at in range(200)
    ]
    return Kernel(table, Program(tuple(rules)), 1)


class Gate:
    """The source: its next job goes wrong in the way that is due, the one after it does not."""

    due = ""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def run(self, emit: Emit) -> None:
        """Follow a job until cancelled. What is due stays due until the job has begun: on a busy machine that may take a second try."""
        then = Gate.due
        settings = {"every_s": 0.02, "after": 15, "then": then} if then else {"every_s": 0.02}
        names = ("count", "pid")
        tags = [
            PlannedTag(Tag(2 + i, name, "gate", 1), Point("", (name,), False, name), 1.0, 0.0)
            for i, name in enumerate(names)
        ]
        plan = Plan("gate", (Group(1, "", "gate", 2, 2, 60_000),), (tags,))

        def taken(block: Block) -> None:
            Gate.due = ""
            emit(block)

        await follow(self._worker, Task(JOB, settings), plan, taken)

    async def write(self, _command: WriteCommand) -> ReadBack:
        """Refused: a model has no outputs."""
        return ReadBack(False)


class Hall:
    """The line, what goes through it, and when the gate was good and down."""

    def __init__(self) -> None:
        deaf: Any = Deaf()
        self.line = Line(kernel(), SystemClock(), deaf, deaf, deaf)
        self.worker = Worker("bench", Limits(resident=200 << 20), COMMAND)
        self.seen: list[tuple[float, str]] = []
        self._offered_value = self._stepped_ns = 0
        self._stepped = asyncio.Event()
        self.line.on_step = self._on_step
        self._offer, self._put = self.line.inbox.offer, self.line.inbox.put
        self.line.inbox.offer, self.line.inbox.put = self._offered, self._told  # type: ignore[method-assign]

    def _offered(self, source: str, block: Block) -> bool:
        self._note("good")
        return self._offer(source, block)

    def _told(self, given: Input) -> None:
        if isinstance(given, SourceDown):
            self._note("down")
        self._put(given)

    def _note(self, what: str) -> None:
        self.seen.append((monotonic(), what))

    def _on_step(self) -> None:
        """The step with the offered value, not one with what the gate said."""
        if not self._stepped.is_set() and self.line.kernel.image.values[0] == self._offered_value:
            self._stepped_ns = perf_counter_ns()
            self._stepped.set()

    async def samples(self, done: Callable[[], bool]) -> list[float]:
        """Microseconds from an offered block to the finished step, until `done`."""
        found: list[float] = []
        while not done():
            self._offered_value, began_ns = self._offered_value % 100 + 1, perf_counter_ns()
            self._stepped.clear()
            self._offer("plc", Few(0, [0], [float(self._offered_value)], [0], [0]))
            await asyncio.sleep(EVERY_S)
            await self._stepped.wait()
            found.append((self._stepped_ns - began_ns) / 1e3)
        return found

    def downs(self) -> int:
        """How often it went down since `seen` was cleared."""
        return sum(what == "down" for _, what in self.seen)

    def worst(self) -> tuple[float, float]:
        """Longest time from the last good block to down, and from there to the next good one, in seconds."""
        bad = back = 0.0
        for (one_s, one), (two_s, two) in pairwise(self.seen):
            if (one, two) == ("good", "down"):
                bad = max(bad, two_s - one_s)
            if (one, two) == ("down", "good"):
                back = max(back, two_s - one_s)
        return bad, back


@dataclass(frozen=True, slots=True)
class Turn:
    """One fault: microseconds from block to step in its quiet half and beside the failing worker; seconds to BAD and back."""

    fault: str
    quiet: list[float]
    beside: list[float]
    bad_s: float
    back_s: float


async def run(turns: int, seconds: float) -> list[Turn]:
    """Every fault in turn, `turns` in all."""
    hall = Hall()
    deaf: Any = Deaf()
    line = asyncio.ensure_future(hall.line.run())
    standing = supervisor.Standing()
    gate = asyncio.ensure_future(
        supervisor.source(
            "gate", lambda: Gate(hall.worker), hall.line.inbox, deaf, standing, supervisor.LONGEST_MODEL_S
        )
    )
    try:
        await hall.samples(lambda: bool(hall.seen))
        return [
            await _turn(hall, FAULTS[at % len(FAULTS)], seconds, first=at // len(FAULTS) % 2 == 0)
            for at in range(turns)
        ]
    finally:
        for task in (gate, line):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


async def _turn(hall: Hall, fault: str, seconds: float, *, first: bool) -> Turn:
    """`first`: the quiet half comes first."""
    quiet = await _quiet(hall, seconds) if first else []
    Gate.due = fault
    hall.seen.clear()
    os.kill(hall.worker.pid, signal.SIGKILL)  # the next job is the one that goes wrong by itself
    beside = await hall.samples(lambda: hall.downs() >= 2 and hall.seen[-1][1] == "good")
    bad_s, back_s = hall.worst()
    return Turn(fault, quiet or await _quiet(hall, seconds), beside, bad_s, back_s)


async def _quiet(hall: Hall, seconds: float) -> list[float]:
    until_s = monotonic() + seconds
    return await hall.samples(lambda: monotonic() > until_s)


def _p99(halves: list[list[float]]) -> float:
    """The median of their 99th percentiles."""
    return median(float(np.quantile(np.array(one), 0.99)) for one in halves)


def figures(quick: bool) -> list[dict[str, Any]]:
    """What the interlock path notices, and how long each fault is felt."""
    os.environ["PYTHONPATH"] = str(ROOT)
    each = 1 if quick else int(os.environ.get("BENCH_TURNS", "10"))
    turns = asyncio.run(run(len(FAULTS) * each, 2.0 if quick else 3.0))
    quiet, beside = [one.quiet for one in turns], [one.beside for one in turns]
    p99 = _p99(quiet), _p99(beside)
    p50 = [median(median(one) for one in halves) for halves in (quiet, beside)]
    found = [
        figure(
            "block to step beside a failing worker, p99", p99[1], "us", f"within {SHARE:.0%} of quiet, or faster",
            p99[1] <= (1 + SHARE) * p99[0], p99[0], turns=len(turns),
            quiet=spread([*chain.from_iterable(quiet)]), beside=spread([*chain.from_iterable(beside)]),
        ),
        figure("block to step beside a failing worker, median", p50[1], "us", "", True, p50[0]),
    ]  # fmt: skip
    for fault in FAULTS:
        mine = [one for one in turns if one.fault == fault]
        bad_s, back_s = max(one.bad_s for one in mine), max(one.back_s for one in mine)
        own = _p99([one.beside for one in mine]), _p99([one.quiet for one in mine])
        found.append(figure(f"{fault}: block to step, p99", own[0], "us", "", True, own[1]))
        found.append(figure(f"{fault}: last result to BAD", bad_s, "s", f"<= {BAD_S:g} s", bad_s <= BAD_S))
        found.append(figure(f"{fault}: BAD to the next result", back_s, "s", f"<= {BACK_S:g} s", back_s <= BACK_S))
    return found
