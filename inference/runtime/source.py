"""What every source that is a model shares: the address of a result, the settings of its worker, and results turned into blocks.

The address of a tag is the name of a value that the job gives (`persons`, `zone.press1`), or one of `OWN`, which every job has:
`age_ms` (capture to here), `skipped` (results overtaken since the start), `worker_restarts`.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from drivers.base import Emit, Plan, Point, PointSpec
from gateway.core.errors import AddressError
from gateway.core.samples import Columns
from gateway.core.tags import Cause, Quality
from inference.runtime import messages
from inference.runtime.messages import Result
from inference.runtime.ring import Ring
from inference.runtime.worker import START_S, Following, Limits, Worker

OWN = ("age_ms", "skipped", "worker_restarts")
MS = 1_000_000

_NAME = re.compile(r"[a-z0-9_]+([.:/-][A-Za-z0-9_]+)*")
_CAUSES = {float(one): one for one in Cause if one is not Cause.NONE}
_workers: dict[tuple[str, bool], Worker] = {}


class ModelSettings(BaseModel):
    """Keys that every source with a model has, to be extended by its own."""

    model_config = ConfigDict(extra="forbid")
    admission: ClassVar[str] = (
        ""  # "module:callable" that is given (file, providers, threads) in a process of its own, as the job does
    )
    provider: list[str] | str = (
        "auto"  # "auto" or those that are accepted, the best first; none of them obtained: the source is BAD
    )
    threads: int = Field(default=1, ge=1, le=64)
    oldest_ms: int = Field(default=2000, ge=100, le=60_000)  # a result of an older capture is BAD (STALE)

    def weights(self) -> Path | None:
        """The file of the model that the job will load, None where there is none."""
        return None


def value_point(spec: PointSpec, names: tuple[str, ...], *, booleans: tuple[str, ...] = ()) -> Point:
    """The point of a value called `spec.address`; in `names`, "zone." stands for all that begin so. Raises AddressError."""
    name = spec.address
    known = (*names, *OWN)
    if not _NAME.fullmatch(name) or not any(_fits(name, one) for one in known):
        listed = ", ".join(one + "…" if one.endswith(".") else one for one in known)
        raise AddressError(
            f'this source has no value "{name}"; it gives {listed}', f"该数据源没有名为“{name}”的值；可用：{listed}"
        )
    if spec.writable:
        raise AddressError("the value of a model can only be read", "模型给出的值只能读取，不能写入；请去掉可写标记")
    boolean = spec.type == "bool" or (not spec.type and any(_fits(name, one) for one in booleans))
    return Point("", (name,), boolean, name)


def _fits(name: str, pattern: str) -> bool:
    return name.startswith(pattern) if pattern.endswith(".") else name == pattern


def worker(accelerator: str, *, network: bool) -> Worker:
    """The one worker of an accelerator; jobs that need the network have one of their own, so that the others have none."""
    key = (accelerator, network)
    if key not in _workers:
        _workers[key] = Worker(accelerator + ("+network" if network else ""), Limits(network=network))
    return _workers[key]


def workers() -> Mapping[str, Worker]:
    """Every worker that was ever asked for, by name, for the metrics."""
    return {one.name: one for one in _workers.values()}


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be run where. `start_s`: from the start of the job to its first result."""

    entry: str
    settings: dict[str, Any]
    oldest_ms: int = 2000
    start_s: float = START_S


async def follow(
    where: Worker,
    task: Task,
    plan: Plan,
    emit: Emit,
    ring: Ring | None = None,
    began: Callable[[Worker, Following], None] | None = None,
) -> None:
    """Run a job and emit its results as blocks of the plan's groups until cancelled. Raises SourceError.

    `began` is given the job once it was started, for who has to tell it something. A result may say with the value `cause`, a
    number of `Cause`, why others of it are NaN.
    """
    async with where.job(task.entry, task.settings, ring) as following:
        if began is not None:
            began(where, following)
        result = await where.first(following, task.start_s)
        while True:
            _emit(where, following, result, task, plan, emit)
            result = await where.result(following)


def _emit(where: Worker, following: Following, result: Result, task: Task, plan: Plan, emit: Emit) -> None:
    age_ns = max(0, time.monotonic_ns() - result.captured_ns)
    own = {
        "age_ms": age_ns / MS,
        "skipped": float(following.skipped),
        "worker_restarts": float(where.figures.starts - 1),
    }
    late = age_ns > task.oldest_ms * MS
    why = _CAUSES.get(messages.number(result.values.get("cause")), Cause.NOT_A_NUMBER)
    for group, tags in zip(plan.groups, plan.tags, strict=True):
        values = np.empty(len(tags), np.float64)
        qualities = np.zeros(len(tags), np.uint8)
        causes = np.zeros(len(tags), np.uint8)
        for i, entry in enumerate(tags):
            name = entry.point.key
            if name in own:
                value = own[name]
            else:
                value = messages.number(result.values.get(name))
            values[i] = value * entry.scale + entry.offset
            if entry.point.boolean and not math.isnan(value):
                values[i] = float(value != 0.0)
            cause = Cause.NONE
            if math.isnan(values[i]):
                cause = why if name in result.values else Cause.DEVICE
            elif late and name not in own:
                cause = Cause.STALE
            if cause is not Cause.NONE:
                qualities[i], causes[i] = Quality.BAD, cause
        emit(Columns(group.number, values, qualities, causes, time.time_ns() - age_ns))
