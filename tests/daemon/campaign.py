"""Long campaigns: `python -m tests.daemon.campaign daemon-kill --rounds 10`; the result goes to docs/results/NAME.md."""

from __future__ import annotations

import argparse
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from tests.daemon import away, killing, restarts
from tests.daemon.rig import ROOT, Rig

Rows = list[tuple[str, object]]


def seed_state(folder: Path) -> Path:
    """A state folder with a proven watchdog and two functions in service."""
    with Rig() as rig:
        rig.start()
        rig.arm("PKL_LSLL", "PKL_LSHH")
        code, _ = rig.stop()
        assert code == 0
        shutil.copytree(rig.state, folder, ignore=shutil.ignore_patterns("*.sock", "lock"))
    return folder


def daemon_kill(seed: Path, rounds: int) -> tuple[str, bool, Rows]:
    found = killing.campaign(seed, rounds, random.Random(1))
    verdict = found.verdict
    rows: Rows = [
        ("kill -9 of the daemon in an alarm storm", found.rounds),
        ("longest time from exec to the control socket answering", f"{max(found.answers_s):.2f} s"),
        ("longest time from exec to every function TRIPPED", f"{max(found.tripped_s):.2f} s"),
        ("the same without waiting for a processor that others had", f"{max(found.up_s):.2f} s"),
        ("first-out changed by a restart", len(found.first_out_lost)),
        ("journal rows that had to leave", verdict.announced),
        ("of them not received", len(verdict.lost)),
        ("records received", verdict.received),
        ("deliveries, repeats included", verdict.deliveries),
        ("records received that are not in the journal", len(verdict.foreign)),
        ("ids with two different payloads (`late` aside)", len(verdict.two_events)),
    ]
    fine = verdict.ok and not found.first_out_lost and max(found.up_s) <= killing.UP_WITHIN_S
    return "kill -9 of the daemon", fine, rows


def broker_away(seed: Path, rounds: int) -> tuple[str, bool, Rows]:
    found = away.campaign(seed, float(rounds))
    verdict = found.verdict
    rows: Rows = [
        ("cable to the broker silent, sockets open", f"{found.silent_s:.0f} s"),
        ("records produced meanwhile", found.produced_meanwhile),
        ("most that were queued", found.queued_most),
        ("cable whole to nothing queued", f"{found.recovered_s:.1f} s"),
        ("broker killed, 3 s, started: nothing queued after", f"{found.restarted_s:.1f} s"),
        ("readings of the balancing equation, all in balance", found.readings),
        ("journal rows that had to leave", verdict.announced),
        ("of them not received", len(verdict.lost)),
        ("records received that are not in the journal", len(verdict.foreign)),
        ("ids with two different payloads (`late` aside)", len(verdict.two_events)),
        ("expired", found.expired),
    ]
    return "The broker silent, and killed", verdict.ok and not found.expired, rows


def server_restarts(seed: Path, rounds: int) -> tuple[str, bool, Rows]:
    found = restarts.campaign(seed, rounds)
    rows: Rows = [
        ("restarts of the Modbus server", found.rounds),
        ("connections open at once, most", found.open_most),
        ("longest time to BAD after the server went", f"{max(found.bad_s):.2f} s"),
        ("longest time to GOOD after the server was back", f"{max(found.good_s):.2f} s"),
    ]
    return "The Modbus server restarted", found.open_most == 1, rows


CAMPAIGNS: dict[str, tuple[int, Callable[[Path, int], tuple[str, bool, Rows]]]] = {
    "daemon-kill": (10, daemon_kill),
    "broker-away": (40, broker_away),
    "modbus-restarts": (20, server_restarts),
}


def main() -> int:
    """Run one campaign and write its result."""
    parser = argparse.ArgumentParser(prog="tests.daemon.campaign", description=__doc__)
    parser.add_argument("name", choices=CAMPAIGNS)
    parser.add_argument("--rounds", type=int, help="rounds; seconds of silence for broker-away")
    given = parser.parse_args()
    rounds, campaign = CAMPAIGNS[given.name]
    rounds = given.rounds or rounds
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        title, fine, rows = campaign(seed_state(Path(folder) / "seed"), rounds)
    command = f"`python -m tests.daemon.campaign {given.name} --rounds {rounds}`, {time.monotonic() - began_s:.0f} s"
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    text = f"# {title}\n\n{command}, the whole daemon with a real mosquitto over mutual TLS.\n\n| | |\n|---|---|\n{table}\n"
    results = ROOT / "docs" / "results"
    results.mkdir(parents=True, exist_ok=True)
    (results / f"{given.name}.md").write_text(text, encoding="utf-8")
    print(text)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
