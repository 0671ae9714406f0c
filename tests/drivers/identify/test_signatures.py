"""Signatures: their language, frames built from specifications, and no protocol that nothing proves."""

from __future__ import annotations

import pytest

from drivers.hj212_wire import crc
from drivers.identify.checks.found import CHECKS
from drivers.identify.frames import SignatureError, compile_frame
from drivers.identify.signatures import ProtocolText, build, table
from tests.drivers.identify.frames import datagrams, dialogue, ethernet, pcap
from tests.drivers.identify.run import findings, found
from tests.drivers.identify.specified import KNOWN_SUMS, SPECIFIED, Case


def packets_of(case: Case) -> list[bytes]:
    """The packets of a case."""
    if isinstance(case.over, int):
        if case.over == 0x2000:  # CDP travels in 802.3 with a SNAP header
            return [ethernet(len(turn) + 8, bytes.fromhex("aaaa0300000c2000") + turn) for turn in case.turns]
        return [ethernet(case.over, turn) for turn in case.turns]
    make = dialogue if case.over == "tcp" else datagrams
    return list(make(case.port, case.turns))


@pytest.mark.parametrize("case", SPECIFIED, ids=lambda case: case.protocol)
def test_frames_of_the_specification_are_identified(case: Case) -> None:
    rows = [row for row in findings(pcap(packets_of(case))) if row["protocol"] == case.protocol]
    assert rows, found(pcap(packets_of(case)))
    assert rows[0]["confidence"] == case.confidence
    assert case.model in {row["model"] for row in rows}


@pytest.mark.parametrize("case", SPECIFIED, ids=lambda case: case.protocol)
def test_the_port_alone_is_no_identification(case: Case) -> None:
    """The same packets with their payloads turned round are never this protocol."""
    turned = Case(case.protocol, case.over, case.port, tuple(turn[::-1] + b"x" for turn in case.turns))
    if case.protocol == "onvif":
        return
    assert case.protocol not in found(pcap(packets_of(turned)))


def test_every_protocol_is_proven_by_captures_or_by_frames() -> None:
    protocols = table().protocols
    assert len(protocols) >= 45
    built = {case.protocol for case in SPECIFIED}
    assert {one.id for one in protocols.values() if one.proven == "frames"} == built
    assert {one.proven for one in protocols.values()} == {"captures", "frames"}
    assert all(one.en and one.zh and one.source for one in protocols.values())


def test_known_sums() -> None:
    assert all(got == right for got, right in KNOWN_SUMS)
    vector = b"QN=20160801085857223;ST=32;CN=1062;PW=100000;MN=010000A8900016F000169DC0;Flag=5;CP=&&RtdInterval=30&&"
    assert (len(vector), crc(vector)) == (101, 0x1C80)


def test_the_language_counts_agreement() -> None:
    frame = compile_frame('u16 a = 0\nu8 b in 1-16\nu8 c & 0xf0 = 0x10\nbytes 2 m = "OK"\nu16le n = rest')
    assert frame.bits == 16 + 4 + 4 + 16
    assert frame.size_of(bytes.fromhex("0000 01 10 4f4b 0300")) == 11
    assert frame.holds(bytes.fromhex("0000 10 1f 4f4b 0000"))
    assert not frame.holds(bytes.fromhex("0000 11 1f 4f4b 0000"))


@pytest.mark.parametrize("wrong", ["u12 a", "u8 a > 3", 'bytes 2 a = "TOO"', "u16"])
def test_a_wrong_signature_says_where(wrong: str) -> None:
    with pytest.raises(SignatureError):
        compile_frame(wrong)


def test_a_protocol_without_a_frame_is_refused() -> None:
    with pytest.raises(SignatureError, match="ghost"):
        build([ProtocolText("ghost", "Ghost", "鬼", "none", "frames")])


def test_a_frame_of_two_bytes_that_announces_a_third_is_none() -> None:
    """Found by the fuzz target: a datagram F1 F6 at the port of OPC UA PubSub ended the reader."""
    assert findings(pcap(datagrams(4840, [bytes.fromhex("f1f6")] * 4))) == []
    assert CHECKS["uadp"](bytes.fromhex("f180")) is None
    assert CHECKS["uadp"](bytes.fromhex("4104090a0bffffff7f000000000000000000")) is None, (
        "two sizes of 0, and no message"
    )
