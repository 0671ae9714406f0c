"""Trained weights → `leak.onnx`, INT8 (U8 activations × S8 weights, per channel), and its golden batch: `python -m … STATE FOLDER`."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import torch
from numpy.typing import NDArray
from onnxruntime.quantization import CalibrationDataReader, CalibrationMethod, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

from inference.leaksim.picture import Noise
from inference.leaksim.training.batches import Batch, fill
from inference.leaksim.training.network import Fusion

INPUTS = ("sound", "maps", "quality")
OUTPUTS = ("logits", "distance", "mass", "mask", "gates", "heard", "seen")
CALIBRATED = 640  # seconds the activations' ranges are taken from
GOLDEN = 8
GOLDEN_SEED = 9_000_000  # far from the seeds that training and validation count up from 0


class Reader(CalibrationDataReader):  # type: ignore[misc]
    """Calibration seconds, one by one."""

    def __init__(self, batch: Batch) -> None:
        self._rest = rows(batch)

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        """The next second, None at the end."""
        return next(self._rest, None)


def rows(batch: Batch) -> Iterator[dict[str, NDArray[np.float32]]]:
    """Seconds as the network's inputs."""
    for at in range(len(batch.leaking)):
        one = slice(at, at + 1)
        yield {"sound": batch.sound[one], "maps": batch.maps[one], "quality": batch.quality[one]}


def weights_of(state: Path) -> Fusion:
    """The running mean of the weights."""
    net = Fusion()
    net.load_state_dict(torch.load(state, weights_only=True)["mean"])
    net.eval()
    return net


def to_onnx(net: Fusion, path: Path) -> None:
    """The float model; any number of seconds at a time."""
    example = (torch.zeros(2, 2, 64, 16), torch.zeros(2, 4, 120, 160), torch.zeros(2, 9))
    free: dict[str, Any] = {name: {0: "seconds"} for name in (*INPUTS, *OUTPUTS)}
    torch.onnx.export(
        net, example, str(path), input_names=list(INPUTS), output_names=list(OUTPUTS), dynamic_axes=free,
        opset_version=17, dynamo=False,
    )  # fmt: skip


def quantise(source: Path, target: Path, seen: Batch) -> None:
    """Static quantisation of everything; the format that x86 runs fast (S8 activations are four times slower there)."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
        quantize_static(
            str(prepared), str(target), Reader(seen), quant_format=QuantFormat.QDQ, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, per_channel=True, reduce_range=False, calibrate_method=CalibrationMethod.MinMax,
            op_types_to_quantize=["Conv", "Gemm", "MatMul", "Relu"],
        )  # fmt: skip


def answers(path: Path, batch: Batch) -> list[NDArray[np.float32]]:
    """What a model says, second by second."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    said = [session.run(None, row) for row in rows(batch)]
    return [np.concatenate(parts) for parts in zip(*said, strict=True)]


def main() -> None:
    """Export, quantise, and say how far the quantised model is from the trained one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", type=Path)
    parser.add_argument("folder", type=Path)
    given = parser.parse_args()
    torch.set_num_threads(1)
    given.folder.mkdir(parents=True, exist_ok=True)
    noise = Noise()
    whole, small = given.folder / "leak-fp32.onnx", given.folder / "leak.onnx"
    to_onnx(weights_of(given.state), whole)
    seen, _ = fill("train", 500_000, CALIBRATED, noise)
    quantise(whole, small, seen)
    golden, _ = fill("validate", GOLDEN_SEED, GOLDEN, noise)
    golden.sound, golden.maps = (one.astype(np.float16).astype(np.float32) for one in (golden.sound, golden.maps))
    said = answers(small, golden)
    exact = answers(whole, golden)
    print("largest difference of a logit by quantisation", float(np.abs(said[0] - exact[0]).max()))
    batch = {
        "sound": golden.sound.astype(np.float16), "maps": golden.maps.astype(np.float16), "quality": golden.quality,
        **dict(zip(OUTPUTS[:5], said, strict=False)),
    }  # fmt: skip
    np.savez_compressed(given.folder / "leak.golden.npz", **batch)  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
