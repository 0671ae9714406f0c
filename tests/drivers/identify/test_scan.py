"""Asking: only reads exist, only approved devices are asked, slowly, and every byte is in the log."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.identify import approvals, scanner, wire
from drivers.identify.probes import PROTOCOLS, Read, Values, answers_to_all, encode
from drivers.identify.scanner import Result, Scan, Target
from drivers.identify.wire import Log

NOW = datetime(2026, 5, 1, tzinfo=UTC)

# --- only reads ---


def is_read(probe: bytes) -> bool:
    """Whether `probe` is one of the few requests that may be sent, judged without the encoder."""
    if probe[2:6] == b"\0\0\0\x05" and len(probe) == 11:
        return probe[7:] == b"\x2b\x0e\x01\x00"  # Modbus: Read Device Identification, nothing else
    if probe[:2] == b"\x03\x00":
        job = probe[7:9] == b"\x32\x01" and probe[17:18] == b"\xf0"
        list_read = probe[7:9] == b"\x32\x07" and probe[21:24] == b"\x11\x44\x01"
        return probe[5] == 0xE0 or job or list_read
    if probe[:4] in (b"HELF", b"OPNF"):
        return True
    if probe[:4] == b"MSGF":
        return probe[24:28] == b"\x01\x00\xac\x01"  # GetEndpoints
    if probe[:2] == b"\x81\x0a":
        return probe[6:] == b"\x10\x08" or probe[9:10] == b"\x0c"  # Who-Is, ReadProperty
    if probe[:1] == b"\x10":
        return probe[9] == 0x02  # CONNECT: clean, no will, no name, no password
    if probe[:2] == b"\x80\x00":
        return probe[10:12] == b"\x05\x01"
    if probe[:1] == b"\x30":
        return b"\xa0" in probe and not probe.count(b"\xa3", 0, 9)
    return probe[:2] == b"\x63\x00" and len(probe) == 24


numbers = st.integers(-(2**40), 2**40)


@given(st.sampled_from(list(Read)), numbers, numbers, numbers, numbers, numbers, st.text(max_size=200))
def test_nothing_but_a_read_can_be_encoded(
    read: Read, number: int, channel: int, token: int, instance: int, unit: int, community: str
) -> None:
    assert is_read(encode(read, Values(number, channel, token, instance, unit, community)))


def test_every_read_belongs_to_one_protocol() -> None:
    assert sorted(read.name for one in PROTOCOLS for read in one.reads) == sorted(read.name for read in Read)


# --- approvals ---


def file(until: str = "2026-05-02T00:00:00Z", more: str = "", outputs: str = "false") -> approvals.Approvals:
    text = (
        f'[[target]]\nname = "press"\naddress = "10.0.0.5"\nuntil = {until}\nby = "Li Wei"\noutputs = {outputs}\n{more}'
    )
    return approvals.read(text.encode())


def test_an_approved_device_is_planned() -> None:
    (target,) = approvals.chosen(file(), ["press"], NOW, tripped=False)
    assert "snmp" not in [row["protocol"] for row in approvals.plan([target])]  # no community was given


@pytest.mark.parametrize(
    ("given_file", "names", "reason"),
    [
        (file(), ["pump"], "unknown"),
        (file("2026-04-30T00:00:00Z"), ["press"], "expired"),
        (file("2027-05-02T00:00:00Z"), ["press"], "too-long"),
        (file(outputs="true"), ["press"], "outputs"),
        (file(more='[never]\n"10.0.0.5" = "safety controller"\n'), ["press"], "never"),
        (file(more='protocols = ["dnp3"]\n'), ["press"], "protocol"),
        (file(), ["press", "press"], "twice"),
        (file().__class__([msgspec.structs.replace(file().target[0], by=" ")]), ["press"], "nobody"),
        (file().__class__([msgspec.structs.replace(file().target[0], address="press.plant")]), ["press"], "address"),
    ],
)
def test_what_is_not_approved_is_refused(given_file: approvals.Approvals, names: list[str], reason: str) -> None:
    with pytest.raises(approvals.Refused) as refused:
        approvals.chosen(given_file, names, NOW, tripped=False)
    assert refused.value.reason == reason


def test_a_device_with_outputs_is_asked_only_tripped() -> None:
    assert approvals.chosen(file(outputs="true"), ["press"], NOW, tripped=True)


def test_a_file_that_does_not_say_whether_outputs_hang_on_it_is_refused() -> None:
    with pytest.raises(approvals.Refused, match="outputs"):
        approvals.read(b'[[target]]\nname = "a"\naddress = "10.0.0.5"\nuntil = 2026-05-02T00:00:00Z\nby = "Li"\n')


# --- the breaker ---


def speaking(tmp_path: Path, answers: list[tuple[float, bytes]], *protocols: str) -> tuple[list[Result], str]:
    """A scan of a device that gives these answers after these seconds; b"" closes. `protocols` are asked at its one port."""

    serving: list[asyncio.Task[None]] = []

    async def answer_all(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for delay_s, answer in answers:
            if not await reader.read(1000) or not answer:
                return
            await asyncio.sleep(delay_s)
            for at in range(0, len(answer), 150):  # in pieces, as a network brings them
                writer.write(answer[at : at + 150])
                await writer.drain()
                await asyncio.sleep(0.01)

    async def device(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.append(asyncio.current_task())  # type: ignore[arg-type]
        with contextlib.suppress(OSError, asyncio.CancelledError):
            await answer_all(reader, writer)
        writer.close()

    async def run() -> tuple[list[Result], str]:
        async with await asyncio.start_server(device, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            log = Log(tmp_path / "log.pcap")
            target = Target("slow", "127.0.0.1", protocols, tuple((one, port) for one in protocols))
            scan = Scan([target], log)
            results = await scan.run()
            log.close()
            for one in serving:
                one.cancel()
            await asyncio.sleep(0.05)  # the device closes its ends too
            return results, scan.broken

    return asyncio.run(run())


OPENED = bytes.fromhex("0300001611d00001000100c0010ac1020100c2020102")
NO_LIST = b"\x03\0\0\x64".ljust(100, b"\0")  # of the right length, and nothing else of it is right
LONG = b"\x03\0\x02\x58".ljust(600, b"\0")


def test_the_breaker_stops_everybody(tmp_path: Path) -> None:
    """A device that becomes slow ends the run for all; what was not asked yet is not asked any more."""
    results, broken = speaking(tmp_path, [(0.0, OPENED), (0.4, OPENED)], "s7comm", "mqtt")
    assert broken.startswith("slow: S7_SETUP ")
    assert results[0].sent == 2
    assert results[0].stopped == broken


def test_a_device_that_falls_silent_trips_the_breaker(tmp_path: Path) -> None:
    results, broken = speaking(tmp_path, [(0.0, OPENED), (3.5, OPENED)], "s7comm", "mqtt")
    assert broken.startswith("slow: S7_SETUP ")
    assert [(one.read, one.why) for one in results[0].failed] == [("S7_SETUP", "silent")]


def test_a_larger_read_may_take_longer_and_comes_in_pieces(tmp_path: Path) -> None:
    """Lists take longer than a greeting, and a list six times as long longer than the first one: none of it is a slow device."""
    answers = [(0.0, OPENED), (0.0, OPENED), (0.3, NO_LIST), (0.8, LONG)]
    results, broken = speaking(tmp_path, answers, "s7comm")
    assert broken == ""
    assert results[0].sent == 4
    assert [(one.read, one.why) for one in results[0].failed] == [("S7_COMPONENT", "unproven")]


def test_what_hangs_up_is_told(tmp_path: Path) -> None:
    results, _ = speaking(tmp_path, [(0.0, b"")], "s7comm", "mqtt")
    assert [(one.protocol, one.read, one.why) for one in results[0].failed] == [
        ("s7comm", "S7_CONNECT", "closed"),
        ("mqtt", "MQTT_CONNECT", "closed"),
    ]


class Deaf(asyncio.DatagramProtocol):
    """A BACnet device that does not hear Who-Is, and tells its model to who asks for it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, source: tuple[str | Any, int]) -> None:
        if data[6:7] != b"\x10":
            model = b"\x75\x08\x00AHC-200"
            answer = b"\x01\x00\x30" + data[8:9] + b"\x0c\x0c" + data[11:17] + b"\x3e" + model + b"\x3f"
            self.transport.sendto(b"\x81\x0a" + (len(answer) + 4).to_bytes(2, "big") + answer, source)


def test_a_device_that_keeps_silent_to_one_read_is_asked_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire, "TIMEOUT_S", 0.2)
    monkeypatch.setattr(scanner, "BETWEEN_READS_S", 0.05)

    async def run() -> Result:
        loop = asyncio.get_running_loop()
        device, _ = await loop.create_datagram_endpoint(Deaf, local_addr=("127.0.0.1", 0))
        port = device.get_extra_info("sockname")[1]
        log = Log(tmp_path / "log.pcap")
        (result,) = await Scan([Target("ahu", "127.0.0.1", ("bacnet_ip",), (("bacnet_ip", port),))], log).run()
        log.close()
        device.close()
        return result

    result = asyncio.run(run())
    assert [(one.read, one.why) for one in result.failed] == [("BACNET_WHO_IS", "silent")]
    assert [row["model"] for row in result.rows] == ["AHC-200"]


# --- answers to everybody ---


def test_only_the_answer_of_the_asked_device_is_taken_from_what_is_sent_to_all() -> None:
    i_am = bytes.fromhex("810b00180120ffff00ff1000c40205300c22040091032203e7")
    who_is = bytes.fromhex("810b000c0120ffff00ff1008")

    def opened(address: str, port: int) -> socket.socket:
        one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for option in (socket.SO_REUSEPORT, socket.SO_BROADCAST):
            one.setsockopt(socket.SOL_SOCKET, option, 1)
        one.bind((address, port))
        return one

    async def run() -> bytes:
        with opened("127.0.0.21", 0) as device, opened("127.0.0.22", device.getsockname()[1]) as other:
            port = device.getsockname()[1]
            heard = wire._Heard()
            wanted = partial(answers_to_all, Read.BACNET_WHO_IS)
            with wire.listening(("127.0.0.21", port), wanted, heard):
                for sender, what in ((other, i_am), (device, who_is), (device, i_am + b"\0")):
                    sender.sendto(what, ("127.255.255.255", port))
                return await asyncio.wait_for(heard.heard, 5)

    assert asyncio.run(run()) == i_am + b"\0"


def test_a_port_of_another_program_is_left_to_it() -> None:
    async def run() -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as program:
            program.bind(("", 0))
            heard = wire._Heard()
            with wire.listening(("127.0.0.21", program.getsockname()[1]), lambda _: True, heard):
                assert not heard.heard.done()

    asyncio.run(run())
