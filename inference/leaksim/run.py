"""A scenario as the run-time front end would hand it to the network: second after second of features, qualities and truth."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.leak.bands import Floor, features, heard_bands, quiet_slots
from inference.leak.layout import SLOTS, Floats
from inference.leak.quality import Picture, Sound, steam, vector
from inference.leaksim.picture import FastSight, Noise, steamy
from inference.leaksim.scenario import Scenario
from inference.leaksim.sound import levels, loudness

HIGH = slice(39, 64)  # the bands from 20 kHz on
DISTANCES_M = (4.0, 8.0, 12.0, 16.0)  # edges of the bins
MASSES_KG_S = (0.003, 0.01, 0.03, 0.1)


@dataclass(slots=True)
class Second:
    """One second: what the network is given, and whether the leak blows."""

    at: int
    sound: Floats
    maps: Floats
    quality: Floats
    mask: Floats
    leaking: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """The sound of a whole scenario: features [seconds, 2, 64, 16] and each second's mean floor of the high bands."""

    features: Floats
    floor_db: NDArray[np.float64]
    steam: NDArray[np.bool_]
    heard: float


def listen(scenario: Scenario, seconds: int, onset_s: float = math.inf) -> Heard:
    """The sound features of `seconds`, from a floor that has already settled on the scenario's quieter moments."""
    return heard_of(scenario, levels(scenario, seconds, onset_s), onset_s)


def heard_of(scenario: Scenario, found: Floats, onset_s: float = math.inf) -> Heard:
    """The same of levels [seconds, BANDS, SLOTS], however they were made."""
    seconds = len(found)
    _, powers = loudness(scenario, seconds, onset_s)
    heard = heard_bands(scenario.rate_hz)
    before = int(min(onset_s, seconds))
    calm = np.percentile(found[: max(before, 1)], 20.0, axis=(0, 2)).astype(np.float32)
    below = Floor(calm).followed(quiet_slots(found))
    given = features(found, below, heard)
    high = np.flatnonzero(heard[HIGH]) + HIGH.start
    floors = below[:, high].mean(axis=1) if len(high) else np.full(seconds, 20.0)
    blowing = np.array([steamy(scenario, powers, at, SLOTS) for at in range(seconds)])
    return Heard(given, floors, blowing, float(heard.mean()))


def watch(
    scenario: Scenario, noise: Noise, sound: Heard, chosen: NDArray[np.intp], onset_s: float = math.inf
) -> Iterator[Second]:
    """The chosen seconds (rising) with picture and quality; seconds between them are not drawn."""
    sight = FastSight(scenario, noise, onset_s)
    rng = scenario.rng(13)
    error, wind = float(rng.normal(0.0, 1.0)), scenario.air.wind_m_s if rng.random() < 0.5 else None
    for at in chosen.tolist():
        seen = sight.second(at, steam_on=bool(sound.steam[at]))
        ears = Sound(True, sound.heard, error, float(sound.floor_db[at]))
        eyes = Picture(True, seen.netd_k, seen.shutter_age_s, steam(seen.maps, seen.netd_k))
        yield Second(at, sound.features[at], seen.maps, vector(ears, eyes, wind), seen.mask, at >= onset_s)


def bins(scenario: Scenario) -> tuple[int, int]:
    """The bins of distance and mass flow of the scenario's leak, −1 where there is none."""
    if scenario.leak is None:
        return -1, -1
    release = scenario.leak.release
    return int(np.searchsorted(DISTANCES_M, release.metres)), int(np.searchsorted(MASSES_KG_S, release.kg_s))
