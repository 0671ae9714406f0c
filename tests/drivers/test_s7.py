"""S7comm beyond the contract: what real CPUs sent, addresses, refusals in words, and what is on the wire."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path
from typing import Any

import pytest

from drivers import s7
from drivers.base import PointSpec, WriteCommand
from drivers.base_polled import Question, Span
from drivers.base_talk import Malformed
from drivers.s7_wire import S7, S7Talk, refusal
from gateway.core.errors import AddressError, SourceError
from gateway.core.tags import Cause
from tests.contract.case_s7 import CASE, S7Peer, writing
from tests.contract.listener import listening, until
from tests.peers.build import PeerMissing, absent
from tests.peers.capture import payloads

SETTINGS = s7.Settings(url="tcp://127.0.0.1")


def address(text: str, kind: str = "") -> s7.Address:
    found = s7.parse(SETTINGS, PointSpec("t", text, kind)).key
    assert isinstance(found, s7.Address)
    return found


def test_addresses_are_what_a_siemens_engineer_writes() -> None:
    assert address("DB1.DBD20", "REAL") == s7.Address(0x84, 1, 20, -1, "float32")
    assert address("%DB12.DBX0.3") == s7.Address(0x84, 12, 0, 3, "bool")
    assert address("M10.2") == s7.Address(0x83, 0, 10, 2, "bool")
    assert address("MW4") == s7.Address(0x83, 0, 4, -1, "uint16")
    assert address("E0.1") == address("I0.1")
    assert address("AB7", "sint") == s7.Address(0x82, 0, 7, -1, "int8")
    assert address("DB3.DBD8", "lreal").size == 8
    assert address("DB3.DBD8", "Time") == s7.Address(0x84, 3, 8, -1, "int32")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", ""), ("DB1", ""), ("DB0.DBW0", ""), ("DB1.DBX0", ""), ("DB1.DBX0.8", ""), ("DB1.DBW0.1", ""), ("M10", ""),
        ("DB1.DBD0", ""), ("DB1.DBW0", "real"), ("DB1.DBX0.0", "int"), ("MD4", "bool"), ("MW4", "time"), ("T5", ""),
        ("DB1.DBD0", "string"), ("DB70000.DBW0", ""), ("PIW256", ""),
    ],
)  # fmt: skip
def test_a_wrong_address_says_what_would_be_right(text: str, kind: str) -> None:
    with pytest.raises(AddressError) as caught:
        s7.parse(SETTINGS, PointSpec("t", text, kind))
    assert "write " in caught.value.en
    assert "应" in caught.value.zh


@pytest.mark.parametrize("more", [{"writable": True}, {"scale": 0.0}, {"scale": 2.0}])
def test_an_input_cannot_be_written_and_a_bit_has_no_scale(more: dict[str, Any]) -> None:
    with pytest.raises(AddressError):
        s7.parse(SETTINGS, PointSpec("t", "I0.0", "", **more))


@pytest.mark.parametrize("url", ["192.168.0.1", "tcp://", "tcp://h:0", "tcp://h/x", "udp://h"])
def test_a_wrong_url_says_what_would_be_right(url: str) -> None:
    with pytest.raises(ValueError, match=r"tcp://192\.168\.10\.30"):
        s7.Settings(url=url)


def reads(name: str) -> list[tuple[bytes, bytes]]:
    """Read requests of a capture with the answers of the CPU: from the S7 header on."""
    asked: dict[tuple[int, bytes], bytes] = {}
    found: list[tuple[bytes, bytes]] = []
    for one in payloads(name):
        pdu = one.data[7:]
        if one.data[:2] != b"\x03\x00" or pdu[:1] != b"\x32" or int.from_bytes(one.data[2:4], "big") != len(one.data):
            continue
        if one.target == 102 and pdu[1] == 1 and pdu[10] == 4:
            asked[one.source, pdu[4:6]] = pdu
        elif one.source == 102 and pdu[1] == 3 and pdu[12:13] == b"\x04" and (one.target, pdu[4:6]) in asked:
            found.append((asked.pop((one.target, pdu[4:6])), one.data))
    return found


@pytest.mark.parametrize("name", ["s7comm__s7comm_clean__0998a2.pcap", "s7comm__mb2__afe60d.pcap"])
def test_what_real_cpus_answered_is_read_to_the_byte(name: str) -> None:
    pairs = reads(name)
    assert pairs
    checked = 0
    for request, frame in pairs:
        items = [request[12 + 12 * at : 24 + 12 * at] for at in range(request[11])]
        if any(item[3] != 2 for item in items):  # asked in other units than bytes
            continue
        spans = []
        for item in items:
            count, db, area = struct.unpack(">HHB", item[4:9])
            start = int.from_bytes(item[9:12], "big") // 8
            spans.append(Span((), (area, db), start, start + count))
        assert S7(960)._read(spans)[10:] == request[10:], "our request for the same is theirs, byte for byte"
        talk = S7Talk.__new__(S7Talk)
        talk._connecting, talk._reference = False, int.from_bytes(request[4:6], "big")
        assert talk.size(frame) == len(frame)
        parts = S7(960).parts(Question(spans, b""), talk.unwrap(frame))
        assert all(part is None or len(part) == span.stop - span.start for part, span in zip(parts, spans, strict=True))
        checked += sum(part is not None for part in parts)
    assert checked > 20


def test_a_cpu_without_put_get_is_told_in_words() -> None:
    talk = S7Talk.__new__(S7Talk)
    ended: list[Exception] = []
    talk._connecting, talk._reference, talk._end = False, 1, ended.append  # type: ignore[method-assign]
    with pytest.raises(Malformed):
        talk.unwrap(bytes.fromhex("03000013 02f080 3203 0000 0001 0000 0000 8104"))
    (error,) = ended
    assert isinstance(error, SourceError)
    assert error.cause is Cause.REFUSED
    assert error.slow
    assert "PUT/GET" in str(error)
    assert "OPC UA" in str(error)
    assert "PUT/GET" in refusal(3)
    assert "optimised" in refusal(0x0A)


def test_a_read_is_as_long_as_the_pdu_allows() -> None:
    spans = [Span((), (0x84, 1), at * 100, at * 100 + 40) for at in range(60)]
    for pdu in (240, 480, 960):
        questions = S7(pdu).pack(spans)
        assert [span for question in questions for span in question.spans] == spans
        for question in questions:
            assert len(question.request) <= pdu
            assert 14 + sum(4 + span.stop - span.start for span in question.spans) <= pdu
            assert len(question.spans) <= 20


def test_nothing_is_written_that_was_not_ordered_and_one_order_is_one_write(tmp_path: Path) -> None:
    try:
        with CASE.peer(tmp_path) as peer:
            assert isinstance(peer, S7Peer)

            async def dialogue() -> None:
                driver, plan = CASE.driver(peer.port)
                setpoint = next(one.tag.number for one in plan.tags[0] if one.tag.name == "setpoint")
                async with listening(driver, plan) as (listener, _):
                    await until(lambda: listener.holds(CASE.known))
                    await until(lambda: listener.latest["beyond"][1] != 0)
                    assert not [frame for frame in peer.relay.sent if writing(frame)]
                    answer = await driver.write(WriteCommand(setpoint, 7.25))
                    assert (answer.ok, answer.value, answer.error) == (True, 7.25, "")
                    blocks = listener.blocks
                    await until(lambda: listener.blocks > blocks + 3)
                    too_much = await driver.write(WriteCommand(setpoint, 1e300))
                    assert "does not fit" in too_much.error

            asyncio.run(dialogue())
            (frame,) = [frame for frame in peer.relay.sent if writing(frame)]
            assert frame[19:31] == bytes.fromhex("120a1002 0004 0001 84 000160"), "DB1, byte 44, four bytes"
            functions = {frame[17] for frame in peer.relay.sent if frame[7:9] == b"\x32\x01"}
            assert functions == {0xF0, 4, 5}, "setup, read and write: no stop, no upload"
    except PeerMissing as missing:
        absent(str(missing))
