"""A measuring microphone: resonance, roll-off, noise of its own, and what its calibration leaves of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Microphone:
    """A MEMS capsule: `q` its resonance at `resonance_hz`, `corner_hz` where it falls off, `noise_db` its own noise per Hz.

    `error_db` and `slope_db` (per decade) are what remains after the correction by the data sheet's curve.
    """

    resonance_hz: float = 45_000.0
    q: float = 2.0
    corner_hz: float = 85_000.0
    noise_db: float = -22.0  # dB re 20 µPa/√Hz
    error_db: float = 0.0
    slope_db: float = 0.0

    def response(self, hz: NDArray[np.float64]) -> NDArray[np.float64]:
        """Power gain before any correction."""
        x = (hz / self.resonance_hz) ** 2
        peak = 1.0 / ((1.0 - x) ** 2 + x / self.q**2)
        found: NDArray[np.float64] = np.where(x < 1.0, peak, np.minimum(peak * x * x, self.q**2)) / (
            1.0 + (hz / self.corner_hz) ** 4
        )
        return found

    def noise(self, hz: NDArray[np.float64]) -> NDArray[np.float64]:
        """Own noise in Pa²/Hz after the correction: it grows where the capsule hears little."""
        found: NDArray[np.float64] = (
            (20e-6) ** 2 * 10.0 ** (self.noise_db / 10.0) / np.clip(self.response(hz), 1e-3, 1.0)
        )
        return found

    def corrected(self, hz: NDArray[np.float64]) -> NDArray[np.float64]:
        """Power gain that is left after the correction."""
        left_db = self.error_db + self.slope_db * np.log10(hz / 20_000.0)
        found: NDArray[np.float64] = 10.0 ** (left_db / 10.0)
        return found
