"""FINS beyond the contract: a foreign client at our PLC, UDP, end codes of a capture, addresses, and what is written."""

from __future__ import annotations

import asyncio
import json
import struct
import subprocess

import pytest

from drivers import fins
from drivers.base import Plan, PointSpec, WriteCommand
from drivers.base_polled import Question, Span
from drivers.base_talk import Malformed
from drivers.fins_wire import Fins, FinsTalk, refusal
from gateway.core.errors import AddressError, SourceError
from gateway.core.tags import Cause
from tests.contract.case import plan_of
from tests.contract.case_fins import CASE, MEMORY, ROWS, memory
from tests.contract.listener import listening, until
from tests.peers.build import PeerMissing, absent, node_script
from tests.peers.capture import payloads

SETTINGS = fins.Settings(url="tcp://127.0.0.1")


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_a_foreign_client_finds_at_our_plc_what_our_driver_finds(protocol: str) -> None:
    """The PLC of the contract was made for it; omron-fins, which was not, must agree with it on every byte it uses."""
    try:
        command = node_script("fins_client.js", "omron-fins")
    except PeerMissing as missing:
        absent(str(missing))
    with memory("fins", MEMORY, (0x82, 903)) as server:
        done = subprocess.run(
            [*command, str(server.port), protocol], capture_output=True, text=True, timeout=20, check=True
        )
        wrote = [server.ask("get 82 300"), server.ask("get 82 301"), server.ask("get b1 20")]
    found = json.loads(done.stdout)
    assert found == {"words": [0, 0x42F7, 0x42F7, 0], "bits": [0, 1], "wrote": "0000", "set": "0000", "bad": "1103"}
    assert wrote == ["11", "22", "32"]


def udp(port: int, timeout_ms: int = 100) -> tuple[fins.Driver, Plan]:
    given = fins.Settings(url=f"udp://127.0.0.1:{port}", period_ms=20, timeout_ms=timeout_ms)
    plan = plan_of(fins, given, ROWS)
    return fins.Driver(given, plan), plan


def test_over_udp_it_reads_and_writes_the_same() -> None:
    with memory("fins", MEMORY, (0x82, 903)) as server:

        async def dialogue() -> None:
            driver, plan = udp(server.port)
            setpoint = next(one.tag.number for one in plan.tags[0] if one.tag.name == "setpoint")
            async with listening(driver, plan) as (listener, _):
                await until(lambda: listener.holds(CASE.known))
                answer = await driver.write(WriteCommand(setpoint, 7.25))
                assert (answer.ok, answer.value, answer.error) == (True, 7.25, "")

        asyncio.run(dialogue())
        assert [server.ask("get 82 200"), server.ask("get 82 201")] == [str(0x0000), str(0x40E8)], "the low word first"


class Lossy(asyncio.DatagramProtocol):
    """A PLC that loses every second request, answers late, and answers twice."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport, self.count, self.last = transport, 0, b""

    def datagram_received(self, data: bytes, address: object) -> None:
        self.count += 1
        answer = bytes([0xC0, 0, 2, *data[6:9], *data[3:6], data[9]]) + data[10:12] + b"\0\0"
        answer += self.count.to_bytes(2, "big") * int.from_bytes(data[16:18], "big")
        if self.count % 2 == 0:
            for one in (self.last, answer, answer):
                self.transport.sendto(one, address)  # type: ignore[attr-defined]
        self.last = answer


def test_over_udp_a_lost_datagram_is_asked_again_and_an_old_answer_is_passed_over() -> None:
    async def dialogue() -> None:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(Lossy, local_addr=("127.0.0.1", 0))
        port = transport.get_extra_info("sockname")[1]
        given = fins.Settings(url=f"udp://127.0.0.1:{port}", period_ms=10, timeout_ms=30)
        plan = plan_of(fins, given, [PointSpec("a", "D0", "uint16")])
        driver = fins.Driver(given, plan)
        async with listening(driver, plan) as (listener, task):
            await until(lambda: len(listener.good) >= 3)
            assert not task.done()
            assert all(value % 2 == 0 for _, value in listener.good), "a late answer to an earlier request is nobody's"
        transport.close()

    asyncio.run(dialogue())


def test_nobody_at_udp_is_a_lost_device() -> None:
    async def dialogue() -> None:
        driver, plan = udp(9, 50)
        async with listening(driver, plan) as (_, task):
            await asyncio.wait([task], timeout=2)
            assert isinstance(task.exception(), SourceError)

    asyncio.run(dialogue())


@pytest.mark.parametrize(
    ("code", "says", "slow"),
    [(0x20, "taken", False), (0x21, "own_node", False), (0x22, "IP addresses", True), (0x24, "PLC's own", True), (0x99, "manual", False)],
)  # fmt: skip
def test_a_handshake_that_is_refused_says_why(code: int, says: str, slow: bool) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(20)
        writer.write(b"FINS" + struct.pack(">5I", 16, 1, code, 0, 10))
        await reader.read()
        writer.close()

    async def dialogue() -> None:
        server = await asyncio.start_server(refuse, "127.0.0.1", 0)
        driver, plan = CASE.driver(server.sockets[0].getsockname()[1])
        async with listening(driver, plan) as (_, task):
            await asyncio.wait([task], timeout=2)
            error = task.exception()
            assert isinstance(error, SourceError)
            assert (says in str(error), error.slow, error.cause) == (True, slow, Cause.REFUSED)
        server.close()

    asyncio.run(dialogue())


def test_a_network_needs_the_node_there() -> None:
    with pytest.raises(ValueError, match="node = 10"):
        fins.Settings(url="tcp://h", network=2)


def test_end_codes_of_a_capture_are_refusals_and_no_values() -> None:
    talk = FinsTalk.__new__(FinsTalk)
    talk._stream, talk._service, talk._command, talk._shaking = False, 0x7A, b"\x01\x01", False
    talk._target, talk._own = bytes(3), 0
    refused = 0
    for one in payloads("omron_fins__fins__491861.pcapng"):
        if one.data[0] & 0x40 and one.data[10:12] == b"\x01\x01":
            answer = talk.unwrap(one.data)
            question = Question([Span((), 0x82, 0, 1)], b"")
            if answer == b"\0\0":
                with pytest.raises(Malformed):
                    Fins().parts(question, answer)
            else:
                assert Fins().parts(question, answer) == [refusal(int.from_bytes(answer) & 0x7F3F)]
                refused += 1
    assert refused > 40
    assert "no such address" in refusal(0x1103)
    assert "protected" in refusal(0x2102)


def test_a_plc_whose_program_stands_still_is_lost() -> None:
    with pytest.raises(SourceError, match="stands still"):
        Fins().parts(Question([Span((), 0x82, 0, 1)], b""), b"\x00\x80\x12\x34")
    with pytest.raises(SourceError, match="stands still"):
        Fins().obeyed(b"\x00\xc0")


def test_the_plcs_own_error_flags_are_no_refusal() -> None:
    assert Fins().parts(Question([Span((), 0x82, 0, 1)], b""), b"\x00\x40\x12\x34") == [b"\x12\x34"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", ""),
        ("D", "int16"),
        ("D100", ""),
        ("D100.16", ""),
        ("D100", "bool"),
        ("X100", "int16"),
        ("D65535", "float32"),
        ("E0100", "int16"),
    ],
)
def test_a_wrong_address_says_what_would_be_right(text: str, kind: str) -> None:
    with pytest.raises(AddressError) as caught:
        fins.parse(SETTINGS, PointSpec("t", text, kind))
    assert caught.value.en
    assert any("\u4e00" <= c <= "\u9fff" for c in caught.value.zh)


def test_the_auxiliary_area_is_not_written() -> None:
    with pytest.raises(AddressError, match="auxiliary"):
        fins.parse(SETTINGS, PointSpec("t", "A500.1", "", writable=True))


@pytest.mark.parametrize("url", ["h:9600", "tcp://", "http://h", "udp://h/x"])
def test_a_wrong_url_says_what_would_be_right(url: str) -> None:
    with pytest.raises(ValueError, match=r"udp://192\.168\.10\.50"):
        fins.Settings(url=url)


def test_only_reads_and_ordered_writes_can_be_built() -> None:
    """Everything that leaves is made by three functions: two read, one writes what was ordered."""
    address = fins.parse(SETTINGS, PointSpec("t", "W20.05", "", writable=True)).key
    assert Fins().order(address, 1.0) == bytes.fromhex("0102 31 0014 05 0001 01")
    (question,) = Fins().pack([Span((), 0x82, 100, 104)])
    assert question.request == bytes.fromhex("0101 82 0064 00 0004")
