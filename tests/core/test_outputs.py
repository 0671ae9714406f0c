"""Outputs under watch: unreadable, hunting, and what a restart and a person make of it (I12, I21)."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from stage import SECOND, Stage, low_level

from gateway.core.samples import Few
from gateway.core.tags import Cause


def armed(**more: object) -> Stage:
    stage = Stage([low_level(**more)])  # type: ignore[arg-type]
    stage.energise("LSLL")
    return stage


def unreadable(stage: Stage) -> None:
    """The device answers for every register but that of y0."""
    y0 = stage.kernel.names["y0"]
    stage.give(Few(0, [y0], [0.0], [3], [Cause.DEVICE]))


def test_i12_an_energised_output_that_cannot_be_read_trips_its_owner_in_bounded_time() -> None:
    stage = armed()
    stage.polling = False
    unreadable(stage)
    began_ns = stage.now_ns
    for _ in range(19):
        stage.run(0.1)
        unreadable(stage)
    assert stage.state() == "ARMED"
    while stage.state() == "ARMED" and stage.now_ns < began_ns + 10 * SECOND:
        stage.run(0.1)
        unreadable(stage)
    assert stage.now_ns - began_ns <= 2.2 * SECOND
    assert stage.state() == "TRIPPED"
    assert stage.field["y0"] == 0.0


def test_i12_an_output_that_can_be_read_again_in_time_trips_nothing() -> None:
    stage = armed()
    stage.polling = False
    for _ in range(5):
        unreadable(stage)
        stage.run(1)
        stage.poll()
    stage.run(0.5)
    assert stage.state() == "ARMED"


def test_i12_losing_the_device_of_the_output_trips_a_function_whose_inputs_are_elsewhere() -> None:
    stage = Stage([low_level(tag="b0")])
    stage.energise("LSLL")
    stage.answer = lambda write: None
    stage.polling = False
    stage.lose("plc1")
    b0 = stage.kernel.names["b0"]
    for _ in range(25):
        stage.run(0.1)
        stage.give(Few(2, [b0], [50.0], [0], [0]))
    assert stage.state() in ("TRIPPING", "TRIP_FAILED")


def hunting() -> Stage:
    stage = armed()
    for _ in range(5):
        stage.poll(a0=10.0)
        stage.poll(a0=50.0)
        stage.run(11)
        assert stage.ask("interlock.reset", "LSLL").code == 0
        stage.run(0.5)
    stage.poll(a0=10.0)
    stage.poll(a0=50.0)
    return stage


def test_i21_hunting_is_latched_out_told_and_cleared_only_by_an_engineer() -> None:
    stage = hunting()
    assert stage.field["y0"] == 0.0, "and never late: the sixth trip is as fast as the first"
    assert stage.kernel.alarms.points["y0_HUNTING"].active
    stage.run(3700, step_ms=900)
    assert stage.state() == "READY"
    assert stage.ask("interlock.reset", "LSLL").message == "interlock.hunting", "no hour of waiting clears it"
    assert stage.ask("interlock.clear", "LSLL").code == 5
    assert stage.ask("interlock.clear", "LSLL", role="engineer").code == 0
    assert not stage.kernel.alarms.points["y0_HUNTING"].active
    assert stage.ask("interlock.reset", "LSLL").code == 0


@pytest.mark.parametrize("cleared", [False, True])
def test_i21_a_restart_does_not_clear_hunting(cleared: bool) -> None:
    stage = hunting()
    if cleared:
        stage.ask("interlock.clear", "LSLL", role="engineer")
    again = Stage([low_level()], kept=stage.kept, boot=2)
    assert again.kernel.outputs["y0"].hunting is not cleared
