"""The ten rules of the language's first page, as they stand there: silent in a calm plant, and each true where the plant goes there."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.core.effects import Act
from gateway.core.program import Alarm, Control, Interlock
from tests.simulation.demo_world import DemoWorld, compiled, demo_site

TEN = Path(__file__).parents[1] / "cases" / "rules" / "ten.rules"
NAMES = ["PKL_LSLL", "H2S_2OO3", "KILN_FAN", "RX_RUNAWAY", "CRANE_PERSON", "FLANGE_LEAK"]
NAMES += ["BELT_WIND", "MINOR_X3", "FATIGUE", "HOT_WORK"]
LOCKS = ("PKL_LSLL", "H2S_2OO3", "CRANE_PERSON")


@pytest.fixture
def world() -> DemoWorld:
    """All ten in service, in a plant where nothing is the matter."""
    site = demo_site()
    world = DemoWorld(compiled(TEN.read_text(encoding="utf-8"), site), site)
    world.boot()
    world.run(2)
    world.prove()
    for name in LOCKS:
        assert world.ask("interlock.arm", name).code == 0
    assert world.ask("control.arm", "KILN_FAN").code == 0
    world.run(16)
    for name in LOCKS:
        assert world.ask("interlock.reset", name).code == 0
    world.run(1)
    assert {world.state(name) for name in LOCKS} == {"ARMED"}
    world.forget()
    return world


def active(world: DemoWorld) -> set[str]:
    return {name for name in world.kernel.watches if world.up(name)}


def test_they_are_ten_and_a_calm_plant_is_silent(world: DemoWorld) -> None:
    assert [rule.name for rule in world.kernel.program.rules] == NAMES
    kinds = [type(rule) for rule in world.kernel.program.rules]
    assert (kinds.count(Interlock), kinds.count(Control), kinds.count(Alarm)) == (3, 1, 2)
    world.run(600, step_ms=400)
    assert active(world) == set()
    assert world.said() == []
    assert world.rows("alarm.raise") == []
    assert {world.state(name) for name in LOCKS} == {"ARMED"}
    assert not world.kernel.permits["HOT_WORK"].allowed, "nobody has tested the gas yet"


def test_a_low_level_stops_the_pump(world: DemoWorld) -> None:
    world.plant.motors["pump7"].start = True
    world.run(1)
    assert world.plant.motors["pump7"].running
    world.plant.fill_stuck = True
    world.move("tank1.level", "29")
    world.run(1.5)
    assert world.state("PKL_LSLL") == "PRETRIP"
    world.run(1)
    assert world.state("PKL_LSLL") == "TRIPPED"
    assert not world.plant.outputs["pump7.permit"]
    assert not world.plant.motors["pump7"].running


def test_one_gas_detector_does_not_trip_and_two_start_the_fan(world: DemoWorld) -> None:
    assert not world.plant.outputs["vent1.start"]
    world.move("h2s1", "40")
    world.run(20)
    assert world.state("H2S_2OO3") == "ARMED"
    world.move("h2s2", "40")
    world.run(3)
    assert world.state("H2S_2OO3") == "TRIPPED"
    assert world.plant.outputs["vent1.start"]


def test_the_kiln_fan_follows_its_gas_without_hunting(world: DemoWorld) -> None:
    assert world.kernel.controls["KILN_FAN"].position == "safe"
    world.run(310, step_ms=400)  # below 30 ppm for 5 min
    assert world.kernel.controls["KILN_FAN"].position == "off"
    assert not world.plant.outputs["fan2.high"]
    world.move("co.kiln", "120")
    world.run(10)
    assert not world.plant.outputs["fan2.high"], "for 10 s"
    world.run(4)
    assert world.plant.outputs["fan2.high"]
    world.run(500, step_ms=400)  # the fan has cleared it for more than 5 min, but has not run for 10
    assert world.plant.outputs["fan2.high"]
    world.run(104, step_ms=400)
    assert not world.plant.outputs["fan2.high"]
    world.run(14)
    assert world.plant.outputs["fan2.high"], "back to safe at once: no minimum time delays that"


def test_a_reactor_that_runs_away_is_told_before_it_is_hot(world: DemoWorld) -> None:
    world.move("rx1.temp", "2/min")
    world.run(180, step_ms=400)
    assert not world.up("RX_RUNAWAY")
    world.run(220, step_ms=400)
    assert world.up("RX_RUNAWAY")
    assert world.plant.true["rx1.temp"] < 170
    world.move("rx1.temp", "0/min")
    world.run(240, step_ms=400)
    assert not world.up("RX_RUNAWAY")


def test_a_person_under_the_moving_crane_stops_it_and_a_blind_camera_does_too(world: DemoWorld) -> None:
    world.move("crane_bay.occupied", "1")
    world.run(3)
    assert world.state("CRANE_PERSON") == "ARMED", "the crane stands"
    world.move("crane2.moving", "1")
    world.run(1.5)
    assert world.state("CRANE_PERSON") == "TRIPPED"
    assert not world.plant.crane_moves()
    world.move("crane_bay.occupied", "0")
    world.run(16)
    assert world.ask("interlock.reset", "CRANE_PERSON").code == 0
    world.run(1)
    world.lose("detections")
    world._sensed_ns = world.now_ns + 10**12  # nothing is sensed any more
    world.run(2)
    assert world.state("CRANE_PERSON") == "TRIPPED", "blind while the crane moves"


def test_sound_and_infrared_must_both_say_leak_within_20_s(world: DemoWorld) -> None:
    world.move("leak.sound.f12", "0.9")
    world.run(60, step_ms=400)
    assert not world.up("FLANGE_LEAK")
    world.move("leak.sound.f12", "0.1")
    world.run(10)
    world.move("leak.ir.f12", "0.8")
    world.run(12)
    assert not world.up("FLANGE_LEAK"), "both for 15 s"
    world.move("leak.sound.f12", "0.9")
    world.run(16)
    assert world.up("FLANGE_LEAK")
    assert world.rows("alarm.raise") == ["FLANGE_LEAK"]


def test_two_unhooked_in_a_row_by_one_worker_in_wind_are_spoken_to(world: DemoWorld) -> None:
    world.move("harness_unhooked", "1", worker=7)
    world.run(2)
    world.move("harness_unhooked", "1", worker=8)
    world.run(2)
    world.move("wind2", "9")
    world.run(2)
    assert world.said() == []
    world.move("harness_unhooked", "1", worker=7)
    world.run(2)
    assert world.said() == [("BELT_WIND", "speaker:helmet")]
    assert world.rows("alarm.raise") == ["BELT_WIND"]
    assert [act.text for act in world.effects if isinstance(act, Act)] == [{"zh-CN": "请立即系好安全带"}]
    world.move("harness_unhooked", "0", worker=7)
    world.run(2)
    assert not world.up("BELT_WIND"), "hooked up again"


def test_three_of_one_kind_by_one_worker_escalate_until_somebody_answers(world: DemoWorld) -> None:
    for worker, kind in ((7, 1), (7, 2), (7, 2), (8, 2), (8, 2)):
        world.move("minor_violation", "1", worker, kind)
        world.run(2)
    assert world.said() == []
    world.move("minor_violation", "1", 7, 2)
    world.run(2)
    assert world.said() == [("MINOR_X3", "role:ehs")]
    world.run(301, step_ms=400)
    assert world.said() == [("MINOR_X3", "role:ehs")] * 2
    assert world.ask("telling.answer", "MINOR_X3", role="operator").code == 0
    world.run(400, step_ms=400)
    assert len(world.said()) == 2
    world.move("minor_violation", "1", 8, 2)
    world.run(2)
    assert len(world.said()) == 3, "the other worker has a third one too"


def test_fatigue_is_spoken_of_after_three_minutes_and_never_on_a_lost_band(world: DemoWorld) -> None:
    world.move("fatigue.worker", "0.8")
    world.run(170, step_ms=400)
    assert world.said() == []
    world.move("fatigue.worker", "0.65")
    world.run(20)
    assert world.said() == [("FATIGUE", "speaker:helmet")], "0.65 is inside the hysteresis"
    world.move("fatigue.worker", "0.5")
    world.run(2)
    assert not world.up("FATIGUE")
    world.lose("people")
    world._sensed_ns = world.now_ns + 10**12
    world.run(400, step_ms=400)
    assert not world.up("FATIGUE")
    assert len(world.said()) == 1


def test_hot_work_is_allowed_only_while_all_of_it_holds(world: DemoWorld) -> None:
    permit = world.kernel.permits["HOT_WORK"]
    assert world.ask("permit.issue", "HOT_WORK", place="tank 3").message == "permit.denied"
    assert world.ask("permit.done", "gas_test", role="operator").code == 0
    assert not permit.allowed
    assert world.ask("permit.done", "calibration", role="operator").code == 0
    assert permit.allowed
    assert world.ask("permit.issue", "HOT_WORK", place="tank 3").code == 0
    world.move("watcher.present", "0")
    world.run(1)
    assert (permit.issued, permit.allowed) == (None, False)
    assert world.rows("permit.ended") == ["HOT_WORK"]
    world.move("watcher.present", "1")
    world.run(1)
    assert permit.allowed
    assert permit.issued is None, "nothing comes back by itself"
    assert world.ask("permit.issue", "HOT_WORK", place="tank 3").code == 0
    world.run(1_790, step_ms=800)
    assert permit.allowed
    world.run(20)
    assert not permit.allowed, "the gas test is older than 30 min"
    assert permit.issued is None
