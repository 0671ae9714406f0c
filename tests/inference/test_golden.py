"""The golden batch lets honest rounding pass and nothing else: every device and provider that computes otherwise is found out."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import numpy_helper

from inference.models import golden
from inference.models.card import Golden, read
from inference.models.refusal import Refused
from inference.runtime.session import Session, available, open_exact, open_session

EIGHT = Path(__file__).parents[2] / "inference" / "shipped" / "ppe.int8.onnx"
SIZE = (640, 640)
Pixels = NDArray[np.uint8]


@pytest.fixture(scope="module")
def batch() -> Golden:
    card = read(EIGHT)
    assert card is not None
    assert card.golden is not None
    return card.golden


@pytest.fixture(scope="module")
def usual() -> Session:
    return open_session(EIGHT, providers="cpu")


def admitted(batch: Golden, raw: golden.Raw) -> float:
    """How far it is off. Raises Refused."""
    return golden.compare(EIGHT.parent, batch, raw, SIZE, "test")[1]


def test_every_runtime_that_computes_what_the_file_says_is_admitted(batch: Golden, usual: Session) -> None:
    assert admitted(batch, lambda one: open_exact(EIGHT).run(one[None])) < 1e-4
    assert 0 < admitted(batch, lambda one: usual.run(one[None])) <= batch.tolerance / golden.SPARE + 0.001


@pytest.mark.skipif("openvino" not in available(), reason="OpenVINO (the openvino extra) is not installed")
def test_openvino_is_admitted_with_eight_bits_and_its_half_precision_is_not(batch: Golden) -> None:
    import openvino

    fast = open_session(EIGHT, providers="openvino")
    assert admitted(batch, lambda one: fast.run(one[None])) <= batch.tolerance
    core = openvino.Core()
    half = core.compile_model(core.read_model(EIGHT), "CPU", {"INFERENCE_PRECISION_HINT": "f16"}).create_infer_request()
    if not core.get_property("CPU", "OPTIMIZATION_CAPABILITIES").count("FP16"):
        pytest.skip("this processor has no half precision, so OpenVINO does not use it")
    with pytest.raises(Refused, match="computes something else"):
        admitted(batch, lambda one: [np.array(half.infer([one[None]])[0])])


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(lambda one: one[..., ::-1], id="red and blue swapped"),
        pytest.param(lambda one: np.roll(one, 4, axis=1), id="four pixels to the right"),
        pytest.param(lambda one: one[::-1], id="upside down"),
        pytest.param(lambda one: 255 - one, id="inverted"),
    ],
)
def test_pictures_that_are_prepared_otherwise_are_refused(
    fault: Callable[[Pixels], Pixels], batch: Golden, usual: Session
) -> None:
    with pytest.raises(Refused, match="computes something else"):
        admitted(batch, lambda one: usual.run(np.ascontiguousarray(fault(one))[None]))


def test_a_runtime_that_takes_scales_by_channel_for_one_scale_is_refused(batch: Golden, tmp_path: Path) -> None:
    """One convolution of them all is enough."""
    model = onnx.load(EIGHT)
    values = {one.name: one for one in model.graph.initializer}
    scales = [node.input[1] for node in model.graph.node if node.op_type == "DequantizeLinear"]
    by_channel = next(name for name in scales if name in values and len(values[name].dims) == 1 and "weight" in name)
    old = numpy_helper.to_array(values[by_channel])
    values[by_channel].CopyFrom(numpy_helper.from_array(np.full_like(old, old.max()), by_channel))
    onnx.save(model, tmp_path / "wrong.onnx")
    wrong = open_session(tmp_path / "wrong.onnx", providers="cpu")
    with pytest.raises(Refused, match="computes something else"):
        admitted(batch, lambda one: wrong.run(one[None]))


def test_the_tolerance_is_what_rounding_does_and_never_less_than_two_percent(tmp_path: Path) -> None:
    pictures = np.zeros((2, 32, 32, 3), np.uint8)
    answer = np.ones((1, 2, 5), np.float32)

    def exact(_one: Pixels) -> list[NDArray[Any]]:
        return [answer]

    def rounded(_one: Pixels) -> list[NDArray[Any]]:
        return [answer * np.float32(1.04)]

    assert golden.make(exact, exact, pictures, tmp_path / "g.npz").tolerance == golden.LEAST
    assert golden.make(rounded, exact, pictures, tmp_path / "g.npz").tolerance == pytest.approx(0.06)
