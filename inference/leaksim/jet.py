"""Noise of a choked jet: mixing noise with its peak at a Strouhal number of 0.2, shock-associated noise, and slits.

Sources: Lighthill's similarity spectrum in the form x²/(1+3x²)² (peak of the band energy at x = f/f_peak = 1, falling 6 dB an octave
above it); shock-associated noise after Harper-Bourne & Fisher (level grows with β⁴ and saturates, peak at u_c/L_shock);
acoustic efficiency after the form of IEC 60534-8-3. Two constants are fitted to published observations and are no
theory: `EFFICIENCY` to the distances of gas leak detectors, `TILT` to the flat spectrum of leaking flanges.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from inference.leaksim.gas import Gas, Jet, expand

STROUHAL = 0.2
EFFICIENCY = 1.8e-5  # sound power per stream power, choked; fitted to the gate, 7 dB below the textbook's 1e-4
SHOCK_SHARE = 0.35  # of the mixing noise at β = 1
SHOCK_MOST = 2.0
CONVECTION = 0.7  # speed of the eddies, of the jet's
SCALES = 7  # lengths that a slit's noise is summed over
TILT = 0.6  # a slit's energy per octave grows as f^TILT across its scales; fitted to flatness over 10–25 kHz
_AREA = math.pi / (4.0 * 3.0**1.5)  # ∫ x²/(1+3x²)² dx


@dataclass(frozen=True, slots=True)
class Opening:
    """A hole (`slit_m` = 0) or a gasket slit of height `slit_m`; its length follows from area and height."""

    slit_m: float = 0.0
    gap_m: float = 0.004  # between the flange faces, in which a slit's jet spreads


def mixing(hz: NDArray[np.float64], peak_hz: float) -> NDArray[np.float64]:
    """Spectral density of mixing noise per Hz, of unit energy."""
    x2 = (hz / peak_hz) ** 2
    found: NDArray[np.float64] = x2 / (1.0 + 3.0 * x2) ** 2 / (_AREA * peak_hz)
    return found


def shocked(hz: NDArray[np.float64], peak_hz: float) -> NDArray[np.float64]:
    """Spectral density of broadband shock noise per Hz, of unit energy: a hump, steep below and f⁻² above its peak."""
    x = hz / peak_hz
    shape = x**4 / (1.0 + x**6)
    norm = peak_hz * math.pi / (6.0 * math.sin(5.0 * math.pi / 6.0))  # ∫ x⁴/(1+x⁶) dx = π/6 / sin(5π/6)
    found: NDArray[np.float64] = shape / norm
    return found


def lengths(jet: Jet, opening: Opening) -> NDArray[np.float64]:
    """The lengths in metres that set the frequencies: one for a hole, a range from gap to expanded height for a slit."""
    if opening.slit_m == 0.0:
        return np.array([math.sqrt(4.0 * jet.area_m2 / math.pi) * jet.widening])
    height = opening.slit_m * jet.widening**2  # a plane jet widens in one direction only
    long = max(min(jet.area_m2 / opening.slit_m, 0.25), 4.0 * opening.gap_m)
    return np.geomspace(max(height, 2e-4), long, SCALES)


def power_density(
    hz: NDArray[np.float64], gas: Gas, pressure_bar: float, mass_kg_s: float, opening: Opening
) -> NDArray[np.float64]:
    """Radiated sound power of a release in W/Hz."""
    jet = expand(gas, pressure_bar, mass_kg_s)
    efficiency = EFFICIENCY * min(jet.mach, 1.0) ** 5
    peaks = STROUHAL * jet.speed_m_s / lengths(jet, opening)
    shares = peaks**TILT / np.sum(peaks**TILT)
    shape = np.sum([share * mixing(hz, peak) for share, peak in zip(shares, peaks, strict=True)], axis=0)
    if jet.shock > 0.0:
        cells = 1.31 * jet.shock * float(np.median(lengths(jet, opening)))
        strength = min(SHOCK_SHARE * jet.shock**4, SHOCK_MOST) * (1.0 if opening.slit_m == 0.0 else 0.3)
        shape = shape + strength * shocked(hz, CONVECTION * jet.speed_m_s / cells)
    found: NDArray[np.float64] = efficiency * jet.stream_w * shape
    return found
