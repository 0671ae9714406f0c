"""How good the shipped leak model is, on scenarios it never saw: thresholds from millions of quiet seconds, then detection and delay.

`python -m inference.leaksim.campaign MODEL FOLDER quiet|leaks|table …` works in pieces that a second start goes on with.
The stacks of the network run apart: the picture is drawn and judged every few seconds (`EVERY`) and held in between. Held noise
adds up in the decision's sum, so quiet seconds held for longer give more false alarms than at run time, never fewer.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
import onnxruntime as ort
from numpy.typing import NDArray

from inference.leak.decide import LEAST_S, RELEASE, SATURATION
from inference.leak.layout import Floats
from inference.leaksim.machines import Split
from inference.leaksim.picture import Noise
from inference.leaksim.run import listen, watch
from inference.leaksim.scenario import Scenario, draw, snr_db

EVERY = {"quiet": 8, "leaks": 2, "fixed": 2}  # seconds that a picture is held
QUIET_S = 600  # length of a scenario without a leak
LEAK_S, ONSET_S = 100, 20  # of one with
OF_SOUND, OF_PICTURE = [0, 2, 3, 4], [1, 5, 6, 8]


class Stacks:
    """The three parts of the model file, cut at the summaries of sound and picture."""

    def __init__(self, model: Path) -> None:
        whole = onnx.load(str(model))
        cutter = onnx.utils.Extractor(whole)
        self._sound = self._part(cutter, ["sound"], ["heard"])
        self._picture = self._part(cutter, ["maps"], ["seen"])
        self._fusion = self._part(cutter, ["heard", "seen", "quality"], ["logits"])

    @staticmethod
    def _part(cutter: onnx.utils.Extractor, ins: list[str], outs: list[str]) -> ort.InferenceSession:
        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        data = cutter.extract_model(ins, outs).SerializeToString()
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])

    def logits(self, sound: Floats, maps: Floats, quality: Floats, every: int) -> Floats:
        """[seconds, 3]: both sensors, the picture away, the sound away. `maps` has one entry for `every` seconds."""
        heard = self._sound.run(None, {"sound": sound})[0]
        seen = self._picture.run(None, {"maps": maps})[0].repeat(every, axis=0)[: len(heard)]
        silent = self._sound.run(None, {"sound": np.zeros_like(sound[:1])})[0].repeat(len(heard), axis=0)
        dark = self._picture.run(None, {"maps": np.zeros_like(maps[:1])})[0].repeat(len(heard), axis=0)
        deaf, blind = quality.copy(), quality.copy()
        deaf[:, OF_SOUND], blind[:, OF_PICTURE] = 0.0, 0.0
        found = []
        for ears, eyes, given in ((heard, seen, quality), (heard, dark, blind), (silent, seen, deaf)):
            found.append(self._fusion.run(None, {"heard": ears, "seen": eyes, "quality": given})[0][:, 0])
        stacked: Floats = np.stack(found, 1)
        return stacked


def judged(
    stacks: Stacks, scenario: Scenario, seconds: int, noise: Noise, every: int, onset_s: float = math.inf
) -> Floats:
    """The logits of a whole scenario [seconds, 3]."""
    sound = listen(scenario, seconds, onset_s)
    seen = list(watch(scenario, noise, sound, np.arange(0, seconds, every), onset_s))
    quality = np.array([second.quality for second in seen]).repeat(every, axis=0)[:seconds]
    quality[:, 4] = np.clip((sound.floor_db - 20.0) / 40.0, -3.0, 3.0)
    return stacks.logits(sound.features, np.array([second.maps for second in seen]), quality, every)


def alarms(logits: Floats, drift: float, threshold: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of logits [scenarios, seconds]: how many alarms each scenario has, and the second of its first (−1 = none)."""
    share = np.zeros(len(logits))
    on = np.zeros(len(logits), np.bool_)
    count, first = np.zeros(len(logits), np.int64), np.full(len(logits), -1, np.int64)
    for at in range(logits.shape[1]):
        share = np.clip(share + np.minimum((logits[:, at] - drift) / threshold, 1.0 / LEAST_S), 0.0, SATURATION)
        now = share >= np.where(on, RELEASE, 1.0 - 1e-9)
        count += now & ~on
        first[(first < 0) & now] = at
        on = now
    return count, first


def threshold_for(logits: Floats, drift: float, allowed: int) -> float:
    """The least threshold with no more than `allowed` alarms in all."""
    low, high = 0.5, 5_000.0
    for _ in range(30):
        middle = math.sqrt(low * high)
        if int(alarms(logits, drift, middle)[0].sum()) > allowed:
            low = middle
        else:
            high = middle
    return high


@dataclass(frozen=True, slots=True)
class Task:
    """What a piece consists of: seeds from `first` on."""

    kind: str
    split: Split
    first: int
    count: int


def quiet(stacks: Stacks, noise: Noise, task: Task) -> dict[str, NDArray[np.float32]]:
    """Logits [count, QUIET_S, 3] of places without a leak."""
    found = [
        judged(stacks, draw(task.split, task.first + at, leak=False), QUIET_S, noise, EVERY["quiet"])
        for at in range(task.count)
    ]
    return {"logits": np.array(found, np.float32)}


def leaks(stacks: Stacks, noise: Noise, task: Task) -> dict[str, NDArray[np.float32]]:
    """Logits [count, LEAK_S, 3] of places where a leak begins, with its SNR, distance and mass flow."""
    logits, about = [], []
    for at in range(task.count):
        fixed = task.kind == "fixed"  # the case of the specification: 0.01 kg/s at 5 m
        scenario = draw(task.split, task.first + at, leak=True, **({"metres": 5.0, "kg_s": 0.01} if fixed else {}))
        assert scenario.leak is not None
        logits.append(judged(stacks, scenario, LEAK_S, noise, EVERY[task.kind], float(ONSET_S)))
        release = scenario.leak.release
        about.append((snr_db(scenario), release.metres, release.kg_s, float(scenario.rate_hz)))
    return {"logits": np.array(logits, np.float32), "about": np.array(about, np.float32)}


def main() -> None:
    """Make pieces until the time or the number is spent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("kind", choices=("quiet", "leaks", "fixed"))
    parser.add_argument("--split", choices=("validate", "test"), default="validate")
    parser.add_argument("--pieces", type=int, default=100)
    parser.add_argument("--size", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=60.0)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    stacks, noise, until = Stacks(given.model), Noise(), time.monotonic() + 60.0 * given.minutes
    for piece in range(given.pieces):
        file = given.folder / f"{given.kind}-{given.split}-{piece:04}.npz"
        if file.exists() or time.monotonic() > until:
            continue
        task = Task(given.kind, given.split, piece * given.size + 100_000, given.size)
        made = quiet(stacks, noise, task) if given.kind == "quiet" else leaks(stacks, noise, task)
        part = file.with_suffix(".part.npz")
        np.savez_compressed(part, **made)  # type: ignore[arg-type]
        part.rename(file)
        print(json.dumps({"piece": file.name}), flush=True)


if __name__ == "__main__":
    main()
