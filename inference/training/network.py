"""The shipped detector's network: dense 3×3 convolutions with ReLU, a patch stem, three levels, a decoupled head with direct distances.

Every choice is made for 8-bit convolutions on a small CPU: ReLU fuses into the quantised convolution for nothing, dense 3×3 beats depthwise
there in spite of more multiplications, a 4×4 stride-4 stem skips the two most expensive resolutions, and distances without a distribution
keep a softmax out of the graph.
"""

import math

import torch
from torch import Tensor, nn

STRIDES = (8, 16, 32)
DISTANCE_LOG_MAX = 5.0
"""e^5 = 148 strides: wider than any picture; a clamp so that a wild early step cannot overflow."""


class Conv(nn.Sequential):
    """Convolution, batch norm, ReLU."""

    def __init__(self, wide_in: int, wide_out: int, kernel: int = 3, stride: int = 1, relu: bool = True) -> None:
        padding = 0 if kernel == stride else kernel // 2
        layers: list[nn.Module] = [
            nn.Conv2d(wide_in, wide_out, kernel, stride, padding, bias=False),
            nn.BatchNorm2d(wide_out, eps=1e-3, momentum=0.03),
        ]
        if relu:
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class Split(nn.Module):
    """Half the channels go through pairs of 3×3, every pair's result is kept and joined by a 1×1 (after CSPNet, arXiv:1911.11929).

    No shortcuts by addition: an 8-bit addition rescales both sides and costs a fifth of the whole network's time; joining by concatenation
    keeps the gradient's short way and costs nothing.
    """

    def __init__(self, wide_in: int, wide_out: int, depth: int) -> None:
        super().__init__()
        half = wide_out // 2
        self.keep = Conv(wide_in, half, 1)
        self.work = Conv(wide_in, half, 1)
        self.blocks = nn.ModuleList(nn.Sequential(Conv(half, half), Conv(half, half)) for _ in range(depth))
        self.join = Conv(half * (2 + depth), wide_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.keep(x), self.work(x)]
        for block in self.blocks:
            parts.append(block(parts[-1]))
        return self.join(torch.cat(parts, 1))


class Context(nn.Module):
    """Three chained 5×5 max pools: the widest view for the price of two 1×1 convolutions (after SPP, arXiv:1406.4729)."""

    def __init__(self, wide: int) -> None:
        super().__init__()
        self.narrow = Conv(wide, wide // 2, 1)
        self.pool = nn.MaxPool2d(5, 1, 2)
        self.join = Conv(wide * 2, wide, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self.narrow(x)]
        for _ in range(3):
            parts.append(self.pool(parts[-1]))
        return self.join(torch.cat(parts, 1))


class Head(nn.Module):
    """Class logits and four log-distances (left, top, right, bottom; in strides) at each cell of one level."""

    def __init__(self, wide: int, classes: int, stride: int, hidden: int = 32) -> None:
        super().__init__()
        self.kind = nn.Sequential(Conv(wide, hidden), Conv(hidden, hidden))
        self.edge = Conv(wide, hidden)
        self.logits = nn.Conv2d(hidden, classes, 1)
        self.distances = nn.Conv2d(hidden, 4, 1)
        cells = (640 / stride) ** 2
        nn.init.constant_(self.logits.bias, math.log(5 / classes / cells))  # about five things in a picture
        nn.init.constant_(self.distances.bias, math.log(2.0))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.logits(self.kind(x)), self.distances(self.edge(x))


class Detector(nn.Module):
    """RGB pictures [B, 3, H, W] of 0…1 (H, W multiples of 32) → logits [B, C, A] and log-distances [B, 4, A], levels in order of stride."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.stem = Conv(3, 32, 4, 4)
        self.stage8 = nn.Sequential(Conv(32, 64, 3, 2), Split(64, 64, 1))
        self.stage16 = nn.Sequential(Conv(64, 128, 3, 2), Split(128, 128, 2))
        self.stage32 = nn.Sequential(Conv(128, 192, 3, 2), Split(192, 192, 1), Context(192))
        self.up32 = Conv(192, 96, 1)
        self.mix16 = Split(96 + 128, 96, 1)
        self.up16 = Conv(96, 64, 1)
        self.mix8 = Split(64 + 64, 64, 1)
        self.down8 = Conv(64, 64, 3, 2)
        self.out16 = Split(64 + 96, 96, 1)
        self.down16 = Conv(96, 96, 3, 2)
        self.out32 = Split(96 + 96, 128, 1)
        self.grow = nn.Upsample(scale_factor=2, mode="nearest")
        self.heads = nn.ModuleList(Head(w, classes, s) for w, s in zip((64, 96, 128), STRIDES, strict=True))

    def levels(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """Logits and log-distances of each level, still as maps."""
        return self.after_stem(self.stem(x))

    def after_stem(self, x: Tensor) -> list[tuple[Tensor, Tensor]]:
        """The same from the stem's output [B, 32, H/4, W/4]."""
        c8 = self.stage8(x)
        c16 = self.stage16(c8)
        p32 = self.up32(self.stage32(c16))
        p16 = self.mix16(torch.cat((self.grow(p32), c16), 1))
        n8 = self.mix8(torch.cat((self.grow(self.up16(p16)), c8), 1))
        n16 = self.out16(torch.cat((self.down8(n8), p16), 1))
        n32 = self.out32(torch.cat((self.down16(n16), p32), 1))
        return [head(level) for head, level in zip(self.heads, (n8, n16, n32), strict=True)]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        levels = self.levels(x)
        return torch.cat([k.flatten(2) for k, _ in levels], 2), torch.cat([d.flatten(2) for _, d in levels], 2)


def cells(height: int, width: int) -> tuple[Tensor, Tensor]:
    """Centres [A, 2] in pixels and strides [A] of every cell, in the order of `Detector`."""
    centres, strides = [], []
    for stride in STRIDES:
        y, x = torch.meshgrid(torch.arange(height // stride), torch.arange(width // stride), indexing="ij")
        centres.append(torch.stack((x, y), -1).reshape(-1, 2).float().add(0.5).mul(stride))
        strides.append(torch.full((len(centres[-1]),), float(stride)))
    return torch.cat(centres), torch.cat(strides)


def corners(distances: Tensor, centres: Tensor, strides: Tensor) -> Tensor:
    """Boxes [B, A, 4] (x1, y1, x2, y2 in pixels) of log-distances [B, 4, A]."""
    reach = distances.float().clamp(max=DISTANCE_LOG_MAX).exp().transpose(1, 2) * strides[:, None]
    return torch.cat((centres - reach[..., :2], centres + reach[..., 2:]), -1)
