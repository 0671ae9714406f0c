"""The load contract: every row of its table is read, however its outputs are called, ordered or turned; what is ambiguous is asked."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference.models.boxes import Boxes
from inference.models.detector import Detector
from inference.models.layout import STRIDES
from inference.models.refusal import Question, Refused
from tests.inference.zoo import HEIGHT, NAMES, WIDTH, Example, build, examples, listed, put, v6, v8

EXAMPLES = examples()
PICTURE = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def found(path: Path) -> tuple[Detector, Boxes]:
    detector = Detector(path, providers="cpu")
    return detector, detector.detect(PICTURE)


def is_the_truth(boxes: Boxes, example: Example) -> bool:
    truth = sorted(example.truth, key=lambda one: -one[1])
    corners = np.array([one[0] for one in truth])
    return (
        boxes.classes.tolist() == [one[2] for one in truth]
        and bool(np.allclose(boxes.scores, [one[1] for one in truth], atol=1e-5))
        and bool(np.allclose(boxes.corners, corners, atol=1e-2))
    )


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.row)
def test_a_row_of_the_table(example: Example, tmp_path: Path) -> None:
    detector, boxes = found(put(tmp_path, example))
    assert detector.facts.family == example.family
    assert detector.classes == NAMES
    assert is_the_truth(boxes, example), boxes


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: one.row)
def test_turned_renamed_and_reordered_outputs_change_nothing(example: Example, tmp_path: Path) -> None:
    turned = {
        name: np.ascontiguousarray(values.transpose(example.turn.get(name, range(values.ndim))))
        for name, values in example.outputs.items()
    }
    again = {f"{i}_{len(turned) - i}": values for i, values in enumerate(reversed(list(turned.values())))}
    _, plain = found(put(tmp_path, example))
    _, boxes = found(put(tmp_path, example, again))
    assert np.array_equal(boxes.corners, plain.corners)
    assert np.array_equal(boxes.scores, plain.scores)
    assert np.array_equal(boxes.classes, plain.classes)


def asked(tmp_path: Path, outputs: dict[str, np.ndarray], metadata: dict[str, str]) -> Refused:
    path = tmp_path / "plant.onnx"
    path.write_bytes(build(outputs, metadata).SerializeToString())
    with pytest.raises(Refused) as caught:
        Detector(path, providers="cpu")
    assert caught.value.zh
    return caught.value


@pytest.mark.parametrize("strides", STRIDES)
def test_the_count_of_places_tells_the_levels(strides: tuple[int, ...], tmp_path: Path) -> None:
    """Three levels, or one finer, one coarser, both; the largest dimension is never what decides."""
    places = sum(-(-HEIGHT // s) * -(-WIDTH // s) for s in strides)
    rows = np.zeros((1, 4 + len(NAMES), places), np.float32)
    rows[0, :4, -1], rows[0, 5, -1] = (40, 30, 20, 10), 0.75
    for turned in (rows, rows.transpose(0, 2, 1)):
        path = tmp_path / "levels.onnx"
        path.write_bytes(build({"o": np.ascontiguousarray(turned)}, {"names": str(NAMES)}).SerializeToString())
        detector, boxes = found(path)
        assert (detector.facts.family, detector.facts.strides) == ("yolov8", strides)
        assert boxes.corners.tolist() == [[30, 25, 50, 35]]
        assert boxes.classes.tolist() == [1]


def test_what_cannot_be_told_is_asked(tmp_path: Path) -> None:
    named = {"names": str(NAMES)}
    cases = {
        "model.v6-or-yolox": asked(tmp_path, {"o": v6(grid=False)}, named),
        "model.no-names": asked(tmp_path, {"o": listed(6)}, {}),
        "model.ambiguous": asked(tmp_path, {"o": v8()}, {}),  # v8 with three classes, or v6 with two
        "model.unknown-layout": asked(tmp_path, {"o": np.zeros((1, 9, 77), np.float32)}, named),
    }
    for code, error in cases.items():
        assert error.code == code
        assert isinstance(error, Question) or code == "model.unknown-layout"


def test_masks_are_not_classes_unless_the_task_says_so(tmp_path: Path) -> None:
    outputs = np.concatenate([v8(), np.ones((1, 32, 126), np.float32)], 1)
    error = asked(tmp_path, {"o": outputs}, {"names": str(dict(enumerate(NAMES)))})
    assert error.code in ("model.unknown-layout", "model.preparation")
