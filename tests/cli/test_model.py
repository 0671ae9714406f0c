"""`gatehouse model` from the command line to the process that reads the files, and back."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from gateway.cli import codes, modelling
from tests.cli.conftest import Terminal
from tests.inference.zoo import HEIGHT, TRUTH, WIDTH, Example, build, examples, put, v6

V8 = next(one for one in examples() if one.row == "v8")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return put(tmp_path, V8)


def test_detect_prints_a_line_a_picture_with_boxes_in_its_pixels(
    model: Path, tmp_path: Path, terminal: Terminal
) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    cv2.imwrite(str(folder / "a.png"), np.zeros((2 * HEIGHT, 2 * WIDTH, 3), np.uint8))
    (folder / "b.jpg").write_bytes(b"no picture")
    cv2.imwrite(str(folder / "c.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
    shown = terminal("model", "detect", str(model), str(folder), "-o", "jsonl", "--provider", "cpu")
    assert shown.code == codes.OK
    first, second, third = (json.loads(line) for line in shown.out.splitlines())
    assert [one["class"] for one in third["boxes"]] == ["person", "vest", "helmet"]
    for large, small, (corners, score, _) in zip(first["boxes"], third["boxes"], TRUTH, strict=True):
        assert np.allclose(small["box"], corners, atol=0.01)
        assert np.allclose(large["box"], 2 * np.array(corners), atol=0.02)
        assert abs(small["score"] - score) < 1e-3
    assert second["boxes"] is None
    assert second["error"]["code"] == "picture.damaged"


def test_a_question_is_asked_in_the_language_of_the_reader_and_answered_by_an_option(
    tmp_path: Path, terminal: Terminal
) -> None:
    path = tmp_path / "plant.onnx"
    path.write_bytes(build({"o": v6(grid=False)}, V8.metadata).SerializeToString())
    asked = terminal("model", "check", str(path), "--provider", "cpu", "--lang", "zh-CN")
    assert asked.code == codes.REFUSED
    assert "这是 YOLOv6 还是 YOLOX" in asked.err
    told = terminal("model", "check", str(path), "--provider", "cpu", "--family", "yolov6", "-o", "json")
    assert told.code == codes.OK
    assert json.loads(told.out)["family"] == "yolov6"
    assert (tmp_path / "plant.card.json").is_file()


def test_a_process_that_dies_is_said_to_have_died(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    monkeypatch.setattr(modelling, "PROCESS", "tests.cli.dies")
    shown = terminal("model", "list", "/nowhere")
    assert shown.code == codes.FAILED
    assert "SIGSEGV" in shown.err


def test_calibrate_keeps_the_promise_or_says_what_so_few_pictures_can(tmp_path: Path, terminal: Terminal) -> None:
    """Twenty pictures in which everything is found promise five per cent and not one."""
    assert isinstance(V8, Example)
    model = put(tmp_path, V8)
    for name in ("images", "labels"):
        (tmp_path / "site" / name).mkdir(parents=True)
    (tmp_path / "site" / "classes.txt").write_text("Person\nHard-Hat\n")
    lines = []
    for corners, _, kind in TRUTH:
        x1, y1, x2, y2 = np.array(corners) / [WIDTH, HEIGHT, WIDTH, HEIGHT]
        if kind < 2:
            lines.append(f"{kind} {(x1 + x2) / 2} {(y1 + y2) / 2} {x2 - x1} {y2 - y1}")
    for i in range(20):
        cv2.imwrite(str(tmp_path / "site" / "images" / f"{i}.png"), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
        (tmp_path / "site" / "labels" / f"{i}.txt").write_text("\n".join(lines))
    words = (
        "model",
        "calibrate",
        str(model),
        str(tmp_path / "site"),
        "--rename",
        "Hard-Hat=helmet",
        "--provider",
        "cpu",
    )
    kept = terminal(*words, "--max-miss", "5%", "-o", "json", "--out", str(tmp_path / "t.json"))
    assert kept.code == codes.OK
    rows = {row["name"]: row for row in json.loads(kept.out)["thresholds"]}
    assert 0.88 < rows["person"]["threshold"] <= 0.9
    assert 0.58 < rows["helmet"]["threshold"] <= 0.6
    assert rows["person"]["bound"] == pytest.approx(1 / 21, abs=1e-4)
    assert rows["person"]["upper"] == pytest.approx(1 - 0.05 ** (1 / 20), abs=1e-3)
    assert json.loads((tmp_path / "t.json").read_text())["thresholds"].keys() == {"person", "helmet"}
    short = terminal(*words, "--max-miss", "1%")
    assert short.code == codes.REFUSED
    assert "4.8 %" in short.err
