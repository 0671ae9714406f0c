"""EtherNet/IP against the Logix simulator of cpppo: every type it has, arrays, bits, and writes spoiled on their way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

from drivers import enip
from drivers.base import Plan, PointSpec
from tests.contract.case import Peer, WriteFault, frames, named, plan_of
from tests.peers.build import free_port, python_peer
from tests.peers.lines import LinePeer
from tests.peers.relay import Relay, faithful

TIMEOUT_MS = 400
TAGS = {  # name -> (type, value of the first element)
    "Level": ("REAL", 123.5),
    "Deep": ("LREAL", -1.5e10),
    "Small": ("SINT", -100),
    "Short": ("INT", -300),
    "Count": ("DINT", -19088744),
    "Byte": ("USINT", 200),
    "Word": ("UINT", 60000),
    "Wide": ("UDINT", 4000000000),
    "Raw": ("INT", 652),
    "Status": ("DINT", 0x28),
    "Running": ("BOOL", 1),
    "Valve": ("BOOL", 0),
    "Valva": ("BOOL", 0),
    "Local:1:I": ("INT", 1234),
}
ROWS = [
    *(PointSpec(name, name, "") for name in ("Level", "Deep", "Small", "Short", "Count", "Byte", "Word", "Wide")),
    PointSpec("scaled", "Raw", "", scale=0.1, offset=-40.0),
    PointSpec("bit3", "Status.3", ""),
    PointSpec("bit4", "Status.4", "bool"),
    PointSpec("bit40", "Status.40", "bool"),
    PointSpec("first", "Tank[0]", ""),
    PointSpec("third", "Tank[2]", ""),
    PointSpec("outside", "Tank[99]", ""),
    PointSpec("Running", "Running", "bool"),
    PointSpec("module", "Local:1:I", ""),
    PointSpec("missing", "Nobody", ""),
    PointSpec("valve", "Valve", "bool", writable=True),
    PointSpec("setpoint", "Tank[1]", "", writable=True),
]
MESSAGE = 50  # where the service begins within an unconnected send within a frame


class EnipPeer:
    """The cpppo server behind the relay."""

    def __init__(self, server: LinePeer, relay: Relay) -> None:
        self.server, self.relay = server, relay
        self.port = relay.port

    def change(self, name: str, value: float) -> None:
        self.server.ask(f"set {name} 0 {value}")

    def held(self, name: str) -> float:
        assert name == "valve"
        return float(bool(float(self.server.ask("get Valve 0"))))

    def writes(self, fault: WriteFault) -> None:
        self.relay.hook = {"none": faithful, "ignore": ignored, "wrong": misplaced, "late": late}[fault]

    def connections(self) -> int | None:
        return self.relay.connections


def writing(request: bytes) -> bool:
    """Whether this is a write of a tag."""
    return request[:2] == b"\x6f\x00" and request[MESSAGE : MESSAGE + 1] == b"\x4d"


def ignored(request: bytes) -> tuple[bytes, bytes, float]:
    """The driver is told that its write was obeyed, and nobody was asked."""
    if not writing(request):
        return request, b"", 0.0
    body = bytes.fromhex("00000000 0000 0200 0000 0000 b200 0400 cd000000")
    return b"", request[:2] + len(body).to_bytes(2, "little") + request[4:24] + body, 0.0


def misplaced(request: bytes) -> tuple[bytes, bytes, float]:
    """What is written goes to another tag."""
    return request.replace(b"Valve", b"Valva") if writing(request) else request, b"", 0.0


def late(request: bytes) -> tuple[bytes, bytes, float]:
    """The controller obeys long after the driver's time-out."""
    return request, b"", 2 * TIMEOUT_MS / 1000 if writing(request) else 0.0


def services(message: bytes) -> list[bytes]:
    """What a multiple service packet holds; any other message is one service."""
    if message[0] != 0x0A:
        return [message]
    data = message[2 + 2 * message[1] :]
    count = int.from_bytes(data[:2], "little")
    offsets = [int.from_bytes(data[2 + 2 * at : 4 + 2 * at], "little") for at in range(count)]
    return [data[begin:end] for begin, end in pairwise([*offsets, len(data)])]


class EnipCase:
    """EtherNet/IP (Logix)."""

    name = "enip"
    known = {
        **{name: float(TAGS[name][1]) for name in ("Level", "Deep", "Small", "Short", "Count", "Byte", "Word", "Wide")},
        "scaled": 652 * 0.1 - 40.0, "bit3": 1.0, "bit4": 0.0, "module": 1234.0, "first": 11.0, "third": 33.0, "Running": 1.0, "valve": 0.0,
        "setpoint": 22.0,
    }  # fmt: skip
    changing = ("Level", 12.25)
    bad = "missing"
    output = ("valve", 1.0)
    dials = 1
    loss_s = 1.0
    silence_s = 1.5
    garbage = (
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00" * 300,
        b"\xff" * 300,
        bytes.fromhex("6f00")
        + b"\x14\x00"
        + bytes(20)
        + bytes.fromhex("00000000 0000 0200 0000 0000 b200 0400 cc000000"),
    )

    harmless = frozenset(("6500", "4c"))  # register a session, read a tag
    ordered = "4d 04 91 05 56616c7665 00  c100 0100 ff".replace(" ", "")  # one BOOL, Valve

    def requests(self, said: bytes) -> Iterator[str]:
        for frame in frames(said, 24, lambda data: 24 + int.from_bytes(data[2:4], "little")):
            if frame[:2] == b"\x6f\x00" and frame[40] == 0x52:  # unconnected send
                inner = frame[MESSAGE : MESSAGE + int.from_bytes(frame[48:50], "little")]
                yield from (named(one, 1, self.harmless) for one in services(inner))
            else:
                yield named(frame, 2, self.harmless)

    @contextmanager
    def peer(self, directory: Path) -> Iterator[Peer]:
        tags = [f"{name}={kind}" for name, (kind, _) in TAGS.items()] + ["Tank=DINT[10]"]
        with (
            LinePeer([*python_peer("cpppo_server.py", "cpppo"), str(free_port()), *tags]) as server,
            Relay(server.port) as relay,
        ):
            for name, (_, value) in TAGS.items():
                server.ask(f"set {name} 0 {value}")
            for index, value in enumerate((11, 22, 33)):
                server.ask(f"set Tank {index} {value}")
            yield EnipPeer(server, relay)

    def driver(self, port: int, *, period_ms: int = 20) -> tuple[enip.Driver, Plan]:
        settings = enip.Settings(url=f"tcp://127.0.0.1:{port}", period_ms=period_ms, timeout_ms=TIMEOUT_MS)
        plan = plan_of(enip, settings, ROWS)
        return enip.Driver(settings, plan), plan


CASE = EnipCase()
