"""What an operator is shown of one place: the strip of the last minute by bands, the plume mask, and how far the sensors agree."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import msgspec
import numpy as np

from inference.leak.layout import BANDS, CELL, CENTRES_HZ, MASK, SLOTS, Floats

COLUMNS_A_SECOND = 2
STRIP_S = 60
LARGEST = 160 << 10  # bytes of a view


class Seen(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One view. `levels` are columns of whole dB, oldest first, two a second, each from the lowest band up; `mask` percent of
    likelihood and `change` tenths of a kelvin against the background, rows from the top; values as the tags have them, null = none."""

    captured_ns: int
    bands_hz: list[int]
    levels: list[list[int]]
    floor: list[int]
    mask: list[list[int]]
    change: list[list[int]]
    values: dict[str, float | None]
    sound_error: str = ""
    picture_error: str = ""


class Strip:
    """The last minute."""

    def __init__(self) -> None:
        self._columns: deque[list[int]] = deque(maxlen=STRIP_S * COLUMNS_A_SECOND)

    def second(self, levels: Floats | None) -> None:
        """Add a second's levels [BANDS, SLOTS]; a second without sound is a gap."""
        width = SLOTS // COLUMNS_A_SECOND
        if levels is None:
            self._columns.extend([[]] * COLUMNS_A_SECOND)
            return
        means = levels.reshape(BANDS, COLUMNS_A_SECOND, width).mean(axis=2)
        self._columns.extend(np.rint(means.T).astype(int).tolist())

    def columns(self) -> list[list[int]]:
        """Oldest first."""
        return list(self._columns)


def seen(
    strip: Strip, floor: Floats | None, mask: Floats | None, maps: Floats | None, values: Mapping[str, float], captured_ns: int,
    errors: tuple[str, str] = ("", ""),
) -> Seen:  # fmt: skip
    """The view of this moment."""
    change = np.zeros(MASK) if maps is None else maps[0].reshape(MASK[0], CELL, MASK[1], CELL).mean(axis=(1, 3)) / 2.0
    return Seen(
        captured_ns=captured_ns,
        bands_hz=np.rint(CENTRES_HZ).astype(int).tolist(),
        levels=strip.columns(),
        floor=[] if floor is None else np.rint(floor).astype(int).tolist(),
        mask=[] if mask is None else np.rint(100.0 * mask).astype(int).tolist(),
        change=[] if maps is None else np.rint(10.0 * change).astype(int).tolist(),
        values={key: None if value != value else round(value, 4) for key, value in values.items()},
        sound_error=errors[0],
        picture_error=errors[1],
    )
