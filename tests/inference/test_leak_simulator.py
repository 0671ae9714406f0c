"""The fast level of the leak simulator gives what samples and frames give through the real front end; sets are apart; seeds repeat."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from inference.leak.bands import HOP, FrontEnd, heard_bands
from inference.leak.layout import Floats
from inference.leak.thermal import ThermalEnd
from inference.leaksim import picture
from inference.leaksim.machines import KINDS, POOLS, machine
from inference.leaksim.picture import FastSight, Noise, View
from inference.leaksim.scenario import GRID_HZ, Scenario, Sight, draw, snr_db
from inference.leaksim.sound import levels, samples


def test_a_seed_is_a_scenario() -> None:
    first, again = draw("train", 5, leak=True), draw("train", 5, leak=True)
    assert np.array_equal(levels(first, 3), levels(again, 3))
    assert first.leak is not None
    assert again.leak is not None
    assert first.leak.release == again.leak.release
    assert not np.array_equal(levels(first, 3), levels(draw("train", 6, leak=True), 3))
    assert np.array_equal(draw("train", 5, leak=False).background, first.background), "the leak is all that differs"


def test_no_machine_and_no_seed_is_in_two_sets() -> None:
    numbers = [set(pool) for pool in POOLS.values()]
    assert sum(len(one) for one in numbers) == len(set.union(*numbers))
    assert {draw(split, 5, leak=False).seed for split in POOLS} == {(1, 5), (2, 5), (3, 5)}
    one, other = (machine(KINDS[0], number, GRID_HZ) for number in (10, 810))
    assert not np.allclose(one.power, other.power)
    used = {near.machine.number for seed in range(20) for near in draw("test", seed, leak=False).neighbours}
    assert used <= set(POOLS["test"])


def both_ways(scenario: Scenario) -> tuple[Floats, Floats]:
    """Two seconds' levels of the bands that are heard: from energies, and from samples through the front end."""
    front = FrontEnd(scenario.rate_hz)
    front.second(samples(scenario, 0, 3))
    slow = np.array([front.second(samples(scenario, at, 3)) for at in (1, 2)])
    heard = heard_bands(scenario.rate_hz)
    return levels(scenario, 3)[1:, heard], slow[:, heard]


@pytest.mark.parametrize("rate_hz", [192_000, 96_000, 44_100])
def test_band_energies_agree_with_samples(rate_hz: int) -> None:
    """Per band the same mean over some seconds of leaks, and the same spread from slot to slot."""
    pairs = []
    for seed in range(4):
        drawn = draw("train", seed, leak=True)
        assert drawn.leak is not None
        dry = replace(drawn.leak, path=replace(drawn.leak.path, reflected=0.0))
        pairs.append(both_ways(replace(drawn, rate_hz=rate_hz, neighbours=(), leak=dry)))
    fast, slow = np.array([one for one, _ in pairs]), np.array([other for _, other in pairs])
    assert abs(float((fast - slow).mean())) < 0.1
    assert np.abs((fast - slow).mean((0, 1, 3))).max() < 0.6
    assert fast.std(3).mean() == pytest.approx(slow.std(3).mean(), rel=0.15)


def test_an_echo_combs_the_spectrum_and_keeps_its_energy() -> None:
    """What the energies leave out: direct and reflected sound are one sound. Over the bands it comes to nothing."""
    for seed in range(2):
        fast, slow = both_ways(replace(draw("train", seed, leak=True), rate_hz=192_000, neighbours=()))
        assert abs(float((fast - slow).mean())) < 0.6


def test_the_front_end_measures_a_tone_in_pascals_and_streams_without_a_seam() -> None:
    rate = 96_000
    tone = (0.2 * np.sin(2 * np.pi * 20_000 * np.arange(3 * rate) / rate)).astype(np.float32)
    front = FrontEnd(rate)
    found = [front.second(tone[at * rate : (at + 1) * rate]) for at in range(3)]
    total = 10 * np.log10(np.sum(10 ** (found[1].astype(float) / 10), axis=0))
    assert total == pytest.approx(np.full(16, 10 * math.log10(0.02 / 4e-10)), abs=0.1)
    odd = FrontEnd(rate)
    parts = np.split(tone, [rate + 300, 2 * rate + 7 * HOP])
    assert np.concatenate([odd.second(part) for part in parts], axis=1)[:, 16:32] == pytest.approx(found[1], abs=0.1)


@pytest.mark.parametrize("gas_seed", [0, 3])
def test_fast_maps_agree_with_frames(gas_seed: int) -> None:
    """The four maps of a leak from frames through the run-time front end, beside those drawn without frames."""
    scenario = replace(draw("train", gas_seed, leak=True, metres=4.0, kg_s=0.05), sight=Sight(0, 0, 0, 1, None))
    scenario = replace(scenario, camera=replace(scenario.camera, pattern_k=0.0))
    onset, seconds = 3.0, 14
    end, view, rng = ThermalEnd(), View(scenario, onset, 1), np.random.default_rng(1)
    slow = [end.second(picture.frames(scenario, view, at, rng), hold=at >= onset) for at in range(seconds)]
    sight = FastSight(scenario, Noise(), onset)
    fast = [sight.second(at) for at in range(seconds)]
    assert slow[-1].netd_k == pytest.approx(scenario.camera.netd_k, rel=0.2)
    for late in (0, 1, 2, 3):
        one = np.mean([second.maps[late] for second in slow[6:]], axis=0).reshape(15, 8, 20, 8).mean((1, 3))
        other = np.mean([second.maps[late] for second in fast[6:]], axis=0).reshape(15, 8, 20, 8).mean((1, 3))
        assert np.abs(one - other).mean() < 0.12 + 0.1 * np.abs(one).mean(), f"map {late}"
    assert any(second.mask.any() for second in fast[6:])


def test_snr_is_that_of_the_levels() -> None:
    """What is called SNR is the ratio of the mean energies with and without the leak."""
    loud = [draw("train", seed, leak=True) for seed in range(40)]
    chosen = next(one for one in loud if not one.neighbours and one.rate_hz == 192_000 and 5.0 < snr_db(one) < 30.0)
    bands = slice(43, 59)  # 25–70 kHz
    with_leak = 10.0 ** (levels(chosen, 4)[1:, bands].astype(float) / 10.0)
    without = 10.0 ** (levels(replace(chosen, leak=None), 4)[1:, bands].astype(float) / 10.0)
    ratio = with_leak.sum(1).mean() / without.sum(1).mean() - 1.0
    assert 10.0 * math.log10(ratio) == pytest.approx(snr_db(chosen), abs=1.0)
