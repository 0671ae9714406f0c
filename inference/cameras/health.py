"""Whether a picture can be believed: covered, defocused, dark, moved, repeating. Pure functions of grey pictures.

All work on a small grey picture of `SIZE`, so that they cost about a millisecond and do not depend on the camera's resolution.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from enum import IntFlag

import cv2
import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]

SIZE = (320, 180)  # width, height of the small picture
TILES = (8, 5)  # across, down
DARK_MEAN, DARK_BRIGHT = 24.0, 60.0  # grey levels: the mean, and what 5 % of the pixels exceed
PLAIN_STD = 4.0  # grey levels: a tile with less contrast shows nothing
COVERED_SHARE = 0.85  # of the tiles show nothing: something stands before the lens
SHARP_MIN = (
    0.25  # fine against coarse contrast; site pictures in focus have 0.34 and more, blurred by 3 pixels 0.23 and less
)
SHARP_LOSS = 0.6  # of the sharpness of the reference: less is lost focus
NOISE = 3.45  # 98th percentile over median of the size of Gaussian noise
MOVED_SHARE = 0.02  # of the picture's width: the shift from which a camera counts as moved
SEARCH_SHARE = 0.12  # of the picture's width: how far a tile is looked for
TILE_MATCH = 0.6  # correlation from which a tile is found again
TILES_FOUND = 0.35  # of the tiles with contrast must be found again, or the camera looks elsewhere
LOOP = 8  # pictures with which a new one is compared: loops up to so many are noticed
USUAL_OF = 600  # pictures by which the usual difference is known
REPEAT_PART = 0.6  # of the usual difference: what an encoder makes of a frozen picture (docs/results/camera.md)
REPEAT_LEAST, REPEAT_MOST = 0.02, 0.2  # grey levels, on average over the picture
REPEATED_SHARE = 0.5  # of the pictures: key frames of a frozen camera look new
SECOND = 1_000_000_000


class Fault(IntFlag):
    """What is wrong with a picture; several may be."""

    NONE = 0
    DARK = 1
    COVERED = 2
    DEFOCUSED = 4
    MOVED = 8
    FROZEN = 16


def small(grey: Grey) -> Grey:
    """The small picture that all questions are asked of."""
    found: Grey = cv2.resize(grey, SIZE, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
    return found


def dark(picture: Grey) -> bool:
    """Too dark for a person to be seen."""
    return bool(picture.mean() < DARK_MEAN and np.percentile(picture, 95) < DARK_BRIGHT)


def tiles(picture: Grey) -> NDArray[np.float64]:
    """The contrast (standard deviation in grey levels) of each of the tiles, row by row."""
    across, down = TILES
    height, width = picture.shape[0] // down * down, picture.shape[1] // across * across
    cut = picture[:height, :width].astype(np.float64).reshape(down, height // down, across, width // across)
    found: NDArray[np.float64] = cut.std(axis=(1, 3)).ravel()
    return found


def covered(picture: Grey) -> bool:
    """Something stands before the lens: almost nowhere is there anything to see."""
    return bool((tiles(picture) < PLAIN_STD).mean() >= COVERED_SHARE)


def sharpness(picture: Grey) -> float:
    """The strongest fine contrasts against the strongest coarse ones, 0 (blurred) to about 0.6. Does not depend on light.

    What is as fine everywhere is noise of the sensor and is taken off: 98 % of it lie within `NOISE` times its median.
    """
    smooth = cv2.GaussianBlur(picture.astype(np.float32), (0, 0), 0.8)
    middle, wide = cv2.GaussianBlur(smooth, (0, 0), 1.2), cv2.GaussianBlur(smooth, (0, 0), 4.0)
    fine, coarse = np.abs(smooth - middle), float(np.percentile(np.abs(middle - wide), 98))
    edges = float(np.percentile(fine, 98)) ** 2 - (NOISE * float(np.median(fine))) ** 2
    return math.sqrt(max(0.0, edges)) / coarse if coarse > 0.5 else 0.0


def defocused(picture: Grey, reference: Grey | None = None) -> bool:
    """Out of focus, against a reference where there is one. Asked only of a picture that is not covered."""
    least = SHARP_MIN if reference is None else sharpness(reference) * SHARP_LOSS
    return sharpness(picture) < least


def shift(picture: Grey, reference: Grey) -> tuple[float, float, float]:
    """How far a camera has turned since its reference: x and y in shares of the width, and which share of the tiles was found again.

    Tile by tile, so that people and machines that come and go change the tiles they stand in and not the answer.
    """
    now, then = _edges(picture), _edges(reference)
    across, down = TILES
    width, height = SIZE[0] // across, SIZE[1] // down
    reach = int(SIZE[0] * SEARCH_SHARE)
    moved, asked = [], 0
    for row in range(down):
        for column in range(across):
            left, top = column * width, row * height
            tile = then[top : top + height, left : left + width]
            if tile.std() < PLAIN_STD:
                continue
            asked += 1
            x0, y0 = max(0, left - reach), max(0, top - reach)
            area = now[y0 : top + height + reach, x0 : left + width + reach]
            _, best, _, at = cv2.minMaxLoc(cv2.matchTemplate(area, tile, cv2.TM_CCOEFF_NORMED))
            if best >= TILE_MATCH:
                moved.append((at[0] + x0 - left, at[1] + y0 - top))
    if not moved:
        return 0.0, 0.0, 0.0 if asked else 1.0
    x, y = np.median(np.array(moved, float), axis=0) / SIZE[0]
    return float(x), float(y), len(moved) / asked


def _edges(picture: Grey) -> NDArray[np.uint8]:
    """Strength of edges, which stays when the light changes."""
    smooth = cv2.GaussianBlur(picture, (3, 3), 0)
    x, y = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    found: NDArray[np.uint8] = cv2.magnitude(x, y).clip(0, 255).astype(np.uint8)
    return found


def moved(picture: Grey, reference: Grey) -> bool:
    """The camera looks elsewhere than its reference did."""
    x, y, share = shift(picture, reference)
    return share < TILES_FOUND or float(np.hypot(x, y)) >= MOVED_SHARE


def quiet(apart: Grey) -> float:
    """Noise in the difference of two pictures: grey levels in its quieter tiles, where nothing moves."""
    found = cv2.resize(apart.astype(np.float32), TILES, interpolation=cv2.INTER_AREA)
    return float(np.percentile(found, 25))


@dataclass(slots=True)
class Repeats:
    """Notices a camera that sends one picture for ever, or the same few in a loop. `after_ns` 0 = is never asked.

    Behind an encoder even a frozen picture changes a little: it is refined, and begins anew with every key frame. So a picture counts as
    repeated where it differs from one before much less than is usual for this camera's noise, and the camera as frozen where most do.
    """

    after_ns: int
    _before: deque[Grey] = field(default_factory=lambda: deque(maxlen=LOOP))
    _window: deque[tuple[int, bool]] = field(default_factory=deque)  # when, and whether it was a repeated one
    _new: deque[float] = field(default_factory=lambda: deque(maxlen=USUAL_OF))  # noise in those that were not
    _begun_ns: int = -1

    def picture(self, grey: Grey, at_ns: int) -> bool:
        """One small picture captured at `at_ns`; returns whether next to nothing new has come for `after_ns`."""
        if self._begun_ns < 0:
            self._begun_ns = at_ns
        apart = [cv2.absdiff(grey, old) for old in self._before]
        nearest = min(apart, key=lambda one: float(one.mean())) if apart else None
        repeated = nearest is not None and float(nearest.mean()) <= self.least()
        if nearest is not None and not repeated:
            self._new.append(quiet(nearest))
        self._before.append(grey)
        self._window.append((at_ns, repeated))
        while at_ns - self._window[0][0] > self.after_ns:
            self._window.popleft()
        if self.after_ns <= 0 or at_ns - self._begun_ns < self.after_ns:
            return False
        return sum(one for _, one in self._window) >= REPEATED_SHARE * len(self._window)

    def least(self) -> float:
        """Grey levels by which a new picture of this camera differs from the ones before, at the very least."""
        usual = float(np.percentile(self._new, 10)) if self._new else 0.0
        return min(max(usual * REPEAT_PART, REPEAT_LEAST), REPEAT_MOST)

    def forget(self) -> None:
        """The camera was lost."""
        self._before.clear()
        self._window.clear()
        self._begun_ns = -1


@dataclass(slots=True)
class Health:
    """All questions of one camera. Slow ones are asked every `EVERY_NS`; a fault stands when two answers in a row say so."""

    EVERY_NS = SECOND // 2

    repeats: Repeats
    reference: Grey | None = None
    _asked_ns: int = -SECOND
    _before: Fault = Fault.NONE
    _stands: Fault = Fault.NONE

    def picture(self, grey: Grey, at_ns: int) -> Fault:
        """What is wrong with the camera, after one small picture captured at `at_ns`."""
        if at_ns - self._asked_ns >= self.EVERY_NS:
            self._asked_ns = at_ns
            now = look(grey, self.reference)
            self._stands = (now & self._before) | (self._stands & (now | self._before))
            self._before = now
        return self._stands | (Fault.FROZEN if self.repeats.picture(grey, at_ns) else Fault.NONE)

    def forget(self) -> None:
        """The camera was lost: the next picture is the first."""
        self.repeats.forget()
        self._before = self._stands = Fault.NONE


def look(grey: Grey, reference: Grey | None) -> Fault:
    """Everything that one small picture tells by itself. Of a dark or covered one nothing more is asked."""
    if dark(grey):
        return Fault.DARK
    if covered(grey):
        return Fault.COVERED
    found = Fault.DEFOCUSED if defocused(grey, reference) else Fault.NONE
    if reference is not None and not found and moved(grey, reference):
        found |= Fault.MOVED
    return found
