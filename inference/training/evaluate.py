"""Mean average precision and, at the threshold with the best F1, recall and precision per class.

Boxes are [n, 6]: x1, y1, x2, y2, score, class. Matching as in PASCAL VOC 2010: by falling score, one box per labelled thing, IoU ≥ 0.5;
the area under the interpolated precision curve. A box whose centre lies in an unknown region of its class counts neither way.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.training.cache import Album
from inference.training.classes import CLASSES, LABEL_SETS
from inference.training.labels import Boxes, Labels

MATCH_IOU = 0.5
NMS_IOU = 0.6
KEEP_MAX = 300
SCORE_MIN = 0.01

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class ClassResult:
    """One class on one set."""

    name: str
    labelled: int
    ap50: float
    recall: float
    precision: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Result:
    """A set's classes and their mean."""

    classes: tuple[ClassResult, ...]

    @property
    def map50(self) -> float:
        """Mean of the classes' average precision."""
        return float(np.mean([item.ap50 for item in self.classes])) if self.classes else float("nan")


def overlaps(a: Boxes, b: Boxes) -> Boxes:
    """IoU [n, m] of two lists of boxes."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:4], b[None, :, 2:4])
    shared = np.prod((high - low).clip(0), axis=-1)
    area_a, area_b = (np.prod(x[:, 2:4] - x[:, :2], axis=-1) for x in (a, b))
    return np.asarray(shared / (area_a[:, None] + area_b[None] - shared + 1e-9), np.float32)


def suppressed(boxes: Boxes, iou: float = NMS_IOU, keep: int = KEEP_MAX) -> Boxes:
    """The best of every heap of overlapping boxes of one class, by falling score."""
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")][: 4 * keep]
    if len(boxes) == 0:
        return boxes
    apart = boxes.copy()
    apart[:, :4] += (boxes[:, 5] * 100_000)[:, None]  # classes cannot meet
    close = overlaps(apart, apart) > iou
    alive = np.ones(len(boxes), bool)
    for index in range(len(boxes)):
        if alive[index]:
            alive[index + 1 :] &= ~close[index, index + 1 :]
    return boxes[alive][:keep]


def decode(distances: Boxes, scores: Boxes, centres: Boxes, strides: Boxes, score_min: float = SCORE_MIN) -> Boxes:
    """Boxes of one picture from distances [4, A] in strides and scores [C, A]."""
    kinds, cells = np.nonzero(scores > score_min)
    reach = distances[:, cells].T * strides[cells, None]
    at = centres[cells]
    return np.concatenate(
        (at - reach[:, :2], at + reach[:, 2:], scores[kinds, cells][:, None], kinds[:, None]), axis=1, dtype=np.float32
    )


def evaluate(
    predicted: Sequence[Boxes], labels: Sequence[Labels], names: Sequence[str], iou: float = MATCH_IOU
) -> Result:
    """Results of the named classes over all pictures."""
    return Result(tuple(_class_result(name, predicted, labels, iou) for name in names))


def by_set(predicted: Sequence[Boxes], album: Album, iou: float = MATCH_IOU) -> dict[str, Result]:
    """Results of each set of an album, over the classes that set labels; a box is a hit from this IoU on."""
    results = {}
    for name in dict.fromkeys(album.sets):
        rows = [index for index, own in enumerate(album.sets) if own == name]
        labels = [album.labels[row] for row in rows]
        results[name] = evaluate([predicted[row] for row in rows], labels, LABEL_SETS[name].labelled, iou)
    return results


def _class_result(name: str, predicted: Sequence[Boxes], labels: Sequence[Labels], iou: float) -> ClassResult:
    index = CLASSES.index(name)
    scores, hits, total = [], [], 0
    for boxes, truth in zip(predicted, labels, strict=True):
        real = truth.found[truth.found[:, 4] == index]
        total += len(real)
        score, hit = _matched(boxes[boxes[:, 5] == index], real, truth.unknown[truth.unknown[:, 4] == index], iou)
        scores.append(score)
        hits.append(hit)
    return _curve(name, np.concatenate(scores), np.concatenate(hits), total)


def _matched(boxes: Boxes, real: Boxes, unknown: Boxes, iou: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Scores and hits of one picture's boxes of one class; those that cannot be judged are left out."""
    boxes = boxes[np.argsort(-boxes[:, 4], kind="stable")]
    hits, judged = np.zeros(len(boxes), bool), np.ones(len(boxes), bool)
    fit = overlaps(boxes, real)
    free = np.ones(len(real), bool)
    for row in range(len(boxes)):
        open_fit = np.where(free, fit[row], 0.0)
        if len(real) and open_fit.max() >= iou:
            hits[row] = True
            free[int(open_fit.argmax())] = False
        elif len(unknown):
            x, y = (boxes[row, :2] + boxes[row, 2:4]) / 2
            inside = (unknown[:, 0] <= x) & (x <= unknown[:, 2]) & (unknown[:, 1] <= y) & (y <= unknown[:, 3])
            judged[row] = not inside.any()
    return boxes[judged, 4].astype(np.float64), hits[judged]


def _curve(name: str, scores: Floats, hits: NDArray[np.bool_], total: int) -> ClassResult:
    if total == 0 or len(scores) == 0:
        return ClassResult(name, total, 0.0 if total else float("nan"), 0.0, 0.0, 1.0)
    order = np.argsort(-scores, kind="stable")
    true = np.cumsum(hits[order])
    recall, precision = true / total, true / np.arange(1, len(order) + 1)
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    ap = float(np.sum(np.diff(np.concatenate(([0.0], recall))) * envelope))
    f1 = 2 * recall * precision / (recall + precision + 1e-9)
    best = int(f1.argmax())
    return ClassResult(name, total, ap, float(recall[best]), float(precision[best]), float(scores[order][best]))
