"""The verbs that write files: the 8-bit twin, and an installed model."""

from __future__ import annotations

from pathlib import Path

import cv2
import msgspec
import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from gateway.core.errors import SourceError
from inference.models import commands
from inference.models.card import Card, Preparation, digest, path_of, read, write
from inference.models.commands import Request, install, quantise
from inference.models.detector import Detector
from inference.models.fold import fold
from inference.models.refusal import Refused
from tests.inference.zoo import HEIGHT, NAMES, WIDTH, examples, put

PLACES = [(HEIGHT // s) * (WIDTH // s) for s in (8, 16, 32)]


def detector() -> onnx.ModelProto:
    """One convolution a level, v8's layout: boxes in the middle of things, scores from brightness."""
    random = np.random.default_rng(4)
    nodes, constants, flat = [], [], []
    for s, count in zip((8, 16, 32), PLACES, strict=True):
        weight = random.normal(0, 1.0 / s, (7, 3, s, s)).astype(np.float32)
        bias = np.array([40, 30, 20, 20, -1.5, -1.5, -1.5], np.float32)
        constants += [numpy_helper.from_array(weight, f"w{s}"), numpy_helper.from_array(bias, f"b{s}")]
        constants.append(numpy_helper.from_array(np.array([1, 7, count], np.int64), f"s{s}"))
        nodes.append(helper.make_node("Conv", ["images", f"w{s}", f"b{s}"], [f"c{s}"], name=f"c{s}", strides=[s, s]))
        nodes.append(helper.make_node("Reshape", [f"c{s}", f"s{s}"], [f"f{s}"], name=f"f{s}"))
        flat.append(f"f{s}")
    constants.append(numpy_helper.from_array(np.array([4, 3], np.int64), "parts"))
    nodes.append(helper.make_node("Concat", flat, ["all"], name="all", axis=2))
    nodes.append(helper.make_node("Split", ["all", "parts"], ["boxes", "logits"], name="split", axis=1))
    nodes.append(helper.make_node("Sigmoid", ["logits"], ["scores"], name="scores"))
    nodes.append(helper.make_node("Concat", ["boxes", "scores"], ["out"], name="out", axis=1))
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, HEIGHT, WIDTH])],
        [helper.make_tensor_value_info("out", TensorProto.FLOAT, [1, 7, sum(PLACES)])],
        constants,
    )
    found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    helper.set_model_props(found, {"names": str(NAMES)})
    return found


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A model with a card, and pictures."""
    onnx.save(detector(), tmp_path / "small.onnx")
    write(tmp_path / "small.onnx", Card(digest(tmp_path / "small.onnx"), "yolov8", NAMES, "CC0", ["noise"]))
    random = np.random.default_rng(5)
    (tmp_path / "pictures").mkdir()
    for i in range(6):
        small = random.integers(0, 256, (8, 12, 3), np.uint8)
        cv2.imwrite(
            str(tmp_path / "pictures" / f"{i}.png"), cv2.resize(small, (WIDTH, HEIGHT), interpolation=cv2.INTER_NEAREST)
        )
    return tmp_path


def test_the_eight_bit_twin_takes_bytes_and_finds_what_its_original_finds(site: Path) -> None:
    request = Request(
        "quantise", str(site / "small.onnx"), [str(site / "pictures")], out=str(site / "e.onnx"), method="minmax"
    )
    rows = [line["row"] for line in quantise(request)]
    assert [row["method"] for row in rows] == ["fp32", "minmax", "minmax"]
    assert (rows[1]["eight_bit"], rows[1]["convolutions"]) == (3, 3)
    assert rows[1]["agreement"] > 0.8
    made = Detector(site / "e.onnx", providers="cpu")
    assert made.classes == NAMES
    assert made.facts.preparation.folded
    assert made.facts.card is not None
    assert (made.facts.card.precision, made.facts.card.licence) == ("int8", "CC0")
    picture = cv2.imread(str(site / "pictures" / "0.png"))
    assert picture is not None
    assert len(Detector(site / "small.onnx", providers="cpu").detect(picture)) > 0
    with pytest.raises(Refused, match="quantised already"):
        list(quantise(msgspec.structs.replace(request, model=str(site / "e.onnx"))))


def test_a_model_that_somebody_else_has_folded_is_quantised_by_what_its_card_says(site: Path) -> None:
    path, folded = site / "folded.onnx", Preparation(fit="stretch", folded=True)
    model = detector()
    fold(model, Preparation(fit="stretch"), HEIGHT, WIDTH)
    del model.metadata_props[:]  # another tool leaves no mark of ours, and no names
    onnx.save(model, path)
    write(path, Card(digest(path), "yolov8", NAMES, "CC0", ["noise"], preparation=folded))
    request = Request("quantise", str(path), [str(site / "pictures")], out=str(site / "e.onnx"), method="minmax")
    assert [line["row"]["method"] for line in quantise(request)] == ["fp32", "minmax", "minmax"]
    made = Detector(site / "e.onnx", providers="cpu")
    assert made.facts.preparation == folded
    assert made.golden[0] == 3
    assert {one.name for one in site.glob("e.*")} == {"e.onnx", "e.card.json", "e.golden.npz"}


def test_every_provider_is_measured_and_one_that_is_not_obtained_is_said(
    site: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands, "available", lambda: ["cann", "cpu"])
    request = Request("bench", str(site / "small.onnx"))
    note, row = list(commands.bench(request))
    assert note["note"]["en"].startswith("cann: provider cann was not obtained")
    assert row["row"]["provider"] == "cpu"
    assert 0 < row["row"]["run_ms"] <= row["row"]["frame_ms"]
    with pytest.raises(SourceError):
        list(commands.bench(msgspec.structs.replace(request, provider="cann")))


def test_a_model_is_installed_whole_or_not_at_all(site: Path, tmp_path: Path) -> None:
    there = tmp_path / "var" / "models"
    (row,) = (
        line["row"] for line in install(Request("install", str(site / "small.onnx"), out=str(there), provider="cpu"))
    )
    assert row["file"] == str(there / "small.onnx")
    assert read(there / "small.onnx") == read(site / "small.onnx")
    assert sorted(one.name for one in there.iterdir()) == ["small.card.json", "small.onnx"]
    bare = put(tmp_path, next(one for one in examples() if one.row == "v8"))
    assert not path_of(bare).exists()
    with pytest.raises(Refused) as caught:
        list(install(Request("install", str(bare), out=str(there), provider="cpu")))
    assert caught.value.code == "install.no-card"
    assert not (there / bare.name).exists()
