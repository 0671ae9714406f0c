"""OPC UA PubSub over a broker: what asyncua's publisher encodes, by way of mosquitto; the same data sets as over UDP."""

from __future__ import annotations

import contextlib
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import paho.mqtt.client as mqtt

from drivers import pubsub
from drivers.base import Plan
from tests.contract.listen_pubsub import CASE as UDP
from tests.contract.listen_pubsub import SCRIPT, Publisher
from tests.contract.listening import Sender
from tests.peers.build import PeerMissing
from tests.peers.lines import LinePeer

TOPIC = "opcua/uadp/press4"
AT_ONCE = 256  # messages that wait in this process, whose memory the contract measures
BRIDGE = Path(__file__).parents[1] / "peers" / "mqtt_bridge.py"


class PubSubMqttCase:
    """OPC UA PubSub over MQTT."""

    name = "pubsub_mqtt"
    known = UDP.known
    changing = UDP.changing
    bad = UDP.bad
    garbage = (*UDP.garbage, b'{"MessageType": "ua-data"}')

    @contextmanager
    def sender(self, directory: Path, port: int) -> Iterator[Sender]:
        with (
            broker(directory, port) as self._log,
            LinePeer([sys.executable, str(BRIDGE), "0", str(port), TOPIC]) as bridge,
            LinePeer([sys.executable, str(SCRIPT), "127.0.0.1", str(bridge.port), "20"]) as process,
        ):
            yield Publisher(process)

    def driver(self, port: int) -> tuple[pubsub.Driver, Plan]:
        over_udp, plan = UDP.driver(port)
        told = over_udp.settings.model_dump(include={"writers"})
        settings = pubsub.Settings.model_validate(
            {**told, "url": f"mqtt://127.0.0.1:{port}", "topics": [TOPIC], "encoding": "uadp", "connect_timeout_s": 1.0}
        )
        return pubsub.Driver(settings, plan), plan

    harmless = frozenset(("SUBSCRIBE", "PUBACK"))

    def answers(self, port: int) -> list[str]:
        """As mosquitto's log has it."""
        return re.findall(r"Received (\w+) from gatehouse-", self._log.read_text())

    def send(self, port: int, pieces: Sequence[bytes]) -> None:
        stranger = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        connected = threading.Event()
        stranger.on_connect = lambda *_: connected.set()
        stranger.connect("127.0.0.1", port)
        stranger.loop_start()
        assert connected.wait(10.0)
        for begin in range(0, len(pieces), AT_ONCE):
            for piece in pieces[begin : begin + AT_ONCE]:
                stranger.publish(TOPIC, piece, qos=0)
            stranger.publish(TOPIC, b"", qos=1).wait_for_publish(10.0)
        stranger.disconnect()
        stranger.loop_stop()


@contextmanager
def broker(directory: Path, port: int) -> Iterator[Path]:
    """mosquitto at that port, and where its log is. Raises PeerMissing."""
    program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin")
    if program is None:
        raise PeerMissing("mosquitto is missing: apt install mosquitto")
    config = directory / "mosquitto.conf"
    log = directory / "mosquitto.log"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\nlog_dest file {log}\nlog_type all\n"
    )
    words = [program, "-c", str(config)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        try:
            end_s = time.monotonic() + 10.0
            while time.monotonic() < end_s:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.02)
            yield log
        finally:
            running.kill()


CASE = PubSubMqttCase()
