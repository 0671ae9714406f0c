"""Hands datagrams that come to a port on to a topic of a broker: `mqtt_bridge.py UDP_PORT BROKER_PORT TOPIC`; prints the UDP port.

So that a publisher which speaks UDP alone is heard over a broker, byte for byte as it encoded them.
"""

from __future__ import annotations

import socket
import sys
import threading

import paho.mqtt.client as mqtt


def main() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as near:
        near.bind(("127.0.0.1", int(sys.argv[1])))
        broker = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        broker.connect("127.0.0.1", int(sys.argv[2]))
        broker.loop_start()
        threading.Thread(target=hand_on, args=(near, broker, sys.argv[3]), daemon=True).start()
        print(near.getsockname()[1], flush=True)
        sys.stdin.read()


def hand_on(near: socket.socket, broker: mqtt.Client, topic: str) -> None:
    while True:
        broker.publish(topic, near.recv(65_535), qos=1)


main()
