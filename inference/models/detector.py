"""A detector that is ready: a picture in, boxes in its pixels out, whatever family the model is of. For worker processes."""

from __future__ import annotations

import ast
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.models import golden, graph, names
from inference.models.boxes import Boxes, Floats
from inference.models.card import Card, Golden, Preparation, read
from inference.models.families import DECODERS, Anchors, Shape
from inference.models.layout import Known, Reading, probed, recognise
from inference.models.prepare import Fitting, Pixels, tensor
from inference.models.refusal import Question, Refused
from inference.runtime.session import Port, Session, open_exact, open_session, order

THRESHOLD = 0.25  # of a class that the card does not speak of
SIDES = range(32, 4097, 32)  # of an input: whole cells on every level

# what the family alone says about the picture; None: only the card can
PREPARATIONS: dict[str, Preparation | None] = {
    "yolox": Preparation(colour="bgr", scale=1.0, fit="top-left"),
    "rtdetr": Preparation(fit="stretch"),
    "detr": Preparation(fit="stretch"),
    "dfine": Preparation(fit="stretch"),
    "nanodet": None,
    "picodet": None,
}


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found out about a model before it was run on pictures."""

    summary: graph.Summary
    card: Card | None
    family: str
    classes: list[str]
    height: int
    width: int
    preparation: Preparation
    strides: tuple[int, ...]
    outputs: list[list[int]]


class Detector:
    """A model that is admitted: its card is its own, its outputs are read, its golden batch comes out. Raises Refused, SourceError."""

    def __init__(self, path: Path, *, providers: Sequence[str] | str = "auto", threads: int = 1) -> None:
        model = graph.read(path)
        found = graph.summary(model)
        card = read(path)
        if found.signed_activations and platform.machine() in ("x86_64", "AMD64"):
            raise Refused(
                "model.signed-activations",
                f"{path.name} is quantised S8 x S8, which runs about four times slower than U8 x S8 on x86; convert it with"
                " `gatehouse model quantise MODEL --unsigned`",
                f"{path.name} 为 S8×S8 量化，在 x86 上比 U8×S8 慢约四倍；请用 `gatehouse model quantise MODEL --unsigned` 转换",
            )
        self.session = open_session(path, providers=providers, threads=threads)
        image, self._size = _inputs(self.session.inputs)
        height, width = _input_size(image, found.metadata, card)
        self._type = image.type
        classes = card.classes if card is not None else names.from_metadata(found.metadata)
        family = card.family if card is not None else found.metadata.get("gatehouse.family", "")
        known = Known(height, width, len(classes or ()), family, *_task(found.metadata))
        preparation = given(card, found.metadata) or Preparation()
        self._layout(known, preparation, image, card)
        if classes is None:
            raise _unnamed(self._reading)
        how = given(card, found.metadata) or _of_family(self._reading.family, image)
        if how.folded != (image.type == "uint8" and image.shape[3] == 3):
            raise Refused(
                "model.folded",
                f"the input is {image.type} {list(image.shape)}, and the card says `preparation.folded` is {str(how.folded).lower()}",
                f"输入为 {image.type} {list(image.shape)}，而模型卡中 preparation.folded 为 {str(how.folded).lower()}",
            )
        self._preparation = how
        self._fitting = Fitting(height, width, how)
        self.thresholds = _thresholds(classes, card)
        self.provider, self.load_ms = self.session.provider, self.session.load_ms
        self.classes = list(classes)
        self.last_ms = {"pre": 0.0, "run": 0.0, "post": 0.0}
        self.facts = Facts(
            found, card, self._reading.family, self.classes, height, width, how, self._shape.strides, self._shapes
        )
        self.golden = (0, 0.0)  # pictures of the golden batch, and how far the answers are off
        self.passed_over: list[Refused] = []  # providers that compute something else
        if card is not None and card.golden is not None:
            self._compare(path, card.golden, order(providers), threads)

    def _compare(self, path: Path, batch: Golden, accepted: list[str], threads: int) -> None:
        """Run the golden batch, and where it does not come out, on the next provider that is accepted. Raises Refused."""
        while True:
            try:
                size = (self.facts.height, self.facts.width)
                self.golden = golden.compare(path.parent, batch, self.raw, size, self.provider)
            except Refused as error:
                accepted = accepted[accepted.index(self.provider) + 1 :]
                if error.code != "golden.deviates" or not accepted:
                    raise
                self.passed_over.append(error)
                self.session = open_session(path, providers=accepted, threads=threads)
                self.provider, self.load_ms = self.session.provider, self.session.load_ms
            else:
                return

    def _layout(self, known: Known, preparation: Preparation, image: Port, card: Card | None) -> None:
        """Recognise the outputs by one run on noise."""
        noise = np.random.default_rng(0).integers(0, 256, (known.height, known.width, 3), np.uint8)
        outputs = self.session.run(*self._arrays(_as(noise, image, preparation), known.width, known.height))
        self._shapes = [list(one.shape) for one in outputs]
        self._reading: Reading = recognise(outputs, known)
        self._shape: Shape = probed(self._reading, outputs, known, _anchors(card))
        self._decode = DECODERS[self._reading.family]

    def _arrays(self, image: NDArray[Any], width: int, height: int) -> list[NDArray[Any]]:
        if self._size is None:
            return [image]
        at, port = self._size
        size = np.array([[width, height]], port.type)
        arrays = [image, size.reshape(2) if len(port.shape) == 1 else size]
        return arrays if at == 1 else arrays[::-1]

    def raw(self, picture: Pixels, session: Session | None = None) -> list[NDArray[Any]]:
        """The outputs as the model gives them, or as another session of it does."""
        pixels, _ = self._fitting(picture)
        values = tensor(pixels, self._preparation, self._type)
        return (session or self.session).run(*self._arrays(values, self._shape.width, self._shape.height))

    def golden_batch(self, path: Path, pictures: NDArray[np.uint8], target: Path) -> Golden:
        """Write a golden batch of pictures of the input's own size. `path`: the model's file. Raises SourceError, OSError."""
        exact = open_exact(path)
        return golden.make(self.raw, lambda one: self.raw(one, exact), pictures, target)

    def detect(self, picture: Pixels, thresholds: Floats | None = None) -> Boxes:
        """What is in a picture (uint8 height x width x blue, green, red), in its pixels. `last_ms` says what took how long."""
        began = time.perf_counter()
        pixels, fit = self._fitting(picture)
        values = tensor(pixels, self._preparation, self._type)
        prepared = time.perf_counter()
        outputs = self.session.run(*self._arrays(values, self._shape.width, self._shape.height))
        ran = time.perf_counter()
        limits = self.thresholds if thresholds is None else thresholds
        boxes = self._decode(self._reading.arrange(outputs), self._shape, limits)
        found = Boxes(fit.back(boxes.corners), boxes.scores, boxes.classes)
        done = time.perf_counter()
        self.last_ms = {"pre": (prepared - began) * 1e3, "run": (ran - prepared) * 1e3, "post": (done - ran) * 1e3}
        return found


def _as(noise: Pixels, image: Port, preparation: Preparation) -> NDArray[Any]:
    """Noise in the form that the input takes, whatever the preparation will turn out to be."""
    if image.type == "uint8":
        values: NDArray[Any] = noise[None]
        return values if image.shape[3] == 3 else np.ascontiguousarray(values.transpose(0, 3, 1, 2))
    return tensor(noise, preparation, image.type)


def _inputs(ports: Sequence[Port]) -> tuple[Port, tuple[int, Port] | None]:
    """The input for pictures, and beside it the one for their size. Raises Refused."""
    images = [port for port in ports if len(port.shape) == 4 and 3 in (port.shape[1], port.shape[3])]
    sizes = [(i, port) for i, port in enumerate(ports) if len(port.shape) in (1, 2) and port.shape[-1] in (2, None)]
    if len(images) != 1 or len(ports) > 2 or len(ports) != len(images) + len(sizes):
        shapes = ", ".join(f"{port.name[:40]} {list(port.shape)}" for port in ports)
        raise Refused(
            "model.inputs",
            f"the inputs are {shapes}; a detector takes one picture (1 x 3 x height x width, or"
            " 1 x height x width x 3), and may take its size",
            f"输入为 {shapes}；检测模型应只有一个图像输入（1×3×高×宽 或 1×高×宽×3），可另有一个尺寸输入",
        )
    if images[0].shape[0] not in (1, None):
        raise Refused(
            "model.batch",
            f"the model takes {images[0].shape[0]} pictures at once; export it with a batch of 1",
            f"模型一次需要 {images[0].shape[0]} 幅图像；请以批量 1 重新导出",
        )
    return images[0], sizes[0] if sizes else None


def _input_size(image: Port, metadata: Mapping[str, str], card: Card | None) -> tuple[int, int]:
    """Height and width: of the file, else of the card, else of the metadata. Raises Refused, Question."""
    nchw = image.shape[1] == 3
    height, width = (image.shape[2], image.shape[3]) if nchw else (image.shape[1], image.shape[2])
    if height is None or width is None:
        said = card.input if card is not None and card.input else _literal_pair(metadata.get("imgsz", ""))
        if len(said) != 2:
            raise Question(
                "model.input-size",
                "the model takes pictures of any size: which one was it trained for? Say `input` in the card",
                "模型可接受任意尺寸：训练时用的是多大？请在模型卡的 input 中说明",
            )
        height, width = height or said[0], width or said[1]
    if height not in SIDES or width not in SIDES:
        raise Refused(
            "model.input-size",
            f"an input of {height} x {width} is not taken: multiples of 32 from {SIDES[0]} to {SIDES[-1]} are",
            f"不支持 {height} x {width} 的输入：边长应为 {SIDES[0]} 至 {SIDES[-1]} 之间的 32 的倍数",
        )
    return height, width


def _literal_pair(text: str) -> list[int]:
    found = _literal(text)
    if isinstance(found, int):
        return [found, found]
    whole = isinstance(found, (list, tuple)) and all(isinstance(one, int) for one in found)
    return list(found) if whole else []


def _literal(text: str) -> Any:
    """A short Python literal, None where it is none."""
    try:
        return ast.literal_eval(text) if 0 < len(text) < 100 else None
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def _task(metadata: Mapping[str, str]) -> tuple[str, int]:
    """The task that the metadata name, and how many numbers key points take."""
    shape = _literal_pair(metadata.get("kpt_shape", ""))
    return metadata.get("task", "detect"), shape[0] * shape[1] if len(shape) == 2 else 0


def given(card: Card | None, metadata: Mapping[str, str]) -> Preparation | None:
    """What the card says, or a file that was folded by us."""
    if card is not None:
        return card.preparation
    if metadata.get("gatehouse.folded"):
        return Preparation(folded=True)
    return None


def _of_family(family: str, image: Port) -> Preparation:
    """The usual preparation of a family. Raises Question where there is none."""
    if image.type == "uint8":
        raise Question(
            "model.colours",
            "the input takes bytes: in which order are the colours, and is anything left to be done outside? Say"
            " `preparation` in the card; --folded: blue, green, red, and nothing",
            "输入为字节：颜色顺序如何，模型外还需做哪些处理？请在模型卡的 preparation 中说明；--folded 表示蓝绿红顺序且无需其他处理",
        )
    found = PREPARATIONS.get(family, Preparation())
    if found is None:
        raise Question(
            "model.preparation",
            f"a {family} is trained with different colours, means and scales: which ones? Say `preparation` in the card",
            f"{family} 模型的颜色顺序、均值与缩放各不相同：这里用的是哪些？请在模型卡的 preparation 中说明",
        )
    return found


def _anchors(card: Card | None) -> Anchors:
    """The anchors that a card gives for raw heads; none where they are not three sizes a level."""
    said = card.extra.get("anchors", []) if card is not None else []
    try:
        found = np.array(said, np.float64)
    except (ValueError, TypeError):
        return ()
    if found.ndim != 3 or found.shape[1:] != (3, 2) or not (found > 0).all():
        return ()
    return tuple(tuple((float(w), float(h)) for w, h in level) for level in found)


def _unnamed(reading: Reading) -> Question:
    count = reading.classes or "?"
    return Question(
        "model.no-names",
        f"the file does not name its classes ({count} of them, family {reading.family}): what are they, in their order? Say `classes` in"
        " the card, or --classes",
        f"文件没有给出类别名（{count} 个，{reading.family}）：按顺序分别是什么？请在模型卡的 classes 中说明，或使用 --classes",
    )


def _thresholds(classes: Sequence[str], card: Card | None) -> Floats:
    said = card.thresholds if card is not None else {}
    return np.array([said.get(name, THRESHOLD) for name in classes], np.float32)
