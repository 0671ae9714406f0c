"""Heart beats in ECG and PPG, and whether the signal is good enough to believe them. Pure functions on arrays.

ECG: energy of the slope in 8 to 20 Hz (Pan and Tompkins, IEEE TBME 1985, with the band of Elgendi 2013). PPG: two moving
averages over the squared upstroke (Elgendi, PLoS ONE 2013). Quality: two detectors of different make agree (bSQI, Li et al.,
Physiol. Meas. 2008) and the beats look like each other (template correlation with the limits of Orphanidou et al., IEEE JBHI
2015), at rates and intervals that a heart can have. All limits are those of the papers; none was fitted to a recording.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

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


def bands(signal: Signal, hz: float, edges: tuple[tuple[float, float], ...], fine: int = 1) -> Signal:
    """Zero-phase band-passes with soft edges, one row each, by one FFT of the mirrored signal; `fine` values for each sample."""
    pad = min(len(signal) - 1, int(2 * hz))
    mirrored = np.concatenate((signal[pad:0:-1], signal, signal[-2 : -pad - 2 : -1]))
    spectrum = np.fft.rfft(mirrored - mirrored.mean())
    whole = np.fft.irfft(spectrum * _gains(len(mirrored), hz, edges), len(mirrored) * fine, axis=1)
    found: Signal = whole[:, pad * fine : (pad + len(signal)) * fine] * fine
    return found


@lru_cache(maxsize=32)  # as many as there are rates of devices, and no more memory for one that invents rates
def _gains(count: int, hz: float, edges: tuple[tuple[float, float], ...]) -> Signal:
    """What each band lets through of the frequencies of `count` samples."""
    frequency = np.fft.rfftfreq(count, 1.0 / hz)
    rows = []
    for low, high in edges:
        edge = 0.25 * low
        up = np.clip((frequency - (low - edge)) / (2 * edge), 0, 1)
        gain = up * np.clip((high * 1.15 - frequency) / (high * 0.3), 0, 1)
        rows.append(gain * gain * (3 - 2 * gain))
    return np.array(rows)


def smooth(signal: Signal, width: int) -> Signal:
    """Centred moving average; nothing beyond the ends."""
    width, count = max(1, width), len(signal)
    before = width - (width - 1) // 2
    total = np.zeros(count + width)
    np.cumsum(signal, out=total[before : before + count])
    total[before + count :] = total[before + count - 1]
    found: Signal = (total[width:] - total[:count]) / width
    return found


def ecg_beats(clean: Signal, hz: float) -> Places:
    """R peaks in the band of 8 to 20 Hz as indices: maxima of the slope's energy over a limit that follows, moved to the top."""
    energy = smooth(np.gradient(clean) ** 2, int(0.1 * hz))
    found = _over_local(energy, hz, REFRACTORY_S)
    return _to_peak(np.abs(clean), found, int(0.08 * hz))


def ecg_beats_other(clean: Signal, hz: float) -> Places:
    """The same beats by two moving averages of the squared band (Elgendi 2013): fails in other ways than `ecg_beats`."""
    return _blocks(clean**2, np.abs(clean), hz, 0.097, 0.611, 0.08, REFRACTORY_S)


def ppg_beats(clean: Signal, hz: float) -> Places:
    """Systolic peaks in the band of 0.5 to 8 Hz as indices."""
    return _blocks(np.maximum(clean, 0.0) ** 2, clean, hz, 0.111, 0.667, 0.02, 0.3)


def ppg_beats_other(fundamental: Signal, hz: float) -> Places:
    """The same from the fundamental alone: below 2.8 Hz a beat is one wave, whatever its second wave looks like."""
    return _over_local(np.maximum(fundamental, 0.0), hz, 0.3)


def _over_local(energy: Signal, hz: float, apart_s: float) -> Places:
    """Maxima at least `apart_s` apart over 30 % of the local level, which is the median of the maxima of each second."""
    width = max(1, int(hz))
    tops = np.maximum.reduceat(energy, np.arange(0, len(energy), width))
    wide = np.concatenate((tops[2::-1], tops, tops[:-4:-1]))  # mirrored, so that the ends have neighbours
    level = np.sort([wide[at : at + len(tops)] for at in range(len(wide) - len(tops) + 1)], axis=0)
    limit = np.repeat(0.3 * level[len(level) // 2], width)[: len(energy)]
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
    reach = int(median(np.diff(beats).tolist()) / 2)
    whole = beats[(beats >= reach) & (beats < len(signal) - reach)]
    if len(whole) < BEATS_MIN - 1 or reach < 2:
        return 0.0
    rows = signal[whole[:, None] + np.arange(-reach, reach)]
    rows -= rows.mean(axis=1, keepdims=True)
    template = rows.mean(axis=0)
    norm = np.sqrt((rows * rows).sum(axis=1) * (template @ template))
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
    slope, shape = bands(signal, hz, ((8.0, 20.0), (1.0, 30.0)))
    return _judged(shape, ecg_beats(slope, hz), ecg_beats_other(slope, hz), hz, CORRELATION_ECG)


def ppg_segment(signal: Signal, hz: float) -> Segment:
    """Beats of some 10 s of PPG with their quality. Below 50 Hz the signal is filled up between its samples."""
    times = math.ceil(FINE_HZ / hz) if hz < FINE_HZ else 1
    fine_hz = hz * times
    clean, fundamental = bands(signal, hz, ((0.5, min(8.0, 0.4 * fine_hz)), (0.5, 2.8)), times)
    return _judged(clean, ppg_beats(clean, fine_hz), ppg_beats_other(fundamental, fine_hz), fine_hz, CORRELATION_PPG)


def _judged(clean: Signal, beats: Places, other: Places, hz: float, least: float) -> Segment:
    inner = [one[(one >= EDGE_S * hz) & (one < len(clean) - EDGE_S * hz)] for one in (beats, other)]
    agree, alike = agreement(inner[0], inner[1], hz), likeness(clean, beats, hz)
    accepted = agree >= AGREEMENT_MIN and alike >= least and possible(beats, hz)
    return Segment(beats / hz, min(agree, max(0.0, alike)), accepted)
