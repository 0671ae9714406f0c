"""Payloads of TCP and UDP in a pcap or pcapng file of Ethernet frames: enough to decode what real devices said."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "ics_pcaps"


@dataclass(frozen=True, slots=True)
class Payload:
    """One packet's payload and its ports."""

    source: int
    target: int
    tcp: bool
    data: bytes


def payloads(name: str) -> list[Payload]:
    """Of the capture `name`, in their order; skips the running test where the licensed data is absent."""
    path = FOLDER / name
    if not path.exists():
        pytest.skip(f"the licensed captures are not here ({name})")
    return [found for frame in _frames(path.read_bytes()) if (found := _payload(frame)) is not None and found.data]


def _frames(data: bytes) -> Iterator[bytes]:
    if data[:4] == b"\x0a\x0d\x0d\x0a":
        at = 0
        while at + 12 <= len(data):
            kind, size = struct.unpack_from("<II", data, at)
            if kind == 6:
                (length,) = struct.unpack_from("<I", data, at + 20)
                yield data[at + 28 : at + 28 + length]
            at += max(size, 12)
        return
    order = "<" if data[:4] in (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1") else ">"
    at = 24
    while at + 16 <= len(data):
        (length,) = struct.unpack_from(order + "I", data, at + 8)
        yield data[at + 16 : at + 16 + length]
        at += 16 + length


def _payload(frame: bytes) -> Payload | None:
    at = 18 if frame[12:14] == b"\x81\x00" else 14
    if frame[at - 2 : at] != b"\x08\x00" or len(frame) < at + 28:
        return None
    head, total, protocol = (frame[at] & 15) * 4, int.from_bytes(frame[at + 2 : at + 4], "big"), frame[at + 9]
    packet = frame[at + head : at + total]
    if protocol not in (6, 17) or len(packet) < 8:
        return None
    source, target = struct.unpack_from(">HH", packet)
    size = (packet[12] >> 4) * 4 if protocol == 6 else 8
    return Payload(source, target, protocol == 6, packet[size:])
