"""Interlocks and alarms as state machines under any plant: after every step the invariants of the specs hold."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

sys.path.insert(0, str(Path(__file__).parent))
from stage import MS, Stage, low_level, table

from gateway.core.alarms import Base, Happening, Verdict, after
from gateway.core.effects import Beat, Effect, Journal, Write
from gateway.core.interlocks import ENERGISED, LATCHED, SILENT, State
from gateway.core.program import Alarm, Compare, For, Not, Rule, Stop, Vote
from gateway.core.samples import Alive, Few, SelfCheck
from gateway.core.samples import Stop as StopInput
from gateway.core.tags import Cause

NAMES = ("DELAYED", "VOTED", "PERMITTED")
SETTINGS = settings(max_examples=25, stateful_step_count=40, deadline=None, derandomize=True)
FORM = {"code": "failed", "reason": "transmitter failed, spare ordered", "measure": "gauge read every 10 min"}


def rules() -> list[Rule]:
    facts: dict[str, Any] = {"priority": 2, "on_bad": "alarm", "because": "told"}
    return [
        low_level("DELAYED", tag="a0", on_delay_ns=1_000 * MS),
        low_level("VOTED", when=Vote(2, tuple(Compare(f"a{at}", ">", 80.0) for at in range(3))), output="y1"),
        low_level(
            "PERMITTED", tag="a3", permissive=Compare("b0", ">", 20.0), clear_ns=1, stops=(Stop("y0"), Stop("y1"))
        ),
        Alarm(name="LATCHED", when=For(Compare("a1", ">", 70.0), 500 * MS), latch=True, **facts),
        Alarm(name="PLAIN", when=Not(Compare("a3", ">", 25.0)), **facts),
    ]


class Checked(Stage):
    """Holds every step of the kernel against the invariants (a) to (f) of interlocks.md §4."""

    def __init__(self, kept: dict[str, bytes] | None = None, boot: int = 1) -> None:
        self.granted: dict[str, bool] = {}
        self.base: dict[str, tuple[Base, tuple[int, int]]] = {}
        self.rows: list[tuple[str, tuple[int, int], str]] = []
        self.was_silent = True
        super().__init__(rules(), table(4, 2, low=0.0, high=100.0), kept, boot)
        self.base = {name: (point.base, point.occurrence) for name, point in self.kernel.alarms.points.items()}

    def silent(self) -> bool:
        """I3, written from the spec."""
        proof = self.kernel.heart.peers[0].proof == "running"
        live = [f for f in self.kernel.functions.values() if f.mode == "live"]
        return proof or not self.kernel.self_ok or any(f.state in SILENT for f in live)

    def _took(self, effects: list[Effect]) -> list[Effect]:
        self._check_rows(effects)
        self._check_functions(effects)
        silent = self.silent()
        assert self.kernel.heart.withheld(0) == silent
        if silent and self.was_silent:
            assert not any(isinstance(effect, Beat) for effect in effects)
        self.was_silent = silent
        return super()._took(effects)

    def _check_functions(self, effects: list[Effect]) -> None:
        for name, function in self.kernel.functions.items():
            energised = function.state in ENERGISED
            assert energised == self.granted.get(name, False), f"(a) {name}"
            if function.live:
                if function.state in LATCHED:
                    assert function.first_out is not None, f"(f) {name} {function.state.name}"
                    assert function.first_out.causes, f"(f) {name}: a first-out names its cause"
                if energised:
                    assert function.first_out is None, f"(f) {name}"
                if energised or function.state is State.READY:
                    assert self.kernel.self_ok, "the self-check is a level"
            for bypass in function.bypasses:
                assert bypass.until_ns > self.kernel.now_ns, "no bypass outlives its timer"
        for output in self.kernel.outputs.values():
            if not math.isnan(output.wanted) and output.wanted != output.tag.safe:
                assert all(owner.asks(output) for owner in output.owners)
        for effect in effects:
            if isinstance(effect, Write) and effect.value != 0.0:
                stops = [f for f in self.kernel.functions.values() if f.live]
                owners = [f for f in stops if any(o.tag.number == effect.output for o in f.outputs)]
                assert owners
                assert all(f.state in ENERGISED for f in owners)

    def _check_rows(self, effects: list[Effect]) -> None:
        for effect in effects:
            if not isinstance(effect, Journal):
                continue
            record = effect.record
            if record.kind.startswith("interlock.") and "from" in record.detail:
                self._moved(record.subject, record.detail)
            elif record.kind == "interlock.mode" and record.detail["mode"] != "live":
                self.granted[record.subject] = False
            elif record.kind.startswith("alarm.") and record.kind.split(".")[1] in (
                "raise",
                "clear",
                "return",
                "ack",
                "reset",
            ):
                self._alarm(record.kind.split(".")[1], record.subject, record.detail, record.person)

    def _moved(self, name: str, row: dict[str, Any]) -> None:
        function = self.kernel.functions[name]
        if row["to"] == "ARMING":
            assert (row["from"], row["event"]) == ("READY", "RESET"), "(b)"
            assert function.cleared(), "(b)"
            assert function.permissive_ok(), "(b)"
            self.granted[name] = True
        elif row["from"] in ("ARMING", "ARMED", "PRETRIP") and row["to"] not in ("ARMED", "PRETRIP"):
            assert row["to"] == "TRIPPING", "(c)"
            self.granted[name] = False
        if row["event"] == "PERMISSIVE_LOST":
            assert row["from"] in ("READY", "ARMING"), "(e)"

    def _alarm(self, kind: str, name: str, row: dict[str, Any], person: str) -> None:
        base, occurrence = self.base[name]
        new, now = Base[row["state"]], (row["occurrence"][0], row["occurrence"][1])
        if kind == "reset" and not person:
            return  # the reset of an interlock, told on its alarm: no transition of it
        latch = self.kernel.alarms.points[name].latch
        happening = {"raise": Happening.UP, "return": Happening.DOWN, "ack": Happening.ACK, "reset": Happening.RESET}
        if kind == "clear":
            expected = after(base, Happening.ACK if person else Happening.DOWN, latch=latch)
        else:
            expected = after(base, happening[kind], latch=latch)
        assert expected[0] is new
        assert expected[1] in (Verdict.MOVED, Verdict.RAISED), "each row is a transition"
        assert (now > occurrence) if kind == "raise" else (now == occurrence)
        self.base[name] = (new, now)


class Plant(RuleBasedStateMachine):
    """Polls of every quality, losses, time, people, write answers, the self-check, stop and restart."""

    stage: Checked

    @initialize(energise=st.booleans())
    def begin(self, energise: bool) -> None:
        self.stage, self.boots = Checked(), 1
        self.stage.boot()
        if energise:
            self.stage.energise(*NAMES)

    @rule(
        tag=st.sampled_from(["a0", "a1", "a2", "a3", "b0"]),
        value=st.sampled_from([5.0, 22.0, 50.0, 75.0, 90.0, 101.0, -1.0, math.nan, math.inf]),
    )
    def poll(self, tag: str, value: float) -> None:
        self.stage.poll(**{tag: value})

    @rule()
    def all_well(self) -> None:
        self.stage.poll(a0=50.0, a1=50.0, a2=50.0, a3=50.0, b0=50.0)

    @rule(tag=st.integers(0, 3), value=st.sampled_from([5.0, 50.0, 90.0]), quality=st.sampled_from([(1, 5), (3, 5)]))
    def doubtful(self, tag: int, value: float, quality: tuple[int, int]) -> None:
        self.stage.give(Few(0, [tag], [value], [quality[0]], [quality[1]]))

    @rule(source=st.sampled_from(["plc1", "aux"]))
    def lose(self, source: str) -> None:
        self.stage.lose(source, Cause.COMMS)

    @rule(group=st.sampled_from([0, 2]))
    def alive(self, group: int) -> None:
        self.stage.give(Alive(group))

    @rule(seconds=st.sampled_from([0.1, 0.9, 2.1, 6.0, 11.0]), polling=st.sampled_from([True, True, False]))
    def time(self, seconds: float, polling: bool) -> None:
        stage = self.stage
        stage.polling, beats, silent = polling, stage.beats(), stage.silent()
        began_ns = stage.now_ns
        stage.run(seconds, step_ms=300)
        stage.polling = True
        states = {f.state for f in stage.kernel.functions.values() if f.live}
        if not silent and not stage.silent() and not states & (SILENT | {State.TRIPPING}) and stage.kernel.self_ok:
            assert stage.beats() - beats <= (stage.now_ns - began_ns) // (250 * MS) + 1
        if silent and stage.kernel.self_ok is False:
            assert stage.beats() == beats

    @rule(
        verb=st.sampled_from(["arm", "reset", "reset", "reset", "trip", "disarm", "clear", "shadow"]),
        name=st.sampled_from(NAMES),
        role=st.sampled_from(["operator", "supervisor", "engineer"]),
    )
    def person(self, verb: str, name: str, role: str) -> None:
        self.stage.ask(f"interlock.{verb}", name, role)

    @rule()
    def reset_all(self) -> None:
        self.stage.run(11, step_ms=500)
        for name in NAMES:
            self.stage.ask("interlock.reset", name)

    @rule(name=st.sampled_from(NAMES), tag=st.sampled_from(["a0", "a1", "a3"]), minutes=st.sampled_from(["1", "20"]))
    def bypass(self, name: str, tag: str, minutes: str) -> None:
        self.stage.ask("bypass.set", name, tag=tag, minutes=minutes, **FORM)

    @rule(name=st.sampled_from(NAMES), tag=st.sampled_from(["a0", "a1", "a3"]))
    def bypass_end(self, name: str, tag: str) -> None:
        self.stage.ask("bypass.clear", name, tag=tag)

    @rule(
        name=st.sampled_from(["LATCHED", "PLAIN", "DELAYED", "VOTED", "SELF_CHECK", "DELAYED_FAILED"]),
        stale=st.booleans(),
        verb=st.sampled_from(["ack", "ack", "reset"]),
    )
    def alarm(self, name: str, stale: bool, verb: str) -> None:
        point = self.stage.kernel.alarms.points[name]
        boot, count = point.occurrence
        before = (point.base, point.occurrence)
        occurrence = f"{boot:x}-{count - 1 if stale else count}"
        answer = self.stage.ask(f"alarm.{verb}", name, occurrence=occurrence)
        if verb == "ack" and stale:
            assert answer.code == 6
            assert (point.base, point.occurrence) == before, "an acknowledgement of another occurrence"

    @rule(kind=st.sampled_from(["ok", "ok", "wrong", "never", "refused"]))
    def device(self, kind: str) -> None:
        self.stage.answer = {
            "ok": lambda write: (True, write.value),
            "wrong": lambda write: (True, 1.0 - write.value),
            "never": lambda write: None,
            "refused": lambda write: (False, math.nan),
        }[kind]

    @rule(value=st.sampled_from([0.0, 1.0]), output=st.sampled_from(["y0", "y1"]))
    def foreign_write(self, value: float, output: str) -> None:
        self.stage.field[output] = value
        self.stage.poll()
        self.stage.poll()

    @rule(ok=st.sampled_from([True, True, False]))
    def self_check(self, ok: bool) -> None:
        self.stage.give(SelfCheck(ok, "" if ok else "overrun"))

    @precondition(lambda self: self.stage.kernel.stopping_ns < 0)
    @rule()
    def stop_and_restart(self) -> None:
        self.stage.give(StopInput())
        self.stage.run(2.1)
        for function in self.stage.kernel.functions.values():
            assert function.state not in ENERGISED
        self.restart()

    @rule()
    def restart(self) -> None:
        old, self.boots = self.stage, self.boots + 1
        new = Checked(old.kept, self.boots)
        new.field, new.now_ns, new.answer = old.field, old.now_ns, old.answer
        self.stage = new
        new.boot()
        for name, function in new.kernel.functions.items():
            before = old.kernel.functions[name]
            assert function.mode == before.mode
            assert function.bypasses == []
            if before.live and before.first_out is not None:
                assert function.first_out == before.first_out, "POWER_UP never replaces a first-out"
        for name, point in new.kernel.alarms.points.items():
            earlier = old.kernel.alarms.points[name]
            if earlier.base in (Base.UNACK, Base.ACKED) and point.base is earlier.base:
                assert point.occurrence == earlier.occurrence

    @invariant()
    def alarm_rules_show_their_condition(self) -> None:
        for name, watch in self.stage.kernel.watches.items():
            point = self.stage.kernel.alarms.points[name]
            if watch.truth & 3 in (2, 3):
                assert point.base in (Base.UNACK, Base.ACKED)
            if watch.truth == 1:
                assert point.base not in (Base.UNACK, Base.ACKED)

    @invariant()
    def the_twin_of_a_snapshot_is_equal(self) -> None:
        data = self.stage.kernel.snapshot()
        twin = Checked()
        twin.kernel.restore(data)
        assert twin.kernel.snapshot() == data


TestPlant = Plant.TestCase
TestPlant.settings = SETTINGS
