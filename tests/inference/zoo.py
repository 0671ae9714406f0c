"""One tiny ONNX for every row of the load contract, written from the truth by each family's formula, not by our decoders.

The picture is 64 x 96 (height x width), so the input is the picture and nothing is scaled. The graphs answer constants, plus nought times
the picture, so that no runtime can fold the picture away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from inference.models.card import Card, Preparation, digest, write

HEIGHT, WIDTH = 64, 96
NAMES = ["person", "helmet", "vest"]
# truth: corners, score, class
TRUTH = [((8.0, 8.0, 40.0, 56.0), 0.9, 0), ((48.0, 16.0, 64.0, 40.0), 0.7, 2), ((72.0, 32.0, 88.0, 48.0), 0.6, 1)]

Array = NDArray[Any]


@dataclass(frozen=True)
class Example:
    """A model: its outputs by name, and what a plant would say of it. `turn`: per output the axes it may be stored in the other way."""

    row: str
    outputs: dict[str, Array]
    family: str
    metadata: dict[str, str] = field(default_factory=lambda: {"names": str(dict(enumerate(NAMES)))})
    card: dict[str, Any] | None = None
    turn: dict[str, Sequence[int]] = field(default_factory=dict)
    sized: bool = False
    truth: Sequence[tuple[tuple[float, float, float, float], float, int]] = tuple(TRUTH)


def cells(strides: Sequence[int]) -> list[tuple[int, int, int]]:
    """(column, row, stride) of every place, level after level."""
    return [(x, y, s) for s in strides for y in range(-(-HEIGHT // s)) for x in range(-(-WIDTH // s))]


def place_of(corners: tuple[float, float, float, float], places: list[tuple[int, int, int]], stride: int) -> int:
    """The place of a level whose cell holds the middle of a box."""
    x, y = (corners[0] + corners[2]) / 2, (corners[1] + corners[3]) / 2
    return places.index((int(x // stride), int(y // stride), stride))


def centre_size(corners: tuple[float, float, float, float]) -> list[float]:
    x1, y1, x2, y2 = corners
    return [(x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1]


def v8(classes: int = 3) -> Array:
    places = cells((8, 16, 32))
    out = np.zeros((1, 4 + classes, len(places)), np.float32)
    out[0, 4:] = 0.01
    for corners, score, kind in TRUTH:
        at = place_of(corners, places, 8)
        out[0, :4, at] = centre_size(corners)
        out[0, 4 + kind, at] = score
    return out


def v5() -> Array:
    places = cells((8, 16, 32))
    out = np.zeros((1, 3 * len(places), 8), np.float32)
    out[0, :, 4] = 0.02
    for corners, score, kind in TRUTH:
        at = place_of(corners, places, 8)
        out[0, at, :4] = centre_size(corners)
        out[0, at, 4] = 0.95
        out[0, at, 5 + kind] = score / 0.95
    return out


def v6(*, grid: bool) -> Array:
    places = cells((8, 16, 32))
    out = np.zeros((1, len(places), 8), np.float32)
    for at, (x, y, s) in enumerate(places):
        out[0, at, :4] = [0.5, 0.5, 0.1, 0.1] if grid else [(x + 0.5) * s, (y + 0.5) * s, s, s]
    for corners, score, kind in TRUTH:
        at = place_of(corners, places, 8)
        x, y, s = places[at]
        cx, cy, w, h = centre_size(corners)
        out[0, at, :4] = [cx / s - x, cy / s - y, np.log(w / s), np.log(h / s)] if grid else [cx, cy, w, h]
        out[0, at, 4] = 1.0
        out[0, at, 5 + kind] = score
    return out


def listed(width: int, count: int = 20) -> Array:
    out = np.zeros((1, count, width), np.float32)
    for i, (corners, score, kind) in enumerate(TRUTH):
        out[0, i] = [*corners, score, kind]
    return out


def v7_end2end() -> Array:
    return np.array([[0, *corners, kind, score] for corners, score, kind in TRUTH], np.float32)


def efficient() -> dict[str, Array]:
    boxes, scores, kinds = np.zeros((1, 10, 4), np.float32), np.zeros((1, 10), np.float32), np.zeros((1, 10), np.int32)
    for i, (corners, score, kind) in enumerate(TRUTH):
        boxes[0, i], scores[0, i], kinds[0, i] = corners, score, kind
    boxes[0, 3], scores[0, 3] = (1, 1, 9, 9), 0.99  # beyond the number: rubbish
    return {"num_dets": np.array([[3]], np.int32), "det_boxes": boxes, "det_scores": scores, "det_classes": kinds}


def shares() -> Array:
    out = np.zeros((300, 4), np.float32)
    for i, (corners, _, _) in enumerate(TRUTH):
        out[i] = np.array(centre_size(corners)) / [WIDTH, HEIGHT, WIDTH, HEIGHT]
    return out


def queries(*, logits: bool) -> Array:
    out = np.full((300, 3), -9.0 if logits else 0.001, np.float32)
    for i, (_, score, kind) in enumerate(TRUTH):
        out[i, kind] = np.log(score / (1 - score)) if logits else score
    return out


def dfine() -> dict[str, Array]:
    boxes, scores, kinds = np.zeros((1, 30, 4), np.float32), np.zeros((1, 30), np.float32), np.zeros((1, 30), np.int64)
    for i, (corners, score, kind) in enumerate(TRUTH):
        boxes[0, i], scores[0, i], kinds[0, i] = corners, score, kind
    return {"labels": kinds, "boxes": boxes, "scores": scores}


# --- distances: truth is whole numbers of strides, because a distribution here is one bin ---


def reaching(
    strides: Sequence[int], offset: float
) -> list[tuple[int, list[int], tuple[tuple[float, ...], float, int]]]:
    """(place, distances, truth) for three cells on three levels."""
    places = cells(strides)
    wanted = [((5, 4, 8), (3, 2, 4, 3), 0.9, 0), ((1, 1, 16), (1, 1, 2, 2), 0.7, 2), ((2, 1, 32), (1, 1, 0, 0), 0.6, 1)]
    found = []
    for (x, y, s), (left, top, right, bottom), score, kind in wanted:
        cx, cy = x + offset, y + offset
        corners = ((cx - left) * s, (cy - top) * s, (cx + right) * s, (cy + bottom) * s)
        cut = tuple(float(np.clip(v, 0, edge)) for v, edge in zip(corners, (WIDTH, HEIGHT) * 2, strict=True))
        found.append((places.index((x, y, s)), [left, top, right, bottom], (cut, score, kind)))
    return found


def gfl(strides: Sequence[int], bins: int, offset: float, *, logits: bool) -> tuple[Array, Array, list[Any]]:
    """Scores [places, classes], distributions [places, 4·bins], truth."""
    count = len(cells(strides))
    scores = np.full((count, 3), -9.0 if logits else 0.001, np.float32)
    spread = np.zeros((count, 4, bins), np.float32)
    truth = []
    for at, distances, one in reaching(strides, offset):
        scores[at, one[2]] = np.log(one[1] / (1 - one[1])) if logits else one[1]
        for side, distance in enumerate(distances):
            spread[at, side, distance] = 40.0
        truth.append(one)
    return scores, spread.reshape(count, 4 * bins), truth


def by_level(rows: Array, strides: Sequence[int]) -> list[Array]:
    """[places, n] as one [1, n, rows, columns] a level."""
    found, at = [], 0
    for s in strides:
        h, w = -(-HEIGHT // s), -(-WIDTH // s)
        found.append(rows[at : at + h * w].T.reshape(1, -1, h, w).copy())
        at += h * w
    return found


ANCHORS = [[(10, 13), (16, 30), (33, 23)], [(30, 61), (62, 45), (59, 119)], [(116, 90), (156, 198), (373, 326)]]


def v5_raw() -> list[Array]:
    """Raw v5 heads: the truth sits on level 8, anchor 1 (16 x 30)."""
    levels = [np.full((1, 3, HEIGHT // s, WIDTH // s, 8), -9.0, np.float32) for s in (8, 16, 32)]

    def logit(p: float) -> float:
        return float(np.log(p / (1 - p)))

    for corners, score, kind in TRUTH:
        cx, cy, w, h = centre_size(corners)
        x, y = int(cx // 8), int(cy // 8)
        level, (aw, ah) = levels[0][0, 1, y, x], ANCHORS[0][1]
        level[0], level[1] = logit((cx / 8 - x + 0.5) / 2), logit((cy / 8 - y + 0.5) / 2)
        level[2], level[3] = logit(np.sqrt(w / aw) / 2), logit(np.sqrt(h / ah) / 2)
        level[4], level[5 + kind] = 20.0, logit(score)
    return levels


def examples() -> list[Example]:
    """Every row of the table."""
    named = {"names": str(dict(enumerate(NAMES)))}
    nano = gfl((8, 16, 32, 64), 8, 0.0, logits=False)
    pico = gfl((8, 16, 32, 64), 8, 0.5, logits=False)
    raw8 = gfl((8, 16, 32), 16, 0.5, logits=True)
    own = gfl((8, 16, 32), 8, 0.5, logits=True)
    plain = {"preparation": Preparation()}
    distances = np.full((len(cells((8, 16, 32))), 4), -3.0, np.float32)
    for at, reach, _ in reaching((8, 16, 32), 0.5):
        distances[at] = np.log(np.maximum(reach, 1e-9))
    masks = np.concatenate([v8(), np.ones((1, 32, 126), np.float32)], 1)
    points = np.concatenate([v8(), np.ones((1, 51, 126), np.float32)], 1)
    return [
        Example("v5", {"output0": v5()}, "yolov5", turn={"output0": (0, 2, 1)}),
        Example("v6", {"outputs": v6(grid=False)}, "yolov6", card=plain, turn={"outputs": (0, 2, 1)}),
        Example(
            "yolox",
            {"output": v6(grid=True)},
            "yolox",
            card={"preparation": Preparation(colour="bgr", scale=1.0, fit="top-left")},
            turn={"output": (0, 2, 1)},
        ),
        Example("v8", {"output0": v8()}, "yolov8", turn={"output0": (0, 2, 1)}),
        Example("v10", {"output0": listed(6)}, "end2end", turn={"output0": (0, 2, 1)}),
        Example("v7-end2end", {"output": v7_end2end()}, "yolov7-end2end", turn={"output": (1, 0)}),
        Example("efficient-nms", efficient(), "efficient-nms", turn={"det_boxes": (0, 2, 1)}),
        Example(
            "rtdetr",
            {"output0": np.concatenate([shares(), queries(logits=False)], 1)[None]},
            "rtdetr",
            turn={"output0": (0, 2, 1)},
        ),
        Example(
            "detr",
            {"logits": queries(logits=True)[None], "pred_boxes": shares()[None]},
            "detr",
            turn={"logits": (0, 2, 1), "pred_boxes": (0, 2, 1)},
        ),
        Example("dfine", dfine(), "dfine", sized=True, turn={"boxes": (0, 2, 1)}),
        Example(
            "nanodet",
            {"output": np.concatenate(nano[:2], 1)[None]},
            "nanodet",
            card=plain,
            turn={"output": (0, 2, 1)},
            truth=nano[2],
        ),
        Example(
            "picodet",
            {
                f"{what}{s}": one
                for what, rows in (("cls", pico[0]), ("dis", pico[1]))
                for s, one in zip((8, 16, 32, 64), by_level(rows, (8, 16, 32, 64)), strict=True)
            },
            "picodet",
            card=plain,
            turn={"cls8": (0, 2, 3, 1), "dis16": (0, 2, 3, 1)},
            truth=pico[2],
        ),
        Example("v5-raw", dict(zip("abc", v5_raw(), strict=True)), "yolov5-raw", card={"extra": {"anchors": ANCHORS}}),
        Example(
            "v8-raw-pairs",
            {
                f"{what}{s}": one
                for what, rows in (("box", raw8[1]), ("cls", raw8[0]))
                for s, one in zip((8, 16, 32), by_level(rows, (8, 16, 32)), strict=True)
            },
            "yolov8-raw",
            turn={"box8": (0, 2, 3, 1), "cls32": (0, 2, 3, 1)},
            truth=raw8[2],
        ),
        Example(
            "v8-raw-joined",
            dict(zip("abc", by_level(np.concatenate([raw8[1], raw8[0]], 1), (8, 16, 32)), strict=True)),
            "yolov8-raw",
            turn={"b": (0, 2, 3, 1)},
            truth=raw8[2],
        ),
        Example(
            "seg",
            {"output0": masks, "output1": np.zeros((1, 32, 16, 24), np.float32)},
            "yolov8",
            {**named, "task": "segment"},
            turn={"output0": (0, 2, 1)},
        ),
        Example(
            "pose",
            {"output0": points},
            "yolov8",
            {**named, "task": "pose", "kpt_shape": "[17, 3]"},
            turn={"output0": (0, 2, 1)},
        ),
        Example(
            "own",
            {"logits": own[0].T[None], "distances": distances.T[None]},
            "gatehouse",
            card=plain,
            turn={"logits": (0, 2, 1)},
            truth=own[2],
        ),
    ]


def build(outputs: dict[str, Array], metadata: dict[str, str], *, sized: bool = False) -> onnx.ModelProto:
    """A graph that answers `outputs` whatever the picture is."""
    picture = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])
    inputs = [picture]
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["mean"], keepdims=0),
        helper.make_node("Mul", ["mean", "nought"], ["nothing"]),
    ]
    if sized:
        inputs.append(helper.make_tensor_value_info("orig_target_sizes", TensorProto.INT64, [1, 2]))
    constants = [numpy_helper.from_array(np.float32(0), "nought")]
    ports = []
    for name, values in outputs.items():
        kind = helper.np_dtype_to_tensor_dtype(values.dtype)
        constants.append(numpy_helper.from_array(values, f"{name}_is"))
        nodes.append(helper.make_node("Cast", ["nothing"], [f"{name}_nothing"], to=kind))
        nodes.append(helper.make_node("Add", [f"{name}_is", f"{name}_nothing"], [name]))
        ports.append(helper.make_tensor_value_info(name, kind, list(values.shape)))
    graph = helper.make_graph(nodes, "zoo", inputs, ports, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(model, metadata)
    return model


def put(folder: Path, example: Example, outputs: dict[str, Array] | None = None) -> Path:
    """The file of an example, with its card where it has one."""
    path = folder / f"{example.row}.onnx"
    metadata = {} if example.card is not None else example.metadata
    path.write_bytes(build(outputs or example.outputs, metadata, sized=example.sized).SerializeToString())
    if example.card is not None:
        card = Card(
            sha256=digest(path),
            family=example.family,
            classes=NAMES,
            licence="none",
            trained_on=["nothing"],
            **example.card,
        )
        write(path, card)
    return path
