"""The independent replay against a plant whose every trip is known, and on through the daemon's edge into a journal."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import msgspec
import pytest

from gateway.app.audits import AuditKeeping
from gateway.core.program import Alarm, Compare, For, Interlock, Or, Program, Stop, Vote
from gateway.history.segments import give_up_oldest, segment_paths
from gateway.journal.journal import Journal
from gateway.offline import halfyear
from gateway.offline.audit import Slice, raw
from gateway.offline.auditor import audit
from gateway.offline.recount import recount
from tests.offline.campaign_trips import Recorded


@pytest.fixture
def state(recorded: Recorded, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded.directory, tmp_path / "state"))


def test_bare_conditions_have_no_deadband_no_delay_and_no_vote() -> None:
    vote = Vote(2, (Compare("a", ">", 5.0, 1.0), For(Compare("b", ">", 5.0, 1.0), 9)))
    alarm = Alarm(name="A", when=For(vote, 7), priority=2, on_bad="alarm", latch=True)
    trip = Interlock(name="F", when=vote, priority=1, on_bad="safe", stops=(Stop("pump", 0),), on_delay_ns=3)
    bare, kept = raw(Program(rules=(alarm, trip))).rules
    assert bare.when == Or((Compare("a", ">", 5.0), Compare("b", ">", 5.0)))
    assert isinstance(bare, Alarm)
    assert not bare.latch
    assert kept == trip


def test_every_trip_on_a_cause_was_a_demand_that_the_replay_found_by_itself(state: Path, recorded: Recorded) -> None:
    slices = list(audit(state))
    demands = [demand for one in slices for demand in one.demands]
    rows = [effect.record for effect in recorded.hour.boots[0].rows]
    trips = [r for r in rows if r.kind == "interlock.tripping" and r.detail["event"] in ("DEMAND", "ON_DELAY_OVER")]
    bypassed = {r.subject: r.utc_ms for r in rows if r.kind == "command.bypass.set"}  # the replay knows of no bypass
    trips = [trip for trip in trips if trip.utc_ms < bypassed.get(trip.subject, trip.utc_ms + 1)]
    assert len(trips) > 3
    for trip in trips:
        assert any(d.function == trip.subject and abs(d.at_ms - trip.utc_ms) <= 2_000 for d in demands), trip
    assert sum(one.evaluated_ms for one in slices) > 190_000


def test_a_second_run_goes_on_where_the_first_one_stopped(state: Path) -> None:
    first = list(audit(state))
    assert first
    assert list(audit(state)) == []


def test_the_daemon_journals_what_the_auditor_found_and_two_programs_count_it_alike(state: Path) -> None:
    async def run() -> tuple[int, bool]:
        journal = Journal(state / "journal")
        journal.open()
        count = await AuditKeeping(state, journal).once()
        return count, await asyncio.to_thread(journal.close, 10.0)

    count, closed = asyncio.run(run())
    assert count >= 1
    assert closed
    rows = list(halfyear.rows(state / "journal" / "journal.db"))
    looked = [msgspec.convert(row.detail, Slice) for row in rows if row.kind == "evidence.audited"]
    assert len(looked) == count
    begin, end = looked[0].from_ms - 60_000, looked[-1].to_ms + 60_000
    found = halfyear.figures(rows, begin, end)
    assert halfyear.canonical(found) == halfyear.canonical(recount(rows, begin, end))
    assert found["execution"]["every"]["real"] > 3
    assert found["suppression"]["raw"] > 0


def test_the_oldest_history_is_given_up_and_the_newest_stays(tmp_path: Path, state: Path) -> None:
    (newest,) = segment_paths(state / "history")[-1:]
    while give_up_oldest(state / "history"):
        pass
    assert segment_paths(state / "history") == [newest]
