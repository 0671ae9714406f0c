"""Sounds that are no leak: machines of a pool, each with a spectrum and a rhythm of its own that its number settles."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from inference.leak.layout import SLOTS
from inference.leaksim.gas import GASES
from inference.leaksim.jet import Opening, power_density

Split = Literal["train", "validate", "test"]
KINDS = (
    "exhaust",  # of a pneumatic cylinder
    "trap",  # steam trap that blows off
    "compressor",
    "grinder",
    "keys",  # people: keys, tools, steps
    "forklift",
    "air leak",  # compressed air that has always blown somewhere
    "rain",
    "blow gun",
)
# machines are numbered; no number is in two sets
POOLS: dict[Split, range] = {"train": range(0, 600), "validate": range(600, 800), "test": range(800, 1000)}


@dataclass(frozen=True, slots=True)
class Machine:
    """`on_s` and `off_s` are the median lengths of its sounds and pauses (on_s = 0: it never stops)."""

    kind: str
    number: int
    power: NDArray[np.float64]  # W/Hz on the grid it was made for
    on_s: float
    off_s: float
    flutter: float  # depth of modulation from slot to slot, standard deviation of ln power
    hot: bool = False


def machine(kind: str, number: int, hz: NDArray[np.float64]) -> Machine:
    """The machine of this kind and number: the same every time."""
    rng = np.random.default_rng((KINDS.index(kind), number))
    power, on_s, off_s, flutter = _MAKERS[kind](rng, hz)
    wobble = np.exp(
        0.115 * np.interp(np.log(hz), np.linspace(math.log(hz[0]), math.log(hz[-1]), 12), rng.normal(0.0, 2.0, 12))
    )
    return Machine(kind, number, power * wobble, on_s, off_s, flutter, hot=kind in ("trap", "forklift", "compressor"))


Made = tuple[NDArray[np.float64], float, float, float]


def _exhaust(rng: np.random.Generator, hz: NDArray[np.float64]) -> Made:
    kg_s = 10.0 ** rng.uniform(-3.0, -1.7)
    power = power_density(hz, GASES["air"], rng.uniform(3.0, 9.0), kg_s, Opening())
    return power * _muffled(rng, hz), rng.uniform(0.1, 0.8), 10.0 ** rng.uniform(0.2, 1.8), 0.1


def _muffled(rng: np.random.Generator, hz: NDArray[np.float64]) -> NDArray[np.float64]:
    found: NDArray[np.float64] = np.ones_like(hz)
    if rng.random() < 0.6:  # a sintered silencer
        found = 1.0 / (1.0 + (hz / rng.uniform(8e3, 3e4)) ** 2)
    return found


def _trap(rng: np.random.Generator, hz: NDArray[np.float64]) -> Made:
    power = power_density(hz, GASES["steam"], rng.uniform(2.0, 12.0), 10.0 ** rng.uniform(-3.0, -1.8), Opening())
    return power, rng.uniform(0.5, 6.0), 10.0 ** rng.uniform(0.8, 2.0), 0.25


def _sloped(
    rng: np.random.Generator, hz: NDArray[np.float64], level_w: float, knee_hz: float, fall: float
) -> NDArray[np.float64]:
    found: NDArray[np.float64] = level_w / knee_hz / (1.0 + (hz / knee_hz) ** fall)
    return found


def _compressor(rng: np.random.Generator, hz: NDArray[np.float64]) -> Made:
    power = _sloped(rng, hz, 10.0 ** rng.uniform(-4.0, -2.0), rng.uniform(2e3, 6e3), rng.uniform(2.5, 4.0))
    whine = rng.uniform(3e3, 1.8e4)
    power = power + power.max() * rng.uniform(0.0, 6.0) * np.exp(-0.5 * ((hz - whine) / (0.02 * whine)) ** 2)
    return power, 10.0 ** rng.uniform(1.5, 2.5), 10.0 ** rng.uniform(1.5, 2.5), 0.08


def _grinder(rng: np.random.Generator, hz: NDArray[np.float64]) -> Made:
    power = _sloped(rng, hz, 10.0 ** rng.uniform(-2.5, -1.0), rng.uniform(5e3, 1.2e4), rng.uniform(2.2, 3.5))
    return power, rng.uniform(1.0, 12.0), 10.0 ** rng.uniform(0.3, 1.8), 0.5


def _keys(rng: np.random.Generator, hz: NDArray[np.float64]) -> Made:
    peak = rng.uniform(1.5e4, 4.5e4)
    power = 10.0 ** rng.uniform(-6.5, -4.5) / peak * np.exp(-0.5 * (np.log(hz / peak) / 0.5) ** 2)
    return power, rng.uniform(0.2, 3.0), 10.0 ** rng.uniform(0.5, 2.0), 1.2


def _forklift(rng: np.random.Generator, hz: NDArray[np.float64]) -> Made:
    power = _sloped(rng, hz, 10.0 ** rng.uniform(-4.0, -2.5), rng.uniform(1.5e3, 5e3), rng.uniform(2.2, 3.5))
    squeal = rng.uniform(4e3, 3e4)
    power = power + power.max() * rng.uniform(0.0, 3.0) * np.exp(-0.5 * ((hz - squeal) / (0.03 * squeal)) ** 2)
    return power, rng.uniform(3.0, 25.0), 10.0 ** rng.uniform(1.3, 2.3), 0.4


def _air_leak(rng: np.random.Generator, hz: NDArray[np.float64]) -> Made:
    power = power_density(
        hz, GASES["air"], rng.uniform(4.0, 9.0), 10.0 ** rng.uniform(-4.5, -3.0), Opening(slit_m=2e-4)
    )
    return power, 0.0, 1.0, 0.03


def _rain(rng: np.random.Generator, hz: NDArray[np.float64]) -> Made:
    power = _sloped(rng, hz, 10.0 ** rng.uniform(-6.0, -4.0), 15e3, 3.0)
    return power, 10.0 ** rng.uniform(1.5, 2.5), 10.0 ** rng.uniform(1.5, 2.5), 0.15


def _blow_gun(rng: np.random.Generator, hz: NDArray[np.float64]) -> Made:
    power = power_density(hz, GASES["air"], rng.uniform(3.0, 7.0), 10.0 ** rng.uniform(-2.7, -1.8), Opening())
    return power, rng.uniform(0.5, 8.0), 10.0 ** rng.uniform(1.0, 2.2), 0.35


_MAKERS = {
    "exhaust": _exhaust, "trap": _trap, "compressor": _compressor, "grinder": _grinder, "keys": _keys,
    "forklift": _forklift, "air leak": _air_leak, "rain": _rain, "blow gun": _blow_gun,
}  # fmt: skip


def envelope(made: Machine, seconds: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Power of its sound over time, in slots: 0 or about 1, with its flutter; ramps of one slot."""
    slots = seconds * SLOTS
    on = np.ones(slots, np.float32)
    if made.on_s > 0.0:
        on[:] = 0.0
        at = -rng.exponential(made.off_s) if rng.random() < 0.5 else rng.exponential(made.off_s)
        while at < seconds:
            length = made.on_s * math.exp(rng.normal(0.0, 0.35))
            first, last = max(int(at * SLOTS), 0), min(int((at + length) * SLOTS) + 1, slots)
            on[first:last] = 1.0 if last > first else 0.0
            at += length + made.off_s * math.exp(rng.normal(0.0, 0.5))
    if made.flutter > 0.0:
        on *= np.exp(made.flutter * rng.standard_normal(slots, dtype=np.float32))
    return on
