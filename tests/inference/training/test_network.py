"""The network, its export and its schedule, where PyTorch is installed: the exported graph says what the network says."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch (the training extra) is not installed")
pytest.importorskip("cv2", reason="OpenCV (the inference extra) is not installed")

import torch

from inference.training.augment import Sample
from inference.training.batches import tensors
from inference.training.classes import CLASSES
from inference.training.export import export
from inference.training.loss import giou, loss
from inference.training.network import Detector, cells, corners
from inference.training.optimise import orthogonal, schedule
from inference.training.scenes import draw
from inference.training.shipped import open_graph
from inference.training.train import Plan, Run

SIDE = 64


def warmed() -> Detector:
    """A network whose norms have seen something, so that folding them is no identity."""
    torch.manual_seed(3)
    model = Detector(len(CLASSES)).train()
    with torch.no_grad():
        for _ in range(3):
            model(torch.rand(2, 3, SIDE, SIDE))
    return model.eval()


def plan(out: Path) -> Plan:
    return Plan(out, out, 1.0, SIDE, 2, ("css_ppe",), out, compile=False)


def batch(seed: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    scenes = [draw(seed + offset, SIDE, SIDE) for offset in range(2)]
    return tensors([Sample(scene.pixels, scene.labels) for scene in scenes])


def test_the_graph_says_what_the_network_says(tmp_path: Path) -> None:
    model = warmed()
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    export(tmp_path / "weights.pt", tmp_path / "a.onnx", SIDE)
    session = open_graph(tmp_path / "a.onnx")
    picture = np.random.default_rng(0).integers(0, 256, (1, SIDE, SIDE, 3), np.uint8)
    got = session.run(None, {"images": picture})[0][0]
    with torch.no_grad():
        logits, distances = model(torch.from_numpy(picture[..., ::-1].copy()).permute(0, 3, 1, 2).float() / 255)
    box = corners(distances, *cells(SIDE, SIDE))[0].numpy()
    np.testing.assert_allclose(got[4:], logits[0].sigmoid().numpy(), atol=1e-5)
    np.testing.assert_allclose((got[:2] - got[2:4] / 2).T, box[:, :2], atol=1e-3)
    np.testing.assert_allclose((got[:2] + got[2:4] / 2).T, box[:, 2:], atol=1e-3)
    assert "'forklift'" in session.get_modelmeta().custom_metadata_map["names"]


def test_a_run_learns_and_goes_on_where_it_stood(tmp_path: Path) -> None:
    run, grid = Run(plan(tmp_path)), cells(SIDE, SIDE)
    losses = [float(run.learn(run.model, batch(0), grid, 0.3).total) for _ in range(12)]
    assert np.mean(losses[-3:]) < 0.9 * np.mean(losses[:3])
    run.save()
    again = Run(plan(tmp_path))
    assert (again.step, again.mean.steps) == (12, 12)
    for one in (run, again):
        one.learn(one.model, batch(4), grid, 0.3)
    for ours, theirs in zip(run.model.parameters(), again.model.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_a_class_that_is_unknown_everywhere_is_not_pushed_down() -> None:
    logits = torch.zeros(1, len(CLASSES), 84, requires_grad=True)
    distances, everywhere = torch.zeros(1, 4, 84), torch.tensor([[[0.0, 0.0, 64.0, 64.0, 5.0]]])
    nothing = torch.tensor([[[0.0, 0.0, 0.0, 0.0, -1.0]]])
    loss(logits, distances, cells(SIDE, SIDE), nothing, everywhere).total.backward()
    assert logits.grad is not None
    assert (logits.grad[0, 5] == 0).all()
    assert (logits.grad[0, :5] > 0).all()


def test_generalised_overlap_of_apart_boxes_is_negative() -> None:
    one, far = torch.tensor([0.0, 0.0, 10.0, 10.0]), torch.tensor([20.0, 0.0, 30.0, 10.0])
    assert float(giou(one, one)) == pytest.approx(1.0, abs=1e-5)
    assert float(giou(one, far)) == pytest.approx(-1 / 3, abs=1e-5)


def test_orthogonal_steps_and_a_schedule_that_ends() -> None:
    torch.manual_seed(0)
    singular = torch.linalg.svdvals(orthogonal(torch.randn(24, 90)))
    assert 0.6 < float(singular.min()) < float(singular.max()) < 1.3
    paces = [schedule(share / 100) for share in range(101)]
    assert paces.index(max(paces)) == 2
    assert paces[-1] == pytest.approx(0.01)
