"""From the source to the microphone: spreading, absorption, a reflecting ground or wall, and the room's own field."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.leaksim.air import REFERENCE_PA, Air, absorption_db_m


@dataclass(frozen=True, slots=True)
class Path:
    """`reflected` is the share of energy that a surface returns; `detour_m` how much longer that way is; `room_m2` the
    absorbing area of a hall (0 = open air)."""

    metres: float
    reflected: float = 0.0
    detour_m: float = 1.0
    room_m2: float = 0.0


def heard(power: NDArray[np.float64], hz: NDArray[np.float64], path: Path, air: Air) -> NDArray[np.float64]:
    """Mean square pressure density in Pa²/Hz of a source of `power` W/Hz."""
    lost = absorption_db_m(hz, air)
    impedance = air.density * air.sound_m_s

    def along(metres: float) -> NDArray[np.float64]:
        spread: NDArray[np.float64] = 10.0 ** (-lost * metres / 10.0) / (4.0 * math.pi * metres**2)
        return spread

    field = along(path.metres) + path.reflected * along(path.metres + path.detour_m)
    if path.room_m2 > 0.0:
        # the mean free way in a hall of this area sets how much of the reverberant field the air itself takes
        field = field + 4.0 / (path.room_m2 * (1.0 + lost * 10.0 / 4.34))
    found: NDArray[np.float64] = power * impedance * field
    return found


def level_db(density: NDArray[np.float64], hz: NDArray[np.float64], low_hz: float, high_hz: float) -> float:
    """Sound pressure level of a band in dB re 20 µPa; trapezoids over the grid, which need not be even."""
    inside = (hz >= low_hz) & (hz <= high_hz)
    return 10.0 * math.log10(float(np.trapezoid(density[inside], hz[inside])) / REFERENCE_PA**2)
