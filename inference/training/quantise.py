"""8-bit weights and activations (U8 × S8, per channel, static QDQ), the calibration chosen by what it does to mAP50.

python -m inference.training.quantise ppe.onnx ppe.int8.onnx --data ../shared/data --album runs
"""

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper

from inference.models.quantise import METHODS, Method, quantise
from inference.training.cache import Album, build
from inference.training.evaluate import by_set
from inference.training.labels import Entry, entries
from inference.training.shipped import boxes, open_graph


@dataclass(frozen=True, slots=True)
class Trial:
    """One calibration and what it scores."""

    method: Method
    map50: float
    file: Path


def take_bytes(model: onnx.ModelProto) -> None:
    """Lets the first convolution read the picture's bytes as they are: Cast → QuantizeLinear with step 1 is the same bytes again.

    Raises ValueError where the calibration pictures did not span the whole range of a byte.
    """
    graph = model.graph
    constants = {item.name: item for item in graph.initializer}
    readers = {name: node for node in graph.node for name in node.input}
    for cast in [node for node in graph.node if node.op_type == "Cast"]:
        step = readers[cast.output[0]]
        if step.op_type != "QuantizeLinear":
            continue
        scale, zero = (constants[name] for name in step.input[1:3])
        value = float(numpy_helper.to_array(scale))
        if abs(value - 1) > 0.02:
            raise ValueError(
                f"{cast.name}: pictures were calibrated to steps of {value:.4f}, expected 1: calibrate with whole pictures"
            )
        scale.CopyFrom(numpy_helper.from_array(np.array(1.0, np.float32), scale.name))
        zero.CopyFrom(numpy_helper.from_array(np.array(0, np.uint8), zero.name))
        readers[step.output[0]].input[0] = cast.input[0]
        graph.node.remove(cast)
        graph.node.remove(step)


def eight_bits(source: Path, target: Path, calibration: Album, method: Method) -> None:
    """Writes the 8-bit graph of an exported one."""
    quantise(source, target, method, lambda: (page[None] for page in calibration.pages))
    model = onnx.load(target)
    take_bytes(model)
    del model.metadata_props[:]
    model.metadata_props.extend(onnx.load(source).metadata_props)
    onnx.checker.check_model(model)
    onnx.save(model, target)


def sweep(source: Path, target: Path, calibration: Album, valid: Album, methods: Sequence[Method]) -> list[Trial]:
    """Tries each calibration, keeps the best in `target`."""
    trials: list[Trial] = []
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        for method in methods:
            file = Path(folder) / f"{method}.onnx"
            eight_bits(source, file, calibration, method)
            trials.append(Trial(method, by_set(boxes(open_graph(file), valid), valid)["css_ppe"].map50, file))
            print(f"{method:12} mAP50 {trials[-1].map50:.4f}", flush=True)
        best = max(trials, key=lambda trial: trial.map50)
        target.write_bytes(best.file.read_bytes())
    return trials


def spread(chosen: list[Entry], count: int) -> list[Entry]:
    """Evenly spaced entries."""
    return [chosen[index] for index in np.linspace(0, len(chosen) - 1, min(count, len(chosen))).astype(int)]


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--album", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=32, help="calibration pictures, from the training part")
    parser.add_argument("--methods", default=",".join(METHODS), help="calibrations to try, by comma")
    given = parser.parse_args()
    train = [
        entry
        for name, part in (("css_ppe", "train"), ("forklift", "train"))
        for entry in entries(given.data, name, part)
    ]
    calibration = build(
        given.data, spread(train, given.pictures), 640, given.album / f"calibration-{given.pictures}.u8"
    )
    valid = build(given.data, entries(given.data, "css_ppe", "valid"), 640, given.album / "valid-css_ppe.u8")
    sweep(
        given.source,
        given.target,
        calibration,
        valid,
        [method for method in METHODS if method in given.methods.split(",")],
    )


if __name__ == "__main__":
    main()
