"""A device's clock against ours, where the device can be asked for its time: of several answers the quickest one counts.

An answer came out of the device at some moment between the question and its arrival; half of that time is what the offset
may be wrong by. So the exchange with the shortest round trip is the best one (RFC 5905, 10, the clock filter), and it ages by
what two crystals may drift apart.
"""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

KEPT = 8  # exchanges
EVERY_S = 15.0  # between two questions: the kept ones are two minutes
SOON_S = 1.0
DRIFT = 100e-6  # ours and the device's crystal, 50 ppm each
SET_NS = 1_577_836_800_000_000_000  # 2020-01-01: an older time is that of a clock which nobody has set
MS = 1e6


@dataclass(frozen=True, slots=True)
class Offset:
    """How far the device's clock is ahead of ours, and what that may be wrong by, in ms. `unset`: it shows a time before 2020."""

    ms: float
    uncertainty_ms: float
    unset: bool = False


@dataclass(frozen=True, slots=True)
class _Exchange:
    """Device time less monotonic time in its middle (a step of our own clock leaves it as it is), and its half; in ns."""

    ahead_ns: int
    half_ns: int
    at_ns: int
    device_ns: int

    def doubt_ns(self, now_ns: int) -> float:
        return self.half_ns + (now_ns - self.at_ns) * DRIFT


class DeviceClock:
    """The last exchanges with one device. `resolution_ns` is the step in which the device tells its time."""

    def __init__(self, resolution_ns: int = 0) -> None:
        self._resolution_ns = resolution_ns
        self._kept: deque[_Exchange] = deque(maxlen=KEPT)

    def told(self, asked_ns: int, came_ns: int, device_ns: int) -> None:
        """The device was asked at `asked_ns`, its answer came at `came_ns` (both monotonic), and it says that it is `device_ns` (UTC)."""
        half_ns = (came_ns - asked_ns) // 2
        middle_ns = asked_ns + half_ns
        doubt_ns = half_ns + self._resolution_ns
        self._kept.append(_Exchange(device_ns - middle_ns, doubt_ns, came_ns, device_ns))

    @property
    def due_s(self) -> float:
        """How long to wait before the next question: the first few come soon, so that a quick one is among them."""
        return SOON_S if len(self._kept) < KEPT // 2 else EVERY_S

    def offset(self) -> Offset | None:
        """What is known now; None before the first answer."""
        if not self._kept:
            return None
        now_ns = time.monotonic_ns()
        best = min(self._kept, key=lambda one: one.doubt_ns(now_ns))
        ours_ns = time.time_ns() - now_ns
        return Offset((best.ahead_ns - ours_ns) / MS, best.doubt_ns(now_ns) / MS, best.device_ns < SET_NS)
