"""What is known of a source's clock: asked where the driver asks (two-way), else the smallest lag of what it stamps (one-way).

A stamp that came one way says when the device's clock stood so, and nothing of how long it was under way: its absolute
offset is unknown, and said to be. Only a stamp from our future proves something: the device's clock is ahead by at least that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from drivers.base_clock import MS, SET_NS, Offset
from gateway.core.samples import Alive, Block
from gateway.runtime.clock import Clock

LOOK_NS = 250_000_000  # one block in this time is looked at
WINDOW_NS = 300_000_000_000  # the smallest lag of the last five to ten minutes

Way = Literal["none", "one-way", "two-way", "unset"]


@dataclass(frozen=True, slots=True)
class SourceClock:
    """`offset_ms`: how far the device is ahead of us, give or take `uncertainty_ms`; `lag_ms`: smallest age of a stamp when it came."""

    way: Way = "none"
    offset_ms: float | None = None
    uncertainty_ms: float | None = None
    lag_ms: float | None = None


class Lag:
    """The smallest lag of one source's stamps, over two windows of which the older is dropped."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._next_ns = 0
        self._window_ns = 0
        self._least_ns = [math.inf, math.inf]  # of this window and of the one before
        self._newest_ns = 0

    def heard(self, block: Block) -> None:
        """A block has come; now and then its stamp is looked at."""
        if isinstance(block, Alive) or (now_ns := self._clock.monotonic_ns()) < self._next_ns:
            return
        stamps = block.source_ns
        stamp_ns = int(stamps.max()) if isinstance(stamps, np.ndarray) else stamps
        if not stamp_ns:
            return
        self._next_ns = now_ns + LOOK_NS
        if now_ns - self._window_ns > WINDOW_NS:
            self._window_ns, self._least_ns = now_ns, [math.inf, self._least_ns[0]]
        self._least_ns[0] = min(self._least_ns[0], self._clock.utc_ns() - stamp_ns)
        self._newest_ns = stamp_ns

    def known(self, asked: Offset | None) -> SourceClock:
        """With `asked`, what the driver found out by asking."""
        least_ns = min(self._least_ns)
        lag_ms = round(least_ns / MS, 3) if math.isfinite(least_ns) else None
        if asked is not None:
            ms, doubt_ms = round(asked.ms, 3), round(asked.uncertainty_ms, 3)
            return SourceClock("unset" if asked.unset else "two-way", ms, doubt_ms, lag_ms)
        if lag_ms is None:
            return SourceClock()
        return SourceClock("unset" if self._newest_ns < SET_NS else "one-way", lag_ms=lag_ms)
