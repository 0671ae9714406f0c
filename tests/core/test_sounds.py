"""Horns and beacons, routes by shift, escalation and re-alarm on the kernel (spec/alarms.md §1, §5)."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from stage import SECOND, Stage, low_level, table

from gateway.core.annunciation import AlarmPlan, Cadence, Route, Sounder
from gateway.core.effects import Journal, Write
from gateway.core.kernel import Kernel
from gateway.core.program import Advisory, Alarm, Compare, Program, Rule
from gateway.core.samples import Shift, Stop
from gateway.core.summary import AlarmSummary

HORN, BEACON, SIREN = "y0", "y1", "y2"


def alarm(name: str = "HOT", tag: str = "a1", **more: object) -> Alarm:
    facts: dict[str, object] = {"priority": 1, "on_bad": "alarm", **more}
    return Alarm(name=name, when=Compare(tag, ">", 80.0), **facts)  # type: ignore[arg-type]


def plan(**more: object) -> AlarmPlan:
    sounders = (
        Sounder("horn", HORN),
        Sounder("beacon", BEACON, (1, 2, 3), silenced=False),
        Sounder("siren", SIREN, escalation=True),
    )
    return AlarmPlan(**{"sounders": sounders, "escalate_ms": 60_000, **more})  # type: ignore[arg-type]


class Hall(Stage):
    """A stage with three sounders: y0 a horn, y1 a beacon, y2 the siren of the second line."""

    def __init__(self, *rules: Rule, given: AlarmPlan | None = None, kept: dict[str, bytes] | None = None) -> None:
        super().__init__(rules or (alarm(),), table(outputs=4), kept)
        self.kernel = Kernel(
            self.table, Program(tuple(rules or (alarm(),))), 2 if kept else 1, kept, plan=given or plan()
        )
        self.polling = True
        self.boot()

    def loud(self) -> set[str]:
        return {name for name, value in self.field.items() if value == 1.0}

    def ack(self, name: str = "HOT") -> None:
        occurrence = self.kernel.alarms.points[name].occurrence
        answer = self.ask("alarm.ack", name, role="operator", occurrence=f"{occurrence[0]:x}-{occurrence[1]}")
        assert answer.code == 0, answer

    def leaving(self) -> list[AlarmSummary]:
        return [e.summary for e in self.effects if isinstance(e, Journal) and isinstance(e.summary, AlarmSummary)]


def test_every_sounder_is_written_quiet_at_the_start() -> None:
    hall = Hall()
    assert {hall.field[name] for name in (HORN, BEACON, SIREN)} == {0.0}


def test_a_p1_sounds_steady_until_it_is_acknowledged_whatever_becomes_of_its_condition() -> None:
    hall = Hall()
    hall.poll(a1=90)
    assert hall.loud() == {HORN, BEACON}
    hall.run(20)
    assert hall.loud() == {HORN, BEACON}
    hall.poll(a1=50)
    assert hall.loud() == {HORN, BEACON}, "returned, and still nobody has seen it"
    hall.ack()
    assert hall.loud() == set()


def test_a_lower_priority_sounds_in_its_cadence() -> None:
    hall = Hall(alarm(priority=2))
    hall.poll(a1=90)
    heard = []
    for _ in range(8):
        heard.append(HORN in hall.loud())
        hall.run(0.5, step_ms=500)
    assert heard == [True, True, False, False, True, True, False, False]
    assert "y0_HUNTING" not in hall.kernel.alarms.points
    hall.run(120)
    assert not any(kind.startswith("output.") for kind in hall.kinds())


def test_the_most_urgent_alarm_gives_the_cadence() -> None:
    hall = Hall(alarm(priority=2), alarm("WORSE", "a2"))
    hall.poll(a1=90)
    hall.run(1.2)
    assert HORN not in hall.loud()
    hall.poll(a2=90)
    assert HORN in hall.loud()
    hall.ack("WORSE")
    hall.run(1.2)
    assert HORN not in hall.loud()


def test_silence_lasts_until_the_next_alarm_and_leaves_the_beacon() -> None:
    hall = Hall(alarm(), alarm("NEXT", "a2"))
    assert hall.ask("alarm.silence", role="operator", person="page").message == "alarm.no-sound"
    hall.poll(a1=90)
    assert hall.ask("alarm.silence", role="operator", person="page").code == 0
    assert hall.loud() == {BEACON}
    hall.run(30)
    assert hall.loud() == {BEACON}
    hall.poll(a2=90)
    assert hall.loud() == {HORN, BEACON}


def test_masked_and_advisory_alarms_make_no_sound() -> None:
    quiet = Advisory(name="TIP", when=Compare("a2", ">", 80.0), priority=1, on_bad="hold")
    hall = Hall(alarm(), quiet)
    assert hall.ask("alarm.shelve", "HOT", minutes="20", reason="transmitter is being cleaned").code == 0
    hall.poll(a1=90, a2=90)
    assert hall.loud() == set()
    assert hall.ask("alarm.unshelve", "HOT").code == 0
    assert hall.loud() == {HORN, BEACON}
    assert hall.ask("alarm.shelve", "HOT", minutes="20", reason="valve is being exchanged").code == 0
    assert hall.loud() == set()


def test_a_p1_that_nobody_acknowledges_escalates_once() -> None:
    hall = Hall()
    hall.poll(a1=90)
    hall.run(59)
    assert SIREN not in hall.loud()
    hall.run(2)
    assert hall.loud() == {HORN, BEACON, SIREN}
    assert [s.event for s in hall.leaving()] == ["raise", "escalate"]
    hall.ack()
    assert hall.loud() == set()
    hall.run(120)
    assert hall.kinds().count("alarm.escalate") == 1


def test_what_is_acknowledged_in_time_or_is_no_p1_does_not_escalate() -> None:
    for rule, acknowledged in ((alarm(), True), (alarm(priority=2), False)):
        hall = Hall(rule)
        hall.poll(a1=90)
        if acknowledged:
            hall.ack()
        hall.run(90)
        assert "alarm.escalate" not in hall.kinds()


def test_an_acknowledged_alarm_that_stands_is_raised_again_as_the_same_occurrence() -> None:
    hall = Hall(alarm(priority=2), given=plan(realarm_ms={2: 30_000}))
    hall.poll(a1=90)
    hall.ack()
    first = hall.kernel.alarms.points["HOT"].occurrence
    hall.run(29)
    assert hall.kernel.alarms.points["HOT"].shown == "ACKED"
    hall.run(1.5)
    assert hall.kernel.alarms.points["HOT"].shown == "UNACK"
    assert hall.kernel.alarms.points["HOT"].occurrence == first
    assert hall.loud() == {HORN, BEACON}
    hall.ack()
    hall.poll(a1=50)
    hall.run(60)
    assert hall.kernel.alarms.points["HOT"].shown == "NORMAL"


def test_a_dead_horn_is_an_alarm_and_is_tried_until_it_follows() -> None:
    hall = Hall()
    hall.answer = lambda write: (write.output != hall.kernel.names[HORN], write.value)
    hall.poll(a1=90)
    hall.run(4)
    assert not hall.kernel.alarms.points["SOUND_HORN_FAILED"].active
    hall.run(3)
    assert hall.kernel.alarms.points["SOUND_HORN_FAILED"].active
    assert BEACON in hall.loud()
    hall.answer = lambda write: (True, write.value)
    hall.run(6)
    assert HORN in hall.loud()
    assert not hall.kernel.alarms.points["SOUND_HORN_FAILED"].active


def test_someone_who_switches_the_horn_off_at_the_panel_is_noticed() -> None:
    hall = Hall()
    hall.poll(a1=90)
    hall.field[HORN] = 0.0
    hall.run(0.3)
    assert hall.kernel.alarms.points["SOUND_HORN_FAILED"].active
    hall.run(3)
    assert HORN in hall.loud()


def test_routes_by_area_priority_and_shift() -> None:
    night = Route(areas=("hall",), shifts=("night",), sounds=("beacon",), lane=1, position="gate")
    silent = Route(priorities=(3, 4), lane=-1)
    hall = Hall(alarm(priority=2), alarm("DULL", "a2", priority=3), given=plan(routes=(night, silent)))
    hall.poll(a2=90)
    assert [s.alarm for s in hall.leaving()] == [], "P3 stays here by day"
    hall.give(Shift("night"))
    hall.poll(a1=90)
    assert [(s.alarm, s.lane) for s in hall.leaving()] == [("HOT", 1)]
    assert HORN not in hall.loud()
    assert hall.kernel.hearing.way(hall.kernel.alarms.points["HOT"]).position == "gate"
    assert "shift.begin" in hall.kinds()


@pytest.mark.parametrize(
    ("priority", "lane", "expected"), [(1, -1, 0), (1, 3, 0), (2, 4, 0), (2, 1, 1), (3, 1, 1), (4, -1, -1)]
)
def test_p1_and_p2_are_never_kept_back(priority: int, lane: int, expected: int) -> None:
    route = Route(lane=lane)  # type: ignore[arg-type]
    assert AlarmPlan(routes=(route,)).way("hall", priority, "").lane == expected


def test_after_a_restart_what_nobody_acknowledged_sounds_on_and_escalates_in_its_time() -> None:
    before = Hall()
    before.poll(a1=90)
    before.run(30)
    after = Hall(kept=before.kept)
    assert after.loud() >= {HORN, BEACON}
    assert SIREN not in after.loud()
    after.run(61)
    assert SIREN in after.loud()


def test_a_stop_is_quiet_and_does_not_wait_for_a_dead_horn() -> None:
    hall = Hall(alarm(), low_level(output="y3"))
    hall.poll(a1=90)
    hall.answer = lambda write: None if write.output == hall.kernel.names[HORN] else (True, write.value)
    effects = hall.give(Stop())
    assert any(isinstance(e, Write) and e.output == hall.kernel.names[HORN] and e.value == 0.0 for e in effects)
    assert hall.kernel.ended


def test_a_snapshot_in_the_middle_of_a_cadence_goes_on_bit_for_bit() -> None:
    hall = Hall(alarm(priority=2))
    hall.poll(a1=90)
    hall.run(1.3)
    twin = Kernel(hall.table, hall.kernel.program, 0, plan=plan())
    twin.restore(hall.kernel.snapshot())
    until = hall.now_ns + 5 * SECOND
    ours, theirs = [], []
    for _ in range(20):
        due = hall.kernel.next_due_ns()
        assert due == twin.next_due_ns()
        if not 0 <= due <= until:
            break
        ours += hall.kernel.wake(due)
        theirs += twin.wake(due)
    assert ours == theirs
    assert ours
    other = Kernel(hall.table, hall.kernel.program, 0, plan=replace_cadence())
    with pytest.raises(ValueError, match="plan"):
        other.restore(hall.kernel.snapshot())


def replace_cadence() -> AlarmPlan:
    given = plan()
    horn = msgspec.structs.replace(given.sounders[0], cadences={2: Cadence(100, 100)})
    return msgspec.structs.replace(given, sounders=(horn, *given.sounders[1:]))
