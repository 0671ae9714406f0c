"""Weights to ONNX, with everything before and after the network inside the graph.

    python -m inference.training.export runs/final/weights.pt ppe.onnx --side 640

Input: `images`, uint8 [1, side, side, 3], blue-green-red, letterboxed. Output: `boxes`, float32 [1, 4 + classes, A]: centre x, centre y,
width, height in pixels, then a score per class (the v8 layout of the load contract). Division by 255 and the swap of red and blue are in
the first convolution's weights; that convolution, whose patches do not overlap, reads four neighbouring pixels as one of twelve channels
(4×1 instead of 4×4): 8-bit kernels then gather 4 runs of 12 bytes and not 16 of 3, for a third of the time.
"""

import argparse
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

from inference.training.classes import CLASSES
from inference.training.network import DISTANCE_LOG_MAX, Detector, cells

OPSET = 17
PATCH = 4


def fused(conv: nn.Module) -> nn.Conv2d:
    """A `Conv` block's convolution with its norm folded in."""
    layer, norm = conv[0], conv[1]  # type: ignore[index]
    assert isinstance(layer, nn.Conv2d)
    assert isinstance(norm, nn.BatchNorm2d)
    return torch.nn.utils.fusion.fuse_conv_bn_eval(layer, norm)


class Shipped(nn.Module):
    """The network as it is shipped, for one picture size."""

    centres: Tensor
    strides: Tensor

    def __init__(self, detector: Detector, side: int) -> None:
        super().__init__()
        self.detector = detector.eval()
        stem = fused(detector.stem)
        self.patch = nn.Conv2d(3 * PATCH, stem.out_channels, (PATCH, 1), (PATCH, 1))
        with torch.no_grad():
            bgr = stem.weight.flip(1) / 255.0
            self.patch.weight.copy_(bgr.permute(0, 3, 1, 2).reshape(stem.out_channels, 3 * PATCH, PATCH, 1))
            self.patch.bias.copy_(stem.bias)  # type: ignore[union-attr, arg-type]
        centres, strides = cells(side, side)
        self.register_buffer("centres", centres.T[None].contiguous())
        self.register_buffer("strides", strides[None, None].contiguous())
        self.side = side

    def forward(self, images: Tensor) -> Tensor:
        wide = images.reshape(1, self.side, self.side // PATCH, PATCH * 3)
        stem = torch.relu(self.patch(wide.permute(0, 3, 1, 2).float()))
        levels = self.detector.after_stem(stem)
        logits = torch.cat([kind.flatten(2) for kind, _ in levels], 2)
        reach = torch.cat([edge.flatten(2) for _, edge in levels], 2).clamp(max=DISTANCE_LOG_MAX).exp() * self.strides
        low, high = reach[:, :2], reach[:, 2:]
        return torch.cat((self.centres + (high - low) / 2, low + high, logits.sigmoid()), 1)


def export(weights: Path, target: Path, side: int) -> None:
    """Writes the graph, with the class names in its metadata."""
    detector = Detector(len(CLASSES))
    detector.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    example = torch.zeros(1, side, side, 3, dtype=torch.uint8)
    torch.onnx.export(
        Shipped(detector, side).eval(), (example,), str(target), input_names=["images"], output_names=["boxes"],
        opset_version=OPSET, dynamo=False,
    )  # fmt: skip
    model = onnx.load(target)
    facts = {"names": str(dict(enumerate(CLASSES))), "task": "detect", "stride": "32", "imgsz": str([side, side])}
    for key, value in facts.items():
        model.metadata_props.add(key=key, value=value)
    model.producer_name, model.producer_version = "gatehouse", ""
    onnx.checker.check_model(model)
    onnx.save(model, target)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--side", type=int, default=640, help="the picture's side in px")
    given = parser.parse_args()
    export(given.weights, given.target, given.side)


if __name__ == "__main__":
    main()
