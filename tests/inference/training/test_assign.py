"""A labelled thing goes to the cells that see it best; a cell never has two, and nothing is punished where nothing is known."""

import numpy as np
import pytest

from tests.inference.training.reference import assigned, iou

CENTRES = np.array([[x, y] for y in range(8, 160, 16) for x in range(8, 160, 16)], float)


def picture(seed: int, things: int = 4) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores [3, A], boxes [A, 4] roughly around the things, found [things, 5]."""
    random = np.random.default_rng(seed)
    low = random.uniform(0, 110, (things, 2))
    found = np.concatenate((low, low + random.uniform(6, 50, (things, 2)), random.integers(0, 3, (things, 1))), 1)
    near = found[random.integers(things, size=len(CENTRES)), :4]
    boxes = near + random.normal(0, 6, near.shape)
    boxes[:, 2:] = np.maximum(boxes[:, 2:], boxes[:, :2] + 1)
    return random.uniform(0.05, 0.95, (3, len(CENTRES))), boxes, found


def test_reference_gives_a_thing_the_cell_that_fits_it() -> None:
    boxes = np.array([[c[0] - 8, c[1] - 8, c[0] + 8, c[1] + 8] for c in CENTRES])
    thing = np.array([[*boxes[33], 1.0]])
    quality, owner = assigned(np.full((3, len(CENTRES)), 0.5), boxes, CENTRES, thing)
    assert owner == {33: 0}
    assert quality[1, 33] == pytest.approx(1.0, abs=1e-6)
    assert quality.sum() == pytest.approx(quality[1, 33])


def test_reference_gives_a_wanted_cell_to_the_better_fit() -> None:
    boxes = np.tile([40.0, 40.0, 80.0, 80.0], (len(CENTRES), 1))
    things = np.array([[40, 40, 80, 80, 0], [44, 44, 90, 90, 2]], float)
    quality, owner = assigned(np.full((3, len(CENTRES)), 0.5), boxes, CENTRES, things)
    assert set(owner.values()) == {0} or all(iou(things[who], boxes[cell]) >= 0 for cell, who in owner.items())
    shared = [cell for cell in owner if (np.abs(CENTRES[cell] - 60) < 16).all()]
    assert {owner[cell] for cell in shared} == {0}
    assert quality[0].max() == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_fast_assignment_is_the_reference(seed: int) -> None:
    torch = pytest.importorskip("torch", reason="PyTorch (the training extra) is not installed")
    from inference.training.assign import assign

    cases = [picture(seed), picture(seed + 100, 2)]
    longest = max(len(found) for _, _, found in cases)
    found = np.full((2, longest, 5), -1.0)
    for row, case in enumerate(cases):
        found[row, : len(case[2])] = case[2]
    scores, boxes = (torch.tensor(np.stack([case[part] for case in cases]), dtype=torch.float64) for part in range(2))
    got = assign(scores, boxes, torch.tensor(CENTRES), torch.tensor(found))
    for row, case in enumerate(cases):
        quality, owner = assigned(case[0], case[1], CENTRES, case[2])
        np.testing.assert_allclose(got.quality[row].numpy(), quality, atol=1e-6)
        assert set(np.flatnonzero(got.chosen[row].numpy())) == set(owner)
        for cell, who in owner.items():
            np.testing.assert_allclose(got.boxes[row, cell].numpy(), case[2][who, :4])


def test_unknown_regions_are_silent_for_their_class_only() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch (the training extra) is not installed")
    from inference.training.assign import silent

    unknown = torch.tensor([[[0.0, 0.0, 80.0, 160.0, 1.0], [0.0, 0.0, 0.0, 0.0, -1.0]]])
    hushed = silent(unknown, torch.tensor(CENTRES, dtype=torch.float32), 3)[0].numpy()
    assert not hushed[0].any()
    assert not hushed[2].any()
    np.testing.assert_array_equal(hushed[1], CENTRES[:, 0] <= 80)
