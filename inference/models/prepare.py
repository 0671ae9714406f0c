"""A picture becomes the input of a model: fitted, and for a model without a folded front also scaled and turned.

The way back (`Fit.back`) brings boxes from the input into the pixels of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.models.boxes import Floats
from inference.models.card import Preparation

Pixels = NDArray[np.uint8]

cv2.setNumThreads(
    1
)  # a worker has as many threads as it was given, and pictures are small: waiting for a pool costs more than it gains


@dataclass(frozen=True, slots=True)
class Fit:
    """How a picture of `width` x `height` lies in the input: x_input = x * scale_x + left."""

    scale_x: float
    scale_y: float
    left: int
    top: int
    width: int
    height: int

    def back(self, corners: Floats) -> Floats:
        """Corners of the input in pixels of the picture, cut at its edges."""
        offset = np.array([self.left, self.top, self.left, self.top], np.float32)
        scale = np.array([self.scale_x, self.scale_y, self.scale_x, self.scale_y], np.float32)
        edge = np.array([self.width, self.height, self.width, self.height], np.float32)
        return np.asarray(np.clip((corners - offset) / scale, 0, edge), np.float32)


class Fitting:
    """Fits pictures into one input of `height` x `width`; the canvas is kept, so that only the picture is written anew."""

    def __init__(self, height: int, width: int, preparation: Preparation) -> None:
        self._height, self._width, self._how = height, width, preparation.fit
        self._pad = preparation.pad
        self._canvas = np.full((height, width, 3), preparation.pad, np.uint8)
        self._last: tuple[int, int, int, int] = (0, 0, height, width)

    def __call__(self, picture: Pixels) -> tuple[Pixels, Fit]:
        """The input as uint8 height x width x BGR, valid until the next call, and how the picture lies in it."""
        height, width = picture.shape[:2]
        if self._how == "stretch":
            cv2.resize(picture, (self._width, self._height), dst=self._canvas, interpolation=cv2.INTER_LINEAR)
            return self._canvas, Fit(self._width / width, self._height / height, 0, 0, width, height)
        scale = min(self._width / width, self._height / height)
        inner_w = min(self._width, max(1, round(width * scale)))
        inner_h = min(self._height, max(1, round(height * scale)))
        top = (self._height - inner_h) // 2 if self._how == "letterbox" else 0
        left = (self._width - inner_w) // 2 if self._how == "letterbox" else 0
        place = (top, left, inner_h, inner_w)
        if place != self._last:
            self._canvas[:] = self._pad
            self._last = place
        inner = self._canvas[top : top + inner_h, left : left + inner_w]
        if (inner_h, inner_w) == (height, width):
            np.copyto(inner, picture)
        else:
            cv2.resize(picture, (inner_w, inner_h), dst=inner, interpolation=cv2.INTER_LINEAR)
        return self._canvas, Fit(inner_w / width, inner_h / height, left, top, width, height)


def tensor(pixels: Pixels, preparation: Preparation, type_: str = "float32") -> NDArray[np.generic]:
    """The input of a model: `pixels` themselves with a folded front, else floats in the order it was trained with."""
    if preparation.folded:
        return pixels[None]
    colours = pixels if preparation.colour == "bgr" else pixels[:, :, ::-1]
    values: NDArray[Any] = colours.astype(np.float32) * np.float32(preparation.scale)
    if preparation.mean != (0.0, 0.0, 0.0) or preparation.deviation != (1.0, 1.0, 1.0):
        values = (values - np.array(preparation.mean, np.float32)) / np.array(preparation.deviation, np.float32)
    if preparation.layout == "nchw":
        values = values.transpose(2, 0, 1)
    return np.ascontiguousarray(values[None], dtype=type_)
