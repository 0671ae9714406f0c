"""Bounded memory of a number over time: sixty buckets on a fixed grid of kernel time, whatever the window and the rate.

A value holds until the next one (the kernel hears of changes only). Only + - * / in written order, so every machine and
every replay finds the same bits; the grid is that of kernel time, so a window has no state beside its buckets.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

BUCKETS = 60
LEAST = BUCKETS // 2  # a window less than half known has no slope and no mean: three values are no trend
MINUTE_NS = 60_000_000_000

APART = BUCKETS // 3  # buckets between two that give a slope: nearer ones say more of the noise than of the trend
TO_SIGMA = 1.4826  # median of absolute deviations -> standard deviation of a normal value
WIDER = 1.05  # the median of slopes is a little less exact than least squares on clean data
# Per cent -> half width of the interval in standard errors: Student's t, two-sided, of the 28 degrees of half a window.
SURE = {80: 1.3125, 90: 1.7011, 95: 2.0484, 99: 2.7633}


@dataclass(frozen=True, slots=True)
class Line:
    """A robust line: `slope` per minute with its standard `error`, `level` now, and how far one value may be from it."""

    slope: float
    error: float
    level: float
    spread: float

    def sure_slope(self, sure: int) -> float:
        """The end of the interval that is nearer to zero; 0 where zero is inside."""
        half = SURE[sure] * self.error
        return math.copysign(max(abs(self.slope) - half, 0.0), self.slope)


NO_LINE = Line(math.nan, math.nan, math.nan, math.nan)


@dataclass(frozen=True, slots=True)
class _Grid:
    """What a line needs of the times alone: later and earlier of the points far apart, how far; middle and width of all."""

    x: Floats
    late: NDArray[np.intp]
    early: NDArray[np.intp]
    apart: Floats
    middle: float
    across: float


def _grid(x: Floats) -> _Grid:
    late, early = np.nonzero(x[:, None] - x >= APART)
    middle = float(np.add.reduce(x)) / len(x)
    return _Grid(x, late, early, x[late] - x[early], middle, float(np.add.reduce((x - middle) * (x - middle))))


_FULL = _grid(np.arange(-float(BUCKETS), 0.0))  # of a window without gaps


def fit(values: Sequence[float], per_minute: float) -> Line:
    """The line through the means of all buckets, oldest first, NaN where one is not known.

    Median of the slopes between buckets far apart (Sen, JASA 63 (1968) 1379), spread by the median of absolute deviations:
    a quarter of the buckets may be anything. The interval counts the buckets' errors as independent.
    """
    y, grid = np.array(values), _FULL
    known = y == y
    if not known.all():
        y, x = y[known], _FULL.x[known]
        if len(y) < LEAST:
            return NO_LINE
        grid = _grid(x)
    steps = y[grid.late]
    steps -= y[grid.early]
    steps /= grid.apart
    slope = _median(steps)
    y -= slope * grid.x
    level = _median(y)
    y -= level
    sigma = TO_SIGMA * _median(np.abs(y, out=y))
    spread = sigma * math.sqrt(1.0 + 1.0 / len(y) + grid.middle * grid.middle / grid.across)
    return Line(slope * per_minute, WIDER * sigma / math.sqrt(grid.across) * per_minute, level, spread)


def _median(values: Floats) -> float:
    """The middle value, or the mean of the two."""
    half = len(values) // 2
    values.partition((half - 1, half) if len(values) % 2 == 0 else half)
    return float(values[half - 1] + values[half]) / 2.0 if len(values) % 2 == 0 else float(values[half])


class Window:
    """The last `ns` of one number. Slope and mean rest on whole buckets, so they change only where a bucket ends."""

    __slots__ = ("_first", "_fit", "_held", "_means", "_now_ns", "_sums", "width_ns")

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
        # Of the whole buckets, worked out when somebody asks, and forgotten where a bucket ends.
        self._sums: tuple[float, float] | None = None  # slope and mean
        self._fit: Line | None = None

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

    @property
    def slope(self) -> float:
        """Least squares over the means of the whole buckets, per minute."""
        return self._summed()[0]

    @property
    def mean(self) -> float:
        """The mean over the known time of the whole buckets."""
        return self._summed()[1]

    def line(self) -> Line:
        """The robust line through the whole buckets."""
        if self._fit is None:
            oldest = (self._now_ns // self.width_ns - BUCKETS) % (BUCKETS + 1)
            ring = self._means[oldest:] + self._means[:oldest]
            means = [area / ns if ns else math.nan for area, ns in ring[:BUCKETS]]
            self._fit = fit(means, MINUTE_NS / self.width_ns)
        return self._fit

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
        self._sums = self._fit = None

    def _summed(self) -> tuple[float, float]:
        if self._sums is None:
            self._sums = self._sum_up(self._now_ns // self.width_ns)
        return self._sums

    def _sum_up(self, at: int) -> tuple[float, float]:
        """Oldest first."""
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
        if count < LEAST:
            return math.nan, math.nan
        slope = (count * sxy - sx * sy) / (count * sxx - sx * sx) * (MINUTE_NS / self.width_ns)
        return slope, area / covered_ns

    def save(self) -> list[Any]:
        """State for a snapshot; what is not known is None, because NaN does not travel everywhere."""
        first = [None if value != value else value for value in self._first]
        held = None if self._held != self._held else self._held
        return [self._now_ns, [bucket[:] for bucket in self._means], first, held]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        self._now_ns, means, first, held = state
        self._sums = self._fit = None
        self._means = [[float(integral), int(ns)] for integral, ns in means]
        self._first = [math.nan if value is None else value for value in first]
        self._held = math.nan if held is None else held
