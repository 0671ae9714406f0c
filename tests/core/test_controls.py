"""Controls: hysteresis and minimum times that never delay movement towards safe, no latch, and interlocks beat them."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from stage import SECOND, Stage, low_level, table

from gateway.core.program import Compare, Control, Rule, Set
from gateway.core.samples import SelfCheck
from gateway.core.samples import Stop as StopInput

MINUTE = 60 * SECOND


def fan(**more: object) -> Control:
    """On above 50, off below 30; y0 = `value` while on."""
    value = more.pop("value", 1.0)
    facts: dict[str, object] = {
        "when": Compare("a0", ">", 50.0), "clear": Compare("a0", "<", 30.0), "priority": 2, "on_bad": "safe", **more,
    }  # fmt: skip
    return Control(name="FAN", sets=(Set("y0", value),), **facts)  # type: ignore[arg-type]


def running(rule: Control, *others: Rule, safe: float = 0.0, at: float = 10.0) -> Stage:
    site = table()
    site = replace(site, tags=[replace(t, safe=safe) if t.name == "y0" else t for t in site.tags])
    stage = Stage([rule, *others], site)
    stage.field["y0"] = safe
    stage.values["a0"] = at
    stage.boot()
    stage.prove()
    assert stage.ask("control.arm", "FAN").code == 0
    stage.run(0.2)
    return stage


def test_it_follows_its_condition_with_hysteresis_and_needs_no_reset() -> None:
    stage = running(fan())
    assert stage.field["y0"] == 0.0
    stage.run(11)
    for value, expected in ((49.0, 0.0), (51.0, 1.0), (40.0, 1.0), (29.0, 0.0), (40.0, 0.0)):
        stage.poll(a0=value)
        assert stage.field["y0"] == expected, value
        stage.run(11)


def test_it_starts_safe_and_stays_so_inside_its_band() -> None:
    stage = running(fan(), safe=1.0, at=40.0)
    assert stage.kernel.controls["FAN"].position == "safe"
    assert stage.field["y0"] == 1.0
    stage.poll(a0=20.0)
    assert stage.field["y0"] == 0.0


@pytest.mark.parametrize("safe", [0.0, 1.0])
def test_minimum_times_delay_only_movement_away_from_safe(safe: float) -> None:
    stage = running(fan(min_on_ns=10 * MINUTE, min_off_ns=3 * MINUTE), safe=safe)
    stage.poll(a0=60.0)
    stage.run(12, step_ms=400)
    stage.poll(a0=60.0)
    assert stage.field["y0"] == 1.0
    stage.poll(a0=10.0)
    if safe == 0.0:
        assert stage.field["y0"] == 0.0, "off is safe: at once"
        stage.poll(a0=60.0)
        stage.run(170, step_ms=400)
        assert stage.field["y0"] == 0.0
        stage.run(12, step_ms=400)
        assert stage.field["y0"] == 1.0
    else:
        stage.run(9 * 60, step_ms=400)
        assert stage.field["y0"] == 1.0, "away from safe it waits"
        stage.run(70, step_ms=400)
        assert stage.field["y0"] == 0.0
        stage.poll(a0=60.0)
        assert stage.field["y0"] == 1.0, "towards safe it never waits"


def test_a_lost_input_drives_safe_and_nothing_latches() -> None:
    stage = running(fan(), at=60.0)
    stage.run(11)
    assert stage.field["y0"] == 1.0
    stage.poll(a0=math.nan)
    stage.run(2.2)
    assert stage.field["y0"] == 0.0
    stage.poll(a0=60.0)
    stage.run(11)
    assert stage.field["y0"] == 1.0


def test_an_interlock_beats_it_and_does_not_wait_for_it() -> None:
    stage = running(fan(), low_level("GUARD", tag="a1"), at=60.0)
    stage.energise("GUARD")
    assert stage.field["y0"] == 1.0
    stage.poll(a1=10.0)
    assert stage.field["y0"] == 0.0
    stage.run(11)
    assert stage.field["y0"] == 0.0
    stage.poll(a0=10.0, a1=50.0)
    stage.run(11)
    assert stage.ask("interlock.reset", "GUARD").code == 0
    stage.run(1)
    assert (stage.state("GUARD"), stage.field["y0"]) == ("ARMED", 0.0), (
        "the control keeps it off, the interlock is armed"
    )
    stage.poll(a0=60.0)
    assert stage.field["y0"] == 1.0


def test_an_output_that_does_not_follow_is_safe_told_and_tried_again_later() -> None:
    stage = running(fan())
    stage.answer = lambda write: (True, 0.0)
    stage.poll(a0=60.0)
    assert stage.kernel.controls["FAN"].position == "safe"
    assert stage.kernel.alarms.points["FAN_FAILED"].active
    stage.answer = lambda write: (True, write.value)
    stage.run(50, step_ms=400)
    assert stage.field["y0"] == 0.0
    stage.run(12, step_ms=400)
    assert stage.field["y0"] == 1.0
    assert not stage.kernel.alarms.points["FAN_FAILED"].active


def test_out_of_service_on_a_stop_and_with_the_self_check_down_it_is_safe() -> None:
    for end in (
        lambda s: s.ask("control.disarm", "FAN"),
        lambda s: s.give(StopInput()),
        lambda s: s.give(SelfCheck(False)),
    ):
        stage = running(fan(), at=60.0)
        stage.run(11)
        assert stage.field["y0"] == 1.0
        end(stage)
        stage.run(1)
        assert stage.field["y0"] == 0.0


def test_it_needs_a_proven_watchdog_and_survives_a_restart_safe() -> None:
    bare = Stage([fan()])
    bare.boot()
    assert bare.ask("control.arm", "FAN").message == "interlock.watchdog-not-proven"
    stage = running(fan(), at=60.0)
    again = Stage([fan()], kept=stage.kept, boot=2)
    linkage = again.kernel.controls["FAN"]
    assert linkage.live
    assert linkage.position == "safe"
    changed = Stage([fan(min_on_ns=1)], kept=stage.kept, boot=2)
    assert not changed.kernel.controls["FAN"].live


def test_a_snapshot_carries_all_of_it() -> None:
    stage = running(fan(min_off_ns=3 * MINUTE), low_level("GUARD", tag="a1"), at=60.0)
    stage.run(11)
    stage.poll(a0=10.0)
    stage.poll(a0=60.0)
    data = stage.kernel.snapshot()
    twin = Stage([fan(min_off_ns=3 * MINUTE), low_level("GUARD", tag="a1")])
    twin.kernel.restore(data)
    assert twin.kernel.snapshot() == data
    assert twin.kernel.wake(stage.now_ns + 4 * MINUTE) == stage.kernel.wake(stage.now_ns + 4 * MINUTE)
