"""A backtest of 200 new rules on 2,000 tags at 100 ms, times real time: the recording is that of the replay's bench."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from gateway.offline.backtest import on_history
from tests.bench.bench_replay import PERIOD_NS, RULES, TAGS, TIMES, make, record
from tests.bench.figure import figure


def run(blocks: int, share: float, name: str) -> dict[str, Any]:
    """One recording backtested three times; the middle one counts."""
    with tempfile.TemporaryDirectory(prefix="backtest-bench-") as folder:
        record(Path(folder) / "history", blocks, share)
        kernel = make()
        found = sorted(
            (on_history(Path(folder), kernel.table, kernel.program) for _ in range(3)), key=lambda each: each.times_real
        )
    same = len({each.trips_in_all for each in found}) == 1
    return figure(
        f"backtest, {TAGS} tags at 100 ms, {RULES} rules, {name}", found[1].times_real, "x real time", f">= {TIMES:g}x",
        found[1].times_real >= TIMES and same, recorded_s=blocks * PERIOD_NS / 1e9, would_trips=found[1].trips_in_all,
    )  # fmt: skip


def figures(quick: bool) -> list[dict[str, Any]]:
    """A tenth of the values moving, as plants do, and all of them."""
    blocks = 2000 if quick else 18_000
    return [run(blocks, 0.1, "a tenth changing"), run(blocks, 1.0, "all changing")]
