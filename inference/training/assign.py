"""Task-aligned assignment (TOOD, arXiv:2108.07755): a labelled thing is learned by the cells that already see it best."""

from dataclasses import dataclass

import torch
from torch import Tensor

TOP = 10
ALPHA = 0.5
BETA = 6.0
SMALLEST_PX = 16.0
"""A thing smaller than this offers the cells of a box of this size, or the finest level might have none inside it."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What each cell should say. B pictures, A cells, C classes."""

    quality: Tensor
    """[B, C, A]: target score, 0 where nothing is to be seen."""
    boxes: Tensor
    """[B, A, 4]: the box to give, in pixels; anything where `chosen` is false."""
    chosen: Tensor
    """[B, A]: cells that have a box to learn."""


def overlap(a: Tensor, b: Tensor) -> Tensor:
    """Intersection over union of boxes that broadcast against each other ([..., 4])."""
    low, high = torch.maximum(a[..., :2], b[..., :2]), torch.minimum(a[..., 2:4], b[..., 2:4])
    shared = (high - low).clamp(min=0).prod(-1)
    area_a, area_b = (a[..., 2:4] - a[..., :2]).prod(-1), (b[..., 2:4] - b[..., :2]).prod(-1)
    return shared / (area_a + area_b - shared + 1e-7)


@torch.no_grad()
def assign(scores: Tensor, boxes: Tensor, centres: Tensor, found: Tensor) -> Assignment:
    """Cells for every labelled thing.

    `scores` [B, C, A] in 0…1, `boxes` [B, A, 4] and `centres` [A, 2] in pixels, `found` [B, M, 5] padded with class -1.
    """
    batch, classes, count = scores.shape
    kinds = found[..., 4].long()
    real = kinds >= 0
    said = scores.gather(1, kinds.clamp(min=0)[..., None].expand(-1, -1, count))
    fit = overlap(found[:, :, None, :4], boxes[:, None])
    worth = said.pow(ALPHA) * fit.pow(BETA) * (_inside(found, centres) & real[..., None])
    best, cells = worth.topk(min(TOP, count), -1)
    taken = torch.zeros_like(worth).scatter_(-1, cells, (best > 1e-12).to(worth.dtype)).bool()
    claims = torch.where(taken, fit, fit.new_tensor(-1.0))
    owner = claims.argmax(1)  # two things want a cell: the better overlap has it
    chosen = taken.any(1)
    taken &= torch.zeros_like(taken).scatter_(1, owner[:, None], True)
    worth = worth * taken
    top_fit = (fit * taken).amax(-1, keepdim=True)
    scaled = (worth / (worth.amax(-1, keepdim=True) + 1e-9) * top_fit).amax(1)
    kind = kinds.gather(1, owner)
    quality = scores.new_zeros(batch, classes, count)
    quality.scatter_(1, kind.clamp(min=0)[:, None], (scaled * chosen)[:, None])
    target = found[..., :4].gather(1, owner[..., None].expand(-1, -1, 4))
    return Assignment(quality, target, chosen)


def _inside(found: Tensor, centres: Tensor) -> Tensor:
    """[B, M, A]: the cell's centre lies in the box, tiny boxes widened."""
    middle = (found[..., :2] + found[..., 2:4]) / 2
    reach = (found[..., 2:4] - found[..., :2]).clamp(min=SMALLEST_PX) / 2
    return ((centres - middle[:, :, None]).abs() < reach[:, :, None]).all(-1)


def silent(unknown: Tensor, centres: Tensor, classes: int) -> Tensor:
    """[B, C, A]: cells that must not be punished for a class, from unknown boxes [B, U, 5] padded with class -1."""
    kinds = unknown[..., 4].long()
    low, high = unknown[:, :, None, :2], unknown[:, :, None, 2:4]
    inside = ((centres >= low) & (centres <= high)).all(-1) & (kinds >= 0)[..., None]
    out = torch.zeros(len(unknown), classes, len(centres), device=centres.device)
    out.scatter_reduce_(1, kinds.clamp(min=0)[..., None].expand_as(inside), inside.float(), "amax")
    return out > 0
