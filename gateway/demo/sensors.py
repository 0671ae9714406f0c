"""Wireless sensors of the demo plant: `python -m gateway.demo.sensors --url mqtts://127.0.0.1:8883 --certs CERTS`.

Publishes JSON at QoS 0, not retained, once per `--period-s`:

    plant/gas/3         {"lel": 4.2, "ts": "2026-11-23T08:14:07.412Z"}                     %LEL, 0..100, tank farm
    plant/gas/5         {"ch4_lel": 2.1, "co_ppm": 3.0, "ts": …}                           two channels in one message
    plant/vibration/7   {"rms": {"x": 1.9, "y": 2.2}, "bearing_degC": 48.0, "ts": …}       mm/s, pump 7

and what `detections.py` makes up. `--control PATH` opens a Unix socket that moves it, one JSON object a line:

    {"do": "set", "name": "leak.sound.f12", "value": 0.9}
    {"do": "event", "name": "harness_unhooked", "seen": true, "worker": 7}
    {"do": "event", "name": "minor_violation", "seen": true, "worker": 7, "kind": 2}
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import signal
import ssl
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import aiomqtt

from gateway.demo.detections import Detections

PUBLISH_S = 5.0  # ours: the library uses asyncio.wait_for, which on Python 3.11 can swallow a cancellation


def messages(at_s: float, noise: Random) -> dict[str, dict[str, object]]:
    """What the sensors say at this time, without the time."""

    def near(mean: float, spread: float) -> float:
        return round(max(0.0, mean + noise.gauss(0.0, spread)), 2)

    breath = math.sin(at_s / 20.0)
    return {
        "plant/gas/3": {"lel": near(4.2 + breath, 0.05)},
        "plant/gas/5": {"ch4_lel": near(2.1 + 0.5 * breath, 0.05), "co_ppm": near(3.0, 0.1)},
        "plant/vibration/7": {
            "rms": {"x": near(1.9, 0.1), "y": near(2.2, 0.1)},
            "bearing_degC": near(48.0 + 2.0 * breath, 0.1),
        },
    }


def context(certs: Path | None) -> ssl.SSLContext | None:
    """Mutual TLS with the certificate named sensors."""
    if certs is None:
        return None
    tls = ssl.create_default_context(cafile=str(certs / "ca.pem"))
    tls.load_cert_chain(certs / "sensors.pem", certs / "sensors.key")
    return tls


async def publish(
    url: str, certs: Path | None, period_s: float, seed: int = 1, detections: Detections | None = None
) -> None:
    """Publish until cancelled; a broker that is away is tried again each second."""
    target = urlsplit(url)
    seen = detections or Detections()
    noise, loop = Random(seed), asyncio.get_running_loop()
    while True:
        try:
            async with aiomqtt.Client(
                target.hostname or "127.0.0.1",
                target.port or 1883,
                identifier="demo-sensors",
                tls_context=context(certs),
            ) as client:
                while True:
                    stamp = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
                    async with asyncio.timeout(PUBLISH_S):
                        for topic, values in (messages(loop.time(), noise) | seen.messages()).items():
                            payload = json.dumps({**values, "ts": stamp})
                            await client.publish(topic, payload, timeout=math.inf)
                    await asyncio.sleep(period_s)
        except (aiomqtt.MqttError, TimeoutError) as error:
            print(f"sensors: broker away ({error})", flush=True)
            await asyncio.sleep(1.0)


async def serve(detections: Detections, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One client of the control socket."""
    try:
        while line := await reader.readline():
            writer.write(json.dumps(_moved(detections, line)).encode() + b"\n")
            await writer.drain()
    except (ConnectionError, ValueError):
        pass  # the client left, or sent a line without end
    finally:
        writer.close()


def _moved(detections: Detections, line: bytes) -> dict[str, object]:
    try:
        asked = json.loads(line)
        if asked["do"] == "set":
            detections.set(asked["name"], float(asked["value"]))
        else:
            detections.event(asked["name"], bool(asked["seen"]), int(asked["worker"]), int(asked.get("kind", 1)))
    except (KeyError, TypeError, ValueError) as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {}


async def _main(url: str, certs: Path | None, period_s: float, control: Path | None) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    detections = Detections()
    if control is None:
        await publish(url, certs, period_s, detections=detections)
        return
    await asyncio.to_thread(control.unlink, missing_ok=True)  # of a demo that was killed
    async with await asyncio.start_unix_server(partial(serve, detections), str(control)):
        await publish(url, certs, period_s, detections=detections)


def main() -> None:
    """Publish until SIGTERM."""
    parser = argparse.ArgumentParser(prog="gateway.demo.sensors", description="the MQTT sensors of the demo plant")
    parser.add_argument("--url", default="mqtts://127.0.0.1:8883")
    parser.add_argument("--certs", type=Path)
    parser.add_argument("--period-s", type=float, default=1.0)
    parser.add_argument("--control", type=Path, help="Unix socket that moves what detectors and wearables say")
    given = parser.parse_args()
    try:
        asyncio.run(_main(given.url, given.certs, given.period_s, given.control))
    except asyncio.CancelledError:
        return  # SIGTERM: an orderly end


if __name__ == "__main__":
    main()
