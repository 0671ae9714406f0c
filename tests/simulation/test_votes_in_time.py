"""Votes of an interlock under `for`, from the text: only a GOOD false of the whole vote resets the time, and it does so at once."""

from __future__ import annotations

import pytest

from tests.simulation.test_language import Scene

VOTE = "2 of (g1 > 10 ppm, g2 > 10 ppm, g3 > 10 ppm)"
INNER = f"({VOTE} for 5 s) and run = 0"  # a timer of the condition
OUTER = f"{VOTE} for 5 s"  # the on-delay of the function: PRETRIP
HIGH, LOW = 20.0, 0.0
FORM = {"code": "failed", "reason": "transmitter failed, spare ordered", "measure": "gauge read", "minutes": "60"}


def armed(when: str, policy: str = "safe") -> Scene:
    because = ' because "one channel is enough to run on"' if policy == "avail" else ""
    scene = Scene(f"interlock R when {when} then stop y0 pst 60 s priority P1 on bad {policy} after 2 s{because} end")
    scene.energise("R")
    assert scene.state("R") == "ARMED"
    return scene


@pytest.mark.parametrize("policy", ["trip", "safe", "avail"])
@pytest.mark.parametrize("when", [INNER, OUTER])
def test_one_good_channel_that_is_left_trips_nothing(when: str, policy: str) -> None:
    scene = armed(when, policy)
    for _ in range(3):
        scene.set({"g1": HIGH, "g2": HIGH})
        scene.run(4)
        assert scene.state("R") == ("PRETRIP" if when is OUTER else "ARMED")
        scene.set({"g2": LOW})
        assert scene.state("R") == "ARMED"
        scene.run(1)
    scene.run(20)
    assert scene.state("R") == "ARMED", "g1 alone has no two votes, however long"
    scene.set({"g3": HIGH})
    scene.run(4.8)
    assert scene.state("R") in ("ARMED", "PRETRIP"), "its time begins anew"
    scene.run(0.3)
    assert scene.state("R") == "TRIPPED"


@pytest.mark.parametrize("policy", ["trip", "safe", "avail"])
@pytest.mark.parametrize("when", [INNER, OUTER])
def test_unknown_lets_it_run_on_the_held_value(when: str, policy: str) -> None:
    """What the bad channel said and may still say would be the second vote: that is no GOOD false under any policy."""
    scene = armed(when, policy)
    scene.set({"g1": HIGH, "g2": HIGH})
    scene.run(1)
    scene.set({"g2": "bad"})
    scene.run(3.8)
    assert scene.state("R") == ("PRETRIP" if when is OUTER else "ARMED")
    scene.run(0.3)
    assert scene.state("R") == "TRIPPED"


@pytest.mark.parametrize(("policy", "on_alone"), [("trip", "TRIPPED"), ("safe", "TRIPPED"), ("avail", "ARMED")])
@pytest.mark.parametrize("when", [INNER, OUTER])
def test_the_table_of_the_policy_says_whether_it_starts(when: str, policy: str, on_alone: str) -> None:
    """With g2 bad it is 1oo2 of g1 and g3, or with `avail` 2oo2."""
    scene = armed(when, policy)
    scene.set({"g2": "bad"})
    scene.run(3)
    scene.set({"g1": HIGH})
    scene.run(4.8)
    assert scene.state("R") in ("ARMED", "PRETRIP")
    scene.run(0.4)
    assert scene.state("R") == on_alone
    scene.set({"g3": HIGH})
    scene.run(5.2)
    assert scene.state("R") == "TRIPPED"


@pytest.mark.parametrize("policy", ["trip", "safe", "avail"])
def test_two_good_falses_reset_it_whatever_the_bad_one_would_say(policy: str) -> None:
    scene = armed(INNER, policy)
    scene.set({"g1": HIGH, "g2": HIGH})
    scene.run(1)
    scene.set({"g2": "bad"})
    scene.run(1)
    scene.set({"g1": LOW})
    scene.run(10)
    assert scene.state("R") == "ARMED"
    scene.set({"g1": HIGH, "g2": HIGH})
    scene.run(4.8)
    assert scene.state("R") == "ARMED", "the time from before is gone"
    scene.run(0.4)
    assert scene.state("R") == "TRIPPED"


@pytest.mark.parametrize("when", [INNER, OUTER])
def test_a_bypassed_channel_has_no_vote_that_could_keep_the_time(when: str) -> None:
    scene = armed(when)
    assert scene.ask("bypass.set", "R", tag="g3", **FORM).code == 0
    scene.set({"g3": HIGH})  # not in the vote: 1oo2 of g1 and g2
    scene.run(10)
    assert scene.state("R") == "ARMED"
    scene.set({"g1": HIGH})
    scene.run(4)
    scene.set({"g1": LOW})
    scene.run(10)
    assert scene.state("R") == "ARMED"
    scene.set({"g2": HIGH})
    scene.run(4.8)
    assert scene.state("R") in ("ARMED", "PRETRIP")
    scene.run(0.4)
    assert scene.state("R") == "TRIPPED"


def test_a_trip_is_cleared_by_the_vote_and_not_by_every_channel() -> None:
    """interlocks.md §4: TRIPPED becomes READY with no demand, and one of three good channels is none."""
    scene = armed(VOTE)
    scene.set({"g1": HIGH, "g2": HIGH})
    scene.run(1)
    assert scene.state("R") == "TRIPPED"
    scene.set({"g2": LOW})
    scene.run(20)
    assert scene.state("R") == "READY"
    scene.set({"g3": "bad"})
    scene.run(3)
    assert scene.state("R") == "TRIPPED", "with one bad it is 1oo2, and g1 has it"
    scene.set({"g1": LOW})
    scene.run(20)
    assert scene.state("R") == "TRIPPED", "an input that is bad is no reason to clear"
