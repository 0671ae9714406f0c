"""Hostile and damaged files: each is refused with a reason in both languages, or dies in a process of its own, and nothing else does."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, numpy_helper

from inference.models import golden, graph, names, pictures
from inference.models.admission import admit
from inference.models.card import Card, CardError, Golden, digest, write
from inference.models.card import read as read_card
from inference.models.detector import Detector
from inference.models.refusal import Refused
from inference.runtime import session
from tests.inference.zoo import HEIGHT, NAMES, WIDTH, build, examples, put, v8

V8 = next(one for one in examples() if one.row == "v8")


def model(change: Callable[[onnx.ModelProto], None]) -> bytes:
    found = build(V8.outputs, V8.metadata)
    change(found)
    return bytes(found.SerializeToString())


def tensor(**fields: Any) -> Callable[[onnx.ModelProto], None]:
    """A weight that says something else than it is."""

    def change(found: onnx.ModelProto) -> None:
        one = found.graph.initializer.add(name="w", data_type=TensorProto.FLOAT)
        for name, value in fields.items():
            if name == "external":
                one.data_location = TensorProto.EXTERNAL
                one.external_data.add(key="location", value=value)
            elif name == "dims":
                one.dims.extend(value)
            else:
                setattr(one, name, value)

    return change


def custom(found: onnx.ModelProto) -> None:
    found.graph.node.append(helper.make_node("Run", ["images"], ["x"], domain="evil.corp"))


def in_function(found: onnx.ModelProto) -> None:
    """A weight in another file, hidden in the constant of a function."""
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4], data_location=TensorProto.EXTERNAL)
    weight.external_data.add(key="location", value="../../../etc/shadow")
    nodes = [helper.make_node("Constant", [], ["w"], value=weight)]
    found.functions.append(helper.make_function("ai.onnx", "Mine", [], ["w"], nodes, [helper.make_opsetid("", 17)]))


def plugin(found: onnx.ModelProto) -> None:
    found.graph.node.append(helper.make_node("EfficientNMS_TRT", ["images"], ["x"]))


def nested(found: onnx.ModelProto) -> None:
    inner = helper.make_graph([], "g", [], [])
    for _ in range(20):
        node = helper.make_node("If", ["c"], ["x"], then_branch=inner, else_branch=helper.make_graph([], "e", [], []))
        inner = helper.make_graph([node], "g", [], [])
    found.graph.node.append(inner.node[0])


def sequence(found: onnx.ModelProto) -> None:
    found.graph.node.append(helper.make_node("SequenceConstruct", ["images"], ["x"]))
    found.graph.output.append(helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, None))


def words(found: onnx.ModelProto) -> None:
    found.graph.node.append(helper.make_node("Cast", ["images"], ["x"], to=TensorProto.STRING))
    found.graph.output.append(helper.make_tensor_value_info("x", TensorProto.STRING, None))


def batch(found: onnx.ModelProto) -> None:
    found.graph.input[0].type.tensor_type.shape.dim[0].dim_value = 8


def odd_size(found: onnx.ModelProto) -> None:
    found.graph.input[0].type.tensor_type.shape.dim[2].dim_value = 100


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (tensor(dims=[512, 1024, 1024]), "model.tensor-too-large"),
        (tensor(dims=[1 << 40, 1 << 40]), "model.tensor-too-large"),
        (tensor(dims=[-1]), "model.tensor-too-large"),
        (tensor(dims=[4], raw_data=b"12"), "model.damaged"),
        (tensor(dims=[4], external="../../../etc/shadow"), "model.external-data"),
        (tensor(dims=[4], external="/etc/shadow"), "model.external-data"),
        (in_function, "model.external-data"),
        (custom, "model.custom-operator"),
        (plugin, "model.custom-operator"),
        (nested, "model.too-deep"),
        (sequence, "model.type"),
        (words, "model.type"),
        (batch, "model.batch"),
        (odd_size, "model.input-size"),
    ],
)
def test_a_hostile_model_is_refused(change: Callable[[onnx.ModelProto], None], code: str, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(model(change))
    with pytest.raises(Refused) as caught:
        Detector(path, providers="cpu")
    assert caught.value.code == code
    assert caught.value.en
    assert caught.value.zh
    assert "shadow" not in caught.value.en or code == "model.external-data"


@pytest.mark.parametrize(
    "outputs",
    [
        {"o": np.float32(1)},
        {"o": np.zeros((1, 7, 0), np.float32)},
        {"o": np.zeros((1, 1, 1, 1, 7, 126), np.float32)},
        {f"o{i}": np.zeros((1, 7, 126), np.float32) for i in range(30)},
        {"l": np.zeros((1, 300), np.int64), "b": np.zeros((1, 200, 4), np.float32), "s": np.ones((1, 300), np.float32)},
        {"n": np.array([[50]], np.int32), "b": np.zeros((1, 100, 4), np.float32), "s": np.ones((1, 40), np.float32),
         "c": np.zeros((1, 70), np.int32)},
    ],
    ids=["a single number", "nothing", "six axes", "thirty outputs", "fewer boxes than scores", "lists of three lengths"],
)  # fmt: skip
def test_outputs_of_a_wrong_shape_are_no_layout(outputs: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(build(outputs, V8.metadata).SerializeToString())
    with pytest.raises(Refused) as caught:
        Detector(path, providers="cpu")
    assert caught.value.code == "model.unknown-layout"


@pytest.mark.parametrize(
    "outputs",
    [
        {"o": np.full((1, 7, 126), np.nan, np.float32)},
        {"o": np.full((1, 300, 6), np.nan, np.float32)},
        {"o": np.zeros((0, 7), np.float32)},
        {"n": np.array([[-5]], np.int32), "b": np.zeros((1, 9, 4), np.float32), "s": np.ones((1, 9), np.float32),
         "c": np.full((1, 9), -9, np.int32)},
    ],
    ids=["no numbers", "no numbers in a list", "an empty list", "a negative count, classes that are none"],
)  # fmt: skip
def test_answers_that_are_none_give_no_box(outputs: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(build(outputs, V8.metadata).SerializeToString())
    assert len(Detector(path, providers="cpu").detect(np.zeros((50, 70, 3), np.uint8))) == 0


def test_lists_that_differ_in_length_from_one_picture_to_the_next_are_refused() -> None:
    from inference.models.families import Shape, dfine

    lists = (np.zeros(300, np.int64), np.zeros((200, 4), np.float32), np.ones(300, np.float32))
    with pytest.raises(Refused, match="200 boxes, 300 scores and 300 classes"):
        dfine(lists, Shape(64, 96, 3), np.full(3, 0.25, np.float32))


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_model_is_refused_or_read_and_never_anything_else(tmp_path: Path, data: st.DataObject) -> None:
    """Cut off anywhere, or with bytes changed anywhere."""
    whole = bytearray(model(lambda found: None))
    path = tmp_path / "m.onnx"
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        for _ in range(data.draw(st.integers(1, 8))):
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(whole)
    with contextlib.suppress(Refused):
        graph.summary(graph.read(path))


@pytest.mark.parametrize(
    "text",
    ["", "{", "__import__('os').system('id')", "{0: 'a', 2: 'b'}", "{'a': 0}", "['a', 'a']", "[[['a']]]", "(" * 5000],
)
def test_names_that_are_none_are_not_evaluated(text: str) -> None:
    assert names.from_metadata({"names": text}) is None
    assert names.from_metadata({"names": "[" + "'a'," * 60_000 + "]"}) is None


@pytest.mark.parametrize("text", ["{0: 'person (worker)', 1: 'vest'}", "['person (worker)', 'vest']"])
def test_names_are_read(text: str) -> None:
    assert names.from_metadata({"names": text}) == ["person (worker)", "vest"]


def test_a_card_of_another_file_and_a_golden_batch_that_deviates_are_refused(tmp_path: Path) -> None:
    path = put(tmp_path, V8)
    detector = Detector(path, providers="cpu")
    shown = np.zeros((2, HEIGHT, WIDTH, 3), np.uint8)
    batch = detector.golden_batch(path, shown, tmp_path / "g.npz")
    card = Card(digest(path), "yolov8", NAMES, "none", ["nothing"], golden=batch)
    write(path, card)
    _, admitted = admit(path, providers="cpu")
    assert (admitted.golden, admitted.deviation) == (2, 0.0)
    assert admitted.frame_ms > 0

    moved = v8()
    moved[0, 4:, 7] += 0.4  # another answer under the same golden batch
    path.write_bytes(build({"output0": moved}, V8.metadata).SerializeToString())
    with pytest.raises(CardError) as other:
        admit(path, providers="cpu")
    assert "SHA-256" in other.value.en
    write(path, Card(digest(path), "yolov8", NAMES, "none", ["nothing"], golden=batch))
    assert read_card(path) is not None
    with pytest.raises(Refused) as deviates:
        admit(path, providers="cpu")
    assert deviates.value.code == "golden.deviates"


def test_a_golden_batch_that_unpacks_to_more_than_memory_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(golden, "UNPACKED_MAX", 1 << 20)
    batch = tmp_path / "g.npz"
    with zipfile.ZipFile(batch, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("input.npy", bytes(2 << 20))
    for data, code in ((batch.read_bytes(), "golden.too-large"), (b"no archive", "golden.unreadable")):
        batch.write_bytes(data)
        with pytest.raises(Refused) as caught:
            golden.compare(tmp_path, Golden("g.npz", digest(batch)), lambda _one: [], (32, 32), "cpu")
        assert caught.value.code == code


def test_a_provider_that_computes_something_else_is_passed_over_for_the_next_that_is_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first provider, made of the same file, adds a tenth to every score."""
    path = put(tmp_path, V8)
    shown = np.zeros((1, HEIGHT, WIDTH, 3), np.uint8)
    batch = Detector(path, providers="cpu").golden_batch(path, shown, tmp_path / "g.npz")
    write(path, Card(digest(path), "yolov8", NAMES, "none", ["nothing"], golden=batch))
    real = session._Onnx

    class Wrong(real):  # type: ignore[misc, valid-type]
        def __init__(self, path: Path, provider: str, threads: int) -> None:
            super().__init__(path, "cpu", threads)
            self.provider = provider

        def run(self, *arrays: Any) -> list[Any]:
            return [one + (0.1 if self.provider == "cuda" else 0) for one in super().run(*arrays)]

    monkeypatch.setattr(session, "available", lambda: ["cuda", "cpu"])
    monkeypatch.setattr(session, "_Onnx", Wrong)
    detector = Detector(path)
    assert detector.provider == "cpu"
    assert [error.code for error in detector.passed_over] == ["golden.deviates"]
    with pytest.raises(Refused):
        Detector(path, providers="cuda")


def test_pictures_that_are_none_or_say_they_are_huge_are_refused(tmp_path: Path) -> None:
    good = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
    huge = bytearray(good)
    huge[16:24] = (60000).to_bytes(4, "big") * 2  # width and height of the header: 3.6 thousand million pixels
    for name, data in (
        ("cut.png", good[:30]),
        ("huge.png", bytes(huge)),
        ("empty.jpg", b""),
        ("text.jpg", b"no picture"),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Refused) as caught:
            pictures.read(tmp_path / name)
        assert caught.value.code == "picture.damaged"
    (tmp_path / "good.png").write_bytes(good)
    assert pictures.read(tmp_path / "good.png").shape == (8, 8, 3)


@given(st.data())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_picture_is_refused_or_read_and_never_anything_else(tmp_path: Path, data: st.DataObject) -> None:
    """Of every kind that cameras and people deliver: cut off, or with bytes changed, mostly in its head."""
    suffix = data.draw(st.sampled_from(pictures.SUFFIXES))
    plain = cv2.resize(np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8), (64, 48))
    whole = bytearray(cv2.imencode(suffix, plain)[1].tobytes())
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    else:
        for _ in range(data.draw(st.integers(1, 12))):
            last = min(len(whole), data.draw(st.sampled_from((60, 200, len(whole))))) - 1
            whole[data.draw(st.integers(0, last))] = data.draw(st.integers(0, 255))
    path = tmp_path / f"p{suffix}"
    path.write_bytes(whole)
    with contextlib.suppress(Refused):
        found = pictures.read(path)
        assert (found.dtype, found.ndim, found.shape[2]) == (np.uint8, 3, 3)


def test_a_model_that_blows_up_when_it_is_loaded_dies_alone(tmp_path: Path) -> None:
    """A constant of 2 GB per output made out of eight bytes: no check of the file can see it, the limit of memory does."""
    shape = numpy_helper.from_array(np.array([32, 1024, 1024, 1024], np.int64), "shape")
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["big"]),
        helper.make_node("ReduceSum", ["big"], ["out"], keepdims=0),
    ]
    picture = helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, [])
    found = helper.make_model(
        helper.make_graph(nodes, "bomb", [picture], [out], [shape]),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )
    path = tmp_path / "bomb.onnx"
    onnx.save(found, path)
    request = json.dumps({"verb": "check", "model": str(path), "provider": "cpu"})
    done = subprocess.run(
        [sys.executable, "-m", "inference.models"], input=request.encode(), capture_output=True, timeout=60, check=False
    )
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode < 0 or any("refused" in line for line in lines)
    assert not any("row" in line for line in lines)
