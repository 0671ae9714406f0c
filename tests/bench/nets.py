"""Two detectors with random weights, written node by node: our own architecture, and an 80-class one of the shape of YOLOv8n.

Speed does not depend on the weights. The second has that network's published layout (widths, depths, SiLU, a distribution over 16 distances
and its softmax); no code and no weights of any other project are in it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


class Graph:
    """A graph under construction; every method adds a layer and returns the name of its output."""

    def __init__(self, side: int, *, silu: bool) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []
        self.channels: dict[str, int] = {"images": 3}
        self.side = side
        self._silu = silu
        self._random = np.random.default_rng(0)

    def add(self, kind: str, inputs: Sequence[str], channels: int = 0, **attributes: object) -> str:
        name = f"n{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, list(inputs), [name], name=name, **attributes))
        self.channels[name] = channels or self.channels.get(inputs[0], 0)
        return name

    def constant(self, values: np.ndarray) -> str:
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def conv(self, x: str, wide: int, kernel: int = 3, stride: int = 1, *, act: bool = True, bias: float = 0.0) -> str:
        into = self.channels[x]
        spread = np.sqrt(2.0 / (into * kernel * kernel))
        weight = self.constant(self._random.normal(0, spread, (wide, into, kernel, kernel)).astype(np.float32))
        offset = self.constant(np.full(wide, bias, np.float32))
        pad = 0 if kernel == stride else kernel // 2
        y = self.add("Conv", [x, weight, offset], wide, strides=[stride] * 2, pads=[pad] * 4)
        if not act:
            return y
        return self.add("Mul", [y, self.add("Sigmoid", [y])]) if self._silu else self.add("Relu", [y])

    def join(self, *parts: str) -> str:
        return self.add("Concat", parts, sum(self.channels[one] for one in parts), axis=1)

    def pool(self, x: str) -> str:
        return self.add("MaxPool", [x], kernel_shape=[5, 5], strides=[1, 1], pads=[2] * 4)

    def grow(self, x: str) -> str:
        scales = self.constant(np.array([1, 1, 2, 2], np.float32))
        return self.add(
            "Resize", [x, "", scales], mode="nearest", nearest_mode="floor", coordinate_transformation_mode="asymmetric"
        )

    def flat(self, x: str) -> str:
        return self.add("Reshape", [x, self.constant(np.array([1, self.channels[x], -1], np.int64))])

    def model(self, out: str, places: int, classes: int) -> onnx.ModelProto:
        shape = [1, 4 + classes, places]
        graph = helper.make_graph(
            self.nodes,
            "net",
            [helper.make_tensor_value_info("images", TensorProto.FLOAT, [1, 3, self.side, self.side])],
            [helper.make_tensor_value_info(out, TensorProto.FLOAT, shape)],
            self.constants,
        )
        found = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        helper.set_model_props(found, {"names": str({i: f"class{i}" for i in range(classes)})})
        return found


def cells(side: int) -> tuple[np.ndarray, np.ndarray]:
    """Centres [1, 2, places] in pixels and strides [1, 1, places]."""
    centres, strides = [], []
    for stride in (8, 16, 32):
        y, x = np.mgrid[0 : side // stride, 0 : side // stride]
        centres.append((np.stack([x.ravel(), y.ravel()]) + 0.5) * stride)
        strides.append(np.full(x.size, stride))
    return np.concatenate(centres, 1)[None].astype(np.float32), np.concatenate(strides)[None, None].astype(np.float32)


def decode(g: Graph, logits: str, reach: str, side: int, classes: int) -> onnx.ModelProto:
    """Distances [1, 4, places] in strides to centre and size in pixels, and scores."""
    centres, strides = cells(side)
    scaled = g.add("Mul", [reach, g.constant(strides)], 4)
    low, high = f"{scaled}_low", f"{scaled}_high"
    g.nodes.append(helper.make_node("Split", [scaled], [low, high], axis=1, name=f"{scaled}_split"))
    g.channels[low] = g.channels[high] = 2
    half = g.add("Mul", [g.add("Sub", [high, low]), g.constant(np.float32(0.5))])
    centre = g.add("Add", [half, g.constant(centres)])
    out = g.join(centre, g.add("Add", [low, high]), g.add("Sigmoid", [logits]))
    return g.model(out, centres.shape[2], classes)


def own(side: int, classes: int = 6) -> onnx.ModelProto:
    """inference/training/network.py with random weights."""
    g = Graph(side, silu=False)

    def split(x: str, wide: int, depth: int) -> str:
        parts = [g.conv(x, wide // 2, 1), g.conv(x, wide // 2, 1)]
        for _ in range(depth):
            parts.append(g.conv(g.conv(parts[-1], wide // 2), wide // 2))
        return g.conv(g.join(*parts), wide, 1)

    def context(x: str) -> str:
        parts = [g.conv(x, g.channels[x] // 2, 1)]
        for _ in range(3):
            parts.append(g.pool(parts[-1]))
        return g.conv(g.join(*parts), g.channels[x], 1)

    c8 = split(g.conv(g.conv("images", 32, 4, 4), 64, 3, 2), 64, 1)
    c16 = split(g.conv(c8, 128, 3, 2), 128, 2)
    p32 = g.conv(context(split(g.conv(c16, 192, 3, 2), 192, 1)), 96, 1)
    p16 = split(g.join(g.grow(p32), c16), 96, 1)
    n8 = split(g.join(g.grow(g.conv(p16, 64, 1)), c8), 64, 1)
    n16 = split(g.join(g.conv(n8, 64, 3, 2), p16), 96, 1)
    n32 = split(g.join(g.conv(n16, 96, 3, 2), p32), 128, 1)
    logits, reach = [], []
    for level in (n8, n16, n32):
        logits.append(g.flat(g.conv(g.conv(g.conv(level, 32), 32), classes, 1, act=False, bias=-6.0)))
        reach.append(g.flat(g.conv(g.conv(g.conv(level, 32), 32), 4, 1, act=False, bias=0.7)))
    distances = g.add("Clip", [g.add("Concat", reach, 4, axis=2), "", g.constant(np.float32(5.0))])
    return decode(g, g.add("Concat", logits, classes, axis=2), g.add("Exp", [distances]), side, classes)


def shaped_like_v8n(side: int, classes: int = 80) -> onnx.ModelProto:
    """Widths 16 to 256, depths 1-2-2-1, SiLU, 16 distances a side."""
    g = Graph(side, silu=True)

    def block(x: str, wide: int, depth: int, *, shortcut: bool) -> str:
        first = g.conv(x, wide, 1)
        parts = []
        for half in ("a", "b"):
            parts.append(f"{first}_{half}")
            g.channels[parts[-1]] = wide // 2
        g.nodes.append(helper.make_node("Split", [first], parts, axis=1, name=f"{first}_split"))
        for _ in range(depth):
            y = g.conv(g.conv(parts[-1], wide // 2), wide // 2)
            parts.append(g.add("Add", [y, parts[-1]]) if shortcut else y)
        return g.conv(g.join(*parts), wide, 1)

    x = block(g.conv(g.conv("images", 16, 3, 2), 32, 3, 2), 32, 1, shortcut=True)
    c8 = block(g.conv(x, 64, 3, 2), 64, 2, shortcut=True)
    c16 = block(g.conv(c8, 128, 3, 2), 128, 2, shortcut=True)
    c32 = block(g.conv(c16, 256, 3, 2), 256, 1, shortcut=True)
    pools = [g.conv(c32, 128, 1)]
    for _ in range(3):
        pools.append(g.pool(pools[-1]))
    c32 = g.conv(g.join(*pools), 256, 1)
    p16 = block(g.join(g.grow(c32), c16), 128, 1, shortcut=False)
    n8 = block(g.join(g.grow(p16), c8), 64, 1, shortcut=False)
    n16 = block(g.join(g.conv(n8, 64, 3, 2), p16), 128, 1, shortcut=False)
    n32 = block(g.join(g.conv(n16, 128, 3, 2), c32), 256, 1, shortcut=False)
    logits, spread = [], []
    for level in (n8, n16, n32):
        logits.append(g.flat(g.conv(g.conv(g.conv(level, 80), 80), classes, 1, act=False, bias=-9.0)))
        spread.append(g.flat(g.conv(g.conv(g.conv(level, 64), 64), 64, 1, act=False)))
    joined = g.add("Concat", spread, 64, axis=2)
    bins = g.add("Reshape", [joined, g.constant(np.array([1, 4, 16, -1], np.int64))])
    turned = g.add("Transpose", [bins], 16, perm=[0, 2, 1, 3])
    likely = g.add("Softmax", [turned], axis=1)
    weights = g.constant(np.arange(16, dtype=np.float32).reshape(1, 16, 1, 1))
    mean = g.add("Conv", [likely, weights], 1)
    reach = g.add("Reshape", [mean, g.constant(np.array([1, 4, -1], np.int64))], 4)
    return decode(g, g.add("Concat", logits, classes, axis=2), reach, side, classes)
