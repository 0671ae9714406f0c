"""Training batches: seconds drawn from scenarios with and without a leak, sensors dropped at random, shuffled across scenarios."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.leak.layout import Floats
from inference.leaksim.machines import Split
from inference.leaksim.picture import Noise
from inference.leaksim.run import bins, listen, watch
from inference.leaksim.scenario import draw

SECONDS = 48
PER_SCENARIO = 14
LEAKING = 0.55  # of the scenarios
DROPPED = 0.15  # each sensor
OF_SOUND = np.array([1, 0, 1, 1, 1, 0, 0, 0, 0], np.float32)  # whose qualities (leak.quality.QUALITIES) these are
OF_PICTURE = np.array([0, 1, 0, 0, 0, 1, 1, 0, 1], np.float32)


@dataclass(slots=True)
class Batch:
    """Arrays of n seconds; distance and mass are −1 where there is nothing to learn."""

    sound: Floats
    maps: Floats
    quality: Floats
    leaking: Floats
    mask: Floats
    distance: NDArray[np.int64]
    mass: NDArray[np.int64]


def empty(count: int) -> Batch:
    """Room for `count` seconds."""
    f, n = np.float32, count
    return Batch(
        np.empty((n, 2, 64, 16), f), np.empty((n, 4, 120, 160), f), np.empty((n, 9), f), np.empty(n, f),
        np.empty((n, 15, 20), f), np.empty(n, np.int64), np.empty(n, np.int64),
    )  # fmt: skip


def fill(split: Split, first: int, count: int, noise: Noise, *, drop: bool = True) -> tuple[Batch, int]:
    """`count` seconds of the scenarios from seed `first` on; the seed after the last."""
    batch, at, seed = empty(count), 0, first
    while at < count:
        at = _scenario(split, seed, batch, at, noise)
        seed += 1
    if drop:
        _dropped(batch, np.random.default_rng((9, first)))
    return batch, seed


def _scenario(split: Split, seed: int, batch: Batch, at: int, noise: Noise) -> int:
    rng = np.random.default_rng((8, seed))
    scenario = draw(split, seed, leak=bool(rng.random() < LEAKING))
    onset = float(rng.uniform(10.0, 30.0)) if scenario.leak else math.inf
    distance, mass = bins(scenario)
    chosen = np.sort(rng.choice(np.arange(8, SECONDS), min(PER_SCENARIO, len(batch.leaking) - at), replace=False))
    for second in watch(scenario, noise, listen(scenario, SECONDS, onset), chosen, onset):
        batch.sound[at], batch.maps[at], batch.quality[at] = second.sound, second.maps, second.quality
        batch.leaking[at], batch.mask[at] = second.leaking, second.mask
        batch.distance[at], batch.mass[at] = (distance, mass) if second.leaking else (-1, -1)
        at += 1
    return at


def _dropped(batch: Batch, rng: np.random.Generator) -> None:
    """Sensors that are away: all their qualities 0, and what they give is 0."""
    chance = rng.random(len(batch.leaking))
    deaf, blind = chance < DROPPED, chance > 1.0 - DROPPED
    batch.sound[deaf] = 0.0
    batch.maps[blind] = 0.0
    batch.mask[blind] = 0.0
    batch.quality[deaf] *= 1.0 - OF_SOUND
    batch.quality[blind] *= 1.0 - OF_PICTURE


def stream(split: Split, first: int, size: int, chunk: int, repeats: int, noise: Noise) -> Iterator[tuple[Batch, int]]:
    """Endless batches: a chunk of seconds is drawn, shuffled, given out `repeats` times, and thrown away; with the next seed."""
    seed = first
    rng = np.random.default_rng((7, first))
    while True:
        drawn, seed = fill(split, seed, chunk, noise)
        for _ in range(repeats):
            order = rng.permutation(chunk)
            for begin in range(0, chunk - size + 1, size):
                part = order[begin : begin + size]
                yield Batch(
                    drawn.sound[part], drawn.maps[part], drawn.quality[part], drawn.leaking[part], drawn.mask[part],
                    drawn.distance[part], drawn.mass[part],
                ), seed  # fmt: skip
