"""One training picture from several: crops at random zoom, mosaic, pasted cut-outs, flips and light.

A canvas is filled region by region; what a region shows brings its labels and its unknowns along, so a mosaic of sets that
label different classes still punishes nobody for what a set never said.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.random import Generator

from inference.training.cache import GREY, Album, clipped
from inference.training.labels import NO_BOXES, Boxes, Labels, Pixels

VISIBLE_MIN = 0.35
"""A box of which less than this is left after a cut is unknown: nobody can say from a sleeve what the head wears."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How strongly pictures are changed."""

    side: int
    zoom: tuple[float, float] = (0.42, 1.2)
    """Long side of a source picture on the canvas, in units of 640 pixels (log-uniform)."""
    mosaic: float = 0.25
    paste: float = 0.3
    light: float = 1.0
    smallest_px: float = 4.0
    """A box narrower than this on the canvas is unknown."""


@dataclass(frozen=True, slots=True)
class Sample:
    """A training picture with its labels."""

    pixels: Pixels
    labels: Labels


class Mixer:
    """Makes samples from an album; the same generator seed makes the same samples."""

    def __init__(self, album: Album, recipe: Recipe, weights: dict[str, float] | None = None) -> None:
        self.album = album
        self.recipe = recipe
        share = np.array([(weights or {}).get(name, 1.0) for name in album.sets], np.float64)
        self.share = share / share.sum()

    def sample(self, random: Generator) -> Sample:
        """One training picture."""
        side = self.recipe.side
        canvas = np.full((side, side, 3), GREY, np.uint8)
        found, unknown = [], []
        for region in self._regions(random):
            labels = self._fill(canvas, region, int(random.choice(len(self.album), p=self.share)), random)
            found.append(labels.found)
            unknown.append(labels.unknown)
        labels = Labels(np.concatenate(found), np.concatenate(unknown))
        if random.random() < self.recipe.paste:
            labels = self._paste(canvas, labels, random)
        if random.random() < 0.5:
            canvas, labels = mirrored(canvas, labels)
        return Sample(lit(canvas, self.recipe.light, random), labels)

    def _regions(self, random: Generator) -> list[tuple[int, int, int, int]]:
        side = self.recipe.side
        if random.random() >= self.recipe.mosaic:
            return [(0, 0, side, side)]
        x, y = (int(side * random.uniform(0.3, 0.7)) for _ in range(2))
        return [(0, 0, x, y), (x, 0, side, y), (0, y, x, side), (x, y, side, side)]

    def _fill(self, canvas: Pixels, region: tuple[int, int, int, int], index: int, random: Generator) -> Labels:
        """Shows part of picture `index` in the region and returns its labels there."""
        x1, y1, x2, y2 = region
        width, height = x2 - x1, y2 - y1
        low, high = np.log(self.recipe.zoom)
        page_height, page_width = self.album.sizes[index]
        zoom = float(np.exp(random.uniform(low, high))) * 640 / max(page_height, page_width)
        stretch = float(np.exp(random.uniform(-0.15, 0.15)))
        scale_x, scale_y = zoom * stretch, zoom / stretch
        labels = self.album.labels[index]
        at_x, at_y = self._aim(labels.found, page_width, page_height, random)
        shift_x = _slide(width, page_width * scale_x, at_x * scale_x, random)
        shift_y = _slide(height, page_height * scale_y, at_y * scale_y, random)
        matrix = np.array([[scale_x, 0, shift_x], [0, scale_y, shift_y]])
        canvas[y1:y2, x1:x2] = cv2.warpAffine(
            self.album.picture(index), matrix, (width, height), flags=cv2.INTER_LINEAR, borderValue=(GREY, GREY, GREY)
        )
        return placed(labels, (scale_x, scale_y), (shift_x, shift_y), (x1, y1, x2, y2), self.recipe.smallest_px)

    def _aim(self, found: Boxes, width: int, height: int, random: Generator) -> tuple[float, float]:
        """A point of the picture worth showing: mostly inside a labelled thing, rarest classes as likely as common ones."""
        if len(found) == 0 or random.random() < 0.2:
            return random.uniform(0, width), random.uniform(0, height)
        kind = random.choice(np.unique(found[:, 4]))
        box = random.choice(found[found[:, 4] == kind])
        return random.uniform(box[0], box[2]), random.uniform(box[1], box[3])

    def _paste(self, canvas: Pixels, labels: Labels, random: Generator) -> Labels:
        """Pastes one labelled thing of another picture, with all that is labelled inside, where it hides little."""
        index = int(random.choice(len(self.album), p=self.share))
        source = self.album.labels[index]
        if len(source.found) == 0:
            return labels
        box = source.found[random.integers(len(source.found))]
        margin = 0.15 * max(box[2] - box[0], box[3] - box[1])
        page_height, page_width = self.album.sizes[index]
        cut = np.array([box[0] - margin, box[1] - margin, box[2] + margin, box[3] + margin])
        cut = cut.clip(0, [page_width, page_height, page_width, page_height])
        long = float(max(cut[2] - cut[0], cut[3] - cut[1]))
        if long < 8:
            return labels
        scale = float(np.exp(random.uniform(np.log(24), np.log(self.recipe.side * 0.6)))) / long
        width, height = (max(int((cut[2 + axis] - cut[axis]) * scale), 4) for axis in range(2))
        if max(width, height) >= self.recipe.side:
            return labels
        x1, y1 = int(random.integers(self.recipe.side - width)), int(random.integers(self.recipe.side - height))
        region = (x1, y1, x1 + width, y1 + height)
        if len(labels.found) and hidden_share(labels.found, region).max() > 0.3:
            return labels
        shift = (-float(cut[0]) * scale, -float(cut[1]) * scale)
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        canvas[y1 : y1 + height, x1 : x1 + width] = cv2.warpAffine(
            self.album.picture(index), matrix, (width, height), borderMode=cv2.BORDER_REPLICATE
        )
        new = placed(source, (scale, scale), shift, region, self.recipe.smallest_px)
        return Labels(np.concatenate((labels.found, new.found)), np.concatenate((labels.unknown, new.unknown)))


def _slide(window: int, length: float, target: float, random: Generator) -> float:
    """Where to start a picture of this length so that the target lies inside the window and the window stays filled, if it can be."""
    if length <= window:
        return random.uniform(0, window - length)
    start = random.uniform(0.15, 0.85) * window - target
    return float(np.clip(start, window - length, 0))


def placed(
    labels: Labels,
    scale: tuple[float, float],
    shift: tuple[float, float],
    region: tuple[int, int, int, int],
    smallest_px: float,
) -> Labels:
    """Labels moved by the map and cut to the region; what is too small or too much cut away becomes unknown."""
    found, unknown = (_moved(boxes, scale, shift, region) for boxes in (labels.found, labels.unknown))
    if len(found) == 0:
        return Labels(NO_BOXES, _sized(unknown))
    whole = np.prod((labels.found[:, 2:4] - labels.found[:, :2]) * scale, axis=1)
    sides = found[:, 2:4] - found[:, :2]
    clear = (sides.min(1) >= smallest_px) & (np.prod(sides, axis=1) >= VISIBLE_MIN * whole)
    return Labels(found[clear], _sized(np.concatenate((unknown, found[~clear]))))


def _moved(
    boxes: Boxes, scale: tuple[float, float], shift: tuple[float, float], region: tuple[int, int, int, int]
) -> Boxes:
    x1, y1, x2, y2 = region
    out = boxes.copy()
    for axis in range(2):
        out[:, axis:4:2] = out[:, axis:4:2] * scale[axis] + shift[axis]
    out = clipped(out, x2 - x1, y2 - y1)
    out[:, 0:4:2] += x1
    out[:, 1:4:2] += y1
    return out


def _sized(boxes: Boxes) -> Boxes:
    return boxes[((boxes[:, 2:4] - boxes[:, :2]) > 1).all(1)]


def hidden_share(boxes: Boxes, region: tuple[int, int, int, int]) -> Boxes:
    """Share [n] of each box's area that the region covers."""
    x1, y1, x2, y2 = region
    width = np.minimum(boxes[:, 2], x2) - np.maximum(boxes[:, 0], x1)
    height = np.minimum(boxes[:, 3], y2) - np.maximum(boxes[:, 1], y1)
    area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return np.asarray(width.clip(0) * height.clip(0) / area, np.float32)


def mirrored(pixels: Pixels, labels: Labels) -> tuple[Pixels, Labels]:
    """Left and right exchanged."""
    width = pixels.shape[1]
    sides = []
    for boxes in (labels.found, labels.unknown):
        out = boxes.copy()
        out[:, 0], out[:, 2] = width - boxes[:, 2], width - boxes[:, 0]
        sides.append(out)
    return np.ascontiguousarray(pixels[:, ::-1]), Labels(sides[0], sides[1])


def lit(pixels: Pixels, strength: float, random: Generator) -> Pixels:
    """Another light: gain, contrast and white balance per channel, sometimes no colour, sometimes a blurred lens."""
    gain = np.exp(random.normal(0, 0.12 * strength))
    balance = np.exp(random.normal(0, 0.05 * strength, 3))
    gamma = np.exp(random.normal(0, 0.15 * strength))
    ramp = np.linspace(0, 1, 256)[:, None] ** gamma * gain * balance
    table = (ramp * 255).clip(0, 255).astype(np.uint8)
    out = cv2.LUT(pixels, table.reshape(1, 256, 3))
    if random.random() < 0.5 * strength:
        saturation = random.uniform(0.3, 1.5)
        grey = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
        out = cv2.addWeighted(out, saturation, grey, 1 - saturation, 0)
    if random.random() < 0.08 * strength:
        out = cv2.blur(out, (3, 3))
    return np.asarray(out, np.uint8)
