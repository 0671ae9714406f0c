"""Train the leak model: `python -m inference.leaksim.training.train FOLDER --minutes 25`; a second start goes on where the first ended."""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from inference.leaksim.picture import Noise
from inference.leaksim.training.batches import Batch, fill, stream
from inference.leaksim.training.network import Fusion

SIZE, CHUNK, REPEATS = 96, 1920, 3
RATE = 2e-3
KEEP = 0.995  # of the running mean of the weights, which is what is shipped
CHECK_S = 120.0
VALIDATED = 1500


@dataclass(slots=True)
class State:
    """What a second start needs."""

    net: Fusion
    mean: Fusion
    optimiser: torch.optim.Optimizer
    spent_s: float = 0.0
    steps: int = 0
    seed: int = 0


def tensors(batch: Batch) -> tuple[Tensor, ...]:
    """The arrays as tensors, in the order of the fields."""
    arrays = (batch.sound, batch.maps, batch.quality, batch.leaking, batch.mask, batch.distance, batch.mass)
    return tuple(torch.from_numpy(one) for one in arrays)


def loss_of(net: nn.Module, batch: Batch) -> Tensor:
    """Fused and single-sensor detection, the mask, and the bins of leaks."""
    sound, maps, quality, leaking, mask, distance, mass = tensors(batch)
    logits, by_distance, by_mass, drawn, *_ = (one.float() for one in net(sound, maps, quality))
    each = functional.binary_cross_entropy_with_logits(logits, leaking[:, None].expand(-1, 3), reduction="none")
    present = torch.stack((torch.ones_like(leaking), quality[:, 0], quality[:, 1]), 1)
    weight = torch.tensor([1.0, 0.4, 0.4])
    total = (each * present * weight).sum(1).mean()
    cells = functional.binary_cross_entropy_with_logits(
        drawn, mask, pos_weight=torch.tensor(3.0), reduction="none"
    ).mean((1, 2))
    total = total + 1.0 * (cells * quality[:, 1]).mean()
    if bool((distance >= 0).any()):
        total = total + 0.08 * functional.cross_entropy(by_distance, distance, ignore_index=-1)
        total = total + 0.08 * functional.cross_entropy(by_mass, mass, ignore_index=-1)
    found: Tensor = total
    return found


@torch.no_grad()
def report(net: Fusion, batch: Batch) -> str:
    """Area under the curve of the three decisions on validation seconds, and their losses."""
    net.eval()
    parts = []
    for begin in range(0, len(batch.leaking), 250):
        sound, maps, quality, *_ = tensors(batch)
        parts.append(net(*(one[begin : begin + 250] for one in (sound, maps, quality)))[0])
    logits, truth = torch.cat(parts).numpy(), batch.leaking > 0.5
    areas = []
    for column in range(3):
        ranks = np.argsort(np.argsort(logits[:, column])) + 1
        ups = int(truth.sum())
        areas.append((ranks[truth].sum() - ups * (ups + 1) / 2) / (ups * (len(truth) - ups)))
    return "area both {:.4f} sound {:.4f} picture {:.4f}".format(*areas)


def begin(folder: Path) -> State:
    """A fresh state, or the one that was kept."""
    torch.manual_seed(1)
    net, mean = Fusion().to(memory_format=torch.channels_last), Fusion()  # type: ignore[call-overload]
    mean.load_state_dict(net.state_dict())
    state = State(net, mean, torch.optim.AdamW(net.parameters(), RATE, weight_decay=0.01))
    kept = folder / "state.pt"
    if kept.exists():
        found: dict[str, Any] = torch.load(kept, weights_only=True)
        net.load_state_dict(found["net"])
        mean.load_state_dict(found["mean"])
        state.optimiser.load_state_dict(found["optimiser"])
        state.spent_s, state.steps, state.seed = found["spent_s"], found["steps"], found["seed"]
    return state


def keep(folder: Path, state: State) -> None:
    """Put the state down, whole or not at all."""
    part = folder / "state.part"
    what = {
        "net": state.net.state_dict(), "mean": state.mean.state_dict(), "optimiser": state.optimiser.state_dict(),
        "spent_s": state.spent_s, "steps": state.steps, "seed": state.seed,
    }  # fmt: skip
    torch.save(what, part)
    part.replace(folder / "state.pt")


@torch.no_grad()
def follow(mean: nn.Module, net: nn.Module, share: float) -> None:
    """The running mean of weights and of what the normalisations saw."""
    for slow, fast in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
        if slow.dtype.is_floating_point:
            slow.lerp_(fast, 1.0 - share)
        else:
            slow.copy_(fast)


def train(folder: Path, minutes: float) -> None:
    """Train until `minutes` in all are spent; the rate falls along a cosine of the time."""
    state, noise = begin(folder), Noise()
    checked, _ = fill("validate", 0, VALIDATED, noise, drop=False)
    budget, last, shown = minutes * 60.0, time.monotonic(), state.spent_s
    for batch, seed in stream("train", state.seed, SIZE, CHUNK, REPEATS, noise):
        if state.spent_s >= budget:
            break
        for group in state.optimiser.param_groups:
            warm = min(1.0, (state.steps + 1) / 100.0)
            group["lr"] = (
                RATE * warm * (0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * min(1.0, state.spent_s / budget))))
            )
        state.net.train()
        with torch.autocast("cpu", torch.bfloat16):
            loss = loss_of(state.net, batch)
        state.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(state.net.parameters(), 2.0)
        state.optimiser.step()
        follow(state.mean, state.net, min(KEEP, state.steps / (state.steps + 10.0)))
        state.steps, state.seed = state.steps + 1, seed
        now = time.monotonic()
        state.spent_s, last = state.spent_s + now - last, now
        if state.spent_s - shown >= CHECK_S or state.steps in (20, 100):
            shown = state.spent_s
            print(
                f"{state.spent_s:6.0f} s  step {state.steps}  seed {seed}  loss {loss.item():.4f}  {report(state.mean, checked)}",
                flush=True,
            )
            keep(folder, state)
            last = time.monotonic()
    keep(folder, state)
    print(report(state.mean, checked))


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    given.folder.mkdir(parents=True, exist_ok=True)
    train(given.folder, given.minutes)


if __name__ == "__main__":
    main()
