"""Heart beats in ECG and PPG, and whether the signal is good enough to believe them. Pure functions on arrays.

ECG: energy of the slope in 8 to 20 Hz (Pan and Tompkins, IEEE TBME 1985, with the band of Elgendi 2013). PPG: two moving
averages over the squared upstroke (Elgendi, PLoS ONE 2013). Quality: two detectors of different make agree (bSQI, Li et al.,
Physiol. Meas. 2008) and the beats look like each other (template correlation with the limits of Orphanidou et al., IEEE JBHI
2015), at rates and intervals that a heart can have. All limits are those of the papers; none was fitted to a recording.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Signal = NDArray[np.float64]
Places = NDArray[np.int64]

AGREE_S = 0.15  # two detectors mean the same beat within this (AAMI EC57)
AGREEMENT_MIN = 0.9  # Li 2008
CORRELATION_ECG, CORRELATION_PPG = 0.66, 0.86  # Orphanidou 2015
RATE_BPM = (40.0, 180.0)
INTERVAL_MAX_S = 3.0
INTERVAL_RATIO_MAX = 2.2
EDGE_S = 0.25  # a beat that the segment cuts through is one detector's luck
REFRACTORY_S = 0.25  # of an ECG: 240 per minute
BEATS_MIN = 4
SEGMENT_S = 10.0
FINE_HZ = 100.0  # beats are compared with each other to about 10 ms


@dataclass(frozen=True, slots=True)
class Segment:
    """Beats of one span, in seconds from its beginning; `quality` 0..1, and whether they are to be believed."""

    beats_s: Signal
    quality: float
    accepted: bool


def band(signal: Signal, hz: float, low: float, high: float) -> Signal:
    """Zero-phase band-pass with soft edges, by FFT on the mirrored signal."""
    pad = min(len(signal) - 1, int(2 * hz))
    mirrored = np.concatenate((signal[pad:0:-1], signal, signal[-2 : -pad - 2 : -1]))
    spectrum = np.fft.rfft(mirrored - mirrored.mean())
    frequency = np.fft.rfftfreq(len(mirrored), 1.0 / hz)
    edge = 0.25 * low
    gain = np.clip((frequency - (low - edge)) / (2 * edge), 0, 1) * np.clip(
        (high * 1.15 - frequency) / (high * 0.3), 0, 1
    )
    whole = np.fft.irfft(spectrum * gain * gain * (3 - 2 * gain), len(mirrored))
    return whole[pad : pad + len(signal)]


def smooth(signal: Signal, width: int) -> Signal:
    """Centred moving average."""
    return np.convolve(signal, np.full(max(1, width), 1.0 / max(1, width)), "same")


def ecg_beats(signal: Signal, hz: float) -> Places:
    """R peaks as indices: maxima of the slope's energy over an adaptive limit, moved to the largest deflection."""
    clean = band(signal, hz, 8.0, 20.0)
    energy = smooth(np.gradient(clean) ** 2, int(0.1 * hz))
    found = _over_local(energy, hz, REFRACTORY_S)
    return _to_peak(np.abs(clean), found, int(0.08 * hz))


def ecg_beats_other(signal: Signal, hz: float) -> Places:
    """The same beats by two moving averages of the squared band (Elgendi 2013): fails in other ways than `ecg_beats`."""
    clean = band(signal, hz, 8.0, 20.0)
    return _blocks(clean**2, np.abs(clean), hz, 0.097, 0.611, 0.08, REFRACTORY_S)


def ppg_beats(signal: Signal, hz: float) -> Places:
    """Systolic peaks as indices."""
    clean = band(signal, hz, 0.5, min(8.0, 0.4 * hz))
    return _blocks(np.clip(clean, 0, None) ** 2, clean, hz, 0.111, 0.667, 0.02, 0.3)


def ppg_beats_other(signal: Signal, hz: float) -> Places:
    """The same from the fundamental alone: below 2.8 Hz a beat is one wave, whatever its second wave looks like."""
    return _over_local(np.clip(band(signal, hz, 0.5, 2.8), 0, None), hz, 0.3)


def _over_local(energy: Signal, hz: float, apart_s: float) -> Places:
    """Maxima at least `apart_s` apart over 30 % of the local level, which is the median of the maxima of each second."""
    width = max(1, int(hz))
    tops = np.array([energy[at : at + width].max() for at in range(0, len(energy), width)])
    level = np.median(np.lib.stride_tricks.sliding_window_view(np.pad(tops, 3, "symmetric"), 7), axis=1)
    limit = 0.3 * np.repeat(level, width)[: len(energy)]
    inner = energy[1:-1]
    maxima = np.flatnonzero((inner > energy[:-2]) & (inner >= energy[2:]) & (inner > limit[1:-1])) + 1
    return _apart(maxima, energy, int(apart_s * hz))


def _apart(places: Places, height: Signal, apart: int) -> Places:
    """Of places closer than `apart` the highest stays."""
    kept: list[int] = []
    for place in places.tolist():
        if kept and place - kept[-1] < apart:
            if height[place] > height[kept[-1]]:
                kept[-1] = place
        else:
            kept.append(place)
    return np.array(kept, np.int64)


def _blocks(
    energy: Signal, height: Signal, hz: float, peak_s: float, beat_s: float, share: float, apart_s: float
) -> Places:
    """Elgendi's blocks of interest: where the short average is above the long one, wide enough, the highest place of each."""
    short, long = smooth(energy, int(peak_s * hz)), smooth(energy, int(beat_s * hz))
    inside = (short > long + share * energy.mean()).astype(np.int8)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], inside, [0]))))
    begins, ends = edges[::2], edges[1::2]
    wide = ends - begins >= max(1, int(peak_s * hz))
    places = [int(at + np.argmax(height[at:end])) for at, end in zip(begins[wide], ends[wide], strict=True)]
    return _apart(np.array(places, np.int64), height, int(apart_s * hz))


def _to_peak(height: Signal, places: Places, reach: int) -> Places:
    moved = [max(0, at - reach) + int(np.argmax(height[max(0, at - reach) : at + reach + 1])) for at in places.tolist()]
    return np.array(sorted(set(moved)), np.int64)


def agreement(one: Places, other: Places, hz: float) -> float:
    """How many of the beats that either found both found, 0..1."""
    if not len(one) or not len(other):
        return 0.0
    near = np.abs(one[:, None] - other[None, :]).min(axis=1) <= AGREE_S * hz
    both = int(near.sum())
    return both / (len(one) + len(other) - both)


def likeness(signal: Signal, beats: Places, hz: float) -> float:
    """Mean correlation of each beat with the mean beat."""
    if len(beats) < BEATS_MIN:
        return 0.0
    reach = int(np.median(np.diff(beats)) / 2)
    whole = beats[(beats >= reach) & (beats < len(signal) - reach)]
    if len(whole) < BEATS_MIN - 1 or reach < 2:
        return 0.0
    rows = np.array([signal[at - reach : at + reach] for at in whole])
    rows = rows - rows.mean(axis=1, keepdims=True)
    template = rows.mean(axis=0)
    norm = np.linalg.norm(rows, axis=1) * np.linalg.norm(template)
    return float((rows @ template / np.where(norm > 0, norm, np.inf)).mean())


def possible(beats: Places, hz: float) -> bool:
    """Rate and intervals are those of a heart (Orphanidou 2015)."""
    if len(beats) < BEATS_MIN:
        return False
    gaps = np.diff(beats) / hz
    rate = 60.0 / gaps.mean()
    return bool(
        RATE_BPM[0] <= rate <= RATE_BPM[1]
        and gaps.max() <= INTERVAL_MAX_S
        and gaps.max() / gaps.min() <= INTERVAL_RATIO_MAX
    )


def ecg_segment(signal: Signal, hz: float) -> Segment:
    """Beats of some 10 s of ECG with their quality."""
    beats, other = ecg_beats(signal, hz), ecg_beats_other(signal, hz)
    return _judged(band(signal, hz, 1.0, 30.0), beats, other, hz, CORRELATION_ECG)


def ppg_segment(signal: Signal, hz: float) -> Segment:
    """Beats of some 10 s of PPG with their quality. Below 50 Hz the signal is filled up between its samples first."""
    if hz < FINE_HZ:
        signal, hz = _finer(signal, math.ceil(FINE_HZ / hz)), hz * math.ceil(FINE_HZ / hz)
    beats, other = ppg_beats(signal, hz), ppg_beats_other(signal, hz)
    return _judged(band(signal, hz, 0.5, min(8.0, 0.4 * hz)), beats, other, hz, CORRELATION_PPG)


def _finer(signal: Signal, times: int) -> Signal:
    """Band-limited, on the mirrored signal so that its ends fit."""
    mirrored = np.concatenate((signal, signal[::-1]))
    return np.fft.irfft(np.fft.rfft(mirrored), len(mirrored) * times)[: len(signal) * times] * times


def _judged(clean: Signal, beats: Places, other: Places, hz: float, least: float) -> Segment:
    inner = [one[(one >= EDGE_S * hz) & (one < len(clean) - EDGE_S * hz)] for one in (beats, other)]
    agree, alike = agreement(inner[0], inner[1], hz), likeness(clean, beats, hz)
    accepted = agree >= AGREEMENT_MIN and alike >= least and possible(beats, hz)
    return Segment(beats / hz, min(agree, max(0.0, alike)), accepted)
