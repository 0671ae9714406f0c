"""What every driver must keep, against a real peer of its protocol (design/house.md, "A new protocol is one file and one test")."""

from __future__ import annotations

import asyncio
import importlib
import math
import os
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
import uvloop

from drivers.base import WriteCommand
from gateway.core.errors import SourceError
from gateway.core.tags import Quality
from tests.contract.case import Case, Peer, WritablePeer
from tests.contract.listener import listening
from tests.peers.build import PeerMissing, absent
from tests.peers.proxy import FaultProxy
from tests.waiting import until

CASES: list[Case] = [
    importlib.import_module(f"tests.contract.{path.stem}").CASE
    for path in sorted(Path(__file__).parent.glob("case_*.py"))
]
LOOPS: dict[str, Callable[[], asyncio.AbstractEventLoop]] = {
    "uvloop": uvloop.new_event_loop,
    "asyncio": asyncio.new_event_loop,
}


@dataclass
class Bench:
    """A case with a fresh peer and a proxy before it."""

    case: Case
    peer: Peer
    proxy: FaultProxy
    loop: str = "uvloop"

    def run(self, dialogue: Callable[[], Awaitable[None]]) -> None:
        """Run it on a loop of its own; no task may be left over."""
        with asyncio.Runner(loop_factory=LOOPS[self.loop]) as runner:

            async def whole() -> None:
                await dialogue()
                assert asyncio.all_tasks() == {asyncio.current_task()}, "a task is left"

            runner.run(whole())

    def orders(self) -> list[str]:
        """Everything on the wire until now that is not known to change nothing."""
        sent = [name for said in self.proxy.said for name in self.case.requests(bytes(said))]
        assert self.case.harmless.intersection(sent), "the wire was not understood"
        return [name for name in sent if name not in self.case.harmless]

    def number(self, name: str) -> int:
        """The number of a tag."""
        _, plan = self.case.driver(self.proxy.port)
        return next(one.tag.number for tags in plan.tags for one in tags if one.tag.name == name)


@contextmanager
def bench_of(case: Case, directory: Path) -> Iterator[Bench]:
    """Peer and proxy running."""
    try:
        with case.peer(directory) as peer, FaultProxy(peer.port) as proxy:
            yield Bench(case, peer, proxy)
    except PeerMissing as missing:
        absent(str(missing))


@pytest.fixture(params=CASES, ids=[case.name for case in CASES])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    with bench_of(request.param, tmp_path) as made:
        yield made


def in_both_languages(text: str) -> bool:
    """Whether it is English, " / " and Chinese."""
    en, _, zh = text.rpartition(" / ")
    return en.isascii() and any("\u4e00" <= letter <= "\u9fff" for letter in zh)


async def assert_source_error(listener_task: asyncio.Task[None], seconds: float) -> SourceError:
    """The SourceError with which run() ends within `seconds`."""
    done, _ = await asyncio.wait({listener_task}, timeout=seconds)
    assert done, f"run() did not notice within {seconds} s"
    error = listener_task.exception()
    assert isinstance(error, SourceError), error
    assert in_both_languages(str(error)), error
    return error


@pytest.mark.parametrize("loop", LOOPS)
def test_known_answers_and_changes_arrive(bench: Bench, loop: str) -> None:
    bench.loop = loop

    async def dialogue() -> None:
        driver, plan = bench.case.driver(bench.proxy.port)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.holds(bench.case.known))
            name, value = bench.case.changing
            bench.peer.change(name, value)
            await until(lambda: listener.value(name) == value)
            assert listener.holds({one: known for one, known in bench.case.known.items() if one != name}), (
                "its neighbours"
            )

    bench.run(dialogue)


def test_loss_ends_run_with_a_source_error(bench: Bench) -> None:
    async def dialogue() -> None:
        driver, plan = bench.case.driver(bench.proxy.port)
        async with listening(driver, plan) as (listener, task):
            await until(lambda: listener.holds(bench.case.known))
            bench.proxy.drop()
            error = await assert_source_error(task, bench.case.loss_s)
        assert listener.error is error, "what the supervisor sees"

    bench.run(dialogue)


def test_a_silent_peer_ends_run_and_confirms_nothing(bench: Bench) -> None:
    if not bench.case.silence_s:
        pytest.skip("the freshness limit of the kernel notices, not the driver")

    async def dialogue() -> None:
        driver, plan = bench.case.driver(bench.proxy.port)
        async with listening(driver, plan) as (listener, task):
            await until(lambda: listener.holds(bench.case.known))
            bench.proxy.freeze()
            await asyncio.sleep(0.05)
            blocks = listener.blocks
            await assert_source_error(task, bench.case.silence_s)
            assert listener.blocks == blocks, "a block without an answer"

    bench.run(dialogue)


def test_nobody_there_is_a_source_error(bench: Bench) -> None:
    async def dialogue() -> None:
        bench.proxy.refuse()
        driver, plan = bench.case.driver(bench.proxy.port)
        async with listening(driver, plan) as (listener, task):
            await assert_source_error(task, 5.0)
            assert not listener.good

    bench.run(dialogue)


def test_garbage_never_crashes_and_never_looks_good(bench: Bench) -> None:
    seeded = random.Random(2607)
    sorts = [*bench.case.garbage, *(seeded.randbytes(size) for size in (1, 7, 9, 64, 5000))]

    async def one(garbage: bytes) -> None:
        bench.proxy.normal()
        driver, plan = bench.case.driver(bench.proxy.port)
        async with listening(driver, plan) as (listener, task):
            await until(lambda: listener.holds(bench.case.known))
            bench.proxy.inject(garbage)
            await asyncio.wait({task}, timeout=0.1)
            bench.proxy.spoil(lambda data: seeded.randbytes(len(data)))
            await asyncio.wait({task}, timeout=0.1)
        true = {*bench.case.known.items()}
        assert set(listener.good) <= true, "a GOOD value that the peer never held"
        assert isinstance(listener.error, SourceError | asyncio.CancelledError), listener.error

    async def dialogue() -> None:
        for garbage in sorts:
            await one(garbage)

    bench.run(dialogue)


def test_garbage_from_the_first_byte_gives_no_value(bench: Bench) -> None:
    seeded = random.Random(7)

    async def dialogue() -> None:
        bench.proxy.spoil(lambda data: seeded.randbytes(len(data)))
        driver, plan = bench.case.driver(bench.proxy.port)
        async with listening(driver, plan) as (listener, task):
            await asyncio.wait({task}, timeout=0.3)
        assert not listener.good
        assert isinstance(listener.error, SourceError | asyncio.CancelledError), listener.error

    bench.run(dialogue)


@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("frozen", [False, True], ids=["flowing", "frozen"])
def test_cancel_ends_within_a_second_and_leaves_nothing(bench: Bench, loop: str, frozen: bool) -> None:
    bench.loop = loop

    async def dialogue() -> None:
        sockets = open_sockets()
        driver, plan = bench.case.driver(bench.proxy.port)
        async with listening(driver, plan) as (listener, task):
            await until(lambda: listener.holds(bench.case.known))
            if frozen:
                bench.proxy.freeze()
                await asyncio.sleep(0.03)
            begun = time.monotonic()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert time.monotonic() - begun < 1.0
        await until(lambda: bench.proxy.connections == 0)
        await until(lambda: open_sockets() <= sockets)
        blocks = listener.blocks
        await asyncio.sleep(0.1)
        assert listener.blocks == blocks, "a block after the end"

    bench.run(dialogue)


def open_sockets() -> int:
    """Sockets of this process (the proxy lives in it too)."""
    count = 0
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:")
        except OSError:  # the descriptor of the listing itself
            continue
    return count


def test_a_flood_stays_bounded(bench: Bench) -> None:
    """A peer that sends without being asked, as fast as it can: no growth, no crash, and cancel still works."""

    async def dialogue() -> None:
        driver, plan = bench.case.driver(bench.proxy.port)
        async with listening(driver, plan) as (listener, task):
            await until(lambda: listener.holds(bench.case.known))
            before = resident_bytes()
            for _ in range(40):
                if task.done():
                    break
                bench.proxy.inject(bytes(1 << 20))
                await asyncio.sleep(0)
            assert resident_bytes() - before < 30 << 20
            begun = time.monotonic()
        assert time.monotonic() - begun < 1.0

    bench.run(dialogue)


def resident_bytes() -> int:
    """Resident memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def test_one_bad_item_does_not_stop_its_neighbours_and_the_log_says_why(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    if not bench.case.bad:
        pytest.skip("the protocol has no item that can be refused on its own")

    async def dialogue() -> None:
        driver, plan = bench.case.driver(bench.proxy.port)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.holds(bench.case.known))
            blocks = listener.blocks
            await until(lambda: listener.blocks >= blocks + 3)
            assert listener.latest[bench.case.bad][1] == Quality.BAD
            assert listener.holds(bench.case.known)

    bench.run(dialogue)
    (why,) = [one.message for one in caplog.records if f": {bench.case.bad}: " in one.message]
    assert in_both_languages(why)


def test_a_restarted_peer_has_one_connection_at_a_time(bench: Bench) -> None:
    """Twenty losses, and a run() for each as the supervisor would start it."""

    async def dialogue() -> None:
        driver, plan = bench.case.driver(bench.proxy.port)
        for _ in range(20):
            async with listening(driver, plan) as (listener, task):
                await until(lambda listener=listener: listener.holds(bench.case.known))
                assert bench.proxy.connections == 1
                bench.proxy.drop()
                await assert_source_error(task, bench.case.loss_s)
            await until(lambda: bench.proxy.connections == 0)
        assert bench.proxy.accepted == 20 * bench.case.dials
        if bench.peer.connections() is not None:
            await until(lambda: bench.peer.connections() == 0)

    bench.run(dialogue)


def test_nothing_is_written_that_was_not_ordered_and_one_order_is_one_request(bench: Bench) -> None:
    """On the wire, through a change, an isolated bad item and a lost connection."""
    name, value = bench.case.output

    async def dialogue() -> None:
        driver, plan = bench.case.driver(bench.proxy.port)
        async with listening(driver, plan) as (listener, task):
            await until(lambda: listener.holds(bench.case.known))
            blocks = listener.blocks
            await until(lambda: listener.blocks >= blocks + 3)
            bench.proxy.drop()
            await assert_source_error(task, bench.case.loss_s)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.holds(bench.case.known))
            bench.peer.change(*bench.case.changing)
            await until(lambda: listener.value(bench.case.changing[0]) == bench.case.changing[1])
            assert bench.orders() == []
            if name:
                assert (await driver.write(WriteCommand(bench.number(name), value))).ok
                blocks = listener.blocks
                await until(lambda: listener.blocks >= blocks + 3)
        assert bench.orders() == ([bench.case.ordered] if name else [])

    bench.run(dialogue)


# -- writes ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def outputs(bench: Bench) -> Bench:
    """A bench whose driver can write."""
    if not bench.case.output[0]:
        pytest.skip("this driver cannot write")
    return bench


def test_a_write_is_read_back_and_held_by_the_peer(outputs: Bench) -> None:
    name, value = outputs.case.output
    peer = cast(WritablePeer, outputs.peer)

    async def dialogue() -> None:
        driver, plan = outputs.case.driver(outputs.proxy.port)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.holds(outputs.case.known))
            answer = await driver.write(WriteCommand(outputs.number(name), value))
            assert (answer.ok, answer.value, answer.error) == (True, value, "")
            assert peer.held(name) == value
            await until(lambda: listener.value(name) == value)
            quiet = await driver.write(WriteCommand(outputs.number(name), 0.0, urgent=True, read_back=False))
            assert quiet.ok
            assert math.isnan(quiet.value)
            assert peer.held(name) == 0.0

    outputs.run(dialogue)


@pytest.mark.parametrize("fault", ["ignore", "wrong"])
def test_an_acknowledged_write_that_did_not_happen_is_visible(outputs: Bench, fault: str) -> None:
    name, value = outputs.case.output
    peer = cast(WritablePeer, outputs.peer)

    async def dialogue() -> None:
        driver, plan = outputs.case.driver(outputs.proxy.port)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.holds(outputs.case.known))
            peer.writes("ignore" if fault == "ignore" else "wrong")
            answer = await driver.write(WriteCommand(outputs.number(name), value))
            assert not math.isnan(answer.value)
            assert answer.value != value

    outputs.run(dialogue)


def test_a_late_write_is_visible_and_its_late_answer_is_nobodys(outputs: Bench) -> None:
    name, value = outputs.case.output
    peer = cast(WritablePeer, outputs.peer)

    async def dialogue() -> None:
        driver, plan = outputs.case.driver(outputs.proxy.port)
        async with listening(driver, plan) as (listener, task):
            await until(lambda: listener.holds(outputs.case.known))
            peer.writes("late")
            answer = await driver.write(WriteCommand(outputs.number(name), value))
            assert not answer.ok
            assert math.isnan(answer.value)
            assert answer.error
            await assert_source_error(task, outputs.case.loss_s)

    outputs.run(dialogue)


def test_a_write_to_a_lost_device_or_an_undeclared_output_is_refused(outputs: Bench) -> None:
    name, value = outputs.case.output

    async def dialogue() -> None:
        driver, plan = outputs.case.driver(outputs.proxy.port)
        refused = [await driver.write(WriteCommand(outputs.number(name), value))]
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.holds(outputs.case.known))
            refused.append(await driver.write(WriteCommand(10_000, value)))
            refused.append(await driver.write(WriteCommand(outputs.number(name), math.nan)))
        assert outputs.orders() == []
        refused.append(await driver.write(WriteCommand(outputs.number(name), value)))
        assert not any(answer.ok for answer in refused)
        assert all(in_both_languages(answer.error) for answer in refused), refused
        assert cast(WritablePeer, outputs.peer).held(name) != value

    outputs.run(dialogue)


def test_a_write_that_waits_when_the_device_is_lost_is_answered(outputs: Bench) -> None:
    name, value = outputs.case.output

    async def dialogue() -> None:
        driver, plan = outputs.case.driver(outputs.proxy.port)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.holds(outputs.case.known))
            outputs.proxy.freeze()
            writes = [
                asyncio.create_task(driver.write(WriteCommand(outputs.number(name), value, urgent=bool(i % 2))))
                for i in range(10)
            ]
            await asyncio.sleep(0.02)
            outputs.proxy.drop()
            async with asyncio.timeout(2.0):
                answers = await asyncio.gather(*writes)
            assert all(answer.error and math.isnan(answer.value) for answer in answers)

    outputs.run(dialogue)
