"""What a campaign's pieces come to: the decision's limits, and the figures on seeds they were not set on, as Markdown.

`python -m inference.leaksim.report FOLDER` prints the limits as JSON and the tables. Limits: the least threshold with no more
alarms on the quiet seconds of `validate` than one a week; its drift the one that detects most of the `validate` leaks.
"""

from __future__ import annotations

import argparse
import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from inference.leak.decide import MODES
from inference.leak.layout import Floats
from inference.leaksim.campaign import ONSET_S, alarms, threshold_for

WEEK_S = 7 * 86_400
WITHIN_S = 60  # of its onset a leak counts as detected
DRIFTS = tuple(0.5 * half for half in range(17))  # 0 to 8
SNR_EDGES_DB = (-30.0, -5.0, 0.0, 5.0, 10.0, 15.0, 20.0, 30.0, 60.0)
DISTANCE_EDGES_M = (2.0, 4.0, 8.0, 12.0, 20.0)
FLOW_EDGES_G_S = (0.5, 1.0, 3.0, 10.0, 30.0, 200.0)

Limits = dict[str, tuple[float, float]]


def load(folder: Path, kind: str, split: str) -> tuple[Floats, Floats]:
    """Logits [scenarios, seconds, 3] and what is known of each [scenarios, 4], of all pieces."""
    logits, about = [], []
    for file in sorted(folder.glob(f"{kind}-{split}-*.npz")):
        with np.load(file, allow_pickle=False) as piece:
            logits.append(piece["logits"])
            about.append(piece["about"] if "about" in piece else np.zeros((len(piece["logits"]), 4), np.float32))
    if not logits:
        return np.zeros((0, 1, 3), np.float32), np.zeros((0, 4), np.float32)
    return np.concatenate(logits), np.concatenate(about)


def delays(logits: Floats, limits: tuple[float, float]) -> NDArray[np.float64]:
    """Seconds from onset to alarm, infinite where it is not detected in time; an alarm before the onset is none of it."""
    found = np.full(len(logits), np.inf)
    _, first = alarms(
        logits[:, ONSET_S - 5 :], *limits
    )  # the seconds before settle the sum, false alarms in them are counted elsewhere
    after = first - 5 + 1
    seen = (after > 0) & (after <= WITHIN_S)
    found[seen] = after[seen]
    return found


def threshold_of(logits: Floats, drift: float) -> float:
    """The least threshold with no more than one alarm a week. Less than three weeks cannot show it: then the number of
    alarms is followed down its exponential tail, from where there are some dozens, to one a week, at 1.2 to 3 times where none was."""
    weeks = logits.shape[0] * logits.shape[1] / WEEK_S
    if weeks >= 3.0:
        return threshold_for(logits, drift, int(weeks))
    none = threshold_for(logits, drift, 0)
    tried = np.geomspace(none / 8.0, none * 0.98, 12)
    counts = np.array([int(alarms(logits, drift, one)[0].sum()) for one in tried])
    tail = (counts >= 2) & (counts <= 80)
    if tail.sum() < 2:
        return 1.5 * none
    slope, at_zero = np.polyfit(tried[tail], np.log(counts[tail]), 1)
    followed = float((math.log(weeks) - at_zero) / slope) if slope < 0.0 else math.inf
    return min(max(1.2 * none, followed), 3.0 * none)  # a tail that few alarms tell of is not followed far


def limits_of(quiet: Floats, leaks: Floats) -> Limits:
    """Drift and threshold for each mode."""
    found: Limits = {}
    for column, mode in enumerate(MODES):
        best = (-1.0, 0.0, 0.0)
        for drift in DRIFTS:
            threshold = threshold_of(quiet[:, :, column], drift)
            share = float(np.isfinite(delays(leaks[:, :, column], (drift, threshold))).mean())
            best = max(best, (share, drift, threshold))
        found[mode] = best[1], math.ceil(100.0 * best[2]) / 100.0  # never down: the alarm just below it would come back
    return found


def quiet_lines(quiet: Floats, name: str, limits: Limits) -> list[str]:
    """False alarms on quiet seconds."""
    seconds = quiet.shape[0] * quiet.shape[1]
    lines = []
    for column, mode in enumerate(MODES):
        count = int(alarms(quiet[:, :, column], *limits[mode])[0].sum()) if seconds else 0
        a_week = count * WEEK_S / seconds if seconds else math.nan
        lines.append(f"| {name} | {mode} | {seconds:,} | {count} | {a_week:.2f} |")
    return lines


def binned(
    values: NDArray[np.float64], edges: tuple[float, ...], found: dict[str, NDArray[np.float64]], unit: str
) -> list[str]:
    """Detection by bin, each mode, with the number of leaks."""
    lines = []
    for low, high in pairwise(edges):
        inside = (values >= low) & (values < high)
        if inside.any():
            shares = " | ".join(f"{np.isfinite(found[mode][inside]).mean():.3f}" for mode in MODES)
            lines.append(f"| {low:g} to {high:g} {unit} | {int(inside.sum())} | {shares} |")
    return lines


def summary(found: dict[str, NDArray[np.float64]], chosen: NDArray[np.bool_]) -> str:
    """Detection of the three modes, and what fusion gains."""
    shares = [float(np.isfinite(found[mode][chosen]).mean()) for mode in MODES]
    gain = shares[0] / max(shares[1], shares[2], 1e-9)
    return f"both {shares[0]:.3f}, sound alone {shares[1]:.3f}, picture alone {shares[2]:.3f}; both over the better one {gain:.2f}"


def tables(folder: Path, limits: Limits) -> str:
    """All of it."""
    quiet, _ = load(folder, "quiet", "validate")
    other, _ = load(folder, "quiet", "test")
    leaks, about = load(folder, "leaks", "test")
    fixed, fixed_about = load(folder, "fixed", "test")
    head = "| {} | leaks | both | sound alone | picture alone |\n| --- | --- | --- | --- | --- |"
    out = ["| seconds | mode | number | alarms | a week |", "| --- | --- | --- | --- | --- |"]
    out += quiet_lines(quiet, "limits set on these", limits) + quiet_lines(other, "other seeds and machines", limits)
    found: dict[str, NDArray[np.float64]] = {
        mode: delays(leaks[:, :, at], limits[mode]) for at, mode in enumerate(MODES)
    }
    for title, column, factor, edges, unit in (
        ("SNR in 25–70 kHz", 0, 1.0, SNR_EDGES_DB, "dB"), ("distance", 1, 1.0, DISTANCE_EDGES_M, "m"),
        ("mass flow", 2, 1000.0, FLOW_EDGES_G_S, "g/s"),
    ):  # fmt: skip
        out += ["", head.format(title), *binned(about[:, column].astype(np.float64) * factor, edges, found, unit)]
    everything = np.ones(len(leaks), np.bool_)
    out += ["", f"All leaks: {summary(found, everything)}.", f"SNR under 10 dB: {summary(found, about[:, 0] < 10.0)}."]
    case: dict[str, NDArray[np.float64]] = {
        mode: delays(fixed[:, :, at], limits[mode]) for at, mode in enumerate(MODES)
    }
    near = np.abs(fixed_about[:, 0] - 10.0) <= 3.0
    out += ["", f"0.01 kg/s at 5 m, all {len(fixed)}: {summary(case, np.ones(len(fixed), np.bool_))}."]
    if near.any():
        out.append(f"0.01 kg/s at 5 m with an SNR of 7 to 13 dB ({int(near.sum())}): {summary(case, near)}.")
    for mode in MODES:
        times = found[mode][np.isfinite(found[mode])]
        if len(times):
            p50, p95 = np.percentile(times, [50, 95])
            out.append(f"Delay from onset to alarm, {mode}: median {p50:.0f} s, 95 % {p95:.0f} s.")
    return "\n".join(out)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    limits = limits_of(load(given.folder, "quiet", "validate")[0], load(given.folder, "leaks", "validate")[0])
    (given.folder / "limits.json").write_text(json.dumps(limits, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(limits))
    print(tables(given.folder, limits))


if __name__ == "__main__":
    main()
