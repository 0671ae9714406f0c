"""Replay of 2,000 tags at 100 ms with 200 rules, times real time, beside reading the same recording without a kernel."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from gateway.core.kernel import Kernel
from gateway.core.program import Alarm, Compare, Interlock, Program, Rule, Stop
from gateway.core.samples import Columns, Few, Input, SelfCheck, Stamp
from gateway.core.tags import Group, Source, Tag, TagTable
from gateway.history import reader
from gateway.history.identity import identity
from gateway.history.recorder import Recorder
from gateway.history.writer import Limits
from gateway.offline.replay import replay
from tests.bench.figure import figure

TAGS, RULES = 2000, 200
PERIOD_NS = 100_000_000
UTC_NS = 1_780_000_000_000_000_000
TIMES = 200.0


def make() -> Kernel:
    """2,000 tags, 100 interlocks on ten coils and 100 alarms."""
    tags = [Tag(at, f"t{at}", "plc", 0, low=0, high=300) for at in range(TAGS)]
    tags += [Tag(TAGS + at, f"y{at}", "plc", 0, boolean=True, writable=True) for at in range(10)]
    table = TagTable(tags, [Group(0, "poll", "plc", 0, TAGS + 10, 2000)], [Source("plc", "modbus", 100)])
    rules: list[Rule] = []
    for at in range(RULES // 2):
        limit = Compare(f"t{at * 20}", ">", 290.0, 5.0)
        rules.append(Interlock(name=f"I{at}", when=limit, priority=1, on_bad="safe", stops=(Stop(f"y{at % 10}"),)))
        rules.append(
            Alarm(name=f"A{at}", when=Compare(f"t{at * 20 + 10}", ">", 280.0, 5.0), priority=3, on_bad="alarm")
        )
    return Kernel(table, Program(tuple(rules)), 1)


def record(directory: Path, blocks: int, share: float) -> None:
    """A boot of synthetic inputs: in every block `share` of the values moved."""
    kernel = make()
    recorder = Recorder(directory, 1, replace(Limits(), memory_bytes=512 << 20), identity(kernel.table))
    recorder.start()
    recorder.snapshot(0, 0, UTC_NS, kernel.snapshot())
    recorder.append(Stamp(1, PERIOD_NS, UTC_NS + PERIOD_NS), SelfCheck(True, "start"))
    rng, width = np.random.default_rng(5), TAGS + 10
    values, fine = np.full(width, 150.0), np.zeros(width, np.uint8)
    values[TAGS:] = 0.0
    for seq in range(2, blocks + 2):
        moved = rng.random(TAGS) < share
        values = values.copy()
        values[:TAGS] = np.where(moved, np.clip(values[:TAGS] + rng.normal(0, 5, TAGS), 0, 300), values[:TAGS])
        recorder.append(Stamp(seq, seq * PERIOD_NS, UTC_NS + seq * PERIOD_NS), Columns(0, values, fine, fine))
    recorder.close()


def _read(items: Iterable[tuple[Stamp, Input]]) -> float:
    begun = time.perf_counter()
    for _, given in items:
        assert not isinstance(given, Few)
    return time.perf_counter() - begun


def run(blocks: int, share: float, name: str) -> dict[str, Any]:
    """One recording replayed three times, turns taken with reading it only."""
    with tempfile.TemporaryDirectory(prefix="replay-bench-") as folder:
        record(Path(folder), blocks, share)
        gc.collect()
        found = [(replay(Path(folder), make), _read(reader.inputs(Path(folder), boot=1))) for _ in range(3)]
    outcomes = [outcome for outcome, _ in found]
    seconds = blocks * PERIOD_NS / 1e9
    ours = sorted(seconds / outcome.took_s for outcome in outcomes)[1]
    reading = sorted(seconds / read_s for _, read_s in found)[1]
    same = len({outcome.digest for outcome in outcomes}) == 1
    return figure(
        f"replay, 2,000 tags at 100 ms, 200 rules, {name}", ours, "x real time", f">= {TIMES:g}x, equal every time",
        ours >= TIMES and same and outcomes[0].inputs >= blocks, reading, reference_is="reading without a kernel",
        recorded_s=seconds, effects=outcomes[0].effects, digest=outcomes[0].digest,
    )  # fmt: skip


def figures(quick: bool) -> list[dict[str, Any]]:
    """A tenth of the values moving, as plants do, and all of them."""
    blocks = 2000 if quick else 18_000
    return [run(blocks, 0.1, "a tenth changing"), run(blocks, 1.0, "all changing")]
