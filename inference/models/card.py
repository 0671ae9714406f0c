"""A model's card: `<model>.card.json` beside `<model>.onnx`. Without it a model is what its file says, and admitted to no source."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any, Literal

import msgspec

from inference.models.refusal import Refused

CARD_MAX = 1 << 20  # bytes
CLASSES_MAX = 2_000


class Preparation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a picture becomes the input. `folded`: the graph takes uint8 height x width x BGR itself and nothing here is done outside."""

    layout: Literal["nchw", "nhwc"] = "nchw"
    colour: Literal["rgb", "bgr"] = "rgb"
    scale: float = 1 / 255  # multiplies the bytes
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)  # subtracted after scaling, in the order of `colour`
    deviation: tuple[float, float, float] = (1.0, 1.0, 1.0)  # divides after that
    fit: Literal["letterbox", "top-left", "stretch"] = "letterbox"
    pad: int = 114
    folded: bool = False


class Quality(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was measured, on which pictures: `per_class` holds recall and precision by name."""

    data: str
    images: int
    map50: float
    per_class: dict[str, dict[str, float]] = {}
    note: str = ""


class Golden(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A batch with the answers it must give: an .npz beside the card (`input`, `output0`, `output1`, …) and how close is the same."""

    file: str
    sha256: str
    tolerance: float = 0.02  # of the largest value of each field of the expected outputs


class Card(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The card. Classes stand in the order of the model's outputs."""

    sha256: str
    family: str  # a name of inference.models.families, "" for a model that is no detector
    classes: list[str]
    licence: str
    trained_on: list[str]
    title: dict[str, str] = {}  # "en", "zh-CN"
    input: list[int] = []  # height, width; empty = as the file says
    preparation: Preparation = Preparation()
    thresholds: dict[str, float] = {}  # per class; absent = 0.25
    measured: list[Quality] = []
    golden: Golden | None = None
    limits: dict[str, str] = {}  # "en", "zh-CN": what it was not measured on, first of all
    caution: dict[
        str, str
    ] = {}  # "en", "zh-CN": said wherever the model is used: that it is a first version, that it misses much
    precision: str = "fp32"  # or "int8"
    extra: dict[str, Any] = {}


class CardError(Refused):
    """The card cannot be used."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__("card", en, zh)


def path_of(model: Path) -> Path:
    """Where the card of a model is."""
    return model.with_name(model.stem + ".card.json")


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read(model: Path) -> Card | None:
    """The card of a model, None where there is none. Raises CardError where it is not one, or belongs to another file."""
    path = path_of(model)
    try:
        if path.stat().st_size > CARD_MAX:
            raise CardError(f"{path.name} is larger than {CARD_MAX} bytes", f"{path.name} 超过 {CARD_MAX} 字节")
        card = msgspec.json.decode(path.read_bytes(), type=Card)
    except FileNotFoundError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CardError(f"{path.name} is no card: {error}", f"{path.name} 不是有效的模型卡：{error}") from None
    if len(card.classes) > CLASSES_MAX or len(set(card.classes)) != len(card.classes):
        raise CardError(
            f"{path.name}: the classes must be at most {CLASSES_MAX} different names",
            f"{path.name}：类别名不得重复，且最多 {CLASSES_MAX} 个",
        )
    found = digest(model)
    if found != card.sha256:
        raise CardError(
            f"{model.name} is not the file of its card: its SHA-256 is {found[:12]}…, the card says {card.sha256[:12]}…",
            f"{model.name} 与模型卡不符：文件的 SHA-256 为 {found[:12]}…，卡中为 {card.sha256[:12]}…",
        )
    return card


def write(model: Path, card: Card) -> Path:
    """Put the card beside its model. Raises OSError."""
    path = path_of(model)
    path.write_bytes(msgspec.json.format(msgspec.json.encode(card), indent=2) + b"\n")
    return path
