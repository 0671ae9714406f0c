"""Which byte order, and which address base, a device uses: judged by how plausible its values are under each.

A wrong word order turns a smooth process value into one that jumps over decades, is denormal or lies outside its range. A device
uses one order throughout, so the evidence of all its tags is added. Where nothing tells, nothing is guessed: a value of 0 reads
the same in every order.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

SURE = 3.0  # difference of the summed log scores; e^3 = 20 to 1
LIKELY = 1.0
_FLOOR = 1e-3  # the score of a value that cannot be right; not 0, or one odd tag would outvote a hundred


@dataclass(frozen=True, slots=True)
class Guess:
    """The best candidate, how sure ("sure", "likely", "cannot tell"), and the evidence of each as a log score."""

    best: str
    verdict: str
    scores: Mapping[str, float]


def plausibility(values: Sequence[float], low: float, high: float, *, integer: bool = False) -> float:
    """How much a series looks like a process value: 1 = entirely, _FLOOR = not at all. `low`, `high`: the tag's range, ±inf = none."""
    known = [value for value in values if math.isfinite(value)]
    if not known or len(known) < len(values):
        return _FLOOR
    inside = sum(low <= value <= high for value in known) / len(known)
    if math.isfinite(low) or math.isfinite(high):
        magnitude = inside
    else:
        magnitude = sum(_usual(value, integer=integer) for value in known) / len(known)
    return max(_FLOOR, magnitude * _smooth(known))


def _usual(value: float, *, integer: bool) -> float:
    """Process values of plants lie between a thousandth and ten million; zero says nothing."""
    size = abs(value)
    if size == 0.0:
        return 0.5
    if integer:
        return 1.0 if size < 1e6 else 0.2 if size < 1e8 else 0.05
    return 1.0 if 1e-3 <= size <= 1e7 else 0.2 if 1e-6 <= size <= 1e10 else 0.02


def _smooth(values: Sequence[float]) -> float:
    """1 for a series that creeps, small for one that jumps by its own size from sample to sample."""
    if len(values) < 3:
        return 1.0
    span = max(map(abs, values)) or 1.0
    steps = [abs(b - a) / span for a, b in pairwise(values)]
    return 1.0 / (1.0 + 10.0 * sum(steps) / len(steps))


def decide(evidence: Mapping[str, Sequence[float]], prior: Mapping[str, float] | None = None) -> Guess:
    """The best of several candidates from the plausibility of each tag under each; `prior` as log scores."""
    scores = {name: sum(math.log(max(one, _FLOOR)) for one in ones) for name, ones in evidence.items()}
    scores = {name: score + (prior or {}).get(name, 0.0) for name, score in scores.items()}
    ranked = sorted(scores, key=lambda name: scores[name], reverse=True)
    if len(ranked) < 2:
        return Guess(ranked[0] if ranked else "", "cannot tell", scores)
    ahead = scores[ranked[0]] - scores[ranked[1]]
    verdict = "sure" if ahead >= SURE else "likely" if ahead >= LIKELY else "cannot tell"
    return Guess(ranked[0], verdict, scores)
