"""Polygons in a picture: what is wrong with one, and which points lie inside. Coordinates are pixels, x to the right, y down."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Corner = tuple[float, float]
Fault = Literal["", "few", "outside", "crossing", "flat"]

POINTS_MIN, POINTS_MAX = 3, 64


def fault(corners: Sequence[Corner], width: float, height: float) -> Fault:
    """Why these corners are no zone of a picture of this size; "" where they are one."""
    if not POINTS_MIN <= len(corners) <= POINTS_MAX or len(set(corners)) != len(corners):
        return "few"
    if any(not (0 <= x <= width and 0 <= y <= height) for x, y in corners):
        return "outside"
    if _crosses(corners):
        return "crossing"
    return "flat" if area(corners) < 1.0 else ""


def area(corners: Sequence[Corner]) -> float:
    """In square pixels, whichever way the corners go round (shoelace formula)."""
    shifted = [*corners[1:], corners[0]]
    return abs(sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in zip(corners, shifted, strict=True))) / 2


def _crosses(corners: Sequence[Corner]) -> bool:
    """Whether two sides that are not neighbours touch."""
    count = len(corners)
    sides = [(corners[at], corners[(at + 1) % count]) for at in range(count)]
    return any(
        _touch(*sides[a], *sides[b]) for a, b in combinations(range(count), 2) if b - a > 1 and (a, b) != (0, count - 1)
    )


def _side(a: Corner, b: Corner, c: Corner) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _touch(a: Corner, b: Corner, c: Corner, d: Corner) -> bool:
    """Whether the segments ab and cd share a point."""
    if max(a[0], b[0]) < min(c[0], d[0]) or max(c[0], d[0]) < min(a[0], b[0]):
        return False
    if max(a[1], b[1]) < min(c[1], d[1]) or max(c[1], d[1]) < min(a[1], b[1]):
        return False
    return _side(a, b, c) * _side(a, b, d) <= 0 and _side(c, d, a) * _side(c, d, b) <= 0


def inside(corners: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which of `points` [n, 2] lie in the polygon `corners` [k, 2]; a point on an edge counts as inside."""
    x, y = points[:, 0, None], points[:, 1, None]
    ax, ay = corners[:, 0], corners[:, 1]
    bx, by = np.roll(ax, -1), np.roll(ay, -1)
    side = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
    within = (
        (np.minimum(ax, bx) <= x) & (x <= np.maximum(ax, bx)) & (np.minimum(ay, by) <= y) & (y <= np.maximum(ay, by))
    )
    on_edge = (np.abs(side) < 1e-9) & within
    upward = (ay <= y) & (by > y) & (side > 0)
    downward = (by <= y) & (ay > y) & (side < 0)
    winding = upward.sum(axis=1) - downward.sum(axis=1)
    found: NDArray[np.bool_] = (winding != 0) | on_edge.any(axis=1)
    return found


def ground(boxes: NDArray[np.float32]) -> NDArray[np.float64]:
    """Where each box [n, 4] (left, top, right, bottom) stands: the middle of its lower edge, the feet of a person."""
    found = np.empty((len(boxes), 2))
    found[:, 0] = (boxes[:, 0] + boxes[:, 2]) / 2
    found[:, 1] = boxes[:, 3]
    return found
