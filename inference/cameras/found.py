"""What a detector found in one picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PERSON, HELMET, NO_HELMET, VEST, NO_VEST, FORKLIFT = "person", "helmet", "no-helmet", "vest", "no-vest", "forklift"


@dataclass(frozen=True, slots=True)
class Found:
    """Boxes [n, 4] float32 (left, top, right, bottom in pixels of the picture), scores [n] 0..1, and the class of each by name."""

    boxes: NDArray[np.float32]
    scores: NDArray[np.float32]
    labels: Sequence[str]

    def of(self, label: str, least: float = 0.0) -> Found:
        """Those of one class with a score of at least `least`."""
        kept = [at for at, one in enumerate(self.labels) if one == label and self.scores[at] >= least]
        return Found(self.boxes[kept], self.scores[kept], [label] * len(kept))

    def __len__(self) -> int:
        return len(self.labels)


NOTHING = Found(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), ())
