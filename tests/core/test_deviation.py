"""Channels that drift apart are told after ten seconds, and no sooner; without a range there is nothing to judge by."""

from __future__ import annotations

from gateway.core.program import Compare, Vote
from tests.core.stage import Stage, low_level, table

VOTE = Vote(2, tuple(Compare(f"a{at}", ">", 90.0) for at in range(3)))


def stage(**limits: float) -> Stage:
    made = Stage([low_level("V", when=VOTE)], table(**limits))
    made.values |= {"a0": 50.0, "a1": 50.0, "a2": 50.0}
    made.energise("V")
    return made


def test_a_channel_far_from_the_median_is_told_after_ten_seconds() -> None:
    plant = stage(low=0.0, high=100.0)
    plant.poll(a2=56.0)
    plant.run(9.8)
    assert "interlock.deviation" not in plant.kinds()
    plant.run(0.4)
    assert plant.kinds().count("interlock.deviation") == 1
    assert plant.kernel.alarms.points["V_DEVIATION"].base.name == "UNACK"
    plant.poll(a2=51.0)
    assert plant.kernel.alarms.points["V_DEVIATION"].base.name == "RTN_UNACK"
    assert plant.state("V") == "ARMED"


def test_a_short_or_small_difference_is_no_deviation() -> None:
    plant = stage(low=0.0, high=100.0)
    plant.poll(a2=55.0)
    plant.run(20)
    plant.poll(a2=60.0)
    plant.run(5)
    plant.poll(a2=50.0)
    plant.run(20)
    assert "interlock.deviation" not in plant.kinds()


def test_without_a_range_there_is_no_span() -> None:
    plant = stage()
    plant.poll(a2=80.0)
    plant.run(20)
    assert "interlock.deviation" not in plant.kinds()
