"""Pictures through detectors on one thread: our own net in fp32 and eight bits, beside it an 80-class net of the shape of YOLOv8n.

Every pair is measured in turns on the same pictures, so that whatever else the machine does falls on both. What counts is the processor
time of this process, which on an idle machine is the time of the one thread, and of all turns the fastest tenth. Where
`inference/shipped` has models they are measured; else our architecture with random weights, which takes as long.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import cv2
import msgspec
import numpy as np
import onnx
from numpy.typing import NDArray

from inference.models import card as cards
from inference.models.boxes import distinct
from inference.models.card import Preparation
from inference.models.detector import Detector
from inference.models.fold import fold
from inference.models.graph import read
from inference.models.quantise import quantise
from inference.runtime.session import available
from tests.bench.figure import figure, spread
from tests.bench.nets import own, shaped_like_v8n

SIDES = (320, 640)
EIGHT_OVER_FP32, OWN_OVER_V8N, AROUND, OPENVINO = 2.2, 3.0, 0.08, 1.5  # issue: must show
SHIPPED = Path(__file__).parents[2] / "inference" / "shipped"


def pictures(count: int) -> list[NDArray[np.uint8]]:
    """720p pictures with edges and areas, as cameras give them; noise would make every score equal."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(count):
        picture = np.full((720, 1280, 3), 90, np.uint8)
        for _ in range(40):
            x, y = random.integers(0, 1200), random.integers(0, 640)
            colour = [int(one) for one in random.integers(0, 256, 3)]
            cv2.rectangle(
                picture,
                (int(x), int(y)),
                (int(x + random.integers(10, 300)), int(y + random.integers(10, 300))),
                colour,
                -1,
            )
        found.append(picture)
    return found


def made(folder: Path, name: str, build: Callable[[int], onnx.ModelProto], side: int) -> tuple[Path, Path]:
    """A net in fp32 and in eight bits, both with the preparation folded in."""
    plain, eight = folder / f"{name}.{side}.onnx", folder / f"{name}.{side}.int8.onnx"
    onnx.save(build(side), plain)
    random = np.random.default_rng(1)

    def inputs() -> Iterator[NDArray[Any]]:
        yield np.zeros((1, 3, side, side), np.float32)
        yield np.ones((1, 3, side, side), np.float32)  # so that a byte is a byte: 0 to 1 in 255 steps
        yield (random.integers(0, 256, (1, 3, side, side)) / 255).astype(np.float32)

    quantise(plain, eight, "minmax", inputs)
    for path in (plain, eight):
        model = read(path)
        if not any(one.key == "names" for one in model.metadata_props):
            classes = 80 if name == "v8n" else 6
            model.metadata_props.add(key="names", value=str({i: f"class{i}" for i in range(classes)}))
        fold(model, Preparation(), side, side)
        onnx.save(model, path)
    return plain, eight


def shipped(side: int) -> tuple[Path, Path] | None:
    """fp32 and eight-bit files of the shipped detector for this size, where they are there."""
    files = {path.stem: path for path in SHIPPED.glob("*.onnx")}
    of_side = [path for path in files.values() if _side(path) == side]
    eight = [path for path in of_side if "int8" in path.stem]
    plain = [path for path in of_side if "int8" not in path.stem]
    return (plain[0], eight[0]) if plain and eight else None


def _side(path: Path) -> int:
    shape = next(iter(read(path).graph.input)).type.tensor_type.shape.dim
    return int(max(one.dim_value for one in shape))


def in_turns(
    detectors: dict[str, Detector], shown: list[NDArray[np.uint8]], rounds: int
) -> dict[str, list[dict[str, float]]]:
    """Milliseconds of each part, every detector on every picture, one after the other."""
    times: dict[str, list[dict[str, float]]] = {name: [] for name in detectors}
    for turn in range(rounds + 2):
        for name, detector in detectors.items():
            began = process_time()
            detector.detect(shown[turn % len(shown)])
            if turn >= 2:
                times[name].append({**detector.last_ms, "whole": (process_time() - began) * 1e3})
    return times


def undisturbed(values: Iterable[float]) -> float:
    """The fastest tenth: on a machine that does other work too, the rest tells of that work."""
    return float(np.quantile(np.array(list(values)), 0.1))


def total(parts: list[dict[str, float]]) -> float:
    """Milliseconds of a whole picture."""
    return undisturbed(one["whole"] for one in parts)


def figures(quick: bool) -> list[dict[str, Any]]:
    """All figures of the issue that one machine alone can tell."""
    rounds = 20 if quick else 150
    shown = pictures(4)
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for side in SIDES:
            found += _side_figures(folder, side, shown, rounds)
    found += _plain_code(shown, rounds)
    return found


def _side_figures(folder: Path, side: int, shown: list[NDArray[np.uint8]], rounds: int) -> list[dict[str, Any]]:
    ours = shipped(side)
    what = "shipped weights" if ours else "random weights"
    plain, eight = ours or made(folder, "own", own, side)
    v8n, v8n_eight = made(folder, "v8n", shaped_like_v8n, side)
    paths = {"own fp32": plain, "own int8": eight, "v8n fp32": v8n, "v8n int8": v8n_eight}
    detectors = {name: Detector(path, providers="cpu") for name, path in paths.items()}
    if (
        "openvino" in available()
    ):  # also where its rounding is not the golden batch's: what is asked here is how fast it is
        alone = {
            name: shutil.copy(paths[name], folder / f"alone.{paths[name].name}") for name in ("own int8", "own fp32")
        }
        for name, path in alone.items():
            _card_without_golden(paths[name], Path(path))
            detectors[f"{name} openvino"] = Detector(Path(path), providers="openvino")
    times = in_turns(detectors, shown, rounds)
    ms = {name: total(parts) for name, parts in times.items()}
    parts = {key: undisturbed(one[key] for one in times["own int8"]) for key in ("pre", "run", "post")}
    around = (parts["pre"] + parts["post"]) / sum(parts.values())
    at = f"at {side}"
    found = [
        figure(
            f"own int8 {at}, reference fp32", ms["own int8"], "ms", f"<= 1/{EIGHT_OVER_FP32} of fp32 at 640",
            side != 640 or ms["own fp32"] / ms["own int8"] >= EIGHT_OVER_FP32, ms["own fp32"],
            times_faster=round(ms["own fp32"] / ms["own int8"], 2), weights=what,
            **spread([one["whole"] for one in times["own int8"]]),
        ),
        figure(
            f"own int8 {at}, reference v8n-shaped int8", ms["own int8"], "ms", f"<= 1/{OWN_OVER_V8N:g} of it at 640",
            side != 640 or ms["v8n int8"] / ms["own int8"] >= OWN_OVER_V8N, ms["v8n int8"],
            times_faster=round(ms["v8n int8"] / ms["own int8"], 2),
        ),
        figure(
            f"v8n-shaped int8 {at}, reference its fp32", ms["v8n int8"], "ms", "", True, ms["v8n fp32"],
            times_faster=round(ms["v8n fp32"] / ms["v8n int8"], 2),
        ),
        figure(
            f"before and after the network {at}, share of a picture", around, "", f"<= {AROUND:g} at 640", side != 640 or around <= AROUND,
            pre_ms=round(parts["pre"], 3),
            post_ms=round(parts["post"], 3),
        ),
    ]  # fmt: skip
    if "own int8 openvino" in ms:
        gain = ms["own int8"] / ms["own int8 openvino"]
        found.append(
            figure(
                f"own int8 {at} on OpenVINO, reference onnxruntime", ms["own int8 openvino"], "ms",
                f"faster; aim {OPENVINO:g} times", gain > 1, ms["own int8"], times_faster=round(gain, 2),
            )
        )  # fmt: skip
    return found


def _card_without_golden(source: Path, target: Path) -> None:
    card = cards.read(source)
    if card is not None:
        cards.write(target, msgspec.structs.replace(card, golden=None))


def _plain_code(shown: list[NDArray[np.uint8]], rounds: int) -> list[dict[str, Any]]:
    """Ours beside the usual code, part by part."""
    from inference.models.prepare import Fitting

    fitting = Fitting(320, 320, Preparation())
    random = np.random.default_rng(2)
    rows = np.zeros((84, 8400), np.float32)
    rows[:4] = random.uniform(0, 640, (4, 8400))
    rows[4:] = random.random((80, 8400), np.float32) ** 15_000
    ours = {"pre": lambda picture: fitting(picture)[0][None], "post": lambda _: _after(rows)}
    usual = {"pre": _usual_before, "post": lambda _: _usual_after(rows)}
    found = []
    for part, name in (("pre", "720p into the input at 320"), ("post", "boxes out of 84 x 8,400")):
        times: dict[str, list[float]] = {"ours": [], "usual": []}
        for turn in range(rounds * 5):
            for kind, function in (("ours", ours[part]), ("usual", usual[part])):
                began = perf_counter()
                function(shown[turn % len(shown)])  # type: ignore[operator]
                times[kind].append((perf_counter() - began) * 1e3)
        mine, other = undisturbed(times["ours"]), undisturbed(times["usual"])
        found.append(
            figure(
                name, mine, "ms", "less than the usual code", mine < other, other, times_faster=round(other / mine, 2)
            )
        )
    return found


def _after(rows: NDArray[np.float32]) -> object:
    from inference.models.families import Shape, yolov8

    return yolov8((rows,), Shape(640, 640, 80), np.full(80, 0.25, np.float32))


def _usual_before(picture: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Letter box, RGB, float, channels first, as most code does it."""
    scale = min(320 / picture.shape[0], 320 / picture.shape[1])
    size = (round(picture.shape[1] * scale), round(picture.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR)
    top, left = (320 - size[1]) // 2, (320 - size[0]) // 2
    framed = cv2.copyMakeBorder(
        small, top, 320 - size[1] - top, left, 320 - size[0] - left, cv2.BORDER_CONSTANT, value=(114, 114, 114)
    )
    turned = cv2.cvtColor(framed, cv2.COLOR_BGR2RGB).transpose(2, 0, 1)[None]
    return np.ascontiguousarray(turned).astype(np.float32) / 255


def _usual_after(rows: NDArray[np.float32]) -> object:
    """A row per place, the best class of each, then the same comparison of boxes."""
    turned = rows.T
    scores = turned[:, 4:]
    classes = scores.argmax(1)
    best = scores[np.arange(len(scores)), classes]
    keep = best > 0.25
    centre, half = turned[keep, :2], turned[keep, 2:4] / 2
    return distinct(np.concatenate([centre - half, centre + half], 1), best[keep], classes[keep])
