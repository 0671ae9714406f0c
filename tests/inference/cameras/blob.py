"""A detector of coloured rectangles, for tests of everything around a detector: magenta is a person, cyan a machine. No model."""

from __future__ import annotations

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.cameras import job
from inference.cameras.found import FORKLIFT, PERSON, Found
from inference.cameras.sight import Sight

COLOURS = {PERSON: (255, 0, 255), FORKLIFT: (255, 255, 0)}  # blue, green, red
APART = 70  # grey levels in each colour
LEAST_PIXELS = 60


class BlobSight:
    """Finds the coloured rectangles of the peer camera."""

    least: Mapping[str, float] = {PERSON: 0.5, FORKLIFT: 0.5}
    provider = 5.0
    hides = True

    def look(self, pixels: NDArray[np.uint8]) -> Found:
        boxes, labels = [], []
        for label, colour in COLOURS.items():
            mask = (np.abs(pixels.astype(np.int16) - np.array(colour, np.int16)) < APART).all(axis=2).astype(np.uint8)
            _, _, stats, _ = cv2.connectedComponentsWithStats(mask)
            for x, y, w, h, area in stats[1:]:
                if area >= LEAST_PIXELS:
                    boxes.append((x, y, x + w, y + h))
                    labels.append(label)
        scores = np.full(len(labels), 0.9, np.float32)
        return Found(np.array(boxes, np.float32).reshape(-1, 4), scores, labels)


class Job(job.Job):
    """The job of a camera with these eyes."""

    def sight(self) -> Sight:
        return BlobSight()


class Laden(BlobSight):
    """The same answers, after the model of the camera has looked: so a measurement bears the model's work."""

    def __init__(self, model: Sight) -> None:
        self._model = model

    def look(self, pixels: NDArray[np.uint8]) -> Found:
        self._model.look(pixels)
        return super().look(pixels)


class LadenJob(job.Job):
    """The job of a camera with these eyes."""

    def sight(self) -> Sight:
        return Laden(super().sight())
