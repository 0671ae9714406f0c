"""The outbox in the journal's transactions: numbers without holes, the equation, repeats byte for byte the same."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from gateway.core.effects import Journal as Effect
from gateway.core.effects import Record
from gateway.core.summary import Flood
from gateway.journal import journal as module
from gateway.journal.journal import Journal
from gateway.journal.reader import Reader
from gateway.journal.store import Store
from gateway.upstream.encode import Message
from gateway.upstream.lanes import Row
from gateway.upstream.outbox import Bound, Outbox
from tests.upstream.test_encode import ENCODER, alarm
from tests.waiting import until


class Ear:
    """A receiver that keeps what it hears."""

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.memory: list[Message] = []

    def take(self, rows: list[Row]) -> None:
        self.rows += rows

    def take_unjournalled(self, message: Message) -> None:
        self.memory.append(message)


def effect(boot: int, n: int, priority: int = 2) -> Effect:
    summary = alarm(id=(boot, n), occurrence=(boot, n), priority=priority)
    return Effect(Record((boot, n), n, 1_000 + n, "alarm.raise", "PKL_LSLL"), summary)


def test_lanes_number_without_holes_across_restarts_and_the_cursor_is_durable(tmp_path: Path) -> None:
    async def one(boot: int, confirmed: int) -> None:
        outbox = Outbox(tmp_path / "journal.db", ENCODER)
        journal = Journal(tmp_path, outbox)
        assert journal.open().boot == boot
        assert outbox.counts().confirmed == confirmed
        ear = Ear()
        outbox.connect(ear)
        for n in range(1, 41):
            journal.append(effect(boot, n, n % 4 + 1))
        assert outbox.counts().pending + outbox.counts().produced == boot * 40
        await until(lambda: len(ear.rows) == 40)
        for lane in (1, 2, 3, 4):
            first = (boot - 1) * 10
            assert [r.lane_seq for r in ear.rows if r.lane == lane] == list(range(first + 1, first + 11))
        for row in ear.rows[:25]:
            outbox.acked(row.lane, row.lane_seq)
        await until(lambda: outbox.counts().confirmed == confirmed + 25)
        assert outbox.counts().balanced
        again = {(r.lane, r.lane_seq): r.payload for lane in (1, 2, 3, 4) for r in outbox.page(lane, 0, 1000)}
        assert len(again) == outbox.counts().queued == boot * 15
        assert all(again[row.lane, row.lane_seq] == row.payload for row in ear.rows[25:])
        assert journal.close()

    asyncio.run(one(1, 0))
    asyncio.run(one(2, 25))


def test_an_identity_names_one_event_whatever_is_handed_in(tmp_path: Path) -> None:
    async def main() -> None:
        outbox = Outbox(tmp_path / "journal.db", ENCODER)
        journal = Journal(tmp_path, outbox)
        journal.open()
        for n in (1, 2, 2, 3):
            journal.append(effect(1, n))
        await until(lambda: outbox.counts().pending == 0)
        journal.append(effect(1, 3))
        journal.append(effect(1, 4))
        await until(lambda: outbox.counts().pending == 0)
        assert outbox.counts().produced == 4
        assert [json.loads(row.payload)["id"][-1] for row in outbox.page(2, 0, 9)] == ["1", "2", "3", "4"]
        assert journal.close()

    asyncio.run(main())


def test_what_waited_for_a_connection_is_late_and_what_a_socket_saw_never_changes(tmp_path: Path) -> None:
    async def main() -> None:
        outbox = Outbox(tmp_path / "journal.db", ENCODER)
        journal = Journal(tmp_path, outbox)
        journal.open()
        ear = Ear()
        outbox.connect(ear)
        for n in range(1, 11):
            journal.append(effect(1, n))
        await until(lambda: len(ear.rows) == 10)
        outbox.disconnect({2: 6})  # five were given to a socket
        journal.append(effect(1, 11))
        await until(lambda: outbox.settled() and outbox.counts().produced == 11)
        late = [json.loads(row.payload)["late"] for row in outbox.page(2, 0, 100)]
        assert late == [False] * 5 + [True] * 6
        assert outbox.by_lane()[2]["bytes"] == sum(row.size for row in outbox.page(2, 0, 100))
        assert journal.close()

    asyncio.run(main())


def test_what_a_shadow_rule_would_have_told_leaves_only_where_the_site_asks_for_it(tmp_path: Path) -> None:
    def shadow(boot: int, n: int) -> Effect:
        summary = alarm(id=(boot, n), occurrence=(boot, n), shadow=True)
        return Effect(Record((boot, n), n, 1_000 + n, "alarm.raise", "PKL_LSLL"), summary)

    async def one(asked: bool) -> list[str]:
        folder = tmp_path / str(asked)
        outbox, ear = Outbox(folder / "journal.db", ENCODER, shadow=asked), Ear()
        journal = Journal(folder, outbox)
        boot = journal.open().boot
        outbox.connect(ear)
        for what in (effect(boot, 1), shadow(boot, 2)):
            journal.append(what)
        await until(lambda: outbox.counts().produced == 1 + asked and not outbox.counts().pending)
        journal.close()
        assert outbox.counts().balanced
        return [row.topic.split("/")[4] for row in ear.rows]

    assert asyncio.run(one(False)) == ["alarm"]
    assert asyncio.run(one(True)) == ["alarm", "shadow"]


def test_the_bound_drops_p4_first_and_leaves_a_gap_record(tmp_path: Path) -> None:
    async def main() -> None:
        outbox = Outbox(tmp_path / "journal.db", ENCODER, bound=Bound(max_bytes=100_000, reserve_bytes=0))
        journal = Journal(tmp_path, outbox)
        journal.open()
        for n in range(1, 401):
            journal.append(effect(1, n, 4 if n % 2 else 1))
            if n % 20 == 0:
                await until(lambda: outbox.counts().pending == 0)
                assert outbox.counts().balanced
        lanes = outbox.by_lane()
        assert sum(lane["bytes"] for lane in lanes.values()) <= 100_000
        assert lanes[4]["queued"] == 0 or lanes[1]["expired"] == 0, "P1 goes last"
        assert outbox.counts().expired > 0
        gaps = [json.loads(row.payload) for row in outbox.page(5, 0, 10_000)]
        for lane in (1, 4):
            gone = {n for g in gaps if g["lane"] == lane for n in range(g["first"], g["last"] + 1)}
            kept = {row.lane_seq for row in outbox.page(lane, 0, 10_000)}
            assert gone | kept == set(range(1, 201)), "no hole without a gap record"
            assert not gone & kept
        assert {g["reason"] for g in gaps} == {"expired"}
        assert journal.close()

    asyncio.run(main())
    reader = Reader(tmp_path / "journal.db")
    assert reader.events(kinds=("upstream.gap",)), "the drop itself is in the journal"
    reader.close()


@pytest.mark.parametrize("floor", [0, 1_000_000])
def test_a_disk_below_its_reserve_drops_p4_and_never_what_is_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, floor: int
) -> None:
    monkeypatch.setattr("gateway.upstream.outbox.DISK_EVERY_S", 0.0)
    free = 10_000_000

    async def main() -> None:
        nonlocal free
        bound = Bound(max_bytes=1_000_000, reserve_bytes=1_000_000, floor_bytes=floor, free=lambda: free)
        outbox = Outbox(tmp_path / "journal.db", ENCODER, bound=bound)
        journal = Journal(tmp_path, outbox)
        journal.open()
        for n in range(1, 101):
            journal.append(effect(1, n, 4 if n % 2 else 1))
        await until(lambda: outbox.counts().pending == 0)
        assert outbox.counts().expired == 0
        free = 980_000
        journal.append(effect(1, 101, 1))
        await until(lambda: outbox.counts().produced >= 101 and outbox.counts().pending == 0)
        lanes = outbox.by_lane()
        assert lanes[1]["expired"] == 0
        assert (lanes[4]["expired"] > 0) == (floor == 0), "what is below the floor stays"
        assert outbox.counts().balanced
        assert journal.close()

    asyncio.run(main())


def test_with_the_journal_down_p1_goes_from_memory_once_and_in_one_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Failing(Store):
        down = True

        def commit(self, batch: list[Effect], *more: Any, **options: Any) -> None:
            if type(self).down and batch:
                raise sqlite3.OperationalError("disk I/O error")
            super().commit(batch, *more, **options)

    monkeypatch.setattr(module, "Store", Failing)
    monkeypatch.setattr(module, "RETRY_S", 0.05)

    async def main() -> None:
        outbox = Outbox(tmp_path / "journal.db", ENCODER)
        journal = Journal(tmp_path, outbox)
        journal.open()
        ear = Ear()
        outbox.connect(ear)
        journal.append(effect(1, 1, 1))
        journal.append(effect(1, 2, 3))
        await until(lambda: len(ear.memory) == 1)
        await until(lambda: journal.counts().failures >= 2 or not journal.counts().ok)
        assert json.loads(ear.memory[0].payload)["durable"] is False
        assert outbox.counts().unjournalled == 1
        Failing.down = False
        await until(lambda: journal.counts().waiting == 0)
        await until(lambda: len(ear.rows) == 1)
        assert ear.rows[0].lane == 3, "the P1 is in the journal, and is not sent a second time in another form"
        counts = outbox.counts()
        assert (counts.produced, counts.queued, counts.pending, counts.unjournalled) == (1, 1, 0, 1)
        assert counts.balanced
        assert len(ear.memory) == 1
        assert journal.close()

    asyncio.run(main())
    reader = Reader(tmp_path / "journal.db")
    assert [e.counter for e in reader.events()] == [1, 2]
    reader.close()


def test_in_a_flood_p3_and_p4_of_the_area_are_aggregated_and_p1_p2_and_trips_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.upstream.outbox.GAP_S", 0.2)

    def of(n: int, priority: int, area: str = "pickling", event: str = "raise") -> Effect:
        summary = alarm(id=(1, n), occurrence=(1, n), priority=priority, area=area, event=event)
        return Effect(Record((1, n), n, 1_000 + n, "alarm.raise", "PKL_LSLL"), summary)

    async def main() -> None:
        outbox = Outbox(tmp_path / "journal.db", ENCODER)
        journal = Journal(tmp_path, outbox)
        journal.open()
        begin = Flood(utc_ms=1, area="pickling", active=True, count=11)
        journal.append(Effect(Record((1, 1), 1, 1, "alarm.flood", "pickling"), begin))
        for n in range(2, 102):
            journal.append(of(n, 3))
        journal.append(of(102, 1))
        journal.append(of(103, 2))
        journal.append(of(104, 3, area="furnace"))
        journal.append(of(105, 3, event="trip_failed"))
        await until(lambda: outbox.counts().pending == 0)
        for n in range(106, 110):
            journal.append(of(n, 4))
        await until(lambda: len([r for r in outbox.page(5, 0, 99) if r.kind == "gap"]) == 2)
        end = Flood(utc_ms=2, area="pickling", active=False, count=104)
        journal.append(Effect(Record((1, 110), 2, 2, "alarm.flood", "pickling"), end))
        journal.append(of(111, 3))
        await until(lambda: outbox.counts().pending == 0)
        counts = outbox.counts()
        assert (counts.aggregated, counts.balanced) == (104, True)
        gaps = [json.loads(row.payload) for row in outbox.page(5, 0, 99) if row.kind == "gap"]
        assert [(g["lane"], g["first"], g["last"], g["reason"]) for g in gaps] == [
            (3, 1, 100, "aggregated"),
            (4, 1, 4, "aggregated"),
        ]
        assert [row.lane_seq for row in outbox.page(3, 0, 99)] == [101, 102, 103], "another area, a trip, after the end"
        assert len(outbox.page(1, 0, 9)) == len(outbox.page(2, 0, 9)) == 1
        assert journal.close()

    asyncio.run(main())


def test_delivered_rows_can_be_had_again_where_that_is_allowed(tmp_path: Path) -> None:
    async def main() -> None:
        outbox = Outbox(tmp_path / "journal.db", ENCODER, resend=True)
        journal = Journal(tmp_path, outbox)
        journal.open()
        ear = Ear()
        outbox.connect(ear)
        for n in range(1, 11):
            journal.append(effect(1, n))
        await until(lambda: len(ear.rows) == 10)
        for row in ear.rows:
            outbox.acked(row.lane, row.lane_seq)
        await until(lambda: outbox.counts().confirmed == 10)
        assert outbox.sent(2, 3, 5, 100) == ear.rows[2:5]
        assert outbox.page(2, 0, 100) == []
        assert journal.close()

    asyncio.run(main())
