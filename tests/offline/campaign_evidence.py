"""Half a year at 200 alarms a day and ten floods, counted twice; and what a year of that takes on the disk.

`python -m tests.offline.campaign_evidence` writes the tables of docs/results/evidence.md to stdout.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from pathlib import Path

from gateway.core.effects import Journal as JournalEffect
from gateway.core.effects import Record
from gateway.journal.journal import Journal
from gateway.journal.verify import verify
from gateway.offline import halfyear
from gateway.offline.recount import recount
from tests.offline.halfyear import BEGIN_MS, Year


def counted(seed: int) -> None:
    year = Year(seed, 182, 200, 10)
    rows = year.rows()
    start = time.monotonic()
    one = halfyear.canonical(halfyear.figures(rows, BEGIN_MS, year.end_ms))
    middle = time.monotonic()
    other = halfyear.canonical(recount(rows, BEGIN_MS, year.end_ms))
    end = time.monotonic()
    alike = "yes" if one == other else "NO"
    print(
        f"| {seed} | {len(rows):,} | {len(one):,} | {middle - start:.1f} s | {end - middle:.1f} s | {alike} |",
        flush=True,
    )


async def _stored(directory: Path, seed: int, days: int, floods: int) -> int:
    rows = Year(seed, days, 200, floods, outage=False).rows()
    journal = Journal(directory)
    journal.open()
    for number, row in enumerate(rows, 1):
        record = Record((1, number), row.at_ns, row.utc_ms, row.kind, row.subject, row.detail, row.person)
        journal.append(JournalEffect(record))
        if number % 5_000 == 0:
            await _written(journal)
    await _written(journal)
    await asyncio.to_thread(journal.close, 60.0)
    return len(rows)


async def _written(journal: Journal) -> None:
    await asyncio.to_thread(_wait, journal)


def _wait(journal: Journal) -> None:
    while journal.counts().waiting:
        time.sleep(0.01)


def year_on_disk(days: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder) / "journal"
        rows = asyncio.run(_stored(directory, 9, days, max(1, round(10 * days / 365))))
        size = sum(path.stat().st_size for path in directory.iterdir())
        whole = verify(directory)
        print(
            f"| {days} days, {rows:,} rows | {size / 1e6:.0f} MB | {size / days * 365 / 1e6:.0f} MB | {'yes' if whole.ok else 'NO'} |"
        )


def main() -> None:
    print("| seed | rows | bytes of figures | report | recount | every byte alike |\n|---|---|---|---|---|---|")
    for seed in range(1, 4):
        counted(seed)
    print("\n| journal of | on disk | a year of that | chain whole |\n|---|---|---|---|")
    year_on_disk(365)


if __name__ == "__main__":
    main()
