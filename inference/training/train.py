"""Trains the shipped detector for a given number of minutes and leaves weights, a state to resume from and a log.

    python -m inference.training.train --data ../shared/data --out runs/final --minutes 60

The learning rate follows the clock, so a run always ends with a finished schedule; an interrupted one goes on where it stood with the
minutes it had left. A GPU is used when there is one. On a CPU, `--workers 2` trains in two processes of one thread each, whose gradients
are averaged: two threads of one process wait for each other by spinning, which on a machine that is shared cost a factor of twenty.
"""

import argparse
import csv
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, distributed, multiprocessing, nn

from inference.training.augment import Mixer, Recipe
from inference.training.batches import Batches
from inference.training.cache import Album, build
from inference.training.classes import CLASSES
from inference.training.judge import judge
from inference.training.labels import entries
from inference.training.loss import Loss, loss
from inference.training.network import Detector, cells
from inference.training.optimise import Mean, optimisers, schedule

GRADIENT_NORM_MAX = 10.0
LOG_FIELDS = ("minute", "step", "images", "lr_share", "loss", "loss_class", "loss_box", "map50_css_valid")


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run is asked to do."""

    data: Path
    out: Path
    minutes: float
    side: int
    batch: int
    sets: tuple[str, ...]
    album: Path
    seed: int = 1
    lr_filters: float = 0.02
    lr_rest: float = 0.003
    judge_minutes: float = 6.0
    start_from: Path | None = None
    zoom: tuple[float, float] = (0.42, 1.2)
    warm: float = 0.02
    compile: bool = False
    workers: int = 1
    scenes: int = 0
    mosaic: float = 0.25
    paste: float = 0.3


class Run:
    """A training run: its parts, its clock and its files."""

    def __init__(self, plan: Plan, rank: int = 0) -> None:
        self.plan, self.rank = plan, rank
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        torch.manual_seed(plan.seed)
        self.model = Detector(len(CLASSES)).to(self.device, memory_format=torch.channels_last)
        if plan.start_from is not None:
            self.model.load_state_dict(torch.load(plan.start_from, map_location=self.device, weights_only=True))
        self.mean = Mean(self.model)
        self.optimisers = optimisers(self.model, plan.lr_filters, plan.lr_rest)
        self.step, self.spent_s = 0, 0.0
        self.resume()

    def resume(self) -> None:
        """Goes on from the last saved state of this folder, if there is one."""
        file = self.plan.out / "state.pt"
        if not file.is_file():
            return
        state: dict[str, Any] = torch.load(file, map_location=self.device, weights_only=True)
        self.model.load_state_dict(state["model"])
        self.mean.model.load_state_dict(state["mean"])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
        self.step, self.spent_s, self.mean.steps = state["step"], state["spent_s"], state["step"]

    def save(self) -> None:
        """Weights for use and the state to resume from; replaced, never half written."""
        state = {
            "model": self.model.state_dict(),
            "mean": self.mean.model.state_dict(),
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "step": self.step,
            "spent_s": self.spent_s,
        }
        for name, content in (("state.pt", state), ("weights.pt", self.mean.model.state_dict())):
            part = self.plan.out / f"{name}.part"
            torch.save(content, part)
            os.replace(part, self.plan.out / name)

    def train(self, album: Album, valid: Album) -> None:
        """Steps until the minutes are spent."""
        plan = self.plan
        recipe = Recipe(plan.side, zoom=plan.zoom, mosaic=plan.mosaic, paste=plan.paste)
        grid = tuple(part.to(self.device) for part in cells(plan.side, plan.side))
        forward = torch.compile(self.model) if plan.compile else self.model
        losses: list[Loss] = []
        judged_s = logged_s = self.spent_s
        started = time.monotonic()
        for batch in Batches(Mixer(album, recipe), plan.batch, plan.seed + 1000 * self.rank, self.step):
            share = min(self.spent_s / (plan.minutes * 60), 1.0)
            losses.append(self.learn(forward, batch, (grid[0], grid[1]), schedule(share, plan.warm)))
            now = time.monotonic()
            self.spent_s = self.agreed(self.spent_s + now - started)
            started = now
            done = self.spent_s >= plan.minutes * 60
            if self.rank == 0 and (self.spent_s - logged_s >= 60 or done):
                self.save()
                score = None
                if self.spent_s - judged_s >= plan.judge_minutes * 60 or done:
                    score, judged_s = judge(self.mean.model, valid, 640)["css_ppe"].map50, self.spent_s
                self.log(losses, share, score)
                losses, logged_s, started = [], self.spent_s, time.monotonic()
            if done:
                return

    def agreed(self, spent_s: float) -> float:
        """The first worker's clock: all stop at the same step."""
        if self.plan.workers == 1:
            return spent_s
        clock = torch.tensor([spent_s], dtype=torch.float64)
        distributed.broadcast(clock, 0)
        return float(clock)

    def share_gradients(self) -> None:
        """Every worker goes on with the mean of all gradients."""
        if self.plan.workers == 1:
            return
        gradients = [weight.grad for weight in self.model.parameters() if weight.grad is not None]
        flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= self.plan.workers
        for gradient, part in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(part.view_as(gradient))

    def learn(
        self, forward: nn.Module, batch: tuple[Tensor, Tensor, Tensor], grid: tuple[Tensor, Tensor], pace: float
    ) -> Loss:
        """One step."""
        images, found, unknown = (part.to(self.device) for part in batch)
        self.model.train()
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            logits, distances = forward(images.contiguous(memory_format=torch.channels_last))
        result = loss(logits, distances, grid, found, unknown)
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
        result.total.backward()  # type: ignore[no-untyped-call]
        self.share_gradients()
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), GRADIENT_NORM_MAX)
        self.step += 1
        if not torch.isfinite(norm):  # half precision ran over: this batch teaches nothing
            print(f"step {self.step}: the gradient is not finite; left out", flush=True)
            return result
        for optimiser in self.optimisers:
            for group in optimiser.param_groups:
                group["lr"] = group["peak"] * pace
            optimiser.step()
        self.mean.update(self.model)
        return result

    def log(self, shares: list[Loss], share: float, score: float | None) -> None:
        """One line for the file, and for whoever watches."""
        file = self.plan.out / "log.csv"
        new = not file.is_file()
        total = sum(float(item.total.detach()) for item in shares) / len(shares)
        seen = self.step * self.plan.batch * self.plan.workers
        kind, box = (
            sum(values) / len(shares) for values in zip(*((item.kind, item.box) for item in shares), strict=True)
        )
        figures = (schedule(share, self.plan.warm), total, kind, box)
        row = (
            f"{self.spent_s / 60:.2f}",
            self.step,
            seen,
            *(f"{value:.4f}" for value in figures),
            "" if score is None else f"{score:.4f}",
        )
        with file.open("a", newline="") as stream:
            writer = csv.writer(stream)
            if new:
                writer.writerow(LOG_FIELDS)
            writer.writerow(row)
        print(*row, flush=True)


PARTS = {"css_ppe": ("train", "valid"), "forklift": ("train", "valid"), "hhw_mini": ("all", "all")}


def run(plan: Plan) -> None:
    """Trains in as many processes as the plan says."""
    if plan.workers == 1:
        work(0, plan)
    else:
        (plan.out / "meeting").unlink(missing_ok=True)
        multiprocessing.spawn(work, (plan,), plan.workers)


def work(rank: int, plan: Plan) -> None:
    """One worker: reads the sets, trains; the first one saves and logs."""
    if plan.workers > 1:
        torch.set_num_threads(1)
        plan.out.mkdir(parents=True, exist_ok=True)
        distributed.init_process_group(
            "gloo", f"file://{(plan.out / 'meeting').absolute()}", rank=rank, world_size=plan.workers
        )
        if rank > 0:
            distributed.barrier()  # the first builds the album
    chosen = [entry for name in plan.sets for entry in entries(plan.data, name, PARTS[name][0])]
    album = build(plan.data, chosen, 640, plan.album / f"train-{'-'.join(plan.sets)}-{plan.scenes}.u8", plan.scenes)
    valid = build(plan.data, entries(plan.data, "css_ppe", "valid"), 640, plan.album / "valid-css_ppe.u8")
    if plan.workers > 1 and rank == 0:
        distributed.barrier()
    plan.out.mkdir(parents=True, exist_ok=True)
    (plan.out / "plan.txt").write_text("".join(f"{key} = {value}\n" for key, value in asdict(plan).items()))
    Run(plan, rank).train(album, valid)
    if plan.workers > 1:
        distributed.destroy_process_group()


def asked() -> Plan:
    """The plan of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder of the label sets")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder for weights, state and log; resumes what it finds there"
    )
    parser.add_argument("--album", type=Path, help="folder for decoded pictures (default: OUT)")
    parser.add_argument(
        "--minutes", type=float, default=60.0, help="minutes of training, without compiling and evaluation"
    )
    parser.add_argument("--side", type=int, default=320, help="training picture's side in px, a multiple of 32")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--sets", default="css_ppe,forklift,hhw_mini", help="label sets, by comma")
    parser.add_argument("--scenes", type=int, default=0, help="drawn scenes to add to the pictures")
    parser.add_argument(
        "--mosaic",
        type=float,
        default=0.25,
        help="share of pictures made of four; little in a short run, which underfits",
    )
    parser.add_argument("--paste", type=float, default=0.3, help="share of pictures with a pasted cut-out")
    parser.add_argument("--lr", type=float, default=1.0, help="learning rates, as a multiple of the usual ones")
    parser.add_argument("--start-from", type=Path, help="weights to start from, for a fine-tuning run")
    parser.add_argument("--zoom", default="0.42,1.2", help="smallest and largest zoom")
    parser.add_argument("--warm", type=float, default=0.02, help="share of the time in which the learning rate rises")
    parser.add_argument(
        "--judge-minutes", type=float, default=6.0, help="minutes between evaluations, each followed by a save"
    )
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--compile",
        action="store_true",
        help="torch.compile: minutes at the start, worth it on an idle machine and a long run",
    )
    parser.add_argument("--workers", type=int, default=1, help="training processes, on a CPU")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)
    low, high = map(float, given.zoom.split(","))
    return Plan(
        data=given.data,
        out=given.out,
        minutes=given.minutes,
        side=given.side,
        batch=given.batch,
        sets=tuple(given.sets.split(",")),
        album=given.album or given.out,
        scenes=given.scenes,
        mosaic=given.mosaic,
        paste=given.paste,
        seed=given.seed,
        lr_filters=0.02 * given.lr,
        lr_rest=0.003 * given.lr,
        start_from=given.start_from,
        zoom=(low, high),
        warm=given.warm,
        judge_minutes=given.judge_minutes,
        compile=given.compile,
        workers=given.workers,
    )


if __name__ == "__main__":
    run(asked())
