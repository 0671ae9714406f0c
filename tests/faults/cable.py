"""What cable and broker can do to the session: each function is one campaign against a real mosquitto over mutual TLS."""

from __future__ import annotations

import asyncio
import json
import random
import signal
import socket
import struct
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

from gateway.upstream.session import Settings
from tests.upstream.plant import Broker, Gateway, Observer, Proxy

RATE_HZ = 40.0
RESET = struct.pack("ii", 1, 0)  # SO_LINGER 0: the close is an RST


@dataclass
class Delivered:
    """What the outside observer holds against what was produced. `wrong` must stay empty."""

    produced: int = 0
    received: int = 0
    repeats: int = 0
    noticed_s: float = 0.0
    recovered_s: float = 0.0
    wrong: list[str] = field(default_factory=list)


class Rough(Proxy):
    """A proxy that does to TCP what a bad line does: it stalls, chops, cuts, and lets answers get lost."""

    def __init__(self, target: int, dice: random.Random) -> None:
        super().__init__(target)
        self._dice = dice
        self._writers: set[asyncio.StreamWriter] = set()
        self.stall = 0.0  # this share of pieces waits 0.2 to 1 s, as a lost segment does until it is sent again
        self.chop = False  # pieces of 1 to 40 bytes
        self.deaf = False  # nothing comes back: what the broker acknowledges is lost

    def reset_all(self) -> None:
        """Every connection ends with an RST, now."""
        for writer in list(self._writers):
            found = writer.get_extra_info("socket")
            if found is not None:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        back = writer.get_extra_info("sockname")[1] == self.port
        try:
            while data := await reader.read(65536):
                await self._open.wait()
                if back and self.deaf:
                    continue
                for piece in self._pieces(data):
                    if self._dice.random() < self.stall:
                        await asyncio.sleep(self._dice.uniform(0.2, 1.0))
                    writer.write(piece)
                    await writer.drain()
            raise EOFError
        finally:
            self._writers.discard(writer)

    def _pieces(self, data: bytes) -> list[bytes]:
        if not self.chop:
            return [data]
        pieces, at = [], 0
        while at < len(data):
            size = self._dice.randint(1, 400)
            pieces.append(data[at : at + size])
            at += size
        return pieces


@dataclass
class Scene:
    """What a deed may touch."""

    gateway: Gateway
    proxy: Rough
    broker: Broker


Deed = Callable[[Scene], Awaitable[None]]


def campaign(folder: Path, deed: Deed, seed: int = 1) -> Delivered:
    """Alarms of all priorities at `RATE_HZ` while `deed` runs; then the line is whole, and everything must arrive."""
    folder.mkdir(parents=True)
    broker = Broker(folder)
    broker.start()
    observer = Observer(broker.plain_port)
    try:
        found = asyncio.run(_run(folder, broker, observer, deed, random.Random(seed)))
    finally:
        observer.close()
        broker.stop()
    forms: dict[str, set[bytes]] = defaultdict(set)
    for _, payload in observer.seen:
        forms[json.loads(payload)["id"]].add(payload)
    found.received, found.repeats = len(forms), len(observer.seen) - len(forms)
    found.wrong += [f"two events of one id: {one}" for one, bytes_ in forms.items() if len(bytes_) > 1]
    if found.received != found.produced:
        found.wrong.append(f"lost: {found.produced - found.received}")
    return found


async def _run(folder: Path, broker: Broker, observer: Observer, deed: Deed, dice: random.Random) -> Delivered:
    proxy, found = Rough(broker.port, dice), Delivered()
    await proxy.start()
    async with Gateway(folder / "gw", Settings(broker.address(proxy.port))) as gateway:
        await gateway.until(lambda: gateway.session.view.connected)
        storm = asyncio.create_task(_storm(gateway, dice))
        began = time.monotonic()
        await deed(Scene(gateway, proxy, broker))
        storm.cancel()
        if gateway.first_lost_at:
            found.noticed_s = gateway.first_lost_at - began
        proxy.stall, proxy.chop, proxy.deaf = 0.0, False, False
        healed = time.monotonic()
        await gateway.delivered(60 + gateway.outbox.counts().queued / 200)
        found.recovered_s, found.produced = time.monotonic() - healed, gateway.outbox.counts().produced
        await _heard(observer, found.produced)
        if gateway.unbalanced:
            found.wrong.append(f"unbalanced: {gateway.unbalanced} readings")
    await proxy.stop()
    return found


async def _heard(observer: Observer, count: int) -> None:
    """Everything the broker has acknowledged reaches the observer, or the comparison says what does not."""
    for _ in range(120):
        if len({json.loads(payload)["id"] for _, payload in list(observer.seen)}) >= count:
            return
        await asyncio.sleep(0.5)


async def _storm(gateway: Gateway, dice: random.Random) -> None:
    while True:
        gateway.alarm(dice.choice((1, 2, 3, 3, 4, 4)))
        await asyncio.sleep(1 / RATE_HZ)


def pulled(seconds: float) -> Deed:
    """The cable is out: both sockets stay open, nothing passes."""

    async def deed(scene: Scene) -> None:
        scene.proxy.black_hole()
        await asyncio.sleep(seconds)
        scene.proxy.heal()

    return deed


def broker_killed(seconds: float) -> Deed:
    """kill -9 of the broker, and its return."""

    async def deed(scene: Scene) -> None:
        await asyncio.sleep(0.5)
        scene.broker.stop(signal.SIGKILL)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(scene.broker.start)

    return deed


def broker_restarted(times: int) -> Deed:
    """The broker stops in order and starts again, over and over."""

    async def deed(scene: Scene) -> None:
        for _ in range(times):
            await asyncio.to_thread(scene.broker.stop, signal.SIGTERM)
            await asyncio.to_thread(scene.broker.start)
            await scene.gateway.until(lambda: scene.gateway.session.view.connected, 30)
            await asyncio.sleep(0.2)

    return deed


def reset_storm(seconds: float) -> Deed:
    """Every connection is reset a few times a second."""

    async def deed(scene: Scene) -> None:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            await asyncio.sleep(0.4)
            scene.proxy.reset_all()

    return deed


def bad_line(seconds: float) -> Deed:
    """Three pieces of ten come late, as after a loss, and all come in bits."""

    async def deed(scene: Scene) -> None:
        scene.proxy.stall, scene.proxy.chop = 0.3, True
        await asyncio.sleep(seconds)

    return deed


def answers_lost(times: int) -> Deed:
    """The broker takes it, the answer is lost, the connection breaks: all of it is sent a second time."""

    async def deed(scene: Scene) -> None:
        for _ in range(times):
            scene.proxy.deaf = True
            await asyncio.sleep(0.5)
            scene.proxy.reset_all()
            scene.proxy.deaf = False
            await scene.gateway.until(lambda: scene.gateway.session.view.connected, 30)
            await asyncio.sleep(0.5)

    return deed
