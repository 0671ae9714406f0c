"""Which machines move, told from their boxes alone: positions over the last second, in lengths of the machine itself.

A detector's box trembles by some percent of its size; a machine that stands does not travel. Movement towards the camera shows as growth.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

SECOND = 1_000_000_000
KEEP_NS = SECOND  # what is compared
LOST_NS = SECOND  # a machine that was not seen for so long is another one
SPAN_NS = SECOND * 3 // 10  # the least time between two sightings that tell of a speed
SPEED = 0.15  # lengths of its own a second; a forklift at walking pace makes about 0.3
SAME_IOU = 0.2
TRACKS_MAX = 64

Boxes = NDArray[np.float32]


@dataclass(slots=True)
class _Track:
    seen: deque[tuple[int, NDArray[np.float64]]] = field(default_factory=deque)  # when, and the box

    def speed(self) -> float:
        """Lengths a second: the way between the means of the older and the newer half of what is kept."""
        times = np.array([at for at, _ in self.seen], float) / SECOND
        if len(times) < 3 or (times[-1] - times[0]) * SECOND < SPAN_NS:
            return 0.0
        boxes = np.stack([box for _, box in self.seen])
        half = len(times) // 2
        way = boxes[-half:].mean(axis=0) - boxes[:half].mean(axis=0)
        took_s = times[-half:].mean() - times[:half].mean()
        size = float(np.hypot(boxes[-1, 2] - boxes[-1, 0], boxes[-1, 3] - boxes[-1, 1]))
        travelled = float(np.hypot(*(way[:2] + way[2:]) / 2))
        grown = float(np.abs(way[2:] - way[:2]).max())
        return max(travelled, grown) / max(size, 1.0) / max(float(took_s), 1e-3)


def overlap(a: Boxes, b: Boxes) -> NDArray[np.float64]:
    """Intersection over union of every box of `a` [n, 4] with every one of `b` [m, 4], as [n, m]."""
    corner = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    shared = corner.clip(min=0).prod(axis=2).astype(np.float64)
    areas = [(one[:, 2:] - one[:, :2]).clip(min=0).prod(axis=1).astype(np.float64) for one in (a, b)]
    together = areas[0][:, None] + areas[1][None, :] - shared
    found: NDArray[np.float64] = shared / np.maximum(together, 1e-9)
    return found


class Machines:
    """Follows machines from picture to picture."""

    def __init__(self) -> None:
        self._tracks: list[_Track] = []

    def moving(self, boxes: Boxes, at_ns: int) -> NDArray[np.bool_]:
        """Whether each machine of a picture captured at `at_ns` moves; one that was just seen for the first time does not yet."""
        self._tracks = [track for track in self._tracks if at_ns - track.seen[-1][0] <= LOST_NS]
        taken: list[_Track | None] = self._match(boxes)
        found = np.zeros(len(boxes), bool)
        for at, box in enumerate(boxes):
            track = taken[at]
            if track is None:
                track = _Track()
                self._tracks.append(track)
            track.seen.append((at_ns, box.astype(np.float64)))
            while at_ns - track.seen[0][0] > KEEP_NS:
                track.seen.popleft()
            found[at] = track.speed() >= SPEED
        del self._tracks[:-TRACKS_MAX]
        return found

    def _match(self, boxes: Boxes) -> list[_Track | None]:
        """The track of each box, the best overlap first."""
        taken: list[_Track | None] = [None] * len(boxes)
        if not self._tracks or not len(boxes):
            return taken
        last = np.stack([track.seen[-1][1] for track in self._tracks]).astype(np.float32)
        alike = overlap(boxes, last)
        for _ in range(min(alike.shape)):
            box, track = np.unravel_index(int(alike.argmax()), alike.shape)
            if alike[box, track] < SAME_IOU:
                break
            taken[int(box)] = self._tracks[int(track)]
            alike[box, :], alike[:, track] = -1.0, -1.0
        return taken

    def forget(self) -> None:
        """The camera was lost: the next machine is a new one."""
        self._tracks.clear()
