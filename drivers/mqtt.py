"""MQTT sensors: topics with JSON payloads, `topic#/json/pointer`; `topic` alone for a payload that is a plain number.

Protocol: MQTT 5.0 and 3.1.1 (OASIS), TLS 1.2 or later. Library: aiomqtt >= 2.5, < 3 (3.x drops 3.1.1).
Not supported: outputs, wildcards, Sparkplug B, binary payloads, WebSockets. Words for people are published to the declared
topics at QoS 1, never retained: told when the broker has acknowledged them, and (MQTT 5) forgotten by it when they are too old.

Every topic is one group: a live message confirms it. A retained message is the broker's memory and confirms nothing; it is
counted in `retained` and ignored. Messages beyond `queue_messages` are dropped, counted in `dropped`, and turn the tags of
their topic BAD (OVERFLOW) until the queue has been emptied.

name: MQTT sensors | MQTT 传感器
done: MQTT 5.0 and 3.1.1, TLS with client certificate, user name | MQTT 5.0 与 3.1.1，TLS 客户端证书，用户名
done: values in JSON by pointer, or a plain number; the sensor's own time | 按指针读取 JSON 中的数值或纯数字；传感器自带时间
done: a topic confirms its own tags only; a retained message confirms nothing | 主题只确认自己的点；保留消息不作确认
todo: Sparkplug B | Sparkplug B
exempt: writing: an output needs a read-back | 写入：输出必须能够回读
exempt: wildcards: a tag is one place | 通配符：一个点对应一个位置
peer: mosquitto (broker and publisher) | mosquitto（代理与发布端）
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import math
import socket
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

import aiomqtt
import numpy as np
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from pydantic import BaseModel, ConfigDict, Field, field_validator

from drivers.base import Emit, Plan, PlannedTag, Point, PointSpec, ReadBack, WriteCommand
from drivers.mqtt_payload import Reading, Undecodable, document, parse_address, pointer, reading, source_time
from gateway.core.errors import AddressError, SourceError
from gateway.core.samples import FEW_MAX, Alive, Columns, Few, Personal
from gateway.core.tags import Cause, Group, Quality

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


class Settings(BaseModel):
    """Keys of a source read over MQTT. Paths are as given; `time` is a JSON pointer to the time in each payload."""

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
    time: str = ""

    @field_validator("url")
    @classmethod
    def _url(cls, url: str) -> str:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.username:
            raise ValueError("write mqtt://host:1883 or mqtts://host:8883, without user and path")
        _ = parts.port  # raises ValueError where it is no port
        return url

    @field_validator("time")
    @classmethod
    def _time(cls, text: str) -> str:
        pointer(text)
        return text


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    return parse_address(spec)


def check_channel(settings: Settings, address: str) -> None:
    """A topic that words may be published to. Raises AddressError."""
    if not address or len(address.encode()) > 256 or set(address) & set("#+\0") or address.startswith("$"):
        raise AddressError(
            "a topic of 1 to 256 bytes without #, + and a leading $, such as plant/voice/helmet",
            "请填写 1 至 256 字节的主题，不含 # 与 +，且不以 $ 开头，例如 plant/voice/helmet",
        )


class Driver:
    """One session with a broker."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.settings = settings
        self.plan = plan
        self.retained = 0  # retained messages ignored
        self.dropped = 0  # messages that found the queue full
        self.undecodable = 0  # payloads that were not JSON or too large
        self.groups: dict[str, list[tuple[Group, list[PlannedTag]]]] = {}
        for group, tags in zip(plan.groups, plan.tags, strict=True):
            self.groups.setdefault(tags[0].point.key.topic, []).append((group, list(tags)))
        self.steps = pointer(settings.time)
        self.last: dict[int, tuple[list[Reading], float]] = {}  # group -> what was emitted, when (monotonic s)
        self.lost: set[str] = set()  # topics of which messages were dropped since the queue was last empty
        self._open: aiomqtt.Client | None = None  # the session, while it stands

    async def run(self, emit: Emit) -> None:
        """Connect, subscribe and emit until cancelled. Raises SourceError."""
        self.last.clear()
        self.lost.clear()
        tls = self._tls()
        await self._reach(tls, 0.0)
        try:
            async with self._session(self._client(tls, emit)) as client:
                await self._subscribe(client, emit)
                self._open = client
                async for message in client.messages:
                    self._receive(message, emit)
                    if self.lost and not len(client.messages):
                        self.lost.clear()
        except aiomqtt.MqttCodeError as error:
            refused = getattr(error.rc, "value", 0) in REFUSED_CODES
            raise SourceError(f"broker: {error}", Cause.REFUSED if refused else Cause.COMMS, slow=refused) from error
        except aiomqtt.MqttError as error:
            if tls is not None and "timed out" in str(error):
                await self._reach(tls, ALERT_S)  # the library hides why; ask the broker again and listen
            raise SourceError(f"broker: {error.__cause__ or error}") from error
        finally:
            self._open = None

    async def tell(self, address: str, payload: bytes, valid_s: float) -> None:
        """Publish words to a declared topic; returns when the broker has acknowledged them. Raises SourceError."""
        assert address in self.plan.channels, f"{address} is not declared"
        client = self._open
        if client is None:
            raise SourceError("the broker is not connected")
        properties = None
        if self.settings.protocol == "5":
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.MessageExpiryInterval = max(1, math.ceil(valid_s))
        try:
            async with asyncio.timeout(valid_s):
                await client.publish(address, payload, qos=1, properties=properties, timeout=NEVER_S)
        except TimeoutError as error:
            raise SourceError("the broker does not acknowledge") from error
        except aiomqtt.MqttError as error:
            raise SourceError(f"broker: {error}") from error

    async def write(self, command: WriteCommand) -> ReadBack:
        """Refused: nothing is written over MQTT."""
        return ReadBack(False, error="the driver mqtt does not write")

    def _tls(self) -> ssl.SSLContext | None:
        """The TLS context of the session; None for a plain one. Raises SourceError."""
        given = self.settings
        if urlsplit(given.url).scheme == "mqtt":
            return None
        try:
            context = ssl.create_default_context(cafile=given.ca)
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if given.certificate is not None:
                context.load_cert_chain(given.certificate, given.key)
        except OSError as error:  # ssl.SSLError is one
            raise SourceError(f"certificate files: {error}", Cause.REFUSED, slow=True) from error
        return context

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
                        "the broker hung up after the TLS handshake: certificate not accepted?",
                        Cause.REFUSED,
                        slow=True,
                    )
        except ssl.SSLError as error:
            raise SourceError(f"TLS: {error.reason or error}", Cause.REFUSED, slow=True) from error
        except TimeoutError as error:
            if writer is None:
                raise SourceError(f"no answer from {host}:{port}") from error
        except OSError as error:
            raise SourceError(f"{host}:{port}: {error}") from error
        finally:
            if writer is not None:
                writer.transport.abort()

    def _target(self) -> tuple[str, int]:
        parts = urlsplit(self.settings.url)
        return parts.hostname or "", parts.port or PORTS[parts.scheme]

    def _client(self, tls: ssl.SSLContext | None, emit: Emit) -> aiomqtt.Client:
        given = self.settings
        host, port = self._target()
        try:
            password = given.password_file.read_text().strip() if given.password_file else None
        except (OSError, ValueError) as error:
            raise SourceError(f"password file: {error}", Cause.REFUSED, slow=True) from error
        five = given.protocol == "5"
        return aiomqtt.Client(
            host,
            port,
            username=given.username or None,
            password=password,
            logger=QUIET,
            identifier=given.client_id or self._identifier(),
            queue_type=bounded(lambda topic: self._drop(topic, emit)),
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
        return f"gatehouse-{self.plan.source}-{box}"

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

    async def _subscribe(self, client: aiomqtt.Client, emit: Emit) -> None:
        """All topics in one request; a refused one turns its tags BAD and leaves the others alone. Raises SourceError."""
        topics = list(self.groups)
        asked: list[tuple[str, int]] = [(topic, self.settings.qos) for topic in topics]
        try:
            async with asyncio.timeout(self.settings.connect_timeout_s):
                codes = await client.subscribe(asked, timeout=NEVER_S)
        except TimeoutError as error:
            raise SourceError("broker: no answer to the subscription") from error
        values = [code if isinstance(code, int) else int(code.value) for code in codes]
        refused = [topic for topic, value in zip(topics, values, strict=True) if value >= 128]
        if topics and len(refused) == len(topics):
            raise SourceError(f"broker refuses every topic, the first is {topics[0]}", Cause.REFUSED, slow=True)
        for topic in refused:
            self._spoil(topic, Cause.REFUSED, emit)

    def _drop(self, topic: str, emit: Emit) -> None:
        """A message found the queue full."""
        self.dropped += 1
        if topic not in self.lost:
            self.lost.add(topic)
            self._spoil(topic, Cause.OVERFLOW, emit)

    def _receive(self, message: aiomqtt.Message, emit: Emit) -> None:
        """One message to the blocks of its topic."""
        topic = str(message.topic)
        if message.retain:
            self.retained += 1
            return
        if topic in self.lost or topic not in self.groups:
            return  # older than what was dropped, or not asked for
        payload = message.payload if isinstance(message.payload, bytes | bytearray) else b""
        try:
            root = document(bytes(payload), self.settings.payload_bytes_max)
        except Undecodable:
            self.undecodable += 1
            self._spoil(topic, Cause.DECODE, emit)
            return
        at_ns = source_time(root, self.steps) if self.steps else 0
        for group, tags in self.groups[topic]:
            self._emit(group, tags, [reading(root, entry) for entry in tags], at_ns, emit)

    def _spoil(self, topic: str, cause: Cause, emit: Emit) -> None:
        """All tags of a topic BAD now."""
        for group, tags in self.groups.get(topic, ()):
            bad = (float("nan"), int(Quality.BAD), int(cause))
            self._emit(group, tags, [bad] * len(tags), 0, emit)

    def _emit(self, group: Group, tags: list[PlannedTag], readings: list[Reading], at_ns: int, emit: Emit) -> None:
        """`Alive` where everything is GOOD and as before within the freshness limit, otherwise the values."""
        now_s = time.monotonic()
        before, then_s = self.last.get(group.number, ([], 0.0))
        self.last[group.number] = (readings, now_s)
        good = all(quality == Quality.GOOD for _, quality, _ in readings)
        if good and readings == before and (now_s - then_s) * 1000.0 < group.stale_ms:
            emit(Alive(group.number))
            return
        clock: Literal["none", "device"] = "device" if at_ns else "none"
        if len(tags) > FEW_MAX and not any(entry.tag.personal for entry in tags):
            values = np.array([value for value, _, _ in readings], np.float64)
            qualities = np.array([quality for _, quality, _ in readings], np.uint8)
            causes = np.array([cause for _, _, cause in readings], np.uint8)
            emit(Columns(group.number, values, qualities, causes, at_ns, 0, clock))
            return
        for personal in (False, True):
            chosen = [
                (entry.tag.number, *found)
                for entry, found in zip(tags, readings, strict=True)
                if entry.tag.personal is personal
            ]
            for first in range(0, len(chosen), FEW_MAX):
                part = [list(column) for column in zip(*chosen[first : first + FEW_MAX], strict=True)]
                emit(_few(group.number, part, personal, at_ns, clock))


def _few(
    group: int, columns: list[list[Any]], personal: bool, at_ns: int, clock: Literal["none", "device"]
) -> Few | Personal:
    numbers, values, qualities, causes = columns
    if personal:
        return Personal(group, numbers, values, qualities, causes, at_ns)
    return Few(group, numbers, values, qualities, causes, at_ns, 0, clock)


def bounded(dropped: Callable[[str], None]) -> type[asyncio.Queue[aiomqtt.Message]]:
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
