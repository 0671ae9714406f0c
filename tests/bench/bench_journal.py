"""Durable rows a second at 16 waiters, beside the rate of fdatasync on the same file system in the same run."""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from pathlib import Path
from typing import Any

from gateway.core.effects import Journal as Effect
from gateway.core.effects import Record
from gateway.core.summary import AlarmSummary
from gateway.journal.journal import Journal
from gateway.journal.reader import Reader
from gateway.upstream.encode import Encoder, Names
from gateway.upstream.outbox import Outbox

WAITERS = 16
DETAIL = {"value": 27.4, "limit": 30.0}
SLICES = 5  # reference and ours take turns, so that a neighbour on the machine disturbs both


def figures(quick: bool) -> list[dict[str, Any]]:
    """`{figure, value, unit, reference, ratio, must, met}` for the journal alone and with the outbox in its transaction."""
    seconds = 0.4 if quick else 3.0
    return [_figure("durable_rows", False, seconds), _figure("durable_rows_with_outbox", True, seconds)]


def _figure(name: str, with_outbox: bool, seconds: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        synced, rows, lost = asyncio.run(_measure(Path(folder), with_outbox, seconds))
    ratio = rows / synced
    # With the outbox each record is two rows, encoded and numbered; the figure is stated in records.
    must = "none lost" if with_outbox else "rows/s >= 5x the fdatasync rate, none lost"
    return {
        "figure": name,
        "value": round(rows),
        "unit": f"{'records' if with_outbox else 'rows'}/s at 16 waiters",
        "reference": round(synced),
        "ratio": round(ratio, 2),
        "must": must,
        "met": lost == 0 and (with_outbox or ratio >= 5),
        "lost": lost,
    }


async def _measure(folder: Path, with_outbox: bool, seconds: float) -> tuple[float, float, int]:
    outbox = None
    if with_outbox:
        texts = {
            "PKL_LSLL": {"zh-CN": "酸洗槽液位低低,已请求停泵", "en": "Pickling tank level low-low, pump stop requested"}
        }
        outbox = Outbox(folder / "journal.db", Encoder(Names("wuhan-2", "gw-kiln-07", 1), texts))
    journal = Journal(folder, outbox)
    boot = journal.open().boot
    storm = _Storm(journal, boot, with_outbox)
    synced = rows = 0.0
    for _ in range(SLICES):
        synced += _fdatasync(folder / "reference", seconds) / SLICES
        rows += await storm.run(seconds) / SLICES
    journal.close(30)
    reader = Reader(journal.path)
    lost = storm.confirmed - int(reader.base["event"].count)
    reader.close()
    return synced, rows, lost


class _Storm:
    """16 waiters: each hands in its next record as soon as its last is durable."""

    def __init__(self, journal: Journal, boot: int, alarms: bool) -> None:
        self._journal = journal
        self._boot = boot
        self._alarms = alarms
        self._given = self.confirmed = 0
        self._stop_at = 0.0
        self._flying = 0
        self._done = asyncio.Event()
        journal.on_durable = self._durable

    async def run(self, seconds: float) -> float:
        before, start = self.confirmed, time.perf_counter()
        self._stop_at = start + seconds
        self._done.clear()
        for _ in range(WAITERS):
            self._next()
        await self._done.wait()
        return (self.confirmed - before) / (time.perf_counter() - start)

    def _durable(self, _waiter: int, ok: bool) -> None:
        assert ok
        self.confirmed += 1
        self._flying -= 1
        if time.perf_counter() < self._stop_at:
            self._next()
        elif self._flying == 0:
            self._done.set()

    def _next(self) -> None:
        self._given += 1
        self._flying += 1
        n = (self._boot, self._given)
        ms = 1_795_421_647_412
        record = Record(n, self._given, ms, "alarm.raise", "PKL_LSLL", DETAIL)
        summary = None
        if self._alarms:
            summary = AlarmSummary(
                utc_ms=ms, id=n, occurrence=n, alarm="PKL_LSLL", area="pickling", event="raise", state="UNACK",
                priority=2, category="process", source="tank1.level", value=27.4, unit="cm", limit=30.0, rule="9c1e44aa",
            )  # fmt: skip
        self._journal.append(Effect(record, summary, confirm=self._given))


def _fdatasync(path: Path, seconds: float) -> float:
    """Rate of: write one 512-byte row in place, fdatasync."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        os.pwrite(fd, bytes(1 << 20), 0)
        os.fsync(fd)
        count, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            os.pwrite(fd, b"x" * 512, (count % 2048) * 512)
            os.fdatasync(fd)
            count += 1
        return count / (time.perf_counter() - start)
    finally:
        os.close(fd)


if __name__ == "__main__":
    import json
    import sys

    import uvloop

    uvloop.install()
    print(json.dumps(figures("--quick" in sys.argv), indent=1))
