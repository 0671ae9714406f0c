"""Modbus TCP: what a device sends, through framing, matching and decoding to blocks."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from drivers import modbus
from drivers.base import PointSpec
from drivers.modbus_poll import Poller
from drivers.modbus_reads import Limits
from drivers.modbus_wire import Link
from tests.contract.case import plan_of
from tests.fuzz.wire import Good, Nowhere, on_loop, pieces

ROWS = [
    PointSpec("a", "holding:0", "uint16"),
    PointSpec("b", "holding:1", "int32/cdab"),
    PointSpec("c", "holding:3", "float32/abcd"),
    PointSpec("d", "holding:5.9", "bool"),
    PointSpec("e", "coil:0", "bool"),
    PointSpec("f", "coil:9", "bool"),
]
SETTINGS = modbus.Settings(url="tcp://127.0.0.1", depth=2)
PLAN = plan_of(modbus, SETTINGS, ROWS)
NAMES = [one.tag.name for one in PLAN.tags[0]]
COILS = bytes.fromhex("00010000 0005 01 01 02 0102")
REGISTERS = bytes.fromhex("00020000 000f 01 03 0c 1234 fffe 0001 42f7 0000 0200")
SEEDS: Sequence[bytes] = (
    COILS + REGISTERS,
    REGISTERS + COILS,
    bytes.fromhex("000100000003018102") + REGISTERS,
    COILS + bytes.fromhex("000200000003018306"),
    COILS,
)


def feed(data: bytes) -> None:
    """Two requests are outstanding when `data` arrives in two pieces."""
    on_loop(lambda: _feed(data))


def _feed(data: bytes) -> None:
    link, transport, good = Link(1, 2, 1000), Nowhere(), Good()
    link.connection_made(transport)
    poller = Poller(link, 1, Limits(125, 2000, 16), PLAN.groups[0], PLAN.tags[0])
    poller.start(good, 60_000)
    for piece in pieces(data):
        if not transport.aborted:
            link.data_received(piece)
    poller.stop()
    link.fail("over")
    told = {(NAMES[at], repr(value)) for at, value in good.values}  # as text: a NaN equals itself
    read = {(name, repr(value)) for name, value in strictly(data)}
    assert told <= read, (told, read)


def strictly(data: bytes) -> set[tuple[str, float]]:
    """The values a careful reader finds: whole, awaited frames from the first byte on, and none after a wrong one."""
    found: set[tuple[str, float]] = set()
    awaited = {1: (1, 2), 2: (3, 12)}
    while len(data) >= 9:
        transaction, protocol, length, unit, function = struct.unpack(">HHHBB", data[:8])
        body, rest = data[8 : 6 + length], data[6 + length :]
        if transaction not in awaited or protocol or unit != 1 or len(body) != length - 2:
            break
        wanted, size = awaited.pop(transaction)
        if function == wanted | 0x80 and len(body) == 1:
            data = rest
            continue
        if function != wanted or len(body) != size + 1 or body[0] != size:
            break
        found |= _coils(body[1:]) if wanted == 1 else _registers(body[1:])
        data = rest
    return found


def _coils(data: bytes) -> set[tuple[str, float]]:
    return {("e", float(data[0] & 1)), ("f", float(data[1] >> 1 & 1))}


def _registers(data: bytes) -> set[tuple[str, float]]:
    (a,) = struct.unpack(">H", data[0:2])
    (b,) = struct.unpack(">i", data[4:6] + data[2:4])
    (c,) = struct.unpack(">f", data[6:10])
    return {("a", float(a)), ("b", float(b)), ("c", float(c)), ("d", float(data[10] >> 1 & 1))}
