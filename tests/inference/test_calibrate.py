"""The promise about missed things, held by simulated sites: thresholds chosen on some pictures, judged on others that were never seen."""

from __future__ import annotations

import numpy as np
import pytest

from inference.models.boxes import Boxes
from inference.models.calibrate import answers, pairs, threshold, upper_bound
from inference.models.measure import Match, match, mean_precision, overlaps
from inference.models.pictures import Labelled


def site(random: np.random.Generator, pictures: int) -> Match:
    """Pictures with one to four things each; one in a hundred is never found, the others score as a beta."""
    found = Match()
    for picture in range(pictures):
        for _ in range(random.integers(1, 5)):
            score = -1.0 if random.random() < 0.01 else float(random.beta(5, 2))
            found.things.append((picture, score))
            if score >= 0:
                found.scores.append(score)
                found.right.append(True)
        for score in random.beta(2, 6, random.integers(0, 3)):
            found.scores.append(float(score))
            found.right.append(False)
    return found


def share_missed(judged: Match, limit: float) -> float:
    by_picture: dict[int, list[bool]] = {}
    for picture, score in judged.things:
        by_picture.setdefault(picture, []).append(score < limit)
    return float(np.mean([np.mean(one) for one in by_picture.values()]))


def test_the_promise_holds_on_pictures_that_were_not_seen() -> None:
    """Over 100 sites the mean share missed is at most what was asked, and not far below it: the threshold is no lower than it must be."""
    random = np.random.default_rng(7)
    missed = []
    for _ in range(100):
        chosen = threshold("helmet", site(random, 120), 120, 0.1, 0.95)
        assert chosen.reached
        missed.append(share_missed(site(random, 120), chosen.threshold))
    assert 0.08 < float(np.mean(missed)) <= 0.1


def test_too_few_pictures_promise_nothing_and_say_what_they_could() -> None:
    perfect = Match(scores=[0.9] * 50, right=[True] * 50, things=[(i, 0.9) for i in range(50)])
    chosen = threshold("helmet", perfect, 50, 0.01, 0.95)
    assert not chosen.reached
    assert chosen.least == pytest.approx(1 / 51)
    assert threshold("helmet", perfect, 50, 0.02, 0.95).reached
    nothing = threshold("helmet", Match(), 50, 0.01, 0.95)
    assert not nothing.reached
    assert nothing.upper == 1.0


@pytest.mark.parametrize(
    ("failures", "trials", "bound"), [(0, 59, 0.0495), (0, 299, 0.00997), (1, 100, 0.0466), (5, 20, 0.4556)]
)
def test_the_upper_bound_is_the_exact_one(failures: int, trials: int, bound: float) -> None:
    """Tabled one-sided 95 % limits of Clopper and Pearson."""
    assert upper_bound(failures, trials, 0.95) == pytest.approx(bound, rel=5e-3)


def test_three_answers_and_uncertain_is_never_compliant() -> None:
    """Heads without a helmet on which "helmet" is seen at up to 0.8: it is believed above that only, where there are enough pictures."""
    names = ["helmet", "no_helmet"]
    assert pairs(names) == [(0, 1)]
    box = np.array([[0, 0, 10, 10]], np.float32)
    found = []
    for i in range(100):
        without = Labelled(None, box, np.array([1], np.intp))  # type: ignore[arg-type]
        score = 0.8 if i < 5 else 0.3
        seen = Boxes(
            np.repeat(box, 2, 0), np.array([score, 0.0 if i < 5 else 0.6], np.float32), np.array([0, 1], np.intp)
        )
        found.append((seen, without))
        worn = Labelled(None, box, np.array([0], np.intp))  # type: ignore[arg-type]
        found.append((Boxes(box, np.array([0.95], np.float32), np.array([0], np.intp)), worn))
    strict = answers((0, 1), names, found, 0.4, 0.02, 0.95)
    assert strict.compliant > 0.8
    assert strict.of_missing == {"compliant": 0, "violation": 95, "uncertain": 5}
    assert strict.of_worn == {"compliant": 100, "violation": 0, "uncertain": 0}
    loose = answers((0, 1), names, found, 0.4, 0.1, 0.95)
    assert loose.compliant == pytest.approx(0.5, abs=0.01)
    assert loose.wrongly_compliant == 5


def test_precision_of_a_ranking_worked_out_by_hand() -> None:
    """Right, wrong, right of two things: (1 + 2/3) / 2. A second box on the same thing is wrong."""
    truth = Labelled(None, np.array([[0, 0, 10, 10], [20, 20, 30, 30]], np.float32), np.array([0, 0], np.intp))  # type: ignore[arg-type]
    corners = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [20, 20, 30, 29]], np.float32)
    boxes = Boxes(corners, np.array([0.9, 0.8, 0.7], np.float32), np.array([0, 0, 0], np.intp))
    matches = match([(boxes, truth)], 1)
    assert mean_precision(matches) == pytest.approx((1 + 2 / 3) / 2)
    assert matches[0].at(0.85) == {"recall": 0.5, "precision": 1.0}
    assert overlaps(corners[:1], corners[1:2])[0, 0] == pytest.approx(0.9)
