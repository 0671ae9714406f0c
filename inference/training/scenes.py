"""Drawn danger-zone scenes: a hall with a marked zone, people with and without helmet and vest, forklifts; every box is known.

Drawn people teach a network little about real ones. The scenes are for what no photograph here may be: committed (the golden batch), exact
(a test of the whole way from pixels to boxes), and endless (a few in every hundred training pictures, so that things in a hatched zone
are not rare). The same seed draws the same scene with the same OpenCV.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from inference.training.classes import INDEX
from inference.training.figures import Colour, Figure, forklift, person, shade
from inference.training.labels import Labels, Pixels, table

HIDDEN_MAX = 0.6
"""A thing of which more than this is hidden behind a nearer one is unknown, not labelled."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A drawn picture, its labels, and the zone's corner points in pixels [n, 2]."""

    pixels: Pixels
    labels: Labels
    zone: NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class _Hall:
    """Where the floor begins and how tall a person stands on it at a given row."""

    width: int
    height: int
    horizon: float
    nearest_px: float

    def tall(self, foot: float) -> float:
        """Height in pixels of a person whose feet are at this row."""
        depth = (foot - self.horizon) / (self.height - self.horizon)
        return max(self.nearest_px * depth, 10.0)


def draw(seed: int, width: int = 640, height: int = 640, grain: bool = True) -> Scene:
    """One scene; without the sensor's grain it compresses to a hundredth."""
    random = np.random.default_rng(seed)
    hall = _Hall(width, height, height * random.uniform(0.2, 0.45), height * random.uniform(0.45, 0.95))
    canvas = _room(hall, random)
    zone = _zone(canvas, hall, random)
    feet = np.sort(random.uniform(hall.horizon + 0.12 * height, height * 1.02, random.integers(2, 8)))
    figures: list[Figure] = []
    for foot in feet:  # far to near: the nearer one hides the farther
        tall, x = hall.tall(float(foot)), float(random.uniform(0.05, 0.95) * width)
        if random.random() < 0.2:
            figures.append(forklift(canvas, (x, float(foot)), tall * 1.25, random))
        else:
            figures.append(person(canvas, (x, float(foot)), tall, random))
    return Scene(_camera(canvas, random, grain), _labels(figures, width, height), zone)


def _room(hall: _Hall, random: Generator) -> Pixels:
    """Wall, floor, racks and pipes."""
    canvas = np.empty((hall.height, hall.width, 3), np.uint8)
    edge = int(hall.horizon)
    canvas[:edge] = shade(random, 60, 200, 12)
    canvas[edge:] = shade(random, 50, 170, 10)
    fall = np.linspace(random.uniform(0.5, 0.9), 1.1, hall.height)[:, None, None]
    canvas = (canvas * fall).clip(0, 255).astype(np.uint8)
    for _ in range(random.integers(3, 14)):
        x, w = int(random.uniform(-0.1, 1) * hall.width), int(random.uniform(0.03, 0.25) * hall.width)
        top, foot = int(random.uniform(-0.2, 0.9) * edge), int(edge + random.uniform(0, 0.12) * hall.height)
        cv2.rectangle(canvas, (x, top), (x + w, foot), shade(random, 20, 220, 60), -1)
        for y in range(top, foot, max(int(random.uniform(8, 60)), 4)):
            cv2.line(canvas, (x, y), (x + w, y), shade(random, 20, 160, 30), int(random.integers(1, 4)))
    for _ in range(random.integers(0, 5)):
        y = int(random.uniform(0, 0.9) * edge)
        cv2.line(
            canvas,
            (0, y),
            (hall.width, y + int(random.normal(0, 20))),
            shade(random, 60, 220, 40),
            int(random.integers(2, 12)),
        )
    return canvas


def _zone(canvas: Pixels, hall: _Hall, random: Generator) -> NDArray[np.int32]:
    """A hatched zone on the floor."""
    x, half = random.uniform(0.25, 0.75) * hall.width, random.uniform(0.15, 0.4) * hall.width
    far = hall.horizon + random.uniform(0.1, 0.3) * (hall.height - hall.horizon)
    near = random.uniform(0.6, 0.98) * hall.height
    ground = [(x - half * 0.5, far), (x + half * 0.5, far), (x + half, near), (x - half, near)]
    corners = np.array(ground, np.int32)
    paint: Colour = (20, int(random.uniform(150, 230)), int(random.uniform(200, 255)))
    layer, mask = canvas.copy(), np.zeros(canvas.shape[:2], np.uint8)
    for start in range(-hall.height, hall.width, int(random.uniform(18, 60))):
        cv2.line(layer, (start, hall.height), (start + hall.height, 0), paint, int(random.integers(3, 10)))
    cv2.fillPoly(mask, [corners], 255)
    canvas[mask > 0] = cv2.addWeighted(layer, 0.7, canvas, 0.3, 0)[mask > 0]
    cv2.polylines(canvas, [corners], True, paint, int(random.integers(2, 7)))
    return corners


def _camera(canvas: Pixels, random: Generator, grain: bool) -> Pixels:
    """Lens and sensor: blur, noise, exposure."""
    soft = cv2.GaussianBlur(canvas, (0, 0), random.uniform(0.4, 1.4))
    noise = random.normal(0, random.uniform(1, 9), (*canvas.shape[:2], 1)) + random.normal(0, 2, canvas.shape)
    exposed = soft.astype(np.float32) * random.uniform(0.6, 1.25) + (noise if grain else 0)
    return np.asarray(exposed.clip(0, 255), np.uint8)


def _labels(figures: list[Figure], width: int, height: int) -> Labels:
    """Boxes of what can be seen; what a nearer figure hides is unknown."""
    found: list[tuple[float, ...]] = []
    unknown: list[tuple[float, ...]] = []
    for index, figure in enumerate(figures):
        for name, box in figure.boxes:
            cut = np.array(box).clip(0, [width, height, width, height])
            area = np.prod(np.array(box)[2:] - np.array(box)[:2])
            seen = np.prod(cut[2:] - cut[:2]) / area
            covered = max((_covered(cut, other.outline) for other in figures[index + 1 :]), default=0.0)
            row = (*cut, float(INDEX[name]))
            (found if seen > 0.4 and covered < HIDDEN_MAX and min(cut[2:] - cut[:2]) >= 4 else unknown).append(row)
    return Labels(table(found), table(unknown))


def _covered(box: NDArray[np.float64], over: tuple[float, float, float, float]) -> float:
    low, high = np.maximum(box[:2], over[:2]), np.minimum(box[2:], over[2:])
    return float(np.prod((high - low).clip(0)) / max(np.prod(box[2:] - box[:2]), 1e-6))
