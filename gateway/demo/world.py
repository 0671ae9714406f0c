"""Everything around the gateway in the demo: plant, broker, sensors, a receiver in the plant network. Each its own process."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiomqtt

from gateway.demo import ca
from gateway.demo.broker import Broker

KEPT = 10_000  # identifiers a receiver remembers to tell repeats from new alarms


class PortBusy(Exception):
    """A port of the demo is taken by someone else."""


@dataclass(slots=True)
class Receiver:
    """What the plant network sees: every alarm that arrives, by id."""

    say: Callable[[str], None]
    seen: dict[str, bytes] = field(default_factory=dict)
    repeats: int = 0
    changed: int = 0  # repeats that were not byte for byte the same

    def take(self, topic: str, payload: bytes) -> None:
        """One message of an alarm topic."""
        alarm: dict[str, Any] = json.loads(payload)
        earlier = self.seen.get(alarm["id"])
        if earlier is not None:
            self.repeats += 1
            self.changed += earlier != payload
            return
        if len(self.seen) >= KEPT:
            del self.seen[next(iter(self.seen))]
        self.seen[alarm["id"]] = payload
        self.say(
            f"upstream: {topic.rsplit('/', 1)[1]} {alarm['ev']} (P{alarm['prio']}, {alarm['dt_ms']} ms after its cause)"
        )

    async def run(self, broker: Broker, certs: Path) -> None:
        """Subscribe and take until cancelled."""
        context = ssl.create_default_context(cafile=str(certs / "ca.pem"))
        context.load_cert_chain(certs / "receiver.pem", certs / "receiver.key")
        async with aiomqtt.Client("127.0.0.1", broker.port, tls_context=context, identifier="demo-receiver") as client:
            await client.subscribe("gatehouse/v1/+/+/alarm/#", qos=1)
            async for message in client.messages:
                if isinstance(message.payload, bytes):
                    self.take(str(message.topic), message.payload)


def must_be_free(*ports: int) -> None:
    """Raises PortBusy with the port's number."""
    for port in ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                raise PortBusy(f"port {port} of 127.0.0.1 is in use: {error.strerror}") from error


async def _process(module: str, *args: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(sys.executable, "-m", module, *args, stdin=asyncio.subprocess.DEVNULL)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.terminate()
        try:
            async with asyncio.timeout(3):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


@asynccontextmanager
async def world(
    site: Path, state: Path, plant_port: int, broker_port: int, script: bool
) -> AsyncIterator[tuple[Broker, Path]]:
    """Start CA, broker, plant and sensors; gives the broker and the plant's control socket. Raises PortBusy."""
    must_be_free(plant_port, broker_port)
    certs = ca.make(site / "certs")
    await asyncio.to_thread(state.mkdir, parents=True, exist_ok=True)
    control = state / "plant.sock"
    async with Broker(state / "broker", broker_port, certs=certs) as broker:
        story = ["--script"] if script else []
        plant = await _process("gateway.demo.plant", "--port", str(plant_port), "--control", str(control), *story)
        hooks = str(state / "sensors.sock")
        sensors = await _process("gateway.demo.sensors", "--url", broker.url, "--certs", str(certs), "--control", hooks)
        try:
            async with asyncio.timeout(15):
                while not control.exists():  # noqa: ASYNC110 - another process makes it
                    await asyncio.sleep(0.05)
            yield broker, control
        finally:
            await _end(sensors)
            await _end(plant)
