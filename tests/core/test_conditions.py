"""Every node of a condition by hand-written tables: what it says, from when on, and which deadline it asks for."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from desk import BAD, OVER, SECOND, SOFT, UNDER, Desk

from gateway.core.evaluate import STAMP_LOOK_NS
from gateway.core.leaves import BYPASSED, DOUBTFUL, FIT, LOST, MISSING
from gateway.core.program import And, Both, Compare, Consecutive, Count, Done, For, Good, Not, Or, Since, Tally, Vote

HIGH, LOW = Compare("a", ">", 10.0, 2.0), Compare("a", "<", 10.0, 2.0)
B = Compare("b", ">", 10.0)


def vote(k: int, n: int = 3) -> Vote:
    return Vote(k, tuple(Compare(tag, ">", 10.0) for tag in "abcd"[:n]))


# --- one comparison ---


@pytest.mark.parametrize(
    ("op", "answers"),
    [
        ("<", ["yes", "no", "no"]), ("<=", ["yes", "yes", "no"]), (">", ["no", "no", "yes"]),
        (">=", ["no", "yes", "yes"]), ("=", ["no", "yes", "no"]), ("!=", ["yes", "no", "yes"]),
    ],
)  # fmt: skip
def test_operators(op: str, answers: list[str]) -> None:
    desk = Desk(Compare("a", op, 10.0), "a")  # type: ignore[arg-type]
    assert [desk.at(1, a=value) for value in (9.0, 10.0, 11.0)] == answers


def test_hysteresis_holds_a_truth_and_never_makes_one() -> None:
    high, low = Desk(HIGH, "a"), Desk(LOW, "a")
    assert [high.at(1, a=value) for value in (9.0, 10.5, 9.0, 8.0, 9.0)] == ["no", "yes", "yes", "no", "no"]
    assert [low.at(1, a=value) for value in (11.0, 9.5, 11.0, 12.0, 11.0)] == ["no", "yes", "yes", "no", "no"]
    equal = Desk(Compare("a", ">=", 10.0, 2.0), "a")
    assert [equal.at(1, a=value) for value in (10.0, 8.0, 7.9)] == ["yes", "yes", "no"]
    below = Desk(Compare("a", "<=", 10.0, 2.0), "a")
    assert [below.at(1, a=value) for value in (10.0, 12.0, 12.1)] == ["yes", "yes", "no"]


def test_a_bad_input_holds_its_truth_softly_until_its_badness_counts() -> None:
    desk = Desk(HIGH, "a")
    assert desk.at(1, a=20.0) == "yes"
    assert desk.at(3, a=BAD) == "yes~"
    assert (desk.leaf().state, desk.condition.inputs.unfit, desk.condition.inputs.lost) == (MISSING, 1, 0)
    assert desk.dues() == [5.0]
    assert desk.at(4.999) == "yes~"
    assert desk.dues() == []
    assert desk.at(5) == "?"
    assert (desk.leaf().state, desk.condition.inputs.unfit, desk.condition.inputs.lost) == (LOST, 1, 1)
    assert desk.at(60) == "?"
    desk.condition.inputs.dirty = False
    assert desk.at(61, a=5.0) == "no"
    assert desk.condition.inputs.dirty
    assert (desk.condition.inputs.unfit, desk.condition.inputs.lost, desk.leaf().state) == (0, 0, FIT)
    assert desk.condition.inputs.fit_since_ns == 61 * SECOND
    assert desk.at(62, a=BAD) == "no~", "what it held"


def test_each_badness_has_its_own_time() -> None:
    desk = Desk(HIGH, "a")
    desk.at(1, a=5.0)
    assert desk.at(2, a=BAD) == "no~"
    assert desk.at(3, a=5.0) == "no"
    assert desk.at(3.5, a=BAD) == "no~"
    assert desk.dues() == [4.0, 5.5]
    assert desk.at(5.4) == "no~"
    assert desk.at(5.5) == "?"


def test_what_was_never_heard_is_no_demand_at_first_and_no_reason_to_clear() -> None:
    assert Desk(HIGH, "a").at(1) == "no~"
    assert Desk(Not(HIGH), "a").at(1) == "no~"
    desk = Desk(HIGH, "a")
    desk.at(1)
    assert desk.dues() == [3.0]
    assert desk.at(3) == "?"


def test_an_uncertain_value_may_demand_and_is_never_firm() -> None:
    desk = Desk(HIGH, "a")
    assert desk.at(1, a=(SOFT, 20.0)) == "yes~"
    assert desk.at(2, a=(SOFT, 9.0)) == "yes~", "within its hysteresis"
    assert desk.at(3, a=(SOFT, 7.0)) == "no~"
    assert desk.leaf().state == DOUBTFUL
    assert desk.condition.inputs.unfit == 1
    assert desk.at(4, a=7.0) == "no"
    assert desk.at(5, a=(SOFT, 9.0)) == "no~"


@pytest.mark.parametrize(
    ("expression", "kind", "answer"),
    [
        (HIGH, OVER, "yes"), (HIGH, UNDER, "no~"), (LOW, UNDER, "yes"), (LOW, OVER, "no~"),
        (Not(HIGH), UNDER, "yes"), (Not(HIGH), OVER, "no~"), (Not(LOW), OVER, "yes"), (Not(LOW), UNDER, "no~"),
        (Compare("a", "=", 10.0), OVER, "no~"), (Compare("a", "!=", 10.0), UNDER, "no~"),
        (Compare("a", ">=", 10.0), OVER, "yes"), (Compare("a", "<=", 10.0), UNDER, "yes"),
    ],
)  # fmt: skip
def test_out_of_range_on_the_demand_side_is_demand_at_once(expression: Compare, kind: str, answer: str) -> None:
    desk = Desk(expression, "a")
    assert desk.at(1, a=(kind, 50.0)) == answer
    assert (desk.leaf().state == DOUBTFUL) == (answer == "yes")
    asking = Desk(expression, "a", demanding=False)
    assert asking.at(1, a=(kind, 50.0)) == "no~", "in a permissive it is nothing"


def test_a_bypass_takes_the_input_out_and_gives_it_back_as_it_is() -> None:
    desk = Desk(HIGH, "a")
    desk.at(1, a=20.0)
    desk.bypass(True, 2)
    assert desk.at(2) == "left"
    assert (desk.leaf().state, desk.condition.inputs.unfit) == (BYPASSED, 0)
    desk.bypass(False, 3)
    assert desk.at(3) == "yes"
    desk.bypass(True, 4)
    desk.at(4, a=BAD)
    assert desk.leaf().state == BYPASSED
    desk.bypass(False, 9)
    assert desk.at(9) == "?", "its badness had its time"
    assert (desk.leaf().state, desk.condition.inputs.lost, desk.condition.inputs.unfit) == (LOST, 1, 1)
    desk.bypass(True, 10)
    assert (desk.condition.inputs.lost, desk.condition.inputs.unfit) == (0, 0)
    desk.bypass(False, 11)
    desk.bypass(False, 12)
    assert desk.leaf().state == LOST


def test_what_a_leaf_says_of_itself() -> None:
    desk = Desk(HIGH, "a")
    assert desk.leaf().describe() == "a > 10"
    assert desk.leaf().describe({"a": "cm"}) == "a > 10 cm"
    assert desk.leaf().opposite() == "a <= 10"
    desk.at(1, a=20.0)
    assert desk.leaf().cause() == "a > 10"
    assert desk.leaf().last == 2
    desk.at(2, a=BAD)
    assert (desk.leaf().last, desk.leaf().cause()) == (6, "a bad")
    desk.at(4.1)
    assert (desk.leaf().last, desk.leaf().cause()) == (3, "a bad")
    under = Desk(Not(HIGH), "a")
    under.at(1, a=5.0)
    assert under.leaf().cause() == "a <= 10"
    for op, other in (("<", ">="), ("<=", ">"), (">", "<="), (">=", "<"), ("=", "!="), ("!=", "=")):
        assert Desk(Compare("a", op, 1.0), "a").leaf().opposite() == f"a {other} 1"  # type: ignore[arg-type]


# --- and, or, not, votes ---


def test_and_or_not_of_two() -> None:
    both, either, none = (Desk(n, "a", "b") for n in (And((HIGH, B)), Or((HIGH, B)), Not(Or((HIGH, B)))))
    table = [
        (5, 5, "no", "no", "yes"),
        (20, 5, "no", "yes", "no"),
        (5, 20, "no", "yes", "no"),
        (20, 20, "yes", "yes", "no"),
    ]
    for a, b, first, second, third in table:
        assert (both.at(1, a=a, b=b), either.at(1, a=a, b=b), none.at(1, a=a, b=b)) == (first, second, third)
    for desk in (both, either, none):
        desk.at(2, a=5.0, b=BAD)
    assert (both.at(5), either.at(5), none.at(5)) == ("no", "?", "?")
    assert (both.at(6, a=20.0), either.at(6, a=20.0), none.at(6, a=20.0)) == ("?", "yes", "no")


def test_an_item_that_left_drops_out_of_and_and_or() -> None:
    for node in (And((HIGH, B)), Or((HIGH, B))):
        desk = Desk(node, "a", "b")
        desk.at(1, a=20.0, b=5.0)
        desk.bypass(True, 1)
        assert desk.at(1) == "no"
        assert desk.at(2, b=20.0) == "yes"
        desk.bypass(True, 2, at=1)
        assert desk.at(2) == "left"


@pytest.mark.parametrize(
    ("policy", "k", "bad", "answers"),
    [  # answers with 0, 1, 2 of the good channels true
        ("safe", 2, 0, ["no", "no", "yes", "yes"]), ("safe", 2, 1, ["no", "yes", "yes"]), ("safe", 2, 2, ["no~", "yes"]),
        ("safe", 2, 3, ["?"]), ("trip", 2, 1, ["no", "yes", "yes"]), ("trip", 2, 2, ["?", "yes"]),
        ("avail", 2, 1, ["no", "no~", "yes"]), ("avail", 2, 2, ["no~", "yes"]), ("avail", 2, 3, ["?"]),
        ("deny", 2, 1, ["no", "yes", "yes"]),
    ],
)  # fmt: skip
def test_votes_with_bad_channels(policy: str, k: int, bad: int, answers: list[str]) -> None:
    for true, answer in enumerate(answers):
        desk = Desk(vote(k), "a", "b", "c", policy=policy)
        values: dict[str, object] = dict.fromkeys("abc", 5.0)
        desk.at(1, **values)
        values |= dict.fromkeys("abc"[:true], 20.0) | dict.fromkeys("abc"[3 - bad :], BAD)
        desk.at(2, **values)
        assert desk.at(4) == answer, true


def test_votes_with_channels_that_left_or_are_doubtful() -> None:
    desk = Desk(vote(2), "a", "b", "c")
    desk.at(1, a=20.0, b=5.0, c=5.0)
    desk.bypass(True, 1)
    assert desk.at(1) == "no"
    assert desk.at(2, b=20.0) == "yes", "2oo3 without one is 1oo2"
    assert desk.at(3, b=(SOFT, 20.0)) == "yes~"
    assert desk.at(3, b=(SOFT, 20.0), c=20.0) == "yes"
    assert desk.at(3, b=5.0, c=(SOFT, 5.0)) == "no~"
    for at in (1, 2):
        desk.bypass(True, 4, at)
    assert desk.at(4) == "left"


def test_votes_where_nobody_is_asked_for_safety_are_kleene() -> None:
    """In a permissive and under `not` a vote for a bad channel would be one against demand."""
    for node, yes, no in ((vote(2), "yes", "no"), (Not(vote(2)), "no", "yes")):
        desk = Desk(node, "a", "b", "c", demanding=not isinstance(node, Vote))
        desk.at(1, a=20.0, b=5.0, c=5.0)
        assert desk.at(1) == no
        assert desk.at(2, c=(SOFT, 20.0)) == f"{yes}~"
        assert desk.at(2, c=20.0) == yes
        desk.at(3, c=BAD)
        assert desk.at(5) == "?"
        assert desk.at(6, a=5.0) == no, "one cannot be two"
        assert desk.at(7, a=20.0, b=20.0) == yes
        assert desk.at(8, a=5.0, b=(SOFT, 5.0), c=20.0) == f"{no}~"


def test_the_first_causes() -> None:
    desk = Desk(Or((HIGH, B)), "a", "b")
    desk.at(1, a=5.0, b=5.0)
    assert desk.at(2, b=20.0) == "yes"
    desk.at(3, a=20.0)
    assert desk.causes() == ["b > 10"]
    desk.at(4, a=5.0, b=5.0)
    desk.at(5, a=20.0, b=20.0)
    assert desk.causes() == ["a > 10", "b > 10"]
    desk.at(6, a=5.0)
    assert desk.causes() == ["b > 10"]
    under = Desk(And((Not(HIGH), B)), "a", "b")
    under.at(1, a=5.0, b=20.0)
    assert under.causes() == ["a <= 10", "b > 10"]


def test_a_bad_channel_is_a_cause_only_where_its_badness_was_a_vote() -> None:
    for policy, causes in (("safe", ["a > 10"]), ("trip", ["a > 10", "c bad"])):
        desk = Desk(vote(2), "a", "b", "c", policy=policy)
        desk.at(1, a=5.0, b=5.0, c=BAD)
        desk.at(3)
        assert desk.at(3, a=20.0) == "yes"
        assert sorted(desk.causes()) == sorted(causes)
    none = Desk(vote(2), "a", "b", "c")
    none.at(1, a=BAD, b=BAD, c=BAD)
    assert none.at(3) == "?"
    assert none.causes() == ["a bad", "b bad", "c bad"]
    quiet = Desk(vote(2), "a", "b", "c")
    quiet.at(1, a=20.0, b=5.0, c=5.0)
    assert quiet.causes() == ["a > 10"], "asked while nothing demands: what stands against"
    quiet.bypass(True, 2)
    quiet.at(2)
    assert quiet.causes() == []


# --- time ---


def test_for_starts_when_true_and_only_a_good_false_resets_it() -> None:
    desk = Desk(For(HIGH, 5 * SECOND), "a")
    assert desk.at(1, a=20.0) == "no~"
    assert desk.dues() == [6.0]
    assert desk.at(3) == "no~"
    assert desk.dues() == [], "one pending deadline is enough"
    assert desk.at(5.9) == "no~"
    assert desk.at(6) == "yes"
    assert desk.at(7, a=5.0) == "no"
    assert desk.at(8, a=20.0) == "no~"
    assert desk.dues() == [13.0]
    assert desk.at(9, a=5.0) == "no"
    assert desk.at(10, a=20.0) == "no~"
    assert desk.dues() == []
    assert desk.at(13) == "no~"
    assert desk.dues() == [15.0], "it came too early and asks again"
    assert desk.at(14, a=BAD) == "no~"
    assert desk.at(15) == "yes~", "unknown lets it run on"
    assert desk.at(20) == "yes~"
    assert desk.at(21, a=(SOFT, 5.0)) == "yes~", "a doubtful false does not reset it"
    assert desk.at(22, a=5.0) == "no"


def test_for_does_not_start_on_what_is_unknown() -> None:
    desk = Desk(For(HIGH, 5 * SECOND), "a")
    desk.at(1, a=BAD)
    assert desk.at(4) == "?"
    assert desk.at(60) == "?"
    assert desk.at(61, a=20.0) == "no~"
    assert desk.at(65.9) == "no~"
    running = desk.reloaded()
    assert running.at(65.9) == "no~"
    assert running.at(66) == "yes"
    desk.bypass(True, 66)
    assert desk.at(66) == "left"
    desk.bypass(False, 67)
    assert desk.at(67) == "no~"
    assert desk.at(71.9, a=BAD) == "no~"
    assert desk.at(73.9) == "yes~"
    unknown = Desk(For(HIGH, 50 * SECOND), "a")
    unknown.at(1, a=20.0)
    unknown.at(2, a=BAD)
    assert unknown.at(4) == "?", "begun, and not known any more"


def test_both_within_a_time() -> None:
    desk = Desk(Both((HIGH, B), 10 * SECOND), "a", "b")
    assert desk.at(1, a=20.0, b=5.0) == "no"
    assert desk.at(5, a=5.0) == "no"
    assert desk.dues() == [15.0], "when the past of a ends"
    assert desk.at(6, b=20.0) == "yes"
    assert desk.at(7, b=5.0) == "yes"
    assert desk.at(14.9) == "yes"
    assert desk.at(15) == "no"
    assert desk.at(16.9, a=20.0) == "yes", "b was 9.9 s ago"
    assert desk.at(17) == "no"
    again = desk.reloaded()
    assert (again.at(18, b=20.0), desk.at(18, b=20.0)) == ("yes", "yes")
    desk.at(19, a=5.0)
    assert desk.at(20, a=BAD) == "yes"
    assert desk.at(40) == "?"
    desk.bypass(True, 41)
    assert desk.at(41) == "yes"
    desk.bypass(True, 41, at=1)
    assert desk.at(41) == "left"


def test_both_remembers_how_sure_it_was() -> None:
    desk = Desk(Both((HIGH, B), 10 * SECOND), "a", "b")
    assert desk.at(1, a=(SOFT, 20.0), b=20.0) == "yes~"
    assert desk.at(2, a=20.0) == "yes"
    assert desk.at(3, a=(SOFT, 5.0)) == "yes", "firm a moment ago"
    assert desk.at(12.9) == "yes"
    assert desk.at(13) == "no~"
    lost = Desk(Both((HIGH, B), 10 * SECOND), "a", "b")
    lost.at(1, a=BAD, b=20.0)
    assert lost.at(3) == "?"
    assert lost.at(4, a=5.0) == "?", "it may have been true a moment ago"
    assert lost.at(13.9) == "?"
    assert lost.at(14) == "no"


@pytest.mark.parametrize(
    ("op", "answers"),
    [("<", "yes yes no no"), ("<=", "yes yes yes no"), (">", "no no no yes"), (">=", "no no yes yes")],
)
def test_since(op: str, answers: str) -> None:
    desk = Desk(Since(HIGH, op, 60 * SECOND), "a")  # type: ignore[arg-type]
    assert desk.at(0, a=20.0) == answers.split()[0]
    assert desk.dues() == [60.0]
    assert desk.at(20, a=5.0) == answers.split()[0], "it was true until this moment, though nothing was heard meanwhile"
    assert desk.reloaded().at(60) == answers.split()[0]
    seen = [desk.at(21), desk.at(79), desk.at(80), desk.at(80.000000001)]
    assert seen == answers.split()
    assert desk.dues() == [80.0, 80.000000001]


def test_since_before_anything_was_seen() -> None:
    long, short = (Desk(Since(HIGH, op, 60 * SECOND), "a") for op in (">", "<"))
    assert [long.at(1, a=5.0), short.at(1, a=5.0)] == ["no~", "yes~"], "at least, not exactly, what is counted"
    assert [long.at(62), short.at(62)] == ["yes", "no"], "longer than that in any case"
    assert long.reloaded().at(63) == "yes"
    assert long.at(64, a=20.0) == "no"
    assert long.reloaded().at(65, a=5.0) == "no"
    assert long.at(66, a=5.0) == "no"
    long.at(67, a=BAD)
    assert long.at(70) == "no", "less than a minute, whatever it is now"
    assert long.at(130) == "?", "it may be true this instant"
    assert long.at(131, a=(SOFT, 5.0)) == "yes~"
    long.bypass(True, 132)
    assert long.at(132) == "left"
    true = Desk(Since(HIGH, "<", 60 * SECOND), "a")
    assert true.at(1, a=(SOFT, 20.0)) == "yes~"


@pytest.mark.parametrize(
    ("op", "answers"), [(">=", "no no yes yes no"), (">", "no no no yes no"), ("<", "yes yes no no yes")]
)
def test_count(op: str, answers: str) -> None:
    desk = Desk(Count(HIGH, 60 * SECOND, op, 2), "a")  # type: ignore[arg-type]
    seen = [desk.at(0, a=5.0)]
    for second in (10, 20, 30):
        seen.append(desk.at(second, a=20.0))
        assert desk.at(second + 1, a=20.0) == seen[-1], "still the same turn"
        desk.at(second + 2, a=5.0)
    assert desk.dues() == [70.0], "one pending deadline is enough: when the oldest turn leaves"
    assert desk.reloaded().at(69.9) == seen[-1]
    desk.at(70)
    assert desk.dues() == [80.0]
    desk.at(80)
    assert desk.dues() == [90.0]
    seen.append(desk.at(90))
    assert seen == answers.split()


def test_count_of_what_is_doubtful_or_unknown() -> None:
    desk = Desk(Count(HIGH, 60 * SECOND, ">=", 2), "a")
    desk.at(0, a=5.0)
    desk.at(1, a=20.0)
    desk.at(2, a=5.0)
    assert desk.at(3, a=(SOFT, 20.0)) == "yes~"
    assert desk.at(4, a=5.0) == "yes~", "its last turn is doubtful"
    assert desk.at(62, a=5.0) == "no~"
    assert desk.at(63, a=5.0) == "no"
    desk.at(64, a=20.0)
    assert desk.at(65, a=BAD) == "no~"
    assert desk.at(67) == "?", "it may be turning this instant"
    assert desk.at(68, a=20.0) == "no", "it was true all the time"
    assert desk.reloaded().at(69, a=20.0) == "no"
    desk.bypass(True, 70)
    assert desk.at(70) == "left"


def test_done_is_looked_at_when_its_time_is_over_and_every_ten_minutes() -> None:
    ages = {"gas_test": -1}
    desk = Desk(Done("gas_test", 1800 * SECOND), stamped=lambda name, now_ns: ages[name])
    assert desk.at(1) == "no"
    assert desk.dues() == []
    ages["gas_test"] = 0
    assert desk.at(2) == "yes"
    assert desk.dues() == [2 + STAMP_LOOK_NS / SECOND]
    ages["gas_test"] = 1799 * SECOND
    assert desk.at(3) == "yes"
    assert desk.dues() == [4.000000001]
    ages["gas_test"] = 1800 * SECOND
    assert desk.at(4) == "yes"
    ages["gas_test"] += 1
    assert desk.at(5) == "no"
    assert Desk(Done("gas_test", SECOND)).at(1) == "no", "nobody notes anything"


def test_what_stands_under_a_time_node_is_its_cause() -> None:
    for node in (Count(HIGH, 60 * SECOND, ">=", 1), Both((HIGH,), 60 * SECOND), Since(HIGH, "<", 60 * SECOND)):
        desk = Desk(Or((node, B)), "a", "b")
        desk.at(1, a=20.0, b=5.0)
        assert desk.at(2, a=5.0) == "yes"
        assert [leaf.tags for leaf in desk.condition.first_true()] == [("a",)]
    long = Desk(Since(HIGH, ">", 60 * SECOND), "a")
    long.at(1, a=20.0)
    long.at(2, a=5.0)
    assert long.at(120) == "yes"
    assert long.causes() == ["a <= 10"], "that it has been false for long is the cause"


def test_a_few_of_something_is_the_other_demand_side() -> None:
    rare, often = (Desk(Count(HIGH, 60 * SECOND, op, 2), "a") for op in ("<", ">="))
    assert (rare.leaf().against, often.leaf().against) == (1, 2)
    since = [Desk(Since(HIGH, op, 60 * SECOND), "a").leaf().against for op in (">", ">=", "<", "<=")]  # type: ignore[arg-type]
    assert since == [1, 1, 2, 2]
    assert [Desk(Count(HIGH, SECOND, op, 2), "a").leaf().against for op in ("<", "<=", ">")] == [1, 1, 2]  # type: ignore[arg-type]


def test_the_tags_behind_it_and_votes_are_told_apart() -> None:
    desk = Desk(And((HIGH, Vote(1, (B, LOW)), Vote(1, (B,)))), "a", "b")
    assert desk.condition.reads() == {0, 1}
    assert [leaf.vote for leaf in desk.condition.leaves()] == [0, 1, 1, 2]
    assert desk.condition.occasions() == 0


def test_a_snapshot_holds_all_of_it() -> None:
    desk = Desk(And((For(HIGH, 5 * SECOND), Or((Both((B, HIGH), SECOND), Count(B, SECOND, ">", 1))))), "a", "b")
    desk.at(1, a=20.0, b=BAD)
    desk.at(3.5)
    desk.condition.inputs.dirty = True
    twin = desk.reloaded()
    mine, its = desk.condition.inputs, twin.condition.inputs
    assert (its.unfit, its.lost, its.fit_since_ns, its.dirty) == (mine.unfit, mine.lost, mine.fit_since_ns, mine.dirty)
    assert mine.lost == 2
    for second, values in ((4, {}), (6, {"b": 20.0}), (7, {"a": 5.0}), (8, {"a": 20.0, "b": 5.0})):
        assert twin.at(second, **values) == desk.at(second, **values)


# --- presence, names, deadlines one by one, snapshots in the middle ---


def test_good_is_an_answer_whatever_the_value() -> None:
    desk = Desk(Or((Good("a"), B)), "a", "b")
    assert [desk.at(1, a=value, b=5.0) for value in (3.0, BAD, (SOFT, 3.0), 4.0)] == ["yes", "no", "no", "yes"]
    desk.bypass(True, 2)
    assert desk.at(2) == "no"
    assert (desk.leaf().describe(), desk.leaf().opposite()) == ("good(a)", "not good(a)")


def test_observations_in_a_row_and_how_many() -> None:
    names = ("hit", "hit.event", "hit.worker")
    for node, answers in (
        (Consecutive("hit", 2, ("worker",)), "no no yes no"),
        (Tally("hit", 60 * SECOND, ">=", 2, ("worker",)), "no no yes yes"),
    ):
        desk = Desk(node, *names)
        seen = []
        for number, hit in ((1.0, 1.0), (2.0, 1.0), (3.0, 1.0), (4.0, 0.0)):  # the first is what stood there
            desk.set(**{"hit": hit, "hit.event": number, "hit.worker": 7.0})
            seen.append(desk.at(number))
        assert " ".join(seen) == answers
        assert desk.condition.occasions() == 1
        assert desk.condition.reads() == {0, 1, 2}


def test_nodes_have_the_words_of_the_language() -> None:
    tree = And((Or((HIGH, B)), Not(HIGH), vote(2, 2), For(HIGH, 5 * SECOND), Both((HIGH, B), 10 * SECOND)))
    items = Desk(tree, "a", "b").condition.root.items  # type: ignore[union-attr]
    assert [item.word for item in items] == ["or", "not", "2 of 2", "for 5 s", "both"]
    assert Desk(tree, "a", "b").condition.root.word == "and"  # type: ignore[union-attr]
    assert [side.word for side in items[4].items] == ["within 10 s", "within 10 s"]
    assert Desk(Since(HIGH, ">", 60 * SECOND), "a").condition.root.word == "since > 1 min"  # type: ignore[union-attr]
    assert Desk(Count(HIGH, 60 * SECOND, ">=", 2), "a").condition.root.word == "count in 1 min >= 2"  # type: ignore[union-attr]


def test_a_node_that_was_never_read_is_unknown_for_display() -> None:
    tree = And(
        (
            Or((HIGH, B)),
            Not(HIGH),
            vote(1, 2),
            For(HIGH, SECOND),
            Both((HIGH,), SECOND),
            Since(HIGH, ">", SECOND),
            Count(HIGH, SECOND, ">", 1),
        )
    )
    root = Desk(tree, "a", "b").condition.root
    assert [node.last for node in (root, *root.items, *root.items[4].items)] == [3] * 9  # type: ignore[union-attr]
    done = Desk(Done("x", SECOND)).condition.root
    assert done.last == 1, "nobody noted it"


def test_the_deadlines_of_both_are_the_ends_of_what_was_seen() -> None:
    desk = Desk(Both((HIGH,), 10 * SECOND), "a")
    assert desk.at(1, a=20.0) == "yes"
    assert desk.dues() == [], "it goes on while it is true"
    assert desk.at(5, a=5.0) == "yes"
    assert desk.dues() == [15.0]
    assert desk.at(6) == "yes"
    assert desk.dues() == [], "one is pending"
    twin = desk.reloaded()
    assert twin.at(7) == "yes"
    assert twin.dues() == [], "it knows of the pending one"
    assert desk.at(8, a=20.0) == "yes"
    assert desk.at(9, a=5.0) == "yes"
    assert desk.dues() == []
    assert desk.at(15) == "yes"
    assert desk.dues() == [19.0], "the pending one came too early"
    assert desk.at(18.999999999) == "yes"
    assert desk.at(19) == "no"
    assert desk.dues() == []
    fresh = Desk(Both((HIGH,), 10 * SECOND), "a")
    assert fresh.at(0, a=5.0) == "no"
    assert fresh.dues() == [], "a firm no ends in nothing"
    assert fresh.at(0, a=20.0) == "yes"
    assert fresh.at(0, a=5.0) == "yes", "seen at the very beginning of time"
    assert fresh.dues() == [10.0]


def test_several_ends_are_met_in_their_order() -> None:
    desk = Desk(Both((HIGH,), 10 * SECOND), "a")
    desk.at(1, a=(SOFT, 20.0))
    desk.at(2, a=20.0)
    assert desk.dues() == [12.0], "what was sure has another end than what was doubtful"
    desk.at(4, a=5.0)
    assert desk.dues() == []
    assert desk.at(12) == "yes"
    assert desk.dues() == [14.0]
    assert desk.at(14) == "no"


def test_for_asks_again_from_a_snapshot_and_for_what_is_right() -> None:
    desk = Desk(For(HIGH, 5 * SECOND), "a")
    assert desk.at(0, a=20.0) == "no~"
    assert desk.dues() == [5.0]
    assert desk.at(0) == "no~"
    assert desk.dues() == [], "begun at the very beginning of time"
    twin = desk.reloaded()
    assert (twin.at(4), twin.dues()) == ("no~", [])
    assert (twin.at(5), twin.dues()) == ("yes", [])
    twin.at(6, a=5.0)
    assert (twin.at(6.5, a=20.0), twin.dues()) == ("no~", [11.5])


def test_since_asks_once_for_each_of_its_two_instants() -> None:
    desk = Desk(Since(HIGH, ">", 60 * SECOND), "a")
    assert desk.at(0, a=5.0) == "no~"
    assert desk.dues() == [60.0]
    assert desk.at(30) == "no~"
    assert desk.reloaded().at(30) == "no~"
    assert desk.dues() == []
    assert desk.at(60) == "no~"
    assert desk.dues() == [60.000000001]
    assert desk.at(60.000000001) == "yes"
    assert desk.at(70) == "yes"
    assert desk.dues() == []


def test_since_of_a_doubtful_answer() -> None:
    desk = Desk(Since(HIGH, ">", 60 * SECOND), "a")
    desk.at(0, a=20.0)
    assert desk.at(1, a=(SOFT, 5.0)) == "no~"
    assert desk.at(2, a=5.0) == "no"
    desk.at(3, a=BAD)
    assert desk.at(6) == "no"
    assert desk.at(62) == "?"
    less = Desk(Since(HIGH, "<", 60 * SECOND), "a")
    less.at(0, a=20.0)
    less.at(1, a=BAD)
    assert less.at(4) == "yes"
    assert less.at(63.999999999) == "yes"
    assert less.at(64) == "?"


def test_count_forgets_exactly_and_remembers_doubt_exactly() -> None:
    desk = Desk(Count(HIGH, 60 * SECOND, ">=", 1), "a")
    assert desk.at(0, a=20.0) == "yes"
    assert desk.dues() == [60.0]
    assert desk.at(1, a=5.0) == "yes"
    assert desk.at(59.999999999) == "yes"
    assert desk.at(60) == "no"
    assert desk.at(70, a=(SOFT, 20.0)) == "yes~"
    assert desk.at(71, a=5.0) == "yes~"
    assert desk.reloaded().at(129.999999999) == "yes~"
    assert desk.at(130) == "no"
    early = Desk(Count(HIGH, 60 * SECOND, ">=", 1), "a")
    assert early.at(0, a=(SOFT, 20.0)) == "yes~"
    assert early.at(1, a=5.0) == "yes~", "doubtful at the very beginning of time"


def test_done_asks_once_until_its_deadline_or_an_earlier_one() -> None:
    ages = {"x": 0}
    desk = Desk(Done("x", 1800 * SECOND), stamped=lambda name, now_ns: ages[name])
    assert desk.at(0) == "yes"
    assert desk.dues() == [600.0]
    assert desk.at(10) == "yes"
    assert desk.dues() == []
    ages["x"] = 1790 * SECOND
    assert desk.at(20) == "yes"
    assert desk.dues() == [30.000000001], "it ends before the pending one"
    assert desk.at(30.000000001) == "yes"
    assert desk.dues() == [40.000000002]


def test_causes_where_nothing_stands_behind() -> None:
    desk = Desk(And((HIGH, B)), "a", "b")
    desk.at(1, a=20.0, b=5.0)
    assert desk.causes() == ["a > 10"], "what stands against, though nothing demands"
    desk.at(2, a=BAD)
    desk.at(4)
    assert desk.causes() == ["a bad"]
    desk.bypass(True, 5)
    desk.at(5)
    assert desk.causes() == []
    past = Desk(And((Both((HIGH, B), 10 * SECOND), Not(Count(HIGH, 60 * SECOND, ">", 3)))), "a", "b")
    past.at(1, a=20.0, b=5.0)
    past.at(2, a=5.0, b=20.0)
    assert [leaf.tags[0] for leaf in past.condition.first_true()] == ["a"], "a turned true first, and is not any more"
    now = Desk(Or((Since(HIGH, "<", 60 * SECOND), B)), "a", "b")
    now.at(1, a=20.0, b=5.0)
    assert now.causes() == ["a > 10"]
    mixed = Desk(vote(2), "a", "b", "c")
    mixed.at(1, a=5.0, b=5.0, c=BAD)
    mixed.at(3)
    mixed.at(4, b=20.0)
    assert mixed.causes() == ["b > 10"]
