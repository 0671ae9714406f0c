"""Wireless sensors of the demo plant: `python -m gateway.demo.sensors --url mqtts://127.0.0.1:8883 --certs CERTS`.

Publishes JSON at QoS 0, not retained, once per `--period-s`:

    plant/gas/3         {"lel": 4.2, "ts": "2026-11-23T08:14:07.412Z"}                     %LEL, 0..100, tank farm
    plant/gas/5         {"ch4_lel": 2.1, "co_ppm": 3.0, "ts": …}                           two channels in one message
    plant/vibration/7   {"rms": {"x": 1.9, "y": 2.2}, "bearing_degC": 48.0, "ts": …}       mm/s, pump 7
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import signal
import ssl
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import aiomqtt

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


async def publish(url: str, certs: Path | None, period_s: float, seed: int = 1) -> None:
    """Publish until cancelled; a broker that is away is tried again each second."""
    target = urlsplit(url)
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
                        for topic, values in messages(loop.time(), noise).items():
                            payload = json.dumps({**values, "ts": stamp})
                            await client.publish(topic, payload, timeout=math.inf)
                    await asyncio.sleep(period_s)
        except (aiomqtt.MqttError, TimeoutError) as error:
            print(f"sensors: broker away ({error})", flush=True)
            await asyncio.sleep(1.0)


async def _main(url: str, certs: Path | None, period_s: float) -> None:
    task = asyncio.current_task()
    assert task is not None
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    await publish(url, certs, period_s)


def main() -> None:
    """Publish until SIGTERM."""
    parser = argparse.ArgumentParser(prog="gateway.demo.sensors", description="the MQTT sensors of the demo plant")
    parser.add_argument("--url", default="mqtts://127.0.0.1:8883")
    parser.add_argument("--certs", type=Path)
    parser.add_argument("--period-s", type=float, default=1.0)
    given = parser.parse_args()
    try:
        asyncio.run(_main(given.url, given.certs, given.period_s))
    except asyncio.CancelledError:
        return  # SIGTERM: an orderly end


if __name__ == "__main__":
    main()
