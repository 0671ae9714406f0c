"""What a second of listening and watching costs on one thread, and how many simulated leaks of 0.01 kg/s at 5 m are found.

The large figures (false alarms a week, detection by SNR and distance) take hours: `inference.leaksim.campaign`, docs/results/leak.md.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import thread_time_ns
from typing import Any

import cv2
import numpy as np

from inference.leak.bands import FRAME, HOP, FrontEnd
from inference.leak.hearing import Ears
from inference.leak.hearing import second as heard_second
from inference.leak.judge import Judge
from inference.leak.model import Model
from inference.leak.seeing import Eyes
from inference.leak.seeing import second as seen_second
from inference.leak.settings import SHIPPED
from inference.leak.thermal import ThermalEnd
from inference.leaksim.campaign import EVERY, LEAK_S, ONSET_S, Stacks, judged
from inference.leaksim.picture import Noise
from inference.leaksim.report import delays
from inference.leaksim.scenario import draw, snr_db
from tests.bench.figure import figure

RATE = 192_000
MOST_MS = 3.0  # spec/inference.md
PROTOTYPE_MS = 2.08  # of the same: transform 1.6, network 0.48


ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # as inference.runtime.worker starts its processes


def figures(quick: bool) -> list[dict[str, Any]]:
    """Milliseconds of processor time, medians of alternating turns; shares of leaks found."""
    turns = "60" if quick else "400"
    # in a process of its own: the library of matrices reads how many threads it may use when it is loaded
    command = [sys.executable, "-m", "tests.bench.bench_leak", turns]
    said = subprocess.run(command, env=os.environ | ONE_THREAD, capture_output=True, check=True, timeout=120)
    ms = json.loads(said.stdout)
    return [
        figure("leak, a second of both sensors, one thread", ms["whole"], "ms", f"<= {MOST_MS:g} ms", ms["whole"] <= MOST_MS,
               PROTOTYPE_MS, reference_is="the prototype's transform and network", provider=ms["provider"]),
        figure("leak, the front end for sound at 192 kHz", ms["front"], "ms", "less than numpy's transform alone",
               ms["front"] < ms["numpy"], ms["numpy"], reference_is="numpy.fft.rfft of the same frames"),
        figure("leak, the front end for the picture", ms["thermal"], "ms", "", True, PROTOTYPE_MS,
               reference_is="the prototype's transform and network"),
        figure("leak, the network", ms["network"], "ms", "", True, 0.48, reference_is="the prototype's network"),
        found(40 if quick else 100),
    ]  # fmt: skip


def costs(count: int) -> dict[str, Any]:
    """Milliseconds of one second's parts on this thread."""
    cv2.setNumThreads(1)
    rng, model = np.random.default_rng(1), Model(SHIPPED, "cpu")
    ears, eyes = Ears("x", RATE, 120.0), Eyes("x")
    sound = rng.normal(0.0, 1e-3, RATE).astype(np.float32)
    frames = list(np.round(29_500 + rng.normal(0.0, 6.0, (9, 120, 160)) + np.linspace(0, 900, 160)).astype(np.uint16))
    judge, front, thermal = Judge(model, ears, eyes), FrontEnd(RATE), ThermalEnd()
    heard, seen = heard_second(ears, sound), seen_second(eyes, frames)
    windows = np.lib.stride_tricks.sliding_window_view(sound, FRAME)[::HOP] * np.hanning(FRAME).astype(np.float32)
    zeros = [np.zeros(shape, np.float32) for shape in ((2, 64, 16), (4, 120, 160), (9,))]
    turns: dict[str, Callable[[], object]] = {
        "whole": lambda: judge.second(heard, seen),
        "front": lambda: front.second(heard.pressure),
        "thermal": lambda: thermal.second(seen.frames),
        "network": lambda: model.second(zeros[0], zeros[1], zeros[2]),
        "numpy": lambda: np.fft.rfft(windows, axis=1),
    }
    took: dict[str, list[float]] = {name: [] for name in turns}
    gc.collect()
    for _ in range(count):
        for name, turn in turns.items():
            begun = thread_time_ns()
            turn()
            took[name].append((thread_time_ns() - begun) / 1e6)
    return {name: median(each) for name, each in took.items()} | {"provider": model.provider}


def found(count: int) -> dict[str, Any]:
    """Leaks of 0.01 kg/s at 5 m and about 10 dB of the set `test` that are found within a minute by the card's limits."""
    stacks, noise, limits = Stacks(SHIPPED), Noise(), Model(SHIPPED, "cpu").limits
    drawn = (draw("test", seed, leak=True, metres=5.0, kg_s=0.01) for seed in itertools.count(700_000))
    places = list(itertools.islice((one for one in drawn if abs(snr_db(one) - 10.0) <= 3.0), count))
    logits = np.array([judged(stacks, one, LEAK_S, noise, EVERY["fixed"], float(ONSET_S)) for one in places])
    by = {}
    for at, (mode, one) in enumerate(limits.items()):
        by[mode] = float(np.isfinite(delays(logits[:, :, at], (one.drift, one.threshold))).mean())
    return figure(
        "leak, 0.01 kg/s at 5 m, SNR 7 to 13 dB, found within 60 s", by["both"], "share", ">= 0.95", by["both"] >= 0.95,
        max(by["sound"], by["picture"]), reference_is="the better sensor alone", by_mode=by, places=count,
    )  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(costs(int(sys.argv[1]))))
