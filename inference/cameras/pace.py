"""When a picture was captured, told from its own time: what waits in buffers is old, whenever it is read.

A stream's time runs beside the clock of the box. The smallest delay seen between the two is the way through the network;
everything above it is waiting. The two clocks may drift, so the smallest delay is forgotten slowly.
"""

from __future__ import annotations

from dataclasses import dataclass

SECOND = 1_000_000_000
JUMP_NS = 10 * SECOND  # the stream's time went elsewhere: begin anew
DRIFT = 200e-6  # clocks of cheap cameras: 200 parts in a million


@dataclass(slots=True)
class Pace:
    """One connection."""

    _offset_ns: float = 0.0
    _last_pts: int = 0
    _known: bool = False

    def captured(self, pts: int, now_ns: int) -> int:
        """CLOCK_MONOTONIC of the capture of a picture with time `pts` (ns) that was received at `now_ns`: never later than that."""
        offset = now_ns - pts
        step = pts - self._last_pts
        if not self._known or abs(step) > JUMP_NS or abs(offset - self._offset_ns) > 2 * JUMP_NS:
            self._known, self._offset_ns = True, offset
        else:
            self._offset_ns = min(offset, self._offset_ns + max(step, 0) * DRIFT)
        self._last_pts = pts
        return min(now_ns, int(pts + self._offset_ns))
