"""A place and what happens there, drawn from a seed: weather, sensors, machines, and a leak or none.

Sets are split twice: no seed and no machine number of one set occurs in another.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from inference.leak.layout import HEIGHT, WIDTH
from inference.leaksim.air import Air
from inference.leaksim.gas import GASES, Gas
from inference.leaksim.jet import Opening, power_density
from inference.leaksim.machines import KINDS, POOLS, Machine, Split, machine
from inference.leaksim.microphone import Microphone
from inference.leaksim.path import Path, heard, level_db
from inference.leaksim.plume import FIELD_RAD, Release

GRID_HZ = np.geomspace(1_500.0, 96_000.0, 512)
BAND_HZ = (25_000.0, 70_000.0)  # in which leak detectors listen, and in which SNR is told
SETS: dict[Split, int] = {"train": 1, "validate": 2, "test": 3}
# how many of each kind are there, on average
CROWD = {"exhaust": 1.2, "trap": 0.5, "compressor": 0.7, "grinder": 0.3, "keys": 0.6, "forklift": 0.4, "air leak": 0.5,
         "rain": 0.1, "blow gun": 0.25}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A machine and the density of its sound at the microphone, Pa²/Hz on GRID_HZ."""

    machine: Machine
    density: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Leak:
    """A release, its sound at the microphone (Pa²/Hz on GRID_HZ), and the way the sound takes."""

    release: Release
    opening: Opening
    path: Path
    density: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Camera:
    """`netd_k` noise of a frame, `pattern_k` fixed pattern per √minute since the shutter, which closes every `shutter_s`."""

    netd_k: float
    pattern_k: float
    shutter_s: float
    frame_hz: float = 9.0


@dataclass(frozen=True, slots=True)
class Sight:
    """What moves in the picture: people and vehicles, how often; sun that comes and goes; steam of a trap in sight."""

    people: float  # in sight, on average
    vehicles: float
    sun_k: float
    cloud_s: float
    steam: Release | None


@dataclass(frozen=True, slots=True)
class Scenario:
    """All of one place. `background` is in Pa²/Hz on GRID_HZ; `leak` None = there is none."""

    seed: tuple[int, int]
    air: Air
    rate_hz: int
    microphone: Microphone
    background: NDArray[np.float64]
    neighbours: tuple[Neighbour, ...]
    camera: Camera
    sight: Sight
    leak: Leak | None

    def rng(self, purpose: int) -> np.random.Generator:
        """A stream of random numbers of its own for each purpose."""
        return np.random.default_rng((*self.seed, purpose))


def draw(split: Split, seed: int, *, leak: bool, metres: float | None = None, kg_s: float | None = None) -> Scenario:
    """The scenario of this set and seed; `metres` and `kg_s` fix what else is drawn. With `leak` the rest stays the same."""
    key = (SETS[split], seed)
    rng = np.random.default_rng((*key, 0))
    air = Air(
        rng.uniform(-10.0, 40.0), rng.uniform(15.0, 95.0), wind_m_s=float(np.clip(rng.lognormal(0.6, 0.7), 0.1, 12.0))
    )
    microphone = Microphone(
        rng.uniform(3e4, 6e4),
        rng.uniform(1.2, 3.0),
        rng.uniform(7e4, 1e5),
        rng.uniform(-26.0, -14.0),
        rng.normal(0.0, 1.0),
        rng.normal(0.0, 1.5),
    )
    rate = int(rng.choice([192_000, 96_000, 48_000, 44_100], p=[0.65, 0.2, 0.08, 0.07]))
    room = rng.uniform(200.0, 2000.0) if rng.random() < 0.4 else 0.0
    place = replace(
        Scenario(key, air, rate, microphone, _background(rng), (), _camera(rng), Sight(0, 0, 0, 1, None), None),
        neighbours=tuple(_neighbours(rng, split, air, microphone, room)),
    )
    place = replace(place, sight=_sight(rng, air, place.neighbours))
    return (
        replace(place, leak=_leak(np.random.default_rng((*key, 1)), air, microphone, room, metres, kg_s))
        if leak
        else place
    )


def _background(rng: np.random.Generator) -> NDArray[np.float64]:
    """The murmur of a plant: a level at 10 kHz per √Hz, falling with frequency."""
    level, slope = rng.uniform(-6.0, 24.0), rng.uniform(8.0, 24.0)
    found: NDArray[np.float64] = (20e-6) ** 2 * 10.0 ** ((level - slope * np.log10(GRID_HZ / 1e4)) / 10.0)
    return found


def _neighbours(
    rng: np.random.Generator, split: Split, air: Air, microphone: Microphone, room: float
) -> list[Neighbour]:
    found = []
    for kind in KINDS:
        for _ in range(rng.poisson(CROWD[kind])):
            made = machine(kind, int(rng.choice(np.array(POOLS[split]))), GRID_HZ)
            path = Path(3.0 * 10.0 ** rng.uniform(0.0, 1.0), rng.uniform(0.0, 0.9), rng.uniform(0.3, 4.0), room)
            at_microphone = heard(made.power, GRID_HZ, path, air) * microphone.corrected(GRID_HZ)
            found.append(Neighbour(made, at_microphone))
    return found


def _camera(rng: np.random.Generator) -> Camera:
    return Camera(rng.uniform(0.03, 0.1), rng.uniform(0.005, 0.04), rng.uniform(60.0, 300.0))


def _place(rng: np.random.Generator) -> tuple[float, float]:
    return rng.uniform(0.2, 0.8) * HEIGHT, rng.uniform(0.2, 0.8) * WIDTH


def _sight(rng: np.random.Generator, air: Air, neighbours: tuple[Neighbour, ...]) -> Sight:
    steam = None
    if any(one.machine.kind == "trap" for one in neighbours) and rng.random() < 0.4:
        row, column = _place(rng)
        steam = Release(GASES["steam"], 4.0, 10.0 ** rng.uniform(-3.0, -2.0), rng.uniform(3.0, 15.0), row, column,
                        rng.uniform(-math.pi, math.pi), rng.uniform(0.3, 1.0), rng.uniform(5.0, 40.0))  # fmt: skip
    sun = rng.uniform(0.5, 6.0) if rng.random() < 0.4 else 0.0
    people = rng.exponential(0.3) if rng.random() < 0.5 else 0.0
    return Sight(people, rng.exponential(0.1), sun, 10.0 ** rng.uniform(0.7, 2.2), steam)


def _gas(rng: np.random.Generator) -> Gas:
    return GASES[str(rng.choice(["methane", "propane", "ammonia", "hydrogen"], p=[0.5, 0.2, 0.15, 0.15]))]


def _leak(
    rng: np.random.Generator, air: Air, microphone: Microphone, room: float, metres: float | None, kg_s: float | None
) -> Leak:
    gas, pressure = _gas(rng), 10.0 ** rng.uniform(0.6, 1.8)
    away = 2.0 * 10.0 ** rng.uniform(0.0, 1.0) if metres is None else metres
    flow = 10.0 ** rng.uniform(-3.3, -0.7) if kg_s is None else kg_s
    opening = Opening() if rng.random() < 0.4 else Opening(10.0 ** rng.uniform(-4.3, -3.5), rng.uniform(0.002, 0.008))
    path = Path(away, rng.uniform(0.0, 0.9), rng.uniform(0.1, 3.0), room)
    facing = 10.0 ** (rng.normal(0.0, 2.0) / 10.0)  # the jet's direction
    power = power_density(GRID_HZ, gas, pressure, flow, opening) * facing
    density = heard(power, GRID_HZ, path, air) * microphone.corrected(GRID_HZ)
    row, column = _place(rng)
    release = Release(
        gas,
        pressure,
        flow,
        away,
        row,
        column,
        rng.uniform(-math.pi, math.pi),
        rng.uniform(0.2, 1.0),
        rng.normal(0.0, 3.0),
    )
    return Leak(release, opening, path, density)


def band_db(density: NDArray[np.float64], rate_hz: int) -> float:
    """Level of a density on GRID_HZ in the detectors' band, as far as this rate hears it (below 50 kHz: 12 kHz and up)."""
    top = min(BAND_HZ[1], 0.46 * rate_hz)
    return level_db(density, GRID_HZ, BAND_HZ[0] if top > 1.2 * BAND_HZ[0] else 12_000.0, top)


def snr_db(scenario: Scenario) -> float:
    """Level of the leak over the mean of everything else, dB in the detectors' band. NaN without a leak."""
    if scenario.leak is None:
        return math.nan
    rest = scenario.background + scenario.microphone.noise(GRID_HZ)
    for one in scenario.neighbours:
        share = 1.0 if one.machine.on_s == 0.0 else one.machine.on_s / (one.machine.on_s + one.machine.off_s)
        rest = rest + share * one.density
    return band_db(scenario.leak.density, scenario.rate_hz) - band_db(rest, scenario.rate_hz)


__all__ = ["FIELD_RAD", "GRID_HZ", "Camera", "Leak", "Neighbour", "Scenario", "Sight", "band_db", "draw", "snr_db"]
