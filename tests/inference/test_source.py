"""Results as tags: quality and cause of every value, and a source under its supervisor whose worker dies and comes back."""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from drivers.base import Emit, Plan, PlannedTag, Point, PointSpec, ReadBack, WriteCommand, load, models
from gateway.core.errors import AddressError
from gateway.core.samples import Block, Columns, SourceDown
from gateway.core.tags import Cause, Group, Quality, Tag
from gateway.runtime import supervisor
from gateway.runtime.clock import SystemClock
from gateway.runtime.inbox import Inbox
from gateway.runtime.outputs import Outputs
from inference.runtime.source import Task, follow, value_point
from inference.runtime.worker import Limits, Worker

ROOT = Path(__file__).parents[2]
NAMES = ("age_ms", "count", "hole", "nowhere", "pid")
JOB = "tests.inference.fake_job:Job"


def plan() -> Plan:
    """One group with a tag for each name; `count` is scaled."""
    tags = [
        PlannedTag(
            Tag(i, name, "gate", 0, model=True), Point("", (name,), False, name), 2.0 if name == "count" else 1.0, 0.0
        )
        for i, name in enumerate(NAMES)
    ]
    return Plan("gate", (Group(0, "", "gate", 0, len(tags), 2000),), (tags,))


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return Worker("test", Limits(), (sys.executable, "-m", "inference.runtime.child"))


def first_blocks(worker: Worker, settings: dict[str, Any], count: int = 1) -> list[dict[str, tuple[float, int, int]]]:
    """The first blocks of a job: value, quality, cause by name."""
    got: list[dict[str, tuple[float, int, int]]] = []

    class Enough(Exception):
        pass

    def emit(block: Block) -> None:
        assert isinstance(block, Columns)
        rows = zip(block.values.tolist(), block.qualities.tolist(), block.causes.tolist(), strict=True)
        got.append(dict(zip(NAMES, rows, strict=True)))
        if len(got) == count:
            raise Enough

    async def run() -> None:
        with contextlib.suppress(Enough):
            await follow(worker, Task(JOB, settings, oldest_ms=500, start_s=20), plan(), emit)

    asyncio.run(run())
    return got


def test_a_result_becomes_a_block(worker: Worker) -> None:
    block = first_blocks(worker, {}, 2)[1]
    count, quality, cause = block["count"]
    assert count >= 2.0
    assert count % 2 == 0
    assert (quality, cause) == (Quality.GOOD, Cause.NONE)
    assert math.isnan(block["hole"][0])
    assert block["hole"][1:] == (Quality.BAD, Cause.NOT_A_NUMBER)
    assert block["nowhere"][1:] == (Quality.BAD, Cause.DEVICE)  # the job does not give it
    assert block["age_ms"][1:] == (Quality.GOOD, Cause.NONE)


def test_a_result_of_an_old_capture_is_bad_and_its_age_is_told(worker: Worker) -> None:
    (block,) = first_blocks(worker, {"old_ms": 800})
    assert block["count"][1:] == (Quality.BAD, Cause.STALE)
    assert block["age_ms"][0] >= 800
    assert block["age_ms"][1] == Quality.GOOD


def test_a_worker_that_dies_is_bad_at_once_and_back_by_itself(worker: Worker) -> None:
    """Under the supervisor of the daemon, with its inbox: good, down, good from another process."""

    class Source:
        async def run(self, emit: Emit) -> None:
            await follow(worker, Task(JOB, {}, start_s=20), plan(), emit)

        async def write(self, command: WriteCommand) -> ReadBack:
            return ReadBack(False)

    async def run() -> list[object]:
        woken = asyncio.Event()
        inbox = Inbox(SystemClock(), woken.set)
        supervised = asyncio.ensure_future(
            supervisor.source("gate", Source, inbox, Outputs.__new__(Outputs), supervisor.Standing())
        )
        seen: list[object] = []
        pids: list[float] = []
        try:
            async with asyncio.timeout(30):
                while len(pids) < 2:
                    await woken.wait()
                    woken.clear()
                    while (taken := inbox.take()) is not None:
                        given = taken[1]
                        if isinstance(given, SourceDown):
                            seen.append(given)
                        elif isinstance(given, Columns) and given.values[NAMES.index("pid")] not in pids:
                            pids.append(float(given.values[NAMES.index("pid")]))
                            seen.append("good")
                            if len(pids) == 1:
                                os.kill(int(pids[0]), signal.SIGKILL)
        finally:
            supervised.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await supervised
        return seen

    connected: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Outputs, "connect", lambda _self, _name, driver: connected.append(driver))
        assert asyncio.run(run()) == ["good", SourceDown("gate", Cause.COMMS), "good"]
    assert worker.figures.starts == 2
    assert worker.figures.killed == 1


def test_an_address_that_is_no_value_says_what_there_is() -> None:
    names = ("persons", "zone.")
    assert value_point(PointSpec("t", "zone.press1", ""), names, booleans=("zone.",)).boolean
    assert value_point(PointSpec("t", "age_ms", ""), names).key == "age_ms"
    for address in ("person", "zone", "", "zone.", "../etc"):
        with pytest.raises(AddressError) as caught:
            value_point(PointSpec("t", address, ""), names)
        assert "persons, zone.…" in caught.value.en
        assert "persons, zone.…" in caught.value.zh
    with pytest.raises(AddressError):
        value_point(PointSpec("t", "persons", "", writable=True), names)


def test_models_are_found_as_sources_and_nothing_else_of_inference_is() -> None:
    assert set(models()) >= {"camera", "leak"}
    with pytest.raises(KeyError):
        load("runtime")
    with pytest.raises(KeyError):
        load("models.commands")
