"""Robust trends: right on a ramp, unmoved by wild buckets, as sure as they say, and the same after a snapshot."""

from __future__ import annotations

import math
import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_terms import MINUTE, A, Term_

from gateway.core.program import Eta, Trend, canonical, load
from gateway.core.terms import keeping
from gateway.core.windows import BUCKETS, LEAST, SURE, fit
from gateway.rulebook import compile_rules
from gateway.rulebook.formula import expression
from tests.warning import plain_table


def test_a_ramp_has_its_slope_and_no_doubt() -> None:
    line = fit([3.0 + 0.5 * at for at in range(BUCKETS)], 2.0)
    assert line.slope == pytest.approx(1.0)
    assert line.error == pytest.approx(0.0, abs=1e-12)
    assert line.level == pytest.approx(33.0)
    assert line.sure_slope(99) == pytest.approx(1.0)
    few = [1.0] * (LEAST - 1) + [math.nan] * (BUCKETS - LEAST + 1)
    assert math.isnan(fit(few, 1.0).slope)


def test_a_quarter_of_wild_buckets_turns_no_trend() -> None:
    wild = [1e6 if at % 4 == 1 else 10.0 + 0.1 * at for at in range(BUCKETS)]
    assert fit(wild, 1.0).slope == pytest.approx(0.1, rel=0.02)
    gaps = [math.nan if at % 3 == 1 else y for at, y in enumerate(wild)]
    assert fit(gaps, 1.0).slope == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("sure", SURE)
def test_the_interval_holds_the_truth_as_often_as_it_says(sure: int) -> None:
    draw, inside, trials = random.Random(7), 0, 400
    for _ in range(trials):
        line = fit([0.02 * at + draw.gauss(0, 1) for at in range(BUCKETS)], 1.0)
        inside += abs(line.slope - 0.02) <= SURE[sure] * line.error
    assert inside / trials >= sure / 100 - 0.05


def test_noise_alone_is_a_slope_for_least_squares_and_none_that_is_sure() -> None:
    draw = random.Random(3)
    loose, sure = Term_(Trend("rate", A, MINUTE)), Term_(Trend("rate", A, MINUTE, 99))
    for at in range(60):
        value = 50.0 + draw.gauss(0, 1)
        slopes = loose.at(at + 1, a=value), sure.at(at + 1, a=value)
    assert slopes[0] != 0.0
    assert slopes[1] == 0.0


def test_a_sure_eta_is_never_before_the_plain_one_and_ends_with_it() -> None:
    draw = random.Random(5)
    plain, sure = Term_(Eta(A, ">", 100.0, 10 * MINUTE, MINUTE)), Term_(Eta(A, ">", 100.0, 10 * MINUTE, MINUTE, 95))
    for at in range(1, 90):
        value = 20.0 + 0.5 * at + draw.gauss(0, 0.5)
        left = plain.at(at, a=value), sure.at(at, a=value)
        if at > 70:
            truth = (100.0 - 20.0 - 0.5 * at) / 0.5
            assert left[1] > left[0] - 10
            assert truth - 10 < left[1] < truth + 60
    assert sure.at(90, a=101.0) == 0.0
    falling = Term_(Eta(A, "<", 0.0, 10 * MINUTE, MINUTE, 95))
    assert [falling.at(at, a=50.0) for at in range(1, 70)][-1] == math.inf


def test_a_restored_window_draws_the_same_line() -> None:
    one, other = Term_(Trend("rate", A, MINUTE, 90)), Term_(Trend("rate", A, MINUTE, 90))
    for at in range(1, 80):
        value = one.at(at, a=20.0 + at + at % 7)
    for part, data in zip(keeping(other.term), [part.save() for part in keeping(one.term)], strict=True):
        part.load(data)
    assert other.at(80, a=20.0) == one.at(80, a=20.0)
    assert value > 0


def test_how_it_is_written_and_that_other_rules_keep_their_hash() -> None:
    def when(text: str) -> tuple[bytes, str, set[str]]:
        rule = f"alarm A when {text} then alarm priority P3 end"
        compiled = compile_rules([("a.rules", rule)], plain_table())
        if compiled.program is None:
            return b"", "", {problem.code for problem in compiled.problems}
        assert load(canonical(compiled.program)) == compiled.program
        return (
            canonical(compiled.program),
            expression(compiled.program.rules[0].when, {"rx.temp": "degC"}, as_rule=True),
            set(),
        )

    for text in (
        "rate(rx.temp, 5 min, sure = 95 %) > 1.5 degC/min",
        "eta(rx.temp, > 185 degC, horizon = 30 min, window = 5 min, sure = 90 %) < 20 min",
    ):
        data, printed, _ = when(text)
        assert printed == f"({text})"
        assert when(printed[1:-1])[0] == data
    assert b'"sure"' not in when("rate(rx.temp, 5 min) > 1.5 degC/min")[0]
    for text in ("rate(rx.temp, 5 min, sure = 97 %) > 1 degC/min", "delta(rx.temp, 5 min, sure = 95 %) > 1 degC"):
        assert when(text)[2] == {"rule.arguments"}
