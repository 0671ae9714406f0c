"""Which family a model's outputs are of, and how to turn them into its decoder's order. The load contract of spec/inference.md.

Every reading that the shapes allow is a candidate. The count of places is computed from the actual input and matched by equality; the
class names and the card strike candidates out. One left: that is it. None or several: refused, with the question to answer. Names and
order of the outputs decide nothing.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.models.families import Anchors, Shape, cells
from inference.models.refusal import Question, Refused

Array = NDArray[Any]
Arrange = Callable[[Sequence[Array]], list[Array]]

STRIDES = ((8, 16, 32), (4, 8, 16, 32), (8, 16, 32, 64), (4, 8, 16, 32, 64))
BINS = (8, 16, 17)  # NanoDet and PicoDet have 8, v8 has 16, v6 has 17
QUERIES = 300  # of RT-DETR and its relatives
MASKS = 32  # coefficients of a segmenting v8


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read the outputs. `classes` 0: the outputs do not show how many there are."""

    family: str
    classes: int
    arrange: Arrange = field(compare=False)
    strides: tuple[int, ...] = (8, 16, 32)
    bins: int = 0
    way: tuple[Any, ...] = ()  # which outputs, which way round: two ways of one family are two readings


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the outputs: size of the input, names, the card's family, the task that the metadata name."""

    height: int
    width: int
    classes: int = 0
    family: str = ""
    task: str = "detect"
    points: int = 0  # numbers of all key points of a box, for the task "pose"

    def places(self, strides: Sequence[int]) -> int:
        """How many cells the input has."""
        return sum(self.level(stride)[0] * self.level(stride)[1] for stride in strides)

    def level(self, stride: int) -> tuple[int, int]:
        """Rows and columns of a level; a cell that hangs over the edge counts."""
        return -(-self.height // stride), -(-self.width // stride)


def recognise(outputs: Sequence[Array], known: Known) -> Reading:
    """The one reading of these outputs. Raises Refused, Question."""
    found = [one for one in _candidates(outputs, known) if known.classes in (0, one.classes) or one.classes == 0]
    if known.family:
        found = [one for one in found if one.family == known.family]
    else:
        found = [one for one in found if one.family != "gatehouse"]
    unique = list(dict.fromkeys(found))
    shapes = ", ".join(str(list(one.shape)) for one in outputs)
    if not unique:
        of = f" of family {known.family}" if known.family else ""
        count = f" with {known.classes} classes" if known.classes else ""
        raise Refused(
            "model.unknown-layout",
            f"outputs {shapes} at an input of {known.height}x{known.width} are no layout that is known{of}{count};"
            " docs/models.md lists them",
            f"输入 {known.height}x{known.width} 时输出 {shapes}，不是已知的输出格式{of}{count}；已知格式见 docs/models.md",
        )
    if len(unique) > 1:
        _ask(unique, shapes)
    return unique[0]


def _ask(found: Sequence[Reading], shapes: str) -> None:
    """Raise the question that decides between readings."""
    families = {one.family for one in found}
    if families == {"yolov6", "yolox"}:
        raise Question(
            "model.v6-or-yolox",
            f"outputs {shapes}: is this YOLOv6 or YOLOX? They want different pictures (RGB 0–1 with a centred pad, or"
            " BGR 0–255 with a top-left pad); say `family` in the card",
            f"输出 {shapes}：这是 YOLOv6 还是 YOLOX？两者的图像预处理不同（RGB 0–1 居中填充 / BGR 0–255 左上对齐填充）；"
            "请在模型卡的 family 中说明",
        )
    ways = "; ".join(f"{one.family}, {one.classes or '?'} classes" for one in found)
    raise Question(
        "model.ambiguous",
        f"outputs {shapes} can be read as: {ways}. Which is it? Say `family` and `classes` in the card",
        f"输出 {shapes} 可能是：{ways}。是哪一种？请在模型卡的 family 与 classes 中说明",
    )


def _candidates(outputs: Sequence[Array], known: Known) -> Iterator[Reading]:
    ranks = [one.ndim for one in outputs]
    if len(outputs) == 1 and ranks == [3] and outputs[0].shape[0] == 1:
        yield from _single(outputs[0].shape, known)
    if len(outputs) == 1 and ranks == [2]:
        yield from _list(outputs[0].shape)
    if len(outputs) == 2 and known.task == "segment" and sorted(ranks) == [3, 4]:
        at = ranks.index(3)
        for one in _single(outputs[at].shape, known):
            yield replace(one, arrange=_only(at, one.arrange))
    if len(outputs) == 2 and ranks == [3, 3]:
        yield from _pair(outputs, known)
    if len(outputs) == 3 and sorted(ranks) == [2, 2, 3]:
        yield from _labelled(outputs)
    if len(outputs) == 4 and max(ranks) == 3:
        yield from _counted(outputs)
    if len(outputs) in (3, 4):
        yield from _levels(outputs, known)
    if len(outputs) in (6, 8):
        yield from _level_pairs(outputs, known)


def _only(at: int, arrange: Arrange) -> Arrange:
    return lambda arrays: arrange([arrays[at]])


def _rows(index: int, *, turn: bool) -> Arrange:
    """Output `index` without its batch, turned where it is stored the other way."""
    if turn:
        return lambda arrays: [arrays[index][0].T]
    return lambda arrays: [arrays[index][0]]


def _single(shape: tuple[int, ...], known: Known) -> Iterator[Reading]:
    """[1, rows, places] or turned."""
    for turn in (False, True):
        rows, places = (shape[2], shape[1]) if turn else (shape[1], shape[2])
        take = _rows(0, turn=turn)
        gridded = False
        for strides in STRIDES:
            cells = known.places(strides)
            if places == 3 * cells and rows > 5:
                gridded = True
                yield Reading("yolov5", rows - 5, take, strides, way=(turn,))
            if places == cells:
                gridded = True
                for one in _cells(rows, take, strides, known):
                    yield replace(one, way=(turn,))
        if gridded:
            continue
        by_place = _rows(0, turn=not turn)
        if rows == 6:
            yield Reading("end2end", 0, by_place, way=(turn,))
        if places == QUERIES and rows > 4:
            yield Reading("rtdetr", rows - 4, by_place, way=(turn,))


def _cells(rows: int, take: Arrange, strides: tuple[int, ...], known: Known) -> Iterator[Reading]:
    more = {"segment": MASKS, "pose": known.points}.get(known.task, 0)
    if rows - 4 - more > 0:
        yield Reading("yolov8", rows - 4 - more, take, strides)
    if known.task == "detect" and rows > 5:
        yield Reading("yolov6", rows - 5, take, strides)
        yield Reading("yolox", rows - 5, take, strides)
    if (
        known.task == "detect" and rows > 32 and known.classes
    ):  # never guessed: a v8 with 28 classes more looks the same
        yield Reading("nanodet", rows - 32, take, strides, 8)


def _list(shape: tuple[int, ...]) -> Iterator[Reading]:
    """[things, 7] or turned."""
    if shape[1] == 7:
        yield Reading("yolov7-end2end", 0, lambda arrays: [arrays[0]])
    if shape[0] == 7:
        yield Reading("yolov7-end2end", 0, lambda arrays: [arrays[0].T])


def _pair(outputs: Sequence[Array], known: Known) -> Iterator[Reading]:
    """Scores and boxes side by side: [1, places, classes] and [1, places, 4], or distances in place of boxes; each may be turned."""
    for scores, boxes in ((0, 1), (1, 0)):
        for turn_scores, turn_boxes in itertools.product((False, True), repeat=2):
            n_scores, classes = _turned(outputs[scores].shape, turn_scores)
            n_boxes, sides = _turned(outputs[boxes].shape, turn_boxes)
            if n_scores != n_boxes:
                continue
            gridded = [one for one in STRIDES if known.places(one) == n_boxes]
            by_place = _both(scores, boxes, turn_scores, turn_boxes)
            by_row = _both(scores, boxes, not turn_scores, not turn_boxes)
            way = (scores, turn_scores, turn_boxes)
            if sides == 4 and not gridded and _shares(outputs[boxes]):
                yield Reading("detr", classes, by_place, way=way)
            for strides in gridded:
                if sides == 4:
                    yield Reading("gatehouse", classes, by_row, strides, way=way)
                elif sides % 4 == 0 and sides // 4 in BINS:
                    yield Reading("picodet", classes, by_row, strides, sides // 4, way)


def _shares(boxes: Array) -> bool:
    """Whether these can be shares of a picture; logits of a trial on noise are not."""
    return bool(boxes.min() > -0.5 and boxes.max() < 1.5)


def _turned(shape: tuple[int, ...], turn: bool) -> tuple[int, int]:
    return (shape[2], shape[1]) if turn else (shape[1], shape[2])


def _both(first: int, second: int, turn_first: bool, turn_second: bool) -> Arrange:
    one, two = _rows(first, turn=turn_first), _rows(second, turn=turn_second)
    return lambda arrays: [*one(arrays), *two(arrays)]


def _labelled(outputs: Sequence[Array]) -> Iterator[Reading]:
    """Labels [1, K], boxes [1, K, 4], scores [1, K]: whole numbers are labels."""
    boxes = next(i for i, one in enumerate(outputs) if one.ndim == 3)
    labels, scores = sorted((i for i in range(3) if i != boxes), key=lambda i: outputs[i].dtype.kind not in "iu")
    whole = [outputs[i].dtype.kind in "iu" for i in (labels, scores)]
    turn = outputs[boxes].shape[2] != 4
    things, sides = _turned(outputs[boxes].shape, turn)
    if whole == [True, False] and sides == 4 and things == outputs[labels].size == outputs[scores].size:
        take = _rows(boxes, turn=turn)
        yield Reading("dfine", 0, lambda arrays: [arrays[labels][0], *take(arrays), arrays[scores][0]])


def _counted(outputs: Sequence[Array]) -> Iterator[Reading]:
    """Number, boxes, scores, classes: the number is one whole number, classes are whole numbers, boxes have four sides."""
    boxes = [i for i, one in enumerate(outputs) if one.ndim == 3 and 4 in one.shape[1:]]
    count = [i for i, one in enumerate(outputs) if one.size == 1 and one.dtype.kind in "iu"]
    rest = [i for i in range(4) if i not in (*boxes, *count[:1])]
    classes = [i for i in rest if outputs[i].dtype.kind in "iu"]
    scores = [i for i in rest if outputs[i].dtype.kind == "f"]
    if len(boxes) == len(classes) == len(scores) == 1 and count:
        turn = outputs[boxes[0]].shape[2] != 4
        take = _rows(boxes[0], turn=turn)
        n, s, c = count[0], scores[0], classes[0]
        if not _turned(outputs[boxes[0]].shape, turn)[0] == outputs[s].size == outputs[c].size:
            return
        yield Reading(
            "efficient-nms", 0, lambda arrays: [arrays[n], *take(arrays), arrays[s].ravel(), arrays[c].ravel()]
        )


def _maps(output: Array, known: Known, stride: int) -> Iterator[tuple[int, Callable[[Array], Array]]]:
    """Ways to read an output as a map of one level: its channels, and how to get [channels, cells]."""
    rows, columns = known.level(stride)
    shape = output.shape
    if output.ndim == 4 and shape[0] == 1:
        if shape[2:] == (rows, columns):
            yield shape[1], lambda one: one[0].reshape(one.shape[1], -1)
        if shape[1:3] == (rows, columns):
            yield shape[3], lambda one: one[0].reshape(-1, one.shape[3]).T
    if output.ndim == 3 and shape[0] == 1:
        if shape[1] == rows * columns:
            yield shape[2], lambda one: one[0].T
        if shape[2] == rows * columns:
            yield shape[1], lambda one: one[0]


def _levels(outputs: Sequence[Array], known: Known) -> Iterator[Reading]:
    """One map a level: raw v5 and v7 ([1, 3, rows, columns, 5 + classes] or joined), or v8's distances and classes in one."""
    for strides in (one for one in STRIDES if len(one) == len(outputs)):
        five = [_level_of_anchors(outputs, known, stride) for stride in strides]
        found = [one for one in five if one is not None]
        if len(found) == len(strides) and len({width for _, width, _ in found}) == 1:
            yield Reading("yolov5-raw", found[0][1] - 5, _each([(i, read) for i, _, read in found]), strides)
        ways = [list(_find(outputs, known, stride)) for stride in strides]
        for choice in itertools.product(*ways):
            if len({i for i, _, _ in choice}) < len(strides) or len({channels for _, channels, _ in choice}) > 1:
                continue
            channels = choice[0][1]
            for bins in (1, *BINS):
                if channels > 4 * bins and (known.classes or bins == 16):
                    yield Reading(
                        "yolov8-raw", channels - 4 * bins, _split(choice, 4 * bins), strides, bins, _way(choice)
                    )


def _find(outputs: Sequence[Array], known: Known, stride: int) -> Iterator[tuple[int, int, Callable[[Array], Array]]]:
    for i, output in enumerate(outputs):
        for channels, read in _maps(output, known, stride):
            yield i, channels, read


def _level_of_anchors(
    outputs: Sequence[Array], known: Known, stride: int
) -> tuple[int, int, Callable[[Array], Array]] | None:
    """The output that holds three anchors a cell of this level: its number, values a box, how to get [3, rows, columns, values]."""
    rows, columns = known.level(stride)
    for i, output in enumerate(outputs):
        shape = output.shape
        if output.ndim == 5 and shape[:4] == (1, 3, rows, columns) and shape[4] > 5:
            return i, shape[4], lambda one: one[0]
        if output.ndim == 5 and shape[1] == 3 and shape[3:] == (rows, columns) and shape[2] > 5:
            return i, shape[2], lambda one: one[0].transpose(0, 2, 3, 1)
        if output.ndim == 4 and shape[2:] == (rows, columns) and shape[1] == 3 * (5 + known.classes) and known.classes:
            return i, shape[1] // 3, lambda one: one[0].reshape(3, -1, *one.shape[2:]).transpose(0, 2, 3, 1)
    return None


def _way(found: Sequence[tuple[int, int, Any]]) -> tuple[int, ...]:
    return tuple(i for i, _, _ in found)


def _each(reads: Sequence[tuple[int, Callable[[Array], Array]]]) -> Arrange:
    return lambda arrays: [read(arrays[i]) for i, read in reads]


def _split(levels: Sequence[tuple[int, int, Callable[[Array], Array]]], sides: int) -> Arrange:
    """All levels side by side, then classes apart from distances, which come first in a file."""

    def arrange(arrays: Sequence[Array]) -> list[Array]:
        joined = np.concatenate([read(arrays[i]) for i, _, read in levels], 1)
        return [joined[sides:], joined[:sides]]

    return arrange


def _level_pairs(outputs: Sequence[Array], known: Known) -> Iterator[Reading]:
    """Two maps a level, classes and distances, in any order."""
    for strides in (one for one in STRIDES if 2 * len(one) == len(outputs)):
        found: list[dict[tuple[int, int], Any]] = []
        for stride in strides:
            ways = list(_find(outputs, known, stride))
            pairs = {(a[1], b[1]): (a, b) for a in ways for b in ways if a[0] != b[0]}
            found.append(pairs)
        for classes, sides in found[0]:
            if not all((classes, sides) in one for one in found) or sides % 4 or sides // 4 not in (1, *BINS):
                continue
            picked = [one[(classes, sides)] for one in found]
            arrange = _join(picked)
            family = "picodet" if len(strides) == 4 else "yolov8-raw"
            yield Reading(family, classes, arrange, strides, sides // 4, _way([one for pair in picked for one in pair]))


def _join(levels: Sequence[Any]) -> Arrange:
    def arrange(arrays: Sequence[Array]) -> list[Array]:
        scores = [read(arrays[i]) for (i, _, read), _ in levels]
        distances = [read(arrays[i]) for _, (i, _, read) in levels]
        return [np.concatenate(scores, 1), np.concatenate(distances, 1)]

    return arrange


def probed(reading: Reading, outputs: Sequence[Array], known: Known, anchors: Anchors = ()) -> Shape:
    """What only numbers tell, from one run on noise: whether scores are logits, and whether boxes still hang on their cells.

    `anchors` are the card's. Raises Question where they are needed and not there.
    """
    arrays = reading.arrange(outputs)
    shape = Shape(
        known.height, known.width, reading.classes or known.classes, reading.strides, anchors=anchors, bins=reading.bins
    )
    if reading.family in ("picodet", "nanodet", "yolov8-raw"):
        return replace(shape, logits=_are_logits(arrays[0][: reading.classes]))
    if reading.family == "yolov5-raw":
        if len(anchors) != len(reading.strides):
            raise Question(
                "model.anchors",
                "these are raw heads of a v5 or v7: which anchors was it trained with? Say `extra.anchors` in the card, three a level",
                "这是 v5 或 v7 的原始输出头：训练时用的锚框是哪些？请在模型卡的 extra.anchors 中说明（每层三个）",
            )
        return replace(shape, logits=any(_are_logits(level[..., 4:]) for level in arrays))
    if reading.family in ("yolov6", "yolox"):
        return replace(shape, grid=_hangs_on_cells(arrays[0], shape))
    return shape


def _are_logits(scores: Array) -> bool:
    return bool(scores.min() < 0 or scores.max() > 1)


def _hangs_on_cells(rows: Array, shape: Shape) -> bool:
    """Decoded centres lie near their cell in pixels; offsets lie near nought. Raises Question where neither is clear."""
    centres, strides = cells(shape, 0.0)
    decoded = float(np.median(np.abs(rows[:2].T / strides[:, None] - centres)))
    offsets = float(np.median(np.abs(rows[:2])))
    if max(decoded, offsets) < 2 * min(decoded, offsets):
        raise Question(
            "model.decoded-or-not",
            "it cannot be told from a trial whether the boxes are decoded already; export it with decoding in the graph",
            "试运行无法判断输出框是否已解码；请在导出时把解码包含进计算图",
        )
    return offsets < decoded
