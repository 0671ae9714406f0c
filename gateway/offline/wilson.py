"""Shares with their interval: numerator, denominator and what they can mean."""

from __future__ import annotations

from math import sqrt

import msgspec

Z95 = 1.959963984540054  # two-sided 95 %


class Share(msgspec.Struct, frozen=True):
    """`n` of `d` with the Wilson 95 % interval; nothing of nothing has no value."""

    n: int
    d: int
    value: float | None
    low: float
    high: float


def share(n: int, d: int) -> Share:
    """The share of `n` in `d` (Wilson 1927)."""
    assert 0 <= n <= d
    if d == 0:
        return Share(0, 0, None, 0.0, 1.0)
    p, z2 = n / d, Z95 * Z95
    middle, width = p + z2 / (2 * d), Z95 * sqrt(p * (1 - p) / d + z2 / (4 * d * d))
    scale = 1 + z2 / d
    low = 0.0 if n == 0 else (middle - width) / scale
    return Share(n, d, p, low, 1.0 if n == d else (middle + width) / scale)
