"""Random trips in the simulated plant: `python -m tests.offline.campaign_trips --trips N --json FILE`.

Simulated time, no sockets. Each trip must give one complete bundle, and each bundle, opened from its file, the identical
decision again, byte for byte.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

sys.path.insert(0, str(Path(__file__).parents[1] / "simulation"))
from hour import Hour, demo_site
from shift import Mishaps

from gateway.core.interlocks import State
from gateway.core.limits import SECOND
from gateway.core.program import canonical
from gateway.offline import bundle
from gateway.offline.archive import verify
from gateway.offline.evidence import Trip, line
from gateway.offline.keys import box_key
from gateway.offline.setting import Setting

ROUND_S = 600  # one recording; then bundles are cut from it, and it is deleted
FIRST_S = 35  # first reset, so that 30 s are recorded before the first trip
AFTER_S = 31
GRACE_S = 35  # the last trip of a recording gets its 30 s


class Crew:
    """Arms and resets without end, and trips what is armed in many ways."""

    def __init__(self, hour: Hour, chance: Random) -> None:
        self.hour, self.chance = hour, chance
        self.mishaps = Mishaps(hour)
        self.quiet = False
        self._due_ns: dict[str, int] = {}

    def tick(self) -> None:
        """Once a second."""
        hour, kernel = self.hour, self.hour.kernel
        if not hour.plant.watchdog.healthy and kernel.heart.peers[0].proof not in ("running", "latched"):
            hour.plant.reset_watchdog()  # it stays dropped while a function is in FAULT
        if kernel.heart.peers[0].proof == "none":
            hour.ask("source.watchdog", "plc1", "supervisor", state="begin")
            return
        if kernel.heart.peers[0].proof != "proven" or self.quiet:
            return
        for name, function in kernel.functions.items():
            if not function.live:
                hour.ask("interlock.arm", name, "supervisor")
            elif any(output.hunting for output in function.outputs) or function.state is State.FAULT:
                hour.ask("interlock.clear", name, "engineer")
            elif function.state is State.READY and hour.now_ns >= FIRST_S * SECOND:
                hour.ask("interlock.reset", name, "supervisor")
                self._due_ns[name] = hour.now_ns + int(self.chance.uniform(3.0, 25.0) * SECOND)
            elif function.state is State.ARMED and hour.now_ns >= self._due_ns.get(name, 0):
                self._due_ns[name] = hour.now_ns + 12 * SECOND
                self._trip(name)

    def _trip(self, name: str) -> None:
        ways = [what for what, (function, _) in self.mishaps._major.items() if function == name and what != "disarm"]
        what = self.chance.choice([*ways, "by hand"])
        self.mishaps.happened[what] = self.mishaps.happened.get(what, 0) + 1
        if what == "by hand":
            self.hour.ask("interlock.trip", name, "operator")
        else:
            self.mishaps._major[what][1]()


@dataclass(slots=True)
class Figures:
    """What the campaign found."""

    trips: int = 0
    bundles: int = 0
    complete: int = 0
    identical: int = 0
    notes: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    ways: Counter[str] = field(default_factory=Counter)
    bytes: list[int] = field(default_factory=list)
    decisions: int = 0
    inputs: int = 0
    collect_s: list[float] = field(default_factory=list)
    replay_s: list[float] = field(default_factory=list)
    differing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Recorded:
    """One recording of the plant with its trips, as it lies on the disk, and what it said."""

    directory: Path  # history/ is in it
    hour: Hour
    setting: Setting
    ways: dict[str, int]

    def trips(self) -> list[Trip]:
        """Those whose half minute is recorded."""
        end_ns = self.hour.now_ns - AFTER_S * SECOND
        rows = [effect.record for effect in self.hour.boots[0].rows if effect.record.kind == "interlock.tripping"]
        return [Trip(row.id[0], row.id[1], row.at_ns, row.utc_ms, row.subject) for row in rows if row.at_ns <= end_ns]

    def rows(self, _boot: int, low: int, high: int) -> list[bytes]:
        """The live rows by counter."""
        told = [effect.record for effect in self.hour.boots[0].rows]
        return [line(record) for record in told if low <= record.id[1] <= high]


def record_round(directory: Path, seed: int, round_s: int = ROUND_S) -> Recorded:
    """Let the crew work for a while, and give the last trip its half minute."""
    site, program = demo_site()
    hour = Hour(site, program, directory / "history", seed)
    hour.boot()
    crew = Crew(hour, Random(seed))
    hour.every(SECOND, crew.tick)
    hour.run(round_s * SECOND)
    crew.quiet = True
    hour.run((round_s + GRACE_S) * SECOND)
    hour.die()
    setting = Setting("demo", "demo", site.hash, "0", "en", site.table, canonical(program))
    return Recorded(directory, hour, setting, crew.mishaps.happened)


def play_round(directory: Path, seed: int, figures: Figures, wanted: int, round_s: int) -> list[Path]:
    """One recording, and a bundle of each of its trips beside it."""
    recorded = record_round(directory, seed, round_s)
    figures.ways.update(recorded.ways)
    key, files = box_key(directory), []
    for trip in recorded.trips()[: wanted - figures.trips]:
        figures.trips += 1
        began = time.perf_counter()
        part = bundle.cut(directory / "history", trip, running=True)
        data = bundle.collect(trip, part, recorded.setting, recorded.rows, key)
        figures.collect_s.append(time.perf_counter() - began)
        path = directory / bundle.file_name(trip)
        path.write_bytes(data)
        files.append(path)
    return files


def judge(path: Path, figures: Figures) -> None:
    """Open one bundle from its file, replay it, count."""
    began = time.perf_counter()
    opened = verify(path.read_bytes())
    found = bundle.replay(opened)
    figures.replay_s.append(time.perf_counter() - began)
    figures.bundles += 1
    figures.complete += opened.manifest.complete
    figures.identical += found.identical and found.tripped
    figures.notes.update(opened.manifest.notes)
    figures.events[bundle.story_of(opened).event] += 1
    figures.bytes.append(path.stat().st_size)
    figures.decisions += found.decisions
    figures.inputs += found.inputs
    if not found.identical and len(figures.differing) < 10:
        figures.differing += found.differing


def campaign(trips: int, seed: int, directory: Path, round_s: int = ROUND_S) -> Figures:
    """Rounds until enough trips have been bundled."""
    figures, at = Figures(), 0
    while figures.trips < trips:
        folder = directory / f"round-{at}"
        files = play_round(folder, seed + at, figures, trips, round_s)
        for path in files:
            judge(path, figures)
            path.unlink()
        for path in (folder / "history").iterdir():
            path.unlink()
        at += 1
        print(f"round {at}: {figures.trips} trips, {figures.identical} identical", file=sys.stderr)
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trips", type=int, default=20)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trips-") as folder:
        figures = campaign(asked.trips, asked.seed, Path(folder))
    told = {
        "trips": figures.trips, "bundles": figures.bundles, "complete": figures.complete, "identical": figures.identical,
        "notes": dict(figures.notes), "events": dict(figures.events), "ways": dict(figures.ways), "decisions": figures.decisions,
        "inputs": figures.inputs, "bytes_median": sorted(figures.bytes)[len(figures.bytes) // 2], "bytes_max": max(figures.bytes),
        "collect_s_median": round(sorted(figures.collect_s)[len(figures.collect_s) // 2], 3),
        "replay_s_median": round(sorted(figures.replay_s)[len(figures.replay_s) // 2], 3),
        "differing": figures.differing,
    }  # fmt: skip
    text = json.dumps(told, ensure_ascii=False, indent=2)
    print(text)
    if asked.json:
        asked.json.write_text(text)
    return 0 if figures.identical == figures.bundles == figures.trips else 1


if __name__ == "__main__":
    sys.exit(main())
