"""Where time comes from; tests put a clock of their own in its place."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Monotonic and UTC nanoseconds."""

    def monotonic_ns(self) -> int: ...
    def utc_ns(self) -> int: ...


class SystemClock:
    """CLOCK_BOOTTIME, which goes on through a suspend, and the system's UTC."""

    def monotonic_ns(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def utc_ns(self) -> int:
        return time.time_ns()
