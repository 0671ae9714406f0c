"""What the sensors say of themselves, as the network is given it, and whether each may be believed at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

QUALITIES = (
    "sound present", "picture present", "bands heard", "self-test error", "floor", "shutter age", "picture noise", "wind", "steam",
)  # fmt: skip
HIGH_HZ = 20_000.0  # from here on a leak stands out of most machines


@dataclass(frozen=True, slots=True)
class Sound:
    """Of the microphone: `error_db` from the self-test, `floor_db` the mean floor of the high bands."""

    present: bool = False
    heard: float = 0.0
    error_db: float = 0.0
    floor_db: float = 0.0


@dataclass(frozen=True, slots=True)
class Picture:
    """Of the camera: noise in K, seconds since the shutter closed, share of the picture with warm moving clouds."""

    present: bool = False
    netd_k: float = 0.0
    shutter_age_s: float = 0.0
    steam: float = 0.0


def vector(sound: Sound, picture: Picture, wind_m_s: float | None) -> Floats:
    """The qualities, about 0 to 1, in the order of QUALITIES; an absent sensor's are all 0."""
    found = np.zeros(len(QUALITIES), np.float32)
    if sound.present:
        found[[0, 2, 3, 4]] = 1.0, sound.heard, sound.error_db / 6.0, (sound.floor_db - 20.0) / 40.0
    if picture.present:
        found[[1, 5, 6, 8]] = 1.0, picture.shutter_age_s / 300.0, picture.netd_k / 0.1, min(10.0 * picture.steam, 3.0)
    found[7] = (wind_m_s or 0.0) / 10.0
    np.clip(found, -3.0, 3.0, out=found)
    return found


def steam(maps: Floats, netd_k: float) -> float:
    """Share of the picture that is a kelvin warmer than the background and moves: clouds of steam."""
    return float(np.mean((maps[0] > 2.0) & (maps[2] > 16.0 * netd_k)))
