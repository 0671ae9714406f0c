"""Thresholds by conformal risk control (Angelopoulos et al., "Conformal risk control", 2022): a promise about missed things, and its price.

Per class the highest threshold is taken at which, over labelled pictures of the site, (misses + 1) / (n + 1) is at most the wanted share:
the next picture from the same camera then misses at most that share on average. Nothing is promised for another camera, light or season.
With it comes the exact binomial (Clopper-Pearson) upper bound at a confidence, and how many false alarms the threshold costs.

For a pair of classes (helmet, no_helmet) a second threshold says when "worn" may be believed, so that there are three answers:
compliant, violation, uncertain. Uncertain never counts as compliant.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from inference.models.boxes import Boxes
from inference.models.measure import Match, overlaps
from inference.models.pictures import Labelled

LOWEST = 0.01  # scores below this are not looked at: a threshold there would report every shadow
STEPS = 200
BELIEVED = 0.5  # "worn" below this is never believed, whatever the pictures say
SAME_HEAD = 0.3  # overlap from which two boxes of a pair lie on the same person


@dataclass(frozen=True, slots=True)
class Threshold:
    """One class: the threshold and what is known of it. `reached` False: no threshold keeps the promise with these pictures."""

    name: str
    threshold: float
    reached: bool
    pictures: int  # that show the class
    things: int
    missed: int
    bound: float  # expected share missed in the next picture
    upper: float  # not exceeded with the confidence asked
    false_alarms: float  # boxes that are none, per picture
    least: float  # the smallest share that so many pictures can promise


@dataclass(frozen=True, slots=True)
class Answers:
    """A pair: from which score "worn" is believed, and what the three answers then are."""

    worn: str
    missing: str
    compliant: float
    violation: float
    reached: bool
    people: int  # whose "missing" is labelled
    wrongly_compliant: int
    upper: float
    of_worn: dict[str, int]
    of_missing: dict[str, int]


def grid() -> list[float]:
    """The thresholds that are tried, from the highest."""
    return [LOWEST + (1 - LOWEST) * (1 - i / STEPS) for i in range(STEPS + 1)]


def threshold(name: str, match: Match, pictures: int, most: float, confidence: float) -> Threshold:
    """The highest threshold that keeps the promise: a loss is the share of a picture's things that is missed."""
    by_picture: dict[int, list[float]] = {}
    for picture, score in match.things:
        by_picture.setdefault(picture, []).append(score)
    count = len(by_picture)
    chosen = LOWEST
    reached = False
    for value in grid():
        losses = sum(sum(score < value for score in scores) / len(scores) for scores in by_picture.values())
        if (losses + 1) / (count + 1) <= most:
            chosen, reached = value, True
            break
    missed = sum(score < chosen for _, score in match.things)
    failing = sum(any(score < chosen for score in scores) for scores in by_picture.values())
    losses = sum(sum(score < chosen for score in scores) / len(scores) for scores in by_picture.values())
    wrong = sum(not ok and score >= chosen for score, ok in zip(match.scores, match.right, strict=True))
    return Threshold(
        name=name,
        threshold=round(chosen, 4),
        reached=reached,
        pictures=count,
        things=len(match.things),
        missed=missed,
        bound=(losses + 1) / (count + 1),
        upper=upper_bound(failing, count, confidence),
        false_alarms=wrong / max(1, pictures),
        least=1 / (count + 1),
    )


def answers(
    pair: tuple[int, int],
    names: Sequence[str],
    found: Sequence[tuple[Boxes, Labelled]],
    violation: float,
    most: float,
    confidence: float,
) -> Answers:
    """When "worn" (the first of `pair`) may be believed: at most `most` of those without are then called compliant."""
    worn, missing = pair
    scores_worn = _pair_scores(found, worn, pair)
    scores_missing = _pair_scores(found, missing, pair)
    count = len(scores_missing)
    compliant, reached = 1.0, False
    for value in reversed(grid()):  # the lowest that keeps the promise: fewer answers are uncertain
        wrong = sum(_answer(one, value, violation) == "compliant" for one in scores_missing)
        if value >= BELIEVED and (wrong + 1) / (count + 1) <= most:
            compliant, reached = value, True
            break
    of = [{"compliant": 0, "violation": 0, "uncertain": 0} for _ in range(2)]
    for counts, scores in zip(of, (scores_worn, scores_missing), strict=True):
        for one in scores:
            counts[_answer(one, compliant, violation)] += 1
    wrong = of[1]["compliant"]
    return Answers(
        worn=names[worn],
        missing=names[missing],
        compliant=round(compliant, 4),
        violation=round(violation, 4),
        reached=reached,
        people=count,
        wrongly_compliant=wrong,
        upper=upper_bound(wrong, count, confidence),
        of_worn=of[0],
        of_missing=of[1],
    )


def _pair_scores(
    found: Sequence[tuple[Boxes, Labelled]], kind: int, pair: tuple[int, int]
) -> list[tuple[float, float]]:
    """For every labelled thing of `kind`: the best scores of "worn" and "missing" on it."""
    scores = []
    for boxes, truth in found:
        things = truth.corners[truth.classes == kind]
        common = overlaps(things, boxes.corners) >= SAME_HEAD
        for row in common:
            best = [float(boxes.scores[row & (boxes.classes == one)].max(initial=0.0)) for one in pair]
            scores.append((best[0], best[1]))
    return scores


def _answer(scores: tuple[float, float], compliant: float, violation: float) -> str:
    """The three answers of `docs/models.md`: both or neither is uncertain."""
    worn, missing = scores[0] >= compliant, scores[1] >= violation
    if worn == missing:
        return "uncertain"
    return "compliant" if worn else "violation"


def pairs(names: Sequence[str]) -> list[tuple[int, int]]:
    """Classes that are each other's opposite by name: X and no_X."""
    plain = [name.lower().replace("-", "_").replace(" ", "_") for name in names]
    return [(plain.index(one), plain.index(f"no_{one}")) for one in plain if f"no_{one}" in plain]


def upper_bound(failures: int, trials: int, confidence: float) -> float:
    """Clopper-Pearson: with `confidence` the true share is not above it; 1 without trials."""
    if failures >= trials:
        return 1.0
    low, high = failures / trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        if _at_most(failures, trials, middle) > 1 - confidence:
            low = middle
        else:
            high = middle
    return high


def _at_most(failures: int, trials: int, share: float) -> float:
    """Probability of so few failures or fewer."""
    if share <= 0:
        return 1.0
    logs = [
        math.lgamma(trials + 1)
        - math.lgamma(k + 1)
        - math.lgamma(trials - k + 1)
        + k * math.log(share)
        + (trials - k) * math.log1p(-share)
        for k in range(failures + 1)
    ]
    return float(np.exp(np.logaddexp.reduce(logs)))
