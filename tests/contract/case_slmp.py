"""Mitsubishi SLMP against a memory behind 3E frames made for the tests (see docs/drivers.md for what it was held to)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drivers import slmp
from drivers.base import Plan, PointSpec
from tests.contract.case import Peer, frames, named, plan_of
from tests.contract.case_fins import TIMEOUT_MS, FinsCase, WordPeer, memory

ROWS = [
    PointSpec("float", "D100", "float32"),
    PointSpec("floatabcd", "D102", "float32/abcd"),
    PointSpec("dint", "D104", "int32"),
    PointSpec("word", "D106", "uint16"),
    PointSpec("int", "D107", "int16", scale=0.1, offset=-40.0),
    PointSpec("double", "D108", "float64"),
    PointSpec("bit0", "M160", ""),
    PointSpec("bit15", "M175", ""),
    PointSpec("work", "X1F", "bool"),
    PointSpec("hold", "W1F", "uint16"),
    PointSpec("aux", "D300.11", ""),
    PointSpec("em", "ZR70000", "int16"),
    PointSpec("before", "D902", "uint16"),
    PointSpec("missing", "D903", "uint16"),
    PointSpec("after", "D904", "uint16"),
    PointSpec("valve", "M325", "bool", writable=True),
    PointSpec("setpoint", "D200", "float32", writable=True),
]
MEMORY = {  # by hand, as a PLC holds it: the low word first; bits sixteen in a word
    (0xA8, 100): (0x0000, 0x42F7), (0xA8, 102): (0x42F7, 0x0000), (0xA8, 104): (0xBA98, 0xFEDC), (0xA8, 106): (0xEA60,),
    (0xA8, 107): (652,), (0xA8, 108): (0x0000, 0xB000, 0xF08E, 0xC20B), (0x90, 10): (0x8000,), (0x9C, 1): (0x8000,),
    (0xB4, 0x1F): (7,), (0xA8, 300): (0x0800,), (0xB0, 70000): (0xFFFB,), (0xA8, 902): (2,), (0xA8, 904): (4,),
}  # fmt: skip


class SlmpCase(FinsCase):
    """Mitsubishi SLMP."""

    name = "slmp"
    garbage = (
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00" * 300,
        b"\xff" * 300,
        bytes.fromhex("d000 00ff ff03 00 0600 0000 1234 5678"),
        bytes.fromhex("d000 00ff ff03 00 ffff 0000"),
    )

    harmless = frozenset(("01040000", "01010000"))  # batch read in words, the name of the CPU
    ordered = "0114 0100 450100 90 0100 10".replace(" ", "")  # one bit, M325

    def requests(self, said: bytes) -> Iterator[str]:
        for frame in frames(said, 9, lambda data: 9 + int.from_bytes(data[7:9], "little")):
            yield named(frame[11:], 4, self.harmless)

    @contextmanager
    def peer(self, directory: Path) -> Iterator[Peer]:
        with memory("slmp", MEMORY, (0xA8, 903)) as server:
            yield WordPeer(server, (0xA8, 100, 0), (0x90, 20, 5))

    def driver(self, port: int, *, period_ms: int = 20) -> tuple[slmp.Driver, Plan]:  # type: ignore[override]
        settings = slmp.Settings(url=f"tcp://127.0.0.1:{port}", period_ms=period_ms, timeout_ms=TIMEOUT_MS)
        plan = plan_of(slmp, settings, ROWS)
        return slmp.Driver(settings, plan), plan


CASE = SlmpCase()
