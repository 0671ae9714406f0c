"""UWB positions in a simulated hall with walls: `python -m tests.people.uwb_campaign [fixes] [seed]`. Results: docs/results/people.md.

Twelve anchors, 15 m apart, 4 m high. A range has 0.10 m of noise; with walls, 30 % of the ranges are longer by an exponential
of 1.5 m and one in ten does not come. Every fix is asked about every zone; a confident violation of somebody who was outside
is what must never happen. A second hall is worse: half of the ranges are wrong, by 4 m in the mean.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from gateway.people.uwb import UNKNOWN_M, locate
from gateway.people.zones import INSIDE, Zone, decide, depth

ANCHORS = np.array([(x, y, 4.0) for x in (0.0, 15.0, 30.0, 45.0) for y in (0.0, 15.0, 30.0)])
ZONES = (
    Zone("square", ((10, 8), (20, 8), (20, 18), (10, 18))),
    Zone("strip", ((30, 2), (33, 2), (33, 28), (30, 28))),
    Zone("corner", ((38, 20), (45, 20), (45, 30), (40, 30))),
)
CHUNK = 10_000


def hall(
    rng: np.random.Generator, count: int, blocked: float, bias_m: float, lost: float, sigma_m: float = 0.10
) -> tuple[np.ndarray, np.ndarray]:
    """True positions and ranges."""
    truth = np.stack((rng.uniform(0, 45, count), rng.uniform(0, 30, count)), axis=1)
    full = np.concatenate((truth, np.full((count, 1), 1.2)), axis=1)
    ranges = np.linalg.norm(full[:, None, :] - ANCHORS[None], axis=2)
    far = ranges > 40.0
    ranges = ranges + rng.normal(0, sigma_m, ranges.shape)
    ranges += np.where(rng.random(ranges.shape) < blocked, rng.exponential(bias_m, ranges.shape), 0.0)
    ranges[far | (rng.random(ranges.shape) < lost)] = np.nan
    return truth, ranges


def campaign(count: int, seed: int, blocked: float, bias_m: float) -> dict[str, float]:
    """Figures of one hall."""
    rng = np.random.default_rng(seed)
    errors, bounds, wrong, caught, inside = [], [], 0, 0, 0
    began = time.perf_counter()
    for at in range(0, count, CHUNK):
        truth, ranges = hall(rng, min(CHUNK, count - at), blocked, bias_m, 0.1)
        fixes = locate(ANCHORS, ranges)
        errors.append(np.hypot(*(fixes.xy - truth).T))
        bounds.append(fixes.error_m)
        for zone in ZONES:
            said = decide(zone, fixes.xy, fixes.error_m) == INSIDE
            really = depth(zone, truth) > 0
            wrong += int((said & ~really).sum())
            caught += int((said & really).sum())
            inside += int(really.sum())
    error, bound = np.concatenate(errors), np.concatenate(bounds)
    known = bound < UNKNOWN_M
    return {
        "fixes": count,
        "p50_m": float(np.percentile(error, 50)),
        "p95_m": float(np.percentile(error, 95)),
        "p95_known_m": float(np.percentile(error[known], 95)),
        "known": float(known.mean()),
        "bound_p50_m": float(np.percentile(bound[known], 50)),
        "beyond_bound": int((error[known] > bound[known]).sum()),
        "wrong_violations": wrong,
        "found_of_inside": caught / max(1, inside),
        "us_per_fix": (time.perf_counter() - began) / count * 1e6,
    }


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 20261126
    for name, blocked, bias_m in (("open hall", 0.0, 1.0), ("walls", 0.3, 1.5), ("bad walls", 0.5, 4.0)):
        print(name, {key: round(value, 4) for key, value in campaign(count, seed, blocked, bias_m).items()}, flush=True)


if __name__ == "__main__":
    main()
