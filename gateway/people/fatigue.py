"""The fatigue index, 0..1: a documented sum of five signs, each against the worker's own resting values, with its confidence.

It is a hint to rest, spoken to the one it is about. It must not be used to rate, rank, pay or discipline anybody, to decide
fitness for work, or instead of a physician; it knows nothing of illness, medicine, pregnancy or training.

    sign               0 at                  1 at                   weight  source
    heart rate reserve 0.20 of the reserve   0.60                   0.30    Wu and Wang, Ergonomics 2002: 0.33 is bearable for 8 h
    HRV (RMSSD)        own resting value     0.4 of it              0.25    Shaffer and Ginsberg, Front. Public Health 2017
    motion             0.05 g mean           0.30 g                 0.10    work load by accelerometer (ENMO)
    hours of the shift 6 h                   12 h                   0.20    Folkard and Tucker, Occup. Med. 2003
    skin temperature   35.0 degC             37.0 degC              0.15    Cuddy et al., Wilderness Environ. Med. 2013

A sign that is missing leaves the sum, and the confidence falls with its weight. The confidence is the least of: the share of
the weights that is there, the mean quality of the beats, and the share of the last 10 min that was measured. Below
`CONFIDENT` the index is UNCERTAIN: it may be shown to the worker, and no rule takes it for certain.
"""

from __future__ import annotations

from dataclasses import dataclass

CONFIDENT = 0.5
RATE_MAX = 180.0  # per minute; nobody's age is kept for this
REST_RATE, REST_RMSSD = 70.0, 35.0  # until the worker's own resting values are known: 30 min of rest
WEIGHTS = {"heart": 0.30, "hrv": 0.25, "motion": 0.10, "hours": 0.20, "skin": 0.15}


@dataclass(frozen=True, slots=True)
class Signs:
    """What was measured in the last 10 min, None where it was not. `quality` and `covered` are 0..1."""

    rate: float | None
    rmssd_ms: float | None
    motion_g: float | None
    shift_h: float
    skin_degc: float | None
    quality: float
    covered: float


@dataclass(frozen=True, slots=True)
class Index:
    """The index, its confidence, and what each sign adds, for the worker to see."""

    value: float
    confidence: float
    parts: dict[str, float]


def between(value: float, low: float, high: float) -> float:
    """0 at `low`, 1 at `high`, straight in between; `high` may be the smaller."""
    return min(1.0, max(0.0, (value - low) / (high - low)))


def index(signs: Signs, rest_rate: float = REST_RATE, rest_rmssd: float = REST_RMSSD) -> Index:
    """The index from the signs that are there."""
    parts = {"hours": between(signs.shift_h, 6.0, 12.0)}
    if signs.rate is not None:
        reserve = (signs.rate - rest_rate) / max(20.0, RATE_MAX - rest_rate)
        parts["heart"] = between(reserve, 0.20, 0.60)
    if signs.rmssd_ms is not None:
        parts["hrv"] = between(signs.rmssd_ms / max(5.0, rest_rmssd), 1.0, 0.4)
    if signs.motion_g is not None:
        parts["motion"] = between(signs.motion_g, 0.05, 0.30)
    if signs.skin_degc is not None:
        parts["skin"] = between(signs.skin_degc, 35.0, 37.0)
    present = sum(WEIGHTS[name] for name in parts)
    value = sum(WEIGHTS[name] * part for name, part in parts.items()) / present
    heart = signs.quality if "heart" in parts or "hrv" in parts else 0.0  # without a heart there is no index to believe
    return Index(value, min(present, heart, signs.covered), parts)
