"""A queue of many alarms drained over TLS with a live P1 in front, and a flood on its way to the disk."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import paho.mqtt.client as paho
import uvloop

from gateway.upstream.link import Address
from gateway.upstream.session import Settings
from tests.bench.figure import figure
from tests.upstream.plant import Broker, Gateway

LIVE = 20
FLOOD = 5_000


def drain(folder: Path, alarms: int) -> list[dict[str, Any]]:
    """`alarms` queued while offline; then the broker is there, and live P1 come in between."""
    folder.mkdir(parents=True)
    broker = Broker(folder, saves=False, queued=alarms + 1_000)
    broker.start()
    observe = [sys.executable, "-m", "tests.bench.queued", str(broker.plain_port), str(alarms + LIVE)]
    with subprocess.Popen(observe, stdout=subprocess.PIPE, text=True) as observer:
        assert observer.stdout is not None
        assert observer.stdout.readline() == "ready\n"
        uvloop.run(_queue(folder, broker, alarms))
        size = sum(os.stat(path).st_size for path in (folder / "gw").iterdir() if path.name != "reserve")
        rate, live_ms = uvloop.run(_drain(folder, broker, alarms))
        distinct = int(observer.stdout.readline())
    broker.stop()
    must = 1e9 if alarms >= 1_000_000 else alarms * 1_000
    return [
        figure(f"{alarms:,} alarms queued", size / 1e6, "MB", "10^6 <= 1 GB", size <= must),
        figure(f"{alarms:,} alarms drained over TLS", rate, "alarms/s", ">= 2,000/s", rate >= 2_000),
        figure("distinct alarms at the observer", distinct, "alarms", "all", distinct == alarms + LIVE),
        figure("a live P1 meanwhile, to the PUBACK", live_ms, "ms worst", "<= 1 s", live_ms <= 1_000),
    ]


def flood(folder: Path) -> list[dict[str, Any]]:
    """All alarms of a flood at once, until the last one is durable."""
    took_s = uvloop.run(_flood(folder))
    return [figure(f"{FLOOD:,} alarms journalled", took_s, "s", "<= 2 s", took_s <= 2)]


async def _queue(folder: Path, broker: Broker, alarms: int) -> None:
    nowhere = Address("127.0.0.1", 1, *[str(path) for path in (broker.ca.path, *broker.client)])
    async with Gateway(folder / "gw", Settings(nowhere), pause_s=60) as gateway:
        for n in range(alarms):
            gateway.alarm(n % 2 + 3)
            if n % 4_000 == 3_999:
                await gateway.until(lambda: gateway.outbox.counts().pending == 0, 60)
        await gateway.until(lambda: gateway.outbox.counts().queued == alarms, 60)


async def _drain(folder: Path, broker: Broker, alarms: int) -> tuple[float, float]:
    worst = 0.0
    async with Gateway(folder / "gw", Settings(broker.address())) as gateway:
        await gateway.until(lambda: gateway.session.view.connected)
        start = time.monotonic()
        for n in range(1, LIVE + 1):
            began = time.monotonic()
            gateway.alarm(1)
            await gateway.until(lambda n=n: gateway.outbox.by_lane()[1]["confirmed"] >= n, 20)
            worst = max(worst, time.monotonic() - began)
        await gateway.until(lambda: not gateway.outbox.counts().queued, 3_600)
        took = time.monotonic() - start
    return (alarms + LIVE) / took, worst * 1_000


async def _flood(folder: Path) -> float:
    nowhere = Address("127.0.0.1", 1, "missing.pem", "missing.pem", "missing.pem")
    async with Gateway(folder / "gw", Settings(nowhere), pause_s=60) as gateway:
        start = time.monotonic()
        for n in range(FLOOD):
            gateway.alarm(n % 4 + 1)
        await gateway.until(lambda: gateway.outbox.counts().pending == 0 and gateway.outbox.counts().queued == FLOOD)
        return time.monotonic() - start


def observe(port: int, count: int) -> None:
    """In a process of its own: take `count` alarms and print how many of them are distinct."""
    seen: set[str] = set()
    enough = threading.Event()

    def take(_client: object, _userdata: object, message: paho.MQTTMessage) -> None:
        seen.add(json.loads(message.payload)["id"])
        if len(seen) >= count:
            enough.set()

    def ready(client: paho.Client, *_: object) -> None:
        client.subscribe("gatehouse/v1/+/+/alarm/#", 1)

    client = paho.Client(paho.CallbackAPIVersion.VERSION2, protocol=paho.MQTTv311)
    client.on_message, client.on_connect = take, ready
    client.on_subscribe = lambda *_: print("ready", flush=True)
    client.connect("127.0.0.1", port)
    client.loop_start()
    enough.wait(3_600)
    client.disconnect()
    client.loop_stop()
    print(len(seen), flush=True)


if __name__ == "__main__":
    observe(int(sys.argv[1]), int(sys.argv[2]))
