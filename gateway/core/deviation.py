"""The deviation alarm of spec/interlocks.md §3: channels that should agree do not, before any of them is called bad."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from gateway.core.evaluate import FIT, Ballot, Condition, Leaf
from gateway.core.image import Image
from gateway.core.limits import DEVIATION_NS, DEVIATION_SPAN


class Deviation:
    """Watches one vote of plain comparisons on tags with a range. `judge` tells a change, None while there is none."""

    __slots__ = ("_due_ns", "_image", "_leaves", "_limit", "_since_ns", "active")

    def __init__(self, leaves: Sequence[Leaf], image: Image, span: float) -> None:
        self._leaves = leaves
        self._image = image
        self._limit = span * DEVIATION_SPAN
        self._since_ns = -1
        self._due_ns = -1
        self.active = False

    def judge(self, now_ns: int) -> tuple[bool | None, int]:
        """(the alarm's new state or None, when to look again or -1)."""
        values = sorted(self._image.values[leaf.number] for leaf in self._leaves if leaf.state == FIT)
        apart = False
        if len(values) >= 2:
            middle = len(values) // 2
            median = values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2
            apart = max(median - values[0], values[-1] - median) > self._limit
        if not apart:
            self._since_ns = -1
            changed, self.active = self.active, False
            return (False if changed else None), -1
        if self._since_ns < 0:
            self._since_ns = now_ns
        if self.active:
            return None, -1
        if now_ns - self._since_ns >= DEVIATION_NS:
            self.active = True
            return True, -1
        if self._due_ns > now_ns:
            return None, -1  # one pending deadline is enough: if it comes too early it asks again
        self._due_ns = self._since_ns + DEVIATION_NS
        return None, self._due_ns

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [self._since_ns, self._due_ns, self.active]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self._since_ns, self._due_ns, self.active = state


def of(condition: Condition, image: Image) -> list[Deviation]:
    """A watch for every vote of at least two plain comparisons whose tags have one and the same finite range."""
    found: list[Deviation] = []
    waiting = [condition.root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, Leaf):
            continue
        waiting.extend(node.items)
        if not isinstance(node, Ballot):
            continue
        leaves = [item for item in node.items if isinstance(item, Leaf)]
        ranges = {(image.tags[leaf.number].low, image.tags[leaf.number].high) for leaf in leaves}
        if len(leaves) == len(node.items) >= 2 and len(ranges) == 1 and len({leaf.number for leaf in leaves}) > 1:
            low, high = ranges.pop()
            if math.isfinite(low) and math.isfinite(high):
                found.append(Deviation(leaves, image, high - low))
    return found
