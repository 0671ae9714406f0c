"""Where a UWB tag is: least squares over ranges to surveyed anchors, without the ranges that a wall made longer.

A wall only ever makes a range longer (NLOS), so a fix is looked for that most ranges agree on: every three of the nearest
anchors give a candidate, the one with the smallest trimmed error wins, ranges that do not agree with it are left out, and the
rest is solved again. The error estimate is the larger of what geometry allows (DOP times the noise of a range) and of how far
the fix moves when any one range is left out (solution separation, as in receiver autonomous integrity monitoring), widened by
`WIDEN`. All arrays are N fixes by A anchors; NaN is a range that did not come.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Flags = NDArray[np.bool_]

SPACING_MAX_M = 15.0  # spec/people.md 7
RANGE_SIGMA_M = 0.10  # of a two-way range in line of sight: DW1000 and DW3000 data sheets
NEAR = 7  # of these anchors candidates are made: 35 triples
AGREE_SIGMAS = 3.5
LEAST = 5  # ranges that must agree: two more than a plane needs, else a wrong range cannot be told from a right one
RIVAL = 4  # ranges that a second place must explain to be one
ROUGH = 2.0  # a candidate of three ranges is not yet as good as a fix
MOST_OF = 0.6  # of the ranges that came: with fewer, the wrong ones may agree among themselves
WIDEN = 2.5
SAFE = 1.4  # without it 1 in 2,000 simulated fixes between walls was further off than its estimate, by up to a third
STEPS = 6
UNKNOWN_M = 1e3


@dataclass(frozen=True, slots=True)
class Fixes:
    """Positions with their estimated errors in m. `used` ranges agreed; where there were too few, `error_m` says unknown."""

    xy: Array  # N x 2
    error_m: Array
    dop: Array
    used: NDArray[np.int64]


def locate(anchors: Array, ranges: Array, height_m: float = 1.2, sigma_m: float = RANGE_SIGMA_M) -> Fixes:
    """Fixes of N tags. `anchors` is A x 3, `ranges` N x A."""
    flat = _flat(anchors, ranges, height_m)
    near = np.argsort(np.where(np.isnan(flat), np.inf, flat), axis=1)[:, :NEAR]
    best, score = np.zeros((len(ranges), 2)), np.full(len(ranges), np.inf)
    candidates = []
    for triple in combinations(range(min(NEAR, ranges.shape[1])), 3):
        at = near[:, triple]
        xy = _solve(anchors[at, :2], np.take_along_axis(flat, at, axis=1), np.ones(at.shape))
        residual = _residuals(anchors, flat, xy)
        error = _trimmed(residual)
        better = error < score
        best[better], score[better] = xy[better], error[better]
        candidates.append((xy, (np.abs(residual) < ROUGH * AGREE_SIGMAS * sigma_m).sum(axis=1)))
    agree = np.abs(_residuals(anchors, flat, best)) < ROUGH * AGREE_SIGMAS * sigma_m
    for _ in range(2):
        xy = _refined(anchors, flat, agree, best)
        agree = np.abs(_residuals(anchors, flat, xy)) < AGREE_SIGMAS * sigma_m
    fixes = _judged(anchors, flat, agree, xy, sigma_m)
    error_m = np.maximum(fixes.error_m, _elsewhere(fixes, candidates)) * SAFE
    return replace(fixes, error_m=np.minimum(error_m, UNKNOWN_M))


def _elsewhere(fixes: Fixes, candidates: list[tuple[Array, NDArray[np.int64]]]) -> Array:
    """How far away another place is that almost as many ranges agree on: then nobody can say which of the two it is."""
    far = np.zeros(len(fixes.xy))
    for xy, count in candidates:
        rival = count >= np.maximum(RIVAL, fixes.used - 2)
        apart = np.hypot(xy[:, 0] - fixes.xy[:, 0], xy[:, 1] - fixes.xy[:, 1])
        far = np.where(rival & np.isfinite(apart), np.maximum(far, apart), far)
    return far


def _flat(anchors: Array, ranges: Array, height_m: float) -> Array:
    """Ranges on the plane of the tags; one that is shorter than the anchor is high says nothing."""
    square = ranges**2 - (anchors[None, :, 2] - height_m) ** 2
    return np.sqrt(np.where(square > 0, square, np.nan))


def _residuals(anchors: Array, flat: Array, xy: Array) -> Array:
    """Measured less predicted; infinite where there is no range."""
    predicted = np.hypot(xy[:, :1] - anchors[None, :, 0], xy[:, 1:] - anchors[None, :, 1])
    found: Array = np.where(np.isnan(flat), np.inf, flat - predicted)
    return found


def _trimmed(residual: Array) -> Array:
    """Mean of the smaller 60 % of the squared errors of a candidate. A range that is too short counts tenfold: no wall does that."""
    square = np.sort(np.minimum(np.where(residual < 0, 10.0, 1.0) * residual**2, 1e6), axis=1)
    present = np.isfinite(residual).sum(axis=1)
    kept = np.maximum(4, np.ceil(0.6 * present)).astype(np.int64)
    total = np.cumsum(square, axis=1)
    last = np.minimum(kept, residual.shape[1]) - 1
    found: Array = np.take_along_axis(total, last[:, None], axis=1)[:, 0] / kept
    return found


def _solve(places: Array, ranges: Array, weights: Array, start: Array | None = None) -> Array:
    """Gauss-Newton on the plane for N x K anchors and ranges, NaN where it has none."""
    xy = places.mean(axis=1) if start is None else start.copy()
    for _ in range(STEPS):
        step, _ = _normal(places, ranges, weights, xy)
        xy = xy + np.clip(step, -20.0, 20.0)
    return xy


def _normal(places: Array, ranges: Array, weights: Array, xy: Array) -> tuple[Array, Array]:
    """One Gauss-Newton step and the inverse of the normal matrix (xx, xy, yy)."""
    delta = xy[:, None, :] - places
    distance = np.maximum(np.hypot(delta[..., 0], delta[..., 1]), 1e-6)
    weights = np.where(np.isnan(ranges), 0.0, weights)
    residual = np.where(np.isnan(ranges), 0.0, ranges - distance)
    ux, uy = delta[..., 0] / distance, delta[..., 1] / distance
    xx, yy, off = ((weights * one).sum(axis=1) for one in (ux * ux, uy * uy, ux * uy))
    gx, gy = (weights * ux * residual).sum(axis=1), (weights * uy * residual).sum(axis=1)
    determinant = xx * yy - off * off
    determinant = np.where(determinant > 1e-6, determinant, np.nan)
    step = np.stack((yy * gx - off * gy, xx * gy - off * gx), axis=1) / determinant[:, None]
    return np.nan_to_num(step), np.stack((yy, -off, xx), axis=1) / determinant[:, None]


def _refined(anchors: Array, flat: Array, agree: Flags, start: Array) -> Array:
    places = np.broadcast_to(anchors[None, :, :2], (*flat.shape, 2))
    return _solve(places, flat, agree.astype(np.float64), start)


def _judged(anchors: Array, flat: Array, agree: Flags, xy: Array, sigma_m: float) -> Fixes:
    """The error estimate of each fix: geometry, solution separation, and how much stayed unexplained."""
    places = np.broadcast_to(anchors[None, :, :2], (*flat.shape, 2))
    weights = agree.astype(np.float64)
    _, inverse = _normal(places, flat, weights, xy)
    dop = np.sqrt(inverse[:, 0] + inverse[:, 2])
    apart = np.zeros(len(xy))
    for left_out in range(flat.shape[1]):
        without = weights.copy()
        without[:, left_out] = 0.0
        step, _ = _normal(places, flat, without, xy)
        apart = np.maximum(apart, np.hypot(step[:, 0], step[:, 1]) * agree[:, left_out])
    used = agree.sum(axis=1)
    present = (~np.isnan(flat)).sum(axis=1)
    error = WIDEN * np.maximum(dop * sigma_m, apart) + sigma_m
    short = (_residuals(anchors, flat, xy) < -AGREE_SIGMAS * sigma_m).any(axis=1)  # no wall makes a range shorter
    known = ~short & (used >= LEAST) & (used >= MOST_OF * present) & np.isfinite(dop) & np.isfinite(xy).all(axis=1)
    return Fixes(xy, np.where(known, error, UNKNOWN_M), dop, used)


def spacing(anchors: Array) -> Array:
    """From each anchor to the nearest other one, in m. More than `SPACING_MAX_M` is to be warned of."""
    apart = np.linalg.norm(anchors[:, None, :] - anchors[None, :, :], axis=2)
    np.fill_diagonal(apart, np.inf)
    nearest: Array = apart.min(axis=1)
    return nearest
