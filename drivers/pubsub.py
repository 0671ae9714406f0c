"""OPC UA PubSub: data sets of publishers over UDP (multicast, unicast) and over a broker, followed writer by writer.

Protocol: OPC UA Part 14; UADP over UDP and over MQTT, JSON over MQTT. Library: aiomqtt for the broker; the encodings are our
own. Every data set writer is a group of its own: a key frame, a delta frame and a keep-alive confirm it, silence makes it
stale, and no other writer helps. What is not signed over UDP is refused unless the site says why and until when.

Address: publisher/writer group/writer/field, the group as * where messages name none. A field is a number from 0, or a name
that JSON sends or `writers` lists; a / inside a part is written %2F:

    2234/100/62541/0        2234/100/62541/Temperature        urn:plant:press%2F4/*/1/Pressure

name: OPC UA PubSub | OPC UA PubSub
done: UADP key, delta and keep-alive frames; Variant, DataValue, Raw with configured types
  | UADP 关键帧、增量帧与保活帧；Variant、DataValue，以及按配置类型的 Raw
done: JSON as `UaType/Value`, `Type/Body` and bare; MessageId may be null | JSON 的 `UaType/Value`、`Type/Body` 与裸值；MessageId 可为 null
done: publisher ids of every type, a sequence window for each writer | 全部类型的发布者标识；每个写入器各有序号窗口
done: PubSub-Aes128-CTR and PubSub-Aes256-CTR with keys from a file | PubSub-Aes128-CTR 与 PubSub-Aes256-CTR，密钥来自文件
todo: keys from a key service; metadata from the wire | 密钥服务；从网络取得元数据
todo: messages without payload header, raw delta frames, raw strings | 无载荷头的消息、Raw 增量帧、Raw 字符串
exempt: writing: PubSub has no answer that confirms a write | 写入：PubSub 没有可确认写入的应答
exempt: chunks, Ethernet/TSN, AMQP: no plant asked for them | 分块、以太网/TSN、AMQP：无现场需求
peer: asyncua.pubsub as publisher (UADP over UDP, and by way of mosquitto); a recorded JSON message of open62541
  | asyncua.pubsub 发布者（UADP over UDP，以及经 mosquitto 代理）；open62541 的 JSON 消息记录
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from drivers.base import Emit, Plan, Point, PointSpec, ReadBack, WriteCommand
from drivers.base_mqtt import BrokerSettings, Session, broker_url
from drivers.base_talk import READ_ONLY, both
from drivers.base_ua import Malformed
from drivers.base_waiver import Waiver
from drivers.pubsub_json import UINT16, UINT32
from drivers.pubsub_json import network as json_network
from drivers.pubsub_message import Message, WriterKey
from drivers.pubsub_security import Opener, Policy, Refused, read_keys
from drivers.pubsub_uadp import Layout
from drivers.pubsub_uadp import network as uadp_network
from drivers.pubsub_writer import Counts, Writer
from gateway.core.errors import AddressError, SourceError
from gateway.core.tags import Cause

PORT = 4840
DATAGRAM_MAX = 65_507
RECEIVE_BYTES = (
    4 << 20
)  # the kernel's buffer: what comes while the loop is busy; beyond it datagrams are lost and missed
PERSONAL = ("personal", "个人")
TYPES = {
    name: number
    for number, name in enumerate(
        ["Boolean", "SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64", "Float", "Double"],
        start=1,
    )
} | {"DateTime": 13, "Guid": 14, "StatusCode": 19}


class WriterSettings(BaseModel):
    """What is known of a data set in advance: its fields in their order, as `name` or `name:Type`, and its version."""

    model_config = ConfigDict(extra="forbid")
    id: str
    fields: list[str] = Field(min_length=1, max_length=10_000)
    major: int = Field(default=-1, ge=-1, lt=UINT32)
    minor: int = Field(default=-1, ge=-1, lt=UINT32)

    @field_validator("id")
    @classmethod
    def _id(cls, text: str) -> str:
        _writer(text.split("/"), text)
        return text

    @field_validator("fields")
    @classmethod
    def _types(cls, fields: list[str]) -> list[str]:
        for one in fields:
            name, colon, kind = one.partition(":")
            if not name or (colon and kind not in TYPES):
                raise AddressError(
                    f'"{one}" is no field; write level or level:Double, with one of {", ".join(TYPES)}',
                    f"“{one}”不是字段；应写作 level 或 level:Double，类型为 {'、'.join(TYPES)} 之一",
                )
        if len({bool(one.partition(":")[1]) for one in fields}) > 1:
            raise AddressError(
                "either every field has a type or none has: level:Double, pump:Boolean",
                "字段要么全部带类型，要么全部不带：level:Double, pump:Boolean",
            )
        return fields


class Settings(BrokerSettings):
    """Keys of a PubSub source; those of a broker apply to mqtt:// and mqtts:// only."""

    encoding: Literal["uadp", "json", ""] = ""
    topics: list[str] = Field(default_factory=list, max_length=100)
    interface: str = ""
    security: Policy = "none"
    mode: Literal["sign", "sign_and_encrypt"] = "sign_and_encrypt"
    keys: Path | None = None
    unsigned: Waiver | None = None
    writers: list[WriterSettings] = Field(default_factory=list, max_length=1000)

    @field_validator("url")
    @classmethod
    def _url(cls, url: str) -> str:
        """Stands in the place of the broker's own check."""
        if not url.startswith("opc.udp:"):
            return broker_url(url)
        _datagram_target(url)
        return url

    @model_validator(mode="after")
    def _whole(self) -> Settings:
        udp = self.url.startswith("opc.udp:")
        if not self.encoding:
            self.encoding = "uadp" if udp else "json"
        if udp and self.encoding == "json":
            raise AddressError(
                'JSON comes over a broker; write encoding = "uadp"', 'JSON 只经代理传输；请写 encoding = "uadp"'
            )
        if udp and self.security == "none" and self.unsigned is None:
            raise AddressError(
                "over UDP anybody can send values: set security and keys, or write "
                'unsigned = { reason = "separate cable to the press", expires = 2027-01-31 }',
                "UDP 上任何人都能发送数值：请设置 security 和 keys，或写 "
                'unsigned = { reason = "到压机的独立电缆", expires = 2027-01-31 }',
            )
        if self.security != "none" and (self.keys is None or self.encoding == "json"):
            raise AddressError(
                'signed messages need keys = "pubsub.keys" and the encoding uadp',
                '签名消息需要 keys = "pubsub.keys"，且编码为 uadp',
            )
        if not udp and not self.topics:
            raise AddressError(
                'a broker needs topics = ["opcua/json/data/press4"]', '经代理时需要 topics = ["opcua/json/data/press4"]'
            )
        return self


def _datagram_target(url: str) -> tuple[str, int]:
    """Address and port of opc.udp://. Raises AddressError."""
    try:
        parts = urlsplit(url)
        host = str(ipaddress.ip_address(parts.hostname or ""))
        return host, parts.port or PORT
    except ValueError as error:
        raise AddressError(
            "write opc.udp://239.0.0.1:4840 for a multicast group, or opc.udp://0.0.0.0:4840 for what is sent to this box",
            "组播请写 opc.udp://239.0.0.1:4840，发给本机的请写 opc.udp://0.0.0.0:4840",
        ) from error


@dataclass(frozen=True, slots=True)
class Place:
    """A parsed address."""

    writer: WriterKey
    name: str


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    parts = spec.address.strip().split("/")
    if len(parts) != 4 or not all(parts):
        raise _wrong(spec.address)
    key, name = _writer(parts[:3], spec.address), unquote(parts[3])
    if spec.type not in ("", "bool", "float64"):
        raise AddressError(
            f'type "{spec.type}" does not apply: the publisher tells the type; leave it empty or write bool',
            f"类型“{spec.type}”不适用：类型由发布者给出；请留空或填 bool",
        )
    if spec.writable:
        raise AddressError(
            "PubSub has no answer that would confirm a write; an output needs a device that is read back, such as opcua",
            "PubSub 没有可确认写入的应答；输出须接在可回读的设备上，例如 opcua",
        )
    told = _configured(settings).get(key)
    names = [one.partition(":")[0] for one in told.fields] if told else []
    if settings.encoding == "uadp" and not name.isdecimal() and name not in names:
        raise AddressError(
            f'UADP sends no names: write the field\'s number from 0, or list "{name}" in writers, '
            f'such as {{ id = "{"/".join(parts[:3])}", fields = ["{name}"] }}',
            f"UADP 不传字段名：请写从 0 起的字段序号，或在 writers 中列出“{name}”，"
            f'例如 {{ id = "{"/".join(parts[:3])}", fields = ["{name}"] }}',
        )
    personal = "#personal" if spec.columns.get("privacy", "") in PERSONAL else ""
    group = f"{key.publisher}/{key.group}/{key.writer}{personal}"
    order = (0, names.index(name), "") if name in names else (0, int(name), "") if name.isdecimal() else (1, 0, name)
    return Point(group, order, spec.type == "bool", Place(key, name))


def _wrong(address: str) -> AddressError:
    return AddressError(
        f'"{address}" is no field of a data set; write publisher/writer group/writer/field, such as 2234/100/62541/0 '
        "or 2234/*/62541/Temperature",
        f"“{address}”不是数据集字段；应写作 发布者/写入组/写入器/字段，例如 2234/100/62541/0 或 2234/*/62541/Temperature",
    )


def _writer(parts: list[str], whole: str) -> WriterKey:
    """Raises AddressError."""
    if len(parts) != 3 or not all(parts) or not parts[2].isdecimal() or int(parts[2]) >= UINT16:
        raise _wrong(whole)
    return WriterKey(unquote(parts[0]), unquote(parts[1]), int(parts[2]))


def _configured(settings: Settings) -> dict[WriterKey, WriterSettings]:
    return {_writer(one.id.split("/"), one.id): one for one in settings.writers}


class Driver:
    """One socket, or one session with a broker."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.settings = settings
        self.plan = plan
        self.counts = Counts()
        self.writers: dict[WriterKey, list[Writer]] = {}
        self.layouts: dict[WriterKey, Layout] = {}
        self.opener: Opener | None = None
        self._start()

    def _start(self) -> None:
        """Nothing was heard yet."""
        self.writers.clear()
        configured = _configured(self.settings)
        modulus = UINT16 if self.settings.encoding == "uadp" else UINT32
        for group, tags in zip(self.plan.groups, self.plan.tags, strict=True):
            key = tags[0].point.key.writer
            told = configured.get(key)
            names = [one.partition(":")[0] for one in told.fields] if told else []
            writer = Writer(key, group, tags, names, modulus)
            self.layouts[key] = Layout()
            if told is not None:
                writer.version = told.major, told.minor
                types = [one.partition(":")[2] for one in told.fields]
                self.layouts[key].raw = tuple(TYPES[kind] for kind in types) if all(types) else ()
            self.writers.setdefault(key, []).append(writer)

    async def run(self, emit: Emit) -> None:
        """Listen and emit until cancelled. Raises SourceError."""
        given = self.settings
        self._start()
        self.opener = None
        if given.security != "none":
            assert given.keys is not None
            keys = await asyncio.to_thread(read_keys, given.keys, given.security)
            self.opener = Opener(keys, given.mode == "sign_and_encrypt")
        if given.url.startswith("opc.udp:"):
            await self._datagrams(emit)
        else:
            await Session(
                given,
                self.plan.source,
                given.topics,
                lambda message, _: self._published(message, emit),
                lambda _: self._overflow(emit),
                lambda _: None,
            ).run()

    async def write(self, command: WriteCommand) -> ReadBack:
        """Refused: nothing is published."""
        return ReadBack(False, error=READ_ONLY)

    def hear(self, data: bytes, emit: Emit) -> None:
        """One network message; what is wrong with it is counted and gives no value."""
        try:
            found = self._decode(data)
        except Malformed:
            self.counts.malformed += 1
            return
        except Refused:
            self.counts.refused += 1
            return
        self.counts.skipped += found.skipped
        now_s = time.monotonic()
        for one in found.sets:
            for writer in self.writers[one.key]:
                writer.hear(one, now_s, self.counts, emit)

    def _decode(self, data: bytes) -> Message:
        if self.settings.encoding == "uadp":
            return uadp_network(data, self.layouts, self.opener)
        return json_network(data, self.writers.__contains__)

    # -- a broker ---------------------------------------------------------------------------------------------------

    def _published(self, message: Any, emit: Emit) -> None:
        payload = message.payload
        if message.retain or not isinstance(payload, bytes | bytearray):
            return  # the broker's memory is not what the publisher says now
        if len(payload) > self.settings.payload_bytes_max:
            self.counts.malformed += 1
            return
        self.hear(bytes(payload), emit)

    def _overflow(self, emit: Emit) -> None:
        """A message was lost here: no writer is known to be whole."""
        self.counts.overflowed += 1
        for writers in self.writers.values():
            for writer in writers:
                if not (writer.causes == Cause.OVERFLOW).all():
                    writer.spoil(Cause.OVERFLOW, emit)

    # -- datagrams --------------------------------------------------------------------------------------------------

    async def _datagrams(self, emit: Emit) -> None:
        loop = asyncio.get_running_loop()
        failed: asyncio.Future[None] = loop.create_future()
        left_s = self._waived_s()
        try:
            listening = _socket(*_datagram_target(self.settings.url), self.settings.interface)
        except OSError as error:
            raise SourceError(
                both(f"{self.settings.url}: {error}", f"无法监听 {self.settings.url}：{error}")
            ) from error
        transport, _ = await loop.create_datagram_endpoint(
            lambda: _Datagrams(lambda data: self.hear(data, emit), failed), sock=listening
        )
        try:
            await asyncio.wait({failed}, timeout=left_s)
            if failed.done():
                failed.result()
            self._waived_s()
        finally:
            failed.cancel()
            transport.abort()

    def _waived_s(self) -> float | None:
        """How long unsigned messages may still be accepted, None = they are not. Raises SourceError."""
        waiver = self.settings.unsigned
        return None if self.settings.security != "none" or waiver is None else waiver.left_s()


class _Datagrams(asyncio.DatagramProtocol):
    """Hands on what comes; nothing waits here, the kernel's buffer is the bound."""

    def __init__(self, hear: Callable[[bytes], None], failed: asyncio.Future[None]) -> None:
        self._hear = hear
        self._failed = failed

    def datagram_received(self, data: bytes, addr: tuple[str | Any, int]) -> None:
        self._hear(data)

    def error_received(self, exc: Exception) -> None:
        self._fail(exc)

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(exc)

    def _fail(self, error: Exception | None) -> None:
        if not self._failed.done():
            self._failed.set_exception(
                SourceError(both(f"socket: {error or 'closed'}", f"套接字：{error or '已关闭'}"))
            )


def _socket(host: str, port: int, interface: str) -> socket.socket:
    """A bound socket, a member of the group where the address is one. Raises OSError."""
    address = ipaddress.ip_address(host)
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    made = socket.socket(family, socket.SOCK_DGRAM)
    try:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
        if address.is_multicast:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))  # to the group itself: other groups of the same port stay out
        if address.is_multicast and family == socket.AF_INET:
            joined = struct.pack("4s4s", address.packed, socket.inet_aton(interface or "0.0.0.0"))
            made.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, joined)
        elif address.is_multicast:
            joined = struct.pack("16sI", address.packed, socket.if_nametoindex(interface) if interface else 0)
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, joined)
    except OSError:
        made.close()
        raise
    return made
