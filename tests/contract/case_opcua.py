"""OPC UA against a server made with node-opcua: every numeric type, a node that is not there, and every way to spoil a write."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

from drivers import opcua
from drivers.base import Plan, PointSpec
from drivers.base_waiver import Waiver
from tests.contract.case import Peer, WriteFault, frames, plan_of
from tests.peers.build import node_script
from tests.peers.lines import LinePeer

TIMEOUT_MS = 800
WAIVER = Waiver(reason="loopback of a test", expires=date(2099, 12, 31))
VARIABLES: dict[str, dict[str, Any]] = {
    "double": {"type": "Double", "value": 50.5},
    "float": {"type": "Float", "value": -0.25},
    "int16": {"type": "Int16", "value": -300},
    "uint16": {"type": "UInt16", "value": 60000},
    "int32": {"type": "Int32", "value": -70000},
    "uint32": {"type": "UInt32", "value": 4000000000},
    "byte": {"type": "Byte", "value": 200},
    "sbyte": {"type": "SByte", "value": -100},
    "bit": {"type": "Boolean", "value": True},
    "scaled": {"type": "Int16", "value": 652},
    "valve": {"type": "Boolean", "value": False, "writable": True, "other": "elsewhere"},
    "elsewhere": {"type": "Boolean", "value": False},
}
SERVICES = ("428", "461", "467", "473", "527", "631", "751", "787", "826", "847")
ROWS = [
    *(PointSpec(name, f"ns=1;s={name}", "") for name in VARIABLES if name not in ("scaled", "valve", "bit", "double")),
    PointSpec("double", "nsu=urn:gatehouse:test:server;s=double", "float64"),
    PointSpec("bit", "ns=1;s=bit", "bool"),
    PointSpec("scaled", "ns=1;s=scaled", "", scale=0.1, offset=-40.0),
    PointSpec("valve", "ns=1;s=valve", "bool", writable=True),
    PointSpec("missing", "ns=1;s=nobody", ""),
]


class OpcUaPeer:
    """The node-opcua server."""

    def __init__(self, server: LinePeer) -> None:
        self._server = server
        self.port = server.port

    def change(self, name: str, value: float) -> None:
        self._server.ask(f"set {name} {value}")

    def held(self, name: str) -> float:
        return float(self._server.ask(f"get {name}"))

    def writes(self, fault: WriteFault) -> None:
        how = {"none": "normal", "ignore": "ignore", "wrong": "wrong", "late": str(2 * TIMEOUT_MS)}[fault]
        self._server.ask(f"writes {how}")

    def connections(self) -> int | None:
        return int(self._server.ask("connections"))


class OpcUaCase:
    """OPC UA."""

    name = "opcua"
    known = {
        **{name: float(one["value"]) for name, one in VARIABLES.items() if name != "scaled"},
        "scaled": 652 * 0.1 - 40.0,
    }
    changing = ("double", 12.25)
    bad = "missing"
    output = ("valve", 1.0)
    dials = 1
    loss_s = 1.0
    silence_s = 2.5
    garbage = (
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"MSGF" + b"\xff" * 60,
        b"ERRF" + bytes.fromhex("100000000000028000000000"),
        b"MSGF" + bytes.fromhex("18000000") + bytes(16),
    )

    # greeting, channel and its end; then by their numbers: endpoints, session, browse, read, subscription, items, publish
    harmless = frozenset(("HEL", "OPN", "CLO", *SERVICES))
    ordered = "673 valve"

    def requests(self, said: bytes) -> Iterator[str]:
        for frame in frames(said, 8, lambda data: int.from_bytes(data[4:8], "little")):
            kind, service = frame[:3].decode("latin-1"), str(int.from_bytes(frame[26:28], "little"))
            name = service if kind == "MSG" else kind
            yield f"{name} valve" if b"\x05\0\0\0valve" in frame and name not in self.harmless else name

    @contextmanager
    def peer(self, directory: Path) -> Iterator[Peer]:
        with serving(directory, VARIABLES, "None") as server:
            yield OpcUaPeer(server)

    def driver(self, port: int, *, period_ms: int = 20) -> tuple[opcua.Driver, Plan]:
        settings = opcua.Settings(
            url=f"opc.tcp://127.0.0.1:{port}",
            security="none",
            waiver=WAIVER,
            period_ms=period_ms,
            keep_alive_ms=200,
            timeout_ms=TIMEOUT_MS,
        )
        plan = plan_of(opcua, settings, ROWS)
        return opcua.Driver(settings, plan), plan


def serving(directory: Path, variables: dict[str, dict[str, Any]], policies: str, port: int = 0) -> LinePeer:
    """A node-opcua server. Raises PeerMissing."""
    return LinePeer(
        [
            *node_script("opcua_server.js", "node-opcua-server"),
            str(directory),
            json.dumps(variables),
            policies,
            str(port),
        ]
    )


CASE = OpcUaCase()
