"""kill -9 of a process that runs only journal, outbox and session, in an alarm storm, again and again.

`python -m tests.faults.outbox_kill --rounds 200` runs the campaign and writes docs/results/outbox-kill.md. An observer
outside (a broker that is never killed, a subscriber with a session) and the child's own "durable" lines are the witnesses.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from gateway.core.effects import Journal as Effect
from gateway.core.effects import Record
from gateway.core.summary import AlarmSummary, Audit
from gateway.journal.journal import Journal
from gateway.upstream.encode import Encoder, Names
from gateway.upstream.link import Address, UpstreamError
from gateway.upstream.outbox import Bound, Outbox
from gateway.upstream.session import Session, Settings
from tests.upstream.plant import TEXTS, Broker, Feeds, Observer

ROOT = Path(__file__).parents[2]
GATEWAY = "gw-kiln-07"
QUEUE_BYTES = 3_000_000  # small, so that a storm faster than the broker drops P4 and leaves gap records
BURST = 8


async def child(folder: Path, address: Address, seed: int) -> None:
    """A storm until killed (`seed` > 0), or deliver what is queued and end."""
    encoder = Encoder(Names("wuhan-2", GATEWAY, 0), TEXTS)
    outbox = Outbox(folder / "journal.db", encoder, bound=Bound(QUEUE_BYTES, 0))
    journal = Journal(folder, outbox)
    boot = journal.open().boot
    journal.on_durable = lambda n, ok: os.write(1, f"{boot} {n}\n".encode()) if ok else None  # type: ignore[assignment]
    session = Session(Settings(address), outbox, Feeds())
    task = asyncio.create_task(_supervised(session))
    dice, n = random.Random(seed), 0
    while seed or outbox.counts().queued or not session.view.connected:
        for _ in range(dice.randint(0, BURST) if seed else 0):
            n += 1
            journal.append(_effect(boot, n, dice))
        await asyncio.sleep(0.002)
        assert outbox.counts().balanced
    await asyncio.sleep(0.3)  # the observer's copy is on its way
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    journal.close()


async def _supervised(session: Session) -> None:
    while True:
        with contextlib.suppress(UpstreamError):
            await session.run()
        await asyncio.sleep(0.05)


def _effect(boot: int, n: int, dice: random.Random) -> Effect:
    identity, ms = (boot, n), time.time_ns() // 1_000_000
    record = Record(identity, time.monotonic_ns(), ms, "alarm.raise", "PKL_LSLL", key="last", keep=str(n).encode())
    if n % 17 == 0:
        return Effect(record, Audit(utc_ms=ms, verb="alarm.ack", target="PKL_LSLL", role="operator"), confirm=n)
    summary = AlarmSummary(
        utc_ms=ms, id=identity, occurrence=identity, alarm="PKL_LSLL", area="pickling", event="raise", state="UNACK",
        priority=dice.choice((1, 2, 3, 4, 4, 4)), category="process", value=dice.random(), unit="cm", limit=30.0,
    )  # fmt: skip
    return Effect(record, summary, confirm=n)


@dataclass
class Result:
    """What a campaign found. Every list must stay empty."""

    rounds: int = 0
    durable: int = 0
    seen: int = 0
    distinct: int = 0
    repeats: int = 0
    expired: int = 0
    start_max_s: float = 0.0
    lost: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    two_events: list[str] = field(default_factory=list)
    holes: list[str] = field(default_factory=list)
    unbalanced: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not (self.lost or self.foreign or self.two_events or self.holes or self.unbalanced)


def campaign(folder: Path, rounds: int, seed: int = 1) -> Result:
    """Kill `rounds` times, drain, and compare the witnesses with the file."""
    (folder / "broker").mkdir(parents=True)
    broker = Broker(folder / "broker")
    broker.start()
    observer = Observer(broker.plain_port)
    result, durable, dice = Result(), set[tuple[int, int]](), random.Random(seed)
    box = folder / "gw"
    try:
        for number in range(1, rounds + 1):
            durable |= _round(box, broker, seed * 1_000_003 + number, dice.uniform(0.05, 0.4), result)
            result.rounds += 1
            _balance(box, f"after kill {number}", result)
        subprocess.run(_command(box, broker, 0), cwd=ROOT, check=True, timeout=120, stdout=subprocess.DEVNULL)
        time.sleep(0.5)
        _balance(box, "at the end", result)
        _compare(box, durable, list(observer.seen), result)
    finally:
        observer.close()
        broker.stop()
    return result


def _command(box: Path, broker: Broker, seed: int) -> list[str]:
    return [sys.executable, "-m", "tests.faults.outbox_kill", "--child", str(box), str(seed), *map(str, _flat(broker))]


def _flat(broker: Broker) -> tuple[int, str, str, str]:
    address = broker.address()
    return address.port, address.ca, address.certificate, address.key


def _round(box: Path, broker: Broker, seed: int, storm_s: float, result: Result) -> set[tuple[int, int]]:
    """One life: start, wait for the first durable row, storm for a random time, kill -9."""
    start = time.monotonic()
    with subprocess.Popen(_command(box, broker, seed), cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        result.start_max_s = max(result.start_max_s, time.monotonic() - start)
        time.sleep(storm_s)
        process.send_signal(signal.SIGKILL)
        lines = [first, *process.stdout.read().splitlines(keepends=True)]
    whole = [line.split() for line in lines if line.endswith(b"\n")]
    assert whole, "the child never wrote a durable row"
    return {(int(boot), int(n)) for boot, n in whole}


def _balance(box: Path, when: str, result: Result) -> None:
    with contextlib.closing(sqlite3.connect(box / "journal.db")) as db:
        sound = db.execute("PRAGMA quick_check").fetchone()[0]
        rows = dict(db.execute("SELECT lane, count(*) FROM outbox GROUP BY lane").fetchall())
        columns = "lane, produced, confirmed, queued, aggregated, expired, last"
        for lane, produced, confirmed, queued, aggregated, expired, last in db.execute(f"SELECT {columns} FROM lane"):
            fine = produced == confirmed + queued + aggregated + expired and queued == rows.get(lane, 0)
            if not fine or produced != last or sound != "ok":
                result.unbalanced.append(f"{when}: lane {lane}, {sound}")


def _compare(box: Path, durable: set[tuple[int, int]], seen: list[tuple[str, bytes]], result: Result) -> None:
    with contextlib.closing(sqlite3.connect(box / "journal.db")) as db:
        events = {(boot, n): ms for boot, n, ms in db.execute("SELECT boot, counter, utc_ms FROM event")}
        gaps = [json.loads(row[0]) for row in db.execute("SELECT detail FROM event WHERE kind = 'upstream.gap'")]
        last = dict(db.execute("SELECT lane, last FROM lane").fetchall())
        result.expired = db.execute("SELECT sum(expired) FROM lane").fetchone()[0]
    result.durable, result.seen = len(durable), len(seen)
    result.lost = [f"{one}" for one in sorted(durable - events.keys())]
    forms: dict[str, set[bytes]] = defaultdict(set)
    numbers: dict[int, set[int]] = defaultdict(set)
    told = set()
    for topic, payload in seen:
        fields = json.loads(payload)
        forms[fields["id"]].add(payload)
        if "/gap" in topic:
            told.add((fields["lane"], fields["first"], fields["last"]))
        else:
            boot, n = fields["id"].split(":")[1:]
            if events.get((int(boot, 16), int(n))) != fields["ts_ms"]:
                result.foreign.append(fields["id"])
        numbers[fields.get("prio", 5)].add(fields["lane_seq"])
    result.distinct, result.repeats = len(forms), len(seen) - len(forms)
    result.two_events = [one for one, bytes_ in forms.items() if len(bytes_) > 1]
    for gap in gaps:
        if (gap["lane"], gap["first"], gap["last"]) not in told:
            result.holes.append(f"the receiver never got {gap}")
        numbers[gap["lane"]] |= set(range(gap["first"], gap["last"] + 1))
    for lane, highest in last.items():
        missing = set(range(1, highest + 1)) - numbers[lane]
        if missing:
            result.holes.append(f"lane {lane}: {len(missing)} of {highest}, first {min(missing)}")


def report(result: Result, seconds: float) -> str:
    rows = [
        ("kill -9 of the process in an alarm storm", result.rounds),
        ("rows reported durable before a kill", result.durable),
        ("of them not in the journal afterwards", len(result.lost)),
        ("messages an outside subscriber received", result.seen),
        ("distinct records among them", result.distinct),
        ("repeats after a restart, byte for byte the same", result.repeats),
        ("records received that are not in the journal", len(result.foreign)),
        ("ids with two different payloads", len(result.two_events)),
        ("records dropped for the queue's bound, each inside a gap record", result.expired),
        ("numbers missing without a gap record", len(result.holes)),
        ("readings at which the equation did not balance", len(result.unbalanced)),
        ("longest time from process start to the first durable row", f"{result.start_max_s:.2f} s"),
    ]
    table = "\n".join(f"| {name} | {value} |" for name, value in rows)
    return (
        "# kill -9 of journal, outbox and session\n\n"
        f"`python -m tests.faults.outbox_kill --rounds {result.rounds}`, {seconds:.0f} s, real mosquitto over mutual TLS, "
        f"queue bound {QUEUE_BYTES // 1000} kB.\n\n| | |\n|---|---|\n{table}\n"
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--child", nargs=6)
    options = parser.parse_args()
    if options.child:
        box, seed, port, *files = options.child
        asyncio.run(child(Path(box), Address("127.0.0.1", int(port), *files), int(seed)))
        return 0
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        result = campaign(Path(folder), options.rounds)
    text = report(result, time.monotonic() - start)
    results = ROOT / "docs" / "results"
    results.mkdir(parents=True, exist_ok=True)
    (results / "outbox-kill.md").write_text(text, encoding="utf-8")
    print(text, *result.lost, *result.foreign, *result.two_events, *result.holes, *result.unbalanced, sep="\n")
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
