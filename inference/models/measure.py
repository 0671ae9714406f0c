"""How good a detector is on labelled pictures: average precision at an overlap of one half, recall and precision per class."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from inference.models.boxes import Boxes, Floats
from inference.models.pictures import Labelled

OVERLAP = 0.5


def overlaps(a: Floats, b: Floats) -> Floats:
    """Intersection over union of every box of `a` with every box of `b`."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    sizes = [np.clip(one[:, 2:] - one[:, :2], 0, None).prod(axis=1) for one in (a, b)]
    union = sizes[0][:, None] + sizes[1][None] - common
    return np.asarray(common / np.maximum(union, 1e-9), np.float32)


@dataclass(slots=True)
class Match:
    """What was found of one class in all pictures: scores with whether each is right, and the best score at which each thing is found."""

    scores: list[float] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    things: list[tuple[int, float]] = field(default_factory=list)  # picture, score; -1 where it is never found

    def precision_area(self) -> float:
        """Average precision, all points."""
        if not self.things:
            return float("nan")
        order = np.argsort(-np.array(self.scores), kind="stable")
        right = np.array(self.right, bool)[order]
        hits = np.cumsum(right)
        recall = hits / len(self.things)
        precision = hits / np.arange(1, len(hits) + 1) if len(hits) else hits
        smooth = np.maximum.accumulate(precision[::-1])[::-1]
        return float(np.sum(np.diff(np.concatenate([[0.0], recall])) * smooth)) if len(hits) else 0.0

    def at(self, threshold: float) -> dict[str, float]:
        """Recall and precision at a threshold; NaN where nothing can be said."""
        found = sum(score >= threshold for _, score in self.things)
        given = sum(score >= threshold for score in self.scores)
        right = sum(ok for score, ok in zip(self.scores, self.right, strict=True) if score >= threshold)
        return {
            "recall": found / len(self.things) if self.things else float("nan"),
            "precision": right / given if given else float("nan"),
        }


def match(found: Iterable[tuple[Boxes, Labelled]], classes: int) -> list[Match]:
    """Per class, the best found first; each thing is matched once."""
    matches = [Match() for _ in range(classes)]
    for number, (boxes, truth) in enumerate(found):
        for kind in range(classes):
            mine, things = boxes.classes == kind, truth.corners[truth.classes == kind]
            _one(matches[kind], boxes.corners[mine], boxes.scores[mine], things, number)
    return matches


def _one(into: Match, corners: Floats, scores: Floats, things: Floats, picture: int) -> None:
    best = [-1.0] * len(things)
    common = overlaps(corners, things)
    for i in range(len(corners)):
        free = [j for j in range(len(things)) if best[j] < 0 and common[i, j] >= OVERLAP]
        hit = max(free, key=lambda j: common[i, j], default=None)
        if hit is not None:
            best[hit] = float(scores[i])
        into.scores.append(float(scores[i]))
        into.right.append(hit is not None)
    into.things += [(picture, score) for score in best]


def mean_precision(matches: Sequence[Match]) -> float:
    """mAP50 over the classes that occur."""
    found = [one.precision_area() for one in matches if one.things]
    return float(np.mean(found)) if found else float("nan")
