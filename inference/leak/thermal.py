"""The front end for the thermal picture: frames in kelvin in, four maps a second out, and what the camera itself is doing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from inference.leak.layout import MAPS, Floats

BACKGROUND_S = 600.0  # time constant of the background: a plume that stays is seen against it for minutes
FIRST_S = 20  # seconds the first background is averaged over
FROZEN_FRAMES = 4  # equal frames in a row are no picture any more (a sensor's noise never repeats)
JUMP_K = 0.25  # the whole picture moved at once: the camera corrected itself behind its shutter
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
        self._equal = 0
        self._shutter_s = 0.0

    def second(self, frames: Floats, *, hold: bool = False) -> Second:
        """Frames [n, 120, 160] in °C, n ≥ 1. `hold`: something is suspected and the background is not to learn it."""
        jumped = self._jumps(frames)
        self._shutter_s = 0.0 if jumped else self._shutter_s + 1.0
        usable = frames if not jumped else frames[-max(1, len(frames) // 2) :]
        level = np.median(sparse(usable), axis=(1, 2))[:, None, None]
        flat = usable - level  # a shutter shifts the picture as a whole; what counts is the difference inside it
        mean = flat.mean(axis=0)
        steps = np.zeros_like(mean)
        if len(flat) > 1:
            moved = flat[1:] - flat[:-1]
            np.abs(moved, out=moved)
            steps = moved.mean(axis=0)
        flat -= mean
        deviation = np.sqrt(np.einsum("fhw,fhw->hw", flat, flat) / np.float32(len(flat)))
        netd_k = float(np.median(sparse(steps))) / 1.128  # E|a−b| of two normal values is 2/√π of their deviation
        background = self._learn(mean, hold=hold)
        low, high = np.percentile(sparse(mean), (0.5, 99.5))
        maps = scaled(mean - background, deviation, steps, mean)
        frozen = self._equal >= FROZEN_FRAMES
        blind = float(high - low) < 3.0 * max(netd_k, 0.01)
        return Second(maps, netd_k, len(frames), frozen, blind, jumped, self._shutter_s)

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
        jumped = False
        for frame in frames:
            if self._last is not None:
                change = sparse(frame) - sparse(self._last)
                self._equal = self._equal + 1 if not change.any() and np.array_equal(frame, self._last) else 0
                shift = float(np.median(change))
                jumped |= abs(shift) > JUMP_K and float(np.mean(np.sign(change) == np.sign(shift))) > MANY_SHIFTED
            self._last = frame
        return jumped


def sparse(picture: Floats) -> Floats:
    """Every fourth row and column: enough for the middle of a picture, at a sixteenth of the price."""
    return picture[..., ::4, ::4]


def scaled(change: Floats, deviation: Floats, motion: Floats, temperature: Floats) -> Floats:
    """The four maps as the network takes them [4, 120, 160]: half kelvins, and tens of kelvins for the temperature."""
    maps = np.empty((MAPS, *change.shape), np.float32)
    np.clip(change * 2.0, -6.0, 6.0, out=maps[0])
    np.clip(deviation * 4.0, 0.0, 6.0, out=maps[1])
    np.clip(motion * 4.0, 0.0, 6.0, out=maps[2])
    np.clip(temperature * 0.1, -6.0, 6.0, out=maps[3])
    return maps
