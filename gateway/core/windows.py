"""Bounded memory of a number over time: sixty buckets on a fixed grid of kernel time, whatever the window and the rate.

A value holds until the next one (the kernel hears of changes only). Only + - * / in written order, so every machine and
every replay finds the same bits; the grid is that of kernel time, so a window has no state beside its buckets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

BUCKETS = 60
LEAST = BUCKETS // 2  # a window less than half known has no slope and no mean: three values are no trend
MINUTE_NS = 60_000_000_000


class Window:
    """The last `ns` of one number. Slope and mean rest on whole buckets, so they change only where a bucket ends."""

    __slots__ = ("_first", "_held", "_means", "_now_ns", "mean", "slope", "width_ns")

    def __init__(self, ns: int) -> None:
        self.width_ns = ns // BUCKETS
        self._now_ns = -1  # nothing was ever put in
        self._held = math.nan  # the value since then, NaN while it is not known
        # By bucket number modulo their count; the bucket that runs is one more than those that count.
        size = BUCKETS + 1
        self._means = [
            [0.0, 0] for _ in range(size)
        ]  # integral over the known part in value x ns, and its length in ns
        self._first = [math.nan] * size  # the first known value
        self.slope = math.nan  # per minute
        self.mean = math.nan

    def put(self, value: float, now_ns: int) -> int:
        """`value` holds from now on, NaN = not known. Gives the end of the running bucket: the next instant of a change."""
        at, width_ns, size = now_ns // self.width_ns, self.width_ns, BUCKETS + 1
        if self._now_ns < 0:
            self._now_ns = now_ns
        before = self._now_ns // width_ns
        if at != before:
            self._roll(before, at)
        if self._held == self._held:
            self._cover(at % size, now_ns - self._now_ns)
        self._now_ns, self._held = now_ns, value
        if self._first[at % size] != self._first[at % size]:
            self._first[at % size] = value
        return (at + 1) * width_ns

    def delta(self) -> float:
        """The value now less the earliest known one of the window, NaN without either."""
        at, size = self._now_ns // self.width_ns, BUCKETS + 1
        for back in range(BUCKETS, -1, -1):
            first = self._first[(at - back) % size]
            if first == first:
                return self._held - first
        return math.nan

    def _cover(self, slot: int, ns: int) -> None:
        bucket = self._means[slot]
        bucket[0] += self._held * ns
        bucket[1] += ns

    def _roll(self, before: int, at: int) -> None:
        """Close the buckets up to `at`; the held value covers those in which nothing was heard."""
        size, width_ns = BUCKETS + 1, self.width_ns
        known = self._held == self._held
        if known:
            self._cover(before % size, (before + 1) * width_ns - self._now_ns)
        for number in range(max(before + 1, at - BUCKETS), at + 1):
            slot = number % size
            self._means[slot] = [0.0, 0]
            self._first[slot] = self._held
            if known and number < at:
                self._cover(slot, width_ns)
        self._now_ns = at * width_ns
        self._sum_up(at)

    def _sum_up(self, at: int) -> None:
        """Least squares over the means of the whole buckets, oldest first."""
        size, count, covered_ns = BUCKETS + 1, 0, 0
        sx = sy = sxx = sxy = area = 0.0
        for back in range(BUCKETS, 0, -1):
            integral, ns = self._means[(at - back) % size]
            if not ns:
                continue
            x, y = float(-back), integral / ns
            count += 1
            covered_ns += int(ns)
            area += integral
            sx, sy, sxx, sxy = sx + x, sy + y, sxx + x * x, sxy + x * y
        self.slope = self.mean = math.nan
        if count >= LEAST:
            self.mean = area / covered_ns
            self.slope = (count * sxy - sx * sy) / (count * sxx - sx * sx) * (MINUTE_NS / self.width_ns)

    def save(self) -> list[Any]:
        """State for a snapshot; what is not known is None, because NaN does not travel everywhere."""
        first = [None if value != value else value for value in self._first]
        others = [None if value != value else value for value in (self._held, self.slope, self.mean)]
        return [self._now_ns, [bucket[:] for bucket in self._means], first, others]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self._now_ns, means, first, others = state
        self._means = [[float(integral), int(ns)] for integral, ns in means]
        self._first = [math.nan if value is None else value for value in first]
        self._held, self.slope, self.mean = (math.nan if value is None else value for value in others)
