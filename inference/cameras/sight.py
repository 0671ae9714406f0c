"""The eyes of a camera: from a picture to what was found in it, and how long that took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import SourceError
from gateway.core.tags import Cause
from inference.cameras.found import PERSON, Found
from inference.models.card import Card, CardError, digest
from inference.models.detector import Detector
from inference.models.refusal import Refused
from inference.runtime.session import number

NEVER = 2.0  # a threshold that no score reaches
HIDE_RECALL = 0.7  # of the people at the card's threshold; at HIDE a model finds more of them
HIDE = 0.15  # a person that is only this likely is hidden in pictures that are kept


def usual(name: str) -> str:
    """A class as we call it: models write no_helmet, "no helmet" and No-Helmet."""
    return name.strip().lower().replace("_", "-").replace(" ", "-")


class Sight(Protocol):
    """Finds things in a picture. `least`: threshold by class."""

    least: Mapping[str, float]
    provider: float  # the value of a tag `provider`
    hides: (
        bool  # whether it finds enough of the people to hide them by what it finds; else pictures are hidden as a whole
    )

    def look(self, pixels: NDArray[np.uint8]) -> Found:
        """Everything of note, people also below their threshold."""


def finds_people(card: Card) -> bool:
    """Whether a model finds people well enough on everything it was measured on; one that was never measured does not."""
    recalls = [
        row.get("recall", 0.0) for one in card.measured for name, row in one.per_class.items() if usual(name) == PERSON
    ]
    return min(recalls, default=0.0) >= HIDE_RECALL


class _Three(msgspec.Struct, frozen=True):
    """A pair of a calibration: from which score "worn" is believed, and its absence seen."""

    worn: str
    missing: str
    compliant: float
    violation: float
    reached: bool


class _Calibration(msgspec.Struct, frozen=True):
    model: str
    thresholds: dict[str, float]
    answers: list[_Three] = []


def calibrated(path: Path, model: Path) -> dict[str, float]:
    """Thresholds by class of a calibration of this model. Raises SourceError: without its promise nothing is looked at.

    Where the promise could not be kept for "worn", no score is enough to believe it.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_Calibration)
    except (OSError, msgspec.DecodeError) as error:
        raise SourceError(f"the calibration {path.name} cannot be read: {error}", Cause.DEVICE, slow=True) from None
    if found.model != digest(model):
        raise SourceError(f"the calibration {path.name} is of another model: calibrate again", Cause.DEVICE, slow=True)
    least = {usual(name): value for name, value in found.thresholds.items()}
    for three in found.answers:
        least[usual(three.worn)] = three.compliant if three.reached else NEVER
        least[usual(three.missing)] = three.violation
    return least


class ModelSight:
    """A model that was admitted: its card, its layout and its golden batch. Raises SourceError where it is not."""

    def __init__(
        self, path: Path, providers: Sequence[str] | str, threads: int, thresholds: Mapping[str, float]
    ) -> None:
        self._detector = admitted(path, providers, threads)
        classes = [usual(name) for name in self._detector.classes]
        card = dict(zip(classes, (float(one) for one in self._detector.thresholds), strict=True))
        self.least: Mapping[str, float] = card | {
            usual(name): value for name, value in thresholds.items() if usual(name) in card
        }
        self.provider = number(self._detector.provider)
        self.classes = tuple(classes)
        card_of = self._detector.facts.card
        self.hides = card_of is not None and finds_people(card_of)
        lowest = [min(self.least[name], HIDE) if name == PERSON else self.least[name] * 0.5 for name in classes]
        self._lowest = np.array(lowest, np.float32)

    def look(self, pixels: NDArray[np.uint8]) -> Found:
        """What is in a picture. Raises SourceError where the model fails."""
        found = self._detector.detect(pixels, self._lowest)
        labels = [self.classes[int(one)] for one in found.classes]
        return Found(found.corners.astype(np.float32), found.scores.astype(np.float32), labels)


def admitted(path: Path, providers: Sequence[str] | str, threads: int) -> Detector:
    """A model that has a card and whose golden batch comes out here. Raises SourceError."""
    try:
        detector = Detector(path, providers=providers, threads=threads)
    except (Refused, CardError) as error:
        raise SourceError(f"{error.en} / {error.zh}", Cause.DEVICE, slow=True) from None
    if detector.facts.card is None:
        raise SourceError(
            f"{path.name} has no card, so nobody answers for it: `gatehouse model check` says what belongs into one / "
            f"{path.name} 没有模型卡，无人为其负责：请用 `gatehouse model check` 查看卡中应写的内容",
            Cause.DEVICE,
            slow=True,
        )
    return detector
