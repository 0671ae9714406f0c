"""IEC 104: what an outstation sends after data transfer was started, through frames and ASDUs to blocks."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from drivers import iec104
from drivers.base import PointSpec
from drivers.iec104_link import Link
from drivers.iec104_session import Session
from tests.contract.case import plan_of
from tests.fuzz.asked import texts
from tests.fuzz.wire import Good, Nowhere, on_loop, pieces

ROWS = [
    PointSpec("a", "1:1000", ""),
    PointSpec("b", "1:1001", "bool"),
    PointSpec("c", "2:1000", ""),
    PointSpec("o", "1:1002 sc:5002", "bool", writable=True),
]
SETTINGS = iec104.Settings(url="tcp://127.0.0.1", interrogate=True)
PLAN = plan_of(iec104, SETTINGS, ROWS)
NAMES = {(1, 1000): "a", (1, 1001): "b", (2, 1000): "c", (1, 1002): "o"}
STAMP = "e80305040b1a1a"
SIZES = {1: 1, 3: 1, 5: 2, 7: 5, 9: 3, 11: 3, 13: 5, 15: 5, 21: 2}
TIMED = {30: 1, 31: 3, 32: 5, 33: 7, 34: 9, 35: 11, 36: 13, 37: 15}
CAUSES = (1, 2, 3, 5, 11, 12, *range(20, 42))


def sent(*asdus: str) -> bytes:
    """I frames of these, numbered from 0."""
    data = [bytes.fromhex(one) for one in asdus]
    return b"".join(struct.pack("<BBHH", 0x68, 4 + len(one), number << 1, 0) + one for number, one in enumerate(data))


SEEDS: Sequence[bytes] = (
    sent("0101 0300 0100 e90300 01", "0302 1400 0100 e80300 02 ea0300 01", "0501 0300 0200 e80300 45 00"),
    sent("0b83 1400 0100 e80300 0500 00 0100 00 0000 00", "0901 0300 0200 e80300 0040 00", "1501 0300 0100 e80300 00c0"),
    sent("0d01 0300 0100 e80300 00004841 00", "0f01 0300 0100 e80300 05000000 03", "0701 0300 0100 e80300 05000080 00"),
    sent(f"1e01 0300 0100 e90300 01 {STAMP}", f"2402 0300 0100 e80300 00004841 00 {STAMP} ea0300 0000803f 00 {STAMP}"),
    sent(f"1f01 0300 0100 ea0300 02 {STAMP}", f"2001 0300 0100 e80300 7f 00 {STAMP}", f"2501 0300 0200 e80300 ffffffff 00 {STAMP}"),
    sent("6401 0700 0100 000000 14", "6401 0a00 0100 000000 14", "4601 0400 0100 000000 00", "0d01 0300 0100 e80300 0000c07f 00"),
    bytes.fromhex("680401000000 680443000000") + sent("0b01 0300 0100 e80300 0500 20"),
)  # fmt: skip


def feed(data: bytes) -> None:
    """The session is just started when `data` arrives, in two pieces."""
    good = Good()

    def work() -> None:
        link = Link(12, 8, 60.0, 30.0, 30.0, 60.0)
        link.connection_made(Nowhere())
        Session(iec104.Driver(SETTINGS, PLAN), SETTINGS, link, good)
        link._started.set_result(None)
        for piece in pieces(data):
            if link.error is None:
                link.data_received(piece)
        link.close()

    on_loop(work)
    names = [one.tag.name for one in PLAN.tags[0]]
    first = PLAN.groups[0].first
    told = {(names[at - first], repr(value)) for at, value in good.values}
    read = strictly(data)
    assert told <= read, (told, read)


def strictly(data: bytes) -> set[tuple[str, str]]:
    """Every GOOD value of the frames in their order, until one that breaks a rule."""
    found: set[tuple[str, str]] = set()
    number = 0
    while len(data) >= 6 and data[0] == 0x68 and 4 <= data[1] <= 253 and len(data) >= 2 + data[1]:
        frame, data = data[: 2 + data[1]], data[2 + data[1] :]
        control = frame[2:6]
        if control[0] & 1:
            # An acknowledgement of nothing, or a test: whatever else is unnumbered, nobody asked for.
            if len(frame) != 6 or control not in (b"\x01\x00\x00\x00", b"\x43\x00\x00\x00"):
                return found
            continue
        if struct.unpack("<HH", control) != (number << 1, 0) or len(frame) < 15:
            return found
        number += 1
        values = _values(frame[6:])
        if values is None:
            return found
        found |= values
    return found


def _values(asdu: bytes) -> set[tuple[str, str]] | None:
    kind, count, cause, station = asdu[0], asdu[1] & 0x7F, asdu[2], int.from_bytes(asdu[4:6], "little")
    plain = TIMED.get(kind, kind)
    if plain not in SIZES or cause not in CAUSES:
        return set()
    size = SIZES[plain] + (7 if kind in TIMED else 0)
    body = asdu[6:]
    if asdu[1] & 0x80:
        base = int.from_bytes(body[:3], "little")
        objects = [(base + at, body[3 + at * size : 3 + (at + 1) * size]) for at in range(count)]
        whole = 3 + count * size
    else:
        each = [body[at * (size + 3) : (at + 1) * (size + 3)] for at in range(count)]
        objects = [(int.from_bytes(one[:3], "little"), one[3:]) for one in each]
        whole = count * (size + 3)
    if not count or len(body) != whole:
        return None
    values: set[tuple[str, str]] = set()
    for address, element in objects:
        name, value = NAMES.get((station, address)), _number(plain, element)
        if name is not None and value is not None and not (name in "bo" and value not in (0.0, 1.0)):
            values |= texts({name: value})
    return values


def _number(kind: int, data: bytes) -> float | None:
    """The value where every quality bit is clear."""
    if kind in (1, 3):
        state = data[0] & 3
        if data[0] & 0xF0 or (kind == 3 and state not in (1, 2)):
            return None
        return float(state & 1) if kind == 1 else float(state - 1)
    if kind == 5:
        return None if data[0] & 0x80 or data[1] & 0xF1 else float((data[0] ^ 0x40) - 0x40)
    if kind == 15:
        return None if data[4] & 0x80 else float(struct.unpack_from("<i", data)[0])
    layout = {7: "<I", 9: "<h", 11: "<h", 13: "<f", 21: "<h"}[kind]
    mark = struct.calcsize(layout)
    value = float(struct.unpack_from(layout, data)[0])
    if (kind != 21 and data[mark] & 0xF1) or value - value != 0.0:
        return None
    return value / 32768 if kind in (9, 21) else value
