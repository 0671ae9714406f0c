"""Boxes out of raw scores: the best class of each place, and of boxes that show the same thing the best one.

Scores are class-major (classes x places) and contiguous, so that the first look at all places is one pass per class, and everything after
it touches survivors alone. `tests/inference/test_boxes.py` holds it to plain code, box for box.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]

SAME = 0.5  # overlap (intersection over union) from which two boxes of a class show the same thing
MOST = 300  # boxes of one picture
LOOKED_AT = 3_000  # places that enter the comparison, the best of them: a picture of noise must not cost seconds


@dataclass(frozen=True, slots=True)
class Boxes:
    """What was found, the best score first: corners x1, y1, x2, y2 in pixels (n x 4), scores, numbers of classes."""

    corners: Floats
    scores: Floats
    classes: Indices

    def __len__(self) -> int:
        return len(self.scores)


def none() -> Boxes:
    """Nothing found."""
    return Boxes(np.empty((0, 4), np.float32), np.empty(0, np.float32), np.empty(0, np.intp))


def best(scores: Floats, thresholds: Floats) -> tuple[Indices, Floats, Indices]:
    """Places whose best class reaches its threshold: place, score, class; ties go to the lower class. `scores`: classes x places."""
    top = scores.max(axis=0)
    places = np.flatnonzero(top >= thresholds.min())
    survivors = scores[:, places]
    classes = survivors.argmax(axis=0)
    values = top[places]
    reached = values >= thresholds[classes]
    return places[reached], values[reached], classes[reached]


def best_of_logits(logits: Floats, thresholds: Floats) -> tuple[Indices, Floats, Indices]:
    """As `best` for logits: only those near the threshold are turned into scores."""
    lowest = float(np.clip(thresholds.min(), 1e-6, 1 - 1e-6))
    near = np.log(lowest / (1 - lowest)) - 0.01  # the exact comparison is made on scores
    places = np.flatnonzero(logits.max(axis=0) >= near)
    found, values, classes = best(sigmoid(logits[:, places]), thresholds)
    return places[found], values, classes


def sigmoid(x: Floats) -> Floats:
    """The logistic function, without overflow."""
    return (1 / (1 + np.exp(-np.clip(x, -80, 80)))).astype(np.float32)


def distinct(corners: Floats, scores: Floats, classes: Indices, same: float = SAME, most: int = MOST) -> Indices:
    """Of boxes of one class that overlap by `same` or more the best (the earlier of equals): their numbers, the best first."""
    order = np.argsort(-scores, kind="stable")[:LOOKED_AT]
    corners, classes = corners[order].astype(np.float64), classes[order]
    x1, y1, x2, y2 = corners.T
    area = np.maximum(x2 - x1, 0) * np.maximum(y2 - y1, 0)
    left = np.ones(len(order), bool)
    kept: list[int] = []
    for i in range(len(order)):
        if not left[i]:
            continue
        kept.append(i)
        if len(kept) == most:
            break
        later = np.flatnonzero(left[i + 1 :]) + i + 1
        later = later[classes[later] == classes[i]]
        width = np.minimum(x2[i], x2[later]) - np.maximum(x1[i], x1[later])
        height = np.minimum(y2[i], y2[later]) - np.maximum(y1[i], y1[later])
        common = np.maximum(width, 0) * np.maximum(height, 0)
        left[later[common >= same * (area[i] + area[later] - common)]] = False
    return order[kept]
