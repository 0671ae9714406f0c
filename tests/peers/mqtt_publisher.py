"""Sensors that publish JSON over and over: `mqtt_publisher.py BROKER_PORT PERIOD_MS`; prints the port, then `set TOPIC KEY VALUE` lines."""

from __future__ import annotations

import json
import sys
import threading
import time
from typing import Any

import paho.mqtt.client as mqtt

held: dict[str, dict[str, Any]] = {}
lock = threading.Lock()


def main() -> None:
    broker = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="sensors")
    broker.connect("127.0.0.1", int(sys.argv[1]))
    broker.loop_start()
    threading.Thread(target=publish, args=(broker, int(sys.argv[2]) / 1000), daemon=True).start()
    print(sys.argv[1], flush=True)
    for line in sys.stdin:
        _, topic, key, value = line.split()
        with lock:
            held.setdefault(topic, {})[key] = json.loads(value)
        print("ok", flush=True)


def publish(broker: mqtt.Client, period_s: float) -> None:
    while True:
        with lock:
            messages = [(topic, json.dumps(content)) for topic, content in held.items()]
        for topic, message in messages:
            broker.publish(topic, message, qos=1)
        time.sleep(period_s)


main()
