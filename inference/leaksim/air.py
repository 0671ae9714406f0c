"""Air as a path for sound: speed, and absorption after ISO 9613-1:1993."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

REFERENCE_PA = 20e-6  # 0 dB of sound pressure
ONE_ATM_KPA = 101.325
T0_K, TRIPLE_K = 293.15, 273.16


@dataclass(frozen=True, slots=True)
class Air:
    """Weather at the place: °C, relative humidity in %, kPa, wind in m/s."""

    temperature_c: float = 20.0
    humidity_pct: float = 50.0
    pressure_kpa: float = ONE_ATM_KPA
    wind_m_s: float = 2.0

    @property
    def kelvin(self) -> float:
        """Absolute temperature."""
        return self.temperature_c + 273.15

    @property
    def sound_m_s(self) -> float:
        """Speed of sound."""
        return 331.3 * math.sqrt(self.kelvin / 273.15)

    @property
    def density(self) -> float:
        """kg/m³."""
        return self.pressure_kpa * 1000.0 / (287.05 * self.kelvin)


def absorption_db_m(hz: NDArray[np.float64], air: Air) -> NDArray[np.float64]:
    """Attenuation of pure tones in dB per metre (ISO 9613-1, equations 3 to 5; good to 10 MHz per atmosphere)."""
    relative_p, t = air.pressure_kpa / ONE_ATM_KPA, air.kelvin / T0_K
    saturation = 10.0 ** (-6.8346 * (TRIPLE_K / air.kelvin) ** 1.261 + 4.6151)
    h = air.humidity_pct * saturation / relative_p  # molar concentration of water vapour, %
    oxygen = relative_p * (24.0 + 4.04e4 * h * (0.02 + h) / (0.391 + h))
    nitrogen = relative_p * t**-0.5 * (9.0 + 280.0 * h * math.exp(-4.170 * (t ** (-1.0 / 3.0) - 1.0)))
    square = hz * hz
    relaxed = 0.01275 * math.exp(-2239.1 / air.kelvin) / (oxygen + square / oxygen)
    relaxed = relaxed + 0.1068 * math.exp(-3352.0 / air.kelvin) / (nitrogen + square / nitrogen)
    found: NDArray[np.float64] = 8.686 * square * (1.84e-11 / relative_p * t**0.5 + t**-2.5 * relaxed)
    return found
