"""How far the box's clock may be from UTC: a bound in ms from chrony or the system's own discipline, and what follows from it.

Sources: chronyc(1), "tracking": |system time| + root dispersion + root delay / 2; adjtimex(2): maxerror. While the time daemon is
away the last bound grows by 50 ppm, the most a crystal of an industrial box drifts.
"""

from __future__ import annotations

import asyncio
import ctypes
import math
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Literal

from gateway.core.samples import Input, TimeBound
from gateway.runtime.clock import Clock

ALARM_MS = 5.0
DRIFT = 50e-6
EVERY_S = 10.0
ASK_S = 2.0
MS = 1_000_000

ClockClass = Literal["none", "ntp", "ptp"]

_TIMEX = struct.Struct(
    "@iqqqqi4xqqq"
)  # modes, offset, freq, maxerror, esterror, status, constant, precision, tolerance
_TIMEX_BYTES = 512  # struct timex has 208; the rest is room
_STA_UNSYNC = 0x0040


@dataclass(frozen=True, slots=True)
class Bound:
    """The most the clock can be off, in ms (inf = nothing is known), by whom, and when that was learned (monotonic ns)."""

    ms: float = math.inf
    clock: ClockClass = "none"
    by: str = ""
    at_ns: int = 0

    def now_ms(self, now_ns: int) -> float:
        """The bound now: it grows from the moment it was learned."""
        return self.ms + (now_ns - self.at_ns) / MS * DRIFT


def of_chrony(line: str, at_ns: int) -> Bound:
    """The bound in one line of `chronyc -c tracking`; unknown where chrony follows nothing or says something else."""
    cells = line.strip().split(",")
    try:
        system_s, delay_s, dispersion_s = float(cells[4]), float(cells[10]), float(cells[11])
        follows = int(cells[2] or 0) > 0 and not cells[13].startswith("Not")
    except (IndexError, ValueError):
        return Bound(at_ns=at_ns)
    if not follows or not math.isfinite(system_s + delay_s + dispersion_s):
        return Bound(at_ns=at_ns)
    clock: ClockClass = "ptp" if cells[1].upper().startswith(("PHC", "PTP")) else "ntp"
    return Bound((abs(system_s) + dispersion_s + delay_s / 2) * 1000, clock, f"chrony {cells[1]}", at_ns)


def of_system(at_ns: int) -> Bound:
    """The bound the kernel of the system keeps, whoever disciplines its clock."""
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    state = ctypes.CDLL(None, use_errno=True).adjtimex(buffer)
    _modes, _offset, _freq, maxerror_us, _esterror, status, *_ = _TIMEX.unpack_from(buffer.raw)
    if state < 0 or status & _STA_UNSYNC:
        return Bound(at_ns=at_ns)
    return Bound(maxerror_us / 1000, "ntp", "system", at_ns)


async def ask(clock: Clock) -> Bound:
    """The bound now, of chrony where it runs, else of the system."""
    try:
        process = await asyncio.create_subprocess_exec(
            "chronyc", "-c", "-n", "tracking", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
        )
    except OSError:
        return of_system(clock.monotonic_ns())
    try:
        async with asyncio.timeout(ASK_S):
            out, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        out = b""
    found = of_chrony(out.decode("ascii", "replace"), clock.monotonic_ns())
    return found if found.clock != "none" else of_system(clock.monotonic_ns())


class Timekeeping:
    """Keeps the bound; where the site names time servers, tells the kernel when it crosses what an alarm is for."""

    def __init__(
        self,
        clock: Clock,
        put: Callable[[Input], None],
        *,
        watched: bool,
        asked: Callable[[Clock], Awaitable[Bound]] = ask,
    ) -> None:
        self._clock, self._put, self._watched, self._asked = clock, put, watched, asked
        self.bound = Bound()
        self._uncertain = False

    @property
    def quality(self) -> ClockClass:
        """Who disciplines the clock."""
        return self.bound.clock

    def bound_ms(self) -> float:
        """The bound at this moment, inf where nothing is known."""
        return self.bound.now_ms(self._clock.monotonic_ns())

    async def look(self) -> None:
        """Learn the bound anew; while nobody tells, the last one goes on growing."""
        found = await self._asked(self._clock)
        if found.clock != "none" or not math.isfinite(self.bound.ms):
            self.bound = found
        uncertain = self.bound_ms() > ALARM_MS
        if self._watched and uncertain != self._uncertain:
            self._uncertain = uncertain
            self._put(TimeBound(uncertain))

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            await self.look()
            await asyncio.sleep(EVERY_S)
