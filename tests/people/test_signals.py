"""Beats on annotated ECG and on made-up hearts, the fatigue index by table, surroundings by table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drivers.base_worn import Frame, Wave
from gateway.people.beats import AGREE_S, ecg_segment, ppg_segment
from gateway.people.body import Body
from gateway.people.dossier import Dossier
from gateway.people.fatigue import CONFIDENT, Signs, index
from gateway.people.surroundings import stress, wet_bulb_globe
from tests.people.ecg_campaign import DATA, campaign
from tests.people.stage import START_MS, pulse, still, wave


@pytest.mark.skipif(not Path(DATA).is_dir(), reason="the annotated ECG is not in ../shared/data on this machine")
@pytest.mark.parametrize("name", ["118e12", "118e00"])
def test_r_peaks_of_accepted_segments_are_those_of_the_cardiologists(name: str) -> None:
    found = campaign(name)
    assert found["accepted"] >= 2
    assert found["sensitivity"] >= 0.99
    assert found["positive_predictivity"] >= 0.99


@pytest.mark.parametrize("rate", [45, 72, 110, 150])
@pytest.mark.parametrize("hz", [25.0, 100.0])
def test_a_pulse_wave_gives_its_rate(rate: int, hz: float) -> None:
    segment = ppg_segment(np.array(pulse(10, rate, hz)), hz)
    assert segment.accepted
    assert 60.0 / np.diff(segment.beats_s).mean() == pytest.approx(rate, rel=0.03)


def test_what_is_no_heart_is_not_accepted() -> None:
    rng = np.random.default_rng(3)
    noise = rng.standard_normal(3600)
    for segment in (
        ecg_segment(noise, 360.0),
        ppg_segment(rng.standard_normal(250), 25.0),
        ppg_segment(np.zeros(250), 25.0),
        ecg_segment(np.full(3600, 2.0), 360.0),
        ppg_segment(np.sin(np.arange(250) / 25.0 * 2 * np.pi * 4.0), 25.0),  # 240 per minute: a shaking hand
    ):
        assert not segment.accepted


def test_made_up_ecg_peaks_are_found_where_they_are() -> None:
    rng = np.random.default_rng(5)
    truth = np.cumsum(0.8 + 0.05 * rng.standard_normal(12))
    t = np.arange(0, truth[-1] + 0.5, 1 / 250.0)
    signal = sum(np.exp(-(((t - at) / 0.012) ** 2)) for at in truth) + 0.02 * rng.standard_normal(len(t))
    segment = ecg_segment(np.asarray(signal), 250.0)
    assert segment.accepted
    assert len(segment.beats_s) == len(truth)
    assert np.abs(segment.beats_s - truth).max() < AGREE_S / 5


@pytest.mark.parametrize(
    ("signs", "value", "confidence"),
    [
        (Signs(70, 35, 0.0, 1.0, 33.0, 1.0, 1.0), 0.0, 1.0),
        (Signs(136, 14, 0.30, 12.0, 37.0, 0.9, 0.8), 1.0, 0.8),
        (Signs(70, 35, 0.0, 12.0, 33.0, 1.0, 1.0), 0.20, 1.0),
        (Signs(None, None, None, 12.0, None, 1.0, 1.0), 1.0, 0.0),  # hours alone: nothing to believe
        (Signs(136, None, None, 1.0, None, 1.0, 0.3), 0.6, 0.3),  # three tenths of ten minutes were measured
    ],
)
def test_the_fatigue_index_by_table(signs: Signs, value: float, confidence: float) -> None:
    found = index(signs)
    assert found.value == pytest.approx(value)
    assert found.confidence == pytest.approx(confidence)


def test_the_index_is_against_the_workers_own_rest() -> None:
    signs = Signs(110, 30, 0.1, 4.0, 34.0, 1.0, 1.0)
    assert index(signs, rest_rate=95, rest_rmssd=30).value < index(signs, rest_rate=55, rest_rmssd=70).value


def test_a_body_needs_minutes_and_a_gap_begins_anew() -> None:
    body, dossier = Body(), Dossier()
    t = START_MS
    for second in range(0, 300, 10):
        body.hear(Frame(t=t, ppg=wave(pulse(10, 72, seed=second)), motion=still(10), skin_temperature=33.0), dossier)
        t += 10_000
    assert body.fatigue is not None
    assert body.fatigue.confidence > CONFIDENT
    assert body.fatigue.value < 0.2
    assert dossier.baseline["rate"] == pytest.approx(72, abs=3)
    began = body.shift_began_ms
    assert not body.hear(Frame(t=t, ppg=wave(pulse(6, 72))), dossier)
    assert not body.hear(Frame(t=t + 60_000, ppg=wave(pulse(6, 72))), dossier), "a gap: the ten seconds begin anew"
    body.hear(Frame(t=t + 5 * 3_600_000), dossier)
    assert body.shift_began_ms > began
    assert not body.hear(Frame(t=t, ppg=Wave(25.0, [float("nan")] * 250)), dossier)


def test_surroundings_by_table() -> None:
    assert stress(None, None, None) == {}
    assert stress(90.0, 23.0, 200.0) == {"noise": 0.5, "heat": 0.0, "light": 0.0, "stress": 0.5}
    assert stress(70.0, None, 5.0) == {"noise": 0.0, "light": 1.0, "stress": 1.0}
    assert wet_bulb_globe(30.0, 60.0) == pytest.approx(30.9, abs=0.2)  # table of the Bureau of Meteorology: 31
