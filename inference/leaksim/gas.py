"""Gases under pressure: choked flow, the fully expanded jet, and cooling by throttling (ideal gas, one dimension)."""

from __future__ import annotations

import math
from dataclasses import dataclass

R = 8.314462
ATMOSPHERE_PA = 101_325.0


@dataclass(frozen=True, slots=True)
class Gas:
    """`throttling` is the Joule–Thomson coefficient near 20 °C in K/bar. An uncooled long-wave camera (7.5–14 µm) sees the gas
    itself as `band` · (1 − exp(−`opacity` · column)): the share of its band in which the gas absorbs, and 1/(ppm·m)."""

    name: str
    kg_mol: float
    gamma: float
    throttling: float
    opacity: float
    band: float


GASES = {
    gas.name: gas
    for gas in (
        Gas("methane", 0.01604, 1.31, 0.45, 4e-5, 0.08),  # only the flank of its band at 7.7 µm
        Gas("propane", 0.04410, 1.13, 1.9, 5e-5, 0.05),
        Gas("ammonia", 0.01703, 1.31, 2.5, 1e-4, 0.35),  # its band at 10.3 µm lies in the middle
        Gas("hydrogen", 0.002016, 1.41, -0.03, 0.0, 0.0),  # warms on throttling and has no infrared band
        Gas("nitrogen", 0.02801, 1.40, 0.21, 0.0, 0.0),
        Gas("air", 0.02896, 1.40, 0.23, 0.0, 0.0),
        Gas("steam", 0.01802, 1.32, 0.0, 4e-5, 1.0),  # its droplets
    )
}


@dataclass(frozen=True, slots=True)
class Jet:
    """A release expanded to ambient pressure: `area_m2` is the opening's, `widening` the factor on lengths of the jet."""

    mass_kg_s: float
    area_m2: float
    speed_m_s: float
    mach: float
    widening: float

    @property
    def stream_w(self) -> float:
        """Mechanical power of the stream."""
        return 0.5 * self.mass_kg_s * self.speed_m_s**2

    @property
    def shock(self) -> float:
        """Strength of the shock cells, β = √(M²−1); 0 below choking."""
        return math.sqrt(max(self.mach**2 - 1.0, 0.0))


def expand(gas: Gas, pressure_bar: float, mass_kg_s: float, temperature_k: float = 293.15) -> Jet:
    """The jet that carries `mass_kg_s` out of a vessel at `pressure_bar` (absolute)."""
    g, specific = gas.gamma, R / gas.kg_mol
    p0 = pressure_bar * 1e5
    mach = math.sqrt(2.0 / (g - 1.0) * ((p0 / ATMOSPHERE_PA) ** ((g - 1.0) / g) - 1.0))
    static_k = temperature_k / (1.0 + (g - 1.0) / 2.0 * mach**2)
    speed = mach * math.sqrt(g * specific * static_k)
    throat = min(mach, 1.0)
    shrink = 1.0 + (g - 1.0) / 2.0 * throat**2
    flux = p0 * throat * math.sqrt(g / (specific * temperature_k)) * shrink ** (-(g + 1.0) / (2.0 * (g - 1.0)))
    wide = 1.0
    if mach > 1.0:
        wide = ((2.0 + (g - 1.0) * mach**2) / (g + 1.0)) ** ((g + 1.0) / (2.0 * (g - 1.0))) / mach
    return Jet(mass_kg_s, mass_kg_s / flux, speed, mach, math.sqrt(wide))


def throttled_k(gas: Gas, pressure_bar: float) -> float:
    """Temperature change from the vessel to the air, K (negative = colder), Joule–Thomson coefficient taken as constant."""
    return -gas.throttling * (pressure_bar - 1.0) if pressure_bar < 60.0 else -gas.throttling * 59.0
