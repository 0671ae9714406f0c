"""What may be lost, and is not: cable, broker, process, power and disk are taken away under an alarm storm.

`--quick` is a few rounds of each; the full campaign takes about an hour and is in docs/results/loss.md.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from tests.bench.figure import figure
from tests.bench.queued import drain, flood
from tests.daemon import killing
from tests.faults import cable, disk, outbox_kill, store_child
from tests.faults.cable import Deed
from tests.faults.disk import Found

MUST = "0 lost, 0 ids of two events, balanced"


def figures(quick: bool) -> list[dict[str, Any]]:
    """One line per campaign; the value is what is lost, doubled or unbalanced."""
    few = quick
    deeds: list[tuple[str, Deed]] = [
        (f"cable pulled {12 if few else 40} s", cable.pulled(12 if few else 40)),
        *([] if few else [("cable pulled 600 s", cable.pulled(600))]),
        ("broker kill -9, 2 s away", cable.broker_killed(2)),
        (f"broker restarted x{2 if few else 100}", cable.broker_restarted(2 if few else 100)),
        (f"RST storm {3 if few else 30} s", cable.reset_storm(3 if few else 30)),
        (f"30 % of pieces late, chopped, {3 if few else 60} s", cable.bad_line(3 if few else 60)),
        (f"answers of the broker lost x{2 if few else 20}", cable.answers_lost(2 if few else 20)),
    ]
    lines = [_timed(lambda folder, n=name, d=deed: _delivered(n, cable.campaign(folder, d))) for name, deed in deeds]
    disks: list[tuple[str, Callable[[Path], Found]]] = [
        ("kill -9 of journal and outbox", lambda folder: disk.killed(folder, 30 if few else 1_000)),
        *[
            (
                f"kill at write and sync calls of {verb}",
                partial(disk.killed_at_calls, most=1 if few else 10_000, verb=verb),
            )
            for verb in store_child.VERBS
        ],
        ("EIO on fsync", lambda folder: disk.sync_errors(folder, 2 if few else 30)),
        ("disk full, then room again", disk.full_disk),
        ("power cut", lambda folder: disk.power_cuts(folder, 5 if few else 200)),
    ]
    lines += [
        _timed(lambda folder, n=name, c=run: _stored(n, disk.or_skipped(lambda: c(folder)))) for name, run in disks
    ]
    if not few:
        lines += [_timed(_with_session), _timed(_daemon)]
    lines += _timed_all(lambda folder: [*drain(folder / "d", 20_000 if few else 1_000_000), *flood(folder / "f")])
    return lines


def _timed(campaign: Callable[[Path], dict[str, Any]]) -> dict[str, Any]:
    return _timed_all(lambda folder: [campaign(folder)])[0]


def _timed_all(campaign: Callable[[Path], list[dict[str, Any]]]) -> list[dict[str, Any]]:
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        lines = campaign(Path(folder) / "run")
    names = ", ".join(line["figure"] for line in lines)
    print(f"{names}: {time.monotonic() - start:.0f} s", file=sys.stderr)
    return lines


def _delivered(name: str, found: cable.Delivered) -> dict[str, Any]:
    return figure(
        f"{name} ({found.produced} alarms)", len(found.wrong), "wrong", MUST, not found.wrong,
        received=found.received, repeats=found.repeats, noticed_s=round(found.noticed_s, 1),
        recovered_s=round(found.recovered_s, 1), wrong=found.wrong[:5],
    )  # fmt: skip


def _stored(name: str, found: Found) -> dict[str, Any]:
    if found.skipped:
        return figure(f"{name}: skipped, {found.skipped}", None, "", MUST, True)
    return figure(
        f"{name} x{found.rounds} ({found.durable} rows durable)", len(found.wrong), "wrong", MUST, not found.wrong,
        note=found.note, wrong=found.wrong[:5],
    )  # fmt: skip


def _with_session(folder: Path) -> dict[str, Any]:
    found = outbox_kill.campaign(folder, 200)
    name = f"kill -9 with the session running x{found.rounds} ({found.durable} rows durable)"
    return figure(name, 0 if found.ok else 1, "wrong", MUST, found.ok)


def _daemon(folder: Path) -> dict[str, Any]:
    import random

    from tests.daemon.campaign import seed_state

    found = killing.campaign(seed_state(folder / "seed"), 50, random.Random(1))
    fine = found.verdict.ok and not found.first_out_lost
    return figure(
        f"kill -9 of the daemon x{found.rounds} ({found.verdict.received} received)",
        0 if fine else 1,
        "wrong",
        MUST,
        fine,
    )
