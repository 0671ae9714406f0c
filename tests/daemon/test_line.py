"""From a falling level to a stopped pump and an alarm in the plant network, seen at every place where it can be seen."""

from __future__ import annotations

import json
from pathlib import Path

from gateway.history import reader as history
from tests.daemon.rig import Rig, event_ids, until


def test_a_falling_level_stops_the_pump_and_is_heard_upstream(armed_state: Path) -> None:
    with Rig(armed_state) as rig:
        assert rig.start() < 10
        assert set(rig.states().values()) <= {"TRIPPED"}
        rig.energise("PKL_LSLL")
        assert rig.plant("state")["outputs"]["pump7.permit"] is True
        assert rig.plant("state")["running"]["pump7"] is False, "a reset starts nothing"
        rig.plant("push", button="pump7.start")
        until(lambda: rig.plant("state")["running"]["pump7"], 3, "the pump runs")
        rig.plant("set", name="tank1.level", value=31.0)
        found = rig.wait_state("PKL_LSLL", "TRIPPED", within_s=10)

        outputs = rig.plant("state")
        assert outputs["outputs"]["pump7.permit"] is False
        until(lambda: not rig.plant("state")["running"]["pump7"], 3, "the pump has stopped")
        off = [row for row in rig.plant_log() if row[1:3] == ("pump7.permit", 0.0)]
        assert off[-1][3] == "gateway"
        assert found["first_out"]["causes"] == ["tank1.level < 30"]
        assert found["trips"] == 1
        assert found["last_trip_ms"] < 3000, "two seconds of its own delay and the rest"
        assert found["outputs"][0]["verified"] is True
        _seen_everywhere(rig)
        assert rig.stop()[0] == 0
        _recorded_whole(rig)


def _seen_everywhere(rig: Rig) -> None:
    assert rig.receiver is not None
    receiver = rig.receiver
    until(
        lambda: [a for a in receiver.snapshot()[1].values() if a["alarm"] == "PKL_LSLL" and a["ev"] == "raise"],
        5,
        "the alarm is at the broker",
    )
    until(lambda: rig.interlock("PKL_LSLL")["recorded"], 3, "the trip is in the journal")
    page = json.loads(rig.http(rig.page, "/api/v1/overview"))
    assert page["interlocks_live"] == 2
    assert page["alarms_active"] >= 1
    assert "<html" in rig.http(rig.page, "/")
    figures = rig.http(rig.metrics, "/metrics")
    assert "gatehouse_" in figures
    rig.drained()
    records, _ = receiver.snapshot()
    assert records.keys() <= event_ids(rig.journal())


def _recorded_whole(rig: Rig) -> None:
    """Issue: every input is recorded. The numbers have no hole, and a snapshot stands before the first."""
    cover = history.coverage(rig.state / "history")[-1]
    assert cover.holes == ()
    assert cover.torn_bytes == 0
    assert (cover.first_seq, cover.withheld) == (1, 0)
    numbers = [stamp.seq for stamp, _ in history.inputs(rig.state / "history", boot=cover.boot)]
    assert numbers == list(range(1, cover.last_seq + 1))
    shots = history.snapshots(rig.state / "history", boot=cover.boot)
    assert shots[0].seq == 0
    assert len(shots[0].read()) > 100
    assert len(shots) >= 2, "one at the start and one at the trip"
