"""Words for people from the rule's text to the answer: told, not told, answered, silent where nobody is to be told."""

from __future__ import annotations

import msgspec

from gateway.core.effects import Act, Journal
from gateway.core.kernel import Kernel
from gateway.core.limits import ESCALATE_MAX
from gateway.core.program import Program, Rule
from gateway.core.tags import TagTable
from gateway.rulebook import compile_rules
from tests.core.stage import Stage, table

RUNAWAY = "alarm HOT when a0 > 80 cm hyst 5 cm then alarm, notify ehs, escalate priority P2 end"


def written(*texts: str, site: TagTable | None = None) -> list[Rule]:
    """The rules of these texts."""
    compiled = compile_rules([(f"{n}.rules", text) for n, text in enumerate(texts)], site or table())
    assert compiled.program is not None, [problem.text["en"] for problem in compiled.problems]
    return list(compiled.program.rules)


def staged(*texts: str) -> Stage:
    stage = Stage(written(*texts))
    stage.boot()
    return stage


def sinks(stage: Stage) -> list[str]:
    return [effect.sink for effect in stage.effects if isinstance(effect, Act)]


def details(stage: Stage, kind: str) -> list[dict[str, object]]:
    return [e.record.detail for e in stage.effects if isinstance(e, Journal) and e.record.kind == kind]


def state(stage: Stage, name: str) -> str:
    return stage.kernel.alarms.points[name].shown


def test_what_was_told_is_in_the_journal() -> None:
    stage = staged(RUNAWAY)
    stage.poll(a0=90.0)
    assert sinks(stage) == ["role:ehs", "ladder:1"]
    acts = [effect for effect in stage.effects if isinstance(effect, Act)]
    assert [(act.priority, act.level, act.until_ns - stage.now_ns) for act in acts] == [(2, 0, 30e9), (2, 1, 30e9)]
    assert details(stage, "telling.told") == [{"sink": "role:ehs"}, {"sink": "ladder:1"}]
    assert state(stage, "TELLING_FAILED") == "NORMAL"


def test_nobody_reached_is_an_alarm_and_the_next_level_at_once() -> None:
    stage = staged(RUNAWAY)
    stage.heard = lambda act: act.sink == "ladder:3"
    stage.poll(a0=90.0)
    assert sinks(stage) == ["role:ehs", "ladder:1", "ladder:2", "ladder:3"]
    assert state(stage, "TELLING_FAILED") == "UNACK"
    assert details(stage, "telling.failed")[0] == {"sink": "role:ehs", "error": "away"}
    stage.run(59)
    assert state(stage, "TELLING_FAILED") == "UNACK"
    stage.run(2)
    assert state(stage, "TELLING_FAILED") == "RTN_UNACK", "it stays until somebody has seen it"
    stage.heard = lambda act: False
    stage.run(1200, step_ms=900)
    assert sinks(stage)[4:] == [f"ladder:{level}" for level in range(4, ESCALATE_MAX + 1)]


def test_an_answer_that_never_comes_is_a_failure() -> None:
    stage = staged(RUNAWAY)
    stage.heard = lambda act: None
    stage.poll(a0=90.0)
    stage.run(30)
    assert details(stage, "telling.failed") == []
    stage.run(2)
    assert [one["error"] for one in details(stage, "telling.failed")] == ["no answer", "no answer"]
    assert "ladder:2" in sinks(stage)


def test_who_acknowledges_the_alarm_answers_its_escalation() -> None:
    stage = staged(RUNAWAY)
    stage.poll(a0=90.0)
    occurrence = "-".join(f"{part:x}" if at == 0 else str(part) for at, part in enumerate(
        stage.kernel.alarms.points["HOT"].occurrence))  # fmt: skip
    assert stage.ask("alarm.ack", "HOT", occurrence=occurrence).code == 0
    assert details(stage, "telling.answered") == [{"level": 1}]
    stage.run(1200, step_ms=900)
    assert sinks(stage) == ["role:ehs", "ladder:1"]


def test_a_second_escalation_is_not_hurried_by_the_first() -> None:
    stage = staged(RUNAWAY)
    stage.poll(a0=90.0)
    stage.run(240, step_ms=900)
    assert stage.ask("telling.answer", "HOT", role="operator").code == 0
    stage.poll(a0=50.0)
    stage.poll(a0=90.0)
    stage.run(240, step_ms=900)
    assert sinks(stage) == ["role:ehs", "ladder:1"] * 2
    stage.run(70, step_ms=900)
    assert sinks(stage)[4:] == ["ladder:2"]


def test_a_shelved_alarm_says_nothing() -> None:
    stage = staged(RUNAWAY)
    stage.poll(a0=90.0)
    asked = stage.ask("alarm.shelve", "HOT", minutes="60", reason="sensor is being cleaned", kind="timed")
    assert asked.code == 0, asked
    stage.poll(a0=50.0)
    stage.run(61)
    stage.poll(a0=90.0)
    assert sinks(stage) == ["role:ehs", "ladder:1"]


SHADOW = """interlock DRY when a0 < 30 cm for 1 s then stop y0, speak "泵停 | Pump stops" at helmet, notify ehs
  pst 30 s priority P1 end
control FAN when a1 > 80 cm then set y1 = 1, notify ehs clear when a1 < 60 cm end"""


def test_an_interlock_in_shadow_and_a_control_out_of_service_say_nothing() -> None:
    stage = staged(SHADOW)
    stage.poll(a0=10.0, a1=90.0)
    stage.run(3)
    assert sinks(stage) == []
    stage.poll(a0=50.0, a1=50.0)
    stage.energise("DRY")
    stage.poll(a0=10.0)
    stage.run(3)
    assert stage.state("DRY") in ("TRIPPED", "TRIPPING")
    assert sinks(stage) == ["speaker:helmet", "role:ehs"]
    acts = [effect for effect in stage.effects if isinstance(effect, Act)]
    assert acts[0].text == {"zh-CN": "泵停", "en": "Pump stops"}


def test_an_advisory_that_was_never_up_does_not_go_down() -> None:
    stage = staged('advisory REST when a0 > 80 cm hyst 5 cm then speak "Rest" at helmet priority P3 end')
    stage.run(1)
    assert "advisory.down" not in stage.kinds()
    stage.poll(a0=90.0)
    stage.poll(a0=50.0)
    assert [kind for kind in stage.kinds() if kind.startswith("advisory")] == ["advisory.up", "advisory.down"]


def test_a_snapshot_in_the_middle_goes_on_as_it_would_have() -> None:
    rules = written(RUNAWAY)
    stage = Stage(rules)
    stage.boot()
    stage.heard = lambda act: None
    stage.poll(a0=90.0)
    stage.run(10)
    twin = Kernel(stage.table, Program(tuple(rules)), 1)
    twin.restore(stage.kernel.snapshot())
    end_ns = stage.now_ns + 600_000_000_000
    ours = [msgspec.to_builtins(effect) for effect in stage.kernel.wake(end_ns)]
    assert ours == [msgspec.to_builtins(effect) for effect in twin.wake(end_ns)]
    assert twin.snapshot() == stage.kernel.snapshot()
