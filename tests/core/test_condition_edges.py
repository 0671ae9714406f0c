"""Edges of conditions that only an order of events shows: several ends at once, and which branch is the cause."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from desk import BAD, SECOND, SOFT, Desk

from gateway.core.program import And, Both, Compare, Count, Or

HIGH, B, C = Compare("a", ">", 10.0), Compare("b", ">", 10.0), Compare("c", ">", 10.0)


def test_both_meets_the_ends_of_sure_doubtful_and_unknown_one_by_one() -> None:
    desk = Desk(Both((HIGH,), 10 * SECOND), "a")
    assert desk.at(1, a=20.0) == "yes"
    assert desk.at(2, a=(SOFT, 20.0)) == "yes", "sure until this moment"
    assert desk.dues() == [12.0]
    assert desk.at(4, a=BAD) == "yes"
    assert desk.at(6) == "yes", "unknown from now on"
    assert desk.at(8, a=5.0) == "yes"
    desk.dues()
    assert desk.at(12) == "yes~"
    assert desk.dues() == [16.0], "the doubtful ends before the unknown"
    assert desk.at(15.999999999) == "yes~"
    assert desk.at(16) == "?"
    assert desk.dues() == [18.0]
    assert desk.at(18) == "no"
    assert desk.dues() == []


def test_a_branch_that_is_false_is_no_cause() -> None:
    desk = Desk(Or((And((HIGH, B)), C)), "a", "b", "c")
    assert desk.at(1, a=20.0, b=5.0, c=5.0) == "no"
    assert desk.at(2, c=20.0) == "yes"
    assert desk.causes() == ["c > 10"], "a is true for longer, but without b it is nothing"
    assert [item.last for item in desk.condition.root.items] == [1, 2]  # type: ignore[union-attr]
    assert desk.condition.root.last == 2


def test_count_meets_the_ends_of_its_turns_and_of_its_doubt_one_by_one() -> None:
    desk = Desk(Count(HIGH, 60 * SECOND, ">=", 3), "a")
    for second, value in ((10, 20.0), (20, 20.0), (30, (SOFT, 20.0))):
        desk.at(second, a=value)
        desk.at(second + 1, a=5.0)
    assert desk.dues() == [70.0]
    assert desk.at(69.999999999) == "yes~", "one of the three is doubtful"
    assert desk.at(70) == "no~"
    assert desk.dues() == [80.0], "the second turn leaves before the doubtful one"
    assert desk.at(80) == "no~"
    assert desk.dues() == [90.0]
    assert desk.at(90) == "no"
    assert desk.dues() == []
