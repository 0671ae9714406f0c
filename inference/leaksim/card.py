"""Write the shipped model with its card: `python -m inference.leaksim.card EXPORTED CAMPAIGN` after export and campaign."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np

from inference.leak.settings import SHIPPED
from inference.leaksim.campaign import alarms
from inference.leaksim.report import WEEK_S, Limits, delays, load
from inference.models.card import Card, Golden, digest, write

TITLE = {
    "en": "Trained on simulation: no recording of a real leak was used, because none is public. Leak by sound and thermal picture.",
    "zh-CN": "仅用仿真数据训练：因无公开数据，未使用任何真实泄漏录音。声学与热像融合的泄漏识别。",
}
LIMITS_TEXT = {
    "en": "All figures are on simulated places with other seeds and machines than the training. It was never measured on a real leak: "
    "learn a baseline of each place, and try it with a known release before it is relied on. Which gas it is, it cannot say; "
    "distance and flow are orders of magnitude. Below 96 kHz of sampling the bands that set a leak apart are not heard.",
    "zh-CN": "所有指标均来自与训练不同种子、不同机器的仿真场景，从未在真实泄漏上测量。"
    "每个监视点须先学习基线，并用已知释放源试验后方可使用。"
    "不能判定气体种类；距离与流量仅为数量级估计。采样率低于 96 kHz 时听不到区分泄漏的频带。",
}


def figures(folder: Path, limits: Limits) -> dict[str, float]:
    """The few figures that stand on the card; docs/results/leak.md has all."""
    quiet, _ = load(folder, "quiet", "validate")
    other, _ = load(folder, "quiet", "test")
    leaks, _ = load(folder, "leaks", "test")
    fixed, fixed_about = load(folder, "fixed", "test")
    found = {"quiet seconds of the limits": float(quiet.shape[0] * quiet.shape[1])}
    for at, mode in enumerate(("both", "sound", "picture")):
        seconds = other.shape[0] * other.shape[1]
        count = int(alarms(other[:, :, at], *limits[mode])[0].sum())
        found[f"{mode}: false alarms a week on {seconds} other seconds"] = round(count * WEEK_S / max(seconds, 1), 2)
        found[f"{mode}: detected of {len(leaks)} leaks"] = share(delays(leaks[:, :, at], limits[mode]))
        near = np.abs(fixed_about[:, 0] - 10.0) <= 3.0
        found[f"{mode}: detected of {int(near.sum())} at 0.01 kg/s, 5 m, SNR 7 to 13 dB"] = share(
            delays(fixed[near][:, :, at], limits[mode])
        )
    return found


def share(found: np.ndarray) -> float:
    """Of those that were detected."""
    return round(float(np.isfinite(found).mean()), 4) if len(found) else 0.0


def main() -> None:
    """Copy model and golden batch, write the card."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("exported", type=Path)
    parser.add_argument("campaign", type=Path)
    given = parser.parse_args()
    SHIPPED.parent.mkdir(exist_ok=True)
    golden = SHIPPED.with_name("leak.golden.npz")
    shutil.copy(given.exported / "leak.onnx", SHIPPED)
    shutil.copy(given.exported / "leak.golden.npz", golden)
    limits: Limits = {
        mode: (one[0], one[1]) for mode, one in json.loads((given.campaign / "limits.json").read_text("utf-8")).items()
    }
    thresholds = {
        f"{mode}.{name}": value
        for mode, pair in limits.items()
        for name, value in zip(("drift", "threshold"), pair, strict=True)
    }
    card = Card(
        sha256=digest(SHIPPED), family="", classes=["leak"], licence="Apache-2.0", title=TITLE, limits=LIMITS_TEXT,
        trained_on=["simulated places of inference.leaksim, set train: seeds from 0, machines 0 to 599 of each kind"],
        thresholds=thresholds, golden=Golden(golden.name, digest(golden), 0.05), precision="int8",
        extra={"measured on simulated places, set test": figures(given.campaign, limits)},
    )  # fmt: skip
    write(SHIPPED, card)


if __name__ == "__main__":
    main()
