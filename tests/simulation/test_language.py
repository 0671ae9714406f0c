"""Every word of the language from its text to its effect: when it comes up and when it goes, with bad inputs, and again from a snapshot.

A play gives values at seconds ("bad" = the device says so) and the instants at which the rule is to be up and down.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import msgspec
import pytest

from gateway.core.controls import Linkage
from gateway.core.effects import Effect
from gateway.core.functions import Function
from gateway.core.kernel import Kernel
from gateway.core.permits import Permission
from gateway.core.program import Program
from gateway.core.samples import Few, Input, Stamp
from gateway.core.tags import Group, Source, Tag, TagTable
from gateway.core.watches import Watch
from gateway.rulebook import compile_rules
from tests.core.stage import SECOND, UTC0, Stage

Play = list[tuple[float, dict[str, float | str]]]

NAMES: list[tuple[str, dict[str, object]]] = [
    ("level", {"unit": "cm", "low": 0.0, "high": 300.0}),
    ("temp", {"unit": "degC", "low": -20.0, "high": 400.0}),
    ("flow", {"unit": "L/min", "low": 0.0, "high": 100.0}),
    ("g1", {"unit": "ppm", "low": 0.0, "high": 100.0}),
    ("g2", {"unit": "ppm", "low": 0.0, "high": 100.0}),
    ("g3", {"unit": "ppm", "low": 0.0, "high": 100.0}),
    ("run", {"boolean": True}),
    ("seen", {"boolean": True}),
    ("seen.event", {}),
    ("seen.worker", {}),
    ("seen.kind", {}),
    ("bay.occupied", {"boolean": True}),
    ("y0", {"boolean": True, "writable": True}),
    ("y1", {"boolean": True, "writable": True, "safe": 1.0}),
]
CALM = {"level": 100.0, "temp": 100.0, "flow": 50.0}


def plant() -> TagTable:
    tags = [Tag(n, name, "plc1", 0, **more) for n, (name, more) in enumerate(NAMES)]  # type: ignore[arg-type]
    count = len(tags)
    tags.append(Tag(count, "plc1.$heartbeat", "plc1", 1, writable=True, hidden=True))
    groups = [Group(0, "poll", "plc1", 0, count, 10_000), Group(1, "write", "plc1", count, 1, 1000)]
    return TagTable(tags, groups, [Source("plc1", "modbus", 100, heartbeat=count)])


TABLE = plant()


class Scene(Stage):
    """One rule on the plant above, its inputs kept for a second kernel."""

    def __init__(self, text: str) -> None:
        compiled = compile_rules([("a.rules", text)], TABLE)
        assert compiled.program is not None, [problem.text["en"] for problem in compiled.problems]
        super().__init__(compiled.program.rules, TABLE)
        self.values = {tag.name: CALM.get(tag.name, 0.0) for tag in TABLE.tags}
        self.bad: set[str] = set()
        self.given: list[tuple[Stamp, Input]] = []

    def give(self, given: Input) -> list[Effect]:
        self.given.append((Stamp(self.seq + 1, self.now_ns, self.now_ns + UTC0), given))
        return super().give(given)

    def poll(self, **values: float) -> list[Effect]:
        self.values |= values
        tags = [tag for tag in TABLE.tags if not tag.hidden]
        data = [self.field.get(tag.name, tag.safe) if tag.writable else self.values[tag.name] for tag in tags]
        marks = [(3, 5) if tag.name in self.bad else (0, 0) for tag in tags]
        numbers = [tag.number for tag in tags]
        return self.give(Few(0, numbers, data, [mark[0] for mark in marks], [mark[1] for mark in marks]))

    def set(self, values: dict[str, float | str]) -> None:
        for name, value in values.items():
            if isinstance(value, str):
                self.bad.add(name)
            else:
                self.bad.discard(name)
                self.values[name] = value
        self.poll()

    def up(self) -> bool:
        rule = self.kernel.rules[0]
        match rule:
            case Watch():
                return rule.up
            case Permission():
                return rule.allowed
            case Linkage():
                return rule.position == "on"
            case Function():
                return rule.state.name in ("TRIPPING", "TRIPPED")


@dataclass
class Case:
    """What a rule sees, and the seconds at which it must have turned up, down, up …; looked at 0.6 s around each."""

    name: str
    when: str
    play: Play
    turns: list[float]
    step_ms: int = 200
    kind: str = "alarm"
    start: bool = False  # it is up from the first poll
    more: str = ""
    ask: list[tuple[float, str, str]] = field(default_factory=list)  # second, verb, target

    @property
    def text(self) -> str:
        then = {"alarm": "then alarm priority P3", "advisory": "then notify ehs priority P3"}.get(self.kind, "")
        return f"{self.kind} R when {self.when} {then} {self.more} end"


def events(*seen: tuple[float, int, int, int]) -> Play:
    """(second, seen, worker, kind), numbered."""
    return [
        (at, {"seen": yes, "seen.event": n, "seen.worker": worker, "seen.kind": kind})
        for n, (at, yes, worker, kind) in enumerate(seen, 1)
    ]


def ramp(name: str, start: float, per_s: float, seconds: int) -> Play:
    return [(float(at), {name: start + per_s * at}) for at in range(seconds + 1)]


CASES = [
    Case("hyst and for", "level < 30 cm hyst 5 cm for 2 s", [(5, {"level": 29}), (10, {"level": 34}), (15, {"level": 35})], [7, 15]),
    Case("a dip shorter than for", "level < 30 cm hyst 5 cm for 2 s", [(5, {"level": 29}), (6.4, {"level": 40})], []),
    Case("for runs on through a bad value", "level < 30 cm hyst 5 cm for 5 s",
         [(5, {"level": 29}), (6, {"level": "bad"}), (7, {"level": 29}), (20, {"level": 50})], [10, 20]),
    Case("unknown raises an alarm after its time", "level < 30 cm hyst 5 cm", [(5, {"level": "bad"}), (12, {"level": 100})], [7, 12]),
    Case("unknown or true", "level < 30 cm hyst 5 cm or run = 1",
         [(5, {"level": "bad"}), (6, {"run": 1}), (12, {"level": 100}), (15, {"run": 0})], [6, 15]),
    Case("unknown and false", "level < 30 cm hyst 5 cm and run = 1", [(5, {"level": "bad"}), (20, {"level": 100})], []),
    Case("an advisory holds", "level < 30 cm hyst 5 cm",
         [(5, {"level": "bad"}), (20, {"level": 10}), (30, {"level": "bad"}), (50, {"level": 90})], [20, 50], kind="advisory"),
    Case("above its range is demand at once", "g1 > 50 ppm hyst 5 ppm", [(5, {"g1": 130}), (10, {"g1": 0})], [5, 10]),
    Case("two tags, units converted", "level / 2 > 0.6 m hyst 1 cm", [(5, {"level": 121}), (10, {"level": 117})], [5, 10]),
    Case("abs of a difference", "abs(g1 - g2) > 10 ppm hyst 2 ppm", [(5, {"g2": 11}), (10, {"g2": 9}), (15, {"g2": 7})], [5, 15]),
    Case("min, max, avg", "max(g1, g2, g3) > 30 ppm and min(g1, g2, g3) > 5 ppm and avg(g1, g2, g3) > 20 ppm",
         [(5, {"g1": 40, "g2": 10, "g3": 6}), (8, {"g2": 20}), (12, {"g3": 4})], [8, 12]),
    Case("one bad item of a choice", "max(g1, g2) > 30 ppm hyst 5 ppm", [(5, {"g2": "bad"}), (12, {"g2": 0})], [7, 12]),
    Case("division by zero is bad", "level / (level - level) > 3 hyst 1", [(5, {"level": 90})], [2.0]),
    Case("rate", "rate(temp, 20 s) > 30 degC/min", [*ramp("temp", 100, 1.0, 40), (41, {"temp": 140})], [10.2, 50.8], 200),
    Case("a short spike is no trend", "rate(temp, 60 s) > 30 degC/min", [(40, {"temp": 110}), (41, {"temp": 100})], [], 500),
    Case("delta", "delta(level, 20 s) < -10 cm", [(30, {"level": 95}), (35, {"level": 85})], [35, 50.3], 200),
    Case("moving", "moving(g1, 20 s) > 10 ppm hyst 1 ppm", [(30, {"g1": 40}), (60, {"g1": 0})], [35.2, 75.5], 500),
    Case("eta", "eta(temp, > 185 degC, horizon = 2 min) < 60 s", [*ramp("temp", 100, 1.0, 80), (81, {"temp": 150})], [25.2, 82], 200),
    Case("eta beyond the horizon is never", "eta(temp, > 185 degC, horizon = 30 s) < 29 s", ramp("temp", 100, 1.0, 50), [], 500),
    Case("since", "since(run = 1) > 30 s", [(10, {"run": 1}), (12, {"run": 0}), (60, {"run": 1})], [42, 60]),
    Case("age", "age(level) > 20 s", [(10, {"level": 99}), (40, {"level": 98}), (50, {"level": 97})], [30, 40, 70]),
    Case("a frozen value that was lost has no age", "age(level) > 20 s", [(5, {"level": "bad"})], [7], kind="alarm"),
    Case("count", "count(run = 1, 60 s) >= 3",
         [(t, {"run": v}) for t, v in ((5, 1), (6, 0), (10, 1), (11, 0), (20, 1), (21, 0))], [20, 65]),
    Case("count of events for one worker", "count(seen, 60 s, by = worker) >= 2",
         events((5, 0, 1, 1), (6, 1, 1, 1), (10, 1, 2, 1), (20, 1, 1, 1)), [20, 66]),
    Case("consecutive by worker and kind", "consecutive(seen, 3, by = (worker, kind))",
         events((1, 0, 9, 9), (5, 1, 1, 1), (6, 1, 1, 2), (7, 1, 1, 2), (8, 1, 2, 2), (9, 1, 1, 2), (15, 0, 1, 2)), [9, 15]),
    Case("a row ends with its time", "consecutive(seen, 2, within = 10 s)",
         events((1, 0, 9, 9), (5, 1, 1, 1), (16, 1, 1, 1), (20, 1, 1, 1)), [20, 30]),
    Case("both", "both(g1 > 10 ppm, g2 > 10 ppm, 5 s)",
         [(5, {"g1": 20}), (6, {"g1": 0}), (12, {"g2": 20}), (20, {"g1": 20}), (21, {"g1": 0})], [20, 26]),
    Case("good", "not good(g1) for 3 s", [(5, {"g1": "bad"}), (10, {"g1": 0})], [8, 10]),
    Case("in_zone", "in_zone(person, bay) and run = 1", [(5, {"bay.occupied": 1}), (8, {"run": 1}), (12, {"bay.occupied": 0})], [8, 12]),
    Case("a vote with one bad channel", "2 of (g1 > 10 ppm, g2 > 10 ppm, g3 > 10 ppm)",
         [(5, {"g1": "bad"}), (12, {"g2": 20}), (15, {"g2": 0}), (25, {"g1": 0})], [12, 15], more="on bad safe after 2 s"),
    Case("a vote is over with fewer than k", "2 of (g1 > 10 ppm, g2 > 10 ppm, g3 > 10 ppm)",
         [(5, {"g1": 20, "g2": 20}), (10, {"g2": 0}), (15, {"g3": 20}), (20, {"g1": 0, "g3": 0})], [5, 10, 15, 20]),
    Case("one good channel does not keep a for running", "2 of (g1 > 10 ppm, g2 > 10 ppm, g3 > 10 ppm) for 5 s",
         [(5, {"g1": 20, "g2": 20}), (8, {"g2": 0}), (30, {"g2": 20}), (40, {"g1": 0})], [35, 40]),
    Case("what its bad channel may say keeps a for running", "2 of (g1 > 10 ppm, g2 > 10 ppm, g3 > 10 ppm) for 5 s",
         [(5, {"g1": 20, "g2": 20}), (8, {"g2": "bad"}), (15, {"g1": 0})], [10, 15], more="on bad safe after 2 s"),
    Case("done and its age", "done(gas_test, max_age = 30 s) and g1 < 10 ppm", [(20, {"g1": 20}), (22, {"g1": 0})],
         [5, 20, 22, 35.2], kind="permit", ask=[(5, "permit.done", "gas_test")]),
    Case("a permit denies what is bad", "g1 < 10 ppm", [(5, {"g1": "bad"}), (9, {"g1": 0})], [5, 9], kind="permit", start=True),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_when_it_comes_and_goes(case: Case) -> None:
    scene = Scene(case.text)
    begun_ns = scene.now_ns
    scene.boot()
    steps: list[tuple[float, dict[str, float | str] | tuple[str, str]]] = [*case.play]
    steps += [(at, (verb, target)) for at, verb, target in case.ask]
    looks = sorted({at + off for at in case.turns for off in (-0.6, 0.6)} | {(steps[-1][0] if steps else 5) + 30})
    half_s = looks[-1] / 2
    twin: Kernel | None = None
    cut = (0, 0)
    for at, what in sorted([*steps, *((at, None) for at in looks), (half_s, "half")], key=lambda step: step[0]):
        scene.run(max(0.0, (begun_ns + at * SECOND - scene.now_ns) / SECOND), case.step_ms)
        if what == "half":
            twin = Kernel(TABLE, Program(tuple(scene.kernel.program.rules)), 1)
            twin.restore(scene.kernel.snapshot())
            cut = (len(scene.given), len(scene.effects))
        elif isinstance(what, tuple):
            assert scene.ask(*what, role="operator").code == 0
        elif isinstance(what, dict):
            scene.set(what)
        else:
            turned = sum(turn <= at for turn in case.turns)
            assert scene.up() == (bool(turned % 2) != case.start), f"at {at} s"
    assert twin is not None
    again = [effect for stamp, given in scene.given[cut[0] :] for effect in twin.step(stamp, given)]
    again += twin.wake(scene.now_ns)
    assert [msgspec.to_builtins(e) for e in again] == [msgspec.to_builtins(e) for e in scene.effects[cut[1] :]]
    assert twin.snapshot() == scene.kernel.snapshot()


def test_the_heap_stays_small_however_often_a_rule_is_read() -> None:
    texts = [case.text.replace(" R ", f" R{n} ") for n, case in enumerate(CASES)]
    scene = Scene("\n".join(texts))
    scene.boot()
    assert scene.ask("permit.done", "gas_test", role="operator").code == 0
    for at in range(300):
        scene.set({"level": 100 + at % 7, "temp": 100 + at % 11, "g1": float(at % 13)})
        scene.run(0.1)
    assert len(scene.kernel._heap) < 4 * len(texts), "deadlines of one rule do not pile up"
