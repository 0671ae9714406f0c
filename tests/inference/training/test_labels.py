"""Label sets in, our classes out: what is found, what a set says nothing about, and a clear word on a bad line."""

from pathlib import Path

import numpy as np
import pytest

from inference.training.classes import CLASSES, INDEX, LABEL_SETS
from inference.training.labels import Entry, LabelError, entries, read

CSS = [
    "Hardhat",
    "Mask",
    "NO-Hardhat",
    "NO-Mask",
    "NO-Safety Vest",
    "Person",
    "Safety Cone",
    "Safety Vest",
    "machinery",
    "vehicle",
]


def entry(folder: Path, text: str, set_name: str) -> Entry:
    file = folder / "a.txt"
    file.write_text(text)
    return Entry(folder / "a.jpg", file, set_name)


def test_boxes_become_pixels_and_our_classes(tmp_path: Path) -> None:
    labels = read(entry(tmp_path, "5 0.5 0.5 0.5 1\n0 0.1 0.1 0.4 0.1\n6 0.5 0.5 0.1 0.1\n", "css_ppe"), CSS, 640, 320)
    np.testing.assert_allclose(
        labels.found, [[160, 0, 480, 320, INDEX["person"]], [0, 16, 192, 48, INDEX["helmet"]]], atol=1e-3
    )


def test_a_machine_may_hide_a_forklift_in_its_box_only(tmp_path: Path) -> None:
    labels = read(entry(tmp_path, "8 0.5 0.5 0.5 0.5\n", "css_ppe"), CSS, 100, 100)
    np.testing.assert_allclose(labels.unknown, [[25, 25, 75, 75, INDEX["forklift"]]])
    assert len(labels.found) == 0


def test_a_class_a_set_never_labels_is_unknown_in_the_whole_picture(tmp_path: Path) -> None:
    labels = read(entry(tmp_path, "0 0.5 0.5 0.2 0.2\n", "hhw_mini"), ["helmet", "no_helmet"], 416, 400)
    assert sorted(CLASSES[int(row[4])] for row in labels.unknown) == sorted({*CLASSES} - {"helmet", "no_helmet"})
    assert (labels.unknown[:, :4] == [0, 0, 416, 400]).all()


@pytest.mark.parametrize(
    "line", ["0 0.5 0.5 0.1", "x 0.5 0.5 0.1 0.1", "9 0.5 0.5 0.1 0.1", "0 0.5 0.5 0 0.1", "0 nan 0.5 0.1 0.1"]
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(LabelError, match=r"a\.txt, line 2"):
        read(entry(tmp_path, f"0 0.5 0.5 0.1 0.1\n{line}\n", "hhw_mini"), ["helmet", "no_helmet"], 10, 10)


def test_a_picture_without_labels_is_named(tmp_path: Path) -> None:
    for part in ("images", "labels"):
        (tmp_path / "hhw_mini/all" / part).mkdir(parents=True)
    (tmp_path / "hhw_mini/all/images/b.jpg").touch()
    with pytest.raises(LabelError, match=r"b\.jpg: no label file"):
        entries(tmp_path, "hhw_mini", "all")


def test_every_set_labels_some_of_our_classes_and_hides_none_it_labels() -> None:
    for kind in LABEL_SETS.values():
        assert kind.labelled
        assert not set(kind.labelled) & set(kind.unknown)
        assert not set(kind.labelled) & set(kind.lookalikes.values())
