"""The preparation of pictures inside the graph against plain code: the first convolution meets the same numbers, bit for bit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from inference.models.card import Preparation
from inference.models.fold import fold
from inference.models.graph import summary, unsigned
from inference.models.prepare import Fitting, tensor
from inference.models.quantise import counts, decode_nodes, quantise
from inference.models.refusal import Refused
from inference.runtime.session import open_session

SIDE = 32


def net(*, pool_first: bool = False) -> onnx.ModelProto:
    """Two convolutions and something that is no convolution after them."""
    random = np.random.default_rng(3)
    weights = [random.normal(0, 0.3, shape).astype(np.float32) for shape in ((8, 3, 3, 3), (4, 8, 3, 3))]
    first = "pooled" if pool_first else "images"
    nodes = [helper.make_node("MaxPool", ["images"], ["pooled"], kernel_shape=[1, 1], name="p")] if pool_first else []
    nodes += [
        helper.make_node("Conv", [first, "w0"], ["a"], name="a", pads=[1] * 4),
        helper.make_node("Relu", ["a"], ["b"], name="b"),
        helper.make_node("Conv", ["b", "w1"], ["c"], name="c", pads=[1] * 4),
        helper.make_node("Sigmoid", ["c"], ["out"], name="d"),
    ]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 4, SIDE, SIDE])],
        [numpy_helper.from_array(one, f"w{i}") for i, one in enumerate(weights)],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


def run(model: onnx.ModelProto, folder: Path, values: np.ndarray) -> list[np.ndarray]:
    path = folder / "model.onnx"
    onnx.save(model, path)
    return open_session(path, providers="cpu").run(values)


def pixels(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


HOW = [
    Preparation(),
    Preparation(colour="bgr", scale=1.0),
    Preparation(mean=(0.485, 0.456, 0.406), deviation=(0.229, 0.224, 0.225)),
    Preparation(colour="bgr", scale=1.0, mean=(103.53, 116.28, 123.675), deviation=(57.375, 57.12, 58.395)),
]


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("pool_first", [False, True])
def test_the_first_convolution_meets_the_same_numbers(how: Preparation, pool_first: bool, tmp_path: Path) -> None:
    model = net(pool_first=pool_first)
    plain_out = run(net(pool_first=pool_first), tmp_path, tensor(pixels(1), how))[0]
    fold(model, how, SIDE, SIDE)
    assert summary(model).inputs == {"picture": (1, SIDE, SIDE, 3)}
    model.graph.output.append(helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, SIDE, SIDE]))
    out, met = run(model, tmp_path, pixels(1)[None])
    plain = tensor(pixels(1), how)
    in_weights = how.colour == "rgb" and not pool_first
    assert np.array_equal(met, plain[:, ::-1] if in_weights else plain)
    if in_weights:  # the same products, added in another order
        assert np.allclose(out, plain_out, atol=1e-5)
    else:
        assert np.array_equal(out, plain_out)


@pytest.fixture(scope="module")
def eight(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An 8-bit twin, calibrated on the whole range of bytes."""
    folder = tmp_path_factory.mktemp("eight")
    onnx.save(net(), folder / "plain.onnx")

    def inputs() -> Iterator[np.ndarray]:
        yield from (tensor(pixels(seed), Preparation()) for seed in range(4))

    quantise(folder / "plain.onnx", folder / "eight.onnx", "minmax", inputs)
    return folder / "eight.onnx"


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_in_eight_bits_the_whole_answer_is_the_same_to_the_last_bit(eight: Path, tmp_path: Path, seed: int) -> None:
    model = onnx.load(eight)
    plain = run(model, tmp_path, tensor(pixels(seed), Preparation()))[0]
    fold(model, Preparation(), SIDE, SIDE)
    assert not {"Cast", "Mul"} & {node.op_type for node in model.graph.node}  # the bytes are the first activations
    assert np.array_equal(run(model, tmp_path, pixels(seed)[None])[0], plain)


def test_everything_but_the_decode_is_quantised(eight: Path) -> None:
    model = onnx.load(eight)
    assert counts(model) == {"convolutions": 2, "eight_bit": 2}
    assert list(decode_nodes(net())) == ["d"]
    assert model.graph.node[-1].op_type == "Sigmoid"  # and nothing quantises what it gives


def test_signed_activations_are_found_and_made_unsigned_without_changing_an_answer(eight: Path, tmp_path: Path) -> None:
    """The S8 twin is made from the U8 one by hand, so that nothing here rests on the conversion under test."""
    model = onnx.load(eight)
    assert not summary(model).signed_activations
    for one in model.graph.initializer:
        if one.data_type == TensorProto.UINT8 and one.name.endswith("zero_point"):
            moved = numpy_helper.to_array(one).astype(np.int16) - 128
            one.CopyFrom(numpy_helper.from_array(moved.astype(np.int8), one.name))
    assert summary(model).signed_activations
    values = tensor(pixels(5), Preparation())
    signed = run(model, tmp_path, values)[0]
    assert unsigned(model)
    assert not summary(model).signed_activations
    assert np.array_equal(run(model, tmp_path, values)[0], signed)


def test_folding_twice_is_refused() -> None:
    model = net()
    fold(model, Preparation(), SIDE, SIDE)
    with pytest.raises(Refused):
        fold(model, Preparation(), SIDE, SIDE)


@given(st.integers(1, 90), st.integers(1, 90), st.sampled_from(["letterbox", "top-left", "stretch"]))
@settings(max_examples=60, deadline=None)
def test_boxes_come_back_to_where_they_were(height: int, width: int, how: str) -> None:
    """A corner of the picture lies at a corner of its place in the input, and comes back to within a pixel; the pad stays the pad."""
    fitting = Fitting(64, 96, Preparation(fit=how))  # type: ignore[arg-type]
    fitting(np.zeros((5, 90, 3), np.uint8))  # another picture before it leaves nothing behind
    canvas, fit = fitting(np.full((height, width, 3), 255, np.uint8))
    rows, columns = np.nonzero(canvas[:, :, 0] == 255)
    place = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]], np.float32)
    assert np.allclose(fit.back(place), [[0, 0, width, height]], atol=1e-3)
    outside = np.ones((64, 96), bool)
    outside[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = False
    assert (canvas[outside] == 114).all()
