"""The plant network's side: a subscriber with a session of its own that keeps every record by id."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

BRANCHES = ("alarm", "audit", "gap", "flood", "chatter", "shadow")


class Receiver:
    """Keeps each record that arrives: id -> the different payloads seen under it, without their `late` mark."""

    def __init__(self, port: int, certs: Path) -> None:
        self.records: dict[str, set[str]] = {}
        self.alarms: dict[str, dict[str, Any]] = {}
        self.states: dict[str, dict[str, Any]] = {}
        self.deliveries = 0
        self._lock = threading.Lock()
        self._client = paho.Client(
            CallbackAPIVersion.VERSION2, client_id="receiver", protocol=paho.MQTTv311, clean_session=False
        )
        self._client.tls_set(str(certs / "ca.pem"), str(certs / "receiver.pem"), str(certs / "receiver.key"))
        self._client.on_connect = lambda client, *_: client.subscribe("gatehouse/#", 1)
        self._client.on_message = self._message
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def _message(self, _client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        branch = message.topic.split("/")[4]
        fields: dict[str, Any] = json.loads(message.payload)
        with self._lock:
            if branch not in BRANCHES:
                self.states[branch] = fields
                return
            self.deliveries += 1
            if branch == "alarm":
                self.alarms.setdefault(fields["id"], fields)
            known = {key: value for key, value in fields.items() if key != "late"}
            self.records.setdefault(fields["id"], set()).add(json.dumps(known, sort_keys=True))

    def snapshot(self) -> tuple[dict[str, set[str]], dict[str, dict[str, Any]]]:
        """(records, alarms) as they stand."""
        with self._lock:
            return {key: set(forms) for key, forms in self.records.items()}, dict(self.alarms)

    def close(self) -> None:
        """Leave the broker."""
        self._client.disconnect()
        self._client.loop_stop()
