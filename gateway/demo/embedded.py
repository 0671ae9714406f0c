"""The embedded broker as a process: `python -m gateway.demo.embedded CONFIG`; CONFIG has {"port": 8883, "certs": "…"}.

MQTT 3.1.1 in memory (amqtt, extra `demo`), for machines without mosquitto. With `certs` clients must have one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import ssl
import sys
from pathlib import Path
from typing import Any

from amqtt.broker import Broker
from amqtt.contexts import BrokerConfig


class Embedded(Broker):  # type: ignore[misc]
    """The library's broker with client certificates required: its own listener only asks for them."""

    @staticmethod
    def _create_ssl_context(listener: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(listener["cafile"])
        context.load_cert_chain(listener["certfile"], listener["keyfile"])
        return context


def config(port: int, certs: str) -> BrokerConfig:
    """One listener on 127.0.0.1."""
    listener: dict[str, Any] = {"type": "tcp", "bind": f"127.0.0.1:{port}"}
    if certs:
        folder = Path(certs)
        listener |= {"ssl": True, "cafile": str(folder / "ca.pem")}
        listener |= {"certfile": str(folder / "server.pem"), "keyfile": str(folder / "server.key")}
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    return BrokerConfig.from_dict({"listeners": {"default": listener}, "plugins": plugins})


async def serve(port: int, certs: str) -> None:
    """Run until SIGTERM."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    broker = Embedded(config(port, certs))
    await broker.start()
    await stop.wait()
    await broker.shutdown()


def main() -> None:
    """Read the configuration and serve."""
    logging.basicConfig(level=logging.WARNING)
    given = json.loads(Path(sys.argv[1]).read_text())
    asyncio.run(serve(int(given["port"]), str(given["certs"])))


if __name__ == "__main__":
    main()
