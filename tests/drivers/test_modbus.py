"""What is particular to the Modbus driver: order, pipelining, confirmation, exceptions, a second foreign server."""

from __future__ import annotations

import asyncio
import json
import math
import struct
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import uvloop
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[2]))  # the suites share their peers, whatever directory pytest began in

from drivers import modbus
from drivers.base import Plan, PointSpec, WriteCommand
from drivers.modbus_wire import WRITES_MAX, Link
from gateway.core.errors import SourceError
from gateway.core.samples import Alive, Block, Columns
from gateway.core.tags import Cause, Quality
from tests.contract.case import plan_of
from tests.contract.case_modbus import MEMORY, typed
from tests.contract.listener import listening, until
from tests.peers.build import PeerMissing, absent, node_script
from tests.peers.lines import LinePeer

Reply = Callable[[bytes], "bytes | None"]


class Device:
    """A scripted Modbus device: a list of what it was asked, in order, and a hook that may change what it answers."""

    def __init__(self) -> None:
        self.registers = [0] * 65536
        self.coils = [0] * 65536
        self.asked: list[tuple[int, int, int]] = []  # function, address, count or value
        self.reply: Reply = self.answer
        self.deepest = 0
        self.port = 0
        self._writers: list[asyncio.StreamWriter] = []

    async def __aenter__(self) -> Device:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.sleep(0.02)

    def answer(self, frame: bytes) -> bytes:
        """What a right device says."""
        function, address, count = frame[7], *struct.unpack(">HH", frame[8:12])
        if function <= 2:
            bits = self.coils[address : address + count]
            data = bytes(sum(bit << place for place, bit in enumerate(bits[at : at + 8])) for at in range(0, count, 8))
            return self.wrap(frame, bytes([len(data)]) + data)
        if function <= 4:
            data = struct.pack(f">{count}H", *self.registers[address : address + count])
            return self.wrap(frame, bytes([len(data)]) + data)
        if function == 5:
            self.coils[address] = int(count == 0xFF00)
        elif function == 6:
            self.registers[address] = count
        else:
            self.registers[address : address + count] = struct.unpack(f">{count}H", frame[13:])
        return self.wrap(frame, frame[8:12])

    def wrap(self, frame: bytes, body: bytes, function: int = 0) -> bytes:
        """A frame that answers this one."""
        return frame[:4] + struct.pack(">HBB", len(body) + 2, frame[6], function or frame[7]) + body

    def exception(self, frame: bytes, code: int) -> bytes:
        """The refusal of this frame."""
        return self.wrap(frame, bytes([code]), frame[7] | 0x80)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        held = b""
        while data := await reader.read(65536):
            held += data
            frames = []
            while len(held) >= 12 and len(held) >= 6 + (size := struct.unpack(">H", held[4:6])[0]):
                frames.append(held[: 6 + size])
                held = held[6 + size :]
            self.deepest = max(self.deepest, len(frames))
            for frame in frames:
                self.asked.append((frame[7], *struct.unpack(">HH", frame[8:12])))
                if (answer := self.reply(frame)) is not None:
                    writer.write(answer)
        writer.transport.abort()


def driver_of(port: int, specs: list[PointSpec], **more: Any) -> tuple[modbus.Driver, Plan]:
    chosen = modbus.Settings(url=f"tcp://127.0.0.1:{port}", **{"period_ms": 10, "timeout_ms": 200, **more})
    plan = plan_of(modbus, chosen, specs)
    return modbus.Driver(chosen, plan), plan


def words(*addresses: int, writable: bool = False) -> list[PointSpec]:
    return [PointSpec(f"w{at}", f"holding:{at}", "uint16", writable=writable) for at in addresses]


def go(dialogue: Callable[[Device], Awaitable[None]]) -> None:
    async def whole() -> None:
        async with Device() as device:
            await dialogue(device)

    uvloop.run(whole())


# -- cycles ---------------------------------------------------------------------------------------------------------


def test_equal_answers_confirm_and_a_change_is_one_block() -> None:
    async def dialogue(device: Device) -> None:
        blocks: list[Block] = []
        driver, _plan = driver_of(device.port, words(0, 1, 300))
        task = asyncio.create_task(driver.run(blocks.append))
        await until(lambda: len(blocks) >= 4)
        assert isinstance(blocks[0], Columns)
        assert all(isinstance(block, Alive) for block in blocks[1:])
        device.registers[300] = 5
        await until(lambda: isinstance(blocks[-1], Columns))
        assert blocks[-1].values.tolist() == [0.0, 0.0, 5.0]
        assert blocks[-1].values is not blocks[0].values
        assert blocks[-1].uncertainty_ns > 0
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    go(dialogue)


def test_no_confirmation_in_or_right_after_a_cycle_with_a_refusal() -> None:
    async def dialogue(device: Device) -> None:
        blocks: list[Block] = []
        driver, _plan = driver_of(device.port, words(0, 300))
        task = asyncio.create_task(driver.run(blocks.append))
        await until(lambda: len(blocks) >= 2)
        busy = [3]

        def reply(frame: bytes) -> bytes:
            if frame[8:10] == b"\x01\x2c" and busy[0]:
                busy[0] -= 1
                return device.exception(frame, 6)
            return device.answer(frame)

        before = len(blocks)
        device.reply = reply
        await until(lambda: not busy[0] and isinstance(blocks[-1], Alive))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        columns = [block for block in blocks[before:] if isinstance(block, Columns)]
        assert len(columns) == 4, "three with the refusal, one after it"
        for block in columns[:3]:
            assert block.qualities.tolist() == [Quality.GOOD, Quality.BAD]
            assert block.causes.tolist() == [Cause.NONE, Cause.DEVICE]
        assert columns[3].qualities.tolist() == [Quality.GOOD, Quality.GOOD]

    go(dialogue)


def test_a_bad_register_is_isolated_asked_seldom_and_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.modbus_poll.RETRY_S", 0.4)

    async def dialogue(device: Device) -> None:
        bad = {7}

        def reply(frame: bytes) -> bytes:
            start, count = struct.unpack(">HH", frame[8:12])
            return device.exception(frame, 2) if bad & {*range(start, start + count)} else device.answer(frame)

        device.reply = reply
        driver, plan = driver_of(device.port, words(*range(16)))
        async with listening(driver, plan) as (listener, _):
            neighbours = {f"w{at}": 0.0 for at in range(16) if at != 7}
            await until(lambda: listener.holds(neighbours))
            assert len(device.asked) < 40
            assert listener.value("w7") is None
            assert listener.alive == 0
            device.asked.clear()
            await asyncio.sleep(0.3)
            assert device.asked.count((3, 7, 1)) <= 1
            assert listener.alive == 0, "a group with a BAD item is not confirmed as a whole"
            bad.clear()
            device.registers[7] = 70
            await until(lambda: listener.value("w7") == 70.0)
            await until(lambda: listener.alive > 0)

    go(dialogue)


def test_a_device_that_refuses_everything_is_bad_but_asked() -> None:
    async def dialogue(device: Device) -> None:
        device.reply = lambda frame: device.exception(frame, 2)
        driver, plan = driver_of(device.port, words(*range(0, 400, 2)), period_ms=2)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.blocks > 30)
            assert not listener.good
            assert listener.alive == 0
            asked = len(device.asked)
            await asyncio.sleep(0.05)
            assert len(device.asked) > asked, "a loss of the connection would go unseen"

    go(dialogue)


@pytest.mark.parametrize("depth", [1, 4])
def test_outstanding_requests_are_bounded_by_depth(depth: int) -> None:
    async def dialogue(device: Device) -> None:
        driver, plan = driver_of(device.port, words(*range(0, 2000, 200)), depth=depth)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.blocks >= 5)
        assert device.deepest == depth

    go(dialogue)


def test_answers_out_of_order_find_their_requests() -> None:
    async def dialogue(device: Device) -> None:
        device.registers[0], device.registers[200], device.registers[400] = 1, 2, 3
        held: list[bytes] = []

        def reply(frame: bytes) -> bytes | None:
            held.append(device.answer(frame))
            if len(held) < 3:
                return None
            answers = b"".join(reversed(held))
            held.clear()
            return answers

        device.reply = reply
        driver, plan = driver_of(device.port, words(0, 200, 400), depth=3)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.holds({"w0": 1.0, "w200": 2.0, "w400": 3.0}))
            assert device.deepest == 3

    go(dialogue)


def test_the_grid_has_no_drift_and_skips_what_it_cannot_keep() -> None:
    async def dialogue(device: Device) -> None:
        driver, _plan = driver_of(device.port, words(0), period_ms=20)
        times: list[float] = []
        task = asyncio.create_task(driver.run(lambda block: times.append(time.monotonic())))
        await until(lambda: len(times) >= 20)
        late = [(at - times[0]) % 0.02 for at in times[1:]]
        assert sum(min(away, 0.02 - away) < 0.008 for away in late) >= 0.8 * len(late)
        skipped = driver.skipped
        time.sleep(0.11)  # the whole loop stands still  # noqa: ASYNC251
        seen = len(times)
        await until(lambda: len(times) >= seen + 2)
        assert driver.skipped >= skipped + 3
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    go(dialogue)


def test_not_a_number_is_passed_as_it_is() -> None:
    async def dialogue(device: Device) -> None:
        device.registers[0:2] = [0x7FA0, 0x0001]  # a signalling NaN
        driver, plan = driver_of(device.port, [PointSpec("f", "holding:0", "float32", scale=2.0)])
        async with listening(driver, plan) as (listener, _):
            await until(lambda: "f" in listener.latest)
            assert math.isnan(listener.latest["f"][0])

    go(dialogue)


def test_a_bug_of_the_receiver_is_not_taken_for_a_lost_device() -> None:
    async def dialogue(device: Device) -> None:
        driver, _plan = driver_of(device.port, words(0))
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: None)

        def emit(block: Block) -> None:
            raise KeyError("receiver")

        with pytest.raises(KeyError):
            await driver.run(emit)

    go(dialogue)


# -- answers that are none ------------------------------------------------------------------------------------------

WRONG: dict[str, Callable[[Device, bytes], bytes]] = {
    "another transaction": lambda device, frame: bytes([frame[0] ^ 1]) + device.answer(frame)[1:],
    "another function": lambda device, frame: device.wrap(frame, device.answer(frame)[8:], 4),
    "another unit": lambda device, frame: device.answer(frame)[:6] + b"\x07" + device.answer(frame)[7:],
    "another protocol": lambda device, frame: frame[:2] + b"\x00\x01" + device.answer(frame)[4:],
    "too few registers": lambda device, frame: device.wrap(frame, b"\x02\x00\x00"),
    "a byte count that lies": lambda device, frame: device.wrap(frame, b"\x09" + device.answer(frame)[9:]),
    "the exception of another function": lambda device, frame: device.wrap(frame, b"\x02", 0x84),
    "twice": lambda device, frame: device.answer(frame) * 2,
}


@pytest.mark.parametrize("wrong", WRONG)
def test_a_wrong_answer_ends_the_connection(wrong: str) -> None:
    async def dialogue(device: Device) -> None:
        device.registers[0:3] = [11, 12, 13]
        driver, plan = driver_of(device.port, words(0, 1, 2))
        async with listening(driver, plan) as (listener, task):
            await until(lambda: listener.alive > 0)
            device.registers[0:3] = [21, 22, 23]
            device.reply = lambda frame: WRONG[wrong](device, frame)
            await asyncio.wait({task}, timeout=1.0)
        assert isinstance(listener.error, SourceError)
        assert {value for _, value in listener.good} <= {11.0, 12.0, 13.0, 21.0, 22.0, 23.0}
        if wrong != "twice":
            assert listener.value("w0") == 11.0

    go(dialogue)


class Wire(asyncio.Transport):
    """A transport that keeps nothing; to feed the protocol without a socket."""

    def __init__(self) -> None:
        self.aborted = False

    def write(self, data: bytes | bytearray | memoryview) -> None: ...

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def abort(self) -> None:
        self.aborted = True


class Question:
    """A request that records what became of it."""

    function = 3
    tail = bytes.fromhex("00000006010300000001")
    usual = bytes.fromhex("00000005010302002a")

    def __init__(self) -> None:
        self.ends: list[str] = []

    def answered(self, link: Link, body: bytes) -> None:
        self.ends.append("answered")

    def declined(self, link: Link, code: int) -> None:
        self.ends.append("declined")

    def lost(self, message: str) -> None:
        self.ends.append("lost")


PIECES = st.one_of(
    st.binary(max_size=40),
    st.builds(lambda t: struct.pack(">HHHBBBH", t, 0, 5, 1, 3, 2, 7), st.integers(0, 6)),
    st.builds(lambda t, code: struct.pack(">HHHBBB", t, 0, 3, 1, 0x83, code), st.integers(0, 6), st.integers(0, 255)),
)


@given(st.lists(PIECES, max_size=12), st.lists(st.integers(1, 30), min_size=1, max_size=10))
@settings(deadline=None)
def test_any_bytes_in_any_pieces_end_every_request_exactly_once(pieces: list[bytes], cuts: list[int]) -> None:
    async def dialogue() -> None:
        link, wire, questions = Link(1, 3, 1000), Wire(), [Question() for _ in range(6)]
        link.connection_made(wire)
        link.poll(questions)
        link.pump()
        stream, turn = b"".join(pieces), 0
        while stream and not wire.aborted:
            size = cuts[turn % len(cuts)]
            link.data_received(stream[:size])
            stream, turn = stream[size:], turn + 1
        link.connection_lost(None)
        assert [len(question.ends) for question in questions] == [1] * 6

    asyncio.run(dialogue())


# -- writes ---------------------------------------------------------------------------------------------------------


def test_urgent_goes_before_what_waits_and_writes_before_reads() -> None:
    async def dialogue(device: Device) -> None:
        first, held = asyncio.Event(), [True]

        def reply(frame: bytes) -> bytes | None:
            if held[0]:
                first.set()
                waiting.append(frame)
                return None
            return device.answer(frame)

        waiting: list[bytes] = []
        device.reply = reply
        rows = [*words(0, 200, 400), *words(50, 51, 52, writable=True)]
        driver, plan = driver_of(device.port, rows, timeout_ms=2000)
        number = {one.tag.name: one.tag.number for one in plan.tags[0]}
        async with listening(driver, plan):
            await first.wait()
            writes = [
                asyncio.create_task(driver.write(WriteCommand(number["w50"], 5.0))),
                asyncio.create_task(driver.write(WriteCommand(number["w51"], 6.0, read_back=False))),
                asyncio.create_task(driver.write(WriteCommand(number["w52"], 7.0, urgent=True))),
            ]
            await asyncio.sleep(0.02)
            held[0] = False
            for writer in device._writers:
                writer.write(device.answer(waiting[0]))
            answers = await asyncio.gather(*writes)
        assert [answer.ok for answer in answers] == [True, True, True]
        order = device.asked[1:7]
        assert order[:5] == [(6, 52, 7), (3, 52, 1), (6, 50, 5), (3, 50, 1), (6, 51, 6)]
        assert order[5][0] == 3

    go(dialogue)


def test_an_earlier_read_of_the_cycle_does_not_contradict_a_read_back() -> None:
    """The cycle reads the coil, the write changes it, the cycle ends: its block must not show the old state."""

    async def dialogue(device: Device) -> None:
        device.coils[20] = 1
        gate = asyncio.Event()
        stuck: list[bytes] = []

        def reply(frame: bytes) -> bytes | None:
            if frame[7] == 3 and not stuck and len(blocks) >= 2:  # the coil of this cycle was read already
                stuck.append(frame)
                gate.set()
                return None
            return device.answer(frame)

        blocks: list[Block] = []
        device.reply = reply
        rows = [PointSpec("valve", "coil:20", "bool", writable=True), *words(0)]
        driver, _plan = driver_of(device.port, rows, depth=2, timeout_ms=2000)
        task = asyncio.create_task(driver.run(blocks.append))
        await gate.wait()
        answer = await driver.write(WriteCommand(0, 0.0, urgent=True))
        assert (answer.ok, answer.value) == (True, 0.0)
        seen = len(blocks)
        device.coils[20] = 1  # the PLC takes it back: the same bytes as the cycle read before the write
        device._writers[0].write(device.answer(stuck[0]))
        await until(lambda: len(blocks) >= seen + 3)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        after = [block.values[0] for block in blocks[seen:] if isinstance(block, Columns)]
        assert after == [0.0, 1.0], (
            "the cycle of the write, then the next one in full although its bytes are the old ones"
        )

    go(dialogue)


def test_a_wrong_echo_is_not_ok_and_is_read_back_all_the_same() -> None:
    async def dialogue(device: Device) -> None:
        def reply(frame: bytes) -> bytes:
            answer = device.answer(frame)
            return answer[:-1] + b"\x63" if frame[7] == 6 else answer

        device.reply = reply
        driver, plan = driver_of(device.port, words(9, writable=True))
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.blocks > 0)
            answer = await driver.write(WriteCommand(0, 5.0))
            assert (answer.ok, answer.value) == (False, 5.0)
            assert answer.error

    go(dialogue)


def test_a_refused_write_says_why_in_both_languages() -> None:
    async def dialogue(device: Device) -> None:
        device.reply = lambda f: device.exception(f, 2) if f[7] == 6 else device.answer(f)
        driver, plan = driver_of(device.port, words(9, writable=True))
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.blocks > 0)
            answer = await driver.write(WriteCommand(0, 5.0))
            assert not answer.ok
            assert "no such address" in answer.error
            assert "地址不存在" in answer.error
            assert not (await driver.write(WriteCommand(0, 70000.0))).ok

    go(dialogue)


def test_scaled_values_and_wide_types_are_written_whole() -> None:
    async def dialogue(device: Device) -> None:
        rows = [
            PointSpec("speed", "holding:10", "int16", scale=0.1, offset=-40.0, writable=True),
            PointSpec("flow", "holding:20", "float32/cdab", writable=True),
            PointSpec("beat", "holding:400", "uint16", writable=True, hidden=True),
        ]
        driver, plan = driver_of(device.port, rows)
        assert [group.name for group in plan.groups] == ["poll", "write"]
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.blocks > 0)
            assert (await driver.write(WriteCommand(0, 10.0))).value == 500 * 0.1 - 40.0
            assert device.registers[10] == 500
            assert (await driver.write(WriteCommand(1, 123.5))).value == 123.5
            assert device.registers[20:22] == [0x0000, 0x42F7]
            assert (await driver.write(WriteCommand(2, 65535.0, read_back=False))).ok
            assert device.registers[400] == 65535
            await until(lambda: listener.value("flow") == 123.5)
        assert not any(function == 3 and start <= 400 < start + count for function, start, count in device.asked)
        assert "beat" not in listener.latest

    go(dialogue)


def test_waiting_writes_are_bounded_and_leave_room_for_urgent_ones() -> None:
    async def dialogue(device: Device) -> None:
        driver, plan = driver_of(device.port, words(0, 9, writable=True), timeout_ms=150)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.blocks > 0)
            device.reply = lambda frame: None
            await asyncio.sleep(0.03)
            flood = [asyncio.create_task(driver.write(WriteCommand(0, 1.0))) for _ in range(WRITES_MAX + 5)]
            await asyncio.sleep(0)
            urgent = asyncio.create_task(driver.write(WriteCommand(1, 0.0, urgent=True)))
            await asyncio.sleep(0.01)
            assert sum(task.done() for task in flood) == 5
            assert not urgent.done()
            answers = await asyncio.gather(*flood, urgent)
            assert not any(answer.ok for answer in answers)

    go(dialogue)


def test_a_write_nobody_waits_for_is_not_sent() -> None:
    async def dialogue(device: Device) -> None:
        driver, plan = driver_of(device.port, words(0, 9, writable=True), timeout_ms=2000)
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.blocks > 0)
            held: list[bytes] = []

            def hold(frame: bytes) -> None:
                held.append(frame)

            device.reply = hold
            await until(lambda: bool(held))
            write = asyncio.create_task(driver.write(WriteCommand(1, 9.0)))
            await asyncio.sleep(0)
            write.cancel()
            with pytest.raises(asyncio.CancelledError):
                await write
            device.reply = device.answer
            device._writers[0].write(device.answer(held[0]))
            seen = listener.blocks
            await until(lambda: listener.blocks >= seen + 2)
            assert device.registers[9] == 0

    go(dialogue)


# -- several devices, a second foreign server -----------------------------------------------------------------------


def test_one_dead_device_of_ten_leaves_the_period_of_the_other_nine() -> None:
    async def dialogue(device: Device) -> None:
        counts = [0] * 9
        async with Device() as dead:
            dead.reply = lambda frame: None

            def counting(index: int) -> Callable[[Block], None]:
                def emit(block: Block) -> None:
                    counts[index] += 1

                return emit

            async def supervised() -> None:
                while True:
                    with pytest.raises(SourceError):
                        await driver_of(dead.port, words(0), timeout_ms=50)[0].run(lambda block: None)

            tasks = [
                asyncio.create_task(driver_of(device.port, words(0), period_ms=50)[0].run(counting(index)))
                for index in range(9)
            ]
            tasks.append(asyncio.create_task(supervised()))
            await until(lambda: min(counts) >= 1)
            begun, before = time.monotonic(), list(counts)
            await asyncio.sleep(1.0)
            expected = (time.monotonic() - begun) / 0.05
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        assert all(abs(now - then - expected) <= 3 for now, then in zip(counts, before, strict=True))

    go(dialogue)


def test_known_answers_of_modbus_serial() -> None:
    """The same memory in a server of another make: both must agree on every type and order."""
    memory: dict[str, dict[int, int]] = {"holding": {}, "input": {}, "coil": {}, "discrete": {}}
    for table, at, content in MEMORY:
        memory[table][at] = content
    rows, known, _ = typed()
    rows += [
        PointSpec("running", "discrete:21", "bool"),
        PointSpec("far", "discrete:37", "bool"),
        PointSpec("valve", "coil:20", "bool", writable=True),
        PointSpec("flow", "holding:700", "float64/badc", writable=True),
    ]
    try:
        command = [*node_script("modbus_serial_server.js", "modbus-serial"), json.dumps(memory)]
    except PeerMissing as missing:
        absent(str(missing))

    async def dialogue(port: int, ask: Callable[[str], str]) -> None:
        driver, plan = driver_of(port, rows, timeout_ms=1000)
        number = {one.tag.name: one.tag.number for one in plan.tags[0]}
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.holds({**known, "running": 1.0, "far": 1.0, "valve": 0.0}))
            assert (await driver.write(WriteCommand(number["valve"], 1.0))).value == 1.0
            assert ask("get coil 20") == "1"
            assert (await driver.write(WriteCommand(number["flow"], -1.5e10))).value == -1.5e10
            assert ask("get holding 700") == str(0x0BC2)

    with LinePeer(command) as peer:
        uvloop.run(dialogue(peer.port, peer.ask))
