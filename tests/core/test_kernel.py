"""The line through the kernel: boot, arm, reset, trip, read-back, latch, bypass, restart."""

from __future__ import annotations

import math

import pytest

from gateway.core.effects import Beat, Write
from gateway.core.program import Compare, Vote
from gateway.core.samples import SelfCheck
from gateway.core.tags import Cause
from tests.core.stage import SECOND, Stage, low_level, table


def test_boot_arm_reset_trip_latch() -> None:
    stage = Stage([low_level()])
    stage.energise("LSLL")
    assert stage.state() == "ARMED"
    assert stage.field["y0"] == 1.0
    stage.effects.clear()
    stage.poll(a0=29.8)
    writes = [e for e in stage.effects if isinstance(e, Write)]
    assert [(w.value, w.urgent) for w in writes] == [(0.0, True)]
    assert stage.state() == "TRIPPED"
    assert stage.function().first_out.causes == ("a0 < 30",)
    stage.run(1)
    stage.poll(a0=50.0)
    assert stage.ask("interlock.reset", "LSLL").code == 6, "latched: the cause has only just cleared"
    stage.run(4.9)
    assert stage.state() == "TRIPPED"
    stage.run(0.3)
    assert stage.state() == "READY"
    stage.run(5)
    assert stage.ask("interlock.reset", "LSLL", role="operator").code == 5
    assert stage.ask("interlock.reset", "LSLL").code == 0
    stage.run(0.2)
    assert stage.state() == "ARMED"


def test_arming_is_refused_until_the_watchdog_is_proven() -> None:
    stage = Stage([low_level()])
    stage.boot()
    answer = stage.ask("interlock.arm", "LSLL")
    assert (answer.code, answer.message) == (6, "interlock.watchdog-not-proven")


def test_deadband_never_decides() -> None:
    stage = Stage([low_level()])
    stage.energise("LSLL")
    stage.poll(a0=30.2)
    assert stage.state() == "ARMED"
    stage.poll(a0=29.8)
    assert stage.state() == "TRIPPED"


def test_on_delay_is_pretrip_and_a_near_miss_is_told() -> None:
    stage = Stage([low_level(on_delay_ns=2 * SECOND)])
    stage.energise("LSLL")
    stage.poll(a0=20.0)
    assert stage.state() == "PRETRIP"
    stage.run(1)
    stage.poll(a0=40.0)
    assert stage.state() == "ARMED"
    assert "interlock.near_miss" in stage.kinds()
    stage.poll(a0=20.0)
    stage.run(2.1)
    assert stage.state() == "TRIPPED"


def test_reading_above_the_range_is_gas() -> None:
    gas = low_level("GAS", when=Compare("a0", ">", 40.0))
    stage = Stage([gas], table(low=0.0, high=100.0))
    stage.values["a0"] = 5.0
    stage.energise("GAS")
    stage.poll(a0=105.0)
    assert stage.state("GAS") == "TRIPPED"
    below = Stage([gas], table(low=0.0, high=100.0))
    below.values["a0"] = 5.0
    below.energise("GAS")
    below.poll(a0=-5.0)
    assert below.state("GAS") == "ARMED"
    below.run(2.1)
    assert below.state("GAS") == "TRIPPED", "on the other side it is BAD, and bad trips after its time"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_not_a_number_is_bad_and_trips_after_its_time(value: float) -> None:
    stage = Stage([low_level()])
    stage.energise("LSLL")
    stage.poll(a0=value)
    assert stage.state() == "ARMED"
    stage.run(2.1)
    assert stage.state() == "TRIPPED"
    assert stage.function().first_out.causes == ("a0 bad",)


def test_silence_makes_stale_and_trips() -> None:
    stage = Stage([low_level("B", tag="b0")])
    stage.energise("B")
    stage.polling = False
    stage.run(0.9)
    assert stage.state("B") == "ARMED"
    stage.run(2.3)
    assert stage.state("B") == "TRIPPED"
    number = stage.kernel.names["b0"]
    assert stage.kernel.image.causes[number] == Cause.STALE


def test_a_confirmed_unchanged_value_stays_fresh() -> None:
    stage = Stage([low_level()])
    stage.energise("LSLL")
    stage.polling = False
    for _ in range(100):
        stage.run(0.1)
        stage.alive()
    assert stage.state() == "ARMED"


def test_confirmed_after_a_gap_is_what_it_was() -> None:
    stage = Stage([low_level()])
    stage.energise("LSLL")
    stage.polling = False
    stage.run(1.5)
    number = stage.kernel.names["a0"]
    assert stage.kernel.image.causes[number] == Cause.STALE
    stage.alive()
    assert stage.kernel.image.qualities[number] == 0
    stage.lose("plc1")
    stage.alive()
    assert stage.kernel.image.causes[number] == Cause.COMMS, "after a loss only new values count"


def test_failed_transmitter_bypass_run_restore_expire() -> None:
    stage = Stage([low_level()])
    stage.energise("LSLL")
    stage.poll(a0=math.nan)
    stage.run(2.1)
    assert stage.state() == "TRIPPED"
    form = {
        "tag": "a0",
        "code": "failed",
        "reason": "transmitter failed, spare ordered",
        "measure": "local gauge read every 10 min",
    }
    assert stage.ask("bypass.set", "LSLL", minutes="999999", **form).message == "bypass.minutes"
    assert stage.ask("bypass.set", "LSLL", minutes="60", **{**form, "reason": "short"}).message == "bypass.reason"
    assert stage.ask("bypass.set", "LSLL", minutes="60", **form).code == 0
    stage.run(16)
    assert stage.state() == "READY"
    assert stage.ask("interlock.reset", "LSLL").code == 0
    stage.run(600, step_ms=500)
    assert stage.state() == "ARMED"
    stage.poll(a0=50.0)
    stage.run(60 * 60 - 600, step_ms=500)
    assert stage.function().bypasses == []
    assert "bypass.warning" in stage.kinds()
    assert "bypass.expired" in stage.kinds()
    assert stage.state() == "ARMED", "the transmitter is good again: expiry alone is no demand"
    stage.poll(a0=20.0)
    assert stage.state() == "TRIPPED"


def test_bypass_of_a_good_channel_in_demand_is_refused() -> None:
    stage = Stage([low_level()])
    stage.boot()
    stage.poll(a0=20.0)
    form = {
        "tag": "a0",
        "code": "failed",
        "reason": "transmitter failed, spare ordered",
        "measure": "gauge",
        "minutes": "10",
    }
    assert stage.ask("bypass.set", "LSLL", **form).message == "bypass.demand"


def test_expiring_bypass_with_a_true_cause_trips() -> None:
    stage = Stage([low_level()])
    stage.energise("LSLL")
    form = {
        "tag": "a0",
        "code": "calibration",
        "reason": "calibration of the level",
        "measure": "local gauge",
        "minutes": "10",
    }
    assert stage.ask("bypass.set", "LSLL", **form).code == 0
    stage.poll(a0=10.0)
    stage.run(599, step_ms=500)
    assert stage.state() == "ARMED"
    stage.run(2)
    assert stage.state() == "TRIPPED"


def test_read_back_that_never_matches_is_trip_failed_and_the_heart_stops() -> None:
    stage = Stage([low_level()])
    stage.energise("LSLL")
    stage.answer = lambda write: (True, 1.0)
    stage.poll(a0=10.0)
    stage.run(0.1)
    assert stage.state() == "TRIP_FAILED"
    before = stage.beats()
    stage.run(2)
    assert stage.beats() == before
    assert stage.kernel.alarms.points["LSLL_FAILED"].base.name == "UNACK"
    stage.answer = lambda write: (True, write.value)
    stage.run(1)
    assert stage.state() == "TRIPPED"
    stage.run(1)
    assert stage.beats() > before


def test_device_that_never_answers_fails_inside_three_tries() -> None:
    stage = Stage([low_level()])
    stage.energise("LSLL")
    stage.answer = lambda write: None
    stage.poll(a0=10.0)
    stage.run(1.4)
    assert stage.state() == "TRIPPING"
    stage.run(0.2)
    assert stage.state() == "TRIP_FAILED"


def test_someone_else_writes_the_output() -> None:
    stage = Stage([low_level()])
    stage.energise("LSLL")
    stage.field["y0"] = 0.0
    stage.poll()
    assert stage.state() == "ARMED"
    stage.poll()
    assert stage.state() == "TRIPPED"
    assert stage.function().first_out.causes == ("EXTERNAL_TRIP",)
    stage.run(6)
    assert stage.state() == "READY"
    stage.field["y0"] = 1.0
    stage.poll()
    stage.poll()
    assert stage.state() == "TRIPPED"
    assert stage.field["y0"] == 0.0, "rewritten safe"


def test_two_functions_on_one_output_every_order() -> None:
    stage = Stage([low_level("ONE", tag="a0"), low_level("TWO", tag="a1")])
    stage.energise("ONE", "TWO")
    assert stage.field["y0"] == 1.0
    stage.poll(a0=10.0)
    assert (stage.state("ONE"), stage.state("TWO"), stage.field["y0"]) == ("TRIPPED", "ARMED", 0.0)
    stage.poll(a1=10.0)
    stage.poll(a0=50.0)
    stage.run(15)
    assert stage.ask("interlock.reset", "ONE").code == 0
    assert (stage.state("ONE"), stage.field["y0"]) == ("ARMING", 0.0)
    stage.run(30)
    assert stage.state("ONE") == "ARMING", "waits for the other without a read-back time-out"
    stage.poll(a1=50.0)
    stage.run(15)
    assert stage.ask("interlock.reset", "TWO").code == 0
    stage.run(0.3)
    assert (stage.state("ONE"), stage.state("TWO"), stage.field["y0"]) == ("ARMED", "ARMED", 1.0)


def test_vote_two_of_three_degrades_and_trips() -> None:
    vote = Vote(2, tuple(Compare(f"a{at}", ">", 40.0) for at in range(3)))
    stage = Stage([low_level("V", when=vote)])
    stage.values |= {"a0": 1.0, "a1": 1.0, "a2": 1.0}
    stage.energise("V")
    stage.poll(a0=99.0)
    assert stage.state("V") == "ARMED"
    stage.poll(a0=1.0, a1=math.nan)
    stage.run(2.1)
    assert stage.state("V") == "ARMED"
    assert "interlock.degraded" in stage.kinds()
    stage.poll(a2=99.0)
    assert stage.state("V") == "TRIPPED", "2oo3 with one bad is 1oo2"


def test_restart_keeps_the_latch_and_first_out_and_energises_nothing() -> None:
    stage = Stage([low_level()])
    stage.energise("LSLL")
    stage.poll(a0=10.0)
    again = Stage([low_level()], kept=stage.kept, boot=2)
    again.boot()
    assert again.state() == "TRIPPED"
    assert again.function().first_out.causes == ("a0 < 30",)
    assert again.kernel.alarms.points["LSLL"].base.name == "UNACK"
    fresh = Stage([low_level()])
    fresh.energise("LSLL")
    after = Stage([low_level()], kept=fresh.kept, boot=2)
    after.boot()
    assert after.state() == "TRIPPED"
    assert after.function().first_out.causes == ("POWER_UP",)
    assert after.field.get("y0", 0.0) == 0.0


def test_snapshot_and_restore_go_on_alike() -> None:
    def story(stage: Stage) -> None:
        stage.poll(a0=20.0)
        stage.run(3)
        stage.poll(a0=50.0)
        stage.run(20)
        stage.ask("interlock.reset", "LSLL")
        stage.run(3)
        stage.lose("aux")
        stage.run(8)

    stage = Stage([low_level(on_delay_ns=SECOND)])
    stage.energise("LSLL")
    data = stage.kernel.snapshot()
    twin = Stage([low_level(on_delay_ns=SECOND)])
    twin.kernel.restore(data)
    assert twin.kernel.snapshot() == data
    twin.now_ns, twin.seq, twin.field, twin.values = stage.now_ns, stage.seq, dict(stage.field), dict(stage.values)
    twin._commands = stage._commands
    stage.effects.clear()
    story(stage)
    story(twin)
    assert twin.effects == stage.effects
    assert twin.kernel.snapshot() == stage.kernel.snapshot()


def test_self_check_down_trips_and_fault_needs_an_engineer() -> None:
    stage = Stage([low_level()])
    stage.energise("LSLL")
    stage.give(SelfCheck(False, "overrun"))
    assert stage.state() == "FAULT"
    assert stage.field["y0"] == 0.0
    before = stage.beats()
    stage.run(1)
    assert stage.beats() == before
    stage.give(SelfCheck(True))
    assert stage.state() == "FAULT"
    assert stage.ask("interlock.clear", "LSLL").code == 5
    assert stage.ask("interlock.clear", "LSLL", role="engineer").code == 0
    assert stage.state() == "TRIPPED"


def test_heartbeat_is_a_deadline_of_the_kernel() -> None:
    stage = Stage([low_level()])
    stage.boot()
    before = stage.beats()
    stage.run(10)
    assert stage.beats() - before == 40
    assert [e.counter for e in stage.effects if isinstance(e, Beat)] == list(range(1, stage.beats() + 1))
