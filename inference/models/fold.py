"""The work on a picture before a network, moved into its graph: the input becomes uint8 1 x height x width x (blue, green, red).

Turning and scaling become nodes; red and blue are swapped in the weights of the first convolution. In a quantised model the bytes
are the first activations themselves where its scale allows that, so nothing is computed at all. Tests hold the input of the first
convolution to the plain preparation bit for bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from inference.models.card import Preparation
from inference.models.refusal import Refused

MARK = "gatehouse.folded"
_SWAP = [2, 1, 0]


def fold(model: ModelProto, preparation: Preparation, height: int, width: int) -> None:
    """Change `model`, whose one picture input is float, in place. Raises Refused where it is folded already or takes no such picture."""
    graph = model.graph
    constants = {one.name for one in graph.initializer}
    pictures = [one for one in graph.input if one.name not in constants and len(one.type.tensor_type.shape.dim) == 4]
    if len(pictures) != 1 or pictures[0].type.tensor_type.elem_type != TensorProto.FLOAT or preparation.folded:
        raise Refused(
            "model.cannot-fold",
            "only a model with one picture of float32 as its input can be folded",
            "只有输入为一个 float32 图像的模型才能合并预处理",
        )
    old = pictures[0].name
    swapped = preparation.colour == "rgb"
    in_weights = swapped and _swap_weights(model, old)
    nodes = [helper.make_node("Transpose", ["picture"], ["picture_t"], perm=[0, 3, 1, 2], name="fold_turn")]
    last = "picture_t"
    if swapped and not in_weights:  # something else comes before the first convolution
        graph.initializer.append(numpy_helper.from_array(np.array(_SWAP, np.int64), "fold_order"))
        nodes.append(helper.make_node("Gather", [last, "fold_order"], ["picture_c"], axis=1, name="fold_swap"))
        last = "picture_c"
    if not _feed_bytes(model, old, last, preparation):
        nodes += _scaling(model, last, old, preparation, turned=swapped and not in_weights)
    for node in reversed(nodes):
        graph.node.insert(0, node)
    graph.input.remove(pictures[0])
    graph.input.insert(0, helper.make_tensor_value_info("picture", TensorProto.UINT8, [1, height, width, 3]))
    del graph.value_info[:]
    model.metadata_props.add(key=MARK, value="1")


def _scaling(model: ModelProto, last: str, out: str, how: Preparation, *, turned: bool) -> list[NodeProto]:
    """Bytes to floats as `prepare.tensor` makes them: times the scale, minus the mean, by the deviation."""
    order = [0, 1, 2] if turned or how.colour == "bgr" else _SWAP
    steps: list[tuple[str, Any]] = [("Mul", np.float32(how.scale))]
    if how.mean != (0.0, 0.0, 0.0) or how.deviation != (1.0, 1.0, 1.0):
        mean, deviation = (np.array(one, np.float32)[order].reshape(1, 3, 1, 1) for one in (how.mean, how.deviation))
        steps += [("Sub", mean), ("Div", deviation)]
    nodes = [helper.make_node("Cast", [last], ["picture_f"], to=TensorProto.FLOAT, name="fold_cast")]
    at = "picture_f"
    for i, (kind, value) in enumerate(steps):
        name = out if i == len(steps) - 1 else f"picture_{i}"
        model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), f"fold_{kind}"))
        nodes.append(helper.make_node(kind, [at, f"fold_{kind}"], [name], name=f"fold_{kind.lower()}"))
        at = name
    return nodes


def _feed_bytes(model: ModelProto, old: str, bytes_: str, how: Preparation) -> bool:
    """Let the bytes take the place of the first quantised activation, where quantising would give every byte back unchanged."""
    readers = [node for node in model.graph.node if old in node.input]
    plain = how.mean == (0.0, 0.0, 0.0) and how.deviation == (1.0, 1.0, 1.0)
    if len(readers) != 1 or readers[0].op_type != "QuantizeLinear" or not plain:
        return False
    values = {one.name: one for one in model.graph.initializer}
    if any(name not in values for name in readers[0].input[1:]) or len(readers[0].input) != 3:
        return False
    scale, zero = (numpy_helper.to_array(values[name]) for name in readers[0].input[1:])
    if scale.size != 1 or zero.dtype != np.uint8:
        return False
    every = np.arange(256, dtype=np.float32) * np.float32(how.scale)
    if not np.array_equal(np.clip(np.rint(every / scale) + zero, 0, 255), np.arange(256)):
        return False
    for node in model.graph.node:
        for i, name in enumerate(node.input):
            if name == readers[0].output[0]:
                node.input[i] = bytes_
    model.graph.node.remove(readers[0])
    return True


def _swap_weights(model: ModelProto, start: str) -> bool:
    """Swap red and blue in the weights that meet the picture first; False where that is not a convolution of three channels alone."""
    graph = model.graph
    values = {one.name: one for one in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    at, found = start, None
    while found is None:
        readers = [node for node in graph.node if at in node.input]
        if len(readers) != 1:
            return False
        if readers[0].op_type in ("QuantizeLinear", "DequantizeLinear"):
            at = readers[0].output[0]
        elif readers[0].op_type == "Conv":
            found = readers[0]
        else:
            return False
    weight = found.input[1]
    if weight in makers and makers[weight].op_type == "DequantizeLinear":
        weight = makers[weight].input[0]
    tensor = values.get(weight)
    if tensor is None or len(tensor.dims) != 4 or tensor.dims[1] != 3 or _uses(model, weight) != 1:
        return False
    turned = np.ascontiguousarray(numpy_helper.to_array(tensor)[:, _SWAP])
    tensor.CopyFrom(numpy_helper.from_array(turned, tensor.name))
    return True


def _uses(model: ModelProto, name: str) -> int:
    return sum(list(node.input).count(name) for node in model.graph.node)
