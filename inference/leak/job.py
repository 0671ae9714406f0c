"""The job in the worker: reads both sensors, judges every second, learns the place, keeps evidence, and shows what it sees."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np

from gateway.core.errors import SourceError
from gateway.core.tags import Cause
from inference.leak import baseline as baselines
from inference.leak import hearing, seeing, view
from inference.leak.evidence import Evidence
from inference.leak.feed import Feed
from inference.leak.judge import PLUME, Judge
from inference.leak.model import Model
from inference.runtime.session import number

Emit = Callable[[Mapping[str, float], int], None]

SHORT_S = 0.05  # the sensor that does not set the pace has its second ready by then
LATE_S = 1.6  # a second that is not there by then is missing: the worker's master gives up on silence after 2 s
DEAD_S = 10  # without any sensor for so long the source is lost
LEARNED_EVERY_S = 60  # what was learned is put down so often
LOOKED_EVERY_S = 5  # for a baseline that somebody accepted


class Job:
    """One place."""

    pictures = True

    def __init__(self, settings: dict[str, Any]) -> None:
        self._given = settings
        self.show: Callable[[Any, int], bool] = lambda _pixels, _at: False
        self._folder = Path(settings["folder"]) if settings["folder"] else None
        ears = hearing.Ears(
            settings["sound"], settings["rate_hz"], settings["full_scale_db"], settings["channel"], settings["channels"],
            settings["coding"], settings["repeat"], settings["tone_hz"], settings["tone_db"], settings["tone_every_s"],
        )  # fmt: skip
        eyes = seeing.Eyes(
            settings["picture"],
            settings["kelvin_per_count"],
            settings["offset_k"],
            settings["frame_hz"],
            settings["repeat"],
        )
        self._by_sound = True  # which sensor sets the pace
        self._ears, self._eyes = (ears if ears.address else None), (eyes if eyes.address else None)

    def run(self, emit: Emit, stopping: threading.Event) -> None:
        """Until stopping. Raises SourceError when the model is refused, a file is at its end, or both sensors are gone."""
        cv2.setNumThreads(1)
        model = Model(Path(self._given["model"]), self._given["provider"], self._given["threads"])
        place = _Place(self._given, model, self._ears, self._eyes, self._folder)
        sound = Feed("sound", partial(hearing.seconds, self._ears)) if self._ears else None
        sight = Feed("picture", partial(seeing.seconds, self._eyes)) if self._eyes else None
        feeds = [one for one in (sound, sight) if one is not None]
        for one in feeds:
            one.start()
        try:
            while not stopping.is_set():
                self._second(place, sound, sight, emit)
        finally:
            for one in feeds:
                one.stop()

    def _second(
        self, place: _Place, sound: Feed[hearing.Second] | None, sight: Feed[seeing.Second] | None, emit: Emit
    ) -> None:
        heard, seen = self._taken(sound, sight)
        errors = (sound.error if sound else "", sight.error if sight else "")
        if all(one is None or one.ended for one in (sound, sight)) and heard is None and seen is None:
            raise SourceError(
                "the recording is at its end; write repeat = true to play it again", Cause.DEVICE, slow=True
            )
        place.missing_s = 0 if heard is not None or seen is not None else place.missing_s + 1
        if place.missing_s > DEAD_S:
            raise SourceError("; ".join(one for one in errors if one) or "neither sensor gives anything", Cause.COMMS)
        captured = max([one.captured_ns for one in (heard, seen) if one is not None], default=time.monotonic_ns())
        values, picture = place.second(heard, seen, errors, captured)
        values["lost_samples"] = float(heard.lost) if heard is not None else float("nan")
        data = np.frombuffer(picture, np.uint8)
        self.show(data.reshape(1, len(data), 1), captured)  # first: who hears of the values may look at once
        emit(values, captured)

    def _taken(
        self, sound: Feed[hearing.Second] | None, sight: Feed[seeing.Second] | None
    ) -> tuple[hearing.Second | None, seeing.Second | None]:
        """A second of each. The sensor that gave the last one sets the pace: a dead one would drop the other's seconds."""
        heard, seen = None, None
        if self._by_sound and sound:
            heard = sound.take(LATE_S)
        if sight:
            seen = sight.take(SHORT_S if self._by_sound and sound else LATE_S)
        if not self._by_sound and sound:
            heard = sound.take(SHORT_S)
        self._by_sound = heard is not None or seen is None
        return heard, seen


class _Place:
    """Judge, learner, evidence and view of one place."""

    def __init__(
        self,
        given: dict[str, Any],
        model: Model,
        ears: hearing.Ears | None,
        eyes: seeing.Eyes | None,
        folder: Path | None,
    ) -> None:
        self.missing_s = 0
        self._model, self._folder, self._source = model, folder, str(given["source"])
        self._judge = Judge(model, ears, eyes, given["wind_m_s"])
        self._learner = baselines.Learner(self._source)
        self._strip = view.Strip()
        pascal = ears.pascal if ears else 1.0
        keep = folder / "evidence" if folder and given["evidence_mb"] else None
        scale = (pascal, float(given["kelvin_per_count"]), float(given["offset_k"]))
        self._evidence = Evidence(
            self._source, keep, scale, (int(given["rate_hz"]), float(given["frame_hz"])), int(given["evidence_mb"])
        )
        self._stamp = 0
        self._seconds = 0

    def second(
        self, heard: hearing.Second | None, seen: seeing.Second | None, errors: tuple[str, str], captured_ns: int
    ) -> tuple[dict[str, float], bytes]:
        """Values and view of one second."""
        if self._seconds % LOOKED_EVERY_S == 0:
            self._look()
        self._seconds += 1
        begun = time.perf_counter()
        found = self._judge.second(heard, seen)
        values = found.values
        values["ms"] = (time.perf_counter() - begun) * 1e3
        values["provider"] = number(self._model.provider)
        cells = None if found.mask is None else found.mask > PLUME
        share = values["evidence"] if values["evidence"] == values["evidence"] else 0.0
        # in the model's own threshold: a second baseline must not find the place quiet because the first one raised it
        self._learner.second(found.levels, cells, share * self._judge.factor)
        values["learned_h"] = self._learner.hours
        if self._folder and self._seconds % LEARNED_EVERY_S == 0:
            baselines.write(baselines.paths(self._folder, self._source)[0], self._learner.baseline())
        self._evidence.second(heard.pressure if heard else None, seen.counts if seen else None)
        if found.began:
            self._evidence.ask(values)
        self._strip.second(found.levels)
        if self._evidence.error and not errors[0]:
            errors = f"evidence was not kept: {self._evidence.error}", errors[1]
        shown = view.seen(self._strip, found.floor, found.mask, found.maps, values, captured_ns, errors)
        return values, msgspec.json.encode(shown)

    def _look(self) -> None:
        """Take up a baseline that was accepted, or accepted anew, since the last look."""
        if self._folder is None:
            return
        path = baselines.paths(self._folder, self._source)[1]
        stamp = path.stat().st_mtime_ns if path.exists() else 0
        if stamp == self._stamp:
            return
        self._stamp = stamp
        found = baselines.read(path) if stamp else None
        if found is not None and found.accepted_by:
            self._judge.arm(found)
