"""The poll cycle that ask-and-answer drivers share: spans, halving, what a lost answer leaves, the order of writes."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers import base_polled
from drivers.base import Plan, PointSpec, WriteCommand, load
from drivers.base_orders import ORDERS_MAX
from drivers.base_polled import Dialect, Item, Polled, Question, Span, merged
from drivers.base_talk import Malformed, Talk, dial
from drivers.base_told import TOLD_MAX
from gateway.core.tags import Quality
from tests.contract.case import plan_of
from tests.contract.listener import listening, until


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 500), st.integers(1, 4)), min_size=1),
    st.integers(4, 60),
    st.integers(0, 20),
)
def test_every_item_lies_whole_in_one_span_and_no_span_is_too_long(
    rows: list[tuple[int, int, int]], most: int, gap: int
) -> None:
    items = [Item(at, area, start, start + size, None) for at, (area, start, size) in enumerate(rows)]
    spans = merged(items, most, gap)
    assert sorted(item.position for span in spans for item in span.items) == list(range(len(items)))
    for span in spans:
        assert all(span.start <= item.start < item.stop <= span.stop and item.area == span.area for item in span.items)
        assert span.stop - span.start <= most
        covered = sorted((item.start, item.stop) for item in span.items)
        reach = covered[0][1]
        for start, stop in covered:
            assert start <= reach + gap, "nobody asked for what lies between"
            reach = max(reach, stop)


class Bytes(Talk):
    """A protocol of one byte of length and that many bytes."""

    def wrap(self, request: bytes) -> bytes:
        return bytes([len(request)]) + request

    def size(self, data: bytes | bytearray) -> int:
        return 1 + data[0] if data else 0

    def unwrap(self, frame: bytes) -> bytes:
        if len(frame) < 2:
            raise Malformed("nothing in it")
        return frame[1:]


class Letters(Dialect):
    """`r` start stop reads bytes, `w` at value writes one."""

    def pack(self, spans: Sequence[Span]) -> list[Question]:
        return [Question([span], b"r" + struct.pack(">BB", span.start, span.stop)) for span in spans]

    def parts(self, question: Question, answer: bytes) -> list[bytes | str]:
        return ["no such byte" if answer[:1] == b"!" else answer[1:]]

    def raw(self, span: Span, item: Item) -> float:
        assert span.data is not None
        return float(span.data[item.start - span.start])

    def order(self, address: Any, raw: float) -> bytes:
        return b"w" + bytes([address, round(raw)])

    def obeyed(self, answer: bytes) -> str:
        return "" if answer == b"+" else "refused"


class Lettered(Polled):
    """Reads from the device below."""

    most, gap = 100, 4

    def item(self, position: int, address: Any) -> Item:
        return Item(position, 0, address, address + 1, address)

    async def connect(self) -> tuple[Talk, Letters]:
        talk = Bytes(300)
        await dial(talk, 300, "127.0.0.1", self.settings.port, ("server", "服务"))
        return talk, Letters()


class Device:
    """Bytes, some of which are refused; keeps what it was asked."""

    def __init__(self) -> None:
        self.memory = bytearray(range(200))
        self.bad: set[int] = set()
        self.asked: list[bytes] = []
        self.hold = asyncio.Event()
        self.hold.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while size := await reader.read(1):
                request = await reader.readexactly(size[0])
                self.asked.append(request)
                await self.hold.wait()
                answer = self.answer(request)
                writer.write(bytes([len(answer)]) + answer)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.transport.abort()

    def answer(self, request: bytes) -> bytes:
        if request[:1] == b"w":
            self.memory[request[1]] = request[2]
            return b"+"
        start, stop = request[1], request[2]
        return b"!" if self.bad & set(range(start, stop)) else b"=" + bytes(self.memory[start:stop])


class Given:
    """Settings of the driver."""

    period_ms = 10

    def __init__(self, port: int) -> None:
        self.port = port


def planned(port: int, places: Sequence[int], writable: Sequence[int] = ()) -> tuple[Lettered, Plan]:
    class Module:
        @staticmethod
        def parse(settings: Given, spec: PointSpec) -> Any:
            return base_polled.grouped(spec, False, (int(spec.address),), int(spec.address))

    specs = [PointSpec(f"b{at}", str(at), "", writable=at in writable) for at in places]
    plan = plan_of(Module, Given(port), specs)
    return Lettered(Given(port), plan), plan


async def device() -> tuple[Device, asyncio.Server, int]:
    made = Device()
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    return made, server, server.sockets[0].getsockname()[1]


def test_a_bad_byte_is_found_by_halving_set_aside_and_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base_polled, "RETRY_S", 0.2)

    async def dialogue() -> None:
        made, server, port = await device()
        made.bad = {13}
        driver, plan = planned(port, range(10, 26))
        async with listening(driver, plan) as (listener, _):
            await until(lambda: all(listener.value(f"b{at}") == at for at in range(10, 26) if at != 13))
            assert listener.latest["b13"][1] == Quality.BAD
            made.asked.clear()
            await asyncio.sleep(0.1)
            wide = [request for request in made.asked if request[1] <= 13 < request[2]]
            assert len(wide) <= 1, "what is refused is not asked in every cycle"
            made.bad.clear()
            await until(lambda: listener.value("b13") == 13)
        server.close()

    asyncio.run(dialogue())


def test_a_refusal_is_told_once_with_its_words_and_many_do_not_fill_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(base_polled, "RETRY_S", 0.02)

    async def dialogue(bad: set[int]) -> list[str]:
        caplog.clear()
        made, server, port = await device()
        made.bad = bad
        driver, plan = planned(port, range(10, 60))
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.holds({f"b{at}": float(at) for at in range(10, 60) if at not in bad}))
            seen = len(made.asked)
            await until(lambda: len(made.asked) > seen + 20)
        server.close()
        return [record.message for record in caplog.records if record.name == "gatehouse.drivers"]

    assert asyncio.run(dialogue({13})) == ["device: b13: no such byte"]
    told = asyncio.run(dialogue(set(range(20, 50))))
    assert len(told) == TOLD_MAX + 1
    assert "不再逐一记录" in told[-1]


def test_a_write_that_cannot_be_read_back_says_why() -> None:
    async def dialogue() -> None:
        made, server, port = await device()
        driver, plan = planned(port, range(10, 12), (11,))
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.value("b11") == 11)
            made.bad = {11}
            answer = await driver.write(WriteCommand(plan.tags[0][1].tag.number, 7.0))
            assert (answer.ok, answer.error) == (True, "no such byte")
        server.close()

    asyncio.run(dialogue())


def test_urgent_writes_go_first_and_more_than_can_wait_are_refused() -> None:
    async def dialogue() -> None:
        made, server, port = await device()
        driver, plan = planned(port, range(10, 14), writable=range(10, 14))
        numbers = [one.tag.number for one in plan.tags[0]]
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.value("b13") == 13)
            made.hold.clear()
            made.asked.clear()
            writes = [asyncio.create_task(driver.write(WriteCommand(numbers[0], 50 + at))) for at in range(3)]
            await asyncio.sleep(0)
            urgent = asyncio.create_task(driver.write(WriteCommand(numbers[1], 99, urgent=True)))
            await asyncio.sleep(0)
            many = [asyncio.create_task(driver.write(WriteCommand(numbers[2], 1))) for _ in range(ORDERS_MAX)]
            await asyncio.sleep(0.02)
            assert any("too many" in task.result().error for task in many if task.done())
            made.hold.set()
            await asyncio.gather(*writes, urgent, *many)
            order = [request[1:] for request in made.asked if request[:1] == b"w"]
            assert order.index(bytes([11, 99])) < order.index(bytes([10, 52]))
            assert made.memory[10] == 52, "in the order they were given"
            await until(lambda: listener.value("b10") == 52)
        server.close()

    asyncio.run(dialogue())


def test_a_value_that_was_read_back_is_not_contradicted_by_an_earlier_read() -> None:
    async def dialogue() -> None:
        _, server, port = await device()
        driver, plan = planned(port, [10, 100], writable=[10])
        number = plan.tags[0][0].tag.number
        async with listening(driver, plan) as (listener, _):
            await until(lambda: listener.value("b100") == 100)
            for value in range(20, 60):
                answer = await driver.write(WriteCommand(number, value))
                assert (answer.ok, answer.value) == (True, value)
            await until(lambda: listener.value("b10") == 59)
            seen = [value for name, value in listener.good if name == "b10"]
            assert seen == sorted(seen), "never back to an older value"
        server.close()

    asyncio.run(dialogue())


@pytest.mark.parametrize(
    ("driver", "url", "address"),
    [
        ("s7", "tcp://h", "DB1.DBW40"),
        ("enip", "tcp://h", "Heartbeat"),
        ("fins", "tcp://h", "D500"),
        ("slmp", "tcp://h:5007", "D500"),
    ],
)
def test_a_heartbeat_is_a_word_that_is_written_and_never_polled(driver: str, url: str, address: str) -> None:
    module = load(driver)
    point = module.parse(module.Settings(url=url), PointSpec("plc.$heartbeat", address, "", writable=True, hidden=True))
    assert (point.group, point.boolean) == ("write", False)
