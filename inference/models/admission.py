"""Whether a model may work here, and how fast it is: its card, its layout and its golden batch are looked at when it is opened."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.models.detector import Detector

RUNS = 10


@dataclass(frozen=True, slots=True)
class Admission:
    """What was measured. `golden`: pictures of the batch, 0 = the card has none; `deviation`: share of each field's largest value."""

    provider: str
    load_ms: float
    frame_ms: float
    golden: int
    deviation: float


def admit(path: Path, *, providers: Sequence[str] | str = "auto", threads: int = 1) -> tuple[Detector, Admission]:
    """Load, compare and time a model. Raises Refused, SourceError."""
    detector = Detector(path, providers=providers, threads=threads)
    count, deviation = detector.golden
    return detector, Admission(detector.provider, detector.load_ms, frame_ms(detector), count, deviation)


def frame_ms(detector: Detector) -> float:
    """Median time of a picture of the input's own size."""
    picture = np.random.default_rng(0).integers(0, 256, (detector.facts.height, detector.facts.width, 3), np.uint8)
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        detector.detect(picture)
        times.append((time.perf_counter() - began) * 1e3)
    return float(np.median(times))
