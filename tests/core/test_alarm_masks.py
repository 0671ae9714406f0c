"""The masks of spec/alarms.md §1: the whole product against tables written from the spec, then on the kernel."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path

import msgspec
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

sys.path.insert(0, str(Path(__file__).parent))
from stage import SECOND, Stage, low_level

from gateway.core.alarms import Base, Happening, Verdict, after
from gateway.core.effects import Journal
from gateway.core.limits import SHELVE_MAX_MIN
from gateway.core.masks import NO_MASKS, Masks, Shelf, change, recover, unshelved, up
from gateway.core.program import Alarm, Compare
from gateway.core.samples import Command, Durable, Stamp
from gateway.core.summary import AlarmSummary

A, B, C, D, E, F, M = Base
REASON = "transmitter is being cleaned"
HOT, IDLE = "HOT", "IDLE"

# base on entry: what a latching alarm shows when the last mask goes and the condition is false
LEAVING_LATCHED = {A: A, B: E, C: E, E: E, F: E}


def alarm(name: str = HOT, tag: str = "a1", **more: object) -> Alarm:
    facts: dict[str, object] = {"priority": 2, "on_bad": "alarm", **more}
    return Alarm(name=name, when=Compare(tag, ">", 80.0), **facts)  # type: ignore[arg-type]


def every_mask() -> list[Masks]:
    return [
        Masks(shelf=shelf, suppressed=sbd, moc=moc)
        for shelf, sbd, moc in itertools.product(Shelf, (False, True), ("", "MOC-1"))
    ]


@pytest.mark.parametrize("latch", [False, True])
@pytest.mark.parametrize("active", [False, True])
@pytest.mark.parametrize("base", [A, B, C, D, E, F])
def test_entering_and_leaving_every_mask_from_every_base(base: Base, active: bool, latch: bool) -> None:
    for masks in every_mask():
        if not masks.any:
            assert change(base, NO_MASKS, masks, active=active, latch=latch) == (base, NO_MASKS, Verdict.NOTHING)
            continue
        entered, inside, verdict = change(base, NO_MASKS, masks, active=active, latch=latch)
        assert (entered, verdict) == (M, Verdict.MOVED)
        for other in every_mask():
            if other.any:
                kept = msgspec.structs.replace(other, owed=inside.owed)
                assert change(M, inside, kept, active=active, latch=latch) == (M, kept, Verdict.NOTHING)
        left, none, verdict = change(M, inside, NO_MASKS, active=active, latch=latch)
        assert none == NO_MASKS
        if active:
            assert (left, verdict) == (B, Verdict.RAISED)
        else:
            assert left is (LEAVING_LATCHED.get(base, A) if latch else A)


@pytest.mark.parametrize("base", [A, B, C, D, E, F])
def test_a_latching_alarm_that_went_true_behind_a_mask_is_shown_latched(base: Base) -> None:
    for latch in (False, True):
        _, inside, _ = change(base, NO_MASKS, Masks(suppressed=True), active=False, latch=latch)
        left, _, _ = change(M, up(inside, latch=latch), NO_MASKS, active=False, latch=latch)
        assert left is (E if latch else A)


def test_shown_is_out_of_service_before_suppressed_before_shelved() -> None:
    for masks in every_mask():
        expected = (
            "OUT_OF_SERVICE" if masks.moc else "SUPPRESSED" if masks.suppressed else "SHELVED" if masks.shelf else None
        )
        assert masks.shown == expected


@pytest.mark.parametrize(
    ("now_ms", "shelved"), [(999, False), (1_000, True), (1_999, True), (2_000, False), (9_000, False)]
)
def test_a_restart_keeps_a_shelf_only_while_its_time_can_be_told(now_ms: int, shelved: bool) -> None:
    kept = Masks(shelf=Shelf.TIMED, since_ms=1_000, until_ms=2_000, reason=REASON, moc="MOC-1")
    found = recover(msgspec.to_builtins(kept), now_ms)
    assert found == (kept if shelved else unshelved(kept))
    assert found.moc == "MOC-1"


def test_masks_that_cannot_be_read_are_none() -> None:
    assert recover(["what", 1], 0) == NO_MASKS


class Story(RuleBasedStateMachine):
    """Any order of events: what §1 asks of every moment holds at every moment."""

    @initialize(latch=st.booleans())
    def begin(self, latch: bool) -> None:
        self.latch, self.base, self.masks, self.active, self.owed = latch, A, NO_MASKS, False, False

    @rule(event=st.sampled_from([Happening.ACK, Happening.RESET, Happening.REALARM]))
    def ask(self, event: Happening) -> None:
        before = self.base
        self.base, _ = after(before, event, latch=self.latch)
        if self.latch and before is not A and self.base is A:
            assert (before, event) == (F, Happening.RESET)

    @rule()
    def toggle(self) -> None:
        self.active = not self.active
        if self.base is M:
            self.masks = up(self.masks, latch=self.latch) if self.active else self.masks
            self.owed |= self.active
        else:
            self.base, _ = after(self.base, Happening.UP if self.active else Happening.DOWN, latch=self.latch)

    @rule(changed=st.sampled_from(every_mask()))
    def mask(self, changed: Masks) -> None:
        was, before = self.masks.any, self.base
        kept = msgspec.structs.replace(changed, owed=self.masks.owed)
        self.base, self.masks, verdict = change(before, self.masks, kept, active=self.active, latch=self.latch)
        if changed.any and not was:
            self.owed = before in (B, C, E, F)
        elif was and not changed.any:
            assert (verdict is Verdict.RAISED) == self.active
            assert self.base is (B if self.active else E if self.latch and self.owed else A)

    @invariant()
    def holds(self) -> None:
        assert (self.base is M) == self.masks.any
        if self.base is not M:
            assert (self.base in (B, C)) == self.active

    @precondition(lambda self: self.base is M)
    @rule()
    def nobody_acknowledges_what_nobody_was_told(self) -> None:
        assert after(M, Happening.ACK, latch=self.latch) == (M, Verdict.REJECTED)


TestStory = Story.TestCase
TestStory.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


# --- on the kernel ---


def stage(*rules: Alarm) -> Stage:
    made = Stage(rules or (alarm(),))
    made.boot()
    return made


def told(made: Stage, name: str = HOT) -> list[tuple[str, str]]:
    """What left the box about one alarm: event and state."""
    return [
        (effect.summary.event, effect.summary.state)
        for effect in made.effects
        if isinstance(effect, Journal) and isinstance(effect.summary, AlarmSummary) and effect.summary.alarm == name
    ]


def shelve(made: Stage, role: str = "supervisor", **args: str) -> int:
    return made.ask("alarm.shelve", HOT, role, **({"minutes": "10", "reason": REASON} | args)).code


def test_a_shelf_is_on_disk_before_it_is_silent_and_ends_by_itself() -> None:
    made = stage()
    assert shelve(made) == 0
    assert made.kinds().index("intent.alarm.shelve") < made.kinds().index("alarm.shelve")
    made.poll(a1=90.0)
    made.poll(a1=50.0)
    assert told(made) == [("shelve", "SHELVED")]
    assert {"alarm.masked-up", "alarm.masked-down"} <= set(made.kinds())
    made.poll(a1=90.0)
    made.run(599, step_ms=1_000)
    assert len(told(made)) == 1
    made.run(2, step_ms=1_000)
    assert told(made) == [("shelve", "SHELVED"), ("raise", "UNACK")]


def test_a_shelf_that_is_not_durable_is_refused() -> None:
    kernel = stage().kernel
    asked = Command(1, "li", "supervisor", "alarm.shelve", HOT, {"minutes": "10", "reason": REASON})
    kernel.step(Stamp(kernel.seq + 1, kernel.now_ns, kernel.now_ns), asked)
    assert not kernel.alarms.points[HOT].masks.any
    kernel.step(Stamp(kernel.seq + 1, kernel.now_ns, kernel.now_ns), Durable(1, False))
    assert kernel.alarms.points[HOT].masks == NO_MASKS


def test_a_one_shot_shelf_ends_with_its_condition() -> None:
    made = stage()
    made.poll(a1=90.0)
    assert shelve(made, kind="one-shot") == 0
    made.poll(a1=50.0)
    assert told(made) == [("raise", "UNACK"), ("shelve", "SHELVED"), ("clear", "NORMAL")]


@pytest.mark.parametrize("priority", [1, 2, 3, 4])
def test_the_longest_shelf_by_priority_and_role(priority: int) -> None:
    most = SHELVE_MAX_MIN[priority]
    for role, minutes, code in (
        ("supervisor", most, 0),
        ("supervisor", most + 1, 6),
        ("operator", 30, 5 if priority == 1 else 0),
        ("operator", 31, 5 if priority == 1 else 6),
    ):
        assert shelve(stage(alarm(priority=priority)), role, minutes=str(minutes)) == code, (role, minutes)


def test_a_renewal_needs_another_reason() -> None:
    made = stage()
    assert shelve(made) == 0
    assert shelve(made, reason="Transmitter is  being cleaned") == 6
    assert made.ask("alarm.unshelve", HOT, "operator").code == 0
    assert shelve(made) == 6
    assert shelve(made, reason="now the spare is being fitted") == 0


def test_suppression_follows_its_logic_and_needs_one() -> None:
    made = stage(alarm(), alarm(IDLE, "a2", priority=4))
    ask = {"reason": "no heat is expected while it stands"}
    assert made.ask("alarm.suppress", HOT, "engineer", **ask).code == 6
    assert made.ask("alarm.suppress", HOT, "engineer", logic=HOT, **ask).code == 6
    assert made.ask("alarm.suppress", HOT, "supervisor", logic=IDLE, **ask).code == 5
    assert made.ask("alarm.suppress", HOT, "engineer", logic=IDLE, **ask).code == 0
    made.poll(a1=90.0)
    made.poll(a2=90.0)
    assert told(made) == [("raise", "UNACK"), ("shelve", "SUPPRESSED")]
    made.poll(a2=50.0)
    assert told(made)[2:] == [("raise", "UNACK")]


def test_what_an_armed_function_trips_on_cannot_be_suppressed() -> None:
    low = Alarm(name="LOW", when=Compare("a0", "<", 35.0), priority=3, on_bad="alarm")
    made = Stage((low_level(), low, alarm(IDLE, "a2")))
    made.boot()
    ask = {"logic": IDLE, "reason": "the tank is empty by plan"}
    assert made.ask("alarm.suppress", "LOW", "engineer", **ask).code == 0
    made.poll(a2=90.0)
    assert made.kernel.alarms.points["LOW"].shown == "SUPPRESSED"
    made.values["a2"] = 90.0
    made.energise("LSLL")
    assert made.kernel.alarms.points["LOW"].shown == "NORMAL"
    assert made.ask("alarm.suppress", "LOW", "engineer", **ask).message == "alarm.armed"
    assert made.ask("alarm.suppress", "LSLL", "engineer", **ask).message == "alarm.armed"


def test_out_of_service_needs_a_change_and_a_measure_and_is_reviewed_each_day() -> None:
    made = stage()
    made.polling = False
    full = {"moc": "MOC-7", "measure": "patrol every hour", "reason": "detector is being replaced"}
    for missing in ("moc", "measure", "reason"):
        assert made.ask("alarm.oos", HOT, "supervisor", **{**full, missing: ""}).code == 6
    assert made.ask("alarm.oos", HOT, "operator", **full).code == 5
    assert made.ask("alarm.oos", HOT, "supervisor", **full).code == 0
    assert made.kernel.alarms.points[HOT].shown == "OUT_OF_SERVICE"
    review = made.kernel.alarms.points["OOS_REVIEW"]
    made.now_ns += 24 * 3600 * SECOND - 1
    made.alive()
    assert review.base is A
    made.now_ns += 1
    made.alive()
    assert review.base is B
    assert made.ask("alarm.oos", HOT, "supervisor", **full).code == 0
    assert not review.active
    assert made.ask("alarm.in-service", HOT, "operator").code == 0
    assert not made.kernel.alarms.points[HOT].masks.any


def test_a_restart_recovers_the_masks_and_lets_them_end() -> None:
    made = stage(alarm(latch=True))
    made.poll(a1=90.0)
    assert shelve(made) == 0
    again = Stage((alarm(latch=True),), kept=made.kept, boot=2)
    again.now_ns = made.now_ns + 60 * SECOND
    again.values["a1"] = 50.0
    again.boot()
    assert again.kernel.alarms.points[HOT].shown == "SHELVED"
    again.run(541, step_ms=1_000)
    assert told(again)[-1] == ("raise", "LATCHED_UNACK")
    late = Stage((alarm(latch=True),), kept=made.kept, boot=2)
    late.now_ns = made.now_ns + 601 * SECOND
    late.boot()
    assert not late.kernel.alarms.points[HOT].masks.any


def test_a_snapshot_carries_the_masks() -> None:
    made = stage()
    assert shelve(made) == 0
    again = Stage((alarm(),))
    data = made.kernel.snapshot()
    again.kernel.restore(data)
    assert again.kernel.snapshot() == data
    assert again.kernel.alarms.points[HOT].masks == made.kernel.alarms.points[HOT].masks
