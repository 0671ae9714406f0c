"""MQTT sensors by way of mosquitto: values of a JSON message by pointer, a plain message, and one that holds nothing there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from drivers import mqtt
from drivers.base import Plan, PointSpec
from tests.contract.case import Peer, plan_of
from tests.contract.listen_pubsub_mqtt import broker
from tests.peers.build import HERE, free_port
from tests.peers.lines import LinePeer

SENSORS = {"h2s": 2.5, "ch4": -1.0, "count": 70000.0, "alarm": 1.0}
PACKETS = ("", "CONNECT", "CONNACK", "PUBLISH", "PUBACK", "PUBREC", "PUBREL", "PUBCOMP", "SUBSCRIBE", "SUBACK",
           "UNSUBSCRIBE", "UNSUBACK", "PINGREQ", "PINGRESP", "DISCONNECT", "AUTH")  # fmt: skip


class Sensors:
    """The publisher; the driver speaks to the broker."""

    def __init__(self, process: LinePeer, log: Path) -> None:
        self._process, self._log = process, log
        self.port = process.port

    def set(self, topic: str, key: str, value: float) -> None:
        """What it publishes from now on."""
        self._process.ask(f"set {topic} {key} {value}")

    def change(self, name: str, value: float) -> None:
        self.set("plant/gas1", name, value)

    def connections(self) -> int | None:
        """Sessions of the driver, as the broker has them in its log."""
        log = self._log.read_text()
        came = len(re.findall(r"New client connected from \S+ as gatehouse-", log))
        return came - len(re.findall(r"Client gatehouse-\S+ (?:closed|disconnected|has)", log))


Made = TypeVar("Made", bound=Sensors)


@contextmanager
def sensors(directory: Path, kind: type[Made]) -> Iterator[Made]:
    """A broker and who publishes there. Raises PeerMissing."""
    port = free_port()
    words = [sys.executable, str(HERE / "mqtt_publisher.py"), str(port), "20"]
    with broker(directory, port) as log, LinePeer(words) as process:
        yield kind(process, log)


class MqttCase:
    """MQTT sensors."""

    name = "mqtt"
    known = {**SENSORS, "scaled": 24.25}
    changing = ("h2s", 12.25)
    bad = "missing"
    output = ("", 0.0)
    dials = 2  # the first finds out what is wrong, in words that the library keeps to itself
    loss_s = 2.0
    silence_s = 8.0  # two keep-alives of 2 s, and the library looks once a second
    garbage = (
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"\x00" * 300,
        b"\xff" * 300,
        bytes.fromhex("30 0c 000a 706c616e742f67617331"),  # a message without its properties
        bytes.fromhex("32 03 0001 61"),  # one of QoS 1 that ends before its number
    )
    harmless = frozenset(("CONNECT", "SUBSCRIBE", "PUBACK", "PINGREQ", "DISCONNECT"))
    ordered = ""

    def requests(self, said: bytes) -> Iterator[str]:
        at = 0
        while at + 1 < len(said):
            size = shift = 0
            kind, at = said[at] >> 4, at + 1
            while True:
                size, shift, at = size | (said[at] & 0x7F) << shift, shift + 7, at + 1
                if said[at - 1] < 0x80 or at == len(said):
                    break
            yield PACKETS[kind]
            at += size

    @contextmanager
    def peer(self, directory: Path) -> Iterator[Peer]:
        with sensors(directory, Sensors) as made:
            for name, value in SENSORS.items():
                made.change(name, value)
            made.set("plant/raw", "value", 652)
            yield made

    def driver(self, port: int, *, period_ms: int = 20) -> tuple[mqtt.Driver, Plan]:
        settings = mqtt.Settings(url=f"mqtt://127.0.0.1:{port}", keep_alive_s=2, connect_timeout_s=1.0)
        rows = [PointSpec(name, f"plant/gas1#/{name}", "bool" if name == "alarm" else "") for name in SENSORS]
        rows += [
            PointSpec("scaled", "plant/raw#/value", "", scale=0.1, offset=-40.95),
            PointSpec("missing", "plant/gas1#/nobody", ""),
        ]
        plan = plan_of(mqtt, settings, rows)
        return mqtt.Driver(settings, plan), plan


CASE = MqttCase()
