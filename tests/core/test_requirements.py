"""The list I1 to I26 of spec/interlocks.md §2, each with at least one test of its name."""

from __future__ import annotations

import ast
import math
import sys
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from stage import MS, SECOND, Stage, low_level, table

import gateway.core
from gateway.core.effects import Beat, Ended, Write
from gateway.core.program import Alarm, And, BypassTerms, Compare, Confirm, Not, Or, Stop, Vote
from gateway.core.samples import Alive, Command, Few, Overrun, SelfCheck
from gateway.core.samples import Stop as StopInput
from gateway.core.tags import Cause, Group, Source, Tag, TagTable

HOUR_S = 3600
FORM = {
    "code": "failed",
    "reason": "transmitter failed, spare ordered",
    "measure": "local gauge read every 10 min",
    "minutes": "60",
}


def armed(**more: object) -> Stage:
    stage = Stage([low_level(**more)])  # type: ignore[arg-type]
    stage.energise("LSLL")
    return stage


def with_peer() -> TagTable:
    """plc1 with two polled groups (a0, its counter, y0; and c0) and a counter of its own that we watch."""
    tags = [
        Tag(0, "a0", "plc1", 0),
        Tag(1, "plc1.$peer", "plc1", 0, hidden=True),
        Tag(2, "y0", "plc1", 0, boolean=True, writable=True),
        Tag(3, "plc1.$heartbeat", "plc1", 1, writable=True, hidden=True),
        Tag(4, "c0", "plc1", 2),
    ]
    groups = [
        Group(0, "poll", "plc1", 0, 3, 3000),
        Group(1, "write", "plc1", 3, 1, 1000),
        Group(2, "other", "plc1", 4, 1, 3000),
    ]
    return TagTable(tags, groups, [Source("plc1", "modbus", 100, heartbeat=3, peer=1)])


class Counting(Stage):
    """A PLC whose counter moves with every poll while `counts`."""

    counts = True

    def poll(self, **values: float) -> list[object]:  # type: ignore[override]
        if self.counts:
            self.values["plc1.$peer"] += 1.0
        return super().poll(**values)  # type: ignore[return-value]


def image(stage: Stage, tag: str) -> tuple[int, int]:
    number = stage.kernel.names[tag]
    return stage.kernel.image.qualities[number], stage.kernel.image.causes[number]


# --- I1 to I4: outputs and heartbeats ---


@pytest.mark.parametrize("safe", [0.0, 1.0])
def test_i01_de_energise_to_trip_whatever_the_bit(safe: float) -> None:
    site = table()
    site = replace(site, tags=[replace(t, safe=safe) if t.name == "y0" else t for t in site.tags])
    stage = Stage([low_level()], site)
    stage.field["y0"] = safe
    stage.energise("LSLL")
    assert stage.field["y0"] == 1.0 - safe
    stage.poll(a0=10.0)
    assert stage.field["y0"] == safe
    assert [w.urgent for w in stage.effects if isinstance(w, Write)][-1]


def test_i02_heartbeat_counts_each_quarter_second_and_is_16_bit() -> None:
    stage = armed()
    stage.effects.clear()
    stage.kernel.heart.peers[0].counter = 0xFFFE
    stage.run(1)
    assert [e.counter for e in stage.effects if isinstance(e, Beat)] == [0xFFFF, 0, 1, 2]


def test_i02_a_kernel_that_does_not_step_does_not_beat() -> None:
    stage = armed()
    before = stage.beats()
    stage.now_ns += 10 * SECOND
    assert stage.beats() == before


@pytest.mark.parametrize("answers", [True, False])
def test_i03_heartbeat_is_withheld_on_purpose(answers: bool) -> None:
    stage = armed()
    if not answers:
        stage.answer = lambda write: None
        stage.poll(a0=10.0)
        stage.run(2)
        assert stage.state() == "TRIP_FAILED"
    else:
        stage.give(SelfCheck(False, "overrun"))
    before = stage.beats()
    stage.run(2)
    assert stage.beats() == before


def test_i03_a_shadow_function_never_touches_the_heartbeat() -> None:
    stage = Stage([low_level()])
    stage.boot()
    before = stage.beats()
    stage.poll(a0=10.0)
    stage.run(1)
    assert stage.state() == "INIT"
    assert stage.beats() - before == 4


def test_i04_a_plc_whose_counter_stands_is_bad_and_trips() -> None:
    stage = Counting([low_level()], with_peer())
    stage.energise("LSLL")
    stage.counts = False
    stage.run(0.9)
    assert image(stage, "a0")[0] == 0
    stage.run(0.3)
    assert image(stage, "a0") == (3, Cause.PEER_SILENT)
    stage.run(2)
    assert stage.state() == "TRIPPED"
    stage.counts = True
    stage.run(0.3)
    assert image(stage, "a0") == (0, 0)


def test_i04_nothing_of_a_silent_plc_turns_good_by_being_confirmed() -> None:
    stage = Counting(
        [low_level()], replace(with_peer(), groups=[replace(g, stale_ms=1000) for g in with_peer().groups])
    )
    stage.boot()
    stage.run(1)
    stage.polling = False
    stage.run(2)
    assert image(stage, "a0")[0] == 3
    stage.give(Alive(0))  # equal bytes: so is the counter in them
    assert image(stage, "a0")[0] == 3


def test_i04_a_counter_that_is_no_number_does_not_move() -> None:
    stage = Counting([low_level()], with_peer())
    stage.boot()
    stage.run(0.5)
    stage.counts = False
    stage.values["plc1.$peer"] = math.nan
    stage.run(2)
    assert image(stage, "a0") == (3, Cause.PEER_SILENT)


# --- I5 to I8: quality, voting, degraded ---


def one_tag(**more: object) -> Stage:
    site = table()
    tags = [replace(t, **more) if t.name == "a0" else t for t in site.tags]  # type: ignore[arg-type]
    return Stage([low_level()], replace(site, tags=tags))


def test_i05_ne43_signal_fault_is_bad_and_not_demand() -> None:
    stage = one_tag(low=0.0, high=100.0, fault_low=-2.5, fault_high=106.25)
    stage.energise("LSLL")
    stage.poll(a0=-3.0)  # below 3.6 mA: a broken wire
    assert image(stage, "a0") == (3, Cause.SIGNAL_FAULT)
    assert stage.state() == "ARMED"
    stage.run(2.1)
    assert stage.state() == "TRIPPED"
    stage = one_tag(low=0.0, high=100.0, fault_low=-2.5, fault_high=106.25)
    stage.energise("LSLL")
    stage.poll(a0=-1.0)  # below its range, and the wire is whole: demand at once
    assert stage.state() == "TRIPPED"


@pytest.mark.parametrize("cause", [Cause.COMMS, Cause.DEVICE, Cause.DECODE, Cause.MAINTENANCE])
def test_i05_whatever_its_source_calls_bad_is_bad_and_takes_its_time(cause: Cause) -> None:
    stage = armed()
    stage.polling = False
    stage.give(Few(0, [0], [10.0], [3], [cause]))
    assert image(stage, "a0") == (3, cause)
    assert stage.state() == "ARMED", "what it says meanwhile is no demand"
    stage.run(2.1)
    assert stage.state() == "TRIPPED"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_i05_what_is_no_number_is_bad(value: float) -> None:
    stage = armed()
    stage.poll(a0=value)
    assert image(stage, "a0")[0] == 3
    assert stage.state() == "ARMED"


def test_i05_frozen_is_opt_in() -> None:
    stage = one_tag(frozen_s=3.0)
    stage.boot()
    stage.poll(a0=50.0)
    stage.run(2.9)
    assert image(stage, "a0") == (0, 0)
    stage.run(0.3)
    assert image(stage, "a0") == (3, Cause.FROZEN)
    assert image(stage, "a1") == (0, 0)
    stage.poll(a0=50.1)
    assert image(stage, "a0") == (0, 0)


def test_i05_rate_is_opt_in() -> None:
    stage = one_tag(rate_max_per_s=100.0)
    stage.boot()
    stage.run(0.1)
    stage.now_ns += 100 * MS
    stage.poll(a0=61.0, a1=90.0)
    assert image(stage, "a0") == (3, Cause.RATE)
    assert image(stage, "a1") == (0, 0)
    stage.now_ns += 100 * MS
    stage.poll(a0=62.0)
    assert image(stage, "a0") == (0, 0)


def test_i05_uncertain_may_trip_and_never_clears() -> None:
    stage = armed()
    stage.give(Few(0, [0], [20.0], [1], [Cause.DEVICE]))
    assert stage.state() == "TRIPPED"
    stage.polling = False
    for _ in range(20):
        stage.run(0.9)
        stage.give(Few(0, [0], [50.0], [1], [Cause.DEVICE]))
    assert stage.state() == "TRIPPED"


def test_i05_out_of_range_never_permits() -> None:
    site = table(low=0.0, high=100.0)
    stage = Stage([low_level(permissive=Compare("a1", ">", 10.0))], site)
    stage.boot()
    stage.poll(a1=105.0)
    assert not stage.function().permissive_ok()


def test_i05_a_bad_channel_gives_no_vote_to_a_permissive() -> None:
    vote = Vote(2, tuple(Compare(f"a{at}", ">", 10.0) for at in range(3)))
    stage = Stage([low_level(tag="b0", permissive=vote)])
    stage.boot()
    stage.poll(a0=50.0, a1=5.0, a2=math.nan)
    stage.run(3)
    assert not stage.function().permissive_ok(), "one of three is not two"
    stage.poll(a1=50.0)
    assert stage.function().permissive_ok()


def test_i06_age_is_judged_by_kernel_time_and_per_group() -> None:
    stage = armed()
    stage.polling = False
    stage.run(0.999)
    assert image(stage, "a0")[0] == 0
    stage.run(0.002)
    assert image(stage, "a0") == (3, Cause.STALE)


def test_i07_on_bad_takes_its_own_time() -> None:
    stage = armed(bad_after_ns=10 * SECOND)
    stage.poll(a0=math.nan)
    stage.run(9.8)
    assert stage.state() == "ARMED"
    stage.run(0.3)
    assert stage.state() == "TRIPPED"


def degraded() -> Stage:
    vote = Vote(2, tuple(Compare(f"a{at}", ">", 80.0) for at in range(3)))
    stage = armed(when=vote)
    stage.poll(a2=math.nan)
    stage.run(2.2)
    assert "interlock.degraded" in stage.kinds()
    return stage


def test_i08_degraded_vote_warns_at_three_quarters_and_ends_in_a_trip() -> None:
    stage = degraded()
    stage.polling = False
    started_ns = stage.now_ns

    def until(hours: float) -> None:
        stage.now_ns = started_ns + int(hours * HOUR_S) * SECOND
        stage.kernel.fresh._limit[0] = 100 * HOUR_S * SECOND
        stage.poll()

    until(5.9)
    assert "interlock.degraded_warning" not in stage.kinds()
    until(6.1)
    assert stage.kinds().count("interlock.degraded_warning") == 1
    until(7.9)
    assert stage.state() == "ARMED"
    until(8.1)
    assert stage.state() == "TRIPPED"
    first = stage.function().first_out
    assert first is not None
    assert first.causes == ("DEGRADED_OVER",)


def test_i08_a_repaired_channel_ends_the_degraded_vote() -> None:
    stage = degraded()
    assert stage.kernel.alarms.points["LSLL_DEGRADED"].active
    stage.poll(a2=50.0)
    assert not stage.kernel.alarms.points["LSLL_DEGRADED"].active
    assert stage.function().degraded_since_ns < 0


# I9 (time budget) is judged when rules are compiled and checked against a site: tests/rulebook.


def test_i10_confirm_delay_is_for_a_true_condition_only() -> None:
    stage = armed(on_delay_ns=2 * SECOND)
    stage.poll(a0=10.0)
    stage.run(1.9)
    assert stage.state() == "PRETRIP"
    stage.run(0.2)
    assert stage.state() == "TRIPPED"
    lost = armed(on_delay_ns=2 * SECOND)
    lost.poll(a0=math.nan)
    lost.run(2.1)
    assert lost.state() == "TRIPPED", "badness has had its own delay"


# --- I11, I12: read-back ---


def test_i11_three_tries_then_trip_failed_and_the_secondary_owner_trips() -> None:
    main = low_level("MAIN", tag="a0", output="y0", otherwise=(Stop("y1"),))
    other = low_level("OTHER", tag="a1", output="y1")
    stage = Stage([main, other])
    stage.energise("MAIN", "OTHER")
    stage.answer = lambda write: (True, 1.0) if stage.table.tags[write.output].name == "y0" else (True, write.value)
    stage.effects.clear()
    stage.poll(a0=10.0)
    tries = [w for w in stage.effects if isinstance(w, Write) and stage.table.tags[w.output].name == "y0"]
    assert len(tries) == 3
    assert (stage.state("MAIN"), stage.state("OTHER")) == ("TRIP_FAILED", "TRIPPED")
    assert stage.field["y1"] == 0.0


def test_i11_a_missing_effect_is_told_and_does_not_stop_the_heartbeat() -> None:
    stage = armed(confirms=(Confirm("a1", "<", 5.0, 3 * SECOND),))
    stage.poll(a0=10.0)
    assert stage.state() == "TRIPPED"
    stage.run(3.1)
    assert stage.kernel.alarms.points["LSLL_FAILED"].active
    before = stage.beats()
    stage.run(1)
    assert stage.beats() > before
    seen = armed(confirms=(Confirm("a1", "<", 5.0, 3 * SECOND),))
    seen.poll(a0=10.0)
    seen.run(1)
    seen.poll(a1=1.0)
    seen.run(5)
    assert not seen.kernel.alarms.points["LSLL_FAILED"].active


@pytest.mark.parametrize("rested", [0, 6])
def test_i12_a_foreign_write_while_safe_is_rewritten_and_told(rested: int) -> None:
    stage = armed()
    stage.poll(a0=10.0)
    if rested:
        stage.poll(a0=50.0)
        stage.run(rested)
        assert stage.state() == "READY"
    stage.field["y0"] = 1.0
    stage.poll()
    stage.poll()
    assert stage.state() == "TRIPPED"
    assert stage.field["y0"] == 0.0
    point = stage.kernel.alarms.points["LSLL_FAILED"]
    assert (point.active, point.priority) == (True, 1)


# --- I13 to I17: first-out, reset, power-up ---


def test_i13_causes_of_one_instant_are_simultaneous_and_later_ones_are_not() -> None:
    either = Or((Compare("a0", "<", 30.0), Compare("a1", "<", 30.0), Compare("a2", "<", 30.0)))
    stage = armed(when=either)
    stage.poll(a0=10.0, a2=10.0)
    first = stage.function().first_out
    assert first is not None
    assert first.causes == ("a0 < 30", "a2 < 30")
    stage.run(1)
    stage.poll(a1=10.0)
    assert stage.function().first_out == first, "frozen until the reset"


def test_i13_power_up_never_replaces_it() -> None:
    stage = armed()
    stage.poll(a0=10.0)
    again = Stage([low_level()], kept=stage.kept, boot=2)
    again.boot()
    assert again.function().first_out == stage.function().first_out
    never = Stage([low_level()], kept=armed().kept, boot=2)
    never.boot()
    first = never.function().first_out
    assert first is not None
    assert first.causes == ("POWER_UP",)


def test_i13_the_cause_of_a_negated_condition_is_named() -> None:
    stage = armed(when=Not(Compare("a0", ">", 30.0)))
    stage.poll(a0=10.0)
    first = stage.function().first_out
    assert first is not None
    assert first.tags == ("a0",)
    assert "bad" not in first.causes[0]


def test_i13_a_channel_that_left_the_vote_is_not_the_cause() -> None:
    stage = degraded()
    stage.poll(a0=99.0)
    assert stage.state() == "TRIPPED"
    first = stage.function().first_out
    assert first is not None
    assert first.causes == ("a0 > 80",)


def test_i14_reset_needs_its_time_its_role_and_an_edge() -> None:
    stage = armed()
    stage.poll(a0=10.0)
    stage.poll(a0=50.0)
    assert stage.ask("interlock.reset", "LSLL").message == "interlock.not-ready"
    stage.run(20)
    assert stage.state() == "READY", "time alone never resets"
    assert stage.ask("interlock.reset", "LSLL", role="operator").code == 5
    assert stage.ask("interlock.reset", "LSLL").code == 0
    stage.run(0.2)
    assert stage.ask("interlock.reset", "LSLL").code == 6
    assert stage.state() == "ARMED"


def test_i14_an_unreadable_disk_is_no_permission() -> None:
    stage = armed()
    stage.poll(a0=10.0)
    stage.poll(a0=50.0)
    stage.run(11)
    stage._took = lambda effects: list(effects)  # type: ignore[method-assign]  # nobody makes anything durable
    stage.give(Command(900, "li", "supervisor", "interlock.reset", "LSLL"))
    stage.run(2.1)
    assert stage.state() == "READY"


def test_i15_reset_returns_permission_only() -> None:
    stage = armed()
    stage.poll(a0=10.0)
    stage.poll(a0=50.0)
    stage.run(11)
    stage.effects.clear()
    stage.ask("interlock.reset", "LSLL")
    outputs = {o.tag.number for o in stage.function().outputs}
    assert {e.output for e in stage.effects if isinstance(e, Write)} == outputs


def test_i16_power_up_is_tripped_and_energises_nothing() -> None:
    stage = armed()
    again = Stage([low_level()], kept=stage.kept, boot=2)
    again.field["y0"] = 1.0  # left energised by the process that died
    again.boot()
    assert again.state() == "TRIPPED"
    again.run(60, step_ms=500)
    assert again.state() == "READY"
    assert again.field["y0"] == 0.0
    assert [w.value for w in again.effects if isinstance(w, Write)] == [0.0]


def test_i16_bypasses_do_not_survive_a_restart() -> None:
    stage = armed()
    assert stage.ask("bypass.set", "LSLL", tag="a0", **FORM).code == 0
    again = Stage([low_level()], kept=stage.kept, boot=2)
    again.boot()
    assert again.function().bypasses == []


def test_i17_inputs_are_good_ten_seconds_before_ready() -> None:
    stage = armed()
    stage.poll(a0=math.nan)
    stage.run(3)
    assert stage.state() == "TRIPPED"
    stage.poll(a0=50.0)
    stage.run(9.8)
    assert stage.state() == "TRIPPED"
    stage.run(0.4)
    assert stage.state() == "READY"


# I18 (start-up override) is in test_permits.py.


# --- I19, I20: bypass ---


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reason": "short"}, "bypass.reason"),
        ({"reason": "          "}, "bypass.reason"),
        ({"measure": " "}, "bypass.measure"),
        ({"minutes": "0"}, "bypass.minutes"),
        ({"minutes": "-5"}, "bypass.minutes"),
        ({"minutes": "481"}, "bypass.minutes"),
        ({"minutes": "٣"}, "bypass.minutes"),
        ({"tag": ""}, "bypass.no-tag"),
        ({"tag": "y0"}, "bypass.no-such-input"),
    ],
)
def test_i19_what_a_bypass_needs(change: dict[str, str], message: str) -> None:
    stage = armed()
    assert stage.ask("bypass.set", "LSLL", **{"tag": "a0", **FORM, **change}).message == message
    assert stage.function().bypasses == []


def test_i19_hard_limit_and_role_and_never() -> None:
    longest = Stage([low_level(bypass=BypassTerms(max_ns=24 * HOUR_S * SECOND))])
    longest.energise("LSLL")
    assert longest.ask("bypass.set", "LSLL", tag="a0", **{**FORM, "minutes": "721"}).message == "bypass.minutes"
    assert longest.ask("bypass.set", "LSLL", role="operator", tag="a0", **FORM).code == 5
    assert longest.ask("bypass.set", "LSLL", tag="a0", **{**FORM, "minutes": "720"}).code == 0
    never = armed(bypass=BypassTerms(max_ns=0))
    assert never.ask("bypass.set", "LSLL", tag="a0", **FORM).message == "bypass.never"


def test_i19_one_channel_of_a_group_and_not_twice() -> None:
    stage = armed(when=Vote(2, tuple(Compare(f"a{at}", ">", 80.0) for at in range(3))))
    assert stage.ask("bypass.set", "LSLL", tag="a0", **FORM).code == 0
    assert stage.ask("bypass.set", "LSLL", tag="a0", **FORM).message == "bypass.already"
    assert stage.ask("bypass.set", "LSLL", tag="a1", **FORM).message == "bypass.group"
    stage.poll(a1=99.0)
    assert stage.state() == "TRIPPED", "2oo3 with one bypassed is 1oo2"


@pytest.mark.parametrize("k", [1, 2])
def test_i19_of_two_with_one_bypassed_is_one_of_one(k: int) -> None:
    stage = armed(when=Vote(k, tuple(Compare(f"a{at}", ">", 80.0) for at in range(2))))
    assert stage.ask("bypass.set", "LSLL", tag="a0", **FORM).code == 0
    stage.poll(a0=99.0)
    assert stage.state() == "ARMED"
    stage.poll(a1=99.0)
    assert stage.state() == "TRIPPED"


def test_i19_one_of_one_bypassed_is_no_demand() -> None:
    stage = armed()
    assert stage.ask("bypass.set", "LSLL", tag="a0", **FORM).code == 0
    stage.poll(a0=10.0)
    assert stage.state() == "ARMED"


def test_i19_refused_in_pretrip() -> None:
    stage = armed(on_delay_ns=5 * SECOND, when=Or((Compare("a0", "<", 30.0), Compare("a1", "<", 30.0))))
    stage.poll(a0=10.0)
    assert stage.ask("bypass.set", "LSLL", tag="a1", **FORM).message == "bypass.pretrip"


@pytest.mark.parametrize("negated", [False, True])
def test_i19_refused_on_a_good_channel_in_demand(negated: bool) -> None:
    when = Not(Compare("a0", ">=", 30.0)) if negated else Compare("a0", "<", 30.0)
    stage = armed(when=when)
    stage.poll(a0=10.0)
    assert stage.ask("bypass.set", "LSLL", tag="a0", **FORM).message == "bypass.demand"
    stage.poll(a0=50.0)
    assert stage.ask("bypass.set", "LSLL", tag="a0", **FORM).code == 0


def test_i19_gas_above_its_range_is_demand_and_no_failed_transmitter() -> None:
    stage = Stage([low_level("GAS", when=Compare("a0", ">", 40.0))], table(low=0.0, high=100.0))
    stage.values["a0"] = 5.0
    stage.energise("GAS")
    stage.poll(a0=105.0)
    assert stage.state("GAS") == "TRIPPED"
    assert stage.ask("bypass.set", "GAS", tag="a0", **FORM).message == "bypass.demand"


def test_i20_nothing_but_the_kernel_ends_a_bypass() -> None:
    stage = armed()
    assert stage.ask("bypass.set", "LSLL", tag="a0", **{**FORM, "minutes": "20"}).code == 0
    stage.poll(a0=10.0)
    stage.polling = False
    stage.run(20 * 60 - 1, step_ms=60_000)
    assert stage.function().bypasses
    stage.run(1.1)
    assert stage.function().bypasses == []
    stage.run(2.1)
    assert stage.state() == "TRIPPED"


# --- I21 to I26 ---


def cycle(stage: Stage, wait_s: float = 11) -> int:
    stage.poll(a0=10.0)
    stage.poll(a0=50.0)
    stage.run(wait_s)
    code = stage.ask("interlock.reset", "LSLL").code
    stage.run(0.5)
    return code


def test_i21_the_seventh_energising_in_an_hour_is_hunting() -> None:
    stage = armed()
    assert [cycle(stage) for _ in range(6)] == [0, 0, 0, 0, 0, 6]
    assert stage.ask("interlock.reset", "LSLL").message == "interlock.hunting"
    assert stage.field["y0"] == 0.0


def test_i21_ten_seconds_between_and_never_a_delay_towards_safe() -> None:
    stage = armed(clear_ns=1 * MS)
    began_ns = stage.kernel.outputs["y0"]._energised_ns[-1]
    assert cycle(stage, 0.5) == 0
    assert (stage.state(), stage.field["y0"]) == ("ARMING", 0.0)
    stage.run(10)
    assert (stage.state(), stage.field["y0"]) == ("ARMED", 1.0)
    assert stage.kernel.outputs["y0"]._energised_ns[-1] - began_ns >= 10 * SECOND
    stage.poll(a0=10.0)
    assert stage.field["y0"] == 0.0


def test_i22_core_has_no_clock_no_io_and_no_randomness() -> None:
    forbidden = {"time", "datetime", "random", "asyncio", "logging", "socket", "os", "threading", "secrets", "uuid"}
    for path in sorted(Path(gateway.core.__file__).parent.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not forbidden & {name.split(".")[0] for name in names}, path.name


# I23 (priority and isolation) is the runtime's: tests/runtime and tests/faults.


def test_i24_a_changed_function_is_not_reset_until_it_is_armed_again() -> None:
    kept = armed().kept
    changed = Stage([low_level(when=Compare("a0", "<", 25.0))], kept=kept, boot=2)
    changed.boot()
    changed.run(16)
    assert changed.ask("interlock.reset", "LSLL").message == "interlock.changed"


# I24's two persons and signatures are the activation's: tests/activation.


def test_i25_a_proof_that_is_overdue_is_an_alarm_until_it_is_passed() -> None:
    stage = armed(proof_ns=HOUR_S * SECOND)
    point = stage.kernel.alarms.points["LSLL_PROOF"]
    stage.polling = False

    def an_hour_later() -> None:
        stage.now_ns += HOUR_S * SECOND
        stage.run(1)
        stage.poll()

    assert not point.active
    an_hour_later()
    assert point.active
    stage.run(20)
    stage.polling = True
    stage.run(20)
    assert stage.ask("interlock.reset", "LSLL").code == 0
    stage.run(0.2)
    assert stage.ask("proof.start", "LSLL", kind="full").code == 0
    stage.poll(a0=10.0)
    stage.run(1)
    done = {"result": "passed", "note": "valve seen closed from the platform", "looked": "yes"}
    assert stage.ask("proof.finish", "LSLL", **done).code == 0
    assert not point.active
    stage.polling = False
    an_hour_later()
    assert point.active


def test_i24_a_rule_that_is_not_what_was_loaded_is_found_out() -> None:
    stage = armed()
    assert stage.kernel.intact(0)
    msgspec.structs.force_setattr(stage.kernel.program.rules[0], "clear_ns", 1)
    assert not stage.kernel.intact(0)


def test_i26_an_overrun_is_an_event_and_an_alarm_until_the_line_keeps_up() -> None:
    stage = armed()
    stage.give(Overrun("step", 25 * MS))
    stage.give(Overrun("lag", 150 * MS))
    assert stage.kinds()[-1] == "line.lag"
    assert stage.kernel.alarms.points["OVERRUN"].active
    stage.run(59)
    assert stage.kernel.alarms.points["OVERRUN"].active
    stage.run(2)
    assert not stage.kernel.alarms.points["OVERRUN"].active
    assert stage.state() == "ARMED"


def test_i26_self_check_down_trips_and_stays_until_an_engineer_clears() -> None:
    stage = armed()
    stage.answer = lambda write: None
    stage.give(SelfCheck(False, "lag"))
    assert stage.state() == "TRIPPING", "down in TRIPPING changes nothing until the read-back"
    stage.answer = lambda write: (True, write.value)
    stage.run(0.6)
    assert stage.state() == "FAULT"
    stage.give(SelfCheck(True))
    stage.run(20)
    assert stage.state() == "FAULT"


# --- the life around them ---


def test_stop_writes_safe_reads_back_and_ends() -> None:
    stage = armed()
    stage.give(StopInput())
    assert [e.safe for e in stage.effects if isinstance(e, Ended)] == [True]
    assert stage.field["y0"] == 0.0
    rested = armed()
    rested.poll(a0=10.0)
    rested.poll(a0=50.0)
    rested.run(11)
    assert rested.state() == "READY"
    rested.give(StopInput())
    assert rested.ask("interlock.reset", "LSLL").message == "gateway.stopping", (
        "ended, and a reset was still on its way"
    )
    assert rested.field["y0"] == 0.0
    mute = armed()
    mute.answer = lambda write: None
    mute.give(StopInput())
    mute.run(2.1)
    assert [e.safe for e in mute.effects if isinstance(e, Ended)] == [False]


def test_a_source_heard_before_the_first_self_check_is_not_lost() -> None:
    stage = Stage([low_level()])
    stage.poll()
    stage.give(SelfCheck(True))
    stage.run(10)
    assert not stage.kernel.alarms.points["SOURCE_PLC1"].active


def test_acknowledging_nothing_is_refused() -> None:
    stage = armed()
    assert stage.ask("alarm.ack", "SOURCE_PLC1", occurrence="0-0").code == 6


def test_an_unknown_part_of_and_decides_nothing() -> None:
    stage = armed(when=And((Compare("a0", "<", 30.0), Compare("a1", "<", 30.0))))
    stage.poll(a0=math.nan)
    stage.run(3)
    assert stage.state() == "ARMED", "the other one is certainly false"
    stage.poll(a1=10.0)
    assert stage.state() == "TRIPPED"


def test_disarming_goes_on_until_the_output_is_read_back_safe() -> None:
    stage = armed()
    answers = iter([(False, math.nan), (True, 0.0)])
    stage.answer = lambda write: next(answers, (True, write.value))
    assert stage.ask("interlock.disarm", "LSLL").code == 0
    stage.run(2)
    assert stage.field["y0"] == 0.0


def test_a_secondary_output_that_nobody_owns_is_driven_too() -> None:
    stage = armed(otherwise=(Stop("y1"),))
    stage.field["y1"] = 1.0
    stage.answer = lambda write: (True, 1.0) if stage.table.tags[write.output].name == "y0" else (True, write.value)
    stage.poll(a0=10.0)
    assert stage.state() == "TRIP_FAILED"
    assert stage.field["y1"] == 0.0


@pytest.mark.parametrize("waiting", ["ARMING", "ARMED"])
def test_disarming_one_never_energises_for_the_other(waiting: str) -> None:
    stage = Stage([low_level("ONE", tag="a0"), low_level("TWO", tag="a1")])
    stage.energise("ONE", "TWO")
    stage.poll(a1=10.0)
    if waiting == "ARMING":
        stage.poll(a0=10.0)
        stage.poll(a0=50.0)
        stage.run(11)
        assert stage.ask("interlock.reset", "ONE").code == 0
    assert stage.state("ONE") == waiting
    stage.ask("interlock.disarm", "TWO")
    stage.run(30)
    assert stage.field["y0"] == 0.0
    assert stage.ask("interlock.reset", "ONE").code == 0, "by a person, and not by the disarm"
    stage.run(0.2)
    assert stage.field["y0"] == 1.0


def test_a_confirm_that_is_late_after_a_reset_is_no_failure() -> None:
    stage = armed(confirms=(Confirm("a1", "<", 5.0, 20 * SECOND),))
    stage.poll(a0=10.0)
    stage.poll(a0=50.0)
    stage.run(11)
    assert stage.ask("interlock.reset", "LSLL").code == 0
    stage.run(20)
    assert stage.state() == "ARMED"
    assert not stage.kernel.alarms.points["LSLL_FAILED"].active


def test_a_vote_under_not_takes_a_bad_channel_as_demand() -> None:
    stage = armed(when=Not(Vote(2, tuple(Compare(f"a{at}", ">", 40.0) for at in range(3)))))
    stage.poll(a0=10.0, a1=math.nan)
    stage.run(3)
    assert stage.state() == "TRIPPED", "only one of three is seen above 40"


def test_other_groups_of_a_plc_that_counts_again_are_what_they_were() -> None:
    stage = Counting([low_level(tag="c0")], with_peer())
    stage.boot()
    stage.run(0.5)
    stage.counts = False
    stage.run(2)
    stage.polling = False
    for count in range(20):
        stage.give(Few(0, [0, 1, 2], [50.0, 900.0 + count, 0.0], [0] * 3, [0] * 3))
        stage.give(Alive(2))
        stage.run(0.1)
    assert image(stage, "c0") == (0, 0)


@pytest.mark.parametrize("negated", [False, True])
def test_what_was_never_heard_is_no_alarm_before_its_time(negated: bool) -> None:
    when = Not(Compare("b0", ">", 5.0)) if negated else Compare("b0", "<=", 5.0)
    both = Or((Compare("a0", ">", 60.0), when))
    stage = Stage([Alarm(name="EARLY", when=both, priority=3, on_bad="alarm")])
    stage.give(SelfCheck(True))
    stage.give(Few(0, [0], [50.0], [0], [0]))
    assert not stage.kernel.alarms.points["EARLY"].active
    stage.polling = False
    stage.run(2.1)
    assert stage.kernel.alarms.points["EARLY"].active


def test_disarming_a_failed_trip_does_not_give_the_heartbeat_back() -> None:
    stage = armed()
    stage.answer = lambda write: (True, 1.0)
    stage.poll(a0=10.0)
    stage.run(1)
    assert stage.state() == "TRIP_FAILED"
    stage.ask("interlock.disarm", "LSLL")
    before = stage.beats()
    stage.run(2)
    assert stage.beats() == before, "its output still stands energised"


def test_i05_an_uncertain_value_is_not_good_after_a_rate_fault() -> None:
    stage = one_tag(rate_max_per_s=10.0)
    stage.boot()
    stage.run(0.5)
    stage.now_ns += 100 * MS
    stage.give(Few(0, [0], [90.0], [1], [Cause.DEVICE]))
    stage.now_ns += 100 * MS
    stage.give(Alive(0))
    assert image(stage, "a0")[0] == 1


def test_i19_an_expiring_bypass_of_a_lost_channel_trips_at_once() -> None:
    stage = armed()
    stage.poll(a0=math.nan)
    assert stage.ask("bypass.set", "LSLL", tag="a0", **{**FORM, "minutes": "20"}).code == 0
    stage.run(20 * 60 + 0.2, step_ms=500)
    assert stage.function().bypasses == []
    assert stage.state() == "TRIPPED"


def test_i19_an_extension_is_given_by_another_person() -> None:
    stage = armed()
    assert stage.ask("bypass.set", "LSLL", tag="a0", **FORM).code == 0
    stage.run(HOUR_S, step_ms=900)
    assert stage.function().bypasses == []
    assert stage.ask("bypass.set", "LSLL", tag="a0", **FORM).code == 6


def test_i11_each_effect_has_its_own_time() -> None:
    stage = armed(confirms=(Confirm("a1", "<", 5.0, 2 * SECOND), Confirm("a2", "<", 5.0, 60 * SECOND)))
    stage.poll(a0=10.0)
    stage.run(5)
    assert stage.kernel.alarms.points["LSLL_FAILED"].active
