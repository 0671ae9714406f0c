"""A PLC that lies about writes, is slow, is written by others, or stands still: seen within the deadlines, and told."""

from __future__ import annotations

import time
from pathlib import Path

from gateway.journal.reader import Event
from tests.daemon.modbus import write_coil
from tests.daemon.rig import Rig, beside, until

LOW, HIGH = "PKL_LSLL", "PKL_LSHH"
PUMP, VALVE = 20, 25  # coils
TRY_S = 0.5  # I11: one try of a read-back
TRIES_S = 3 * TRY_S
SLACK_S = 0.3  # a busy machine
PLC_SAFE_S = 0.25 + 1.0  # a beat that is under way, and §7


def rows(rig: Rig, name: str, since_utc_ms: int) -> list[Event]:
    return [row for row in rig.journal() if row.subject == name and row.utc_ms >= since_utc_ms]


def at_ns(events: list[Event], kind: str) -> int:
    found = [row.at_ns for row in events if row.kind == kind]
    assert found, f"no {kind} among {[row.kind for row in events]}"
    return found[0]


def trip_fails(rig: Rig, name: str, since_utc_ms: int, coil: str) -> None:
    """TRIP_FAILED within three tries, people told, the heartbeat withheld, and the PLC's watchdog does the rest."""

    def failed() -> bool:
        return any(row.kind == "interlock.trip_failed" for row in rows(rig, name, since_utc_ms))

    until(failed, 5, f"{name} is TRIP_FAILED")
    events = rows(rig, name, since_utc_ms)
    took_s = (at_ns(events, "interlock.trip_failed") - at_ns(events, "interlock.tripping")) / 1e9
    assert took_s <= TRIES_S + SLACK_S
    alarm = [row for row in rig.journal() if row.subject == f"{name}_FAILED" and row.kind == "alarm.raise"]
    assert alarm
    assert alarm[-1].at_ns - at_ns(events, "interlock.trip_failed") < 50e6
    until(lambda: not rig.plant("state")["healthy"], PLC_SAFE_S + SLACK_S, "the heartbeat is withheld, the PLC acts")
    until(lambda: rig.plant("state")["outputs"][coil] is False, 1, "the PLC drove it safe")
    found = rig.wait_state(name, "TRIPPED", within_s=8)
    assert found["outputs"][0]["verified"] is True
    assert found["first_out"]["causes"] == ["MANUAL_TRIP"]


def now_ms() -> int:
    return int(time.time() * 1000) - 5


def ignored_and_misdirected(rig: Rig) -> None:
    """Acknowledged and dropped, and acknowledged and stored elsewhere."""
    rig.energise(LOW, HIGH)
    rig.plant("fault", ignore=[f"coil:{PUMP}"], redirect={f"coil:{VALVE}": 45})
    since = now_ms()
    rig.call("interlock.trip", LOW)
    rig.call("interlock.trip", HIGH)
    trip_fails(rig, LOW, since, "pump7.permit")
    trip_fails(rig, HIGH, since, "fill1.permit")
    assert rig.receiver is not None
    receiver = rig.receiver
    wanted = {(f"{LOW}_FAILED", "raise"), (f"{HIGH}_FAILED", "raise")}
    until(lambda: wanted <= {(a["alarm"], a["ev"]) for a in receiver.snapshot()[1].values()}, 5, "heard upstream")


def ignored_reset_then_late(rig: Rig) -> None:
    """An energising write that does nothing is no permission; a trip that is stored late is no trip in time."""
    rig.heal_plc()
    rig.plant("fault", ignore=[f"coil:{PUMP}"])
    until(lambda: rig.states()[LOW] == "READY", 20, "READY")
    since = now_ms()
    rig.confirmed("interlock.reset", LOW)
    found = rig.wait_state(LOW, "TRIPPED", within_s=3)
    kinds = [row.kind for row in rows(rig, LOW, since)]
    assert "interlock.armed" not in kinds
    assert found["first_out"]["causes"][0].startswith("READ_BACK"), found["first_out"]
    assert rig.plant("state")["outputs"]["pump7.permit"] is False

    rig.plant("fault")
    rig.energise(LOW)
    rig.plant("fault", late_ms=4000)
    since = now_ms()
    rig.call("interlock.trip", LOW)
    trip_fails(rig, LOW, since, "pump7.permit")


def slow(rig: Rig) -> None:
    """Every answer takes longer than a try may."""
    rig.energise(LOW)
    rig.plant("fault", reply_ms=700)
    since = now_ms()
    rig.call("interlock.trip", LOW)
    until(lambda: rows(rig, LOW, since), 3, "it trips")

    def judged() -> bool:
        return any(row.kind in ("interlock.trip_failed", "interlock.tripped") for row in rows(rig, LOW, since))

    until(judged, 5, "failed or done")
    events = rows(rig, LOW, since)
    end_ns = min(row.at_ns for row in events if row.kind in ("interlock.trip_failed", "interlock.tripped"))
    assert (end_ns - at_ns(events, "interlock.tripping")) / 1e9 <= TRIES_S + SLACK_S
    assert rig.plant("state")["outputs"]["pump7.permit"] is False
    rig.plant("fault")
    rig.wait_state(LOW, "TRIPPED", within_s=20)


def someone_else_writes(rig: Rig) -> None:
    """The coil moves under our hands: energised, the owner trips; safe, it is written back and told."""
    rig.energise(LOW)
    since = now_ms()
    write_coil(rig.plant_port, PUMP, False)
    found = rig.wait_state(LOW, "TRIPPED", within_s=3)
    assert found["first_out"]["causes"] == ["EXTERNAL_TRIP"]
    events = rig.journal()
    assert any(row.kind == "output.foreign_write" and row.utc_ms >= since for row in events)

    since_ns = time.monotonic_ns()
    write_coil(rig.plant_port, PUMP, True)
    until(lambda: rig.plant("state")["outputs"]["pump7.permit"] is False, 2, "written back")
    moved = [row for row in rig.plant_log(since_ns) if row[1] == "pump7.permit"]
    assert [row[2] for row in moved] == [1.0, 0.0]
    assert (moved[1][0] - moved[0][0]) / 1e9 < 3 * 0.1 + SLACK_S, "two polls, and the write"
    assert moved[1][3] == "gateway"
    until(lambda: [a for a in rig.call("alarm.list") if a["active"] and a["name"] == f"{LOW}_FAILED"], 2, "told")


def standing_still(rig: Rig) -> None:
    """A PLC whose program has stopped still answers: its own counter says so."""
    rig.energise(LOW)
    began_s = time.monotonic()
    rig.plant("freeze", on=True)
    until(lambda: rig.tag("tank1.level")["quality"] == "bad", 2, "values are BAD")
    assert time.monotonic() - began_s <= 1.0 + 0.1 + SLACK_S
    assert rig.tag("tank1.level")["cause"].upper() == "PEER_SILENT"
    bad = [row["name"] for row in rig.call("tag.list") if row["source"] == "plc1" and row["quality"] != "bad"]
    assert bad == []
    found = rig.wait_state(LOW, "TRIPPED", within_s=2 + 2 * SLACK_S)
    assert time.monotonic() - began_s <= 1.0 + 2.0 + 0.1 + 2 * SLACK_S, "`on bad safe after 2 s`"
    assert found["first_out"]["causes"] == ["tank1.level bad"]
    assert rig.plant("state")["outputs"]["pump7.permit"] is False
    rig.plant("freeze", on=False)
    until(lambda: rig.tag("tank1.level")["quality"] == "good", 2, "GOOD again")
    assert rig.states()[LOW] == "TRIPPED"


def test_a_plc_that_does_not_do_what_it_says_is_found_out(armed_state: Path) -> None:
    scenarios = (ignored_reset_then_late, ignored_and_misdirected, slow, someone_else_writes, standing_still)
    assert beside(armed_state, *scenarios, at_once=5) == len(scenarios)
