"""The calibration gate of the leak simulator: published levels of detectors and flanges, and ISO 9613-1's own table."""

from __future__ import annotations

import numpy as np
import pytest

from inference.leaksim.air import Air, absorption_db_m
from inference.leaksim.gas import GASES, expand, throttled_k
from inference.leaksim.jet import STROUHAL, Opening, mixing, power_density, shocked
from inference.leaksim.path import Path, heard, level_db

HZ = np.geomspace(1_000.0, 150_000.0, 1_500)
METHANE = GASES["methane"]

# ISO 9613-2 table 2: dB/km by °C, % humidity, at the exact mid-frequencies 63 Hz … 8 kHz
ABSORPTION = {
    (10, 70): (0.1, 0.4, 1.0, 1.9, 3.7, 9.7, 32.8, 117.0),
    (20, 70): (0.1, 0.3, 1.1, 2.8, 5.0, 9.0, 22.9, 76.6),
    (15, 50): (0.1, 0.5, 1.2, 2.2, 4.2, 10.8, 36.2, 129.0),
}


@pytest.mark.parametrize(("celsius", "humidity"), ABSORPTION)
def test_air_absorbs_what_the_standard_says(celsius: int, humidity: int) -> None:
    hz = 1000.0 * 10.0 ** (0.3 * np.arange(-4.0, 4.0, dtype=np.float64))
    found = 1000.0 * absorption_db_m(hz, Air(celsius, humidity))
    assert found == pytest.approx(ABSORPTION[celsius, humidity], rel=0.01, abs=0.06)


def reach(level: float, air: Air, opening: Opening, pressure_bar: float) -> float:
    """The distance in metres up to which 0.1 kg/s of methane give `level` dB in 25–70 kHz."""
    power = power_density(HZ, METHANE, pressure_bar, 0.1, opening)
    away = np.arange(1.0, 40.0, 0.1)
    levels = [level_db(heard(power, HZ, Path(metres), air), HZ, 25e3, 70e3) for metres in away]
    return float(away[int(np.argmax(np.array(levels) < level))])


@pytest.mark.parametrize(("level", "nearest", "farthest"), [(84, 5, 8), (74, 8, 12), (64, 13, 20)])
def test_the_gate_of_published_detector_distances(level: float, nearest: float, farthest: float) -> None:
    """0.1 kg/s is what a hole of 4 mm gives at 45 bar. A flange slit reaches as far, less by a metre at most."""
    assert expand(METHANE, 45.0, 0.1).area_m2 == pytest.approx(np.pi / 4 * 0.004**2, rel=0.15)
    assert nearest <= reach(level, Air(20.0, 50.0), Opening(), 45.0) <= farthest
    assert nearest - 1.0 <= reach(level, Air(20.0, 50.0), Opening(slit_m=3e-4), 45.0) <= farthest


@pytest.mark.parametrize("slit_m", [5e-5, 1e-4, 3e-4])
@pytest.mark.parametrize("pressure_bar", [10.0, 20.0, 45.0, 70.0])
@pytest.mark.parametrize("kg_s", [0.01, 0.1])
def test_the_spectrum_of_a_flange_is_flat_from_10_to_25_khz(slit_m: float, pressure_bar: float, kg_s: float) -> None:
    hz = np.geomspace(10e3, 25e3, 60)
    density = heard(power_density(hz, METHANE, pressure_bar, kg_s, Opening(slit_m)), hz, Path(2.0), Air())
    levels = 10.0 * np.log10(density)
    assert levels.max() - levels.min() <= 6.0


def test_the_peak_of_a_hole_lies_at_the_strouhal_number() -> None:
    """Of the mixing noise, in energy per octave; the spectra are of unit energy."""
    hz = np.geomspace(1.0, 1e8, 20_000)
    peak = float(hz[np.argmax(hz * mixing(hz, 30e3))])
    jet = expand(METHANE, 1.8, 0.01)
    assert peak == pytest.approx(30e3, rel=0.01)
    assert jet.shock == 0.0, "not choked: mixing noise alone"
    quiet = power_density(hz, METHANE, 1.8, 0.01, Opening())
    diameter = np.sqrt(4 * jet.area_m2 / np.pi)
    assert float(hz[np.argmax(hz * quiet)]) * diameter / jet.speed_m_s == pytest.approx(STROUHAL, rel=0.02)
    for density in (mixing(hz, 30e3), shocked(hz, 30e3)):
        assert np.trapezoid(density, hz) == pytest.approx(1.0, rel=0.01)


def test_a_choked_jet_follows_gas_dynamics() -> None:
    """Known answers of isentropic flow of air from 10 bar; throttling cools methane and warms hydrogen."""
    jet = expand(GASES["air"], 10.0, 0.1)
    assert jet.mach == pytest.approx(2.148, rel=0.01)
    assert 0.1 / jet.area_m2 == pytest.approx(0.6847 * 10e5 / np.sqrt(287.05 * 293.15), rel=0.002)
    assert throttled_k(METHANE, 21.0) == pytest.approx(-9.0)
    assert throttled_k(GASES["hydrogen"], 21.0) > 0.0


def test_more_gas_is_louder_and_distance_takes_the_high_tones_first() -> None:
    def at(metres: float, kg_s: float, band: tuple[float, float]) -> float:
        density = heard(power_density(HZ, METHANE, 20.0, kg_s, Opening()), HZ, Path(metres), Air())
        return level_db(density, HZ, *band)

    low, high = (10e3, 20e3), (60e3, 80e3)
    assert at(5, 0.1, low) > at(5, 0.01, low) + 5.0
    assert at(4, 0.01, high) - at(12, 0.01, high) > at(4, 0.01, low) - at(12, 0.01, low) + 8.0
