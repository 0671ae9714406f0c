"""Pictures made here: a hall with shelves, light and sensor noise; deterministic."""

from __future__ import annotations

from functools import cache

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


def hall(width: int = 320, height: int = 180, seed: int = 1) -> Picture:
    """A still hall, blue-green-red: boxes, edges and some texture everywhere."""
    random = np.random.default_rng(seed)
    picture = np.full((height, width, 3), 90, np.uint8)
    for _ in range(140):
        x, y = int(random.integers(0, width)), int(random.integers(0, height))
        w, h = int(random.integers(width // 40, width // 8)), int(random.integers(height // 40, height // 6))
        colour = [int(one) for one in random.integers(20, 235, 3)]
        cv2.rectangle(picture, (x, y), (x + w, y + h), colour, -1)
    return picture


def noisy(picture: Picture, seed: int, sigma: float = 2.0) -> Picture:
    """What a sensor makes of it."""
    random = np.random.default_rng(seed)
    height, width = picture.shape[:2]
    down, across = int(random.integers(0, height)), int(random.integers(0, width))
    noise = np.roll(_noise(height, width), (down, across), axis=(0, 1)) * np.float32(sigma)
    return (picture + noise[:, :, None] + np.float32(0.5)).clip(0, 255).astype(np.uint8)


@cache
def _noise(height: int, width: int) -> NDArray[np.float32]:
    return np.random.default_rng(9).normal(0, 1, (height, width)).astype(np.float32)


def grey(picture: Picture) -> Picture:
    """Its brightness."""
    found: Picture = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY).astype(np.uint8, copy=False)
    return found
