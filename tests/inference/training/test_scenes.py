"""Drawn scenes: the same seed the same picture, boxes on what is drawn, all classes, all inside the picture."""

import numpy as np
import pytest

pytest.importorskip("cv2", reason="OpenCV (the inference extra) is not installed")

from inference.training.classes import CLASSES, INDEX
from inference.training.figures import person
from inference.training.scenes import draw

SCENES = [draw(seed, 320, 256) for seed in range(24)]


def test_the_same_seed_draws_the_same_scene() -> None:
    again = draw(5, 320, 256)
    np.testing.assert_array_equal(again.pixels, SCENES[5].pixels)
    np.testing.assert_array_equal(again.labels.found, SCENES[5].labels.found)
    assert not np.array_equal(SCENES[5].pixels, SCENES[6].pixels)


def test_every_class_is_drawn_inside_the_picture() -> None:
    found = np.concatenate([scene.labels.found for scene in SCENES])
    assert set(found[:, 4].astype(int)) == set(range(len(CLASSES)))
    assert (found[:, :4] >= 0).all()
    assert (found[:, 2] <= 320).all()
    assert (found[:, 3] <= 256).all()
    assert ((found[:, 2:4] - found[:, :2]).min(1) >= 4).all()


def test_a_worker_says_one_thing_about_head_and_trunk_and_the_boxes_hold_what_was_drawn() -> None:
    for seed in range(12):
        canvas = np.full((400, 300, 3), 7, np.uint8)
        figure = person(canvas, (150.0, 380.0), 300.0, np.random.default_rng(seed))
        names = [name for name, _ in figure.boxes]
        assert len({"helmet", "no_helmet"} & {*names}) == len({"vest", "no_vest"} & {*names}) == 1
        rows, columns = np.nonzero((canvas != 7).any(2))
        x1, y1, x2, y2 = figure.outline
        assert columns.min() >= x1 - 25
        assert columns.max() <= x2 + 25
        assert rows.min() >= y1 - 4
        assert rows.max() <= y2 + 12
        for name, (left, top, right, foot) in figure.boxes:
            inside = (canvas[int(top) : int(foot), int(left) : int(right)] != 7).any(2)
            assert inside.mean() > 0.3, name


def test_what_a_nearer_figure_hides_is_unknown() -> None:
    assert any(len(scene.labels.unknown) for scene in SCENES)
    people = sum(int((scene.labels.found[:, 4] == INDEX["person"]).sum()) for scene in SCENES)
    heads = sum(int(np.isin(scene.labels.found[:, 4], (INDEX["helmet"], INDEX["no_helmet"])).sum()) for scene in SCENES)
    assert heads <= people + sum(len(scene.labels.unknown) for scene in SCENES)


def test_the_zone_lies_on_the_floor() -> None:
    for scene in SCENES:
        assert scene.zone.shape == (4, 2)
        assert (scene.zone[:, 1] > 0).all()
        assert scene.zone[2:, 1].min() > scene.zone[:2, 1].max()
