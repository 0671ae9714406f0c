"""Supervises every source and every edge: restart with back-off and jitter, one log line on loss and one on return.

Holds the one broad `except` of the program: a bug in a vendor's library costs its source, never the line.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from drivers.base import Driver
from gateway.core.errors import SourceError
from gateway.core.samples import Block, SourceDown
from gateway.core.tags import Cause
from gateway.runtime.inbox import Inbox
from gateway.runtime.outputs import Outputs

FIRST_S = 0.2
LONGEST_S = 15.0  # a device that comes back is seen within this
LONGEST_MODEL_S = 6.0  # spec/inference.md: a worker process that failed is back within 10 s, its start included
SLOW_S = 60.0  # wrong password or certificate: never hammer
SETTLED_S = 10.0  # alive this long, and the next loss starts from FIRST_S again

_log = logging.getLogger("gatehouse.supervisor")


@dataclass(slots=True)
class Standing:
    """How a supervised thing stands, for the views."""

    up: bool = False
    error: str = ""
    cause: Cause = Cause.NEVER
    restarts: int = 0
    bugs: int = 0


Errors = tuple[type[Exception], ...]


async def _attempt(
    run: Callable[[], Awaitable[None]], name: str, standing: Standing, operating: Errors = ()
) -> tuple[Cause, bool]:
    """One life of a source or edge: why it ended, and whether to wait long before the next.

    `operating` are the errors that are part of its working life; they may carry `cause` and `slow`.
    """
    expected: Errors = (SourceError, OSError, *operating)
    try:
        await run()
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        # Nobody cancelled us: a library let one of its own escape. Passed on, it would end the supervision unseen.
        standing.error, standing.bugs = "cancelled itself", standing.bugs + 1
        return Cause.COMMS, False
    except expected as error:
        standing.error = str(error)
        return getattr(error, "cause", Cause.COMMS), bool(getattr(error, "slow", False))
    except Exception as error:  # noqa: BLE001 - the one place: a vendor's bug costs its source, never the line
        standing.error, standing.bugs = f"{type(error).__name__}: {error}", standing.bugs + 1
        _log.exception("%s: unexpected error", name)
        return Cause.COMMS, False
    standing.error = "ended"
    return Cause.STOPPED, False


class _BackOff:
    """How long to wait before the next life."""

    def __init__(self, longest_s: float | None = None) -> None:
        self._next_s = FIRST_S
        self._longest_s = LONGEST_S if longest_s is None else longest_s

    def wait_s(self, lived_s: float, slow: bool) -> float:
        if lived_s >= SETTLED_S:
            self._next_s = FIRST_S
        wait_s = SLOW_S if slow else self._next_s
        self._next_s = min(self._next_s * 2, self._longest_s)
        return wait_s * random.uniform(0.75, 1.0)  # never longer than said


async def edge(name: str, run: Callable[[], Awaitable[None]], standing: Standing, operating: Errors = ()) -> None:
    """Keep an edge (upstream, control, page, metrics) alive until cancelled."""
    back_off = _BackOff()
    while True:
        began_s = time.monotonic()
        standing.up = True
        _, slow = await _attempt(run, name, standing, operating)
        standing.up = False
        standing.restarts += 1
        wait_s = back_off.wait_s(time.monotonic() - began_s, slow)
        _log.warning("%s stopped: %s; again in %.1f s", name, standing.error, wait_s)
        await asyncio.sleep(wait_s)


async def source(
    name: str,
    make: Callable[[], Driver],
    inbox: Inbox,
    outputs: Outputs,
    standing: Standing,
    longest_s: float | None = None,
    heard: Callable[[Block], None] = lambda block: None,
) -> None:
    """Keep a source alive until cancelled; its tags turn BAD the moment it is lost. `heard` is shown every block."""
    back_off = _BackOff(longest_s)
    while True:
        began_s = time.monotonic()
        driver = make()
        overflowed = asyncio.Event()

        def emit(block: Block, overflowed: asyncio.Event = overflowed) -> None:
            if not standing.up:
                standing.up = True
                _log.info("%s is back", name) if standing.restarts else _log.info("%s is connected", name)
            heard(block)
            if not inbox.offer(name, block):
                overflowed.set()

        inbox.reopen(name)
        outputs.connect(name, driver)
        cause, slow = await _attempt(partial(_run, driver, emit, overflowed), name, standing)
        outputs.connect(name, None)
        lost = standing.up or standing.cause != cause
        standing.up, standing.cause = False, cause
        standing.restarts += 1
        inbox.put(SourceDown(name, cause))
        wait_s = back_off.wait_s(time.monotonic() - began_s, slow)
        if lost:
            _log.warning("%s is lost (%s): %s", name, cause.name, standing.error)
        await asyncio.sleep(wait_s)


async def _run(driver: Driver, emit: Callable[[Block], None], overflowed: asyncio.Event) -> None:
    """Run the driver until it leaves, or until its blocks overflowed: then it starts over with whole blocks."""
    run = asyncio.ensure_future(driver.run(emit))
    watch = asyncio.ensure_future(overflowed.wait())
    try:
        await asyncio.wait({run, watch}, return_when=asyncio.FIRST_COMPLETED)
        if watch.done() and not run.done():
            raise SourceError("more blocks than the gateway can take", Cause.OVERFLOW)
        run.result()
    finally:
        watch.cancel()
        run.cancel()
        await asyncio.wait({run, watch})
