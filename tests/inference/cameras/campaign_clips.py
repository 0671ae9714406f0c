"""Clips at random: `python -m tests.inference.cameras.campaign_clips --rounds 60`; the result is in docs/results/camera.md.

Streams of random picture rate and group length, an alarm at any moment, any time before and after: is the clip as long as asked, does it
begin with a key frame, does ffprobe count every picture of it without a word of complaint?
"""

from __future__ import annotations

import argparse
import random
import subprocess
import tempfile
from collections import Counter
from pathlib import Path

import pytest

from inference.cameras import clip as clip_module
from inference.cameras.evidence import Bounds
from inference.cameras.ring import Packet
from inference.cameras.shot import Seed
from inference.cameras.sidecar import Sidecar
from tests.inference.cameras.test_evidence import SECOND, film, filmed

SECONDS = 9
PROBE = (
    "ffprobe",
    "-v",
    "error",
    "-count_frames",
    "-select_streams",
    "v",
    "-show_entries",
    "stream=nb_read_frames",
    "-of",
    "csv=p=0",
)
FIRST = ("ffprobe", "-v", "error", "-read_intervals", "%+#1", "-show_entries", "frame=key_frame", "-of", "csv=p=0")


def probed(words: tuple[str, ...], clip: Path) -> tuple[str, str]:
    """What ffprobe says, and what it complains of."""
    out = subprocess.run([*words, str(clip)], capture_output=True, text=True, check=False)
    return out.stdout.replace(",", "").split("\n")[0].strip(), out.stderr


def wrong(clip: Path, told: Sidecar, bounds: Bounds) -> list[str]:
    """What of it is not as promised."""
    found = []
    if not told.whole:
        found.append(f"not whole: {told.lacks}")
    if told.event_utc_ms - told.begin_utc_ms < bounds.before_s * 1000 - 1:
        found.append("begins too late")
    if told.end_utc_ms - told.event_utc_ms < bounds.after_s * 1000 - 1:
        found.append("ends too early")
    count, complaint = probed(PROBE, clip)
    if count != str(told.pictures) or complaint:
        found.append(f"ffprobe: {count} of {told.pictures} pictures {complaint[:200]}")
    if probed(FIRST, clip)[0] != "1":
        found.append("does not begin with a key frame")
    return found


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    dice, faults, people = random.Random(given.seed), Counter[str](), Counter[str]()
    patch = pytest.MonkeyPatch()
    patch.setattr(clip_module, "LATE_NS", 600 * SECOND)
    streams: dict[tuple[int, int], tuple[Seed, list[Packet]]] = {}
    for _ in range(given.rounds):
        fps, gop = dice.choice((5, 10, 15, 25, 30)), dice.choice((5, 10, 25, 60))
        stream = streams.setdefault((fps, gop), film(fps, gop, SECONDS))
        group_s = gop / fps
        before_s, after_s = dice.uniform(1, 2), dice.uniform(1, 2)
        second = dice.uniform(before_s + min(group_s, 4), SECONDS - after_s - 0.5)
        rule = dice.choice(("R", "S"))
        bounds = Bounds(before_s, after_s, clear_for={"R"})
        with tempfile.TemporaryDirectory() as folder:
            for clip, told in filmed(Path(folder), stream, bounds, [(second, rule)]):
                people[told.people] += 1
                for fault in wrong(clip, told, bounds):
                    faults[fault] += 1
                    print(
                        f"{fps} a second, groups of {gop}, {before_s:.2f} s before {second:.2f} s, {after_s:.2f} s after: {fault}"
                    )
    print(f"{sum(people.values())} clips of {given.rounds} alarms: {dict(people)}; faults: {dict(faults) or 'none'}")


if __name__ == "__main__":
    main()
