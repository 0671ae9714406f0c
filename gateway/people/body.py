"""What is known of one worker right now: the last seconds of their waves, the last ten minutes of beats, and the fatigue index.

In memory only, and gone when consent is. Times are UTC ms of the device.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import fmean, median

import numpy as np

from drivers.base_worn import Frame, Motion, Wave
from gateway.people.beats import SEGMENT_S, Segment, ecg_segment, ppg_segment
from gateway.people.dossier import Dossier
from gateway.people.fatigue import Index, Signs, index

SPAN_MS = 600_000  # the signs are of the last 10 min
SHIFT_GAP_MS = 4 * 3_600_000  # nothing heard for so long: the next frame begins a shift
GAP_SAMPLES = 1.5  # a message that begins later than this is no continuation
FRESH_MS = 60_000
RMSSD_LEAST = 5  # intervals
REST_MOTION_G = 0.03
REST_WEIGHT = 0.02  # of one rested segment on the resting values: half of it after about 6 min


class _Window:
    """Samples of one wave until a segment is full. A gap begins anew."""

    def __init__(self) -> None:
        self._parts: list[np.ndarray] = []
        self._hz = 0.0
        self._next_ms = 0.0
        self._count = 0

    def add(self, t_ms: int, wave: Wave) -> tuple[np.ndarray, float] | None:
        """A full segment, where this message completes one."""
        gap_ms = abs(t_ms - self._next_ms)
        if wave.hz != self._hz or gap_ms > GAP_SAMPLES * 1000.0 / wave.hz:
            self._parts, self._count, self._hz = [], 0, wave.hz
        self._parts.append(np.array(wave.v, np.float64))
        self._count += len(wave.v)
        self._next_ms = t_ms + 1000.0 * len(wave.v) / wave.hz
        if self._count < SEGMENT_S * self._hz:
            return None
        whole = np.concatenate(self._parts)
        self._parts, self._count = [], 0
        return (whole, self._hz) if np.isfinite(whole).all() else None


@dataclass(frozen=True, slots=True)
class Beats:
    """One judged segment."""

    t_ms: int
    seconds: float
    quality: float
    rate: float
    rmssd_ms: float | None


def beats_of(t_ms: int, seconds: float, segment: Segment) -> Beats | None:
    """Rate and RMSSD of a segment that may be believed."""
    if not segment.accepted:
        return None
    gaps_ms = np.diff(segment.beats_s) * 1000.0
    steps = np.diff(gaps_ms)
    rmssd = float(np.sqrt((steps**2).mean())) if len(steps) >= RMSSD_LEAST else None
    return Beats(t_ms, seconds, segment.quality, 60_000.0 / float(gaps_ms.mean()), rmssd)


def intensity_g(motion: Motion) -> float:
    """Mean of the Euclidean norm minus one, negative parts as zero (ENMO, van Hees 2013), in g."""
    axes = np.array((motion.x, motion.y, motion.z))
    norm = np.sqrt((axes * axes).sum(axis=0))
    return float(np.maximum(norm - 1.0, 0.0).mean()) if len(norm) else 0.0


@dataclass(slots=True)
class Body:
    """`hear` takes frames; `fatigue` is the last index, None before the first."""

    shift_began_ms: int = 0
    heard_ms: int = 0
    skin_degc: float | None = None
    rate: float | None = None
    motion_g: float | None = None
    fatigue: Index | None = None
    fatigue_ms: int = 0
    _beats: deque[Beats] = field(default_factory=lambda: deque(maxlen=128))
    _motion: deque[tuple[int, float]] = field(default_factory=lambda: deque(maxlen=1300))
    _ppg: _Window = field(default_factory=_Window)
    _ecg: _Window = field(default_factory=_Window)

    def hear(self, frame: Frame, dossier: Dossier) -> bool:
        """Take a frame; True where there is a new index. Resting values of the dossier move while the worker rests."""
        if frame.t - self.heard_ms > SHIFT_GAP_MS:
            self.shift_began_ms = frame.t
        self.heard_ms = max(self.heard_ms, frame.t)
        if frame.skin_temperature is not None:
            self.skin_degc = frame.skin_temperature
        if frame.motion is not None:
            self._motion.append((frame.t, intensity_g(frame.motion)))
        judged = self._wave(self._ecg, frame.t, frame.ecg, ecg_segment)
        judged |= self._wave(self._ppg, frame.t, frame.ppg, ppg_segment)
        if frame.heart_rate is not None and frame.ecg is None and frame.ppg is None:
            self._beats.append(Beats(frame.t, SEGMENT_S, 0.5, frame.heart_rate, None))
            judged = True
        if judged:
            self._judge(frame.t, dossier)
        return judged

    def _wave(
        self, window: _Window, t_ms: int, wave: Wave | None, judge: Callable[[np.ndarray, float], Segment]
    ) -> bool:
        full = window.add(t_ms, wave) if wave is not None and wave.v else None
        if full is None:
            return False
        beats = beats_of(t_ms, len(full[0]) / full[1], judge(*full))
        if beats is not None:
            self._beats.append(beats)
        return True

    def _judge(self, now_ms: int, dossier: Dossier) -> None:
        recent = [one for one in self._beats if now_ms - one.t_ms < SPAN_MS]
        moved = [g for at, g in self._motion if now_ms - at < SPAN_MS]
        self.motion_g = fmean(moved) if moved else None
        self.rate = fmean(one.rate for one in recent) if recent else None
        steps = [one.rmssd_ms for one in recent if one.rmssd_ms is not None]
        rmssd = median(steps) if steps else None
        span_s = min(SPAN_MS, max(1, now_ms - self.shift_began_ms)) / 1000.0
        signs = Signs(
            rate=self.rate,
            rmssd_ms=rmssd,
            motion_g=self.motion_g,
            shift_h=(now_ms - self.shift_began_ms) / 3_600_000.0,
            skin_degc=self.skin_degc,
            quality=fmean(one.quality for one in recent) if recent else 0.0,
            covered=min(1.0, sum(one.seconds for one in recent) / span_s),
        )
        rest = dossier.baseline
        self.fatigue = index(signs, rest.get("rate", 70.0), rest.get("rmssd_ms", 35.0))
        self.fatigue_ms = now_ms
        if self.motion_g is not None and self.motion_g < REST_MOTION_G and self.rate is not None:
            _drift(rest, "rate", self.rate)
            if rmssd is not None:
                _drift(rest, "rmssd_ms", rmssd)


def _drift(rest: dict[str, float], name: str, value: float) -> None:
    rest[name] = rest[name] + REST_WEIGHT * (value - rest[name]) if name in rest else value
