"""`gatehouse model quantise`: tries every calibration method on pictures of the plant and keeps the one that loses least accuracy."""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from numpy.typing import NDArray

from inference.models import card as cards
from inference.models import commands, graph, pictures
from inference.models.admission import frame_ms
from inference.models.card import Card
from inference.models.detector import Detector
from inference.models.fold import MARK, fold
from inference.models.measure import match, mean_precision
from inference.models.pictures import LabelledFolder
from inference.models.prepare import Fitting, tensor
from inference.models.quantise import METHODS, PICTURES, counts, quantise
from inference.models.refusal import Refused

Row = dict[str, Any]


def unsigned(source: Path, target: Path) -> Iterator[Row]:
    """An S8 x S8 model with unsigned activations: the same numbers. Raises Refused."""
    model = graph.read(source)
    if not graph.summary(model).signed_activations:
        raise Refused(
            "quantise.not-signed", f"{source.name} has no signed activations", f"{source.name} 没有有符号的激活值"
        )
    if not graph.unsigned(model):
        raise Refused(
            "quantise.cannot-convert",
            f"{source.name} uses its quantised values otherwise than exporters do; quantise the fp32 model instead",
            f"{source.name} 的量化方式不常见，无法转换；请改用 fp32 模型重新量化",
        )
    card = cards.read(source)
    graph.save(model, target)
    _card(card, target)
    commands.add_golden(target)
    yield {"row": {"file": str(target), "method": "unsigned"}}


def sweep(
    source: str, files: Sequence[str], out: str, method: str, rename: Mapping[str, str], threads: int
) -> Iterator[Row]:
    """Rows: the model as it is, one a method, and the file that was written. Raises Refused, OSError."""
    path, target = Path(source), Path(out)
    plain = Detector(path, providers="cpu", threads=threads)
    if plain.facts.summary.quantised:
        raise Refused("quantise.already", f"{path.name} is quantised already", f"{path.name} 已经量化过")
    chosen = [method] if method else list(METHODS)
    if not set(chosen) <= set(METHODS):
        raise Refused(
            "quantise.method",
            f"--method must be one of {', '.join(METHODS)}",
            f"--method 应为 {', '.join(METHODS)} 之一",
        )
    folder = Path(files[0])
    shown = pictures.listed([folder])
    labelled = _labels(folder, plain, rename)
    before = _quality(plain, labelled)
    yield {"row": {"method": "fp32", "map50": before, "frame_ms": round(frame_ms(plain), 2), "file": str(path)}}
    best: tuple[float, str, Path] | None = None
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        for one in chosen:
            made = Path(scratch) / f"{one}.onnx"
            with contextlib.redirect_stdout(sys.stderr):  # the library talks
                quantise(path, made, one, lambda: _inputs(plain, shown))  # type: ignore[arg-type]
            _finish(made, plain)
            _card(plain.facts.card, made)  # a card may have answered what the file leaves open
            eight = Detector(made, providers="cpu", threads=threads)
            quality = _quality(eight, labelled)
            agrees = _agreement(plain, eight, shown)
            yield {
                "row": {
                    "method": one,
                    "map50": quality,
                    "agreement": agrees,
                    "frame_ms": round(frame_ms(eight), 2),
                    **counts(graph.read(made)),
                }
            }
            rank = quality if quality is not None else agrees
            if best is None or rank > best[0]:
                best = (rank, one, made)
        assert best is not None
        best[2].replace(target)
    _card(plain.facts.card, target)
    commands.add_golden(target)
    yield {"row": {"method": best[1], "file": str(target), "map50": best[0] if before is not None else None}}


def _labels(folder: Path, detector: Detector, rename: Mapping[str, str]) -> LabelledFolder | None:
    """Labels where there are any: without them only agreement with the fp32 model can be told."""
    return LabelledFolder(folder, detector.classes, rename) if (folder / "labels").is_dir() else None


def _inputs(detector: Detector, shown: Sequence[Path]) -> Iterator[NDArray[Any]]:
    facts = detector.facts
    fitting = Fitting(facts.height, facts.width, facts.preparation)
    step = max(1, len(shown) // PICTURES)
    for path in shown[::step][:PICTURES]:
        pixels, _ = fitting(pictures.read(path))
        yield tensor(pixels, facts.preparation).copy()  # a folded model is given the canvas itself


def _finish(made: Path, plain: Detector) -> None:
    """Fold the preparation in, and keep what the file said of itself."""
    model = graph.read(made)
    del model.metadata_props[:]
    said = {
        **plain.facts.summary.metadata,
        "names": str(dict(enumerate(plain.classes))),
        "gatehouse.family": plain.facts.family,
    }
    said |= {MARK: "1"} if plain.facts.preparation.folded else {}  # it was folded by somebody else, as its card says
    for key, value in said.items():
        model.metadata_props.add(key=key, value=value)
    with contextlib.suppress(Refused):  # it takes bytes already, or another type
        fold(model, plain.facts.preparation, plain.facts.height, plain.facts.width)
    graph.save(model, made)


def _quality(detector: Detector, labelled: LabelledFolder | None) -> float | None:
    if labelled is None:
        return None
    return round(mean_precision(match(commands.look(detector, labelled), len(detector.classes))), 4)


def _agreement(plain: Detector, eight: Detector, shown: Sequence[Path]) -> float:
    """Share of the fp32 model's boxes that the 8-bit model gives too: same class, overlap of one half."""
    from inference.models.measure import overlaps

    same = total = 0
    for path in shown[:: max(1, len(shown) // 32)]:
        picture = pictures.read(path)
        one, two = plain.detect(picture), eight.detect(picture)
        common = (overlaps(one.corners, two.corners) >= 0.5) & (one.classes[:, None] == two.classes[None])
        same += int(common.any(axis=1).sum()) if len(two) else 0
        total += len(one)
    return round(same / total, 4) if total else 1.0


def _card(old: Card | None, target: Path) -> None:
    """The card of the new file: the old one's words, its own hash, no golden batch and no figures of the model it was made of."""
    if old is None:
        return
    folded = graph.summary(graph.read(target)).metadata.get(MARK) == "1"
    preparation = msgspec.structs.replace(old.preparation, folded=folded)
    new = msgspec.structs.replace(
        old, sha256=cards.digest(target), precision="int8", measured=[], golden=None, preparation=preparation
    )
    cards.write(target, new)
