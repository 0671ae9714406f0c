"""The fusion network: two convolution stacks, a gate on both that knows the sensors' qualities, and heads for each and for both."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from inference.leak.quality import QUALITIES

WIDE = 64  # of each sensor's summary
BINS = 5  # of distance and of mass flow


def convolution(ins: int, outs: int, size: int, stride: tuple[int, int] | int) -> nn.Sequential:
    """A convolution with its normalisation and ReLU: they become one operation when the graph is quantised."""
    pad = 0 if size == 4 else size // 2
    return nn.Sequential(
        nn.Conv2d(ins, outs, size, stride, pad, bias=False), nn.BatchNorm2d(outs), nn.ReLU(inplace=True)
    )


class SoundStack(nn.Module):
    """[n, 2, 64, 16] bands and slots → [n, WIDE]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            convolution(2, 24, 3, (2, 1)),
            convolution(24, 40, 3, 2),
            convolution(40, 56, 3, 2),
            convolution(56, 56, 3, (1, 2)),
        )
        self.out = nn.Sequential(nn.Flatten(), nn.Linear(56 * 8 * 2, WIDE), nn.ReLU(inplace=True))

    def forward(self, sound: Tensor) -> Tensor:
        found: Tensor = self.out(self.layers(sound))
        return found


class PictureStack(nn.Module):
    """[n, 4, 120, 160] maps → [n, WIDE] and the logits of the plume mask [n, 1, 15, 20]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            convolution(4, 24, 4, 4), convolution(24, 48, 3, 2), convolution(48, 48, 3, 1), convolution(48, 48, 3, 1)
        )
        self.mask = nn.Conv2d(48, 1, 1)
        self.out = nn.Sequential(nn.Linear(97, WIDE), nn.ReLU(inplace=True))

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        cells = self.layers(maps)
        mask = self.mask(cells)
        seen = torch.cat((cells.mean((2, 3)), cells.amax((2, 3)), mask.amax((2, 3)) * 0.2), 1)
        return self.out(seen), mask


class Fusion(nn.Module):
    """Logits [n, 3] (both, sound, picture), distance [n, 5], mass flow [n, 5], mask [n, 15, 20] logits, gates [n, 2], and the
    summaries of sound and picture, which let a campaign run the stacks apart."""

    def __init__(self) -> None:
        super().__init__()
        self.sound, self.picture = SoundStack(), PictureStack()
        self.gate = nn.Sequential(nn.Linear(2 * WIDE + len(QUALITIES), 24), nn.ReLU(inplace=True), nn.Linear(24, 2))
        self.joint = nn.Sequential(nn.Linear(2 * WIDE + len(QUALITIES), WIDE), nn.ReLU(inplace=True))
        self.both, self.distance, self.mass = nn.Linear(WIDE, 1), nn.Linear(WIDE, BINS), nn.Linear(WIDE, BINS)
        self.by_sound = nn.Linear(WIDE + len(QUALITIES), 1)
        self.by_picture = nn.Linear(WIDE + len(QUALITIES), 1)

    def forward(self, sound: Tensor, maps: Tensor, quality: Tensor) -> tuple[Tensor, ...]:
        heard = self.sound(sound)
        seen, mask = self.picture(maps)
        gates = (
            torch.sigmoid(self.gate(torch.cat((heard, seen, quality), 1))) * quality[:, :2]
        )  # an absent sensor has no say
        joint = self.joint(torch.cat((heard * gates[:, :1], seen * gates[:, 1:], quality), 1))
        logits = torch.cat(
            (
                self.both(joint),
                self.by_sound(torch.cat((heard, quality), 1)),
                self.by_picture(torch.cat((seen, quality), 1)),
            ),
            1,
        )
        return logits, self.distance(joint), self.mass(joint), mask[:, 0], gates, heard, seen
