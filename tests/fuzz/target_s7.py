"""S7comm: the answer to one read of three variables, through TPKT, COTP and S7 to blocks."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from drivers import s7
from drivers.base import PointSpec
from drivers.s7_wire import S7, S7Talk
from tests.contract.case import plan_of
from tests.fuzz.asked import one_cycle, texts

ROWS = [
    PointSpec("real", "DB1.DBD0", "real"),
    PointSpec("bit", "DB1.DBX5.3", ""),
    PointSpec("merker", "MW10", "int"),
    PointSpec("input", "I0.1", ""),
]
SETTINGS = s7.Settings(url="tcp://127.0.0.1")
PLAN = plan_of(s7, SETTINGS, ROWS)
SIZES = (1, 2, 6)  # I, M, DB: in the order of the areas


def answer(data: str) -> bytes:
    """The CPU's answer to the first request of a connection."""
    body = bytes.fromhex("02f080 3203 0000 0001 0002") + struct.pack(">H", len(bytes.fromhex(data))) + bytes(2)
    body += b"\x04\x03" + bytes.fromhex(data)
    return struct.pack(">BBH", 3, 0, len(body) + 4) + body


SEEDS: Sequence[bytes] = (
    answer("ff040008 0200 ff040010 fffe ff040030 42f700000008"),
    answer("0a000000 ff040010 fffe ff040030 42f700000008"),
    answer("ff040008 0200 05000000 0a000000"),
    answer("ff090001 0200 ff090002 fffe ff090006 42f700000008"),
    bytes.fromhex("0300 0013 02f080 3203 0000 0001 0000 0000 8104"),
)


def feed(data: bytes) -> None:
    """One question is out when `data` arrives."""
    told = one_cycle(s7.Driver(SETTINGS, PLAN), PLAN, lambda: (S7Talk(1000), S7(240)), data)
    read = texts(strictly(data))
    assert told <= read, (told, read)


def strictly(data: bytes) -> dict[str, float]:
    """The first whole TPKT, every length to the byte."""
    if len(data) < 21 or data[:2] != b"\x03\x00" or data[4:12] != bytes.fromhex("02f0803203000000")[:8]:
        return {}
    size = int.from_bytes(data[2:4], "big")
    frame = data[:size]
    if len(frame) != size or frame[11:15] != bytes.fromhex("00010002") or frame[17:19] != b"\x00\x00":
        return {}
    if int.from_bytes(frame[15:17], "big") != len(frame) - 21 or frame[19:21] != b"\x04\x03":
        return {}
    rest, found = frame[21:], list[bytes]()
    for wanted in SIZES:
        if len(rest) < 4:
            return {}
        code, transport, length = struct.unpack(">BBH", rest[:4])
        rest = rest[4:]
        if code != 0xFF:
            found.append(b"")
            continue
        count = -(-length // 8) if transport in (3, 4, 5) else length
        if count != wanted or len(rest) < count:
            return {}
        found.append(rest[:count])
        rest = rest[count + (count % 2 if len(found) < 3 else 0) :]
    if len(rest) > 1:
        return {}
    values: dict[str, float] = {}
    if found[0]:
        values["input"] = found[0][0] >> 1 & 1
    if found[1]:
        values["merker"] = int.from_bytes(found[1], "big", signed=True)
    if found[2]:
        values |= {"real": struct.unpack(">f", found[2][:4])[0], "bit": found[2][5] >> 3 & 1}
    return values
