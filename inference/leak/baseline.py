"""What a place sounds and looks like without a leak, learned before its alarms are enabled, and kept in one small file."""

from __future__ import annotations

import os
import time
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from inference.leak.layout import BANDS, MASK, SILENCE_DB, Floats

LOW_DB, STEP_DB, STEPS = SILENCE_DB, 1.0, 160  # histogram of each band
MARGIN = 1.3  # a learned place must have this much to spare below the threshold
ROOM_DB = 6.0  # the floor may rise so far above the learned median: a leak that stays is not learned away
LEAST_HOURS = 1.0
OFTEN = 0.02  # share of the seconds above which a cell of the picture is no sign of a leak here


class Baseline(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Levels of each band in dB (10 %, 50 %, 95 % of the seconds), the highest share of the threshold that was reached, and the
    cells of the picture that move without a leak. `accepted_by` is empty until somebody accepts it: alarms are off until then."""

    source: str
    hours: float
    p10: list[float]
    p50: list[float]
    p95: list[float]
    highest_share: float
    busy_cells: list[int]
    learned_utc_ms: int
    accepted_by: str = ""
    accepted_utc_ms: int = 0
    reason: str = ""

    @property
    def factor(self) -> float:
        """What the threshold is multiplied with here: the worst hour of the place stays below it with room to spare."""
        return max(1.0, self.highest_share * MARGIN)

    @property
    def floor_most(self) -> Floats:
        """Highest floor per band in dB."""
        return np.array(self.p50, np.float32) + np.float32(ROOM_DB)


class Learner:
    """Gathers a baseline, second by second."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._counts = np.zeros((BANDS, STEPS), np.int64)
        self._cells = np.zeros(MASK, np.int64)
        self._seconds = 0
        self._highest = 0.0

    def second(self, levels: Floats | None, cells: NDArray[np.bool_] | None, share: float) -> None:
        """Take levels [BANDS, slots] and the cells that looked like a plume."""
        self._seconds += 1
        self._highest = max(self._highest, share)
        if levels is not None:
            step = np.clip((np.median(levels, axis=1) - LOW_DB) / STEP_DB, 0, STEPS - 1).astype(np.intp)
            self._counts[np.arange(BANDS), step] += 1
        if cells is not None:
            self._cells += cells

    @property
    def hours(self) -> float:
        """Learned so far."""
        return self._seconds / 3600.0

    def baseline(self) -> Baseline:
        """What was learned so far."""
        low, middle, high = ([float(one) for one in self._level(share)] for share in (0.10, 0.50, 0.95))
        return Baseline(
            source=self._source,
            hours=round(self.hours, 3),
            p10=low,
            p50=middle,
            p95=high,
            highest_share=round(self._highest, 4),
            busy_cells=np.flatnonzero(self._cells > OFTEN * max(self._seconds, 1)).tolist(),
            learned_utc_ms=time.time_ns() // 1_000_000,
        )

    def _level(self, share: float) -> NDArray[np.float64]:
        total = np.cumsum(self._counts, axis=1)
        at = np.argmax(total >= share * np.maximum(total[:, -1:], 1), axis=1)
        found: NDArray[np.float64] = LOW_DB + (at + 0.5) * STEP_DB
        return found


def read(path: Path) -> Baseline | None:
    """A baseline, None where there is none. Raises ValueError where the file is none."""
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Baseline)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError as error:
        raise ValueError(f"{path.name} is no baseline: {error}") from None
    if not all(len(one) == BANDS for one in (found.p10, found.p50, found.p95)):
        raise ValueError(f"{path.name} is no baseline: it must have {BANDS} bands")
    return found


def write(path: Path, baseline: Baseline) -> None:
    """The whole file or none. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode(baseline), indent=2) + b"\n")
    os.replace(part, path)


def paths(folder: Path, source: str) -> tuple[Path, Path]:
    """Where the baseline that is being learned, and the accepted one of a source are."""
    return folder / f"{source}.learning.json", folder / f"{source}.baseline.json"
