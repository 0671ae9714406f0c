"""The front end for the thermal picture: frames in kelvin in, four maps a second out, and what the camera itself is doing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.leak.layout import MAPS, Floats

BACKGROUND_S = 600.0  # time constant of the background: a plume that stays is seen against it for minutes
FIRST_S = 20  # seconds the first background is averaged over
FROZEN_FRAMES = 4  # equal frames in a row are no picture any more (a sensor's noise never repeats)
JUMP_K = 0.25  # the whole picture moved at once: the camera corrected itself behind its shutter
ROWS = 24  # of a picture that are taken at a time
MANY_SHIFTED = 0.9  # share of the pixels that go along in such a jump


@dataclass(slots=True)
class Second:
    """One second of pictures: maps [4, 120, 160], the noise found in K, and why they may not be trusted."""

    maps: Floats
    netd_k: float
    frames: int
    frozen: bool
    blind: bool
    jumped: bool
    shutter_age_s: float


class ThermalEnd:
    """Keeps the background and the age of the last shutter; takes the frames of one second at a time."""

    def __init__(self) -> None:
        self._background: Floats | None = None
        self._seconds = 0
        self._last: Floats | None = None
        self._room = np.empty((0, ROWS, 0), np.float32)  # kept: new memory every second costs more than the sums
        self._equal = 0
        self._shutter_s = 0.0

    def second(self, frames: Floats, *, hold: bool = False) -> Second:
        """Frames [n, 120, 160] in °C, n ≥ 1. `hold`: something is suspected and the background is not to learn it."""
        jumped = self._jumps(frames)
        self._shutter_s = 0.0 if jumped else self._shutter_s + 1.0
        usable = frames if not jumped else frames[-max(1, len(frames) // 2) :]
        mean, deviation, steps = self._moments(usable)
        # E|a−b| of two normal values is 2/√π of their deviation
        netd_k = float(middle(sparse(steps).reshape(1, -1))[0]) / 1.128
        background = self._learn(mean, hold=hold)
        low, high = np.percentile(sparse(mean), (0.5, 99.5))
        maps = scaled(mean - background, deviation, steps, mean)
        frozen = self._equal >= FROZEN_FRAMES
        blind = float(high - low) < 3.0 * max(netd_k, 0.01)
        return Second(maps, netd_k, len(frames), frozen, blind, jumped, self._shutter_s)

    def _moments(self, frames: Floats) -> tuple[Floats, Floats, Floats]:
        """Of each pixel [120, 160]: mean, deviation, and mean step from frame to frame. A few rows at a time stay in the cache."""
        count, height, width = frames.shape
        level = middle(sparse(frames).reshape(count, -1))[:, None, None]
        mean, deviation, steps = (np.zeros((height, width), np.float32) for _ in range(3))
        if len(self._room) < 2 * count:
            self._room = np.empty((2 * count, ROWS, width), np.float32)
        for top in range(0, height, ROWS):
            rows = slice(top, top + ROWS)
            flat, moved = self._room[:count], self._room[count : 2 * count - 1]
            # a shutter shifts the picture as a whole; what counts is the difference inside it
            np.subtract(frames[:, rows], level, out=flat)
            flat.mean(axis=0, out=mean[rows])
            if count > 1:
                np.subtract(flat[1:], flat[:-1], out=moved)
                np.abs(moved, out=moved)
                moved.mean(axis=0, out=steps[rows])
            flat -= mean[rows]
            np.einsum("fhw,fhw->hw", flat, flat, out=deviation[rows])
        deviation /= np.float32(count)
        np.sqrt(deviation, out=deviation)
        return mean, deviation, steps

    def _learn(self, mean: Floats, *, hold: bool) -> Floats:
        self._seconds += 1
        if self._background is None:
            self._background = mean.copy()
        before = self._background
        if not hold:
            share = max(1.0 / self._seconds if self._seconds <= FIRST_S else 0.0, 1.0 / BACKGROUND_S)
            self._background = before + np.float32(share) * (mean - before)
        return before

    def _jumps(self, frames: Floats) -> bool:
        """Whether a shutter closed in these frames; counts how many are equal to the one before."""
        every = [*([] if self._last is None else [self._last]), *frames]
        self._last = every[-1]
        seen = np.stack([sparse(one).reshape(-1) for one in every])
        changes = seen[1:] - seen[:-1]
        for at, changed in enumerate(np.any(changes, axis=1)):
            self._equal = self._equal + 1 if not changed and np.array_equal(every[at + 1], every[at]) else 0
        shifts = middle(changes)
        far = np.flatnonzero(np.abs(shifts) > JUMP_K)
        along = np.mean(np.sign(changes[far]) == np.sign(shifts[far, None]), axis=1)
        return bool((along > MANY_SHIFTED).any())


def sparse(picture: Floats) -> Floats:
    """Every fourth row and column: enough for the middle of a picture, at a sixteenth of the price."""
    return picture[..., ::4, ::4]


def middle(rows: Floats) -> Floats:
    """The median of each row [n, an even number]; numpy's own looks for NaN as well and takes twice as long."""
    half = rows.shape[1] // 2
    parted = np.partition(rows, (half - 1, half), axis=1)
    found: Floats = (parted[:, half - 1] + parted[:, half]) / np.float32(2.0)
    return found


def scaled(change: Floats, deviation: Floats, motion: Floats, temperature: Floats) -> Floats:
    """The four maps as the network takes them [4, 120, 160]: half kelvins, and tens of kelvins for the temperature."""
    maps = np.empty((MAPS, *change.shape), np.float32)
    np.clip(change * 2.0, -6.0, 6.0, out=maps[0])
    np.clip(deviation * 4.0, 0.0, 6.0, out=maps[1])
    np.clip(motion * 4.0, 0.0, 6.0, out=maps[2])
    np.clip(temperature * 0.1, -6.0, 6.0, out=maps[3])
    return maps
