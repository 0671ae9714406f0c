"""Where people were in the last pictures, so that a clip can hide them: between two detections, and with a margin."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MS = 1_000_000
REACH_NS = 600 * MS  # a picture with no detection so near is hidden as a whole
GROWN = 0.2  # of a box's size, on every side: people move between two detections
KEPT_MAX = 2_000  # detections
PERSON, WHOLE = 12, 36  # blocks in the height of a person, and of a picture that is hidden as a whole
BLOCK = 16  # pixels: what is hidden is shown in blocks of so many or more


@dataclass(frozen=True, slots=True)
class _Seen:
    at_ns: int
    boxes: NDArray[np.float64]  # in shares of width and height


class People:
    """The detector's thread tells, the clip's thread asks."""

    def __init__(self) -> None:
        self._seen: deque[_Seen] = deque(maxlen=KEPT_MAX)
        self._lock = threading.Lock()

    def found(self, boxes: NDArray[np.float32], size: tuple[int, int], at_ns: int) -> None:
        """People of one picture of `size` (width, height)."""
        scale = np.array([size[0], size[1], size[0], size[1]], float)
        with self._lock:
            self._seen.append(_Seen(at_ns, boxes.astype(np.float64).reshape(-1, 4) / scale))

    def at(self, at_ns: int) -> NDArray[np.float64] | None:
        """The boxes to hide in a picture captured then; None = everything, for nobody looked."""
        with self._lock:
            seen = list(self._seen)
        before = next((one for one in reversed(seen) if one.at_ns <= at_ns), None)
        after = next((one for one in seen if one.at_ns >= at_ns), None)
        near = [one.boxes for one in (before, after) if one is not None and abs(one.at_ns - at_ns) <= REACH_NS]
        return np.concatenate(near) if near else None


def hide(pixels: NDArray[np.uint8], boxes: NDArray[np.float64] | None) -> NDArray[np.uint8]:
    """A copy with everybody hidden; `boxes` [n, 4] in shares of width and height, None = hide all of it."""
    shown = pixels.copy()
    height, width = shown.shape[:2]
    share = WHOLE if boxes is None else PERSON
    for left, top, right, bottom in [(0.0, 0.0, 1.0, 1.0)] if boxes is None else boxes:
        x, y = (right - left) * GROWN, (bottom - top) * GROWN
        x0, x1 = (int(np.clip(one, 0, 1) * width) for one in (left - x, right + x))
        y0, y1 = (int(np.clip(one, 0, 1) * height) for one in (top - y, bottom + y))
        if x1 - x0 < 2 or y1 - y0 < 2:
            continue
        part = shown[y0:y1, x0:x1]
        blocks = max(BLOCK, (y1 - y0) // share)  # large people in larger blocks: a face is not to be read from any
        few = cv2.resize(part, (max(1, (x1 - x0) // blocks), max(1, (y1 - y0) // blocks)), interpolation=cv2.INTER_AREA)
        shown[y0:y1, x0:x1] = cv2.resize(few, (x1 - x0, y1 - y0), interpolation=cv2.INTER_NEAREST)
    return shown
