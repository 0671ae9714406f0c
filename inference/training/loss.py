"""Quality-weighted cross-entropy for the class, generalised IoU for the box."""

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from inference.training.assign import assign, overlap, silent
from inference.training.network import corners

BOX_WEIGHT = 4.0
CLASS_WEIGHT = 1.0


@dataclass(frozen=True, slots=True)
class Loss:
    """Total to descend, and its two parts for the log."""

    total: Tensor
    kind: float
    box: float


def giou(a: Tensor, b: Tensor) -> Tensor:
    """Generalised IoU (arXiv:1902.09630) of boxes that broadcast against each other."""
    hull = (torch.maximum(a[..., 2:4], b[..., 2:4]) - torch.minimum(a[..., :2], b[..., :2])).prod(-1)
    area_a, area_b = (a[..., 2:4] - a[..., :2]).prod(-1), (b[..., 2:4] - b[..., :2]).prod(-1)
    fit = overlap(a, b)
    union = (area_a + area_b) / (1 + fit)
    return fit - (hull - union) / (hull + 1e-7)


def loss(logits: Tensor, distances: Tensor, grid: tuple[Tensor, Tensor], found: Tensor, unknown: Tensor) -> Loss:
    """Loss of a batch; `grid` is `network.cells` of its size, labels are padded with class -1."""
    logits = logits.float()
    boxes = corners(distances, *grid)
    goal = assign(logits.detach().sigmoid(), boxes.detach(), grid[0], found)
    total_quality = goal.quality.sum().clamp(min=1.0)
    hushed = silent(unknown, grid[0], logits.shape[1]) & (goal.quality == 0)
    entropy = functional.binary_cross_entropy_with_logits(logits, goal.quality, reduction="none")
    kind = entropy.masked_fill(hushed, 0.0).sum() / total_quality
    weight = goal.quality.sum(1)[goal.chosen]
    box = ((1 - giou(boxes[goal.chosen], goal.boxes[goal.chosen])) * weight).sum() / total_quality
    return Loss(CLASS_WEIGHT * kind + BOX_WEIGHT * box, float(kind.detach()), float(box.detach()))
