"""Average precision against hand-counted curves; suppression and decoding against plain loops."""

import numpy as np
import pytest

from inference.training.classes import CLASSES, INDEX
from inference.training.evaluate import decode, evaluate, overlaps, suppressed
from inference.training.labels import NO_BOXES, Labels
from tests.inference.training.reference import iou


def labels(
    *rows: tuple[float, float, float, float, str], unknown: tuple[float, float, float, float, str] | None = None
) -> Labels:
    table = np.array([(*row[:4], INDEX[row[4]]) for row in rows], np.float32).reshape(-1, 5)
    hidden = NO_BOXES if unknown is None else np.array([(*unknown[:4], INDEX[unknown[4]])], np.float32)
    return Labels(table, hidden)


def said(*rows: tuple[float, float, float, float, float, str]) -> np.ndarray:
    return np.array([(*row[:5], INDEX[row[5]]) for row in rows], np.float32).reshape(-1, 6)


def test_perfect_boxes_score_one() -> None:
    truth = labels((10, 10, 50, 90, "person"), (100, 10, 140, 90, "person"))
    result = evaluate([said((10, 10, 50, 90, 0.9, "person"), (100, 10, 140, 90, 0.6, "person"))], [truth], ["person"])
    assert result.map50 == pytest.approx(1.0)
    assert (result.classes[0].recall, result.classes[0].precision) == (1.0, 1.0)


def test_area_under_a_hand_counted_curve() -> None:
    """Hit, miss, hit of three labelled: recall 1/3, 1/3, 2/3 at precision 1, 1/2, 2/3 → 1/3 · 1 + 1/3 · 2/3."""
    truth = labels(*[(x, 0, x + 20, 20, "helmet") for x in (0, 100, 200)])
    boxes = said((0, 0, 20, 20, 0.9, "helmet"), (50, 50, 70, 70, 0.8, "helmet"), (100, 0, 120, 20, 0.7, "helmet"))
    assert evaluate([boxes], [truth], ["helmet"]).classes[0].ap50 == pytest.approx(1 / 3 + 2 / 9)


def test_a_second_box_on_the_same_thing_is_false() -> None:
    truth = labels((0, 0, 20, 20, "vest"))
    boxes = said((0, 0, 20, 20, 0.5, "vest"), (1, 0, 21, 20, 0.9, "vest"))
    item = evaluate([boxes], [truth], ["vest"]).classes[0]
    assert item.ap50 == pytest.approx(1.0)
    assert item.precision == 1.0  # at the best threshold the second is not there
    assert item.threshold == pytest.approx(0.9)


def test_a_box_in_an_unknown_region_counts_neither_way() -> None:
    boxes = said((0, 0, 20, 20, 0.9, "forklift"), (100, 100, 140, 140, 0.8, "forklift"))
    truth = labels((100, 100, 140, 140, "forklift"), unknown=(0, 0, 30, 30, "forklift"))
    assert evaluate([boxes], [truth], ["forklift"]).map50 == pytest.approx(1.0)
    assert evaluate([boxes], [labels((100, 100, 140, 140, "forklift"))], ["forklift"]).map50 == pytest.approx(0.5)


def test_nothing_found_is_zero_and_nothing_labelled_is_no_number() -> None:
    assert evaluate([said()], [labels((0, 0, 9, 9, "person"))], ["person"]).map50 == 0.0
    assert np.isnan(evaluate([said()], [labels()], ["person"]).classes[0].ap50)


def test_overlaps_are_the_reference() -> None:
    random = np.random.default_rng(3)
    low = random.uniform(0, 50, (20, 2))
    boxes = np.concatenate((low, low + random.uniform(1, 40, (20, 2))), 1).astype(np.float32)
    table = overlaps(boxes[:8], boxes[8:])
    for row in range(8):
        for column in range(12):
            assert table[row, column] == pytest.approx(iou(boxes[row], boxes[8 + column]), abs=1e-5)


def test_suppression_keeps_the_best_of_a_heap_and_other_classes() -> None:
    boxes = said(
        (0, 0, 100, 100, 0.6, "person"), (2, 2, 101, 101, 0.9, "person"), (1, 1, 100, 100, 0.5, "vest"), (300, 0, 400, 100, 0.3, "person")
    )  # fmt: skip
    kept = suppressed(boxes)
    assert [(CLASSES[int(row[5])], round(float(row[4]), 1)) for row in kept] == [
        ("person", 0.9),
        ("vest", 0.5),
        ("person", 0.3),
    ]


def test_decode_puts_the_corners_where_the_distances_say() -> None:
    scores = np.zeros((6, 3), np.float32)
    scores[2, 1] = 0.8
    distances = np.full((4, 3), 9.0, np.float32)
    distances[:, 1] = (1, 2, 3, 4)
    centres = np.array([[4, 4], [12, 4], [20, 4]], np.float32)
    box = decode(distances, scores, centres, np.full(3, 8.0, np.float32))
    np.testing.assert_allclose(box, [[12 - 8, 4 - 16, 12 + 24, 4 + 32, 0.8, 2]])
