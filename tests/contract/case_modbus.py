"""Modbus TCP against a server made with libmodbus: every type in every word order, and every way to spoil a write."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers import modbus
from drivers.base import Plan, PointSpec
from tests.contract.case import Peer, WriteFault, frames, named, plan_of
from tests.peers.build import compiled
from tests.peers.lines import LinePeer

TIMEOUT_MS = 200
BAD_HOLDING = 903  # lies between holding:902 and 904, so it is read with them at first

# Written out by hand, not computed by the code under test: the registers a device holds for the value beside them.
REGISTERS: dict[str, tuple[float, list[int]]] = {
    "uint16/abcd": (4660.0, [0x1234]),
    "uint16/badc": (4660.0, [0x3412]),
    "int16/abcd": (-2.0, [0xFFFE]),
    "int16/dcba": (-2.0, [0xFEFF]),
    "uint32/abcd": (305419896.0, [0x1234, 0x5678]),
    "uint32/cdab": (305419896.0, [0x5678, 0x1234]),
    "uint32/badc": (305419896.0, [0x3412, 0x7856]),
    "uint32/dcba": (305419896.0, [0x7856, 0x3412]),
    "int32/abcd": (-19088744.0, [0xFEDC, 0xBA98]),
    "int32/cdab": (-19088744.0, [0xBA98, 0xFEDC]),
    "int32/badc": (-19088744.0, [0xDCFE, 0x98BA]),
    "int32/dcba": (-19088744.0, [0x98BA, 0xDCFE]),
    "float32/abcd": (123.5, [0x42F7, 0x0000]),
    "float32/cdab": (123.5, [0x0000, 0x42F7]),
    "float32/badc": (123.5, [0xF742, 0x0000]),
    "float32/dcba": (123.5, [0x0000, 0xF742]),
    "uint64/abcd": (4886718345.0, [0x0000, 0x0001, 0x2345, 0x6789]),
    "uint64/cdab": (4886718345.0, [0x6789, 0x2345, 0x0001, 0x0000]),
    "uint64/badc": (4886718345.0, [0x0000, 0x0100, 0x4523, 0x8967]),
    "uint64/dcba": (4886718345.0, [0x8967, 0x4523, 0x0100, 0x0000]),
    "int64/abcd": (-5.0, [0xFFFF, 0xFFFF, 0xFFFF, 0xFFFB]),
    "int64/cdab": (-5.0, [0xFFFB, 0xFFFF, 0xFFFF, 0xFFFF]),
    "int64/badc": (-5.0, [0xFFFF, 0xFFFF, 0xFFFF, 0xFBFF]),
    "int64/dcba": (-5.0, [0xFBFF, 0xFFFF, 0xFFFF, 0xFFFF]),
    "float64/abcd": (-1.5e10, [0xC20B, 0xF08E, 0xB000, 0x0000]),
    "float64/cdab": (-1.5e10, [0x0000, 0xB000, 0xF08E, 0xC20B]),
    "float64/badc": (-1.5e10, [0x0BC2, 0x8EF0, 0x00B0, 0x0000]),
    "float64/dcba": (-1.5e10, [0x0000, 0x00B0, 0x8EF0, 0x0BC2]),
}


def typed() -> tuple[list[PointSpec], dict[str, float], list[tuple[str, int, int]]]:
    """Rows, known values and memory (table, address, content) with each type in holding and in input registers."""
    rows, known, memory, at = [], {}, [], 100
    for kind, (value, registers) in REGISTERS.items():
        for table in ("holding", "input"):
            name = f"{table}.{kind}"
            rows.append(PointSpec(name, f"{table}:{at}", kind))
            known[name] = value
            memory += [(table, at + index, register) for index, register in enumerate(registers)]
        at += len(registers)
    return rows, known, memory


class ModbusPeer:
    """The libmodbus server with the memory of this case."""

    def __init__(self, server: LinePeer) -> None:
        self._server = server
        self.port = server.port

    def change(self, name: str, value: float) -> None:
        assert name == "holding.float32/abcd"
        high, low = struct.unpack(">HH", struct.pack(">f", value))
        at = next(int(row.address.partition(":")[2]) for row in ROWS if row.name == name)
        self._server.ask(f"set holding {at} {high}")
        self._server.ask(f"set holding {at + 1} {low}")

    def held(self, name: str) -> float:
        assert name == "valve"
        return float(self._server.ask("get coil 20"))

    def writes(self, fault: WriteFault) -> None:
        how = {"none": "normal", "ignore": "ignore", "wrong": "wrong", "late": str(2 * TIMEOUT_MS)}[fault]
        self._server.ask(f"writes {how}")

    def connections(self) -> int | None:
        return int(self._server.ask("connections"))


_ROWS, _KNOWN, MEMORY = typed()
ROWS = [
    *_ROWS,
    PointSpec("valve", "coil:20", "bool", writable=True),
    PointSpec("running", "discrete:21", "bool"),
    PointSpec("stopped", "discrete:22", "bool", scale=-1.0, offset=1.0),
    PointSpec("far", "discrete:37", "bool"),
    PointSpec("bit0", "holding:50.0", "bool"),
    PointSpec("bit9", "holding:50.9", "bool"),
    PointSpec("bit15", "40051.15", "bool"),
    PointSpec("word", "holding:51", "bool"),
    PointSpec("scaled", "30061", "int16", scale=0.1, offset=-40.0),
    PointSpec("before", "holding:902", "uint16"),
    PointSpec("missing", f"holding:{BAD_HOLDING}", "uint16"),
    PointSpec("after", "holding:904", "uint16"),
]
MEMORY += [
    ("discrete", 21, 1),
    ("discrete", 37, 1),
    ("holding", 50, 0x8001),
    ("holding", 51, 0x0100),
    ("input", 60, 652),
    ("holding", 902, 7),
    ("holding", 904, 9),
]


class ModbusCase:
    """Modbus TCP."""

    name = "modbus"
    known = {
        **_KNOWN,
        "valve": 0.0,
        "running": 1.0,
        "stopped": 1.0,
        "far": 1.0,
        "bit0": 1.0,
        "bit9": 0.0,
        "bit15": 1.0,
        "word": 1.0,
        "scaled": 652 * 0.1 - 40.0,
        "before": 7.0,
        "after": 9.0,
    }
    changing = ("holding.float32/abcd", 12.25)
    bad = "missing"
    output = ("valve", 1.0)
    dials = 1
    loss_s = 1.0
    silence_s = 1.0
    garbage = (
        b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n",
        b"\x00" * 300,
        b"\xff" * 300,
        bytes.fromhex("000100000003018302"),  # a well-formed answer to something never asked
        bytes.fromhex("00010000ffff0103"),  # a length no frame can have
    )

    ordered = "05 0014 ff00".replace(" ", "")
    harmless = frozenset(("01", "02", "03", "04"))

    def requests(self, said: bytes) -> Iterator[str]:
        for frame in frames(said, 6, lambda data: 6 + int.from_bytes(data[4:6], "big")):
            yield named(frame[7:], 1, self.harmless)

    @contextmanager
    def peer(self, directory: Path) -> Iterator[Peer]:
        with LinePeer([str(compiled("modbus_server"))]) as server:
            for table, at, content in MEMORY:
                server.ask(f"set {table} {at} {content}")
            server.ask(f"bad holding {BAD_HOLDING}")
            yield ModbusPeer(server)

    def driver(self, port: int, *, period_ms: int = 20) -> tuple[modbus.Driver, Plan]:
        settings = modbus.Settings(url=f"tcp://127.0.0.1:{port}", period_ms=period_ms, timeout_ms=TIMEOUT_MS)
        plan = plan_of(modbus, settings, ROWS)
        return modbus.Driver(settings, plan), plan


CASE = ModbusCase()
