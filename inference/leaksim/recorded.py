"""The shipped model on real sounds: `python -m inference.leaksim.recorded SHARED_DATA` prints what it makes of them, as it is.

None of them is what it was trained for: esc10 (44.1 kHz, no leak), water_leak_hydrophone (8 kHz in water), gpla12_v1 (33 ms in a pipe).
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from inference.leak.bands import Floor, FrontEnd, features
from inference.leak.decide import Decision
from inference.leak.layout import HEIGHT, MAPS, REFERENCE_PA, WIDTH, Floats
from inference.leak.model import Model
from inference.leak.quality import Picture, Sound, vector
from inference.leak.settings import SHIPPED

RATE_HZ = 44_100
LEVEL_DB = 80.0  # recordings are not calibrated: each is brought to this level
NO_PICTURE = np.zeros((MAPS, HEIGHT, WIDTH), np.float32)


def decoded(path: Path) -> Floats:
    """Samples of a file at 44.1 kHz, one channel, in Pa at LEVEL_DB."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE_HZ)
        parts = [
            np.asarray(part.to_ndarray()[0])
            for frame in container.decode(audio=0)
            for part in resampler.resample(frame)
        ]
    return levelled(np.concatenate(parts).astype(np.float32))


def levelled(samples: Floats) -> Floats:
    """Brought to LEVEL_DB."""
    power = math.sqrt(float(np.mean(samples.astype(np.float64) ** 2))) or 1.0
    return (samples * np.float32(REFERENCE_PA * 10.0 ** (LEVEL_DB / 20.0) / power)).astype(np.float32)


def heard(model: Model, sounds: Iterator[Floats]) -> tuple[list[float], int]:
    """The logit of each second of sounds one after another, and how many alarms there were: the floor follows all along."""
    front, floor, decision = FrontEnd(RATE_HZ), Floor(), Decision(model.limits)
    logits, alarms, before = [], 0, False
    share, high = float(front.heard.mean()), front.heard.copy()
    high[:39] = False
    for sound in sounds:
        for at in range(0, len(sound) - RATE_HZ + 1, RATE_HZ):
            levels = front.second(sound[at : at + RATE_HZ])
            below = floor.follow(levels)
            told = Sound(True, share, 0.0, float(below[high].mean()) if high.any() else 20.0)
            answer = model.second(features(levels, below, front.heard), NO_PICTURE, vector(told, Picture(), None))
            verdict = decision.second(answer.logits["both"], "sound")
            logits.append(answer.logits["both"])
            alarms += verdict.alarm and not before
            before = verdict.alarm
    return logits, alarms


def separation(quiet: list[float], leaking: list[float]) -> float:
    """Area under the curve: 0.5 = no separation."""
    pairs = np.array(leaking)[:, None] - np.array(quiet)[None, :]
    return float((pairs > 0).mean() + 0.5 * (pairs == 0).mean())


def esc10(model: Model, folder: Path) -> list[str]:
    """False alarms of each kind, its clips one after another."""
    lines, alarms, seconds = [], 0, 0
    for kind in sorted(path for path in folder.iterdir() if path.is_dir()):
        logits, count = heard(model, (decoded(file) for file in sorted(kind.glob("*.ogg"))))
        alarms, seconds = alarms + count, seconds + len(logits)
        lines.append(f"| {kind.name} | {len(logits)} | {count} | {np.mean(np.array(logits) > 0):.3f} |")
    lines.append(f"| all | {seconds} | {alarms} | {alarms * 3600 / seconds:.1f} an hour |")
    return ["| esc10 | seconds | alarms | seconds judged likelier leak than not |", "| --- | --- | --- | --- |", *lines]


def hydrophone(model: Model, folder: Path) -> list[str]:
    """Separation of each kind of leak from no leak."""
    quiet, _ = heard(model, iter([decoded(folder / "no-leak.wav")]))
    lines = ["| water_leak_hydrophone | seconds | area under the curve against no-leak |", "| --- | --- | --- |"]
    for file in sorted(folder.glob("*.wav")):
        if file.stem != "no-leak":
            logits, _ = heard(model, iter([decoded(file)]))
            lines.append(f"| {file.stem} | {len(logits)} | {separation(quiet, logits):.2f} |")
    return lines


def gpla12(model: Model, folder: Path) -> list[str]:
    """All are leaks, 33 ms each: repeated to a second after ten of soft noise. How many are judged likelier leak than not."""
    rows: NDArray[np.float64] = np.loadtxt(folder / "data.csv", delimiter=",", ndmin=2)
    rng, judged = np.random.default_rng(1), []
    for row in rows[:: max(1, len(rows) // 60)]:
        steady = (row - row.mean()).astype(np.float32)
        sound = levelled(np.tile(steady, RATE_HZ // len(steady) + 1)[:RATE_HZ])
        calm = rng.normal(0.0, 2e-4, 10 * RATE_HZ).astype(np.float32)
        judged.append(heard(model, iter([np.concatenate((calm, sound, sound))]))[0][-1] > 0)
    return [
        f"gpla12_v1: {np.mean(judged):.2f} of {len(judged)} signals are judged likelier leak than not, played as if sampled at 44.1 kHz."
    ]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    given = parser.parse_args()
    model = Model(SHIPPED, "cpu")
    for part, name in ((esc10, "esc10"), (hydrophone, "water_leak_hydrophone"), (gpla12, "gpla12_v1")):
        print("\n".join(part(model, given.data / name)) + "\n", flush=True)


if __name__ == "__main__":
    main()
