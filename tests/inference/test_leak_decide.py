"""Evidence becomes an alarm: never in less than three seconds, bounded in its end, and the same in the campaign's arithmetic."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.leak.decide import LEAST_S, MODES, Decision, Limits
from inference.leaksim.campaign import alarms, threshold_for

LIMITS = {mode: Limits(1.0, 12.0) for mode in MODES}


def run(logits: list[float]) -> list[bool]:
    decision = Decision(LIMITS)
    return [decision.second(logit, "both").alarm for logit in logits]


def test_no_alarm_in_less_than_three_seconds_however_strong() -> None:
    assert run([1e6] * 4) == [False, False, True, True]
    assert LEAST_S == 3.0


def test_weak_evidence_takes_longer_and_none_takes_for_ever() -> None:
    assert run([3.0] * 10).index(True) == 5
    assert not any(run([1.0] * 1000))


def test_an_alarm_ends_in_bounded_time_and_says_its_delay() -> None:
    decision = Decision(LIMITS)
    verdicts = [decision.second(4.0, "both") for _ in range(600)]
    assert verdicts[-1].alarm
    assert verdicts[-1].delay_s == 4.0
    after = [decision.second(-3.0, "both").alarm for _ in range(40)]
    assert after.index(False) == 4, "from twice the threshold to half of it, a third of the threshold a second"
    assert np.isnan(decision.second(-3.0, "both").delay_s)


def test_a_change_of_sensors_keeps_the_share_of_the_threshold() -> None:
    decision = Decision({"both": Limits(0.0, 10.0), "sound": Limits(0.0, 100.0), "picture": Limits(0.0, 10.0)})
    before = decision.second(3.0, "both").share
    assert decision.second(0.0, "sound").share == before
    assert decision.unheard(6.0).share == pytest.approx(before - 0.1)
    assert not decision.unheard(60.0).alarm


def test_a_place_with_a_factor_needs_more() -> None:
    usual, wary = Decision(LIMITS), Decision(LIMITS, factor=2.0)
    assert usual.second(3.0, "both").share == pytest.approx(2 * wary.second(3.0, "both").share)


@settings(deadline=None)  # the machine may be busy
@given(st.lists(st.floats(-20.0, 20.0), min_size=1, max_size=80))
def test_the_campaign_counts_what_the_decision_decides(logits: list[float]) -> None:
    found = run(logits)
    count, first = alarms(np.array([logits]), 1.0, 12.0)
    assert count[0] == sum(now and not before for now, before in zip(found, [False, *found], strict=False))
    assert first[0] == (found.index(True) if True in found else -1)


def test_a_threshold_for_few_alarms_is_the_least_one() -> None:
    logits = np.random.default_rng(1).normal(-2.0, 3.0, (40, 300))
    threshold = threshold_for(logits, 0.0, 3)
    assert alarms(logits, 0.0, threshold)[0].sum() <= 3
    assert alarms(logits, 0.0, threshold * 0.98)[0].sum() > 3
