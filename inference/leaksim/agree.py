"""Whether the simulator's shortcut holds: `python -m inference.leaksim.agree FILE --seconds 10000` checks band energies by samples.

Every second is made twice, as band energies (`sound.levels`, what the campaign judges) and as samples through the front end that runs
in a plant. Lines of JSON, one a place, are added to FILE, so that a second start goes on; the summary is printed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np

from inference.leak.bands import FrontEnd
from inference.leak.layout import BANDS, HEIGHT, MAPS, WIDTH, Floats
from inference.leak.quality import Picture, Sound, vector
from inference.leak.settings import SHIPPED
from inference.leaksim.campaign import Stacks
from inference.leaksim.run import heard_of
from inference.leaksim.scenario import Scenario, draw
from inference.leaksim.sound import levels, samples

EACH_S = 25  # of a place; every other one leaks from its 10th second on
ONSET_S = 10.0
FIRST = 400_000  # seeds that no campaign takes


def compared(stacks: Stacks, number: int) -> dict[str, Any]:
    """One place of the set `test`: the difference of the levels in dB, energies less samples, and the sound model's logits of both."""
    scenario = draw("test", FIRST + number, leak=number % 2 == 1)
    front = FrontEnd(scenario.rate_hz)
    slow = np.array([front.second(samples(scenario, at, EACH_S, ONSET_S)) for at in range(EACH_S)])
    fast = levels(scenario, EACH_S, ONSET_S)
    away = (fast - slow)[1:, front.heard]  # the first second lacks the half frame before it
    by_band = np.full(BANDS, np.nan)
    by_band[front.heard] = away.mean(axis=(0, 2))
    said = [judged(stacks, scenario, one) for one in (fast, slow)]
    return {
        "seconds": EACH_S - 1, "rate_hz": scenario.rate_hz, "by_band": [None if x != x else round(float(x), 4) for x in by_band],
        "off": np.abs(away.mean(axis=2)).mean(axis=1).round(4).tolist(), "energies": said[0], "samples": said[1],
    }  # fmt: skip


def judged(stacks: Stacks, scenario: Scenario, found: Floats) -> list[float]:
    """The logit of each second but the first, without a picture."""
    sound = heard_of(scenario, found, ONSET_S)
    told = [vector(Sound(True, sound.heard, 0.0, float(floor)), Picture(), None) for floor in sound.floor_db]
    maps = np.zeros((1, MAPS, HEIGHT, WIDTH), np.float32)
    logits = stacks.logits(sound.features, maps, np.array(told), len(told))
    return [round(float(one), 4) for one in logits[1:, 1]]


def summary(places: list[dict[str, Any]]) -> str:
    """Over all places."""
    bands = np.array([[np.nan if x is None else x for x in place["by_band"]] for place in places])
    off = np.concatenate([place["off"] for place in places])
    fast, slow = (np.concatenate([place[name] for place in places]) for name in ("energies", "samples"))
    mean, worst = np.nanmean(bands), np.nanmean(bands[:, ~np.isnan(bands).all(axis=0)], axis=0)
    lines = [
        f"{len(off):,} seconds of {len(places)} places",
        f"mean difference of the levels {mean:+.3f} dB; worst of the {BANDS} bands {worst[np.abs(worst).argmax()]:+.3f} dB",
        f"mean distance of a second's bands {off.mean():.2f} dB, 99 % of the seconds within {np.quantile(off, 0.99):.2f} dB",
        f"logits of the sound model: correlation {np.corrcoef(fast, slow)[0, 1]:.4f}",
    ]
    for share in (0.5, 0.9, 0.99, 0.999):
        lines.append(
            f"{share:.1%} of the logits are below {np.quantile(fast, share):.2f} (energies), {np.quantile(slow, share):.2f} (samples)"
        )
    return "\n".join(lines)


def main() -> None:
    """Go on until there are so many seconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--seconds", type=int, default=10_000)
    given = parser.parse_args()
    places = [json.loads(line) for line in given.file.read_text("utf-8").splitlines()] if given.file.exists() else []
    stacks = Stacks(SHIPPED)
    with given.file.open("a", encoding="utf-8") as file:
        while len(places) * (EACH_S - 1) < given.seconds:
            places.append(compared(stacks, len(places)))
            file.write(json.dumps(places[-1]) + "\n")
            file.flush()
    print(summary(places))


if __name__ == "__main__":
    main()
