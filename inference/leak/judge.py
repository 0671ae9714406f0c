"""One second of both sensors → what the tags say: features, the network, the decision, and what is missing."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from inference.leak import baseline as baselines
from inference.leak import hearing, quality, seeing
from inference.leak.bands import Floor, FrontEnd, features
from inference.leak.decide import Decision, Mode, Verdict
from inference.leak.layout import BANDS, CELL, CENTRES_HZ, HEIGHT, MAPS, MASK, SLOTS, WIDTH, Floats
from inference.leak.model import Answer, Model
from inference.leak.thermal import ThermalEnd

HIGH = CENTRES_HZ >= quality.HIGH_HZ
DETECTORS = (CENTRES_HZ >= 25_000.0) & (CENTRES_HZ <= 70_000.0)  # the band in which detectors' levels are told
HELD_S = 4  # a picture that the shutter hides is held so long
FLOOR_S = 10  # seconds until floor and background mean anything
PLUME = 0.5  # of the mask: from here on a cell is a plume


class State(IntEnum):
    """Of a sensor."""

    OK = 0
    NONE = 1  # the site has none
    MISSING = 2
    SILENT = 3
    CLIPPED = 4
    TONE = 5  # the sounder is not heard as it should be
    FROZEN = 6
    BLIND = 7
    STARTING = 8


_WORDS = {"": State.OK, "silent": State.SILENT, "clipped": State.CLIPPED, "tone": State.TONE}


@dataclass(slots=True)
class Found:
    """What came of one second. `began`: an alarm begins with it."""

    values: dict[str, float]
    levels: Floats | None
    floor: Floats | None
    maps: Floats | None
    mask: Floats | None
    began: bool


@dataclass(slots=True)
class _Sound:
    state: State
    given: Floats
    levels: Floats | None = None
    floor: Floats | None = None
    quality: quality.Sound = field(default_factory=quality.Sound)
    over_db: float = math.nan
    level_db: float = math.nan


@dataclass(slots=True)
class _Picture:
    state: State
    maps: Floats
    quality: quality.Picture = field(default_factory=quality.Picture)


class Judge:
    """The line of one place. Not armed (no accepted baseline) it says everything but an alarm."""

    def __init__(
        self, model: Model, ears: hearing.Ears | None, eyes: seeing.Eyes | None, wind_m_s: float | None = None
    ) -> None:
        self._model, self._ears, self._eyes, self._wind = model, ears, eyes, wind_m_s
        self._front = FrontEnd(ears.rate_hz) if ears else None
        self._test = hearing.SelfTest(ears) if ears else None
        self._thermal = ThermalEnd()
        self._floor = Floor()
        self._heard_s = self._seen_s = 0
        self._held: tuple[Floats, quality.Picture, int] | None = None
        self._suspect = self._alarm = False
        self.armed = False
        self.factor = 1.0  # of the threshold, by the accepted baseline
        self._busy = np.zeros((HEIGHT, WIDTH), np.bool_)
        self._decision = Decision(model.limits)

    def arm(self, baseline: baselines.Baseline) -> None:
        """Take an accepted baseline: its floor, its threshold, the parts of the picture that always move."""
        median = np.array(baseline.p10, np.float32)
        self._floor = Floor(median, baseline.floor_most)
        self.factor = baseline.factor
        self._decision = Decision(self._model.limits, self.factor)
        busy = np.zeros(MASK, np.bool_)
        busy.flat[[cell for cell in baseline.busy_cells if cell < busy.size]] = True
        self._busy = busy.repeat(CELL, axis=0).repeat(CELL, axis=1)
        self.armed = True

    def second(self, sound: hearing.Second | None, picture: seeing.Second | None) -> Found:
        """Judge a second; None = that sensor gave nothing."""
        ears, eyes = self._hear(sound), self._see(picture)
        modes = {(True, True): "both", (True, False): "sound", (False, True): "picture"}
        mode: Mode | None = modes.get((ears.state is State.OK, eyes.state is State.OK))  # type: ignore[assignment]
        answer = None
        if mode is None:
            verdict = self._decision.unheard()
        else:
            answer = self._model.second(ears.given, eyes.maps, quality.vector(ears.quality, eyes.quality, self._wind))
            # the network was told which sensors are there: its joint answer is the one for every mode
            verdict = self._decision.second(answer.logits["both"], mode)
        self._suspect = verdict.suspect
        began = self.armed and verdict.alarm and not self._alarm
        self._alarm = self.armed and verdict.alarm
        values = self._values(ears, eyes, mode, answer, verdict)
        shows = eyes.state is State.OK and answer is not None
        return Found(
            values,
            ears.levels,
            ears.floor,
            eyes.maps if shows else None,
            answer.mask if answer and shows else None,
            began,
        )

    def _hear(self, heard: hearing.Second | None) -> _Sound:
        nothing = np.zeros((2, BANDS, SLOTS), np.float32)
        if self._front is None or self._test is None:
            return _Sound(State.NONE, nothing)
        if heard is None:
            self._heard_s = 0
            return _Sound(State.MISSING, nothing)
        self._heard_s += 1
        state = _WORDS[self._test.second(heard)]
        levels = self._front.second(heard.pressure)
        floor = self._floor.follow(levels, hold=self._suspect or state is not State.OK)
        if state is State.OK and self._heard_s <= FLOOR_S and not self.armed:
            state = State.STARTING
        high = HIGH & self._front.heard
        share = float(self._front.heard.mean())
        told = quality.Sound(True, share, self._test.error_db, float(floor[high].mean()) if high.any() else 20.0)
        band = detectors_band(self._front.heard)
        level = 10.0 * math.log10(float(np.sum(10.0 ** (levels[band].mean(axis=1) / 10.0))))
        over = float((levels[band].mean(axis=1) - floor[band]).mean())
        given = features(levels, floor, self._front.heard) if state is State.OK else nothing
        told = told if state is State.OK else quality.Sound()
        return _Sound(state, given, levels, floor, told, over, level)

    def _see(self, seen: seeing.Second | None) -> _Picture:
        nothing = np.zeros((MAPS, HEIGHT, WIDTH), np.float32)
        if self._eyes is None:
            return _Picture(State.NONE, nothing)
        if seen is None:
            return self._hold(State.MISSING, nothing)
        self._seen_s += 1
        found = self._thermal.second(seen.frames, hold=self._suspect)
        if found.frozen or found.jumped:
            return self._hold(State.FROZEN if found.frozen else State.BLIND, nothing)
        if found.blind:
            self._held = None
            return _Picture(State.BLIND, nothing)
        if self._seen_s <= FLOOR_S:
            return _Picture(State.STARTING, nothing)
        maps = found.maps
        maps[:3, self._busy] = 0.0
        told = quality.Picture(True, found.netd_k, found.shutter_age_s, quality.steam(maps, found.netd_k))
        self._held = maps, told, HELD_S
        return _Picture(State.OK, maps, told)

    def _hold(self, state: State, nothing: Floats) -> _Picture:
        """The last picture for the seconds of a shutter, then none."""
        if self._held is None or self._held[2] <= 0:
            self._held = None
            return _Picture(state, nothing)
        maps, told, left = self._held
        self._held = maps, told, left - 1
        return _Picture(State.OK, maps, told)

    def _values(
        self, ears: _Sound, eyes: _Picture, mode: Mode | None, answer: Answer | None, verdict: Verdict
    ) -> dict[str, float]:
        wanted = [one for one in (ears.state, eyes.state) if one is not State.NONE]
        values = {
            "armed": float(self.armed),
            "degraded": float(any(one not in (State.OK, State.STARTING) for one in wanted)),
            "sound_state": float(ears.state),
            "picture_state": float(eyes.state),
            "level_db": ears.level_db,
            "over_floor_db": ears.over_db,
            "netd_mk": 1000.0 * eyes.quality.netd_k if eyes.state is State.OK else math.nan,
            "shutter_age_s": eyes.quality.shutter_age_s if eyes.state is State.OK else math.nan,
            "evidence": verdict.share if mode else math.nan,
        }
        if self.armed and (mode or verdict.alarm):
            values |= {"alarm": float(verdict.alarm), "delay_s": verdict.delay_s if verdict.alarm else 0.0}
        if answer is None or mode is None:
            return values
        by_sound = chance(answer.logits["sound"]) if mode != "picture" else math.nan
        by_picture = chance(answer.logits["picture"]) if mode != "sound" else math.nan
        values |= {
            "probability": chance(answer.logits["both"]),
            "sound_probability": by_sound,
            "picture_probability": by_picture,
            "agreement": 1.0 - abs(by_sound - by_picture),
            "plume_cells": float((answer.mask > PLUME).sum()) if mode != "sound" else math.nan,
            "model_ms": answer.ms,
        }
        if verdict.suspect:
            values |= {
                "distance_m": answer.metres, "distance_bin": float(answer.distance_bin),
                "flow_kg_s": answer.kg_s, "flow_bin": float(answer.mass_bin),
            }  # fmt: skip
        return values


def detectors_band(heard: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The bands in which levels are told: 25–70 kHz as far as they are heard; where none is (48 kHz and less), from 12 kHz on."""
    found: NDArray[np.bool_] = DETECTORS & heard
    return found if found.any() else heard & (CENTRES_HZ >= 12_000.0)


def chance(logit: float) -> float:
    """Logistic."""
    return 1.0 / (1.0 + math.exp(-max(-50.0, min(50.0, logit))))
