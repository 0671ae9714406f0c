"""IEC 104 against an outstation made with c104: every type with and without time, and writes that it spoils."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from drivers import iec104
from drivers.base import Plan, PointSpec
from tests.contract.case import Peer, WriteFault, frames, named, plan_of
from tests.peers.build import free_port, python_peer
from tests.peers.lines import LinePeer

TIMEOUT_MS = 400
POINTS: dict[str, tuple[int, str, float]] = {  # name -> (IOA, type, value), all of station 1
    "sp": (1001, "M_SP_NA_1", 1.0),
    "sp_time": (1002, "M_SP_TB_1", 1.0),
    "dp": (1003, "M_DP_NA_1", 1.0),
    "dp_time": (1004, "M_DP_TB_1", 0.0),
    "st": (1005, "M_ST_NA_1", -17.0),
    "st_time": (1006, "M_ST_TB_1", 63.0),
    "na": (1007, "M_ME_NA_1", -0.25),
    "na_time": (1008, "M_ME_TD_1", 0.5),
    "nb": (1010, "M_ME_NB_1", -32768.0),
    "nb_time": (1011, "M_ME_TE_1", 1234.0),
    "nc": (1012, "M_ME_NC_1", 12.5),
    "nc_time": (1013, "M_ME_TF_1", -0.75),
    "bo": (1014, "M_BO_NA_1", 4000000000.0),
    "it": (1015, "M_IT_NA_1", -70000.0),
    "scaled": (1016, "M_ME_NB_1", 652.0),
    "valve": (1017, "M_SP_NA_1", 0.0),
    "elsewhere": (1018, "M_SP_NA_1", 0.0),
}
ROWS = [
    *(
        PointSpec(name, f"1:{address}", "bool" if name[:2] in ("sp", "dp", "el") else "")
        for name, (address, _, _) in POINTS.items()
        if name not in ("scaled", "valve", "it")
    ),
    PointSpec("scaled", "1:1016", "", scale=0.1, offset=-40.0),
    PointSpec("valve", "1:1017 sc:5017", "bool", writable=True),
    PointSpec("missing", "1:9999", ""),
]


class Iec104Peer:
    """The c104 server."""

    def __init__(self, server: LinePeer) -> None:
        self.server = server
        self.port = server.port

    def change(self, name: str, value: float) -> None:
        self.server.ask(f"set 1 {POINTS[name][0]} {value}")

    def held(self, name: str) -> float:
        return float(self.server.ask(f"get 1 {POINTS[name][0]}"))

    def writes(self, fault: WriteFault) -> None:
        how = {"none": "normal", "ignore": "ignore", "wrong": "wrong 1018", "late": f"late {2 * TIMEOUT_MS}"}[fault]
        self.server.ask(f"writes {how}")

    def connections(self) -> int | None:
        return int(self.server.ask("connections"))


class Iec104Case:
    """IEC 60870-5-104."""

    name = "iec104"
    known = {
        **{name: value for name, (_, _, value) in POINTS.items() if name not in ("scaled", "it")},
        "scaled": 652 * 0.1 - 40.0,
    }
    changing = ("nc", 12.25)
    bad = "missing"
    output = ("valve", 1.0)
    dials = 1
    loss_s = 1.0
    silence_s = 1.5
    garbage = (
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x68\xff" * 150,
        bytes.fromhex("6804 83000000"),  # a test that nobody asked for is confirmed
        bytes.fromhex("6812 fe7f0000 0d01 0300 0100 f40300 00002041 00"),  # a report with a number that is not next
        bytes.fromhex("6804 0100 fe7f"),  # an acknowledgement of what was not sent
    )

    # STARTDT, TESTFR and its confirmation; acknowledgements; general interrogation, and reading a point
    harmless = frozenset(("07", "43", "83", "01", "64", "66"))
    ordered = "2d 01 06 00 0100 991300 01".replace(" ", "")  # C_SC_NA_1 ON, activation, of 1:5017

    def requests(self, said: bytes) -> Iterator[str]:
        for frame in frames(said, 2, lambda data: 2 + data[1]):
            yield named(frame[2 if frame[2] & 1 else 6 :], 1, self.harmless)

    @contextmanager
    def peer(self, directory: Path) -> Iterator[Peer]:
        points = [f"1:{address}:{kind}:{value}" for address, kind, value in POINTS.values()]
        with outstation([*points, "1:5017:C_SC_NA_1>1017"]) as server:
            yield Iec104Peer(server)

    def driver(self, port: int, *, period_ms: int = 20) -> tuple[iec104.Driver, Plan]:
        return driver(port, ROWS, period_ms=period_ms)


def outstation(points: Sequence[str]) -> LinePeer:
    """A c104 server. Raises PeerMissing."""
    return LinePeer([*python_peer("iec104_server.py", "c104"), str(free_port()), *points])


def driver(port: int, rows: Sequence[PointSpec], **more: Any) -> tuple[iec104.Driver, Plan]:
    """A driver that interrogates, with the short times of a test."""
    given = {"interrogate": True, "period_ms": 20, "timeout_ms": TIMEOUT_MS, "ack_ms": 100, "read_back_ms": 300, **more}
    settings = iec104.Settings(url=f"tcp://127.0.0.1:{port}", **given)
    plan = plan_of(iec104, settings, rows)
    return iec104.Driver(settings, plan), plan


CASE = Iec104Case()
