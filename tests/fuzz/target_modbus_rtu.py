"""Modbus RTU: what is on the line while one read is asked, through framing and CRC to blocks."""

from __future__ import annotations

from collections.abc import Sequence

from drivers.modbus_poll import Poller
from drivers.modbus_reads import Limits
from drivers.modbus_rtu import Line, Unit, crc
from tests.fuzz.target_modbus import NAMES, PLAN, _coils
from tests.fuzz.wire import Good, Nowhere, on_loop, pieces

UNIT = 1


def framed(text: str) -> bytes:
    """With its CRC."""
    data = bytes.fromhex(text)
    return data + crc(data)


SEEDS: Sequence[bytes] = (
    framed("01 01 02 0102"),
    framed("01 81 02"),
    framed("02 01 02 0102"),
    framed("01 03 02 0102"),
    framed("01 01 02 0102") + framed("01 01 02 0102"),
)


def feed(data: bytes) -> None:
    """The coils are asked when `data` arrives in two pieces; then again with a right CRC, so that what is within is reached."""
    on_loop(lambda: _feed(data))
    if len(data) > 2:
        on_loop(lambda: _feed(data[:-2] + crc(data[:-2])))


def _feed(data: bytes) -> None:
    transport, good = Nowhere(), Good()
    line = Line("fuzz", 0.0)
    line.connection_made(transport)
    line._noise, line._free_s = False, 0.0
    unit = Unit(line, UNIT, 1000)
    poller = Poller(unit, UNIT, Limits(125, 2000, 16), PLAN.groups[0], PLAN.tags[0])
    poller.start(good, 60_000)
    for piece in pieces(data):
        line.data_received(piece)
    line._free_s = 0.0
    line._noise = False
    line.pump()
    if line._asked is not None and line._asked.request.function == 3:  # the coils were answered or declined
        line.data_received(framed("01 03 0c 1234 fffe 0001 42f7 0000 0200"))
    poller.stop()
    unit.fail("over")
    line.connection_lost(None)
    told = {(NAMES[at], repr(value)) for at, value in good.values if NAMES[at] in ("e", "f")}
    read = {(name, repr(value)) for name, value in strictly(data)}
    assert told <= read, (told, read)


def strictly(data: bytes) -> set[tuple[str, float]]:
    """One whole frame of the unit asked, of the right size, with its CRC, and nothing else."""
    register = 0xFFFF
    for byte in data[:5]:
        register ^= byte
        for _ in range(8):
            register = register >> 1 ^ (0xA001 if register & 1 else 0)
    right = data[:3] == b"\x01\x01\x02" and len(data) >= 7 and data[5:7] == bytes([register & 0xFF, register >> 8])
    return _coils(data[3:5]) if right else set()
