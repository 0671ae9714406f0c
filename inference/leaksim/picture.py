"""The thermal picture of a scenario at two levels: the front end's maps (fast), and frames (to check the first by)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.leak.layout import CELL, HEIGHT, MASK, WIDTH, Floats
from inference.leak.thermal import scaled
from inference.leaksim.plume import Plume, cooled
from inference.leaksim.scenario import Scenario

SHRINK = 2  # the fast level draws what moves at half the resolution
FAST_FRAMES = 4
BANK = 48


@dataclass(slots=True)
class Seen:
    """What one second shows: the maps, the plume mask [15, 20], and the state of the camera."""

    maps: Floats
    mask: Floats
    netd_k: float
    shutter_age_s: float


class Noise:
    """A store of what a second of sensor noise of unit deviation comes to in the maps, made from frames once."""

    def __init__(self, frames: int = 9) -> None:
        rng = np.random.default_rng(5)
        self.mean = np.empty((BANK, HEIGHT, WIDTH), np.float32)
        self.deviation, self.motion = np.empty_like(self.mean), np.empty_like(self.mean)
        for at in range(BANK):
            drawn = rng.standard_normal((frames, HEIGHT, WIDTH), dtype=np.float32)
            self.mean[at], self.deviation[at] = drawn.mean(axis=0), drawn.std(axis=0)
            self.motion[at] = np.abs(np.diff(drawn, axis=0)).mean(axis=0)

    @staticmethod
    def pick(store: Floats, rng: np.random.Generator) -> Floats:
        """One of them, turned over or not."""
        at, turn = int(rng.integers(BANK)), int(rng.integers(4))
        one: Floats = store[at]
        one = one[::-1] if turn & 1 else one
        return one[:, ::-1] if turn & 2 else one


class View:
    """The picture of a scenario as time goes on: everything but the sensor's noise, in °C against the middle of the scene."""

    def __init__(self, scenario: Scenario, onset_s: float, shrink: int) -> None:
        self.scenario, self.onset_s, self.shrink = scenario, onset_s, shrink
        self._rng = scenario.rng(6)
        self.still = still(scenario, shrink)
        self.sunny = smooth(scenario.rng(7), shrink, 3) > 0.0
        self.plume = (
            Plume(scenario.leak.release, scenario.air, scenario.rng(8), shrink=shrink) if scenario.leak else None
        )
        steam = scenario.sight.steam
        self.steam = Plume(steam, scenario.air, scenario.rng(9), shrink=shrink) if steam else None
        self.blobs: list[Blob] = []
        self._cloud = 0.0

    def active(self, second: float, steam_on: bool) -> bool:
        """Whether anything moves in this second."""
        self._come()
        leaking = self.plume is not None and second + 1.0 > self.onset_s
        return leaking or bool(self.blobs) or (self.steam is not None and steam_on)

    def _come(self) -> None:
        self.blobs = [one for one in self.blobs if one.here]
        sight = self.scenario.sight
        for rate, size, warm in ((sight.people, 0.5, 8.0), (sight.vehicles, 1.2, 12.0)):
            if self._rng.random() < rate / 15.0:  # each stays for about 15 s
                self.blobs.append(Blob(self._rng, size, warm - 0.3 * (self.scenario.air.temperature_c - 20.0)))

    def sun(self, dt: float) -> float:
        """How much warmer the sunny parts are than on average, K."""
        sight = self.scenario.sight
        keep = math.exp(-dt / sight.cloud_s)
        self._cloud = keep * self._cloud + math.sqrt(1.0 - keep * keep) * self._rng.standard_normal()
        return float(sight.sun_k * math.tanh(self._cloud))

    def frame(self, at_s: float, dt: float, steam_on: bool) -> tuple[Floats, Floats]:
        """What moves adds to the picture at a time, and the leak's share of it."""
        shape = (HEIGHT // self.shrink, WIDTH // self.shrink)
        leak = np.zeros(shape, np.float32)
        if self.plume is not None and at_s >= self.onset_s:
            assert self.scenario.leak is not None
            leak += self.plume.step(dt) * min(1.0, at_s - self.onset_s)
            leak += cooled(self.scenario.leak.release, at_s - self.onset_s, shrink=self.shrink)
        other = np.zeros(shape, np.float32)
        if self.steam is not None and steam_on:
            other += self.steam.step(dt)
        for blob in self.blobs:
            blob.draw(other, dt, self.shrink)
        return other, leak


class Blob:
    """Somebody or something warm that crosses the picture."""

    def __init__(self, rng: np.random.Generator, size_m: float, warm_k: float) -> None:
        metres = rng.uniform(3.0, 20.0)
        self.size = size_m / metres * WIDTH / 0.9
        self.warm = warm_k * rng.uniform(0.5, 1.2)
        self.speed = rng.choice([-1.0, 1.0]) * rng.uniform(0.2, 2.0) / metres * WIDTH / 0.9
        self.row = rng.uniform(0.3, 0.9) * HEIGHT
        self.column = -self.size if self.speed > 0 else WIDTH + self.size
        self.left_s = rng.exponential(15.0)

    @property
    def here(self) -> bool:
        """Still in the picture."""
        return self.left_s > 0.0 and -2.0 * self.size <= self.column <= WIDTH + 2.0 * self.size

    def draw(self, onto: Floats, dt: float, shrink: int) -> None:
        """Move, and warm what is there."""
        self.left_s -= dt
        self.column += self.speed * dt
        top, low = (int((self.row + side * 1.2 * self.size) / shrink) for side in (-1, 1))
        left, right = (int((self.column + side * 0.5 * self.size) / shrink) for side in (-1, 1))
        onto[max(top, 0) : max(low, 0), max(left, 0) : max(right, 0)] += self.warm


def smooth(rng: np.random.Generator, shrink: int, cells: int) -> Floats:
    """A random field of unit deviation with structures of about a `cells`-th of the picture."""
    coarse = rng.standard_normal((cells + 1, cells + 1))
    rows = np.linspace(0.0, cells, HEIGHT // shrink)
    columns = np.linspace(0.0, cells, WIDTH // shrink)
    down = np.array([np.interp(rows, np.arange(cells + 1), coarse[:, at]) for at in range(cells + 1)]).T
    found: Floats = np.array([np.interp(columns, np.arange(cells + 1), line) for line in down]).astype(np.float32)
    return found


def still(scenario: Scenario, shrink: int) -> Floats:
    """The scene without anything that moves: walls, ground, pipes, some of them hot; K against its middle."""
    rng = scenario.rng(10)
    picture = smooth(rng, shrink, 4) * np.float32(rng.uniform(0.3, 3.0))
    height, width = picture.shape
    for _ in range(rng.integers(2, 9)):
        warm = np.float32(rng.normal(0.0, 4.0) if rng.random() < 0.7 else rng.uniform(10.0, 60.0))
        thick, at = int(rng.integers(2, 10)) // shrink + 1, rng.random()
        if rng.random() < 0.5:
            picture[int(at * height) : int(at * height) + thick] += warm
        else:
            picture[:, int(at * width) : int(at * width) + thick] += warm
    found: Floats = picture - np.median(picture)
    return found


class FastSight:
    """Second after second of maps without frames: moving parts drawn coarsely, noise taken from the store."""

    def __init__(self, scenario: Scenario, noise: Noise, onset_s: float = math.inf) -> None:
        self._view = View(scenario, onset_s, SHRINK)
        self._noise, self._camera = noise, scenario.camera
        self._rng = scenario.rng(11)
        self._still = still(scenario, 1)
        self._pattern = scenario.rng(12).standard_normal((HEIGHT, WIDTH), dtype=np.float32)
        self._sunny = np.kron(self._view.sunny, np.ones((SHRINK, SHRINK), np.float32)).astype(np.float32)
        self._second = 0
        self._shutter_s = float(self._rng.uniform(0.0, self._camera.shutter_s))

    def second(self, at: int, *, steam_on: bool = False) -> Seen:
        """Second `at`, which must rise from call to call; what moves only moves in seconds that are asked for."""
        self._shutter_s = (self._shutter_s + at - self._second) % self._camera.shutter_s
        self._second = at
        netd = self._camera.netd_k
        pick = self._noise.pick
        drift = self._camera.pattern_k * math.sqrt(self._shutter_s / 60.0)
        change = np.float32(netd) * pick(self._noise.mean, self._rng) + np.float32(drift) * self._pattern
        sun = self._view.sun(1.0)
        if sun:
            change = change + np.float32(sun) * self._sunny
        deviation = np.float32(netd) * pick(self._noise.deviation, self._rng)
        motion = np.float32(netd) * pick(self._noise.motion, self._rng)
        mask = np.zeros(MASK, np.float32)
        if self._view.active(at, steam_on):
            mean, spread, steps, mask = self._moving(at, steam_on)
            change = change + mean
            deviation, motion = np.sqrt(deviation**2 + spread**2), np.sqrt(motion**2 + steps**2)
        return Seen(scaled(change, deviation, motion, self._still + change), mask, netd, self._shutter_s)

    def _moving(self, at: float, steam_on: bool) -> tuple[Floats, Floats, Floats, Floats]:
        dt = 1.0 / FAST_FRAMES
        drawn = [self._view.frame(at + dt * (n + 1), dt, steam_on) for n in range(FAST_FRAMES)]
        total = np.array([other + leak for other, leak in drawn])
        # nine frames a second see smaller steps than five: a random walk's by the root of the ratio
        steps = np.abs(np.diff(total, axis=0)).mean(axis=0) * math.sqrt(FAST_FRAMES / self._camera.frame_hz)
        leak = np.mean([leak for _, leak in drawn], axis=0)
        big = (double(total.mean(axis=0)), double(total.std(axis=0)), double(steps))
        return (*big, masked(leak, self._camera.netd_k, SHRINK))


def double(small: Floats) -> Floats:
    """Twice the resolution, by repetition."""
    return small.repeat(SHRINK, axis=0).repeat(SHRINK, axis=1)


def masked(leak: Floats, netd_k: float, shrink: int) -> Floats:
    """The cells in which the leak changes the picture by more than its noise, 0 or 1 [15, 20]."""
    side = CELL // shrink
    cells = np.abs(leak).reshape(MASK[0], side, MASK[1], side).mean(axis=(1, 3))
    found: Floats = (cells > netd_k).astype(np.float32)
    return found


def frames(scenario: Scenario, view: View, second: int, rng: np.random.Generator, steam_on: bool = False) -> Floats:
    """One second of frames in °C at full resolution, noise and all; `view` must be made with shrink 1."""
    count = round(scenario.camera.frame_hz)
    dt = 1.0 / count
    view.active(second, steam_on)
    found = np.empty((count, HEIGHT, WIDTH), np.float32)
    sun = np.float32(view.sun(1.0)) * view.sunny
    for at in range(count):
        other, leak = view.frame(second + dt * (at + 1), dt, steam_on)
        noise = scenario.camera.netd_k * rng.standard_normal((HEIGHT, WIDTH), dtype=np.float32)
        found[at] = scenario.air.temperature_c + view.still + sun + other + leak + noise
    return found


def steamy(scenario: Scenario, powers: NDArray[np.float64], second: int, slots: int) -> bool:
    """Whether a trap blows in this second (`powers` as `sound.loudness` gives them)."""
    for number, one in enumerate(scenario.neighbours, start=1):
        if one.machine.kind == "trap" and powers[number, second * slots : (second + 1) * slots].any():
            return True
    return False
