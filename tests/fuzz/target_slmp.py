"""SLMP 3E: the answer to one read of five words, through framing to blocks."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from drivers import slmp
from drivers.base import PointSpec
from drivers.slmp_wire import Slmp, SlmpTalk
from tests.contract.case import plan_of
from tests.fuzz.asked import one_cycle, texts

ROWS = [
    PointSpec("a", "D0", "uint16"),
    PointSpec("b", "D1", "float32"),
    PointSpec("c", "D3.9", ""),
    PointSpec("d", "D4", "int16"),
]
SETTINGS = slmp.Settings(url="tcp://127.0.0.1:5007")
PLAN = plan_of(slmp, SETTINGS, ROWS)
SEEDS: Sequence[bytes] = (
    bytes.fromhex("d000 00 ff ff03 00 0c00 0000 3412 0000 f742 0002 feff"),
    bytes.fromhex("d000 00 ff ff03 00 0b00 56c0 00 ff ff03 00 0104 0000"),
    bytes.fromhex("d000 00 ff ff03 00 0200 0000"),
)


def driver() -> slmp.Driver:
    """With the limits that `connect` sets."""
    one = slmp.Driver(SETTINGS, PLAN)
    one.most, one.gap = 100, 16
    return one


def feed(data: bytes) -> None:
    """One question is out when `data` arrives."""
    talk = lambda: (SlmpTalk(1000, network=0, pc=255, module=0x3FF, station=0), Slmp())  # noqa: E731
    told = one_cycle(driver(), PLAN, talk, data)
    read = texts(strictly(data))
    assert told <= read, (told, read)


def strictly(data: bytes) -> dict[str, float]:
    """The first frame to the byte."""
    if data[:11] != bytes.fromhex("d00000ffff03000c000000") or len(data) < 21:
        return {}
    a, b, c, d = struct.unpack("<HfHh", data[11:21])
    return {"a": a, "b": b, "c": c >> 9 & 1, "d": d}
