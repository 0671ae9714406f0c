"""Eight-bit models: static, unsigned activations by signed weights, per channel, everything but the decode (measured)."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import onnx
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

Method = Literal["minmax", "percentile", "entropy"]
METHODS: tuple[Method, ...] = ("minmax", "percentile", "entropy")
_METHODS = {
    "minmax": CalibrationMethod.MinMax,
    "percentile": CalibrationMethod.Percentile,
    "entropy": CalibrationMethod.Entropy,
}
PICTURES = 64  # that activations are measured on; more change little and cost minutes
PERCENTILE = 99.999


class _Feed(CalibrationDataReader):  # type: ignore[misc]
    """Hands inputs to the calibration, one at a time."""

    def __init__(self, name: str, inputs: Iterator[NDArray[Any]]) -> None:
        self._name, self._inputs = name, inputs

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        found = next(self._inputs, None)
        return None if found is None else {self._name: found}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One method and the model it gave."""

    method: Method
    path: Path


def quantise(model: Path, target: Path, method: Method, inputs: Callable[[], Iterator[NDArray[Any]]]) -> Attempt:
    """Write the 8-bit twin of `model`. `inputs` gives the inputs of calibration pictures anew each time. Raises OSError."""
    with _quietly(), tempfile.TemporaryDirectory(dir=target.parent) as folder:
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(str(model), str(ready), skip_symbolic_shape=True)
        loaded = onnx.load(ready)
        quantize_static(
            str(ready),
            str(target),
            _Feed(_picture(loaded), inputs()),
            quant_format=QuantFormat.QDQ,
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=_METHODS[method],
            nodes_to_exclude=decode_nodes(loaded),
            extra_options={"CalibPercentile": PERCENTILE, "CalibTensorRangeSymmetric": False},
        )
    return Attempt(method, target)


@contextmanager
def _quietly() -> Iterator[None]:
    """The library talks of every node, through the root logger."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    finally:
        root.setLevel(level)


def _picture(model: onnx.ModelProto) -> str:
    constants = {one.name for one in model.graph.initializer}
    return str(next(one.name for one in model.graph.input if one.name not in constants))


def decode_nodes(model: onnx.ModelProto) -> Sequence[str]:
    """The nodes from which no convolution follows: boxes in pixels have no place in 256 steps."""
    needed: set[str] = set()
    decode: list[str] = []
    for node in reversed(model.graph.node):  # sorted: whoever reads comes after
        if node.op_type in ("Conv", "ConvTranspose") or needed & set(node.output):
            needed |= set(node.input)
        else:
            decode.append(node.name)
    return decode


def counts(model: onnx.ModelProto) -> dict[str, int]:
    """How many convolutions run in eight bits, and how many there are."""
    made = {name: node.op_type for node in model.graph.node for name in node.output}
    convolutions = [node for node in model.graph.node if node.op_type in ("Conv", "QLinearConv", "ConvInteger")]
    eight = [node for node in convolutions if node.op_type != "Conv" or made.get(node.input[0]) == "DequantizeLinear"]
    return {"convolutions": len(convolutions), "eight_bit": len(eight)}
