"""R peaks against the annotations of MIT-BIH 118 with added noise: `python -m tests.people.ecg_campaign`. Results: docs/results/people.md.

Segments of 10 s, each read with 2 s on either side; a peak is found within 150 ms (AAMI EC57). Nothing was fitted to these files.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gateway.people.beats import AGREE_S, SEGMENT_S, ecg_segment

DATA = Path(__file__).parents[3] / "shared" / "data" / "heartpy_ppg_ecg"
HZ = 360.0
MARGIN_S = 2.0


def near(places: np.ndarray, others: np.ndarray) -> int:
    """How many of the places have another one within the tolerance."""
    if not len(places) or not len(others):
        return 0
    return int((np.abs(places[:, None] - others[None]).min(axis=1) <= AGREE_S * HZ).sum())


def campaign(name: str) -> dict[str, float]:
    """Figures of one recording."""
    signal = np.loadtxt(DATA / f"{name}.csv")
    marks = np.loadtxt(DATA / f"{name}_ann.csv").astype(np.int64)
    length, margin = int(SEGMENT_S * HZ), int(MARGIN_S * HZ)
    segments, accepted, hit, marked, true, found_all = 0, 0, 0, 0, 0, 0
    for begin in range(0, len(signal) - length + 1, length):
        low = max(0, begin - margin)
        segment = ecg_segment(signal[low : begin + length + margin], HZ)
        segments += 1
        if not segment.accepted:
            continue
        accepted += 1
        found = (segment.beats_s * HZ).round().astype(np.int64) + low
        found = found[(found >= begin) & (found < begin + length)]
        right = marks[(marks >= begin) & (marks < begin + length)]
        hit, marked = hit + near(right, found), marked + len(right)
        true, found_all = true + near(found, right), found_all + len(found)
    return {
        "segments": segments,
        "accepted": accepted,
        "coverage": accepted / segments,
        "beats": marked,
        "sensitivity": hit / marked if marked else 0.0,
        "positive_predictivity": true / found_all if found_all else 0.0,
    }


if __name__ == "__main__":
    for recording in ("118e12", "118e00"):
        print(recording, {key: round(value, 4) for key, value in campaign(recording).items()})
