"""A cold plume in a thermal picture: puffs carried by the wind, and the metal that the gas cools.

Puffs are let go at random, drift with the wind and a turbulence that is correlated in time (Langevin), grow as
σ = σ₀ + 0.1 of the way they went and mix with air; each hides what is behind it by band · (1 − exp(−k · column)).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.leak.layout import HEIGHT, WIDTH
from inference.leaksim.air import Air
from inference.leaksim.gas import Gas, R, throttled_k

Floats = NDArray[np.float32]

FIELD_RAD = 0.9  # horizontal field of view, rad
PUFFS = 32  # in sight at a time: more adds nothing that the noise would leave visible
COOLING_S = 40.0  # time constant of a flange's cooling
COOLED = 0.25  # of the gas' temperature drop reaches the metal's surface


@dataclass(frozen=True, slots=True)
class Release:
    """Where in the picture a leak is (pixels), how far, how much, into which direction the wind takes it (rad), and what it is."""

    gas: Gas
    pressure_bar: float
    kg_s: float
    metres: float
    row: float
    column: float
    heading: float
    across: float  # share of the wind that blows across the line of sight
    contrast_k: float  # of still ambient air to what is seen behind the plume


class Plume:
    """The puffs of one release, stepped with the frames."""

    def __init__(self, release: Release, air: Air, rng: np.random.Generator, *, shrink: int = 1) -> None:
        self.release = release
        self._rng = rng
        self._shape = (HEIGHT // shrink, WIDTH // shrink)
        self._pixel_m = release.metres * FIELD_RAD / WIDTH * shrink
        self._wind = max(air.wind_m_s * release.across, 0.25)
        self._air = air
        self._at = rng.normal(0.0, 0.02, (PUFFS, 2))
        self._speed = rng.normal(0.0, 0.3 * self._wind, (PUFFS, 2))
        reach = min(4.0, release.metres * FIELD_RAD)
        self._life_s = reach / self._wind
        self._age = rng.uniform(0.0, self._life_s, PUFFS)
        self._drift = self._wind * np.array([math.sin(release.heading), math.cos(release.heading)])
        self._at += self._age[:, None] * self._drift
        self._load = rng.gamma(2.0, 0.5, PUFFS)
        self._rows = ((np.arange(self._shape[0]) - release.row / shrink) * self._pixel_m).astype(np.float32)
        self._columns = ((np.arange(self._shape[1]) - release.column / shrink) * self._pixel_m).astype(np.float32)

    def step(self, dt: float) -> Floats:
        """Move on by `dt` seconds; what the gas adds to the picture now, in K."""
        if self.release.gas.opacity == 0.0:
            return np.zeros(self._shape, np.float32)
        keep = math.exp(-dt / 0.5)
        self._speed = keep * self._speed + math.sqrt(1.0 - keep * keep) * self._rng.normal(
            0.0, 0.3 * self._wind, (PUFFS, 2)
        )
        self._at += dt * (self._drift + self._speed)
        self._age += dt
        gone = self._age > self._life_s
        count = int(gone.sum())
        if count:
            self._age[gone] -= self._life_s
            self._at[gone] = self._age[gone, None] * self._drift + self._rng.normal(0.0, 0.02, (count, 2))
            self._load[gone] = self._rng.gamma(2.0, 0.5, count)
        return self._drawn()

    def _drawn(self) -> Floats:
        release = self.release
        sigma = (0.03 + 0.1 * self._wind * self._age).astype(np.float32)
        density = self._air.pressure_kpa * 1000.0 * release.gas.kg_mol / (R * self._air.kelvin)
        volume = release.kg_s / density * self._life_s / PUFFS * self._load  # pure gas in a puff, m³
        column_ppm_m = (1e6 * volume / (2.0 * math.pi * sigma**2)).astype(np.float32)
        at = self._at.astype(np.float32)
        down = bell((self._rows[:, None] - at[None, :, 0]) / sigma)
        along = bell((self._columns[None, :] - at[:, 1, None]) / sigma[:, None])
        column = (down * column_ppm_m) @ along
        mixed = (1.0 / (1.0 + 20.0 * self._age)).astype(np.float32)  # share of its own coldness that a puff still has
        cold = (down * (column_ppm_m * mixed)) @ along
        opacity = np.float32(-release.gas.band) * np.expm1(np.float32(-release.gas.opacity) * column)
        own_k = np.float32(throttled_k(release.gas, release.pressure_bar)) * cold / np.maximum(column, 1e-6)
        found: Floats = (opacity * (np.float32(release.contrast_k) + own_k)).astype(np.float32)
        return found


def bell(x: Floats) -> Floats:
    """exp(−x²/2), nowhere so small that its products leave the range in which processors multiply fast."""
    found: Floats = np.exp(np.maximum(np.float32(-0.5) * x * x, np.float32(-40.0)))
    return found


def cooled(release: Release, seconds: float, *, shrink: int = 1) -> Floats:
    """How much colder the metal around the leak is after `seconds`, K (a warmer one for hydrogen)."""
    share = 1.0 - math.exp(-max(seconds, 0.0) / COOLING_S)
    drop = COOLED * throttled_k(release.gas, release.pressure_bar) * min(1.0, math.sqrt(release.kg_s / 0.01)) * share
    width = 0.04 * (1.0 + math.sqrt(release.kg_s / 0.01)) * WIDTH / shrink / (release.metres * FIELD_RAD)
    row = np.exp(-0.5 * ((np.arange(HEIGHT // shrink) - release.row / shrink) / width) ** 2)
    column = np.exp(-0.5 * ((np.arange(WIDTH // shrink) - release.column / shrink) / width) ** 2)
    blurred = min(1.0, width**2 / (width**2 + 0.5))  # a spot smaller than a pixel is diluted in it
    found: Floats = (blurred * drop * np.outer(row, column)).astype(np.float32)
    return found
