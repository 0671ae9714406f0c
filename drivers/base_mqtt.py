"""One session with an MQTT broker, for the drivers that read over one: connect, subscribe, hand on, and say plainly what is wrong.

Protocol: MQTT 5.0 and 3.1.1 (OASIS), TLS 1.2 or later. Library: aiomqtt >= 2.5, < 3 (3.x drops 3.1.1).
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import BaseModel, ConfigDict, Field, field_validator

from drivers.base_talk import both
from gateway.core.errors import AddressError, SourceError
from gateway.core.tags import Cause

PORTS = {"mqtt": 1883, "mqtts": 8883}
ALERT_S = 2.0  # a broker's TLS 1.3 alert about our certificate comes one round trip after the handshake
NEVER_S = math.inf  # the library's own deadlines are asyncio.wait_for, which on Python 3.11 can swallow a cancellation
THREAD_S = 0.8  # the library connects in a thread that cannot be cancelled; the supervisor grants one second
REFUSED_CODES = frozenset((128, 132, 133, 134, 135, 138, 140))  # MQTT 5 reason codes that trying again does not cure

# The library writes what it also raises, and the reason of a refused certificate in a form that nobody reads.
QUIET = logging.getLogger("drivers.mqtt.library")
QUIET.addHandler(logging.NullHandler())
QUIET.propagate = False
QUIET.setLevel(logging.CRITICAL)


class BrokerSettings(BaseModel):
    """The keys of every source that reads from a broker. Paths are as given."""

    model_config = ConfigDict(extra="forbid")
    url: str
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    username: str = ""
    password_file: Path | None = None
    protocol: Literal["5", "3.1.1"] = "5"
    client_id: str = Field(default="", max_length=64)
    qos: Literal[0, 1] = 1
    keep_alive_s: int = Field(default=8, ge=2, le=3600)
    connect_timeout_s: float = Field(default=5.0, ge=0.5, le=60.0)
    payload_bytes_max: int = Field(default=65_536, ge=16, le=16_777_216)
    queue_messages: int = Field(default=1000, ge=1, le=100_000)

    @field_validator("url")
    @classmethod
    def _url(cls, url: str) -> str:
        return broker_url(url)


def broker_url(url: str) -> str:
    """The address of a broker as given. Raises AddressError."""
    parts = urlsplit(url)
    try:
        wrong = parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.username
        _ = parts.port  # raises ValueError where it is no port
    except ValueError:
        wrong = True
    if wrong:
        raise AddressError(
            "write mqtt://host:1883 or mqtts://host:8883, without user and path",
            "请写 mqtt://主机:1883 或 mqtts://主机:8883，不含用户名和路径",
        )
    return url


def tls_of(given: BrokerSettings) -> ssl.SSLContext | None:
    """The TLS context of the session; None for a plain one. Raises SourceError."""
    if urlsplit(given.url).scheme == "mqtt":
        return None
    try:
        context = ssl.create_default_context(cafile=given.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if given.certificate is not None:
            context.load_cert_chain(given.certificate, given.key)
    except OSError as error:  # ssl.SSLError is one
        raise SourceError(
            both(f"certificate files: {error}", f"证书文件：{error}"), Cause.REFUSED, slow=True
        ) from error
    return context


Topic = str
Receive = Callable[[aiomqtt.Message, int], None]  # a message, and how many more wait


class Session:
    """Runs until cancelled. `receive` gets every message, `dropped` and `refused` the topics of what is missing."""

    def __init__(
        self,
        settings: BrokerSettings,
        source: str,
        topics: Sequence[Topic],
        receive: Receive,
        dropped: Callable[[Topic], None],
        refused: Callable[[Topic], None],
    ) -> None:
        self.settings = settings
        self.source = source
        self.topics = topics
        self.receive = receive
        self.dropped = dropped
        self.refused = refused
        self._open: aiomqtt.Client | None = None

    async def run(self) -> None:
        """Connect, subscribe and hand on until cancelled. Raises SourceError."""
        tls = tls_of(self.settings)
        await self._reach(tls, 0.0)
        try:
            async with self._session(self._client(tls)) as client:
                await self._subscribe(client, self.topics)
                self._open = client
                async for message in client.messages:
                    self.receive(message, len(client.messages))
        except aiomqtt.MqttCodeError as error:
            refused = getattr(error.rc, "value", 0) in REFUSED_CODES
            raise SourceError(
                both(f"broker: {error}", f"MQTT 代理：{error}"), Cause.REFUSED if refused else Cause.COMMS, slow=refused
            ) from error
        except aiomqtt.MqttError as error:
            if tls is not None and "timed out" in str(error):
                await self._reach(tls, ALERT_S)  # the library hides why; ask the broker again and listen
            raise SourceError(
                both(f"broker: {error.__cause__ or error}", f"MQTT 代理：{error.__cause__ or error}")
            ) from error
        finally:
            self._open = None

    async def publish(self, topic: Topic, payload: bytes, valid_s: float) -> None:
        """Returns when the broker has acknowledged it. Raises SourceError."""
        client = self._open
        if client is None:
            raise SourceError(both("the broker is not connected", "MQTT 代理未连接"))
        properties = None
        if self.settings.protocol == "5":
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = max(1, math.ceil(valid_s))
        try:
            async with asyncio.timeout(valid_s):
                await client.publish(topic, payload, qos=1, properties=properties, timeout=NEVER_S)
        except TimeoutError as error:
            raise SourceError(both("the broker does not acknowledge", "MQTT 代理未确认")) from error
        except aiomqtt.MqttError as error:
            raise SourceError(both(f"broker: {error}", f"MQTT 代理：{error}")) from error

    async def follow(self, topics: Sequence[Topic]) -> None:
        """Subscribe to what is new in `topics` and leave what is no longer in it. Raises SourceError."""
        client = self._open
        if client is None:
            self.topics = list(topics)  # for when it connects
            return
        left = [topic for topic in self.topics if topic not in set(topics)]
        new = [topic for topic in topics if topic not in set(self.topics)]
        self.topics = list(topics)
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                if left:
                    await client.unsubscribe(left, timeout=NEVER_S)
                if new:
                    await self._subscribe(client, new)
        except TimeoutError as error:
            raise SourceError(both("broker: no answer to a subscription", "MQTT 代理未应答订阅")) from error
        except aiomqtt.MqttError as error:
            raise SourceError(both(f"broker: {error}", f"MQTT 代理：{error}")) from error

    async def _reach(self, tls: ssl.SSLContext | None, listen_s: float) -> None:
        """Connect and go away again, so that what is wrong is known by name. Raises SourceError.

        With `listen_s` it stays to hear whether the broker refuses our certificate.
        """
        host, port = self._target()
        writer = None
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                reader, writer = await asyncio.open_connection(host, port, ssl=tls)
            if listen_s > 0.0:
                async with asyncio.timeout(listen_s):
                    heard = await reader.read(1)
                if not heard:
                    raise SourceError(
                        both(
                            "the broker hung up after the TLS handshake: certificate not accepted?",
                            "MQTT 代理在 TLS 握手后断开：证书是否未被接受？",
                        ),
                        Cause.REFUSED,
                        slow=True,
                    )
        except ssl.SSLError as error:
            raise SourceError(
                both(f"TLS: {error.reason or error}", f"TLS 错误：{error.reason or error}"), Cause.REFUSED, slow=True
            ) from error
        except TimeoutError as error:
            if writer is None:
                raise SourceError(both(f"no answer from {host}:{port}", f"{host}:{port} 无应答")) from error
        except OSError as error:
            raise SourceError(both(f"{host}:{port}: {error}", f"无法连接 {host}:{port}：{error}")) from error
        finally:
            if writer is not None:
                writer.transport.abort()

    def _target(self) -> tuple[str, int]:
        parts = urlsplit(self.settings.url)
        return parts.hostname or "", parts.port or PORTS[parts.scheme]

    def _client(self, tls: ssl.SSLContext | None) -> aiomqtt.Client:
        given = self.settings
        host, port = self._target()
        try:
            password = given.password_file.read_text().strip() if given.password_file else None
        except (OSError, ValueError) as error:
            raise SourceError(
                both(f"password file: {error}", f"口令文件：{error}"), Cause.REFUSED, slow=True
            ) from error
        five = given.protocol == "5"
        return aiomqtt.Client(
            host,
            port,
            username=given.username or None,
            password=password,
            logger=QUIET,
            identifier=given.client_id or self._identifier(),
            queue_type=_bounded(self.dropped),
            protocol=aiomqtt.ProtocolVersion.V5 if five else aiomqtt.ProtocolVersion.V311,
            clean_session=None if five else True,  # old samples kept by a broker would look like new ones
            clean_start=True if five else 3,  # 3: the library's "not given", the only value 3.1.1 allows
            timeout=given.connect_timeout_s,
            keepalive=given.keep_alive_s,
            max_queued_incoming_messages=given.queue_messages,
            tls_context=tls,
        )

    def _identifier(self) -> str:
        """Always the same for this source on this box, so that a broker closes a half-open session of ours."""
        box = hashlib.sha256(socket.gethostname().encode()).hexdigest()[:8]
        return f"gatehouse-{self.source}-{box}"

    @asynccontextmanager
    async def _session(self, client: aiomqtt.Client) -> AsyncIterator[aiomqtt.Client]:
        """The library's context, made to leave nothing behind when connecting fails or is cancelled."""
        entering = asyncio.create_task(client.__aenter__(), name="mqtt connect")
        entered = False
        try:
            await asyncio.shield(entering)
            entered = True
        finally:
            if not entered:
                await self._abandon(client, entering)
        try:
            yield client
        finally:
            client.timeout = THREAD_S
            with suppress(aiomqtt.MqttError):  # a broker that is frozen: the session is over all the same
                await client.__aexit__(None, None, None)

    async def _abandon(self, client: aiomqtt.Client, entering: asyncio.Task[aiomqtt.Client]) -> None:
        """The library's thread cannot be cancelled, and a late socket would take over our next session: wait, close."""
        await asyncio.wait([entering], timeout=THREAD_S)
        entering.cancel()
        client._client.disconnect()  # the library leaves the socket open when CONNACK says no or does not come
        await asyncio.wait([entering])
        if not entering.cancelled():
            entering.exception()  # told already, or no longer of interest

    async def _subscribe(self, client: aiomqtt.Client, topics: Sequence[Topic]) -> None:
        """All topics in one request; a refused one leaves the others alone. Raises SourceError."""
        if not topics:
            return  # nobody consents yet
        asked: list[tuple[str, int]] = [(topic, self.settings.qos) for topic in topics]
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                codes = await client.subscribe(asked, timeout=NEVER_S)
        except TimeoutError as error:
            raise SourceError(both("broker: no answer to the subscription", "MQTT 代理未应答订阅")) from error
        values = [code if isinstance(code, int) else int(code.value) for code in codes]
        refused = [topic for topic, value in zip(topics, values, strict=True) if value >= 128]
        if len(refused) == len(topics):
            raise SourceError(
                both(
                    f"broker refuses every topic, the first is {topics[0]}",
                    f"MQTT 代理拒绝全部主题，第一个为 {topics[0]}",
                ),
                Cause.REFUSED,
                slow=True,
            )
        for topic in refused:
            self.refused(topic)


def _bounded(dropped: Callable[[str], None]) -> type[asyncio.Queue[aiomqtt.Message]]:
    """A queue type for the library that tells of every message it has no room for, by topic."""

    class Bounded(asyncio.Queue[aiomqtt.Message]):
        """The library's queue; the library itself only logs a loss."""

        def put_nowait(self, item: aiomqtt.Message) -> None:
            try:
                super().put_nowait(item)
            except asyncio.QueueFull:
                dropped(str(item.topic))
                raise

    return Bounded
