"""Every way in which native code goes wrong ends in a SourceError and a process that is gone, and the next life works."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gateway.core.errors import SourceError
from gateway.core.tags import Cause
from inference.runtime.messages import Result
from inference.runtime.ring import Ring
from inference.runtime.worker import Following, Limits, Worker

ROOT = Path(__file__).parents[2]
COMMAND = (sys.executable, "-m", "inference.runtime.child")
JOB = "tests.inference.fake_job:Job"


@pytest.fixture
def worker(monkeypatch: pytest.MonkeyPatch) -> Worker:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return Worker("test", Limits(resident=200 << 20), COMMAND)


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


async def until_failure(
    worker: Worker, settings: dict[str, Any], within_s: float = 5.0, meanwhile: Callable[[int], None] | None = None
) -> SourceError:
    """Follow a job until it fails; its process must be gone then."""
    async with worker.job(JOB, settings) as following:
        await worker.result(following, 20)
        pid = worker.pid
        if meanwhile is not None:
            meanwhile(pid)
        error = await failure(worker, following, within_s)
    assert gone(pid)
    assert worker.pid == 0
    return error


async def failure(worker: Worker, following: Following, within_s: float) -> SourceError:
    """Take results until there is an error instead."""
    while True:
        try:
            await worker.result(following, within_s)
        except SourceError as error:
            return error


async def works(worker: Worker) -> bool:
    """A new job in a new process gives results."""
    async with worker.job(JOB, {}) as following:
        return (await worker.result(following, 20)).values["pid"] == worker.pid


@pytest.mark.parametrize(
    ("then", "cause", "says"),
    [
        ("segfault", Cause.COMMS, "signal 11"),
        ("kill", Cause.COMMS, "signal 9"),
        ("hang", Cause.STALE, "silent for 0.3 s"),
        ("freeze", Cause.STALE, "silent for 0.3 s"),
        ("leak", Cause.DEVICE, "MB of memory, at most 200"),
        ("leave", Cause.DEVICE, "the camera said no"),
        ("stumble", Cause.DEVICE, "failed: ZeroDivisionError: a bug"),
        ("ahead", Cause.DECODE, "a capture at"),
        ("garbage", Cause.DECODE, "no message of ours"),
        ("torrent", Cause.DECODE, "too long"),
        ("strange", Cause.DECODE, "no message of ours"),
    ],
)
def test_what_goes_wrong_ends_the_worker(worker: Worker, then: str, cause: Cause, says: str) -> None:
    within_s = 0.3 if cause is Cause.STALE else 10.0
    error = asyncio.run(until_failure(worker, {"after": 2, "then": then}, within_s))
    assert says in str(error)
    assert error.cause is cause
    assert error.slow is (then == "leave")


def test_a_stopped_worker_is_silent_and_killed(worker: Worker) -> None:
    async def run() -> SourceError:
        error = await until_failure(worker, {}, 0.3, lambda pid: os.kill(pid, signal.SIGSTOP))
        assert await works(worker)
        return error

    assert "silent" in str(asyncio.run(run()))


def test_a_job_that_is_not_there_is_said_and_not_tried_again_at_once(worker: Worker) -> None:
    async def run() -> None:
        async with worker.job("tests.inference.nowhere:Job", {}) as following:
            await worker.result(following, 20)

    with pytest.raises(SourceError, match="No module named") as caught:
        asyncio.run(run())
    assert caught.value.slow


def test_a_machine_that_is_too_slow_for_the_start_is_given_twice_as_long_each_time(worker: Worker) -> None:
    async def run() -> None:
        async with worker.job(JOB, {}) as following:
            await worker.first(following, 0.01)

    worker._start_s = 0.02
    with pytest.raises(SourceError, match=r"silent for 0\.02 s"):
        asyncio.run(run())
    assert worker._start_s == 0.04
    worker._start_s = 30.0
    asyncio.run(run())
    assert worker._start_s == 30.0, "it worked: no longer"


def test_a_thread_that_a_job_has_made_ends_alone(worker: Worker) -> None:
    async def run() -> None:
        async with worker.job(JOB, {"after": 2, "then": "sidekick"}) as following:
            while ((await worker.result(following, 20)).values["count"] or 0) < 5:
                pass
        assert worker.figures.killed == 0

    asyncio.run(run())


def test_jobs_share_a_process_fail_together_and_one_that_leaves_ends_alone(worker: Worker) -> None:
    async def run() -> None:
        async with worker.job(JOB, {}) as first:
            await worker.result(first, 20)
            async with worker.job(JOB, {}) as second:
                one, two = await worker.result(second, 20), await worker.result(first)
                assert one.values["pid"] == two.values["pid"] == worker.pid
            later = await worker.result(first)
            assert later.values["pid"] == two.values["pid"]
            os.kill(worker.pid, signal.SIGKILL)
            assert "signal 9" in str(await failure(worker, first, 10))
            async with worker.job(JOB, {}) as third:  # a new process, although the first job has not left yet
                assert (await worker.result(third, 20)).values["pid"] == worker.pid
        assert worker.figures.starts == 2

    asyncio.run(run())


def test_only_the_latest_result_waits(worker: Worker) -> None:
    async def run() -> tuple[Result, Result, int]:
        async with worker.job(JOB, {"every_s": 0.001}) as following:
            first, before = await worker.result(following, 20), following.skipped
            async with asyncio.timeout(20):
                while following.skipped < before + 5:  # nobody takes a result meanwhile
                    following.arrived.clear()
                    await following.arrived.wait()
            return first, await worker.result(following), following.skipped - before

    first, second, skipped = asyncio.run(run())
    assert skipped
    assert second.values["count"] == (first.values["count"] or 0) + skipped + 1


def test_pictures_come_through_the_ring_whole(worker: Worker) -> None:
    async def run() -> None:
        ring = Ring.create(1000)
        try:
            async with worker.job(JOB, {}, ring) as following:
                for _ in range(5):
                    result = await worker.result(following, 20)
                    picture = ring.latest()
                    assert picture is not None
                    assert picture.pixels.shape == (4, 6, 3)
                    assert len(set(picture.pixels.ravel().tolist())) == 1
                    assert picture.pixels[0, 0, 0] >= (result.values["count"] or 0)
        finally:
            ring.close()

    asyncio.run(run())


@pytest.mark.parametrize("network", [False, True])
def test_a_worker_has_the_network_only_where_its_jobs_need_it(monkeypatch: pytest.MonkeyPatch, network: bool) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    worker = Worker("test", Limits(network=network), COMMAND)

    async def run(port: int) -> float | None:
        async with worker.job("tests.inference.fake_job:Reach", {"port": port}) as following:
            return (await worker.result(following, 20)).values["reached"]

    with socket.create_server(("127.0.0.1", 0)) as server:
        assert asyncio.run(run(server.getsockname()[1])) == float(network)


DAEMON = """
import asyncio, sys
from inference.runtime.ring import Ring
from inference.runtime.worker import Limits, Worker

async def main():
    worker = Worker("test", Limits(), (sys.executable, "-m", "inference.runtime.child"))
    async with worker.job("tests.inference.fake_job:Job", {}, Ring.create(1000)) as following:
        await worker.result(following, 60)
        print(worker.pid, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


def ended(pid: int) -> bool:
    """Also where nobody has asked how: a box without an init that reaps."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_nothing_is_left_of_a_worker_whose_daemon_was_killed() -> None:
    before = set(os.listdir("/dev/shm"))
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, "-c", DAEMON], env=environment, stdout=subprocess.PIPE, text=True) as daemon:
        assert daemon.stdout is not None
        pid = int(daemon.stdout.readline())
        assert not gone(pid)
        daemon.kill()
    until_s = time.monotonic() + 60
    while not ended(pid):
        assert time.monotonic() < until_s, "it lives on"
        time.sleep(0.01)
    assert not [name for name in set(os.listdir("/dev/shm")) - before if "gatehouse" in name]


def test_a_ring_takes_no_lies() -> None:
    """Headers that say more than a slot holds, or a picture under way, give no picture; a shrunk file is impossible."""
    ring = Ring.create(100)
    try:
        assert ring.latest() is None
        assert not ring.write(np.zeros((10, 10, 3), np.uint8), 1)
        assert ring.write(np.full((5, 5, 3), 7, np.uint8), time.monotonic_ns())
        assert ring.latest() is not None
        mapped = ring._map
        for slot in range(3):
            at = ring._start(slot)
            mapped[at : at + 28] = (2).to_bytes(8, "little") + bytes(8) + b"\xff\xff\xff\x7f" * 3
        assert ring.latest() is None
        with pytest.raises(PermissionError):
            os.ftruncate(ring.descriptor, 10)
    finally:
        ring.close()
