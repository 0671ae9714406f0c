"""The daemon's side of a worker: started with its first job, watched while it has any, killed the moment it is not to be trusted.

One worker serves all jobs of an accelerator. It has no thread and no task of its own: whoever follows a job waits for its results
here and looks after the process meanwhile. A job that is silent for `SILENT_S`, a message that is none, or more memory than
`Limits.resident` ends the process at once, and with it all jobs in it: each raises SourceError, so that the tags of its source turn
BAD and its supervisor starts anew.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic, monotonic_ns
from typing import Any

from gateway.core.errors import SourceError
from gateway.core.tags import Cause
from inference.runtime import messages
from inference.runtime.messages import Ended, Halt, Malformed, Result, Start, Tell
from inference.runtime.ring import Ring

SILENT_S = 1.9  # spec/inference.md: a job that says nothing is killed, and its tags are BAD within 2 s
START_S = 8.0  # from the start of a job to its first result: a model is loaded; back within 10 s
LOOK_S = 0.5  # how often the memory of the process is looked at
START_MAX_S = 60.0  # of a machine that is too slow or too busy for START_S
REAP_S = 1.0  # a killed process is gone within this, or the kernel holds it

COMMAND = (sys.executable, "-P", "-m", "inference.runtime.child")
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Limits:
    """What a worker may have: bytes really used, bytes of address space (libraries map far more than they use), the network."""

    resident: int = 1 << 30
    address: int = 16 << 30
    network: bool = False


@dataclass(slots=True, eq=False)
class Following:
    """A job as its follower sees it: the latest result, never a queue of them."""

    number: int
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    latest: Result | None = None
    last: Result | None = None  # the one that was taken last
    error: SourceError | None = None
    skipped: int = 0  # results that were overtaken by a later one before they were taken


@dataclass(slots=True)
class Figures:
    """What a worker did since the start of the daemon, for the metrics."""

    starts: int = 0
    killed: int = 0
    results: int = 0
    skipped: int = 0
    resident: int = 0


class Worker:
    """One worker process, while anybody follows a job in it."""

    def __init__(self, name: str, limits: Limits, command: Sequence[str] = COMMAND) -> None:
        self.name = name
        self.figures = Figures()
        self._limits = limits
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self._jobs: dict[int, Following] = {}
        self._numbers = itertools.count(1)
        self._missing: Sequence[str] = ()
        self._start_s = START_S

    @property
    def pid(self) -> int:
        """Of the process, 0 where there is none."""
        return self._process.pid if self._process else 0

    @asynccontextmanager
    async def job(self, entry: str, settings: dict[str, Any], ring: Ring | None = None) -> AsyncIterator[Following]:
        """Start a job and follow it with `result`; it is halted on leaving, and its process with the last one."""
        following = Following(next(self._numbers))
        if self._line is None:
            await self._end()  # what is left of one that failed
        if self._line is None:  # another job may have begun it meanwhile
            self._begin()
        self._jobs[following.number] = following
        try:
            self._say(Start(following.number, entry, settings), ring)
            yield following
        finally:
            del self._jobs[following.number]
            if self._line is not None and not following.error:
                with suppress(SourceError):
                    self._say(Halt(following.number))
            if not self._jobs:
                await self._end()

    async def result(self, following: Following, within_s: float = SILENT_S) -> Result:
        """The latest result, as soon as there is one that was not taken yet. Raises SourceError where the worker failed."""
        until_s = monotonic() + within_s
        while following.latest is None:
            if following.error is not None:
                raise following.error
            left_s = until_s - monotonic()
            if left_s <= 0:
                raise self._fail(f"silent for {within_s:g} s", Cause.STALE)
            self._look()
            following.arrived.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left_s, LOOK_S)):
                    await following.arrived.wait()
        result, following.latest = following.latest, None
        following.last = result
        return result

    async def first(self, following: Following, within_s: float = START_S) -> Result:
        """The first result of a job. Where none came in time, the next job has twice as long: a slow machine must come up in the end.

        Raises SourceError.
        """
        try:
            return await self.result(following, max(within_s, self._start_s))
        except SourceError as error:
            if error.cause is Cause.STALE:
                self._start_s = min(2 * self._start_s, START_MAX_S)
            raise

    def tell(self, following: Following, what: dict[str, Any]) -> None:
        """Hand something to a job while it runs. Raises SourceError."""
        if following.error is not None:
            raise following.error
        self._say(Tell(following.number, what))

    def _begin(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        limits = self._limits
        words = (str(theirs.fileno()), str(limits.address), "1" if limits.network else "0")
        environment = {key: os.environ[key] for key in ("PATH", "LD_LIBRARY_PATH", "PYTHONPATH") if key in os.environ}
        environment |= {"LANG": "C.UTF-8", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [*self._command, *words],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    env=environment,
                )
            except OSError as error:
                ours.close()
                raise SourceError(f"worker {self.name} cannot be started: {error.strerror}") from None
        self._line = ours
        self.figures.starts += 1
        asyncio.get_running_loop().add_reader(ours, self._heard)

    def _say(self, order: messages.Order, ring: Ring | None = None) -> None:
        """Hand over an order. Raises SourceError; a worker that does not read its orders is ended."""
        if self._line is None:
            raise SourceError(f"worker {self.name} is gone", Cause.COMMS)
        try:
            packet = messages.encode(order)
        except Malformed as error:
            raise SourceError(f"the settings are {error}", Cause.DEVICE, slow=True) from None
        try:
            socket.send_fds(self._line, [packet], [ring.descriptor] if ring else [])
        except OSError as error:
            raise self._fail(f"does not take its orders: {error.strerror}", Cause.COMMS) from None

    def _heard(self) -> None:
        """Something can be read: at most a hundred messages now, so that a flood costs no more than its share of the loop."""
        for _ in range(100):
            if self._line is None:
                return
            try:
                packet, _, flags, _ = self._line.recvmsg(messages.LARGEST)
            except BlockingIOError:
                return
            except OSError as error:
                self._fail(f"cannot be heard: {error.strerror}", Cause.COMMS)
                return
            if not packet:
                self._fail(self._how_it_died(), Cause.COMMS)
                return
            if flags & socket.MSG_TRUNC:
                self._fail("sent a message that is too long", Cause.DECODE)
                return
            try:
                self._take(messages.report(packet, monotonic_ns()))
            except Malformed as error:
                self._fail(f"sent no message of ours: {error}", Cause.DECODE)
                return

    def _take(self, report: messages.Report) -> None:
        if isinstance(report, messages.Ready):
            self._missing = report.missing
            return
        following = self._jobs.get(report.job)
        if following is None:  # its follower left while this was under way
            return
        if isinstance(report, Ended):
            what = "failed" if report.bug else "ended"
            following.error = SourceError(f"{what}: {report.reason}", Cause.DEVICE, slow=report.slow)
        else:
            self.figures.results += 1
            if following.latest is not None:
                following.skipped += 1
                self.figures.skipped += 1
            following.latest = report
        following.arrived.set()

    def _look(self) -> None:
        """The memory it really uses. Raises SourceError where that is too much."""
        try:
            with open(f"/proc/{self.pid}/statm", "rb") as file:
                self.figures.resident = int(file.read().split()[1]) * _PAGE
        except (OSError, IndexError):  # it is gone: the socket says so
            return
        if self.figures.resident > self._limits.resident:
            used, most = self.figures.resident >> 20, self._limits.resident >> 20
            raise self._fail(f"uses {used} MB of memory, at most {most}", Cause.DEVICE)

    def _how_it_died(self) -> str:
        try:
            code = self._process.wait(REAP_S / 10) if self._process else 0
        except subprocess.TimeoutExpired:
            return "closed its socket"
        return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"

    def _fail(self, why: str, cause: Cause) -> SourceError:
        """Kill the process; every job of it has this error."""
        error = SourceError(f"worker {self.name} {why}", cause)
        self.figures.killed += 1
        for following in self._jobs.values():
            following.error = following.error or error
            following.latest = None
            following.arrived.set()
        self._kill()
        return error

    def _kill(self) -> None:
        if self._line is not None:
            asyncio.get_running_loop().remove_reader(self._line)
            self._line.close()
            self._line = None
        if self._process is not None:
            self._process.kill()  # SIGKILL ends a stopped one too

    async def _end(self) -> None:
        """Nobody follows it any more: it ends, and its process is gone when this returns."""
        self._kill()
        process, self._process = self._process, None
        if process is not None:
            with suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.wait, REAP_S)
