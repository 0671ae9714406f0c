"""A process with nothing but journal and outbox, and what must be true of its folder whatever killed it.

`python -m tests.faults.store_child FOLDER SEED OPS [VERB]` appends alarms, acknowledgements and shelvings, moves the cursor and
rotates, OPS times (0 = until killed), or does only one of `VERBS`; each row that is durable is a line "boot n" on stdout.
"""

from __future__ import annotations

import asyncio
import os
import random
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

from gateway.core.effects import Journal as Effect
from gateway.core.effects import Record
from gateway.core.summary import AlarmSummary, Audit
from gateway.journal import segments, store, upkeep
from gateway.journal.journal import Journal
from gateway.journal.store import Store
from gateway.journal.verify import verify
from gateway.upstream.encode import Encoder, Message, Names
from gateway.upstream.lanes import Row
from gateway.upstream.outbox import Bound, Outbox
from tests.upstream.plant import TEXTS

GATEWAY = "gw-kiln-07"
VERBS = ("append", "ack", "shelve", "cursor", "rotate")
Durable = set[tuple[int, int]]


class Ear:
    """Stands for the session: it acknowledges what it likes."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def take(self, rows: list[Row]) -> None:
        self.rows += rows

    def take_unjournalled(self, message: Message) -> None:
        return


async def live(folder: Path, seed: int, ops: int, verb: str = "") -> None:
    """The storm. Where it rotates, that is set to some dozen rows, so that it happens all the time."""
    if verb in ("", "rotate"):
        store.LIVE_ROWS, store.SEGMENT_ROWS, upkeep.CHECKPOINT_ROWS = 20, 40, 60
    outbox = new_outbox(folder)
    journal = Journal(folder, outbox)
    boot = journal.open().boot
    answered = asyncio.Event()
    waiting: set[int] = set()

    def durable(number: int, ok: bool) -> None:
        waiting.discard(number)
        if not waiting:
            answered.set()
        if ok:
            os.write(1, f"{boot} {number}\n".encode())

    journal.on_durable = durable
    dice, n, ear = random.Random(seed), 0, Ear()
    outbox.connect(ear)
    done = 0
    while not ops or done < ops:
        done += 1
        for _ in range(dice.randint(1, 6)):
            n += 1
            waiting.add(n)
            journal.append(effect(boot, n, dice, verb))
        while ear.rows and verb in ("", "cursor") and dice.random() < 0.6:
            row = ear.rows.pop(dice.randrange(len(ear.rows)))
            outbox.acked(row.lane, row.lane_seq)
        await answered.wait()
        answered.clear()
    journal.close()


def new_outbox(folder: Path) -> Outbox:
    encoder = Encoder(Names("wuhan-2", GATEWAY, 0), TEXTS)
    return Outbox(folder / "journal.db", encoder, bound=Bound(400_000, 0))


def effect(boot: int, n: int, dice: random.Random, verb: str = "") -> Effect:
    """An alarm of any priority, a shelving with durable state, or an acknowledgement with its audit."""
    identity, ms = (boot, n), time.time_ns() // 1_000_000
    what = verb or ("ack" if n % 17 == 0 else "shelve" if n % 5 == 0 else "append")
    kind = {"ack": "alarm.ack", "shelve": "alarm.shelve"}.get(what, "alarm.raise")
    record = Record(identity, time.monotonic_ns(), ms, kind, "PKL_LSLL", key=f"alarm:{n % 7}", keep=str(n).encode())
    if what == "ack":
        return Effect(record, Audit(utc_ms=ms, verb="alarm.ack", target="PKL_LSLL", role="operator"), confirm=n)
    summary = AlarmSummary(
        utc_ms=ms, id=identity, occurrence=identity, alarm="PKL_LSLL", area="pickling",
        event="shelve" if what == "shelve" else "raise", state="UNACK", priority=dice.choice((1, 2, 3, 4, 4)),
        category="process", value=1.0, unit="cm", limit=30.0,
    )  # fmt: skip
    return Effect(record, summary, confirm=n)


def lines(raw: bytes) -> Durable:
    """The rows that a child called durable; a last line that was cut off does not count."""
    whole = [line.split() for line in raw.splitlines(keepends=True) if line.endswith(b"\n")]
    return {(int(boot), int(n)) for boot, n in whole}


def wrong(folder: Path, durable: Durable) -> list[str]:
    """Start on what was left, and say what is lost, doubled, unbalanced or not whole."""
    again = Store(folder, new_outbox(folder))
    fault = again.start()
    again.close()
    found = [f"start: {fault}"] if fault else []
    verdict = verify(folder)
    found += [f"chain: {one}" for one in verdict.found]
    rows: Counter[tuple[int, int]] = Counter()
    for path in (*(s.path for s in segments.list_segments(folder)), folder / "journal.db"):
        with segments.reading(path) as db:
            begin = db.execute("SELECT first FROM chain").fetchone()[0] if path.name == "journal.db" else 0
            rows.update(db.execute("SELECT boot, counter FROM event WHERE seq >= ?", (begin,)).fetchall())
    found += [f"lost: {one}" for one in sorted(durable - rows.keys())]
    with closing(sqlite3.connect(folder / "journal.db")) as db:
        found += [f"damaged: {row[0]}" for row in db.execute("PRAGMA integrity_check(3)") if row[0] != "ok"]
        queued = dict(db.execute("SELECT lane, count(*) FROM outbox GROUP BY lane").fetchall())
        columns = "lane, produced, confirmed, queued, aggregated, expired"
        for lane, produced, confirmed, waiting, aggregated, expired in db.execute(f"SELECT {columns} FROM lane"):
            if produced != confirmed + waiting + aggregated + expired or waiting != queued.get(lane, 0):
                found.append(f"unbalanced: lane {lane}")
        twice = db.execute("SELECT id FROM outbox GROUP BY id HAVING count(*) > 1").fetchall()
        found += [f"two rows of one id: {one[0]}" for one in twice]
    return found


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:]))
