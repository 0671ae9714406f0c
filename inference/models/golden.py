"""The golden batch of a card: pictures with the answers that a model must give on this device and provider, else it is refused.

The answers are those of exact arithmetic, every operator as the file has it. Eight-bit models are rounded at every layer, and each runtime
fuses layers in its own way: a value on the edge of a step falls to either side. How far that alone carries is measured when the batch is
made, and half as much again is allowed. A device whose sums saturate is three times further off (docs/results/vision.md).
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from inference.models.card import Golden, digest
from inference.models.refusal import Refused

GOLDEN_MAX = 64 << 20  # bytes
UNPACKED_MAX = 256 << 20  # bytes: three pictures of 640 x 640 with their answers have 5 MB
SMALLEST = 0.25  # of a score: below it nothing is reported
LEAST = 0.02  # of a tolerance: fp32 on other devices
SPARE = 1.5  # times what rounding does to the maker's own runtime
WIDE = 0.15  # a tolerance from which sums that saturate (0.25) are no longer told apart for sure

Raw = Callable[[NDArray[np.uint8]], list[NDArray[Any]]]  # a picture of the input's own size to the outputs as they are


def compare(folder: Path, golden: Golden, raw: Raw, size: tuple[int, int], provider: str) -> tuple[int, float]:
    """Run the golden batch: how many pictures, and the largest deviation. Raises Refused where that is more than the card allows."""
    batch = folder / Path(golden.file).name  # beside the card, whatever it says
    try:
        if batch.stat().st_size > GOLDEN_MAX or digest(batch) != golden.sha256:
            raise Refused(
                "golden.other-file",
                f"{batch.name} is not the golden batch of the card",
                f"{batch.name} 不是模型卡所指的基准样本",
            )
        with zipfile.ZipFile(batch) as packed:
            unpacked = sum(one.file_size for one in packed.infolist())
        if unpacked > UNPACKED_MAX:
            raise Refused(
                "golden.too-large",
                f"the golden batch {batch.name} unpacks to {unpacked >> 20} MB, at most {UNPACKED_MAX >> 20}",
                f"基准样本 {batch.name} 解压后为 {unpacked >> 20} MB，最多允许 {UNPACKED_MAX >> 20} MB",
            )
        with np.load(batch, allow_pickle=False) as file:
            pictures = file["input"]
            expected = [file[f"output{i}"] for i in range(len(file.files) - 1)]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise Refused(
            "golden.unreadable",
            f"the golden batch {batch.name} cannot be read: {error}",
            f"基准样本 {batch.name} 无法读取：{error}",
        ) from None
    answers = [raw(picture) for picture in _pictures(pictures, size)]
    deviation = _deviation(answers, expected)
    if deviation > golden.tolerance:
        raise Refused(
            "golden.deviates",
            f"on this device and provider ({provider}) the golden batch deviates by {deviation:.3f} of a field's largest value,"
            f" at most {golden.tolerance:g} is allowed: the processor or the provider computes something else",
            f"在本设备与执行后端（{provider}）上，基准样本偏差为该项最大值的 {deviation:.3f}，"
            f"允许 {golden.tolerance:g}：计算结果与预期不符",
        )
    return len(pictures), deviation


def _pictures(batch: NDArray[Any], size: tuple[int, int]) -> NDArray[Any]:
    shape = (*size, 3)
    if batch.dtype != np.uint8 or batch.ndim != 4 or batch.shape[1:] != shape or not 0 < len(batch) <= 64:
        raise Refused(
            "golden.shape",
            f"the golden batch must be 1 to 64 pictures of {shape}, uint8",
            f"基准样本应为 1 至 64 幅 {shape} 的 uint8 图像",
        )
    return batch


def _deviation(answers: Sequence[Sequence[NDArray[Any]]], expected: Sequence[NDArray[Any]]) -> float:
    """The largest over all pictures; infinite where a shape differs or an answer is no number."""
    found = 0.0
    for number, outputs in enumerate(answers):
        if len(outputs) != len(expected):
            return math.inf
        found = max([found, *(_apart(one[number], other[0]) for one, other in zip(expected, outputs, strict=True))])
    return found


def _apart(expected: NDArray[Any], got: NDArray[Any]) -> float:
    """Each field (pixels of x, a class's scores …) by its own largest value: a score must not hide behind pixels.

    Fields lie along the shortest axis. A field that is nought everywhere is measured against `SMALLEST`.
    """
    if expected.shape != got.shape or not np.isfinite(got).all():
        return math.inf
    if not expected.size:
        return 0.0
    fields = int(np.argmin(expected.shape))
    others = tuple(axis for axis in range(expected.ndim) if axis != fields or expected.ndim == 1)
    largest = np.maximum(np.abs(expected.astype(np.float64)).max(axis=others), SMALLEST)
    return float((np.abs(expected.astype(np.float64) - got).max(axis=others) / largest).max())


def drawn(height: int, width: int) -> NDArray[np.uint8]:
    """Pictures for a batch, the same everywhere and with nobody in them: coarse patches in three sizes, some noise over them."""
    dice = np.random.default_rng(7)
    found = []
    for patch in (8, 16, 32):
        coarse = dice.integers(0, 256, (-(-height // patch), -(-width // patch), 3))
        whole = coarse.repeat(patch, axis=0).repeat(patch, axis=1)[:height, :width]
        found.append(np.clip(whole + dice.integers(-12, 13, whole.shape), 0, 255).astype(np.uint8))
    return np.stack(found)


def make(raw: Raw, exact: Raw, pictures: NDArray[np.uint8], target: Path) -> Golden:
    """Write a golden batch of `pictures` (n x height x width x 3, the input's own size) for a card. Raises OSError.

    `exact`: the answers of exact arithmetic, which are kept; `raw`: those of the runtime, which tell the tolerance.
    """
    shown = _pictures(pictures, (pictures.shape[1], pictures.shape[2]))
    answers = [exact(one) for one in shown]
    outputs = [np.stack([one[i][0] for one in answers]) for i in range(len(answers[0]))]
    with target.open("wb") as file:
        named = {f"output{i}": one for i, one in enumerate(outputs)}
        np.savez_compressed(file, input=pictures, **named)  # type: ignore[arg-type]
    rounding = _deviation([raw(one) for one in shown], outputs)
    return Golden(target.name, digest(target), max(LEAST, round(SPARE * rounding, 3)))
