"""An ONNX file before any runtime sees it: bounded, complete in itself, built of known operators; hostile ones are refused here.

Runs in a confined process: what gets past these checks and still goes wrong meets its limits of memory and time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from google.protobuf.message import DecodeError  # type: ignore[import-untyped]
from onnx import ModelProto, TensorProto, helper, numpy_helper

from inference.models.refusal import Refused

FILE_MAX = 512 << 20  # bytes: a large detector in fp32 has 300
TENSOR_MAX = 256 << 20  # bytes of one tensor, whatever its file says
NODES_MAX = 20_000
DEPTH_MAX = 8  # graphs inside graphs
DOMAINS = ("", "ai.onnx", "ai.onnx.ml", "com.microsoft", "com.microsoft.nchwc")
TYPES = (  # of inputs and outputs
    *(TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.UINT8, TensorProto.INT8),
    *(TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL),
)
# of com.microsoft's, those a quantised or transformer detector has; plug-ins that only one runtime brings are refused by name
PLUGINS = ("EfficientNMS_TRT", "BatchedNMS_TRT", "EfficientNMS_ONNX_TRT", "PyramidROIAlign_TRT")


@dataclass(slots=True)
class Summary:
    """What was found in a file."""

    inputs: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    outputs: dict[str, tuple[int | None, ...]] = field(default_factory=dict)
    metadata: dict[str, str] = field(default_factory=dict)
    parameters: int = 0
    nodes: int = 0
    opset: int = 0
    producer: str = ""
    quantised: bool = False
    signed_activations: bool = False  # S8 x S8: on x86 a silent cliff of a factor of four


def read(path: Path) -> ModelProto:
    """The model of a file, checked. Raises Refused."""
    try:
        size = path.stat().st_size
        if size > FILE_MAX:
            raise Refused(
                "model.too-large",
                f"{path.name} has {size >> 20} MB; at most {FILE_MAX >> 20} are read",
                f"{path.name} 为 {size >> 20} MB；最多允许 {FILE_MAX >> 20} MB",
            )
        model = onnx.load_model_from_string(path.read_bytes())
    except OSError as error:
        raise Refused(
            "model.unreadable",
            f"{path.name} cannot be read: {error.strerror}",
            f"{path.name} 无法读取：{error.strerror}",
        ) from None
    except (DecodeError, ValueError):
        raise Refused(
            "model.damaged",
            f"{path.name} is no ONNX file, or is cut off",
            f"{path.name} 不是 ONNX 文件，或文件不完整",
        ) from None
    check(model, path)
    return model


def check(model: ModelProto, path: Path) -> None:
    """Refuse what no honest export holds. Raises Refused."""
    name = path.name
    if not model.graph.node or not model.graph.output or not model.graph.input:
        raise Refused("model.damaged", f"{name} is no ONNX file, or is cut off", f"{name} 不是 ONNX 文件，或文件不完整")
    for port in (*model.graph.input, *model.graph.output):
        if port.type.tensor_type.elem_type not in TYPES:
            raise Refused(
                "model.type",
                f'{name}: "{port.name[:60]}" is no tensor of numbers; export inputs and outputs as float32, float16 or whole numbers',
                f"{name}：“{port.name[:60]}”不是数值张量；导出时输入与输出应为 float32、float16 或整数",
            )
    count = 0
    for graph in _graphs(model, name):
        count += len(graph.node)
        if count > NODES_MAX:
            raise Refused(
                "model.too-many-nodes", f"{name} has more than {NODES_MAX} nodes", f"{name} 的节点超过 {NODES_MAX} 个"
            )
        for node in graph.node:
            _operator(node.domain, node.op_type, name)
        for tensor in _tensors(graph):
            _tensor(tensor, path)


def _operator(domain: str, kind: str, name: str) -> None:
    if domain not in DOMAINS or kind in PLUGINS:
        raise Refused(
            "model.custom-operator",
            f"{name} needs the operator {domain or 'ai.onnx'}::{kind}, which only its own runtime has; export it without plug-ins",
            f"{name} 需要算子 {domain or 'ai.onnx'}::{kind}，只有其专用运行库才有；请不带插件重新导出",
        )


def _graphs(model: ModelProto, name: str) -> Iterator[Any]:
    """The graph, the functions, and all graphs inside them."""
    waiting: list[tuple[Any, int]] = [(one, 0) for one in (model.graph, *model.functions)]
    while waiting:
        graph, depth = waiting.pop()
        if depth > DEPTH_MAX:
            raise Refused(
                "model.too-deep",
                f"{name} nests graphs more than {DEPTH_MAX} deep",
                f"{name} 的子图嵌套超过 {DEPTH_MAX} 层",
            )
        yield graph
        for node in graph.node:
            for attribute in node.attribute:
                inner = [attribute.g] if attribute.HasField("g") else []
                waiting += [(one, depth + 1) for one in (*inner, *attribute.graphs)]


def _tensors(graph: Any) -> Iterator[TensorProto]:
    """Of a graph, or of a function, which has nodes alone."""
    yield from getattr(graph, "initializer", ())
    for sparse in getattr(graph, "sparse_initializer", ()):
        yield sparse.values
        yield sparse.indices
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            yield from attribute.tensors


def _tensor(tensor: TensorProto, path: Path) -> None:
    name = path.name
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        where = next((entry.value for entry in tensor.external_data if entry.key == "location"), "?")
        raise Refused(
            "model.external-data",
            f"{name} keeps its weights in another file ({where[:60]}); save it as one file",
            f"{name} 的权重存放在另一个文件（{where[:60]}）；请保存为单个文件",
        )
    count = 1
    for side in tensor.dims:
        count *= max(side, 0)
        if min(tensor.dims) < 0 or count * _width(tensor) > TENSOR_MAX:
            raise Refused(
                "model.tensor-too-large",
                f'{name}: tensor "{tensor.name[:60]}" says it has {list(tensor.dims)[:6]} values; at most {TENSOR_MAX >> 20} MB are taken',
                f"{name}：张量“{tensor.name[:60]}”声明的形状为 {list(tensor.dims)[:6]}；最多允许 {TENSOR_MAX >> 20} MB",
            )
    if tensor.raw_data and len(tensor.raw_data) != count * _width(tensor):
        raise Refused(
            "model.damaged",
            f'{name}: tensor "{tensor.name[:60]}" holds {len(tensor.raw_data)} bytes, its shape needs {count * _width(tensor)}',
            f"{name}：张量“{tensor.name[:60]}”有 {len(tensor.raw_data)} 字节，按形状应为 {count * _width(tensor)}",
        )


def _width(tensor: TensorProto) -> int:
    """Bytes of one value."""
    try:
        return int(np.dtype(helper.tensor_dtype_to_np_dtype(tensor.data_type)).itemsize)
    except (KeyError, TypeError):
        return 8


def summary(model: ModelProto) -> Summary:
    """What the file says of itself."""
    constants = {one.name for one in model.graph.initializer}
    found = Summary(
        inputs={one.name: _shape(one) for one in model.graph.input if one.name not in constants},
        outputs={one.name: _shape(one) for one in model.graph.output},
        metadata={one.key: one.value for one in model.metadata_props},
        parameters=sum(int(np.prod(one.dims)) for one in model.graph.initializer),
        nodes=len(model.graph.node),
        opset=max((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=0),
        producer=f"{model.producer_name} {model.producer_version}".strip()[:80],
    )
    kinds = {node.op_type for node in model.graph.node}
    found.quantised = bool(kinds & {"QuantizeLinear", "QLinearConv", "ConvInteger", "DynamicQuantizeLinear"})
    found.signed_activations = bool(_signed(model))
    return found


def _shape(port: Any) -> tuple[int | None, ...]:
    return tuple(side.dim_value if side.HasField("dim_value") else None for side in port.type.tensor_type.shape.dim)


def _signed(model: ModelProto) -> list[Any]:
    """Quantise nodes of activations with a signed zero point."""
    zeros = {one.name: one for one in model.graph.initializer}
    found = []
    for node in model.graph.node:
        if node.op_type == "QuantizeLinear" and len(node.input) > 2 and node.input[0] not in zeros:
            zero = zeros.get(node.input[2])
            if zero is not None and zero.data_type == TensorProto.INT8:
                found.append(node)
    return found


def unsigned(model: ModelProto) -> bool:
    """Turn S8 activations into U8 by moving each zero point by 128: the same numbers, four times as fast on x86. False: not possible.

    Only where every quantised value goes straight into DequantizeLinear, as exporters write it; the model is left as it was otherwise.
    """
    zeros = {one.name: one for one in model.graph.initializer}
    signed = _signed(model)
    quantised = {node.output[0] for node in signed}
    readers = [node for node in model.graph.node if quantised & set(node.input)]
    if any(node.op_type != "DequantizeLinear" or len(node.input) < 3 for node in readers):
        return False
    if quantised & {one.name for one in model.graph.output}:
        return False
    moved: dict[str, str] = {}
    for node in (*signed, *readers):
        old = node.input[2]
        if old not in moved:
            if old not in zeros:
                return False
            values = numpy_helper.to_array(zeros[old]).astype(np.int16) + 128
            moved[old] = f"{old}_u8"
            model.graph.initializer.append(numpy_helper.from_array(values.astype(np.uint8), moved[old]))
    for node in (*signed, *readers):
        node.input[2] = moved[node.input[2]]
    return True


def save(model: ModelProto, path: Path) -> None:
    """Write a model whole or not at all. Raises OSError."""
    part = path.with_name(path.name + ".part")
    with part.open("wb") as file:
        file.write(model.SerializeToString())
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
