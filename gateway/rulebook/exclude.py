"""Do comparisons that must hold together exclude each other? Intervals per tag, widened by the hysteresis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.program import Compare

INF = float("inf")
Exclusion = tuple[int, int]  # places of the two comparisons


@dataclass(slots=True)
class _Interval:
    low: float = -INF
    low_open: bool = False
    low_by: int = -1
    high: float = INF
    high_open: bool = False
    high_by: int = -1

    def narrow(self, at: int, node: Compare) -> None:
        """Keeps the values for which `node` can be true, the held ones of its hysteresis included."""
        if node.op in (">", ">=", "="):
            point, is_open = node.limit - node.hyst, node.op == ">"
            if point > self.low or (point == self.low and is_open and not self.low_open):
                self.low, self.low_open, self.low_by = point, is_open, at
        if node.op in ("<", "<=", "="):
            point, is_open = node.limit + node.hyst, node.op == "<"
            if point < self.high or (point == self.high and is_open and not self.high_open):
                self.high, self.high_open, self.high_by = point, is_open, at

    def empty(self) -> bool:
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))


def excluded(nodes: Sequence[Compare]) -> Exclusion | None:
    """The places of two comparisons of one tag that can never be true together, None when there are none."""
    intervals: dict[str, _Interval] = {}
    for at, node in enumerate(nodes):
        interval = intervals.setdefault(node.tag, _Interval())
        interval.narrow(at, node)
        if interval.empty():
            first, second = sorted((interval.low_by, interval.high_by))
            return first, second
    for at, node in enumerate(nodes):
        interval = intervals[node.tag]
        if node.op == "!=" and interval.low == interval.high == node.limit:
            first, second = sorted((interval.low_by, at))
            return first, second
    return None
