"""The eyes of a camera: from a picture to what was found in it, and how long that took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from inference.cameras.found import PERSON, Found
from inference.models.detector import Detector
from inference.runtime.session import number

HIDE = 0.15  # a person that is only this likely is hidden in pictures that are kept


def usual(name: str) -> str:
    """A class as we call it: models write no_helmet, "no helmet" and No-Helmet."""
    return name.strip().lower().replace("_", "-").replace(" ", "-")


class Sight(Protocol):
    """Finds things in a picture. `least`: threshold by class."""

    least: Mapping[str, float]
    provider: float  # the value of a tag `provider`

    def look(self, pixels: NDArray[np.uint8]) -> Found:
        """Everything of note, people also below their threshold."""


class ModelSight:
    """A model of the load contract. Raises SourceError where it is refused."""

    def __init__(
        self, path: Path, providers: Sequence[str] | str, threads: int, thresholds: Mapping[str, float]
    ) -> None:
        self._detector = Detector(path, providers=providers, threads=threads)
        classes = [usual(name) for name in self._detector.classes]
        card = dict(zip(classes, (float(one) for one in self._detector.thresholds), strict=True))
        self.least: Mapping[str, float] = card | {
            usual(name): value for name, value in thresholds.items() if usual(name) in card
        }
        self.provider = number(self._detector.provider)
        self.classes = tuple(classes)
        lowest = [min(self.least[name], HIDE) if name == PERSON else self.least[name] * 0.5 for name in classes]
        self._lowest = np.array(lowest, np.float32)

    def look(self, pixels: NDArray[np.uint8]) -> Found:
        """Raises SourceError where the model fails."""
        found = self._detector.detect(pixels, self._lowest)
        labels = [self.classes[int(one)] for one in found.classes]
        return Found(found.corners.astype(np.float32), found.scores.astype(np.float32), labels)
