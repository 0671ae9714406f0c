"""The check as a whole: without the solver, with too little time, its budgets, its costs."""

from __future__ import annotations

import dataclasses
import gc
import sys
import tracemalloc

import pytest

from gateway.core.evaluate import Condition
from gateway.core.image import Image
from gateway.core.program import Alarm, Compare, Consecutive, Interlock, Tally
from gateway.rulebook import compile_rules
from gateway.rulebook.prove import check as whole
from gateway.rulebook.prove.budget import budget, total
from gateway.rulebook.prove.cost import cost
from gateway.rulebook.prove.example import Example
from gateway.rulebook.prove.plant import Steps, counted, step_test
from tests.rulebook.prove.conftest import alarm, control, found, lock, plant, report

LATE = lock("tank1.level < 30 cm hyst 5 cm for 2 s", then="stop pump7.permit within 1 s")


def test_without_the_solver_the_rest_is_found_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whole, "find_spec", lambda _name: None)
    for name in [name for name in sys.modules if name.startswith("z3")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "z3", None)  # importing it would fail
    got = report(LATE + control("co.kiln > 50 ppm"))
    assert [finding.code for finding in got.findings] == ["check.not-proven", "check.within"]
    assert not got.proven
    assert "pip install" in got.findings[0].remedy["en"]
    assert "pip install" in got.findings[0].remedy["zh-CN"]
    assert got.findings[0].severity == "warning"
    assert [rule.rule for rule in got.rules] == ["L", "C"]


def test_too_little_time_is_said_and_never_taken_for_a_proof() -> None:
    """A product of many unknowns, asked in a millisecond."""
    hard = lock("tank1.level * tank1.level * tank1.level * tank2.level - tank2.level * tank2.level * tank2.level * tank2.level "
                "* tank1.level = 17.001 cm and tank1.level * tank2.level * tank1.level * tank2.level = 12.37 cm")  # fmt: skip
    on = plant()
    compiled = compile_rules([("a.rules", hard)], on.table)
    if compiled.program is None:  # products of two lengths are refused: the same without units
        hard = alarm(
            "mode * mode * mode * mode - mode * mode * mode = 17.001 and mode * mode * mode * mode * mode = 12.37"
        )
    got = report(hard, on, limit_ms=1)
    codes = {finding.code for finding in got.findings}
    assert "check.never" in codes or ("check.not-decided" in codes and got.left_open)
    slow = report(alarm("mode * mode = 2"), on, limit_ms=5_000)
    assert slow.left_open == 0


def test_an_open_question_becomes_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    from gateway.rulebook.prove import question

    monkeypatch.setattr(question.Asker, "_ask", lambda *_args: ("open", None))
    got = report(lock("mode > 3 and mode < 2") .replace("mode > 3", "mode + 1 > 3") + control("co.kiln > 50 ppm"))  # fmt: skip
    open_ones = [finding for finding in got.findings if finding.code == "check.not-decided"]
    assert {finding.rule for finding in open_ones} == {"L", "C"}
    assert all("not decided" in finding.text["en"] and "未能判定" in finding.text["zh-CN"] for finding in open_ones)
    assert got.left_open >= len(open_ones)


def test_times_are_left_free_within_their_bounds() -> None:
    within = found(lock("rate(tank1.level, 5 min) > 150 cm/min hyst 5 cm/min"))
    beyond = found(lock("rate(tank1.level, 5 min) > 200 cm/min hyst 5 cm/min"))
    assert [finding.code for finding in within] == []
    assert [finding.code for finding in beyond] == ["check.never"], "300 cm in half of 5 min are at most 180 cm/min"
    assert found(lock("delta(tank1.level, 5 min) > 301 cm"))[0].code == "check.never"
    assert found(lock("moving(tank1.level, 5 min) > 299 cm")) == []
    both = found(lock("since(door.open = 1) > 10 min and since(door.open = 1) < 5 min"))
    assert [finding.code for finding in both] == ["check.never"]
    got = report(lock("count(door.open = 1, 10 min) >= 3") + alarm("mode > 3 hyst 1 for 2 s"))
    assert [rule.times_free for rule in got.rules] == [True, False]


def test_the_example_names_the_time_it_needs() -> None:
    rules = control("rate(co.kiln, 5 min) > 3 ppm/min hyst 1 ppm/min", name="ON")
    rules += control("mode = 2", then="set fan2.high = 0", name="OFF")
    hit = next(finding for finding in found(rules) if finding.code == "check.two-controls")
    assert "rate(co.kiln, 5 min) = " in hit.text["en"]
    assert "rate(co.kiln, 5 min) = " in hit.text["zh-CN"]
    assert hit.example is not None
    assert not hit.example.replayed, "what needs a time is not tried"


def test_a_way_through_a_hysteresis_is_told_step_by_step() -> None:
    example = Example(({"tank1.level": 29.9}, {"tank1.level": 33.0, "door.open": None}))
    assert example.words(plant(), "en") == "first tank1.level = 29.9 cm; then tank1.level = 33 cm, door.open is bad"
    assert example.words(plant(), "zh-CN") == "先 tank1.level = 29.9 cm；随后 tank1.level = 33 cm，door.open 为坏值"


def _rule(text: str) -> Interlock:
    compiled = compile_rules([("a.rules", text)], plant().table)
    assert compiled.program is not None
    rule = compiled.program.rules[0]
    assert isinstance(rule, Interlock)
    return rule


def test_the_budget_is_the_sum_of_its_links() -> None:
    rule = _rule(lock("(mode > 1 for 200 ms) and 2 of (gas1 > 5 ppm for 1 s, gas2 > 5 ppm for 3 s, gas3 > 5 ppm) for 2 s",
                      "on bad safe after 4 s", then="stop pump7.permit, confirm pump7.running = 0 within 7 s"))  # fmt: skip
    chain = budget(rule, plant(period_ms=250, stale_ms=800))
    assert [(item.what, item.ns / 1e6) for item in chain.output] == [
        ("poll", 250), ("delay", 3000), ("step", 20), ("write", 500), ("plc", 100)
    ]  # fmt: skip
    assert chain.whole_ns == total(chain.output) + 7_000_000_000
    assert chain.blind_ns == (800 + 4000 + 620 + 7000) * 1_000_000


def test_a_device_that_declares_its_times_is_taken_at_its_word() -> None:
    rule, usual = _rule(lock("tank1.level < 30 cm", then="stop pump7.permit within 1 s")), plant()
    quick = dataclasses.replace(usual.table.sources[0], scan_ms=20, write_ms=150)
    declared = dataclasses.replace(usual, table=dataclasses.replace(usual.table, sources=[quick]))
    assert [item.ns // 1_000_000 for item in budget(rule, declared).output[-2:]] == [150, 20]
    assert budget(rule, usual).output_ns - budget(rule, declared).output_ns == (350 + 80) * 1_000_000


COSTLY = [
    lock("tank1.level < 30 cm hyst 5 cm"),
    lock("2 of (gas1 > 5 ppm, gas2 > 5 ppm, gas3 > 5 ppm) and (mode > 1 for 5 s)"),
    lock("rate(tank1.level, 5 min) > 150 cm/min and eta(gas1, > 50 ppm, horizon = 30 min) < 20 min"),
    lock("count(door.open = 1, 10 min) >= 300 and both(gas1 > 5 ppm, gas2 > 5 ppm, 20 s) and since(mode = 1) > 5 s"),
]


@pytest.mark.parametrize("text", COSTLY)
def test_the_memory_of_a_rule_stays_below_its_bound(text: str) -> None:
    rule, on = _rule(text), plant()
    image, numbers = Image(on.table), on.table.names()
    ours = [tracemalloc.Filter(True, "*/gateway/core/*"), tracemalloc.Filter(True, __file__)]  # not other threads'
    tracemalloc.start()
    condition = Condition(rule.when, image, numbers, "safe", 0, lambda _ns: None)
    for step in range(3_000):
        for tag in on.table.tags:
            image.values[tag.number], image.qualities[tag.number] = float(step % 2), 0
        condition.root.read(step * 1_000_000_000)
    gc.collect()
    used = sum(trace.size for trace in tracemalloc.take_snapshot().filter_traces(ours).traces)
    tracemalloc.stop()
    assert used <= cost(rule).bytes * 1.0 + 2_000, "more than the bound and the condition's own frame"
    assert used >= cost(rule).bytes / 20, "a bound so wide says nothing"


@pytest.mark.parametrize(("kind", "span"), [("uint16", (0, 65535)), ("int32/cdab", (-(2**31), 2**31 - 1)), ("WORD", (0, 65535)),
                                            ("INT", (-32768, 32767)), ("float32", None), ("bool", None), ("real", None)])  # fmt: skip
def test_which_types_count(kind: str, span: tuple[int, int] | None) -> None:
    assert counted(kind) == span


@pytest.mark.parametrize("scale", [0.1, 1.0, -0.3, 0.01875, 7.0])
@pytest.mark.parametrize("op", ["<", "<=", ">", ">=", "=", "!="])
def test_a_threshold_on_counts_is_that_of_the_doubles(scale: float, op: str) -> None:
    from gateway.core.terms import OPERATORS

    steps = Steps(scale, -4.5, -300, 300)
    for limit in (0.3, -4.5, 12.0, 25.5, 4.4 * scale):
        found_test = step_test(op, limit, steps)  # type: ignore[arg-type]
        for n in range(-300, 301):
            told = op == "!=" if found_test is None else OPERATORS[found_test[0]](n, found_test[1])
            assert told == OPERATORS[op](steps.value(n), limit), (n, limit)


def test_the_cost_grows_with_what_is_remembered() -> None:
    row, few, many, plain = (
        cost(Alarm(name="A", when=when, priority=3, on_bad="alarm")).change_us
        for when in (
            Consecutive("seen", 3), Tally("seen", 1, ">=", 3), Tally("seen", 1, ">=", 30), Compare("mode", ">", 1.0),
        )
    )  # fmt: skip
    assert plain * 50 < row < few < many
