"""How weights move: orthogonal steps for convolutions, AdamW for the rest, a running mean of the weights, a schedule by the clock."""

import copy
import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)
"""Quintic iteration that drives singular values towards 1 (K. Jordan, "Muon", 2024)."""


def orthogonal(gradient: Tensor, steps: int = 5) -> Tensor:
    """The nearest half-orthogonal matrix to a gradient [rows, columns], roughly."""
    a, b, c = NEWTON_SCHULZ
    x = gradient / (gradient.norm() + 1e-7)
    flipped = x.shape[0] > x.shape[1]
    x = x.T if flipped else x
    for _ in range(steps):
        square = x @ x.T
        x = a * x + (b * square + c * square @ square) @ x
    return x.T if flipped else x


class Muon(torch.optim.Optimizer):
    """Momentum whose step on a convolution is made orthogonal: every direction of the filter bank learns at the same pace."""

    def __init__(self, weights: Iterable[Tensor], lr: float, momentum: float = 0.9, decay: float = 0.02) -> None:
        super().__init__(list(weights), {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """One step; there is no closure."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                mean = self.state[weight].setdefault("mean", torch.zeros_like(weight))
                mean.mul_(group["momentum"]).add_(weight.grad)
                ahead = weight.grad.add(mean, alpha=group["momentum"]).reshape(len(weight), -1)
                rows, columns = ahead.shape
                move = orthogonal(ahead) * max(1.0, rows / columns) ** 0.5
                weight.mul_(1 - group["lr"] * group["decay"])
                weight.add_(move.reshape(weight.shape), alpha=-group["lr"])


def optimisers(model: nn.Module, lr_filters: float, lr_rest: float) -> list[torch.optim.Optimizer]:
    """Filters of hidden convolutions to `Muon`, norms, biases and the last layers to AdamW."""
    last = {
        id(p) for name, m in model.named_modules() if name.endswith(("logits", "distances")) for p in m.parameters()
    }
    filters = [p for p in model.parameters() if p.ndim == 4 and id(p) not in last]
    ours = {id(p) for p in filters}
    rest = [p for p in model.parameters() if id(p) not in ours]
    both: list[torch.optim.Optimizer] = [Muon(filters, lr_filters), torch.optim.AdamW(rest, lr_rest, weight_decay=0.0)]
    for optimiser in both:
        for group in optimiser.param_groups:
            group["peak"] = group["lr"]
    return both


def schedule(share: float, warm: float = 0.02, floor: float = 0.01) -> float:
    """Learning rate, as a part of its peak, after this share (0…1) of the time: a short ramp, then a cosine to almost nothing."""
    if share < warm:
        return max(share / warm, 0.02)
    done = min((share - warm) / (1 - warm), 1.0)
    return floor + (1 - floor) * 0.5 * (1 + math.cos(math.pi * done))


class Mean:
    """Running mean of the weights (and norms): steadier than the last step, and what is shipped."""

    def __init__(self, model: nn.Module, decay: float = 0.998) -> None:
        self.model = copy.deepcopy(model).eval()
        self.decay = decay
        self.steps = 0

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Takes one step's weights in; the mean of a young run is short, or it would remember its random start."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        for ours, theirs in zip(self.model.state_dict().values(), model.state_dict().values(), strict=True):
            if ours.dtype.is_floating_point:
                ours.lerp_(theirs, 1 - decay)
            else:
                ours.copy_(theirs)
