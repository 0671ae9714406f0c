"""The front end for sound: samples in, levels of 64 log bands in 16 slots a second out, and a slow floor below them."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from inference.leak.layout import BANDS, EDGES_HZ, REFERENCE_PA, SILENCE_DB, SLOTS, Floats

FRAME, HOP = 2048, 1024

RATES_HZ = (44_100, 48_000, 88_200, 96_000, 176_400, 192_000)
RISE_DB, FALL_DB = 0.02, 0.5  # of the floor per second: a minute of leak lifts it by 1.2 dB
QUIET_SLOT = 4  # of 16, sorted: bursts shorter than 3/4 s do not lift the floor


def heard_bands(rate_hz: int) -> NDArray[np.bool_]:
    """Which bands lie wholly below half the sample rate, with room for the converter's filter."""
    found: NDArray[np.bool_] = EDGES_HZ[1:] <= 0.46 * rate_hz
    return found


@lru_cache(maxsize=8)
def weights(rate_hz: int) -> Floats:
    """[FRAME/2+1, BANDS]: each bin's power in the band, in Pa² per squared spectral value of a Hann window; edges are shared."""
    width = rate_hz / FRAME
    low = (np.arange(FRAME // 2 + 1) - 0.5) * width
    upper = np.minimum(low[:, None] + width, EDGES_HZ[None, 1:])
    share = np.clip(upper - np.maximum(low[:, None], EDGES_HZ[None, :-1]), 0.0, None) / width
    share[:, ~heard_bands(rate_hz)] = 0.0
    window = np.hanning(FRAME + 1)[:FRAME]
    found: Floats = (share * (2.0 / (FRAME * np.sum(window**2)))).astype(np.float32)
    return found


def freedom(rate_hz: int) -> NDArray[np.float64]:
    """Degrees of freedom of one slot's band power for noise, as the shape of a gamma distribution [BANDS].

    A Hann window ties neighbouring bins (power correlation 4/9 and 1/36) and, at half overlap, neighbouring frames (1/36).
    """
    share = weights(rate_hz).astype(np.float64)
    tied = share * share
    power = tied.sum(axis=0)
    for lag, tie in ((1, 4.0 / 9.0), (2, 1.0 / 36.0)):
        power = power + 2.0 * tie * (share[lag:] * share[:-lag]).sum(axis=0)
    frames = rate_hz / HOP / SLOTS
    total = share.sum(axis=0)
    found: NDArray[np.float64] = np.divide(
        total * total * frames / (1.0 + 2.0 / 36.0), power, out=np.ones(BANDS), where=power > 0
    )
    return found


class FrontEnd:
    """Streams pressure in Pa, one second at a time, and keeps the half frame that reaches into the next."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.heard = heard_bands(rate_hz)
        self._window = np.hanning(FRAME + 1)[:FRAME].astype(np.float32)
        self._weights = weights(rate_hz)
        self._rest = np.zeros(0, np.float32)
        self._scratch = np.empty((0, FRAME), np.float32)

    def second(self, pressure: Floats) -> Floats:
        """Levels in dB re 20 µPa, [BANDS, SLOTS], of about one second of sound, at least 18 frames long."""
        whole = np.concatenate((self._rest, pressure)) if len(self._rest) else pressure
        frames = np.lib.stride_tricks.sliding_window_view(whole, FRAME)[::HOP]
        self._rest = whole[len(frames) * HOP :].copy()
        levels = decibels(self._slots(frames) @ self._weights).T
        levels[~self.heard] = SILENCE_DB
        return levels

    def _slots(self, frames: Floats) -> Floats:
        """The mean squared spectrum of the frames of each slot [SLOTS, FRAME/2+1]; slot by slot, so that it stays in the cache."""
        ends = np.arange(SLOTS + 1) * len(frames) // SLOTS
        counts = np.diff(ends)  # of frames in a slot: they differ by one
        if len(self._scratch) < counts.max():
            self._scratch = np.empty((counts.max(), FRAME), np.float32)
        sums = np.empty((SLOTS, FRAME), np.float32)
        for slot, (begin, count) in enumerate(zip(ends.tolist(), counts.tolist(), strict=False)):
            packed = self._scratch[:count]
            np.multiply(frames[begin : begin + count], self._window, out=packed)
            cv2.dft(packed, packed, cv2.DFT_ROWS)
            np.multiply(packed, packed, out=packed)
            np.add.reduce(packed, axis=0, out=sums[slot])
        found = unpacked(sums)
        found /= counts[:, None].astype(np.float32)
        return found


def unpacked(squares: Floats) -> Floats:
    """Squared magnitudes of what OpenCV packs as re0, re1, im1, …, re of the last; its transform is 12 times as fast as numpy's."""
    power = np.empty((len(squares), FRAME // 2 + 1), np.float32)
    power[:, 0], power[:, -1] = squares[:, 0], squares[:, -1]
    np.add(squares[:, 1:-1:2], squares[:, 2::2], out=power[:, 1:-1])
    return power


def decibels(mean_square: Floats) -> Floats:
    """dB re 20 µPa of mean square pressures in Pa², not below SILENCE_DB."""
    least = REFERENCE_PA**2 * 10.0 ** (SILENCE_DB / 10.0)
    found: Floats = (10.0 * np.log10(np.maximum(mean_square, least) / REFERENCE_PA**2)).astype(np.float32)
    return found


class Floor:
    """The level below which a band seldom falls: rises slowly, falls fast, and stands still while something is suspected."""

    def __init__(self, levels: Floats | None = None, most: Floats | None = None) -> None:
        self.levels = levels  # dB [BANDS], None until the first second
        self._most = most  # it never rises above what the site's baseline allows

    def follow(self, levels: Floats, *, hold: bool = False) -> Floats:
        """Take one second's levels [BANDS, SLOTS]; returns the floor they are to be compared with."""
        return self._step(quiet_slots(levels), hold=hold)

    def followed(self, quiet: Floats) -> Floats:
        """Take many seconds' quiet levels [seconds, BANDS]; returns the floor of each."""
        found: Floats = np.array([self._step(one) for one in quiet])
        return found

    def _step(self, quiet: Floats, *, hold: bool = False) -> Floats:
        if self.levels is None:
            self.levels = quiet.copy()
        before = self.levels
        if not hold:
            self.levels = before + np.minimum(np.maximum(quiet - before, -FALL_DB), RISE_DB).astype(np.float32)
            if self._most is not None:
                self.levels = np.minimum(self.levels, self._most)
        return before


def quiet_slots(levels: Floats) -> Floats:
    """The quieter quarter of each band's slots: what is short does not count. [..., BANDS, SLOTS] → [..., BANDS]."""
    found: Floats = np.partition(levels, QUIET_SLOT, axis=-1)[..., QUIET_SLOT]
    return found


def features(levels: Floats, floor: Floats, heard: NDArray[np.bool_]) -> Floats:
    """What the network is given, [..., 2, BANDS, SLOTS]: scaled levels, and the ratio to the floor; 0 where nothing can be heard."""
    given = np.empty((*levels.shape[:-2], 2, *levels.shape[-2:]), np.float32)
    given[..., 0, :, :] = (levels - 40.0) / 20.0
    np.clip((levels - floor[..., None]) / 10.0, -2.0, 6.0, out=given[..., 1, :, :])
    given[..., ~heard, :] = 0.0
    return given
