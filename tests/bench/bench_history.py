"""What history costs: appending on the loop beside a copy of the same bytes, a trend beside a slice of the same length."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from gateway.core import samples as s
from gateway.core.tags import Group, Source, Tag, TagTable
from gateway.history import reader
from gateway.history.recorder import Recorder
from gateway.history.rings import build_rings
from gateway.history.writer import Limits

TAGS = 2000
PERIOD_NS = 100_000_000
UTC_NS = 1_780_000_000_000_000_000
LIMITS = Limits(reserve_bytes=0, bytes_max=256 << 20)


def figure(name: str, value: float, unit: str, reference: float, must: float, *, least: bool) -> dict[str, Any]:
    """One line of a benchmark; `least` = `must` is a lower bound. `ratio` = value / reference."""
    met = value >= must if least else value <= must
    ratio = value / reference if reference else None
    return {
        "figure": name, "value": value, "unit": unit, "reference": reference, "ratio": ratio, "must": must, "met": met,
    }  # fmt: skip


def stamp(seq: int) -> s.Stamp:
    return s.Stamp(seq, seq * PERIOD_NS, UTC_NS + seq * PERIOD_NS)


def spread(taken_s: list[float]) -> dict[str, float]:
    """Median and tail in µs."""
    us = np.array(taken_s) * 1e6
    p50, p99, p999 = np.percentile(us, [50, 99, 99.9])
    return {"p50": float(p50), "p99": float(p99), "p99.9": float(p999), "max": float(us.max())}


def blocks(count: int, changed: float) -> list[s.Columns]:
    """`count` successive blocks of 2,000 tags of which a share changed from each to the next."""
    rng = np.random.default_rng(1)
    values, fine = rng.normal(size=TAGS), np.zeros(TAGS, np.uint8)
    out = []
    for _ in range(count):
        at = rng.random(TAGS) < changed
        values = np.where(at, rng.normal(size=TAGS), values)
        out.append(s.Columns(0, values, fine, fine))
    return out


def append(rounds: int, items: list[s.Input], width: int, name: str, must: float) -> dict[str, Any]:
    """Samples a second through `Recorder.append`, its writer thread at work on a real disk."""
    taken: list[float] = []
    with tempfile.TemporaryDirectory(prefix="history-bench-") as folder:
        recorder = Recorder(Path(folder), 1, LIMITS, b"{}")
        recorder.start()
        for seq in range(1, rounds + 1):
            at, item = stamp(seq), items[seq % len(items)]
            begun = time.perf_counter()
            recorder.append(at, item)
            taken.append(time.perf_counter() - begun)
            if recorder.status().pending_bytes > LIMITS.memory_bytes // 2:
                time.sleep(0.01)  # a disk slower than this loop is not what is measured
        recorder.close()
        status = recorder.status()
    source = np.arange(width * 10, dtype=np.uint8) if width > 1 else np.zeros(64, np.uint8)
    target = np.empty_like(source)
    copies = [_timed(lambda: np.copyto(target, source)) for _ in range(1000)]
    result = figure(name, width / median(taken), "samples/s", width / median(copies), must, least=True)
    result.update(append_us=spread(taken), written_bytes=status.written_bytes, dropped=status.dropped_inputs)
    return result


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def trend(tags: int, name: str) -> dict[str, Any]:
    """One hour of one tag among many, tag-wise, beside a copy of as many numbers from one row."""
    table = TagTable(
        [Tag(n, f"t{n}", "plc", 0) for n in range(tags)], [Group(0, "poll", "plc", 0, tags, 500)], [Source("plc", "x")]
    )
    rings = build_rings(table)
    fine, rng = np.zeros(tags, np.uint8), np.random.default_rng(2)
    for second in range(4000):
        at = s.Stamp(second, second * 1_000_000_000, UTC_NS + second * 1_000_000_000)
        rings.append(at, s.Columns(0, rng.normal(size=tags), fine, fine))
    now_ms = UTC_NS // 1_000_000 + 3_999_000
    taken = [_timed(lambda n=n: rings.trend(n * 37 % tags, now_ms - 3_600_000, now_ms, 1000)) for n in range(2000)]
    points = len(rings.trend(0, now_ms - 3_600_000, now_ms, 1000)[0])
    row = np.zeros((tags, points))
    slices = [_timed(lambda n=n: row[n * 37 % tags].copy()) for n in range(2000)]
    result = figure(name, median(taken) * 1e6, "us", median(slices) * 1e6, 20.0, least=False)
    result.update(layout="tag-wise", points=points, bucket_s=rings.tiers[0].width_ms / 1000, trend_us=spread(taken))
    return result


def ring_append(rounds: int) -> dict[str, Any]:
    """A block of 2,000 tags, all changed, into the trend rings, beside a copy of its values."""
    table = TagTable(
        [Tag(n, f"t{n}", "plc", 0) for n in range(TAGS)], [Group(0, "poll", "plc", 0, TAGS, 500)], [Source("plc", "x")]
    )
    rings, items = build_rings(table), blocks(16, 1.0)
    taken = [_timed(lambda n=n: rings.append(stamp(n), items[n % 16])) for n in range(rounds)]
    target = np.empty(TAGS)
    copies = [_timed(lambda: np.copyto(target, items[0].values)) for _ in range(1000)]
    value, reference = TAGS / median(taken), TAGS / median(copies)
    result = figure("trend rings, all of 2,000 tags changed", value, "samples/s", reference, 5e6, least=True)
    result["append_us"] = spread(taken)
    return result


def decode(rounds: int) -> dict[str, Any]:
    """Reading back for a replay: times real time at 2,000 tags and 100 ms, a tenth of them changing."""
    items = blocks(64, 0.1)
    with tempfile.TemporaryDirectory(prefix="history-bench-") as folder:
        recorder = Recorder(Path(folder), 1, replace(LIMITS, memory_bytes=256 << 20), b"{}")
        recorder.start()
        for seq in range(1, rounds + 1):
            recorder.append(stamp(seq), items[seq % 64])
        recorder.close()
        begun = time.perf_counter()
        count = sum(1 for _ in reader.inputs(Path(folder)))
        taken_s = time.perf_counter() - begun
        raw = [_timed(lambda: [p.read_bytes() for p in Path(folder).glob("*.ghh")]) for _ in range(3)]
    seconds = count * PERIOD_NS / 1e9
    return figure("read back for replay", seconds / taken_s, "x real time", seconds / median(raw), 200.0, least=True)


def figures(quick: bool) -> list[dict[str, Any]]:
    """All figures of this file; `quick` ends within 20 s."""
    rounds = 3000 if quick else 20_000
    fine: s.Input = s.Few(0, [3], [1.5], [0], [0])
    return [
        append(rounds, list(blocks(64, 1.0)), TAGS, "append, all of 2,000 tags changed", 5e6),
        append(rounds, list(blocks(64, 0.1)), TAGS, "append, a tenth of 2,000 tags changed", 5e6),
        append(rounds, [fine], 1, "append, one value at a time", 2e5),
        ring_append(rounds),
        trend(5000, "one hour of one tag among 5,000"),
        trend(TAGS, "one hour of one tag among 2,000"),
        decode(rounds),
    ]
