"""Bypasses (I19, I20): whose they are, how they are extended, warned of and ended, and what a restart leaves of them."""

from __future__ import annotations

import math
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from stage import Stage, low_level

FORM = {"code": "failed", "reason": "transmitter failed, spare ordered", "measure": "local gauge read", "minutes": "60"}


def armed(**more: object) -> Stage:
    stage = Stage([low_level(**more)])  # type: ignore[arg-type]
    stage.energise("LSLL")
    return stage


def test_i19_the_reason_has_a_code_of_the_list_and_words() -> None:
    stage = armed()
    assert stage.ask("bypass.set", "LSLL", tag="a0", **{**FORM, "code": "because"}).message == "bypass.code"
    assert stage.ask("bypass.set", "LSLL", tag="a0", **{**FORM, "reason": "why not"}).message == "bypass.reason"
    assert stage.ask("bypass.set", "LSLL", tag="a0", **FORM).code == 0
    assert stage.function().bypasses[0].code == "failed"


def test_i19_an_extension_is_a_new_authorisation_by_another_person_without_a_gap() -> None:
    stage = armed()
    assert stage.ask("bypass.set", "LSLL", tag="a0", **FORM).code == 0
    stage.poll(a0=10.0)
    stage.run(3000, step_ms=900)
    assert stage.ask("bypass.set", "LSLL", tag="a0", **FORM).message == "bypass.already"
    assert stage.ask("bypass.set", "LSLL", person="wang", tag="a0", **FORM).code == 0
    assert stage.state() == "ARMED", "its cause is true all the time"
    (bypass,) = stage.function().bypasses
    assert bypass.person == "wang"
    assert "bypass.extended" in stage.kinds()
    stage.run(3590, step_ms=900)
    assert stage.state() == "ARMED"
    stage.run(20, step_ms=900)
    assert stage.state() == "TRIPPED", "the first authorisation's end means nothing, the second's trips"


def test_i19_a_warning_comes_a_quarter_of_an_hour_before_the_end() -> None:
    stage = armed()
    stage.ask("bypass.set", "LSLL", tag="a0", **FORM)
    stage.run(44 * 60, step_ms=900)
    assert not stage.kernel.alarms.points["LSLL_BYPASS"].active
    stage.run(62, step_ms=900)
    assert stage.kernel.alarms.points["LSLL_BYPASS"].active
    stage.ask("bypass.clear", "LSLL", tag="a0")
    assert not stage.kernel.alarms.points["LSLL_BYPASS"].active


def test_i19_a_restart_removes_it_and_then_the_cause_keeps_the_function_tripped() -> None:
    stage = armed()
    stage.ask("bypass.set", "LSLL", tag="a0", **FORM)
    stage.poll(a0=10.0)
    assert stage.state() == "ARMED"
    again = Stage([low_level()], kept=stage.kept, boot=2)
    again.values["a0"] = 10.0
    again.boot()
    assert again.function().bypasses == []
    again.run(60)
    assert again.state() == "TRIPPED"
    assert again.function().demanded()


def test_i20_a_clock_that_is_set_back_keeps_no_bypass_alive() -> None:
    stage = armed()
    stage.ask("bypass.set", "LSLL", tag="a0", **{**FORM, "minutes": "1"})
    stage.poll(a0=math.nan)
    for jump_s in (-86_400, 86_400, -3600, 0):
        stage.utc_s = jump_s
        stage.run(16, step_ms=500)
    assert stage.function().bypasses == []
    assert stage.state() == "TRIPPED"
