"""Modbus RTU beyond the contract: a serial port, units that share a line, late answers, and what is on the wire."""

from __future__ import annotations

import asyncio
import termios
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
import uvloop

from drivers import modbus
from drivers.base import Plan, PointSpec, WriteCommand
from drivers.modbus_rtu import LINES, crc
from drivers.modbus_url import endpoint
from gateway.core.errors import AddressError, SourceError
from tests.contract.case import plan_of
from tests.contract.case_modbus_rtu import device
from tests.contract.listener import listening, until
from tests.peers.build import PeerMissing, absent
from tests.peers.lines import LinePeer
from tests.peers.serial_bus import SerialBus

ROWS = [PointSpec("a", "holding:100", "uint16"), PointSpec("valve", "coil:20", "bool", writable=True)]
TIMEOUT_MS = 250  # a busy machine is no silent device


class Rig:
    """A line with two libmodbus devices, units 1 and 2, that hold 11 and 22 in holding:100."""

    def __init__(self, bus: SerialBus, devices: list[LinePeer]) -> None:
        self.bus, self.devices = bus, devices
        for peer, value in zip(devices, (11, 22), strict=True):
            peer.ask(f"set holding 100 {value}")

    def driver(self, unit: int, **more: Any) -> tuple[modbus.Driver, Plan]:
        url = f"rtu://{self.bus.path}?baud=115200&parity=N"
        given = modbus.Settings(**{"url": url, "unit": unit, "period_ms": 20, "timeout_ms": TIMEOUT_MS, **more})
        plan = plan_of(modbus, given, ROWS, f"unit{unit}")
        return modbus.Driver(given, plan), plan

    def frames(self) -> list[bytes]:
        """Every request the driver sent, cut by the lengths of functions 1 to 6."""
        sent = bytes(self.bus.sent)
        return [sent[at : at + 8] for at in range(0, len(sent) // 8 * 8, 8)]


@pytest.fixture
def rig() -> Iterator[Rig]:
    with ExitStack() as stack:
        try:
            bus = stack.enter_context(SerialBus(2))
            devices = [stack.enter_context(device(path, unit)) for unit, path in enumerate(bus.devices, 1)]
        except PeerMissing as missing:
            absent(str(missing))
        yield Rig(bus, devices)
    assert not LINES, "a line is left open"


def go(dialogue: Callable[[], Awaitable[None]], loop: Callable[[], Any] = asyncio.new_event_loop) -> None:
    with asyncio.Runner(loop_factory=loop) as runner:
        runner.run(asyncio.wait_for(dialogue(), 20))  # type: ignore[arg-type]


def test_the_checksum_is_the_one_of_the_specification() -> None:
    assert crc(bytes.fromhex("0207")) == bytes.fromhex("4112")  # V1.02, 6.2.2
    assert crc(bytes.fromhex("010300000001")) == bytes.fromhex("840a")


@pytest.mark.parametrize("loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_two_units_share_a_serial_port_and_take_turns(rig: Rig, loop: Callable[[], Any]) -> None:
    async def dialogue() -> None:
        (one, plan1), (two, plan2) = rig.driver(1), rig.driver(2)
        async with listening(one, plan1) as (first, _), listening(two, plan2) as (second, task):
            await until(lambda: first.value("a") == 11 and second.value("a") == 22)
            assert len(LINES) == 1
            valve = next(tag.tag.number for tag in plan2.tags[0] if tag.tag.writable)
            answer = await two.write(WriteCommand(valve, 1.0))
            assert (answer.ok, answer.value) == (True, 1.0)
            assert [peer.ask("get coil 20") for peer in rig.devices] == ["0", "1"], "the other unit was not touched"
            task.cancel()
            await asyncio.wait([task])
            blocks = first.blocks
            await until(lambda: first.blocks > blocks + 3)
        assert not LINES

    go(dialogue, loop)
    functions = [frame[1] for frame in rig.frames()]
    assert functions.count(5) == 1, "one write was ordered and one left"
    assert set(functions) == {1, 3, 5}, "nothing else is on the wire: no identification on a shared line"
    assert all(crc(frame[:6]) == frame[6:] for frame in rig.frames())


def test_a_dead_unit_costs_itself_and_not_its_neighbour(rig: Rig) -> None:
    async def dialogue() -> None:
        (one, plan1), (dead, plan2) = rig.driver(1), rig.driver(9)
        async with listening(one, plan1) as (first, alive):
            await until(lambda: first.value("a") == 11)
            async with listening(dead, plan2) as (_, task):
                await asyncio.wait([task], timeout=4)
                assert isinstance(task.exception(), SourceError)
                assert f"unit 9 did not answer within {TIMEOUT_MS} ms" in str(task.exception())
            blocks = first.blocks
            await until(lambda: first.blocks > blocks + 3)
            assert not alive.done()

    go(dialogue)
    asked = [frame for frame in rig.frames() if frame[0] == 9]
    assert len(asked) == 1, "the others are not made to wait for it twice"


def test_a_late_answer_is_nobodys(rig: Rig) -> None:
    """The first answer comes after its time-out: the value that is then read must be the fresh one."""

    async def dialogue() -> None:
        driver, plan = rig.driver(1)
        async with listening(driver, plan) as (listener, task):
            await until(lambda: listener.value("a") == 11)
            rig.bus.delay_s = 1.5 * TIMEOUT_MS / 1000
            await asyncio.sleep(1.2 * TIMEOUT_MS / 1000)
            rig.bus.delay_s = 0.0
            rig.devices[0].ask("set holding 100 12")
            await until(lambda: listener.value("a") == 12)
            assert not task.done(), "one late answer does not lose the device"
            assert [value for name, value in listener.good if name == "a"] == [11.0, 12.0]

    go(dialogue)


def test_a_spoiled_answer_is_asked_again_and_a_spoiled_line_is_lost(rig: Rig) -> None:
    async def dialogue() -> None:
        driver, plan = rig.driver(1)
        async with listening(driver, plan) as (listener, task):
            await until(lambda: listener.value("a") == 11)
            rig.bus.change = lambda data: data[:-1] + bytes([data[-1] ^ 1])
            await asyncio.wait([task], timeout=4)
            assert "unreadably" in str(task.exception())
            assert {value for name, value in listener.good if name == "a"} == {11.0}

    go(dialogue)


def test_a_pulled_adapter_is_a_lost_line(rig: Rig) -> None:
    async def dialogue() -> None:
        driver, plan = rig.driver(1)
        async with listening(driver, plan) as (listener, task):
            await until(lambda: listener.value("a") == 11)
            rig.bus.unplug()
            await asyncio.wait([task], timeout=4)
            assert isinstance(task.exception(), SourceError)

    go(dialogue)


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"url": "rtu:///dev/not-there?parity=N"}, "is it plugged|plugged in"),
        ({"url": "rtu:///dev/null?parity=N"}, "cannot be opened"),
        ({"unit": 1}, "two sources read unit 1"),
    ],
)
def test_a_port_that_cannot_be_had_says_why(rig: Rig, more: dict[str, Any], says: str) -> None:
    async def dialogue() -> None:
        (one, plan1), (two, plan2) = rig.driver(1), rig.driver(**{"unit": 2, **more})
        async with listening(one, plan1) as (first, _), listening(two, plan2) as (_, task):
            await until(lambda: first.value("a") == 11)
            await asyncio.wait([task], timeout=4)
            with pytest.raises(SourceError, match=says):
                task.result()

    go(dialogue)


def test_a_parity_the_port_does_not_know_is_said(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pty refuses it on some kernels and takes it on others, so the refusal is made here."""

    def refuse(*given: Any, **more: Any) -> None:
        raise termios.error(22, "Invalid argument")

    async def dialogue() -> None:
        driver, plan = rig.driver(1, url=f"rtu://{rig.bus.path}?parity=E")
        async with listening(driver, plan) as (_, task):
            await asyncio.wait([task], timeout=4)
            with pytest.raises(SourceError, match="does not do 19200 8E1"):
                task.result()

    monkeypatch.setattr("serial.Serial", refuse)
    go(dialogue)


def test_where_a_device_is() -> None:
    there = endpoint("rtu:///dev/ttyUSB0")
    assert (there.host, there.baud, there.parity, there.stop, there.bits) == ("/dev/ttyUSB0", 19200, "E", 1, 8)
    assert there.bit_count == 11
    assert endpoint("rtu:///dev/ttyS1?baud=9600&parity=N&stop=2").line == "/dev/ttyS1 9600 8N2"
    assert endpoint("rtu+tcp://10.0.0.1:4001").line == "10.0.0.1:4001"
    assert endpoint("tcp://10.0.0.1").port == 502


@pytest.mark.parametrize(
    "url",
    [
        "rtu://",
        "rtu:///dev/ttyS0?baud=19201",
        "rtu:///dev/ttyS0?parity=Q",
        "rtu:///dev/ttyS0?speed=1",
        "rtu:///dev/ttyS0?baud",
        "udp://h",
        "tcp://",
        "tcp://h:0",
        "rtu+tcp://h:1/x",
    ],
)
def test_a_wrong_url_says_what_would_be_right(url: str) -> None:
    with pytest.raises(AddressError) as caught:
        endpoint(url)
    assert "rtu:///dev/ttyUSB0?baud=19200&parity=E" in caught.value.en
    assert "应写成" in caught.value.zh


@pytest.mark.parametrize("more", [{"unit": 0}, {"unit": 248}, {"depth": 4}])
def test_a_line_has_its_limits(more: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="serial line"):
        modbus.Settings(url="rtu+tcp://h:1", **more)  # type: ignore[arg-type]
