"""The fast post-processing against plain code that does one thing at a time: the same boxes, scores and classes, to the last bit."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from inference.models.boxes import best, best_of_logits, distinct, sigmoid
from inference.models.families import Shape, yolov8


def plain_best(scores: np.ndarray, thresholds: np.ndarray) -> list[tuple[int, float, int]]:
    """Place by place, class by class."""
    found = []
    for place in range(scores.shape[1]):
        top = 0
        for kind in range(1, scores.shape[0]):
            if scores[kind, place] > scores[top, place]:
                top = kind
        if scores[top, place] >= thresholds[top]:
            found.append((place, float(scores[top, place]), top))
    return found


def plain_distinct(corners: np.ndarray, scores: np.ndarray, classes: np.ndarray, same: float) -> list[int]:
    """Every pair, one after the other."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], i))
    kept: list[int] = []
    for i in order:
        a = [float(v) for v in corners[i]]
        for j in kept:
            if classes[i] != classes[j]:
                continue
            b = [float(v) for v in corners[j]]
            common = max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)
            area = [max(c[2] - c[0], 0) * max(c[3] - c[1], 0) for c in (b, a)]
            if common >= same * (area[0] + area[1] - common):
                break
        else:
            kept.append(i)
    return kept


@given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.integers(0, 60), st.integers(1, 8))
@settings(max_examples=150, deadline=None)
def test_the_best_class_of_each_place(seed: int, kinds: int, places: int, steps: int) -> None:
    """Few different scores, so that ties and values right on the threshold come up all the time."""
    random = np.random.default_rng(seed)
    scores = (random.integers(0, steps + 1, (kinds, places)) / steps).astype(np.float32)
    thresholds = (random.integers(0, steps + 1, kinds) / steps).astype(np.float32)
    if places == 0:
        return
    found = best(scores, thresholds)
    assert list(zip(*(one.tolist() for one in found), strict=True)) == plain_best(scores, thresholds)


@given(st.integers(0, 2**32 - 1), st.integers(0, 40), st.integers(1, 3), st.sampled_from([0.3, 0.5, 0.7]))
@settings(max_examples=150, deadline=None)
def test_what_shows_the_same_thing_is_given_once(seed: int, count: int, kinds: int, same: float) -> None:
    """Whole pixels on a small field: boxes touch, coincide, contain each other, and some are none (turned inside out)."""
    random = np.random.default_rng(seed)
    corners = random.integers(0, 12, (count, 4)).astype(np.float32)
    scores = (random.integers(0, 5, count) / 4).astype(np.float32)
    classes = random.integers(0, kinds, count).astype(np.intp)
    assert distinct(corners, scores, classes, same).tolist() == plain_distinct(corners, scores, classes, same)


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.99))
@settings(max_examples=60, deadline=None)
def test_logits_give_what_their_scores_give(seed: int, threshold: float) -> None:
    random = np.random.default_rng(seed)
    thresholds = np.array([threshold, 0.5], np.float32)
    edge = np.log(threshold / (1 - threshold))
    logits = np.concatenate([random.normal(0, 4, (2, 50)), edge + random.normal(0, 1e-6, (2, 50))], 1).astype(
        np.float32
    )
    for fast, plain in zip(best_of_logits(logits, thresholds), best(sigmoid(logits), thresholds), strict=True):
        assert np.array_equal(fast, plain)


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=6, deadline=None)
def test_a_whole_decode_equals_plain_code(seed: int, turned: bool) -> None:
    """2,100 places of a 20-class output as a file stores it."""
    random = np.random.default_rng(seed)
    rows = np.zeros((24, 2100), np.float32)
    rows[:2] = random.uniform(0, 320, (2, 2100))
    rows[2:4] = random.uniform(2, 200, (2, 2100))
    rows[4:] = random.random((20, 2100), np.float32) ** 60
    thresholds = np.full(20, 0.9, np.float32)
    stored = rows.T.copy().T if turned else rows
    found = yolov8((stored,), Shape(320, 320, 20), thresholds)
    chosen = plain_best(rows[4:], thresholds)
    centre = rows[:4, [place for place, _, _ in chosen]].T
    corners = np.concatenate([centre[:, :2] - centre[:, 2:] / 2, centre[:, :2] + centre[:, 2:] / 2], 1)
    scores = np.array([score for _, score, _ in chosen], np.float32)
    classes = np.array([kind for _, _, kind in chosen], np.intp)
    kept = plain_distinct(corners, scores, classes, 0.5)[:300]
    assert np.array_equal(found.corners, corners[kept])
    assert np.array_equal(found.scores, scores[kept])
    assert np.array_equal(found.classes, classes[kept])
