"""What `gatehouse model` can ask: one function a verb, each giving rows; what a file does wrong ends in one refusal."""

from __future__ import annotations

import importlib
import platform
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from gateway.core.errors import SourceError
from inference.models import card as cards
from inference.models import golden, graph, pictures
from inference.models.admission import admit
from inference.models.boxes import Boxes
from inference.models.calibrate import LOWEST, answers, pairs, threshold
from inference.models.card import Card, CardError
from inference.models.detector import PREPARATIONS, Detector, given
from inference.models.measure import Match, match
from inference.models.names import from_metadata
from inference.models.pictures import Labelled, LabelledFolder
from inference.models.refusal import Refused
from inference.runtime.session import available, order

SHIPPED = Path(__file__).parents[1] / "shipped"


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One question. Unused fields stay empty."""

    verb: str
    model: str = ""
    files: list[str] = []
    provider: list[str] | str = "auto"
    entry: str = ""  # "module:callable" of a room that runs models
    threads: int = 1
    out: str = ""
    family: str = ""
    classes: list[str] = []
    folded: bool = False
    method: str = ""
    unsigned: bool = False
    most: float = 0.01
    confidence: float = 0.95
    rename: dict[str, str] = {}
    score: float = 0.0


Row = dict[str, Any]


def answer(text: bytes) -> int:
    """Answer the request `text` on stdout; 0 unless it is none."""
    try:
        request = msgspec.json.decode(text, type=Request)
        verb = VERBS[request.verb]
    except (msgspec.DecodeError, KeyError):
        print("no request", file=sys.stderr)
        return 2
    try:
        for row in verb(request):
            _say(row)
    except Refused as error:
        _say({"refused": {"code": error.code, "en": error.en, "zh-CN": error.zh}})
    except SourceError as error:
        _say({"refused": {"code": "runtime", "en": str(error), "zh-CN": f"无法运行：{error}"}})
    except MemoryError:
        _say({"refused": {"code": "memory", "en": "it needs more memory than is allowed", "zh-CN": "所需内存超过限制"}})
    except OSError as error:
        name = Path(str(error.filename or "")).name
        en, zh = f"{name}: {error.strerror}", f"{name}：{error.strerror}"
        _say({"refused": {"code": "file", "en": en, "zh-CN": zh}})
    _say({"end": True})
    return 0


def _say(line: Row) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def _note(en: str, zh: str) -> Row:
    return {"note": {"en": en, "zh-CN": zh}}


def _open(request: Request) -> Detector:
    return Detector(Path(request.model), providers=request.provider, threads=request.threads)


def list_(request: Request) -> Iterator[Row]:
    """The models of folders, shipped ones where none is named."""
    folders = [Path(one) for one in request.files] or [SHIPPED]
    for path in sorted(one for folder in folders for one in folder.glob("*.onnx")):
        try:
            card, state = cards.read(path), "ok"
        except CardError as error:
            card, state = None, error.en
        yield {
            "row": {
                "file": str(path),
                "bytes": path.stat().st_size,
                "state": state if card or state != "ok" else "no card",
                "family": card.family if card else "",
                "classes": card.classes if card else [],
                "precision": card.precision if card else "",
                "licence": card.licence if card else "",
                "map50": card.measured[0].map50 if card and card.measured else None,
            }
        }


def check(request: Request) -> Iterator[Row]:
    """Everything that is found out about a model, and whether it is admitted; with `classes` a card is written first."""
    path = Path(request.model)
    if request.classes or request.family or request.folded:
        yield _write_card(path, request)
        add_golden(path)
    detector, admission = admit(path, providers=request.provider, threads=request.threads)
    facts = detector.facts
    yield {
        "row": {
            "file": str(path),
            "sha256": cards.digest(path),
            "family": facts.family,
            "classes": facts.classes,
            "input": [facts.height, facts.width],
            "outputs": facts.outputs,
            "preparation": msgspec.to_builtins(facts.preparation),
            "quantised": facts.summary.quantised,
            "parameters": facts.summary.parameters,
            "opset": facts.summary.opset,
            "producer": facts.summary.producer,
            "card": facts.card is not None,
            "thresholds": dict(zip(facts.classes, [round(float(one), 4) for one in detector.thresholds], strict=True)),
            "provider": admission.provider,
            "providers": available(),
            "load_ms": round(admission.load_ms, 1),
            "frame_ms": round(admission.frame_ms, 2),
            "golden": admission.golden,
            "deviation": round(admission.deviation, 5),
            "tolerance": facts.card.golden.tolerance if facts.card and facts.card.golden else None,
        }
    }
    if facts.card is not None and facts.card.caution:
        yield {"note": facts.card.caution}
    for error in detector.passed_over:
        yield {"note": {"en": error.en, "zh-CN": error.zh}}
    if facts.card is not None and facts.card.golden is not None and facts.card.golden.tolerance > golden.WIDE:
        yield _note(
            f"the golden batch allows {facts.card.golden.tolerance:g}: a processor whose 8-bit sums saturate may pass; quantise again",
            f"基准样本允许偏差 {facts.card.golden.tolerance:g}：8 位累加溢出的处理器也可能通过；请重新量化",
        )
    if not admission.golden:
        yield _note(
            "the card has no golden batch: nothing says that this device computes what the maker's did",
            "模型卡没有基准样本：无法确认本设备的计算结果与制作者一致",
        )


def admit_(request: Request) -> Iterator[Row]:
    """What is installed, then the provider on which a room of ours admits its model: asked before an update is switched to."""
    yield {"row": {"installed": available()}}
    module, _, name = request.entry.partition(":")
    model = getattr(importlib.import_module(module), name)(Path(request.model), request.provider, request.threads)
    yield {"row": {"provider": model.provider}}


def _write_card(path: Path, request: Request) -> Row:
    """A card of what the person answered; what it does not say stays open."""
    try:
        old = cards.read(path)
    except CardError:
        old = None
    summary = graph.summary(graph.read(path))

    classes = request.classes or (old.classes if old else None) or from_metadata(summary.metadata) or []
    family = request.family or (old.family if old else "")
    usual = given(None, summary.metadata) or PREPARATIONS.get(family) or cards.Preparation()
    if request.folded:
        usual = cards.Preparation(folded=True)
    card = Card(
        sha256=cards.digest(path),
        family=family,
        classes=classes,
        licence=old.licence if old else "unknown",
        trained_on=old.trained_on if old else ["unknown"],
        preparation=old.preparation if old and not request.folded else usual,
    )
    written = cards.write(path, card)
    return _note(
        f"wrote {written.name}: complete licence and training data in it",
        f"已写入 {written.name}：请补全许可证与训练数据",
    )


def add_golden(path: Path) -> None:
    """A golden batch for a model that has a card: what exact arithmetic gives for drawn pictures. Raises Refused, SourceError, OSError."""
    detector = Detector(path, providers="cpu")
    facts = detector.facts
    if facts.card is not None:
        target = path.with_name(f"{path.stem}.golden.npz")
        batch = detector.golden_batch(path, golden.drawn(facts.height, facts.width), target)
        cards.write(path, msgspec.structs.replace(facts.card, golden=batch))


def bench(request: Request) -> Iterator[Row]:
    """Load time and milliseconds a picture on every provider there is, or on the one asked for."""
    chosen = available() if request.provider == "auto" else order(request.provider)
    for provider in chosen:
        try:
            detector = Detector(Path(request.model), providers=provider, threads=request.threads)
        except SourceError as error:
            if len(chosen) == 1:
                raise
            yield _note(f"{provider}: {error}", f"{provider}：{getattr(error, 'zh', error)}")
            continue
        picture = np.random.default_rng(0).integers(0, 256, (720, 1280, 3), np.uint8)
        parts: list[dict[str, float]] = []
        for _ in range(5 + 30):
            detector.detect(picture)
            parts.append(detector.last_ms)
        medians = {key: float(np.median([one[key] for one in parts[5:]])) for key in parts[0]}
        total = [sum(one.values()) for one in parts[5:]]
        yield {
            "row": {
                "provider": detector.provider,
                "threads": request.threads,
                "machine": platform.machine(),
                "load_ms": round(detector.load_ms, 1),
                "pre_ms": round(medians["pre"], 3),
                "run_ms": round(medians["run"], 3),
                "post_ms": round(medians["post"], 3),
                "frame_ms": round(float(np.median(total)), 3),
                "p99_ms": round(float(np.quantile(total, 0.99)), 3),
                "pictures_per_s": round(1e3 / float(np.median(total)), 1),
            }
        }


def detect(request: Request) -> Iterator[Row]:
    """One row a picture; a picture that cannot be read is refused in its row, and the next one is looked at."""
    detector = _open(request)
    if request.score:
        detector.thresholds[:] = request.score
    for path in pictures.listed([Path(one) for one in request.files]):
        began = time.perf_counter()
        try:
            picture = pictures.read(path)
        except Refused as error:
            yield {
                "row": {
                    "file": str(path),
                    "boxes": None,
                    "error": {"code": error.code, "en": error.en, "zh-CN": error.zh},
                }
            }
            continue
        found = detector.detect(picture)
        yield {
            "row": {
                "file": str(path),
                "width": picture.shape[1],
                "height": picture.shape[0],
                "boxes": _plain(found, detector.classes),
                "ms": round((time.perf_counter() - began) * 1e3, 2),
                "provider": detector.provider,
            }
        }


def _plain(found: Boxes, classes: list[str]) -> list[Row]:
    """Boxes in pixels of the picture: x1, y1, x2, y2."""
    return [
        {"class": classes[kind], "score": round(float(score), 4), "box": [round(float(one), 2) for one in corners]}
        for corners, score, kind in zip(found.corners, found.scores, found.classes, strict=True)
    ]


def install(request: Request) -> Iterator[Row]:
    """Admit a model and copy it with its card and golden batch; what is there already stays where it is not admitted."""
    path, folder = Path(request.model), Path(request.out)
    detector, admission = admit(path, providers=request.provider, threads=request.threads)
    card = detector.facts.card
    if card is None:
        raise Refused(
            "install.no-card",
            f"{path.name} has no card; make one with `gatehouse model check {path.name} --family F --classes A,B`",
            f"{path.name} 没有模型卡；请用 `gatehouse model check {path.name} --family F --classes A,B` 生成",
        )
    folder.mkdir(parents=True, exist_ok=True)
    names = [path.name, cards.path_of(path).name] + ([Path(card.golden.file).name] if card.golden else [])
    for name in reversed(names):  # the model last: with it the set is whole
        part = folder / f"{name}.part"
        shutil.copyfile(path.parent / name, part)
        part.replace(folder / name)
    yield {
        "row": {
            "file": str(folder / path.name),
            "provider": admission.provider,
            "frame_ms": round(admission.frame_ms, 2),
        }
    }


def _labelled(request: Request, detector: Detector) -> LabelledFolder:
    if len(request.files) != 1:
        raise Refused("labels.one-folder", "name one folder of labelled pictures", "请指定一个带标注的图像文件夹")
    return LabelledFolder(Path(request.files[0]), detector.classes, request.rename)


def look(detector: Detector, folder: LabelledFolder) -> list[tuple[Boxes, Labelled]]:
    """Everything that scores at all, on every picture."""
    lowest = np.full(len(detector.classes), LOWEST, np.float32)
    return [(detector.detect(picture, lowest), truth) for picture, truth in folder]


def calibrate(request: Request) -> Iterator[Row]:
    """Thresholds that keep the promise, their price, and for pairs of classes the three answers."""
    if not 0 < request.most < 1 or not 0.5 <= request.confidence < 1:
        raise Refused(
            "calibrate.share",
            "--max-miss must lie between 0 % and 100 %, --confidence between 50 % and 100 %",
            "--max-miss 应在 0 % 与 100 % 之间，--confidence 应在 50 % 与 100 % 之间",
        )
    detector = _open(request)
    folder = _labelled(request, detector)
    found = look(detector, folder)
    matches: list[Match] = match(found, len(detector.classes))
    thresholds: dict[str, float] = {}
    for kind in folder.covered:
        name = detector.classes[kind]
        one = threshold(name, matches[kind], len(found), request.most, request.confidence)
        if one.reached:
            thresholds[name] = one.threshold
        yield {"row": {**_fields(one), **_rounded(matches[kind].at(one.threshold))}}
    said: list[Row] = []
    for pair in pairs(detector.classes):
        if set(pair) <= set(folder.covered):
            limit = thresholds.get(detector.classes[pair[1]], LOWEST)
            three = answers(pair, detector.classes, found, limit, request.most, request.confidence)
            said.append(_fields(three))
            yield {"row": {"answers": _fields(three)}}
    if request.out:
        kept = {"model": cards.digest(Path(request.model)), "max_miss": request.most, "confidence": request.confidence}
        Path(request.out).write_bytes(
            msgspec.json.format(msgspec.json.encode({**kept, "thresholds": thresholds, "answers": said}), indent=2)
            + b"\n"
        )


def _fields(struct: Any) -> Row:
    return _rounded({name: getattr(struct, name) for name in struct.__slots__})


def _rounded(row: Row) -> Row:
    return {key: round(value, 5) if isinstance(value, float) else value for key, value in row.items()}


def quantise(request: Request) -> Iterator[Row]:
    """The 8-bit twin: every method tried, accuracy and speed before and after, the best written. Or S8 activations made U8."""
    from inference.models import sweep  # it brings the calibration library, which takes a second to load

    if request.unsigned:
        yield from sweep.unsigned(Path(request.model), Path(request.out))
    else:
        yield from sweep.sweep(
            request.model, request.files, request.out, request.method, request.rename, request.threads
        )


VERBS: dict[str, Callable[[Request], Iterator[Row]]] = {
    "admit": admit_,
    "list": list_,
    "check": check,
    "bench": bench,
    "quantise": quantise,
    "calibrate": calibrate,
    "install": install,
    "detect": detect,
}
