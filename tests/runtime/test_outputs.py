"""Outputs: only declared ones, a trip overtakes what energises, and no answer that comes too late looks like one in time."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest

from drivers.base import ReadBack, WriteCommand
from gateway.core.effects import Beat, Write
from gateway.core.limits import READ_BACK_NS
from gateway.core.samples import Input, WriteResult
from gateway.runtime.outputs import Outputs
from tests.core.stage import table
from tests.runtime.plant import HandClock, Puppet
from tests.waiting import until

SITE = table()
NUMBER = SITE.names()
Y0, Y1, BEAT = NUMBER["y0"], NUMBER["y1"], NUMBER["plc1.$heartbeat"]


async def _still(emit: object) -> None:
    await asyncio.get_running_loop().create_future()


class Desk:
    """Outputs over a driver that answers as told; `put` is what would go to the Inbox."""

    def __init__(self, answer: Callable[[WriteCommand], Awaitable[ReadBack]] | None = None) -> None:
        self.clock = HandClock()
        self.put: list[Input] = []
        self.outputs = Outputs(SITE, self.clock, self.put.append)
        self.driver = Puppet(_still, answer)

    def run(self, play: Callable[[], Awaitable[None]], *, connected: bool = True) -> None:
        async def both() -> None:
            task = asyncio.ensure_future(self.outputs.run())
            await asyncio.sleep(0)
            if connected:
                self.outputs.connect("plc1", self.driver)
            try:
                await play()
            finally:
                task.cancel()
                await asyncio.wait({task})

        asyncio.run(both())

    def write(self, number: int, output: int, value: float, *, urgent: bool, left_ns: int = READ_BACK_NS) -> None:
        self.outputs.write(Write(number, output, value, self.clock.now_ns + left_ns, urgent))


def test_a_tag_that_is_no_declared_output_is_refused_by_assertion() -> None:
    desk = Desk()

    async def play() -> None:
        with pytest.raises(AssertionError, match="not a declared output"):
            desk.write(1, NUMBER["a0"], 1.0, urgent=True)
        await asyncio.sleep(0.01)
        assert desk.driver.written == []

    desk.run(play)


def test_one_write_one_result_with_what_was_read() -> None:
    desk = Desk()

    async def play() -> None:
        desk.write(7, Y0, 1.0, urgent=False)
        await until(lambda: bool(desk.put))
        assert desk.put == [WriteResult(7, True, 1.0)]
        assert desk.driver.written == [WriteCommand(Y0, 1.0, urgent=False, read_back=True)]
        assert (desk.outputs.verified, desk.outputs.failed) == (1, 0)

    desk.run(play)


def test_another_value_read_back_is_told_and_not_counted_as_verified() -> None:
    async def ignored(command: WriteCommand) -> ReadBack:
        return ReadBack(True, 1.0 - command.value)

    desk = Desk(ignored)

    async def play() -> None:
        desk.write(1, Y0, 0.0, urgent=True)
        await until(lambda: bool(desk.put))
        assert desk.put == [WriteResult(1, True, 1.0)]
        assert (desk.outputs.verified, desk.outputs.failed, len(desk.outputs.trip_ns)) == (0, 1, 0)

    desk.run(play)


def test_an_urgent_write_cancels_a_waiting_energising_write_of_the_same_output_only() -> None:
    gate: list[asyncio.Event] = []

    async def slow(command: WriteCommand) -> ReadBack:
        if not command.urgent:
            await gate[0].wait()
        return ReadBack(True, command.value)

    desk = Desk(slow)

    async def play() -> None:
        gate.append(asyncio.Event())
        desk.write(1, Y0, 1.0, urgent=False)
        desk.write(2, Y1, 1.0, urgent=False)
        await until(lambda: len(desk.driver.written) == 2)
        desk.write(3, Y0, 0.0, urgent=True)
        await until(lambda: bool(desk.put))
        assert desk.put == [WriteResult(3, True, 0.0)]
        gate[0].set()
        await until(lambda: len(desk.put) == 2)
        await asyncio.sleep(0.01)
        assert desk.put[1:] == [WriteResult(2, True, 1.0)], "write 1 is gone for good, y1 is untouched"

    desk.run(play)


def test_an_energising_write_that_has_not_begun_never_reaches_the_device_after_a_trip() -> None:
    desk = Desk()

    async def play() -> None:
        desk.write(1, Y0, 1.0, urgent=False)
        desk.write(2, Y0, 0.0, urgent=True)
        await until(lambda: bool(desk.put))
        assert [(command.output, command.value) for command in desk.driver.written] == [(Y0, 0.0)]

    desk.run(play)


def test_an_urgent_write_is_not_cancelled_by_what_follows() -> None:
    async def slow(command: WriteCommand) -> ReadBack:
        await asyncio.sleep(0.01)
        return ReadBack(True, command.value)

    desk = Desk(slow)

    async def play() -> None:
        desk.write(1, Y0, 0.0, urgent=True)
        await until(lambda: bool(desk.driver.written))
        desk.write(2, Y0, 0.0, urgent=True)
        await until(lambda: len(desk.put) == 2)

    desk.run(play)
    assert {result.id for result in desk.put if isinstance(result, WriteResult)} == {1, 2}


def test_not_connected_answers_at_once_and_not_ok() -> None:
    desk = Desk()

    async def play() -> None:
        desk.write(5, Y0, 0.0, urgent=True)
        await until(lambda: bool(desk.put))
        (result,) = desk.put
        assert isinstance(result, WriteResult)
        assert (result.id, result.ok, result.error) == (5, False, "not connected")
        assert math.isnan(result.value)

    desk.run(play, connected=False)


def test_a_lost_driver_gets_no_more_writes() -> None:
    desk = Desk()

    async def play() -> None:
        desk.outputs.connect("plc1", None)
        desk.write(5, Y0, 0.0, urgent=True)
        await until(lambda: bool(desk.put))
        assert desk.driver.written == []

    desk.run(play)


def test_a_write_past_its_deadline_gives_no_late_result() -> None:
    async def never(command: WriteCommand) -> ReadBack:
        await asyncio.sleep(10)
        return ReadBack(True, command.value)

    desk = Desk(never)

    async def play() -> None:
        desk.write(1, Y0, 0.0, urgent=True, left_ns=20_000_000)
        await until(lambda: bool(desk.driver.written))
        await asyncio.sleep(0.06)
        assert desk.put == []
        assert desk.outputs.verified == 0

    desk.run(play)


def test_infinity_from_a_device_is_no_number() -> None:
    async def infinite(command: WriteCommand) -> ReadBack:
        return ReadBack(True, math.inf)

    desk = Desk(infinite)

    async def play() -> None:
        desk.write(1, Y0, 0.0, urgent=True)
        await until(lambda: bool(desk.put))
        assert isinstance(desk.put[0], WriteResult)
        assert math.isnan(desk.put[0].value)

    desk.run(play)


def test_beats_that_wait_coalesce_to_the_newest() -> None:
    gate: list[asyncio.Event] = []

    async def slow(command: WriteCommand) -> ReadBack:
        await gate[0].wait()
        return ReadBack(True, command.value)

    desk = Desk(slow)

    async def play() -> None:
        gate.append(asyncio.Event())
        desk.outputs.beat(Beat("plc1", BEAT, 1))
        await until(lambda: len(desk.driver.written) == 1)
        for counter in (2, 3, 4):
            desk.outputs.beat(Beat("plc1", BEAT, counter))
        gate[0].set()
        await until(lambda: len(desk.driver.written) == 2)
        await asyncio.sleep(0.01)
        assert [command.value for command in desk.driver.written] == [1.0, 4.0]
        assert all(command.urgent and not command.read_back for command in desk.driver.written)
        assert desk.put == [], "a beat has no answer"

    desk.run(play)


def test_a_beat_that_hangs_in_a_lost_driver_does_not_silence_the_next_one() -> None:
    async def hangs(command: WriteCommand) -> ReadBack:
        await asyncio.get_running_loop().create_future()
        raise AssertionError

    desk = Desk(hangs)

    async def play() -> None:
        desk.outputs.beat(Beat("plc1", BEAT, 1))
        await until(lambda: len(desk.driver.written) == 1)
        desk.outputs.connect("plc1", None)
        fresh = Puppet(_still)
        desk.outputs.connect("plc1", fresh)
        desk.outputs.beat(Beat("plc1", BEAT, 2))
        await until(lambda: bool(fresh.written))
        assert [command.value for command in fresh.written] == [2.0]

    desk.run(play)
