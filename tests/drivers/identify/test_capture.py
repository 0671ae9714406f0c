"""Reading captures: every byte order and link layer, damage told with its place, bounds that hold."""

from __future__ import annotations

import gzip
import struct

import pytest

from tests.drivers.identify.frames import dialogue, ethernet, ip, ip6, pcap, pcapng, tcp, udp
from tests.drivers.identify.run import engine_of, findings, found

ASK = bytes.fromhex("000100000006010300000002")
ANSWER = bytes.fromhex("000100000007010304000a000b")
TURNS = [ASK, ANSWER, bytes.fromhex("000200000006010300020001"), bytes.fromhex("00020000000501030200ff")]
PACKETS = dialogue(502, TURNS)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("magic", [0xA1B2C3D4, 0xA1B23C4D])
def test_pcap_of_every_byte_order(order: str, magic: int) -> None:
    assert found(pcap(PACKETS, order, magic)) == {"modbus_tcp": "confirmed"}


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_of_both_byte_orders_and_packed(order: str) -> None:
    capture = pcapng(PACKETS, order)
    assert found(capture) == {"modbus_tcp": "confirmed"}
    assert found(gzip.compress(capture[:100]) + gzip.compress(capture[100:])) == {"modbus_tcp": "confirmed"}


def _bare() -> list[bytes]:
    return [packet[14:] for packet in PACKETS]


@pytest.mark.parametrize(
    ("link", "packets"),
    [
        (101, _bare()),
        (228, _bare()),
        (0, [b"\x02\0\0\0" + one for one in _bare()]),
        (108, [b"\0\0\0\x02" + one for one in _bare()]),
        (113, [struct.pack(">HHH8sH", 0, 1, 6, b"\x00\x1b\x1b\0\0\x01", 0x800) + one for one in _bare()]),
        (276, [struct.pack(">HHIHBB8s", 0x800, 0, 1, 1, 0, 6, b"\x00\x1b\x1b\0\0\x01") + one for one in _bare()]),
        (1, [one[:12] + bytes.fromhex("81000064") + one[12:] for one in PACKETS]),
        (1, [one[:12] + bytes.fromhex("88a8006481000005") + one[12:] for one in PACKETS]),
        (1, [one[:12] + bytes.fromhex("892f10340001") + one[12:] for one in PACKETS]),
    ],
)
def test_every_link_layer(link: int, packets: list[bytes]) -> None:
    assert found(pcap(packets, link=link)) == {"modbus_tcp": "confirmed"}


def test_ipv6_with_extension_headers() -> None:
    inner = [tcp(50_000, 502, 1, ASK), tcp(502, 50_000, 1, ANSWER)]
    packets = [
        ethernet(0x86DD, ip6(0, bytes((6, 0, 0, 0, 0, 0, 0, 0)) + one, swap=bool(number)))
        for number, one in enumerate(inner)
    ]
    rows = findings(pcap(packets))
    assert [(row["protocol"], row["address"]) for row in rows] == [("modbus_tcp", "fd00::2")]


def test_fragments_and_cut_packets_are_counted_and_left_out() -> None:
    fragments = [ethernet(0x800, ip(17, udp(502, 502, ASK), fragment=0x2000)) for _ in range(3)]
    engine, problem = engine_of(pcap([*fragments, *PACKETS], cut=62))
    assert problem is None
    assert engine.tally.fragments == 3
    assert engine.tally.cut == len(TURNS)
    assert engine.finish().rows() == []


def test_segments_out_of_order_repeated_and_split() -> None:
    stream = b"".join(TURNS[::2])
    pieces = [(0, stream[:5]), (20, stream[20:]), (5, stream[5:20]), (0, stream[:5])]
    packets = [ethernet(0x800, ip(6, tcp(50_000, 502, 7 + at, piece))) for at, piece in pieces]
    packets += [ethernet(0x800, ip(6, tcp(502, 50_000, 5, one), "10.0.0.2", "10.0.0.1")) for one in TURNS[1::2]][:1]
    rows = findings(pcap(packets))
    assert rows[0]["protocol"] == "modbus_tcp"
    assert rows[0]["frames"] == 3
    assert rows[0]["confidence"] == "confirmed"


@pytest.mark.parametrize(
    ("capture", "reason", "offset"),
    [
        (b"", "empty", 0),
        (b"#!/bin/sh\necho this is a script\n", "unknown", 0),
        (pcap(PACKETS)[:-3], "cut", len(pcap(PACKETS)) - 16 - len(PACKETS[-1])),
        (pcap(PACKETS) + struct.pack("<IIII", 0, 0, 1 << 30, 1 << 30), "length", len(pcap(PACKETS))),
        (pcapng(PACKETS) + struct.pack("<III", 6, 3, 0), "length", len(pcapng(PACKETS))),
        (b"\x0a\x0d\x0d\x0a" + bytes(24), "order", 0),
        (pcapng([])[:28] + pcapng([PACKETS[0]])[60:], "interface", 28 + 28),
        (gzip.compress(pcap(PACKETS))[:30] + b"damaged" * 9, "gzip", 0),
    ],
)
def test_damage_is_told_with_its_place(capture: bytes, reason: str, offset: int) -> None:
    _, problem = engine_of(capture)
    assert problem is not None
    assert (problem.reason, problem.offset) == (reason, offset)


def test_what_comes_before_the_damage_is_kept() -> None:
    engine, problem = engine_of(pcap(PACKETS) + struct.pack("<IIII", 0, 0, 1 << 30, 0))
    assert problem is not None
    assert engine.finish().rows()[0]["protocol"] == "modbus_tcp"
