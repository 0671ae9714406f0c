"""HJ 212 against two stations in a process of their own, made for the tests from the standard."""

from __future__ import annotations

import contextlib
import re
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from drivers import hj212
from drivers.base import Plan, PointSpec
from tests.contract.case import plan_of
from tests.contract.listening import Sender
from tests.peers.hj212_station import packet, real_time
from tests.peers.lines import LinePeer

SCRIPT = Path(__file__).parents[1] / "peers" / "hj212_station.py"
VALUES = {"w01018": 50.5, "w01001": 7.25, "w00000": -3.0}
STATIONS = ("STATION1", "STATION2")


class Stations:
    """The process."""

    def __init__(self, process: LinePeer) -> None:
        self._process = process

    def change(self, name: str, value: float) -> None:
        self._process.ask(f"set {name.partition('.')[2]} {value}")

    def stop(self) -> None:
        self._process.__exit__(None, None, None)


class Hj212Case:
    """HJ 212 over TCP."""

    name = "hj212"
    known = {f"{station}.{name}": value for station in STATIONS for name, value in VALUES.items()} | {
        "STATION1.pump": 1.0
    }
    changing = ("STATION2.w01001", 8.5)
    bad = "STATION1.w21003"
    garbage = (
        b"##0101",
        b"##00x1",
        b"##0004CP=&0000\r\n" * 40,
        b"##9999" + b"##9999" * 3000,
        b"GET / HTTP/1.1\r\n\r\n",
        b"##0085QN=20160801085857223;ST=32;CN=2011;PW=1;MN=STATION1;Flag=5;CP=&&w01018-Rtd=1,w01018-Flag=N&&0000\r\n",
    )

    harmless = frozenset(("9014",))  # data were received

    def answers(self, port: int) -> list[str]:
        with socket.create_connection(("127.0.0.1", port), 5) as station:
            station.sendall(real_time("STATION1") + packet("ST=32;CN=9999;PW=123456;MN=STATION1;Flag=4;CP=&&&&"))
            station.shutdown(socket.SHUT_WR)
            said = b"".join(iter(lambda: station.recv(4096), b"")).decode()
        return re.findall(r"CN=(\d+)", said)

    @contextmanager
    def sender(self, directory: Path, port: int) -> Iterator[Sender]:
        with LinePeer([sys.executable, str(SCRIPT), str(port), "20"]) as process:
            yield Stations(process)

    def driver(self, port: int) -> tuple[hj212.Driver, Plan]:
        stations = [{"mn": name, "pw": "123456"} for name in STATIONS]
        settings = hj212.Settings.model_validate({"url": f"tcp://127.0.0.1:{port}", "stations": stations})
        rows = [PointSpec(f"{at}.{name}", f"{at}/{name}-Rtd", "") for at in STATIONS for name in (*VALUES, "w21003")]
        plan = plan_of(hj212, settings, [*rows, PointSpec("STATION1.pump", "STATION1/2021/SB1-RS", "bool")])
        return hj212.Driver(settings, plan), plan

    def send(self, port: int, pieces: Sequence[bytes]) -> None:
        """Each piece from a caller of its own; the same again from the same one, until it is cut off."""
        caller, last = None, b""
        for piece in pieces:
            if caller is None or piece != last:
                if caller is not None:
                    caller.close()
                caller, last = socket.create_connection(("127.0.0.1", port), 5), piece
            with contextlib.suppress(OSError):
                caller.sendall(piece)
                continue
            caller.close()
            caller = None
        if caller is not None:
            caller.close()


CASE = Hj212Case()
