"""Computed numbers by hand-written tables: values, windows, what is missing, and when they change by themselves."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from desk import BAD, OVER, SECOND, SOFT, UNDER, Desk

from gateway.core.program import Absolute, Age, Arithmetic, Eta, Measure, Number, Pick, Term, Trend, Value
from gateway.core.terms import Reading, build, keeping, tags_of

A, B, C = Value("a"), Value("b"), Value("c")
MINUTE = 60 * SECOND


class Term_:
    """One term; `at` gives its number."""

    def __init__(self, term: Term) -> None:
        self.desk = Desk(Measure(A, ">", 0.0), "a", "b", "c")
        self.due: list[int] = []
        self.reading = Reading(self.desk.image, self.desk.names, self.due.append)  # type: ignore[arg-type]
        self.term = build(term, self.reading)

    def at(self, seconds: float, **values: object) -> float:
        self.desk.set(**values)
        self.reading.filling = self.reading.outside = False
        return self.term.read(round(seconds * SECOND))


@pytest.mark.parametrize(
    ("term", "a", "b", "c", "value"),
    [
        (A, 4.0, 0, 0, 4.0), (Number(2.5), 0, 0, 0, 2.5), (Arithmetic("+", A, B), 4, 3, 0, 7), (Arithmetic("-", A, B), 4, 3, 0, 1),
        (Arithmetic("*", A, B), 4, 3, 0, 12), (Arithmetic("/", A, B), 3, 4, 0, 0.75), (Arithmetic("/", A, B), 4, 0, 0, math.nan),
        (Pick("min", (A, B, C)), 4, 3, 8, 3), (Pick("max", (A, B, C)), 4, 3, 8, 8), (Pick("avg", (A, B, C)), 4, 3, 8, 5),
        (Pick("min", (A, B)), 4, BAD, 0, math.nan), (Pick("max", (A, B)), 4, BAD, 0, math.nan),
        (Pick("avg", (B, A)), 4, BAD, 0, math.nan), (Absolute(A), -4, 0, 0, 4), (Absolute(A), 4, 0, 0, 4),
        (Arithmetic("-", Pick("max", (A, B)), Absolute(C)), 1, 9, -4, 5), (A, BAD, 0, 0, math.nan),
    ],
)  # fmt: skip
def test_numbers(term: Term, a: object, b: object, c: object, value: float) -> None:
    assert repr(Term_(term).at(1, a=a, b=b, c=c)) == repr(float(value))


def test_a_value_out_of_range_is_taken_as_it_stands_but_into_no_window() -> None:
    plain, trend = Term_(Arithmetic("-", A, B)), Term_(Trend("delta", Arithmetic("-", A, Number(1.0)), MINUTE))
    for kind in (OVER, UNDER):
        assert plain.at(1, a=(kind, 120.0), b=20.0) == 100.0
        assert plain.reading.outside
        assert math.isnan(trend.at(1, a=(kind, 120.0)))
    assert plain.at(2, a=50.0) == 30.0
    assert not plain.reading.outside
    assert math.isnan(plain.at(3, b=BAD))
    assert plain.at(3, b=(SOFT, 10.0)) == 40.0
    assert not plain.reading.outside


def test_the_tags_of_a_term_in_written_order_each_once() -> None:
    term = Arithmetic("-", Pick("max", (B, A, Number(1.0))), Absolute(Trend("rate", Arithmetic("+", A, C), MINUTE)))
    assert tags_of(term) == ["b", "a", "c"]
    assert tags_of(Eta(B, ">", 5.0, MINUTE, MINUTE)) == ["b"]
    assert tags_of(Age("c")) == ["c"]


# --- windows ---


def filled(term: Term, slope_per_s: float, seconds: int = 120) -> Term_:
    """`a` rises evenly, one value a second, from 0."""
    made = Term_(term)
    for second in range(seconds + 1):
        made.at(second, a=slope_per_s * second)
    return made


def test_a_rate_is_per_minute_and_of_the_whole_window() -> None:
    made = filled(Trend("rate", A, MINUTE), 0.5)
    assert made.at(121) == pytest.approx(30.0)
    assert not made.reading.filling
    assert Term_(Trend("rate", A, MINUTE)).at(1, a=3.0) != 0.0


def test_a_window_less_than_half_known_has_no_rate_and_no_mean() -> None:
    for what in ("rate", "moving"):
        made = Term_(Trend(what, A, MINUTE))  # type: ignore[arg-type]
        seen = [made.at(second, a=float(second)) for second in range(40)]
        known = [at for at, value in enumerate(seen) if value == value]
        assert known == list(range(30, 40))
        assert made.at(20.5 + 60) == made.at(80.5)
        made.at(0, a=1.0)
    filling = Term_(Trend("rate", A, MINUTE))
    filling.at(1, a=1.0)
    assert filling.reading.filling


def test_delta_and_mean() -> None:
    delta, mean = filled(Trend("delta", A, MINUTE), 0.5), filled(Trend("moving", A, MINUTE), 0.5)
    assert delta.at(120) == pytest.approx(30.5), "from what held when its oldest bucket began"
    assert mean.at(120) == pytest.approx(0.5 * (60 + 119) / 2)
    assert delta.at(121, a=70.0) == pytest.approx(70.0 - 30.0)
    short = Term_(Trend("delta", A, MINUTE))
    assert short.at(1, a=5.0) == 0.0
    assert short.at(2, a=8.0) == 3.0


def test_what_is_bad_is_missing_in_a_trend() -> None:
    made = filled(Trend("rate", A, MINUTE), 0.5)
    assert math.isnan(made.at(121, a=BAD))
    assert not made.reading.filling, "it is lost, and not merely young"


def test_a_window_asks_for_one_deadline_at_the_end_of_its_bucket() -> None:
    made = Term_(Trend("rate", A, MINUTE))
    made.at(1.2, a=1.0)
    made.at(1.5, a=2.0)
    assert made.due == [2 * SECOND]
    made.at(2, a=3.0)
    made.at(4.1)
    assert made.due == [2 * SECOND, 3 * SECOND, 5 * SECOND]


def test_eta() -> None:
    rising = filled(Eta(A, ">", 100.0, 300 * SECOND, MINUTE), 0.5)
    assert rising.at(120) == pytest.approx(80.0)
    assert rising.at(120, a=100.0) == pytest.approx(0.0)
    assert rising.at(120, a=101.0) == 0.0
    falling = filled(Eta(A, "<", -100.0, 300 * SECOND, MINUTE), -0.5)
    assert falling.at(120) == pytest.approx(80.0)
    for term in (Eta(A, "<", -100.0, 300 * SECOND, MINUTE), Eta(A, "<=", -100.0, 300 * SECOND, MINUTE)):
        assert filled(term, 0.5).at(120) == math.inf, "it goes the other way"
        assert filled(term, 0.0).at(120) == math.inf
    for term in (Eta(A, ">", 100.0, 300 * SECOND, MINUTE), Eta(A, ">=", 100.0, 300 * SECOND, MINUTE)):
        assert filled(term, -0.5).at(120) == math.inf
        assert filled(term, 0.0).at(120) == math.inf
    assert filled(Eta(A, ">", 100.0, 79 * SECOND, MINUTE), 0.5).at(120) == math.inf, "beyond the horizon"
    assert filled(Eta(A, ">", 100.0, 81 * SECOND, MINUTE), 0.5).at(120) < 81
    exact = filled(Eta(A, ">=", 100.0, 80 * SECOND, MINUTE), 0.5)
    assert exact.at(120) == pytest.approx(80.0)
    young = Term_(Eta(A, ">", 100.0, 300 * SECOND, MINUTE))
    assert math.isnan(young.at(1, a=1.0))
    assert young.reading.filling
    assert young.at(2, a=101.0) == 0.0, "true now, whatever the trend"
    assert math.isnan(young.at(3, a=BAD))


def test_age_counts_from_the_last_change_that_was_seen() -> None:
    made = Term_(Age("a"))
    assert math.isnan(made.at(1))
    assert [made.at(second, a=5.0) for second in (2, 3, 12)] == [0.0, 1.0, 10.0]
    assert made.at(13, a=6.0) == 0.0
    assert math.isnan(made.at(14, a=BAD))
    assert made.at(15, a=6.0) == 2.0, "the same value again"
    desk = Desk(Measure(Age("a"), ">", 10.0), "a")
    assert desk.at(1) == "no~"
    assert desk.dues() == [3.0], "nothing but its badness"
    assert desk.at(2, a=5.0) == "no"
    assert desk.at(3, a=5.0) == "no"
    assert desk.dues() == [12.0], "asked for once"
    assert desk.at(12) == "no"
    assert desk.dues() == [12.000000001]
    assert desk.at(12.000000001) == "yes"
    assert desk.dues() == []
    assert desk.reloaded().at(20) == "yes"
    fresh = Term_(Age("a"))
    (part,) = keeping(fresh.term)
    assert part.save() == [None, -1, -1]
    part.load([None, -1, -1])
    assert fresh.at(5, a=1.0) == 0.0
    part.load([1.0, 3 * SECOND, -1])
    assert fresh.at(5, a=1.0) == 2.0


def test_a_snapshot_of_nested_windows() -> None:
    term = Arithmetic("-", Trend("rate", A, MINUTE), Pick("max", (Eta(B, ">", 9.0, MINUTE, MINUTE), Age("c"))))
    made = Term_(term)
    assert len(list(keeping(made.term))) == 3
    desk = Desk(Measure(term, ">", -30.0), "a", "b", "c")
    for second in range(100):
        desk.at(second, a=second / 2, b=second / 10, c=1.0)
    twin = desk.reloaded()
    for second in range(100, 140):
        values = {"a": second / 3, "b": 9.5 if second > 120 else 1.0, "c": float(second // 20)}
        assert twin.at(second, **values) == desk.at(second, **values)


# --- a comparison of a computed number ---


def test_a_gauge_is_bad_where_one_of_its_tags_is() -> None:
    desk = Desk(Measure(Arithmetic("-", A, B), ">", 10.0, 2.0), "a", "b")
    assert desk.at(1, a=20.0, b=5.0) == "yes"
    assert desk.at(2, b=11.5) == "yes", "hysteresis"
    assert desk.at(2, b=12.0) == "no"
    assert desk.at(3, b=(SOFT, 5.0)) == "yes~"
    assert desk.at(4, b=(SOFT, 15.0)) == "no~"
    assert desk.at(5, b=5.0) == "yes"
    assert desk.at(6, b=BAD) == "yes~"
    assert desk.leaf().bad_tag() == "b"
    assert desk.at(8) == "?"
    assert desk.causes() == ["b bad"]
    desk.bypass(True, 9)
    assert desk.at(9) == "left"


@pytest.mark.parametrize(
    ("values", "demanding", "answer"),
    [
        ({"a": (OVER, 120.0), "b": 1.0}, True, "yes"),
        ({"a": (UNDER, -5.0), "b": 1.0}, True, "no~"),
        ({"a": (OVER, 120.0), "b": BAD}, True, "no~"),  # something else is missing
        ({"a": (OVER, 120.0), "b": 1.0}, False, "no~"),
    ],
)
def test_a_gauge_out_of_range_on_the_demand_side_is_demand(
    values: dict[str, object], demanding: bool, answer: str
) -> None:
    desk = Desk(Measure(Pick("max", (A, B)), ">", 10.0), "a", "b", demanding=demanding)
    assert desk.at(1, **values) == answer
