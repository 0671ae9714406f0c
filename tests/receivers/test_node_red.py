"""The Node-RED flow in Node-RED itself: imported as it is, over mutual TLS, its answers read back from the broker."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gateway.core.summary import Gap
from gateway.upstream.encode import Numbers
from tests.peers.build import PeerMissing, absent, node_script
from tests.receivers.test_kit import ENCODER, KIT, ROOT, sent
from tests.upstream.plant import Broker, Observer

SETTINGS = """module.exports = {
  httpAdminRoot: false, httpNodeRoot: false, credentialSecret: false,
  logging: { console: { level: "info", metrics: false, audit: false } },
};
"""


def _flow(broker: Broker) -> list[dict[str, Any]]:
    """As an engineer sets it up: host, port and certificates; the two debug nodes publish instead."""
    certificate, key = broker.ca.issue("node-red")
    own = {
        "mqtt-broker": {"broker": "127.0.0.1", "port": str(broker.port)},
        "tls-config": {"cert": str(certificate), "key": str(key), "ca": str(broker.ca.path)},
    }
    flow: list[dict[str, Any]] = json.loads((KIT / "node-red" / "flow.json").read_text(encoding="utf-8"))
    for part in flow:
        part |= own.get(part["type"], {})
        if part["type"] == "debug":
            part |= {"type": "mqtt out", "topic": f"answers/{part['name']}", "qos": "1", "broker": "gh-broker"}
    return flow


@contextmanager
def _node_red(folder: Path, broker: Broker) -> Iterator[Path]:
    """Node-RED without its editor; gives its log."""
    try:
        command = node_script("node_modules/node-red/red.js", "node-red")
    except PeerMissing as missing:
        absent(str(missing))
    folder.mkdir()
    (folder / "settings.js").write_text(SETTINGS)
    (folder / "flow.json").write_text(json.dumps(_flow(broker)))
    log = folder / "log"
    arguments = ["--userDir", str(folder), "--settings", str(folder / "settings.js"), str(folder / "flow.json")]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, *arguments], stdout=out, stderr=out, env={**os.environ, "HOME": str(folder)}
        )
    try:
        yield log
    finally:
        process.terminate()
        process.wait(20)


def _until(check: Callable[[], object], log: Path, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end, log.read_text(errors="replace")[-3000:]
        time.sleep(0.05)


def test_the_flow_runs_in_node_red_and_finds_repeats_holes_and_a_lost_gateway(tmp_path: Path) -> None:
    broker = Broker(tmp_path / "broker")
    broker.start()
    observer = Observer(broker.plain_port)
    try:
        with _node_red(tmp_path / "red", broker) as log:
            observer.subscribe("answers/#")
            _until(lambda: "Connected to broker" in log.read_text(errors="replace"), log)

            def answers(which: str) -> list[dict[str, Any]]:
                return [json.loads(payload) for topic, payload in list(observer.seen) if topic == f"answers/{which}"]

            def heard() -> bool:
                """Connected is not yet subscribed: the first record is sent until it is answered, and its repeats are dropped."""
                observer.publish(sent(1).topic, sent(1).payload)
                return bool(answers("alarms"))

            _until(heard, log)
            gap = Gap(utc_ms=1, lane=3, first=4, last=5, reason="expired")
            records = [
                sent(3),
                sent(3),
                sent(6),
                ENCODER.queued(gap, "gw:gap-3:4-5", Numbers(9, 1, late=False)),
            ]
            for message in records:
                observer.publish(message.topic, message.payload)
            observer.publish(f"{ROOT}/health", b'{"queued": 0}')
            observer.publish(f"{ROOT}/status", b'{"online": false}')
            _until(lambda: len(answers("problems")) >= 2, log)
            assert [one["lane_seq"] for one in answers("alarms")] == [1, 3, 6], "a repeat is dropped"
            assert [(one["what"], one.get("numbers")) for one in answers("problems")] == [("hole", [2]), ("lost", None)]
    finally:
        observer.close()
        broker.stop()
