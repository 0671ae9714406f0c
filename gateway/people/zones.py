"""Is a position in a zone? In, out or UNCERTAIN: a fix whose error reaches the border is no violation, and no all-clear either."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
INSIDE, OUTSIDE, UNCERTAIN = 1, 0, -1


@dataclass(frozen=True, slots=True)
class Zone:
    """A polygon in m on the site's grid."""

    name: str
    corners: tuple[tuple[float, float], ...]


def depth(zone: Zone, xy: Array) -> Array:
    """How deep N points are inside, in m; negative outside."""
    corners = np.array(zone.corners)
    begin, end = corners, np.roll(corners, -1, axis=0)
    along = end - begin
    to_point = xy[:, None, :] - begin[None]
    share = np.clip((to_point * along).sum(axis=2) / np.maximum((along**2).sum(axis=1), 1e-12), 0.0, 1.0)
    distance = np.linalg.norm(to_point - share[..., None] * along, axis=2).min(axis=1)
    x, y = xy[:, :1], xy[:, 1:]
    with np.errstate(divide="ignore", invalid="ignore"):
        cuts = (begin[:, 1] > y) != (end[:, 1] > y)
        left = x < along[:, 0] * (y - begin[:, 1]) / along[:, 1] + begin[:, 0]
    inside = (cuts & left).sum(axis=1) % 2 == 1
    found: Array = np.where(inside, distance, -distance)
    return found


def decide(zone: Zone, xy: Array, error_m: Array) -> NDArray[np.int8]:
    """INSIDE, OUTSIDE or UNCERTAIN for N fixes."""
    deep = depth(zone, xy)
    decided = np.where(deep > error_m, INSIDE, np.where(deep < -error_m, OUTSIDE, UNCERTAIN))
    found: NDArray[np.int8] = np.where(np.isfinite(deep), decided, UNCERTAIN).astype(np.int8)
    return found


def confidence(depth_m: float, error_m: float) -> float:
    """0..1: 0.5 where the error reaches the border, towards 1 the further the border is away."""
    away = abs(depth_m)
    return away / (away + error_m) if away + error_m > 0 else 0.0
