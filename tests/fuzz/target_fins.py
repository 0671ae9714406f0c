"""FINS over TCP and UDP: the answer to one read of five words, through framing to blocks."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from drivers import fins
from drivers.base import PointSpec
from drivers.fins_wire import Fins, FinsTalk
from tests.contract.case import plan_of
from tests.fuzz.asked import one_cycle, texts

ROWS = [
    PointSpec("a", "D0", "uint16"),
    PointSpec("b", "D1", "float32"),
    PointSpec("c", "D3.9", ""),
    PointSpec("d", "D4", "int16"),
]
SETTINGS = fins.Settings(url="tcp://127.0.0.1")
PLAN = plan_of(fins, SETTINGS, ROWS)


def inner(end: str, data: str = "1234 0000 42f7 0200 fffe") -> bytes:
    """The PLC's answer to the first request of a connection."""
    return bytes.fromhex("c00002 000500 000a00 01 0101" + end + data)


def framed(frame: bytes) -> bytes:
    """In FINS/TCP."""
    return b"FINS" + struct.pack(">III", len(frame) + 8, 2, 0) + frame


SEEDS: Sequence[bytes] = (
    framed(inner("0000")),
    framed(inner("0040")),
    framed(inner("1103", "")),
    inner("0000"),
    inner("8000"),
)


def made(stream: bool) -> tuple[FinsTalk, Fins]:
    """A connection as the handshake leaves it."""
    return FinsTalk(1000, stream=stream, network=0, node=10, unit=0, own_node=5), Fins()


def driver() -> fins.Driver:
    """With the limits that `connect` sets."""
    one = fins.Driver(SETTINGS, PLAN)
    one.most, one.gap = 100, 16
    return one


def feed(data: bytes) -> None:
    """One question is out when `data` arrives, as a stream and as a datagram."""
    told = one_cycle(driver(), PLAN, lambda: made(True), data)
    size = 8 + int.from_bytes(data[4:8], "big")
    whole = data[:4] == b"FINS" and data[8:16] == bytes.fromhex("0000000200000000") and len(data) >= size
    read = texts(strictly(data[16:size])) if whole else set()
    assert told <= read, (told, read)
    told = one_cycle(driver(), PLAN, lambda: made(False), data, datagram=True)
    read = texts(strictly(data))
    assert told <= read, (told, read)


def strictly(frame: bytes) -> dict[str, float]:
    """One FINS frame to the byte; the PLC's own error flags in the end code say nothing of the answer."""
    if len(frame) != 24 or frame[0] & 0xC0 != 0xC0 or frame[3:12] != bytes.fromhex("000500000a00010101"):
        return {}
    if frame[12] & 0x7F or frame[13] & 0x3F:
        return {}
    a, low, high, c, d = struct.unpack(">HHHHh", frame[14:])
    (b,) = struct.unpack(">f", struct.pack(">HH", high, low))
    return {"a": a, "b": b, "c": c >> 9 & 1, "d": d}
