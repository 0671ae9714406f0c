"""Labels go where the pixels go, through crops, mosaics, pasting and mirrors."""

import numpy as np
import pytest

pytest.importorskip("cv2", reason="OpenCV (the inference extra) is not installed")

from inference.training.augment import GREY, Mixer, Recipe, mirrored, placed
from inference.training.cache import Album
from inference.training.labels import NO_BOXES, Labels

SIDE = 128
MARK = (10, 20, 250)


def marked(random: np.random.Generator) -> tuple[np.ndarray, Labels]:
    """A blue picture with one red block, labelled."""
    page = np.full((SIDE, SIDE, 3), (200, 40, 10), np.uint8)
    x, y = random.integers(10, 80, 2)
    w, h = random.integers(16, 40, 2)
    page[y : y + h, x : x + w] = MARK
    return page, Labels(np.array([[x, y, x + w, y + h, 3]], np.float32), np.array([[0, 0, SIDE, SIDE, 5]], np.float32))


@pytest.fixture(scope="module")
def album() -> Album:
    random = np.random.default_rng(1)
    pairs = [marked(random) for _ in range(6)]
    return Album(
        np.stack([page for page, _ in pairs]),
        ((SIDE, SIDE),) * 6,
        tuple(labels for _, labels in pairs),
        ("css_ppe",) * 6,
    )


def red(pixels: np.ndarray) -> np.ndarray:
    return (pixels[..., 2] > 130) & (pixels[..., 0] < 100)


@pytest.mark.parametrize(
    "recipe", [Recipe(96, (0.1, 0.3), 0, 0, 0), Recipe(96, (0.1, 0.3), 1, 0, 0), Recipe(96, (0.1, 0.3), 0.5, 1, 0)]
)
def test_every_box_lies_on_its_block(album: Album, recipe: Recipe) -> None:
    mixer, random = Mixer(album, recipe), np.random.default_rng(7)
    seen = 0
    for _ in range(40):
        sample = mixer.sample(random)
        assert sample.pixels.shape == (96, 96, 3)
        covered = np.zeros((96, 96), bool)
        for x1, y1, x2, y2, kind in sample.labels.found:
            assert kind == 3
            block = red(sample.pixels)[int(y1 + 1.5) : int(y2 - 0.5), int(x1 + 1.5) : int(x2 - 0.5)]
            assert block.size == 0 or block.mean() > (0.5 if recipe.paste else 0.85)
            seen += 1
        for x1, y1, x2, y2, _ in np.concatenate(
            (sample.labels.found, sample.labels.unknown[sample.labels.unknown[:, 4] == 3])
        ):
            covered[max(int(y1) - 2, 0) : int(y2) + 3, max(int(x1) - 2, 0) : int(x2) + 3] = True
        assert (red(sample.pixels) & ~covered).sum() <= 12  # no block without a label, but for slivers under a pixel
    assert seen > 20


def test_the_same_seed_makes_the_same_sample(album: Album) -> None:
    mixer = Mixer(album, Recipe(64))
    one, two = (mixer.sample(np.random.default_rng((3, 9))) for _ in range(2))
    np.testing.assert_array_equal(one.pixels, two.pixels)
    np.testing.assert_array_equal(one.labels.found, two.labels.found)


def test_what_is_cut_away_or_tiny_becomes_unknown() -> None:
    labels = Labels(np.array([[0, 0, 40, 40, 1], [60, 60, 64, 64, 2], [100, 0, 140, 40, 4]], np.float32), NO_BOXES)
    out = placed(labels, (0.5, 0.5), (-15, 0), (0, 0, 48, 48), 4.0)
    assert out.found[:, 4].tolist() == [4]
    assert sorted(out.unknown[:, 4].tolist()) == [1, 2]
    np.testing.assert_allclose(out.found[0, :4], [35, 0, 48, 20])


def test_a_mirror_mirrors_boxes() -> None:
    pixels = np.full((10, 20, 3), GREY, np.uint8)
    pixels[:, 2:5] = 0
    flipped, labels = mirrored(pixels, Labels(np.array([[2, 0, 5, 10, 0]], np.float32), NO_BOXES))
    assert labels.found[0].tolist() == [15, 0, 18, 10, 0]
    assert (flipped[:, 15:18] == 0).all()
