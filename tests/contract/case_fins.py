"""Omron FINS over TCP against a memory behind FINS made for the tests (see docs/drivers.md for what it was held to)."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers import fins
from drivers.base import Plan, PointSpec
from tests.contract.case import Peer, WriteFault, frames, named, plan_of
from tests.peers.build import HERE
from tests.peers.lines import LinePeer

TIMEOUT_MS = 200
ROWS = [
    PointSpec("float", "D100", "float32"),
    PointSpec("floatabcd", "DM102", "float32/abcd"),
    PointSpec("dint", "D104", "int32"),
    PointSpec("word", "D106", "uint16"),
    PointSpec("int", "D107", "int16", scale=0.1, offset=-40.0),
    PointSpec("double", "D108", "float64"),
    PointSpec("bit0", "CIO10.00", ""),
    PointSpec("bit15", "CIO10.15", ""),
    PointSpec("work", "W5.03", "bool"),
    PointSpec("hold", "H7", "uint16"),
    PointSpec("aux", "A200.11", ""),
    PointSpec("em", "E1_20", "int16"),
    PointSpec("before", "D902", "uint16"),
    PointSpec("missing", "D903", "uint16"),
    PointSpec("after", "D904", "uint16"),
    PointSpec("valve", "W20.05", "bool", writable=True),
    PointSpec("setpoint", "D200", "float32", writable=True),
]
MEMORY = {  # by hand, as a PLC holds it: the low word first
    (0x82, 100): (0x0000, 0x42F7), (0x82, 102): (0x42F7, 0x0000), (0x82, 104): (0xBA98, 0xFEDC), (0x82, 106): (0xEA60,),
    (0x82, 107): (652,), (0x82, 108): (0x0000, 0xB000, 0xF08E, 0xC20B), (0xB0, 10): (0x8000,), (0xB1, 5): (0x0008,),
    (0xB2, 7): (7,), (0xB3, 200): (0x0800,), (0xA1, 20): (0xFFFB,), (0x82, 902): (2,), (0x82, 904): (4,),
}  # fmt: skip


class WordPeer:
    """The memory."""

    def __init__(self, server: LinePeer, change: tuple[int, int, int], valve: tuple[int, int, int]) -> None:
        self.server = server
        self.port = server.port
        self._change, self._valve = change, valve  # area, word and (for the valve) bit

    def change(self, name: str, value: float) -> None:
        import struct

        high, low = struct.unpack(">HH", struct.pack(">f", value))
        area, word, _ = self._change
        self.server.ask(f"set {area:x} {word} {low}")
        self.server.ask(f"set {area:x} {word + 1} {high}")

    def held(self, name: str) -> float:
        area, word, bit = self._valve
        return float(int(self.server.ask(f"get {area:x} {word}")) >> bit & 1)

    def writes(self, fault: WriteFault) -> None:
        how = {"none": "normal", "ignore": "ignore", "wrong": "wrong", "late": str(2 * TIMEOUT_MS)}[fault]
        self.server.ask(f"writes {how}")

    def connections(self) -> int | None:
        return int(self.server.ask("connections"))


@contextmanager
def memory(kind: str, content: dict[tuple[int, int], tuple[int, ...]], bad: tuple[int, int]) -> Iterator[LinePeer]:
    """The server with its memory filled."""
    with LinePeer([sys.executable, str(HERE / "word_server.py"), kind, "0"]) as server:
        for (area, word), values in content.items():
            for at, value in enumerate(values):
                server.ask(f"set {area:x} {word + at} {value}")
        server.ask(f"bad {bad[0]:x} {bad[1]}")
        yield server


class FinsCase:
    """Omron FINS."""

    name = "fins"
    known = {
        "float": 123.5, "floatabcd": 123.5, "dint": -19088744.0, "word": 60000.0, "int": 652 * 0.1 - 40.0, "double": -1.5e10,
        "bit0": 0.0, "bit15": 1.0, "work": 1.0, "hold": 7.0, "aux": 1.0, "em": -5.0, "before": 2.0, "after": 4.0,
        "valve": 0.0, "setpoint": 0.0,
    }  # fmt: skip
    changing = ("float", 12.25)
    bad = "missing"
    output = ("valve", 1.0)
    dials = 1
    loss_s = 1.0
    silence_s = 1.0
    garbage = (
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00" * 300,
        b"\xff" * 300,
        b"FINS" + bytes.fromhex("0000001a 00000002 00000000 c00002 00ef00 000a00 01 0101 0000 1234 5678"),
        b"FINS" + bytes.fromhex("00000008 00000003 00000001"),
    )

    harmless = frozenset(("00000000", "0101"))  # the handshake, and reading memory
    ordered = "0102 31 0014 05 0001 01".replace(" ", "")  # one bit, W20.05

    def requests(self, said: bytes) -> Iterator[str]:
        for frame in frames(said, 8, lambda data: 8 + int.from_bytes(data[4:8], "big")):
            sends = frame[8:12] == b"\0\0\0\2"
            yield named(frame[26:], 2, self.harmless) if sends else named(frame[8:], 4, self.harmless)

    @contextmanager
    def peer(self, directory: Path) -> Iterator[Peer]:
        with memory("fins", MEMORY, (0x82, 903)) as server:
            yield WordPeer(server, (0x82, 100, 0), (0xB1, 20, 5))

    def driver(self, port: int, *, period_ms: int = 20) -> tuple[fins.Driver, Plan]:
        settings = fins.Settings(url=f"tcp://127.0.0.1:{port}", period_ms=period_ms, timeout_ms=TIMEOUT_MS)
        plan = plan_of(fins, settings, ROWS)
        return fins.Driver(settings, plan), plan


CASE = FinsCase()
