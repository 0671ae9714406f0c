"""The front ends work in small pieces and reused memory; what they find is what the plain formulas give."""

from __future__ import annotations

import numpy as np
import pytest

from inference.leak.bands import FRAME, HOP, FrontEnd, decibels, weights
from inference.leak.layout import SILENCE_DB, SLOTS, Floats
from inference.leak.thermal import ThermalEnd


@pytest.mark.parametrize("rate_hz", [192_000, 44_100])
def test_levels_are_those_of_the_whole_spectrum(rate_hz: int) -> None:
    """Against numpy's transform in double precision, two seconds long: float32 rounding is all that differs."""
    pressure = np.random.default_rng(1).normal(0.0, 1e-3, 2 * rate_hz).astype(np.float32)
    front, window, rest = FrontEnd(rate_hz), np.hanning(FRAME + 1)[:FRAME], np.zeros(0)
    for second in np.split(pressure, 2):
        found = front.second(second)
        whole = np.concatenate((rest, second.astype(np.float64)))
        frames = np.lib.stride_tricks.sliding_window_view(whole, FRAME)[::HOP]
        rest = whole[len(frames) * HOP :]
        power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
        parts = np.split(power, np.arange(1, SLOTS) * len(frames) // SLOTS)
        expected = decibels(np.array([part.mean(axis=0) for part in parts]) @ weights(rate_hz).astype(np.float64)).T
        assert np.abs(found - expected)[front.heard].max() < 1e-3
        assert (found[~front.heard] == SILENCE_DB).all()


def plain(frames: Floats) -> tuple[Floats, Floats, Floats]:
    """Mean, deviation and mean step of every pixel, of whole frames at once."""
    flat = frames - np.median(frames[:, ::4, ::4], axis=(1, 2), keepdims=True)
    steps = np.abs(np.diff(flat, axis=0)).mean(axis=0) if len(flat) > 1 else np.zeros_like(flat[0])
    return flat.mean(axis=0), flat.std(axis=0), steps


def test_a_picture_taken_in_strips_is_the_picture() -> None:
    """Any number of frames, rising and falling, so that no second reads what an earlier one left behind."""
    rng, end = np.random.default_rng(2), ThermalEnd()
    for count in (9, 1, 30, 2, 9):
        frames = (20.0 + np.linspace(0.0, 9.0, 160) + rng.normal(0.0, 0.06, (count, 120, 160))).astype(np.float32)
        found = end.second(frames)
        mean, deviation, steps = plain(frames)
        assert found.maps[1] == pytest.approx(np.clip(deviation * 4.0, 0.0, 6.0), abs=1e-4)
        assert np.array_equal(found.maps[2], np.clip(steps * 4.0, 0.0, 6.0))
        assert np.array_equal(found.maps[3], np.clip(mean * 0.1, -6.0, 6.0))
        assert found.netd_k == pytest.approx(float(np.median(steps[::4, ::4])) / 1.128, rel=1e-6)
