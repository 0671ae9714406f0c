"""The plant's arithmetic and the PLC's watchdog, stepped by hand."""

from __future__ import annotations

import pytest

from gateway.demo.physics import OUTPUTS, SILENCE_S, Plant
from gateway.demo.script import Script, story_plant

SCAN_S = 0.01


def beat(plant: Plant, seconds: float, script: Script | None = None) -> None:
    """Run with a live heartbeat."""
    for tick in range(round(seconds / SCAN_S)):
        if tick % 25 == 0:
            plant.heartbeat = (plant.heartbeat + 1) & 0xFFFF
        plant.step(SCAN_S)
        if script is not None:
            script.step(plant, SCAN_S)


def silent(plant: Plant, seconds: float) -> None:
    """Run without one."""
    for _ in range(round(seconds / SCAN_S)):
        plant.step(SCAN_S)


def permitted() -> Plant:
    """A plant whose watchdog was reset on site and whose pump may run."""
    plant = Plant()
    beat(plant, 0.3)
    assert plant.reset_watchdog()
    plant.write("pump7.permit", True)
    plant.write("vent1.start", False)
    beat(plant, 0.3)
    return plant


def test_powered_up_it_is_dropped_and_a_reset_needs_a_heartbeat() -> None:
    plant = Plant()
    silent(plant, 0.1)
    assert not plant.reset_watchdog()
    plant.write("pump7.permit", True)
    plant.step(SCAN_S)
    assert plant.outputs == OUTPUTS
    beat(plant, 0.3)
    assert not plant.watchdog.healthy, "a heartbeat alone must not bring it back"
    assert plant.reset_watchdog()


def test_silence_drives_every_output_safe_within_a_second_and_latches() -> None:
    plant = permitted()
    plant.motors["pump7"].start = True
    beat(plant, 0.5)
    assert plant.motors["pump7"].running
    silence = 0.0
    while plant.outputs != OUTPUTS and silence < 2.0:
        plant.step(SCAN_S)
        silence += SCAN_S
    assert SILENCE_S - 0.25 <= silence <= 1.0
    beat(plant, 3.0)
    plant.write("pump7.permit", True)
    beat(plant, 0.1)
    assert plant.outputs == OUTPUTS, "the returning heartbeat must not release the latch"
    assert not plant.motors["pump7"].running
    assert plant.watchdog.trips == 1
    assert plant.reset_watchdog()
    plant.write("pump7.permit", True)
    beat(plant, 3.0)
    assert plant.outputs["pump7.permit"]
    assert not plant.motors["pump7"].run, "reset returns permission and never starts (I15)"


@pytest.mark.parametrize("gap_s", [0.25, 0.5, 0.8])
def test_a_slow_heartbeat_does_not_trip(gap_s: float) -> None:
    plant = permitted()
    for _ in range(10):
        plant.heartbeat += 1
        silent(plant, gap_s)
    assert plant.watchdog.healthy


def test_a_start_held_from_before_does_not_count_and_auto_waits() -> None:
    plant = permitted()
    pump = plant.motors["pump7"]
    plant.write("pump7.permit", False)
    pump.start = True
    beat(plant, 0.1)
    plant.write("pump7.permit", True)
    beat(plant, 3.0)
    assert not pump.run
    plant.write("pump7.permit", False)
    pump.auto = True
    beat(plant, 0.1)
    plant.write("pump7.permit", True)
    beat(plant, 1.5)
    assert not pump.run
    beat(plant, 1.0)
    assert pump.running


def test_the_pump_drains_and_the_valve_refills() -> None:
    plant = permitted()
    plant.motors["pump7"].start = True
    before = plant.true["tank1.level"]
    beat(plant, 10.0)
    assert before - 11.0 < plant.true["tank1.level"] < before - 9.0
    assert plant.measured["pump7.pressure"] == pytest.approx(3.2, abs=0.1)
    plant.true["tank1.level"] = 140.0
    plant.write("fill1.permit", True)
    plant.write("pump7.permit", False)
    beat(plant, 10.0)
    assert plant.true["tank1.level"] > 154.0


def test_gas_rises_to_where_the_cloud_is_and_a_lying_transmitter_lies() -> None:
    plant = Plant()
    plant.gas["gas1.lel"] = 45.0
    plant.forced["tank1.level"] = 30.2
    silent(plant, 6.0)
    assert plant.measured["gas1.lel"] == pytest.approx(45.0, abs=0.5)
    assert plant.measured["tank1.level"] == 30.2
    assert plant.true["tank1.level"] == pytest.approx(180.0)


def test_the_counter_runs_at_ten_hertz_until_frozen() -> None:
    plant = Plant()
    silent(plant, 2.0)
    assert plant.counter in (19, 20)
    plant.counter_frozen = True
    counted = plant.counter
    silent(plant, 2.0)
    assert plant.counter == counted


def test_equal_seeds_are_equal_plants() -> None:
    one, other = Plant(seed=7), Plant(seed=7)
    beat(one, 5.0)
    beat(other, 5.0)
    assert one.measured == other.measured


def test_the_story_falls_below_thirty_and_recovers() -> None:
    plant, script = story_plant(), Script()
    beat(plant, 0.3, script)
    assert plant.reset_watchdog()
    plant.write("pump7.permit", True)
    plant.write("fill1.permit", True)
    seconds = 0.0
    while plant.true["tank1.level"] > 30.0 and seconds < 20.0:
        beat(plant, 0.25, script)
        seconds += 0.25
    assert 5.0 < seconds < 12.0
    plant.write("pump7.permit", False)  # what the gateway is there for
    beat(plant, 12.0, script)
    assert plant.true["tank1.level"] > 70.0
    assert not plant.motors["pump7"].run
