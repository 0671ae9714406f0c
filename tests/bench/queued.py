"""A queue of many alarms drained over TLS with a live P1 in front, and a flood on its way to the disk."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import uvloop

from gateway.upstream.link import Address
from gateway.upstream.session import Settings
from tests.bench.figure import figure
from tests.upstream.plant import Broker, Gateway, Observer

LIVE = 20
FLOOD = 5_000


def drain(folder: Path, alarms: int) -> list[dict[str, Any]]:
    """`alarms` queued while offline; then the broker is there, and live P1 come in between."""
    folder.mkdir(parents=True)
    broker = Broker(folder)
    broker.start()
    observer = Observer(broker.plain_port)
    try:
        uvloop.run(_queue(folder, broker, alarms))
        size = sum(os.stat(path).st_size for path in (folder / "gw").iterdir() if path.name != "reserve")
        rate, live_ms = uvloop.run(_drain(folder, broker, observer, alarms))
    finally:
        observer.close()
        broker.stop()
    must = 1e9 if alarms >= 1_000_000 else alarms * 1_000
    return [
        figure(f"{alarms:,} alarms queued", size / 1e6, "MB", "10^6 <= 1 GB", size <= must),
        figure(f"{alarms:,} alarms drained over TLS", rate, "alarms/s", ">= 2,000/s", rate >= 2_000),
        figure(
            "a live P1 meanwhile, to the observer", live_ms, "ms worst", "before the backlog: <= 1 s", live_ms <= 1_000
        ),
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


async def _drain(folder: Path, broker: Broker, observer: Observer, alarms: int) -> tuple[float, float]:
    worst = 0.0
    async with Gateway(folder / "gw", Settings(broker.address())) as gateway:
        await gateway.until(lambda: gateway.session.view.connected)
        start = time.monotonic()
        for n in range(LIVE):
            began = time.monotonic()
            gateway.alarm(1)
            await gateway.until(lambda n=n: _heard(observer, n + 1), 20)
            worst = max(worst, time.monotonic() - began)
            await asyncio.sleep(0.05)
        while gateway.outbox.counts().queued:
            await asyncio.sleep(0.02)
        took = time.monotonic() - start
        total = alarms + LIVE
        assert gateway.outbox.counts().confirmed == total, gateway.outbox.counts()
        await gateway.until(lambda: len(observer.seen) >= total, 60)
    assert len({json.loads(payload)["id"] for _, payload in observer.seen}) == total
    return total / took, worst * 1_000


def _heard(observer: Observer, count: int) -> bool:
    """So many P1 have come: they are looked for from the end."""
    found = 0
    for topic, _ in reversed(observer.seen):
        found += "/alarm/p1/" in topic
        if found >= count:
            return True
    return False


async def _flood(folder: Path) -> float:
    nowhere = Address("127.0.0.1", 1, "missing.pem", "missing.pem", "missing.pem")
    async with Gateway(folder / "gw", Settings(nowhere), pause_s=60) as gateway:
        start = time.monotonic()
        for n in range(FLOOD):
            gateway.alarm(n % 4 + 1)
        await gateway.until(lambda: gateway.outbox.counts().pending == 0 and gateway.outbox.counts().queued == FLOOD)
        return time.monotonic() - start
