"""How the outputs of a detector are to be read: one function for each family of the load contract (spec/inference.md).

Every decoder takes arrays that `layout` has already turned into the order written here, whatever the file calls them, and gives
places, scores and classes of what reached its threshold, with corners in pixels of the input.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.models.boxes import Boxes, Floats, best, best_of_logits, distinct, none, sigmoid
from inference.models.refusal import Refused

Arrays = Sequence[NDArray[Any]]
Anchors = tuple[tuple[tuple[float, float], ...], ...]  # per level three sizes in pixels: width, height


@dataclass(frozen=True, slots=True)
class Shape:
    """What a decoder needs beside the arrays: the input's size, the number of classes, strides, and what was found out by probing."""

    height: int
    width: int
    classes: int
    strides: tuple[int, ...] = (8, 16, 32)
    logits: bool = False  # scores are still logits
    grid: bool = False  # boxes are still offsets from their cell (v6, YOLOX)
    anchors: Anchors = ()  # per level, raw v5 and v7 heads only
    bins: int = 0  # of the distribution over distances, raw heads and GFL
    cells: dict[str, Floats] = field(default_factory=dict)  # centres and strides, made once


Decoder = Callable[[Arrays, Shape, Floats], Boxes]


def cells(shape: Shape, offset: float) -> tuple[Floats, Floats]:
    """Centres (places x 2, in strides) and strides of all cells, level after level, row after row."""
    key = f"{offset}"
    if key not in shape.cells:
        centres, strides = [], []
        for stride in shape.strides:
            rows, columns = np.mgrid[0 : -(-shape.height // stride), 0 : -(-shape.width // stride)]
            centres.append(np.stack([columns.ravel(), rows.ravel()], 1) + offset)
            strides.append(np.full(rows.size, stride))
        shape.cells[key] = np.concatenate(centres).astype(np.float32)
        shape.cells["strides"] = np.concatenate(strides).astype(np.float32)
    return shape.cells[key], shape.cells["strides"]


def _major(rows: NDArray[Any]) -> Floats:
    """Class-major and contiguous."""
    return np.ascontiguousarray(rows, dtype=np.float32)


def _corners(centre_size: Floats) -> Floats:
    """Corners of boxes given by centre and size (n x 4)."""
    half = centre_size[:, 2:] / 2
    return np.concatenate([centre_size[:, :2] - half, centre_size[:, :2] + half], 1)


def _chosen(corners: Floats, scores: Floats, classes: NDArray[np.intp], *, alone: bool) -> Boxes:
    """`alone`: the model gives each thing once, so nothing is compared. Boxes that are none are left out."""
    whole = np.isfinite(corners).all(axis=1)
    corners, scores, classes = corners[whole], scores[whole], classes[whole]
    order = np.argsort(-scores, kind="stable")[:300] if alone else distinct(corners, scores, classes)
    return Boxes(np.ascontiguousarray(corners[order], np.float32), scores[order], classes[order])


def yolov8(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """[4 + classes, places]: centre and size in pixels, scores."""
    (rows,) = arrays
    places, scores, classes = best(_major(rows[4 : 4 + shape.classes]), thresholds)
    return _chosen(_corners(rows[:4, places].T.astype(np.float32)), scores, classes, alone=False)


def yolov5(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """[5 + classes, places]: centre and size in pixels, objectness, class scores; the score is their product."""
    (rows,) = arrays
    likely = np.flatnonzero(rows[4] >= thresholds.min())  # a product is never more than its factor
    scores = _major(rows[5 : 5 + shape.classes, likely] * rows[4, likely])
    found, values, classes = best(scores, thresholds) if likely.size else _nothing()
    return _chosen(_corners(rows[:4, likely[found]].T.astype(np.float32)), values, classes, alone=False)


def yolov6(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """[5 + classes, places] as v6 and YOLOX give it: decoded, or offsets from the cell and logarithms of sizes in strides."""
    (rows,) = arrays
    if shape.grid:
        centres, strides = cells(shape, 0.0)
        rows = rows.astype(np.float32)
        rows = np.concatenate(
            [(rows[:2] + centres.T) * strides, np.exp(np.clip(rows[2:4], -20, 20)) * strides, rows[4:]]
        )
    return yolov5((rows,), shape, thresholds)


def end2end(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """[places, 6]: corners in pixels, score, class. Each thing once."""
    (rows,) = arrays
    return _listed(rows[:, :4], rows[:, 4], rows[:, 5], shape, thresholds)


def yolov7_end2end(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """[places, 7]: number in the batch, corners in pixels, class, score."""
    (rows,) = arrays
    rows = rows[rows[:, 0] == 0]
    return _listed(rows[:, 1:5], rows[:, 6], rows[:, 5], shape, thresholds)


def efficient_nms(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """Number, boxes [places, 4] as corners in pixels, scores [places], classes [places]."""
    count, corners, scores, classes = arrays
    used = int(np.clip(count.ravel()[0], 0, len(corners)))
    return _listed(corners[:used], scores[:used], classes[:used], shape, thresholds)


def dfine(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """Labels [places], boxes [places, 4] as corners in pixels of the size that was fed, scores [places]."""
    labels, corners, scores = arrays
    return _listed(corners, scores, labels, shape, thresholds)


def _listed(
    corners: NDArray[Any], scores: NDArray[Any], classes: NDArray[Any], shape: Shape, thresholds: Floats
) -> Boxes:
    """A list of things, each once; class numbers out of range and boxes that are none are left out. Raises Refused."""
    if not len(corners) == len(scores) == len(classes):  # it was recognised by one run, and this one is another
        raise Refused(
            "model.outputs-differ",
            f"the model gave {len(corners)} boxes, {len(scores)} scores and {len(classes)} classes for one picture",
            f"模型对同一幅图像给出 {len(corners)} 个框、{len(scores)} 个得分、{len(classes)} 个类别",
        )
    numbers = np.nan_to_num(classes, nan=-1, posinf=-1, neginf=-1).astype(np.intp)
    known = (numbers >= 0) & (numbers < shape.classes)
    numbers = np.where(known, numbers, 0)
    keep = known & (scores >= thresholds[numbers])
    return _chosen(corners[keep].astype(np.float32), scores[keep].astype(np.float32), numbers[keep], alone=True)


def rtdetr(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """[places, 4 + classes]: centre and size as shares of the input, scores."""
    (rows,) = arrays
    return _shares(rows[:, :4], _major(rows[:, 4:].T), shape, thresholds)


def detr(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """Logits [places, classes] and boxes [places, 4] as shares of the input."""
    logits, boxes = arrays
    return _shares(boxes, sigmoid(_major(logits.T)), shape, thresholds)


def _shares(boxes: NDArray[Any], scores: Floats, shape: Shape, thresholds: Floats) -> Boxes:
    places, values, classes = best(scores, thresholds)
    size = np.array([shape.width, shape.height, shape.width, shape.height], np.float32)
    return _chosen(_corners(boxes[places].astype(np.float32) * size), values, classes, alone=True)


def gatehouse(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """Our own: logits [classes, places], logarithms of the distances left, top, right, bottom in strides [4, places]."""
    logits, distances = arrays
    places, scores, classes = best_of_logits(_major(logits), thresholds)
    centres, strides = cells(shape, 0.5)
    reach = np.exp(np.minimum(distances[:, places].T.astype(np.float32), 5.0))
    return _chosen(_around(centres[places], reach, strides[places]), scores, classes, alone=False)


def _around(centres: Floats, reach: Floats, strides: Floats) -> Floats:
    """Corners from the distances left, top, right, bottom; all in strides."""
    return np.concatenate([centres - reach[:, :2], centres + reach[:, 2:]], 1) * strides[:, None]


def _expected(distribution: Floats, bins: int) -> Floats:
    """Mean of each of the four distributions (n x 4·bins) over distances in strides."""
    by_side = distribution.reshape(-1, 4, bins)
    by_side = np.exp(by_side - by_side.max(axis=2, keepdims=True))
    by_side /= by_side.sum(axis=2, keepdims=True)
    return np.asarray(by_side @ np.arange(bins, dtype=np.float32), np.float32)


def gfl(arrays: Arrays, shape: Shape, thresholds: Floats, offset: float) -> Boxes:
    """Scores [classes, places] and distributions [4·bins, places] over distances from the cell's point."""
    scores, distances = arrays
    find = best_of_logits if shape.logits else best
    places, values, classes = find(_major(scores), thresholds)
    centres, strides = cells(shape, offset)
    reach = _expected(distances[:, places].T.astype(np.float32), shape.bins)
    return _chosen(_around(centres[places], reach, strides[places]), values, classes, alone=False)


def nanodet(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """NanoDet-Plus, [classes + 4·bins, places]: distances from the corner of the cell."""
    (rows,) = arrays
    return gfl((rows[: shape.classes], rows[shape.classes :]), shape, thresholds, 0.0)


def picodet(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """PicoDet and raw v8 heads: pairs of class and distance maps, level after level, already joined; from the middle of the cell."""
    return gfl(arrays, shape, thresholds, 0.5)


def yolov8_raw(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """As `picodet`; with one bin the distances are given directly."""
    if shape.bins > 1:
        return gfl(arrays, shape, thresholds, 0.5)
    scores, distances = arrays
    find = best_of_logits if shape.logits else best
    places, values, classes = find(_major(scores), thresholds)
    centres, strides = cells(shape, 0.5)
    reach = distances[:, places].T.astype(np.float32)
    return _chosen(_around(centres[places], reach, strides[places]), values, classes, alone=False)


def yolov5_raw(arrays: Arrays, shape: Shape, thresholds: Floats) -> Boxes:
    """Per level [3, rows, columns, 5 + classes] before the sigmoid; sizes are shares of the anchors that the card gives."""
    found = []
    for level, stride, anchors in zip(arrays, shape.strides, shape.anchors, strict=True):
        _, rows, columns, width = level.shape
        flat = level.reshape(-1, width).astype(np.float32)
        flat = sigmoid(flat) if shape.logits else flat
        y, x = np.mgrid[0:rows, 0:columns]
        corner = np.tile(np.stack([x.ravel(), y.ravel()], 1), (3, 1)).astype(np.float32)
        size = np.repeat(np.array(anchors, np.float32), rows * columns, 0)
        centre = (flat[:, :2] * 2 - 0.5 + corner) * stride
        found.append(np.concatenate([centre, (flat[:, 2:4] * 2) ** 2 * size, flat[:, 4:]], 1))
    return yolov5((np.concatenate(found).T,), shape, thresholds)


def _nothing() -> tuple[Any, Any, Any]:
    empty = none()
    return np.empty(0, np.intp), empty.scores, empty.classes


DECODERS: dict[str, Decoder] = {
    "yolov5": yolov5,
    "yolov6": yolov6,
    "yolox": yolov6,
    "yolov8": yolov8,
    "end2end": end2end,
    "yolov7-end2end": yolov7_end2end,
    "efficient-nms": efficient_nms,
    "rtdetr": rtdetr,
    "detr": detr,
    "dfine": dfine,
    "nanodet": nanodet,
    "picodet": picodet,
    "yolov8-raw": yolov8_raw,
    "yolov5-raw": yolov5_raw,
    "gatehouse": gatehouse,
}
