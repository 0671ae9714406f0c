"""Measures the exported graphs on every label set, draws the golden batches and writes the cards.

python -m inference.training.finish inference/shipped --data ../shared/data --album runs
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from inference.models import golden
from inference.models.card import Card, Preparation, Quality, digest, write
from inference.models.card import Golden as GoldenBatch
from inference.runtime.session import open_exact, open_session
from inference.training import modelcard
from inference.training.cache import Album, build
from inference.training.classes import CLASSES
from inference.training.evaluate import ClassResult, Result, by_set
from inference.training.labels import entries
from inference.training.scenes import draw
from inference.training.shipped import boxes, open_graph

SIDE = 640
GOLDEN_SEEDS = (11, 26, 42)
MODELS = {"ppe.onnx": "fp32", "ppe.int8.onnx": "int8"}
CHECKED = {"css_ppe": "valid", "forklift": "valid", "hhw_mini": "all"}
"""Set → the part that is measured."""
LOOSE_IOU = 0.3
"""hhw_mini boxes the whole head where the training sets box the helmet: a helmet found exactly has an IoU of 0.3 to 0.5 with it."""
NOTES = {
    "css_ppe": "frames of the same videos are in the training part: not independent of it",
    "forklift": "pictures of the same origin as the training part",
    "hhw_mini": "another origin",
}
SET_LICENCES = {
    "css_ppe": "Construction Site Safety v28 (CC BY 4.0)",
    "forklift": "forklift-dsitv (CC BY 4.0)",
    "hhw_mini": "Hard Hat Workers (CC0)",
}


USABLE_MAP50 = 0.6
"""Below this on css_ppe/valid the card says in its first sentence that the detector misses too much."""
EARLY = {
    "en": "A first version, trained for a short time: it misses about half of what it should see (`measured`)."
    " Let no protection rest on it; bring a model of your own where people depend on it. ",
    "zh-CN": "经短时训练的首个版本：应识别的目标约有一半会漏检（见 `measured`）。"
    "任何防护不得依赖本模型；涉及人身安全时请使用贵厂自己的模型。",
}
LIMITS = {
    "en": "Trained from scratch on about 1,700 pictures, mostly building sites by day. Not measured at night, in rain, from above,"
    " through glass or on your site: measure it there before anything depends on it, and choose thresholds with"
    " `gatehouse model calibrate`.",
    "zh-CN": "仅用约 1700 幅图像（多为白天的建筑工地）从零训练。未在夜间、雨天、俯视、隔玻璃及贵厂现场测试："
    "在依赖其结果之前请先在现场测试，并用 `gatehouse model calibrate` 选择阈值。",
}


@dataclass(frozen=True, slots=True)
class Measured:
    """A graph's results by set, and its shortest processor time."""

    precision: str
    results: dict[str, Result]
    loose: Result
    ms: float


def golden_pictures() -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """The drawn scenes every device must read alike: [n, side, side, 3]."""
    return np.stack([draw(seed, SIDE, SIDE, grain=False).pixels for seed in GOLDEN_SEEDS])


def batch_of(file: Path) -> GoldenBatch:
    """Draws the golden batch of a graph beside it, with how close is the same."""
    usual, exact = open_session(file, providers="cpu"), open_exact(file)
    return golden.make(
        lambda picture: usual.run(picture[None]),
        lambda picture: exact.run(picture[None]),
        golden_pictures(),
        file.with_name(f"{file.stem}.golden.npz"),
    )


def measured(file: Path, precision: str, album: Album) -> Measured:
    """Runs a graph over the checked pictures."""
    session = open_graph(file)
    page = album.pages[:1]
    times = []
    for _ in range(20):
        began = time.process_time()
        session.run(None, {session.get_inputs()[0].name: page})
        times.append((time.process_time() - began) * 1e3)
    seen = boxes(session, album)
    return Measured(precision, by_set(seen, album), by_set(seen, album, LOOSE_IOU)["hhw_mini"], min(times))


def per_class(item: ClassResult) -> dict[str, float]:
    """One class's figures for the card."""
    figures = {"ap50": item.ap50, "recall": item.recall, "precision": item.precision, "threshold": item.threshold}
    return {**{key: round(value, 3) for key, value in figures.items()}, "labelled": item.labelled}


def quality(result: Measured, trained_on: tuple[str, ...], images: dict[str, int]) -> list[Quality]:
    """What the card says was measured."""
    rows = []
    for name, own in result.results.items():
        note = NOTES[name] if name in trained_on or name != "hhw_mini" else f"{NOTES[name]}, none of it in training"
        data = f"{name}/{CHECKED[name]}"
        rows.append(
            Quality(data, images[name], round(own.map50, 4), {item.name: per_class(item) for item in own.classes}, note)
        )
    loose = result.loose
    rows.append(
        Quality(
            f"hhw_mini/all, IoU {LOOSE_IOU}",
            images["hhw_mini"],
            round(loose.map50, 4),
            {item.name: per_class(item) for item in loose.classes},
            "its boxes enclose the whole head, those of the training sets the helmet: a hit from this IoU on",
        )
    )
    return rows


def limits(result: Measured) -> dict[str, str]:
    """What it is not; first of all, where that is so, that it misses too much."""
    low = too_early(result)
    return {language: (EARLY[language] if low else "") + LIMITS[language] for language in LIMITS}


def too_early(result: Measured) -> bool:
    """Whether it misses so much that everybody who uses it must be told."""
    return result.results["css_ppe"].map50 < USABLE_MAP50


def card(file: Path, result: Measured, trained_on: tuple[str, ...], images: dict[str, int], batch: GoldenBatch) -> Card:
    """The card of one graph."""
    thresholds = {item.name: round(item.threshold, 3) for own in result.results.values() for item in own.classes}
    thresholds |= {item.name: round(item.threshold, 3) for item in result.results["css_ppe"].classes}
    return Card(
        sha256=digest(file),
        family="yolov8",
        classes=list(CLASSES),
        licence="Apache-2.0",
        trained_on=[
            *(SET_LICENCES[name] for name in trained_on),
            "drawn danger-zone scenes (inference/training/scenes.py)",
        ],
        title={
            "en": "People, helmets, vests and forklifts: the detector Gatehouse ships",
            "zh-CN": "人员、安全帽、反光衣与叉车：Gatehouse 随附检测模型",
        },
        input=[SIDE, SIDE],
        preparation=Preparation(layout="nhwc", colour="bgr", scale=1.0, folded=True),
        thresholds=thresholds,
        measured=quality(result, trained_on, images),
        golden=batch,
        limits=limits(result),
        caution={language: text.strip() for language, text in EARLY.items()} if too_early(result) else {},
        precision=result.precision,
    )


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shipped", type=Path, help="folder with ppe.onnx and ppe.int8.onnx")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--album", type=Path, required=True, help="folder for decoded pictures")
    parser.add_argument("--trained-on", default="css_ppe,forklift", help="label sets, by comma")
    given = parser.parse_args()
    trained_on = tuple(given.trained_on.split(","))
    chosen = [entry for name, part in CHECKED.items() for entry in entries(given.data, name, part)]
    album = build(given.data, chosen, SIDE, given.album / "checked.u8")
    images = {name: album.sets.count(name) for name in CHECKED}
    results = []
    for name, precision in MODELS.items():
        file = given.shipped / name
        results.append(measured(file, precision, album))
        write(file, card(file, results[-1], trained_on, images, batch_of(file)))
        print(f"{name}: {results[-1].ms:.1f} ms")
    modelcard.write(given.shipped)


if __name__ == "__main__":
    main()
