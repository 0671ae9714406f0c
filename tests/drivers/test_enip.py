"""EtherNet/IP beyond the contract: what real controllers sent, addresses, routes, and what is on the wire."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from drivers import enip
from drivers.base import PointSpec, WriteCommand
from drivers.base_polled import Span
from drivers.enip_wire import Cip, EnipTalk, answered, path_of, refusal
from gateway.core.errors import AddressError, SourceError
from gateway.core.tags import Cause
from tests.contract.case_enip import CASE, MESSAGE, EnipPeer, writing
from tests.contract.listener import listening, until
from tests.peers.build import PeerMissing, absent
from tests.peers.capture import payloads

SETTINGS = enip.Settings(url="tcp://127.0.0.1")


def address(text: str, kind: str = "", **more: Any) -> enip.Address:
    found = enip.parse(SETTINGS, PointSpec("t", text, kind, **more)).key
    assert isinstance(found, enip.Address)
    return found


def test_a_tag_is_written_as_the_controller_has_it() -> None:
    assert address("TankLevel").path == b"\x91\x09TankLevel\x00"
    assert address("Program:Main.Pump.Speed").path == path_of([("Program:Main", []), ("Pump", []), ("Speed", [])])
    assert address("T[3]").path == b"\x91\x01T\x00\x28\x03"
    assert address("T[300,2]").path == b"\x91\x01T\x00\x29\x00\x2c\x01\x28\x02"
    assert address("T[70000]").path == b"\x91\x01T\x00\x2a\x00\x70\x11\x01\x00"
    assert (address("Status.5").bit, address("Status.5").path) == (5, path_of([("Status", [])]))
    assert address("Running", "bool").boolean
    assert address("Local:1:I.Ch0Data").path == path_of([("Local:1:I", []), ("Ch0Data", [])])
    assert address("Rack2:I.Data[3].5").bit == 5


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", ""),
        ("1Tank", ""),
        ("Tank[", ""),
        ("Tank[1,2,3,4]", ""),
        ("A..B", ""),
        ("A.64", ""),
        ("A.Program:B", ""),
        ("Program:Main:I.A", ""),
        ("Local:1:I:2", ""),
        ("Local:", ""),
        ("罐", ""),
    ],
)
def test_a_wrong_address_says_what_would_be_right(text: str, kind: str) -> None:
    with pytest.raises(AddressError) as caught:
        enip.parse(SETTINGS, PointSpec("t", text, kind))
    assert "Program:Main.Level" in caught.value.en
    assert "应写成" in caught.value.zh


def test_a_type_is_the_controllers_and_a_bit_is_not_written() -> None:
    with pytest.raises(AddressError, match="the controller tells it"):
        address("Level", "float32")
    with pytest.raises(AddressError, match="I/O module"):
        address("Local:2:O.Data", writable=True)
    with pytest.raises(AddressError, match="declare a BOOL"):
        address("Status.5", writable=True)


@pytest.mark.parametrize("url", ["192.168.0.1", "tcp://", "tcp://h:0", "tcp://h/x"])
def test_a_wrong_url_says_what_would_be_right(url: str) -> None:
    with pytest.raises(ValueError, match=r"tcp://192\.168\.10\.40"):
        enip.Settings(url=url)


def test_a_controller_that_is_not_in_the_slot_is_told() -> None:
    with pytest.raises(SourceError, match="no controller answers in slot 4") as caught:
        Cip(4).parts(Cip(4).pack([Span((), b"\x91\x01A\x00", 0, 1)])[0], bytes.fromhex("d2000101 1103 0300"))
    assert caught.value.cause is Cause.REFUSED
    assert "external access" in refusal(0x0F)


def test_many_tags_go_into_few_requests_that_fit() -> None:
    spans = [Span((), path_of([(f"Tag_with_a_long_name_{at:04}", [])]), 0, 1) for at in range(200)]
    questions = Cip(0).pack(spans)
    assert [span for question in questions for span in question.spans] == spans
    assert max(len(question.request) for question in questions) <= 490
    assert len(questions) < 20


@pytest.mark.parametrize(
    "name",
    [
        "ethernet_ip__ethernetIP__876900.pcap",
        "ethernet_ip__enip_test1__71fb1b.pcap",
    ],
)
def test_the_frames_of_real_devices_have_the_lengths_we_read(name: str) -> None:
    talk = EnipTalk.__new__(EnipTalk)
    frames = 0
    for one in payloads(name):
        if one.tcp and 44818 in (one.source, one.target):
            data = one.data
            while data and (size := talk.size(data)) and size <= len(data):
                frames += 1
                data = data[size:]
    assert frames >= 2


def test_a_multiple_service_packet_of_a_real_device_is_taken_apart() -> None:
    """Its head and its offsets are what `answered` and `parts` count on."""
    (one,) = [
        one
        for one in payloads("ethernet_ip__multiple_service_packet_cip__4eed29.pcapng")
        if b"\x0a\x02\x20\x02\x24\x01" in one.data
    ]
    begin = one.data.index(b"\x0a\x02\x20\x02\x24\x01") + 6
    count = int.from_bytes(one.data[begin : begin + 2], "little")
    offsets = [int.from_bytes(one.data[begin + 2 + 2 * at : begin + 4 + 2 * at], "little") for at in range(count)]
    assert offsets[0] == 2 + 2 * count
    assert offsets == sorted(offsets)
    assert answered(bytes([0x8A, 0, 0, 0]), 0x0A) == (0, b"")


def test_nothing_is_written_that_was_not_ordered_and_one_order_is_one_write(tmp_path: Path) -> None:
    try:
        with CASE.peer(tmp_path) as peer:
            assert isinstance(peer, EnipPeer)

            async def dialogue() -> None:
                driver, plan = CASE.driver(peer.port)
                setpoint = next(one.tag.number for one in plan.tags[0] if one.tag.name == "setpoint")
                async with listening(driver, plan) as (listener, _):
                    await until(lambda: listener.holds(CASE.known))
                    assert not [frame for frame in peer.relay.sent if writing(frame)]
                    answer = await driver.write(WriteCommand(setpoint, 725.0))
                    assert (answer.ok, answer.value, answer.error) == (True, 725.0, "")
                    too_much = await driver.write(WriteCommand(setpoint, 1e12))
                    assert "does not fit DINT" in too_much.error

            asyncio.run(dialogue())
            assert float(peer.server.ask("get Tank 1")) == 725.0
            (frame,) = [frame for frame in peer.relay.sent if writing(frame)]
            assert frame[MESSAGE:].startswith(
                b"\x4d\x04\x91\x04Tank\x28\x01\xc4\x00\x01\x00" + (725).to_bytes(4, "little")
            )
            services = {frame[MESSAGE] for frame in peer.relay.sent if frame[:2] == b"\x6f\x00"}
            assert services <= {0x0A, 0x4C, 0x4D}, "read, write, and many in one: nothing else is sent"
    except PeerMissing as missing:
        absent(str(missing))
