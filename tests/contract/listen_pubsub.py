"""OPC UA PubSub against the publisher of asyncua: Variant, DataValue and Raw over UDP, and a field that has no value."""

from __future__ import annotations

import contextlib
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from drivers import pubsub
from drivers.base import Plan, PointSpec
from tests.contract.case import plan_of
from tests.contract.listening import Sender
from tests.peers.lines import LinePeer

VALUES = {"double": 50.5, "int16": -300.0, "bit": 1.0, "float": -0.25, "uint64": float(1 << 40)}
TYPES = {"double": "Double", "int16": "Int16", "bit": "Boolean", "float": "Float", "uint64": "UInt64"}
WRITERS = {1: "variant", 2: "datavalue", 3: "raw"}
SCRIPT = Path(__file__).parents[1] / "peers" / "pubsub_publisher.py"


class Publisher:
    """asyncua.pubsub in a process of its own."""

    def __init__(self, process: LinePeer) -> None:
        self._process = process

    def change(self, name: str, value: float) -> None:
        self._process.ask(f"set {name.partition('.')[2]} {value}")

    def stop(self) -> None:
        self._process.__exit__(None, None, None)


class PubSubCase:
    """OPC UA PubSub over UDP."""

    name = "pubsub"
    known = {f"{kind}.{name}": value for kind in WRITERS.values() for name, value in VALUES.items()}
    changing = ("raw.double", 12.25)
    bad = "datavalue.nothing"
    garbage = (
        b"\x01",
        bytes.fromhex("f101ba08016400010100"),
        bytes.fromhex("f101ba08016400010100e1101054c2949f3ad701b4205f69841e5f69ffff0d7657c2949f3ad701"),
        bytes.fromhex("f101ba0801640001010001ffff0b"),
        bytes.fromhex("71ba0801640001010001ffff18181818181818181818181818181818181818"),
    )

    @contextmanager
    def sender(self, directory: Path, port: int) -> Iterator[Sender]:
        with LinePeer([sys.executable, str(SCRIPT), "127.0.0.1", str(port), "20"]) as process:
            yield Publisher(process)

    def driver(self, port: int) -> tuple[pubsub.Driver, Plan]:
        settings = pubsub.Settings.model_validate(
            {
                "url": f"opc.udp://127.0.0.1:{port}",
                "unsigned": {"reason": "loopback of a test", "expires": "2099-12-31"},
                "writers": [
                    {"id": "2234/100/1", "fields": list(VALUES)},
                    {"id": "2234/100/3", "fields": [f"{name}:{kind}" for name, kind in TYPES.items()]},
                ],
            }
        )
        rows = [
            PointSpec(
                f"{WRITERS[writer]}.{name}",
                f"2234/{'*' if writer == 2 else 100}/{writer}/{at if writer == 2 else name}",
                "bool" if name == "bit" else "",
            )
            for writer in WRITERS
            for at, name in enumerate(VALUES)
        ]
        plan = plan_of(pubsub, settings, [*rows, PointSpec("datavalue.nothing", "2234/*/2/5", "")])
        return pubsub.Driver(settings, plan), plan

    harmless = frozenset[str]()  # datagrams go one way

    def answers(self, port: int) -> list[str]:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.settimeout(0.2)
            for piece in self.garbage:
                stranger.sendto(piece, ("127.0.0.1", port))
            with contextlib.suppress(TimeoutError):
                return [stranger.recv(65_535).hex()]
        return []

    def send(self, port: int, pieces: Sequence[bytes]) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            for piece in pieces:
                stranger.sendto(piece, ("127.0.0.1", port))


CASE = PubSubCase()
