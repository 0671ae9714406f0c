"""Another version of a live function: on trial beside it, and in its place in one step when it is armed."""

from __future__ import annotations

from gateway.core.kernel import Kernel
from gateway.core.program import Compare, Interlock, Program, Stop, rule_hash
from tests.core.stage import Stage, low_level

OLD = low_level()
NEW = low_level(when=Compare("a0", "<", 40.0))
ELSEWHERE = low_level(when=Compare("a0", "<", 40.0), stops=(Stop("y1"),))


def armed(candidate: Interlock) -> Stage:
    """The old version ARMED and the candidate loaded beside it, as after a restart with a changed rule."""
    before = Stage([OLD])
    before.energise("LSLL")
    stage = Stage([OLD], kept=before.kept, boot=2)
    stage.kernel = Kernel(stage.table, Program((OLD,), candidates=(candidate,)), 2, dict(before.kept))
    stage.boot()
    stage.run(16)
    assert stage.ask("interlock.reset", "LSLL").code == 0
    stage.run(0.2)
    assert stage.state() == "ARMED"
    return stage


def test_the_old_version_protects_while_the_new_one_is_on_trial() -> None:
    stage = armed(NEW)
    stage.poll(a0=35.0)
    assert stage.state() == "ARMED", "35 is a demand of the new limit only"
    assert "interlock.would_trip" in stage.kinds()
    stage.poll(a0=29.0)
    assert stage.state() == "TRIPPED"


def test_arming_takes_over_without_moving_the_output() -> None:
    stage = armed(NEW)
    writes = len(stage.field)
    assert stage.ask("interlock.arm", "LSLL", hash=rule_hash(NEW)).code == 0
    assert (stage.state(), stage.field["y0"], len(stage.field)) == ("ARMED", 1.0, writes)
    assert stage.function().armed_hash == rule_hash(NEW)
    stage.poll(a0=35.0)
    assert (stage.state(), stage.field["y0"]) == ("TRIPPED", 0.0)
    assert stage.function().first_out is not None
    assert stage.function().first_out.causes == ("a0 < 40",)
    assert [output.name for output in stage.kernel.outputs["y0"].owners] == ["LSLL"]


def test_a_version_that_demands_now_trips_in_the_step_that_arms_it() -> None:
    stage = armed(NEW)
    stage.poll(a0=35.0)
    assert stage.ask("interlock.arm", "LSLL").code == 0
    assert (stage.state(), stage.field["y0"]) == ("TRIPPED", 0.0)


def test_latch_and_first_out_go_over() -> None:
    stage = armed(NEW)
    stage.poll(a0=29.0)
    stage.poll(a0=50.0)
    first_out, trips = stage.function().first_out, stage.function().trips
    assert stage.ask("interlock.arm", "LSLL").code == 0
    assert (stage.state(), stage.function().first_out, stage.function().trips) == ("TRIPPED", first_out, trips)
    stage.run(16)
    assert stage.ask("interlock.reset", "LSLL").code == 0


def test_other_outputs_come_up_tripped_and_never_under_a_running_function() -> None:
    stage = armed(ELSEWHERE)
    refused = stage.ask("interlock.arm", "LSLL")
    assert (refused.code, refused.message) == (6, "interlock.trip-first")
    stage.ask("interlock.trip", "LSLL")
    assert stage.ask("interlock.arm", "LSLL").code == 0
    assert stage.state() == "TRIPPED"
    assert not stage.kernel.outputs["y0"].owners
    assert stage.field["y0"] == 0.0


def test_the_way_back_is_the_same_step() -> None:
    stage = armed(NEW)
    assert stage.ask("interlock.arm", "LSLL", hash=rule_hash(NEW)).code == 0
    assert stage.ask("interlock.arm", "LSLL", hash=rule_hash(OLD)).code == 0
    stage.poll(a0=35.0)
    assert stage.state() == "ARMED"


def test_a_version_that_is_not_loaded_is_refused() -> None:
    stage = armed(NEW)
    assert stage.ask("interlock.arm", "LSLL", hash="0" * 64).message == "interlock.no-version"


def test_bypasses_of_the_old_version_end() -> None:
    stage = armed(NEW)
    stage.poll(a0=float("nan"))
    given = stage.ask(
        "bypass.set", "LSLL", tag="a0", code="failed", reason="transmitter is being replaced",
        measure="a person looks at the glass", minutes="30",
    )  # fmt: skip
    assert given.code == 0, given
    assert stage.ask("interlock.arm", "LSLL").code == 0
    assert not stage.function().bypasses
    stage.run(3)
    assert stage.state() != "ARMED", "the input is lost and nothing stands in for it"


def test_a_snapshot_knows_which_version_serves() -> None:
    stage = armed(NEW)
    stage.ask("interlock.arm", "LSLL")
    other = Kernel(stage.table, stage.kernel.program, 2)
    other.restore(stage.kernel.snapshot())
    assert other.functions["LSLL"].hash == rule_hash(NEW)
    assert other.snapshot() == stage.kernel.snapshot()
    assert all(other.intact(index) for index in range(2))


def test_arming_survives_a_restart_as_the_kept_hash() -> None:
    stage = armed(NEW)
    stage.ask("interlock.arm", "LSLL")
    again = Kernel(stage.table, Program((NEW,)), 3, stage.kept)
    assert again.functions["LSLL"].live
    assert again.functions["LSLL"].armed_hash == rule_hash(NEW)
