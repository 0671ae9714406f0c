"""Both brokers, mosquitto and the embedded one, with the throw-away CA."""

from __future__ import annotations

import asyncio
import os
import ssl
import stat
from contextlib import suppress
from pathlib import Path

import aiomqtt
import pytest

from gateway.demo import ca
from gateway.demo.broker import Broker, Kind, mosquitto
from gateway.demo.sensors import context, publish


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ca.make(tmp_path_factory.mktemp("certs"))


@pytest.fixture(params=["mosquitto", "embedded"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """Each broker there is."""
    if request.param == "mosquitto" and mosquitto() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("mosquitto is not installed")
        pytest.skip("mosquitto is not installed")
    if request.param == "embedded":
        pytest.importorskip("amqtt")
    found: Kind = request.param
    return found


def test_keys_are_for_the_owner_only(certs: Path) -> None:
    for name in ca.NAMES:
        assert stat.S_IMODE((certs / f"{name}.key").stat().st_mode) == 0o600


def test_sensors_publish_over_mutual_tls_and_a_stranger_is_refused(kind: Kind, certs: Path, tmp_path: Path) -> None:
    async def body() -> None:
        async with Broker(tmp_path, certs=certs, kind=kind) as broker:
            sensors = asyncio.create_task(publish(broker.url, certs, 0.1))
            async with aiomqtt.Client("127.0.0.1", broker.port, tls_context=context(certs)) as client:
                await client.subscribe("plant/gas/3")
                message = await asyncio.wait_for(anext(aiter(client.messages)), 5)
                assert b'"lel"' in bytes(message.payload)  # type: ignore[arg-type]
            sensors.cancel()
            await asyncio.wait([sensors])
            stranger = ssl.create_default_context(cafile=str(certs / "ca.pem"))
            reader, writer = await asyncio.open_connection("127.0.0.1", broker.port, ssl=stranger)
            writer.write(bytes.fromhex("100d00044d51545404020008000161"))  # CONNECT of client "a", MQTT 3.1.1
            with suppress(ssl.SSLError, ConnectionError):  # the alert, or the broker hung up first
                assert await asyncio.wait_for(reader.read(1), 5) == b"", "a CONNACK for a client without certificate"
            writer.close()

    asyncio.run(body())


def test_kill_and_restart_keep_the_port(kind: Kind, tmp_path: Path) -> None:
    async def body() -> None:
        async with Broker(tmp_path, kind=kind) as broker:
            await broker.kill()
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", broker.port)
            await broker.start()
            await broker.restart()
            async with aiomqtt.Client("127.0.0.1", broker.port) as client:
                await client.publish("a", "1", qos=1)

    asyncio.run(body())
