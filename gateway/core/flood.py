"""When alarms come too fast for people: floods of an area, chatter and staleness of one alarm (spec/alarms.md §5, §2).

Only the latest few instants are kept: whether more than n alarms came within a window is told by the n+1st latest.
"""

from __future__ import annotations

from collections import deque
from typing import Any

from gateway.core.limits import (
    CHATTER_CYCLES,
    CHATTER_NS,
    FLOOD_BURST,
    FLOOD_BURST_NS,
    FLOOD_END,
    FLOOD_NS,
    FLOOD_START,
)


class Area:
    """The alarms of one area as they come: a flood starts above 10 in 10 min or 5 in a second and ends below 5 in 10 min."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.flooded = False
        self.count = 0  # of this flood, its first alarms included
        self.first_out = ""
        self._latest: deque[tuple[int, str]] = deque(maxlen=FLOOD_START + 1)

    def raised(self, alarm: str, now_ns: int) -> bool:
        """One more occurrence; true if a flood starts with it."""
        self._latest.append((now_ns, alarm))
        if self.flooded:
            self.count += 1
            return False
        for many, window_ns in ((FLOOD_START + 1, FLOOD_NS), (FLOOD_BURST + 1, FLOOD_BURST_NS)):
            if len(self._latest) >= many and now_ns - self._latest[-many][0] < window_ns:
                self.flooded, self.count, self.first_out = True, many, self._latest[-many][1]
                return True
        return False

    def over_ns(self) -> int:
        """The instant at which fewer than five of ten minutes are left, if nothing more comes."""
        return self._latest[-FLOOD_END][0] + FLOOD_NS

    def end(self) -> None:
        """The flood is over."""
        self.flooded = False

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [self.flooded, self.count, self.first_out, [list(each) for each in self._latest]]

    def load(self, state: list[Any]) -> None:
        """Take a snapshot's state."""
        self.flooded, self.count, self.first_out = state[:3]
        self._latest = deque(((at, name) for at, name in state[3]), maxlen=FLOOD_START + 1)


class Chatter:
    """The raise and clear cycles of one alarm: three within a minute are chatter, until a minute passes without one."""

    def __init__(self) -> None:
        self.count = 0  # cycles of this chatter, 0 = it does not chatter
        self._latest: deque[int] = deque(maxlen=CHATTER_CYCLES)

    def cycled(self, now_ns: int) -> bool:
        """It cleared once more; true if it chatters from now on."""
        self._latest.append(now_ns)
        if self.count:
            self.count += 1
            return False
        if len(self._latest) == CHATTER_CYCLES and now_ns - self._latest[0] < CHATTER_NS:
            self.count = CHATTER_CYCLES
            return True
        return False

    def over_ns(self) -> int:
        """The instant at which it has been calm for a minute."""
        return self._latest[-1] + CHATTER_NS

    def end(self) -> int:
        """It is calm again; how many cycles it was."""
        count, self.count = self.count, 0
        self._latest.clear()
        return count

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [self.count, list(self._latest)]

    def load(self, state: list[Any]) -> None:
        """Take a snapshot's state."""
        self.count = state[0]
        self._latest = deque(state[1], maxlen=CHATTER_CYCLES)
