"""Permits, checklists, start-up overrides, group resets and what is told to people."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from stage import SECOND, Stage, low_level, table

from gateway.core.effects import Act
from gateway.core.kernel import Kernel
from gateway.core.program import Advisory, And, Compare, Escalate, Override, Permit, Program, Speak
from gateway.core.samples import Few
from gateway.core.stamps import Checklist, Stamps

HOUR_NS = 3600 * SECOND
WHY = {"reason": "pump 7 started after repair"}


def hot_work(**more: object) -> Permit:
    facts: dict[str, object] = {
        "when": And((Compare("a0", "<", 60.0), Compare("b0", "=", 1.0))),
        "on_bad": "deny",
        **more,
    }
    return Permit(name="HOT_WORK", priority=1, **facts)  # type: ignore[arg-type]


def allowed(**more: object) -> Stage:
    stage = Stage([hot_work(**more)])
    stage.values["b0"] = 1.0
    stage.boot()
    return stage


def issue(stage: Stage, **args: str) -> str:
    return stage.ask("permit.issue", "HOT_WORK", **{"place": "tank 3", **args}).message


def test_it_is_denied_by_default_and_by_everything_that_is_not_certain() -> None:
    fresh = Stage([hot_work()])
    assert not fresh.kernel.permits["HOT_WORK"].allowed
    stage = allowed()
    assert stage.kernel.permits["HOT_WORK"].allowed
    for quality, cause in ((1, 5), (3, 5)):
        stage.give(Few(0, [0], [50.0], [quality], [cause]))
        assert not stage.kernel.permits["HOT_WORK"].allowed
        assert issue(stage) == "permit.denied"
        stage.poll()


def test_it_is_revoked_by_itself_when_a_condition_fails_and_does_not_come_back() -> None:
    stage = allowed()
    assert issue(stage) == "command.done"
    stage.poll(a0=70.0)
    assert stage.kernel.permits["HOT_WORK"].issued is None
    assert "permit.ended" in stage.kinds()
    assert stage.kernel.alarms.points["HOT_WORK_REVOKED"].active
    stage.poll(a0=50.0)
    assert stage.kernel.permits["HOT_WORK"].issued is None


@pytest.mark.parametrize(("minutes", "lives_s"), [("", 8 * 3600), ("30", 1800)])
def test_it_expires(minutes: str, lives_s: int) -> None:
    stage = allowed()
    assert issue(stage, **({"minutes": minutes} if minutes else {})) == "command.done"
    stage.run(lives_s - 1, step_ms=900)
    assert stage.kernel.permits["HOT_WORK"].issued is not None
    stage.run(1.1)
    assert stage.kernel.permits["HOT_WORK"].issued is None


def test_a_restart_keeps_no_permit_and_says_so() -> None:
    stage = allowed()
    issue(stage)
    again = Stage([hot_work()], kept=stage.kept, boot=2)
    again.values["b0"] = 1.0
    again.boot()
    assert again.kernel.permits["HOT_WORK"].issued is None
    assert "permit.ended" in again.kinds()
    assert "permit:HOT_WORK" not in again.kept


def test_who_may_issue_and_revoke() -> None:
    stage = allowed()
    assert stage.ask("permit.issue", "HOT_WORK", role="operator", place="tank 3").code == 5
    assert issue(stage, place="") == "permit.place"
    assert issue(stage, minutes="481") == "permit.minutes"
    assert issue(stage) == "command.done"
    assert issue(stage) == "permit.issued"
    assert stage.ask("permit.revoke", "HOT_WORK", role="operator").code == 0
    assert stage.ask("permit.revoke", "HOT_WORK").message == "permit.not-issued"


def test_a_stamp_ages_by_both_clocks_and_is_void_when_they_disagree() -> None:
    stamps = Stamps(1, ())
    stamps.note("gas_test", "li", 10 * SECOND, 1_000_000)
    assert stamps.age_ns("gas_test", 70 * SECOND, 1_060_000) == 60 * SECOND
    assert stamps.age_ns("gas_test", 70 * SECOND, 1_000_000 + 3_600_000) == -1
    assert stamps.age_ns("gas_test", 3600 * SECOND, 1_010_000) == -1
    assert stamps.age_ns("watch", 0, 0) == -1


def test_a_checklist_is_done_when_each_item_has_another_person_in_time() -> None:
    checklist = Checklist("four_machines", ("east", "west", "north", "south"), 600 * SECOND)
    stage = Stage([low_level()])
    stage.kernel = Kernel(stage.table, Program((low_level(),)), 1, checklists=[checklist])
    stage.kernel.asked_done["four_machines"] = []
    stage.boot()

    def confirm(item: str, person: str) -> str:
        return stage.ask("confirm.item", "four_machines", person=person, item=item).message

    assert confirm("up", "li") == "confirm.no-item"
    assert confirm("east", "li") == "command.done"
    assert confirm("west", "li") == "confirm.same-person"
    for item, person in (("west", "wang"), ("north", "zhao")):
        assert confirm(item, person) == "command.done"
    assert "four_machines" not in stage.kernel.stamps.done
    stage.run(601, step_ms=900)
    assert confirm("south", "sun") == "command.done"
    assert "four_machines" not in stage.kernel.stamps.done, "the others were too long ago"
    for item, person in (("east", "li"), ("west", "wang"), ("north", "zhao")):
        assert confirm(item, person) == "command.done"
    assert "four_machines" in stage.kernel.stamps.done


# --- start-up override (I18) ---


def starting(max_s: int = 600) -> Stage:
    rule = low_level(override=Override(Compare("a1", ">", 80.0), max_s * SECOND))
    stage = Stage([rule])
    stage.values["a0"] = 10.0  # no flow yet
    stage.boot()
    stage.prove()
    stage.ask("interlock.arm", "LSLL")
    assert stage.ask("sos.start", "LSLL", **WHY).code == 0
    stage.run(16)
    assert stage.ask("interlock.reset", "LSLL").code == 0
    stage.run(0.2)
    assert stage.state() == "ARMED"
    return stage


def test_i18_it_ends_when_the_equipment_has_started() -> None:
    stage = starting()
    stage.poll(a0=50.0, a1=90.0)
    assert stage.function().override is None
    assert stage.state() == "ARMED"
    stage.poll(a0=10.0)
    assert stage.state() == "TRIPPED"


@pytest.mark.parametrize(("max_s", "lives_s"), [(600, 600), (3600, 900)])
def test_i18_it_ends_by_its_timer_a_quarter_of_an_hour_at_most(max_s: int, lives_s: int) -> None:
    stage = starting(max_s)
    stage.run(lives_s - 18, step_ms=900)
    assert stage.state() == "ARMED"
    stage.run(4)
    assert stage.state() == "TRIPPED"
    assert stage.function().override is None


def test_i18_only_before_the_start_and_removed_at_a_restart() -> None:
    stage = starting()
    again = Stage([stage.function().rule], kept=stage.kept, boot=2)
    assert again.function().override is None
    stage.ask("sos.end", "LSLL")
    assert stage.state() == "TRIPPED", "its cause is true"
    stage.poll(a0=50.0)
    stage.run(11)
    stage.ask("interlock.reset", "LSLL")
    stage.run(0.2)
    assert stage.ask("sos.start", "LSLL", **WHY).message == "sos.started"


# --- groups ---


def test_i14_one_reset_is_one_group_all_or_none() -> None:
    stage = Stage(
        [low_level("ONE", group="line1"), low_level("TWO", tag="a1", output="y1", group="line1", reset_role="engineer")]
    )
    stage.boot()
    stage.prove()
    for name in ("ONE", "TWO"):
        stage.ask("interlock.arm", name)
    stage.run(16)
    assert stage.ask("interlock.reset", "ONE").message == "interlock.grouped"
    assert stage.ask("group.reset", "line1").code == 5, "the highest role that any of them names"
    stage.poll(a1=10.0)
    assert stage.ask("group.reset", "line1", role="engineer").message == "interlock.not-ready"
    assert (stage.state("ONE"), stage.state("TWO")) == ("READY", "TRIPPED")
    stage.poll(a1=50.0)
    stage.run(11)
    assert stage.ask("group.reset", "line1", role="engineer").code == 0
    stage.run(0.2)
    assert (stage.state("ONE"), stage.state("TWO")) == ("ARMED", "ARMED")
    assert stage.ask("group.reset", "line1", role="engineer").message == "group.nothing"


# --- tellings ---


def spoken(stage: Stage) -> list[str]:
    return [effect.sink for effect in stage.effects if isinstance(effect, Act)]


def test_an_advisory_speaks_at_most_once_a_minute_and_holds_when_blind() -> None:
    words = {"en": "Fasten your belt", "zh-CN": "请立即系好安全带"}
    rule = Advisory(
        name="BELT", when=Compare("a0", ">", 80.0), priority=2, on_bad="hold", tells=(Speak("helmet", words),)
    )
    stage = Stage([rule])
    stage.boot()
    for _ in range(5):
        stage.poll(a0=90.0)
        stage.run(5)
        stage.poll(a0=50.0)
        stage.run(5)
    assert spoken(stage) == ["speaker:helmet"]
    assert [effect.text for effect in stage.effects if isinstance(effect, Act)] == [words]
    stage.run(60)
    stage.poll(a0=math.nan)
    stage.run(5)
    assert spoken(stage) == ["speaker:helmet"], "what is not known is not said"
    stage.poll(a0=90.0)
    assert len(spoken(stage)) == 2


def test_an_escalation_climbs_until_somebody_answers() -> None:
    rule = Advisory(name="MINOR", when=Compare("a0", ">", 80.0), priority=3, on_bad="hold", tells=(Escalate(),))
    stage = Stage([rule], table())
    stage.boot()
    stage.poll(a0=90.0)
    stage.run(601, step_ms=900)
    assert spoken(stage) == ["ladder:1", "ladder:2", "ladder:3"]
    assert stage.ask("telling.answer", "MINOR", role="operator").code == 0
    stage.run(900, step_ms=900)
    assert len(spoken(stage)) == 3
    assert stage.ask("telling.answer", "MINOR", role="operator").message == "telling.none"
