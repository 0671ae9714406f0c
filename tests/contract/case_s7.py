"""S7comm against the C library Snap7 as a CPU: every type, every area, and writes spoiled on their way."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers import s7
from drivers.base import Plan, PointSpec
from tests.contract.case import Peer, WriteFault, frames, named, plan_of
from tests.peers.build import free_port, python_peer
from tests.peers.lines import LinePeer
from tests.peers.relay import Relay, faithful

TIMEOUT_MS = 250
ROWS = [
    PointSpec("real", "DB1.DBD0", "real"),
    PointSpec("dint", "DB1.DBD4", "dint"),
    PointSpec("udint", "DB1.DBD8", "uint32"),
    PointSpec("int", "DB1.DBW12", "int"),
    PointSpec("word", "DB1.DBW14", ""),
    PointSpec("byte", "db1.dbb16", ""),
    PointSpec("sint", "DB1.DBB17", "sint"),
    PointSpec("lreal", "DB1.DBD20", "lreal"),
    PointSpec("lint", "DB1.DBB28", "lint"),
    PointSpec("bit0", "DB1.DBX36.0", ""),
    PointSpec("bit3", "%DB1.DBX36.3", "bool"),
    PointSpec("far", "DB1.DBW800", "int"),
    PointSpec("merker", "M10.2", ""),
    PointSpec("merkerword", "%MW12", "int", scale=0.1, offset=-40.0),
    PointSpec("input", "E0.1", ""),
    PointSpec("output", "AB1", "byte"),
    PointSpec("valve", "DB1.DBX40.5", "bool", writable=True),
    PointSpec("setpoint", "DB1.DBD44", "real", writable=True),
    PointSpec("missing", "DB7.DBD0", "real"),
    PointSpec("outside", "DB1.DBW1022", "int"),
    PointSpec("beyond", "DB1.DBW1024", "int"),
]
MEMORY = {  # written out by hand, big-endian as a CPU holds it
    ("DB1", 0): "42f70000fedcba9812345678fffe1234c89c",
    ("DB1", 20): "c20bf08eb0000000fffffffffffffffb08",
    ("DB1", 800): "0007",
    ("DB1", 1022): "0009",
    ("M", 10): "0400028c",
    ("I", 0): "02",
    ("Q", 0): "002a",
}


class S7Peer:
    """The Snap7 server behind the relay."""

    def __init__(self, server: LinePeer, relay: Relay) -> None:
        self.server, self.relay = server, relay
        self.port = relay.port

    def change(self, name: str, value: float) -> None:
        assert name == "real"
        self.server.ask(f"set DB1 0 {struct.pack('>f', value).hex()}")

    def held(self, name: str) -> float:
        assert name == "valve"
        return float(int(self.server.ask("get DB1 40 1"), 16) >> 5 & 1)

    def writes(self, fault: WriteFault) -> None:
        self.relay.hook = {"none": faithful, "ignore": ignored, "wrong": misplaced, "late": late}[fault]

    def connections(self) -> int | None:
        return self.relay.connections


def writing(request: bytes) -> bool:
    """Whether this is a write request of S7."""
    return request[7:9] == b"\x32\x01" and request[17] == 5


def ignored(request: bytes) -> tuple[bytes, bytes, float]:
    """The driver is told that its write was obeyed, and nobody was asked."""
    if not writing(request):
        return request, b"", 0.0
    told = b"\x32\x03\x00\x00" + request[11:13] + bytes.fromhex("0002 0001 0000 0501 ff")
    return b"", struct.pack(">BBH", 3, 0, len(told) + 7) + b"\x02\xf0\x80" + told, 0.0


def misplaced(request: bytes) -> tuple[bytes, bytes, float]:
    """What is written goes one byte further."""
    if not writing(request):
        return request, b"", 0.0
    bits = int.from_bytes(request[28:31], "big") + 8
    return request[:28] + bits.to_bytes(3, "big") + request[31:], b"", 0.0


def late(request: bytes) -> tuple[bytes, bytes, float]:
    """The CPU obeys long after the driver's time-out."""
    return request, b"", 2 * TIMEOUT_MS / 1000 if writing(request) else 0.0


class S7Case:
    """S7comm."""

    name = "s7"
    known = {
        "real": 123.5, "dint": -19088744.0, "udint": 305419896.0, "int": -2.0, "word": 4660.0, "byte": 200.0,
        "sint": -100.0, "lreal": -1.5e10, "lint": -5.0, "bit0": 0.0, "bit3": 1.0, "far": 7.0, "merker": 1.0,
        "merkerword": 652 * 0.1 - 40.0, "input": 1.0, "output": 42.0, "valve": 0.0, "setpoint": 0.0, "outside": 9.0,
    }  # fmt: skip
    changing = ("real", 12.25)
    bad = "missing"
    output = ("valve", 1.0)
    dials = 1
    loss_s = 1.0
    silence_s = 1.0
    garbage = (
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00" * 300,
        b"\xff" * 300,
        bytes.fromhex("0300001d02f080320300000001000200080000 0401ff0400200000 0000"),
        bytes.fromhex("03000007 02f080"),
        bytes.fromhex("0300ffff02f080"),
    )

    harmless = frozenset(("e0", "f0", "04"))  # connect, setup, read variables
    ordered = "05 01 120a1001 0001 0001 84 000145  00 03 0001 01".replace(" ", "")  # one bit, DB1.DBX40.5

    def requests(self, said: bytes) -> Iterator[str]:
        for frame in frames(said, 4, lambda data: int.from_bytes(data[2:4], "big")):
            yield named(frame[17 if frame[5] == 0xF0 else 5 :], 1, self.harmless)

    @contextmanager
    def peer(self, directory: Path) -> Iterator[Peer]:
        with (
            LinePeer([*python_peer("s7_server.py", "snap7"), str(free_port())]) as server,
            Relay(server.port) as relay,
        ):
            for (area, start), content in MEMORY.items():
                server.ask(f"set {area} {start} {content}")
            yield S7Peer(server, relay)

    def driver(self, port: int, *, period_ms: int = 20) -> tuple[s7.Driver, Plan]:
        settings = s7.Settings(url=f"tcp://127.0.0.1:{port}", period_ms=period_ms, timeout_ms=TIMEOUT_MS)
        plan = plan_of(s7, settings, ROWS)
        return s7.Driver(settings, plan), plan


CASE = S7Case()
