"""What every driver must keep that listens instead of asking, with a foreign device that sends to it."""

from __future__ import annotations

import asyncio
import importlib
import random
import socket
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from drivers.base import WriteCommand
from gateway.core.errors import SourceError
from gateway.core.tags import Quality
from tests.contract.listener import listening
from tests.contract.listening import ListeningCase, Sender, free_port
from tests.contract.test_contract import LOOPS, assert_source_error, in_both_languages, open_sockets, resident_bytes
from tests.peers.build import PeerMissing, absent
from tests.waiting import until

CASES: list[ListeningCase] = [
    importlib.import_module(f"tests.contract.{path.stem}").CASE
    for path in sorted(Path(__file__).parent.glob("listen_*.py"))
]
KINDS = {"pubsub": socket.SOCK_DGRAM}
Dialogue = Callable[[Sender, int], Awaitable[None]]


@pytest.fixture(params=CASES, ids=[case.name for case in CASES])
def case(request: pytest.FixtureRequest) -> ListeningCase:
    return request.param  # type: ignore[no-any-return]


def run(case: ListeningCase, directory: Path, dialogue: Dialogue, loop: str = "uvloop") -> None:
    """On a loop of its own, with a sender; no task may be left over."""
    port = free_port(KINDS.get(case.name, socket.SOCK_STREAM))
    try:
        with case.sender(directory, port) as sender, asyncio.Runner(loop_factory=LOOPS[loop]) as runner:

            async def whole() -> None:
                await dialogue(sender, port)
                assert asyncio.all_tasks() == {asyncio.current_task()}, "a task is left"

            runner.run(whole())
    except PeerMissing as missing:
        absent(str(missing))


@pytest.mark.parametrize("loop", LOOPS)
def test_known_answers_and_changes_arrive_and_one_bad_item_stands_alone(
    case: ListeningCase, tmp_path: Path, loop: str
) -> None:
    async def dialogue(sender: Sender, port: int) -> None:
        driver, plan = case.driver(port)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.holds(case.known), 10.0)
            assert listener.latest[case.bad][1] == Quality.BAD
            name, value = case.changing
            sender.change(name, value)
            await until(lambda: listener.value(name) == value)
            refused = await driver.write(WriteCommand(0, 1.0))
            assert not refused.ok
            assert in_both_languages(refused.error)

    run(case, tmp_path, dialogue, loop)


def test_silence_confirms_nothing(case: ListeningCase, tmp_path: Path) -> None:
    async def dialogue(sender: Sender, port: int) -> None:
        driver, plan = case.driver(port)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.holds(case.known), 10.0)
            sender.stop()
            await asyncio.sleep(0.2)
            blocks = listener.blocks
            await asyncio.sleep(0.3)
            assert listener.blocks == blocks, "a block of nobody"

    run(case, tmp_path, dialogue)


def test_strangers_neither_crash_it_nor_look_good(case: ListeningCase, tmp_path: Path) -> None:
    seeded = random.Random(2607)
    pieces = [*case.garbage, *(seeded.randbytes(size) for size in (1, 7, 64, 5000))]

    async def dialogue(sender: Sender, port: int) -> None:
        driver, plan = case.driver(port)
        async with listening(driver, plan) as (listener, task):
            await until(lambda: listener.holds(case.known), 10.0)
            await asyncio.to_thread(case.send, port, pieces)
            await asyncio.sleep(0.2)
            blocks = listener.blocks
            await until(lambda: listener.blocks > blocks and listener.holds(case.known))
            assert not task.done()
        assert set(listener.good) <= {*case.known.items()}, "a GOOD value that the device never sent"

    run(case, tmp_path, dialogue)


def test_it_says_nothing_that_could_change_a_device(case: ListeningCase, tmp_path: Path) -> None:
    async def dialogue(sender: Sender, port: int) -> None:
        driver, plan = case.driver(port)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.holds(case.known), 10.0)
            heard = await asyncio.to_thread(case.answers, port)
            assert set(heard) == case.harmless, "neither less nor more than it must say"

    run(case, tmp_path, dialogue)


def test_cancel_ends_within_a_second_leaves_nothing_and_it_can_listen_again(
    case: ListeningCase, tmp_path: Path
) -> None:
    async def dialogue(sender: Sender, port: int) -> None:
        sockets = open_sockets()
        driver, plan = case.driver(port)
        for _ in range(3):
            async with listening(driver, plan) as (listener, task):
                await until(lambda listener=listener: listener.holds(case.known), 10.0)
                begun = time.monotonic()
                task.cancel()
                await asyncio.wait({task})
                assert time.monotonic() - begun < 1.0
            await until(lambda: open_sockets() <= sockets)
            blocks = listener.blocks
            await asyncio.sleep(0.05)
            assert listener.blocks == blocks, "a block after the end"

    run(case, tmp_path, dialogue)


def test_a_flood_stays_bounded(case: ListeningCase, tmp_path: Path) -> None:
    async def dialogue(sender: Sender, port: int) -> None:
        driver, plan = case.driver(port)
        async with listening(driver, plan) as (listener, task):
            await until(lambda: listener.holds(case.known), 10.0)
            before = resident_bytes()
            await asyncio.to_thread(case.send, port, [bytes(1400)] * 10_000)
            assert resident_bytes() - before < 30 << 20
            assert not task.done()
            await until(lambda: listener.holds(case.known))

    run(case, tmp_path, dialogue)


def test_a_port_that_is_taken_is_a_source_error(case: ListeningCase) -> None:
    async def dialogue() -> None:
        with socket.socket(socket.AF_INET, KINDS.get(case.name, socket.SOCK_STREAM)) as taken:
            taken.bind(("127.0.0.1", 0))
            if taken.type == socket.SOCK_STREAM:
                taken.listen()
            driver, plan = case.driver(taken.getsockname()[1])
            async with listening(driver, plan) as (listener, task):
                assert isinstance(await assert_source_error(task, 2.0), SourceError)
                assert not listener.good

    asyncio.run(dialogue())
