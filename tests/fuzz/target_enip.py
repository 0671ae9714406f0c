"""EtherNet/IP: the answer to one multiple service packet of three tags, through encapsulation and CIP to blocks."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from drivers import enip
from drivers.base import PointSpec
from drivers.enip_wire import SEND, Cip, EnipTalk
from tests.contract.case import plan_of
from tests.fuzz.asked import one_cycle, texts

ROWS = [PointSpec("a", "A", ""), PointSpec("b", "B.3", ""), PointSpec("c", "C", "bool")]
SETTINGS = enip.Settings(url="tcp://127.0.0.1")
PLAN = plan_of(enip, SETTINGS, ROWS)
SESSION = 0x11223344
LAYOUTS = {
    0xC1: "<?", 0xC2: "<b", 0xC3: "<h", 0xC4: "<i", 0xC5: "<q", 0xC6: "<B", 0xC7: "<H", 0xC8: "<I", 0xC9: "<Q", 0xCA: "<f",
    0xCB: "<d", 0xD1: "<B", 0xD2: "<H", 0xD3: "<I", 0xD4: "<Q",
}  # fmt: skip


def answer(*services: str, status: int = 0) -> bytes:
    """The controller's answer to the first request after the session was opened."""
    data = [bytes.fromhex(one) for one in services]
    offsets, at = [], 2 + 2 * len(data)
    for one in data:
        offsets.append(at)
        at += len(one)
    cip = bytes([0x8A, 0, status, 0]) + struct.pack(f"<H{len(data)}H", len(data), *offsets) + b"".join(data)
    body = struct.pack("<IHHHHHH", 0, 0, 2, 0, 0, 0xB2, len(cip)) + cip
    return struct.pack("<HHII8sI", 0x6F, len(body), SESSION, 0, (1).to_bytes(8, "little"), 0) + body


SEEDS: Sequence[bytes] = (
    answer("cc000000 ca00 0000f742", "cc000000 c400 08000000", "cc000000 c100 ff"),
    answer("cc000400 ", "cc000000 c300 0800", "cc000000 c200 00", status=0x1E),
    answer("cc00ff01 0721", "cc000000 a002 1234 00000000", "cc000000 cb00 0000000000005e40", status=0x1E),
    answer("cc000000 c500 0000000000000080", "cc000000 d400 0800000000000000", "cc000000 c700 0100"),
)


def made() -> tuple[EnipTalk, Cip]:
    """A session as `open` leaves it."""
    talk = EnipTalk(1000, 0)
    talk._session, talk._command = SESSION, SEND
    return talk, Cip(0)


def feed(data: bytes) -> None:
    """One question is out when `data` arrives."""
    told = one_cycle(enip.Driver(SETTINGS, PLAN), PLAN, made, data)
    read = texts(strictly(data))
    assert told <= read, (told, read)


def strictly(data: bytes) -> dict[str, float]:
    """The first whole frame, every length, offset and type to the byte."""
    size = int.from_bytes(data[2:4], "little")
    head = struct.pack("<HHII8sI", 0x6F, size, SESSION, 0, (1).to_bytes(8, "little"), 0)
    body = data[24 : 24 + size]
    if data[:24] != head or len(body) != size or size < 20:
        return {}
    cip = body[16:]
    if body[:4] != bytes(4) or body[6:16] != struct.pack("<HHHHH", 2, 0, 0, 0xB2, len(cip)):
        return {}
    if cip[:2] != b"\x8a\x00" or cip[2] not in (0, 0x1E):
        return {}
    inner = cip[4 + 2 * cip[3] :]
    if inner[:2] != b"\x03\x00" or len(inner) < 8:
        return {}
    offsets = [*struct.unpack("<HHH", inner[2:8]), len(inner)]
    if offsets[0] != 8 or offsets != sorted(offsets):
        return {}
    values: dict[str, float] = {}
    services = [inner[offsets[at] : offsets[at + 1]] for at in range(3)]
    if any(len(one) < 4 or one[:2] != b"\xcc\x00" or len(one) < 4 + 2 * one[3] for one in services):
        return {}
    for name, one in zip("abc", services, strict=True):
        found = _value(one[4 + 2 * one[3] :], name) if one[2] == 0 else None
        if found is not None:
            values[name] = found
    return values


def _value(data: bytes, name: str) -> float | None:
    layout = LAYOUTS.get(int.from_bytes(data[:2], "little"))
    if layout is None or len(data) != 2 + struct.calcsize(layout):
        return None
    if name == "b":
        return None if layout[1] in "?fd" else int.from_bytes(data[2:], "little") >> 3 & 1
    value = struct.unpack(layout, data[2:])[0]
    return float(value != 0) if name == "c" and value == value else float(value)
