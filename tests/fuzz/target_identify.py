"""Passive identification: a hostile capture, and a hostile payload against every signature."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.identify.flow import _parse
from drivers.identify.signatures import table
from tests.drivers.identify.frames import datagrams, dialogue, ethernet, ip, ip6, pcap, pcapng, udp
from tests.drivers.identify.run import engine_of
from tests.drivers.identify.specified import SPECIFIED

_TURNS = [turn for case in SPECIFIED for turn in case.turns]
_MOST_ROWS = 512
_VARIANTS = list(
    {
        id(one): one
        for many in (*table().by_port.values(), *table().by_ether.values(), *table().by_byte["tcp"])
        for one in many
    }.values()
)
SEEDS: Sequence[bytes] = (
    pcap(dialogue(502, _TURNS[:4])),
    pcapng(datagrams(47808, [bytes.fromhex("810a000801001008")] * 2)),
    pcapng(
        [ethernet(0x86DD, ip6(0, b"\x11" + bytes(7) + udp(161, 161, b"0\x82\x01\x01"))), ethernet(0x88B8, bytes(40))]
    ),
    pcap([ip(17, udp(5683, 5683, b"\x44\x01\x84\x9e\xb5"))], link=101),
    *(b"\xff" + turn for turn in _TURNS),
)


def feed(data: bytes) -> None:
    """Nothing raises, and a capture of a few packets cannot become more than a few findings."""
    if data[:1] == b"\xff":
        for variant in _VARIANTS:
            used, frames = _parse(variant, data[1:])
            assert -1 <= used <= len(data) - 1
            assert sum(len(frame) for frame, _, _ in frames) <= len(data) - 1
            for _, bits, found in frames:
                assert bits >= 0
                assert all(name and len(value) <= 256 and value.isprintable() for name, value in found.facts)
        return
    engine, _ = engine_of(data)
    rows = engine.finish().rows()
    assert len(rows) <= min(_MOST_ROWS, len(data) // 16)
