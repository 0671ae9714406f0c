"""The sound of a scenario at two levels: band energies (fast, for millions of seconds) and samples (to check the first by)."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.leak.bands import decibels, freedom, heard_bands
from inference.leak.layout import BANDS, EDGES_HZ, SLOTS, Floats
from inference.leaksim.machines import envelope
from inference.leaksim.scenario import GRID_HZ, Scenario

_SUB = 8  # points per band over which a density is averaged
_POINTS_HZ = np.exp(
    np.linspace(np.log(EDGES_HZ[:-1]), np.log(EDGES_HZ[1:]), 2 * _SUB + 1)[1::2]
)  # [SUB, BANDS] the middle of each part
_WIDTH_HZ = np.diff(EDGES_HZ)


def in_bands(density: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean square pressure in each band, Pa² [BANDS]."""
    found: NDArray[np.float64] = np.interp(_POINTS_HZ, GRID_HZ, density).mean(axis=0) * _WIDTH_HZ
    return found


def loudness(scenario: Scenario, seconds: int, onset_s: float = 0.0) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Densities [sources, GRID] of all that sounds and their power over time [sources, slots]; the leak stands last."""
    rng = scenario.rng(2)
    slots = seconds * SLOTS
    quiet = scenario.background + scenario.microphone.noise(GRID_HZ)
    swell = np.cumsum(rng.normal(0.0, 0.012, slots))  # the plant's murmur wanders by a decibel or two
    swell -= np.linspace(0.0, swell[-1], slots)
    densities, powers = [quiet], [np.exp(swell + 0.03 * rng.standard_normal(slots))]
    for one in scenario.neighbours:
        densities.append(one.density)
        powers.append(envelope(one.machine, seconds, rng).astype(np.float64))
    if scenario.leak is not None:
        rise = np.clip((np.arange(slots) / SLOTS - onset_s) / 0.5, 0.0, 1.0)
        densities.append(scenario.leak.density)
        powers.append(rise * np.exp(0.04 * rng.standard_normal(slots)))
    return np.array(densities), np.array(powers)


def levels(scenario: Scenario, seconds: int, onset_s: float = 0.0) -> Floats:
    """dB re 20 µPa, [seconds, BANDS, SLOTS]: expected energies with the fluctuation that noise in a slot has."""
    densities, powers = loudness(scenario, seconds, onset_s)
    bands = np.array([in_bands(one) for one in densities])
    mean_square = (powers.T @ bands).astype(np.float32)  # [slots, BANDS]
    shape = freedom(scenario.rate_hz).astype(np.float32)
    rng = scenario.rng(3)
    # Wilson–Hilferty: a gamma variable of mean 1 as the cube of a normal one, four times as fast to draw
    third = np.float32(1.0) / (np.float32(9.0) * shape)
    noise = 1.0 - third + np.sqrt(third) * rng.standard_normal(mean_square.shape, dtype=np.float32)
    mean_square *= np.maximum(noise, 0.02) ** 3
    found = decibels(mean_square).reshape(seconds, SLOTS, BANDS).transpose(0, 2, 1).copy()
    found[:, ~heard_bands(scenario.rate_hz)] = decibels(np.zeros(1, np.float32))[0]
    return found


def samples(scenario: Scenario, second: int, seconds: int, onset_s: float = 0.0) -> Floats:
    """Pressure in Pa of one second of the same scenario.

    Each source is normal noise shaped by its density and swelled by its power. The leak comes twice, directly and from its
    reflecting surface, later by the detour: the energies of `levels` do not know that both are one sound.
    """
    densities, powers = loudness(scenario, seconds, onset_s)
    rate = scenario.rate_hz
    rng = np.random.default_rng((*scenario.seed, 4, second))
    total = np.zeros(rate, np.float32)
    first = second * SLOTS
    at = np.minimum(first + np.arange(rate) * SLOTS // rate, powers.shape[1] - 1)
    for number, (density, power) in enumerate(zip(densities, powers, strict=True)):
        if not power[first : first + SLOTS].any():
            continue
        one = shaped(density, rate, rng)
        if scenario.leak is not None and number == len(densities) - 1:
            one = echoed(one, scenario)
        total += one * np.sqrt(power[at]).astype(np.float32)
    return total


def shaped(density: NDArray[np.float64], rate: int, rng: np.random.Generator) -> Floats:
    """A second of normal noise of a density: its spectrum is drawn as OpenCV packs it (re0, re1, im1, …, re of the last)."""
    hz = np.arange(1, rate // 2, dtype=np.float64)
    amplitude = np.sqrt(np.interp(hz, GRID_HZ, density, left=0.0) / 4.0).astype(np.float32)
    packed = rng.standard_normal((1, rate), dtype=np.float32)
    packed[0, [0, -1]] = 0.0
    packed[0, 1:-1] *= amplitude.repeat(2)
    found: Floats = cv2.idft(packed)[0]
    return found


def echoed(sound: Floats, scenario: Scenario) -> Floats:
    """Split a sound that has the energy of both ways into the direct one and its echo; energies stay, the comb comes."""
    assert scenario.leak is not None
    path = scenario.leak.path
    late = round(path.detour_m / scenario.air.sound_m_s * scenario.rate_hz)
    share = path.reflected * (path.metres / (path.metres + path.detour_m)) ** 2
    found: Floats = ((sound + math.sqrt(share) * np.roll(sound, late)) / math.sqrt(1.0 + share)).astype(np.float32)
    return found
