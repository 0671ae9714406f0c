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

import time
from typing import Any, Literal

import aiomqtt
import numpy as np
from pydantic import field_validator

from drivers.base import Emit, Plan, PlannedTag, Point, PointSpec, ReadBack, WriteCommand
from drivers.base_mqtt import BrokerSettings, Session
from drivers.base_talk import READ_ONLY, both
from drivers.base_told import Told
from drivers.mqtt_payload import Reading, Undecodable, document, parse_address, pointer, reading, source_time
from gateway.core.errors import AddressError, SourceError
from gateway.core.samples import FEW_MAX, Alive, Columns, Few, Personal
from gateway.core.tags import Cause, Group, Quality


class Settings(BrokerSettings):
    """Keys of a source read over MQTT. `time` is a JSON pointer to the time in each payload."""

    time: str = ""

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
        self.told = Told(plan.source)
        self.last: dict[int, tuple[list[Reading], float]] = {}  # group -> what was emitted, when (monotonic s)
        self.lost: set[str] = set()  # topics of which messages were dropped since the queue was last empty
        self._open: Session | None = None  # the session, while it stands

    async def run(self, emit: Emit) -> None:
        """Connect, subscribe and emit until cancelled. Raises SourceError."""
        self.last.clear()
        self.lost.clear()
        self._open = self._session(emit)
        try:
            await self._open.run()
        finally:
            self._open = None

    async def tell(self, address: str, payload: bytes, valid_s: float) -> None:
        """Publish words to a declared topic; returns when the broker has acknowledged them. Raises SourceError."""
        assert address in self.plan.channels, f"{address} is not declared"
        if self._open is None:
            raise SourceError(both("the broker is not connected", "MQTT 代理未连接"))
        await self._open.publish(address, payload, valid_s)

    def _session(self, emit: Emit) -> Session:
        return Session(
            self.settings,
            self.plan.source,
            list(self.groups),
            lambda message, waiting: self._hear(message, waiting, emit),
            lambda topic: self._drop(topic, emit),
            lambda topic: self._refuse(topic, emit),
        )

    async def write(self, command: WriteCommand) -> ReadBack:
        """Refused: nothing is written over MQTT."""
        return ReadBack(False, error=READ_ONLY)

    def _hear(self, message: aiomqtt.Message, waiting: int, emit: Emit) -> None:
        self._receive(message, emit)
        if self.lost and not waiting:
            self.lost.clear()

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
            readings = [reading(root, entry) for entry in tags]
            self._emit(group, tags, readings, at_ns, emit)
            if any(cause == Cause.DECODE for _, _, cause in readings):
                self._tell(tags, readings)

    def _tell(self, tags: list[PlannedTag], readings: list[Reading]) -> None:
        """Say once which tags a message of their topic did not hold."""
        for entry, (_, _, cause) in zip(tags, readings, strict=True):
            if cause == Cause.DECODE and self.told.says(entry.tag.name):
                where = "/".join((entry.point.key.topic, *entry.point.key.steps))
                why = both(f"the message has no value at {where}", f"报文在 {where} 处没有数值")
                self.told.refused([entry.tag.name], why)

    def _refuse(self, topic: str, emit: Emit) -> None:
        """The broker does not let us read it."""
        why = both(f"the broker refuses {topic}: may this user read it?", f"代理拒绝 {topic}：该用户是否有读取权限？")
        self.told.refused([entry.tag.name for _, tags in self.groups[topic] for entry in tags], why)
        self._spoil(topic, Cause.REFUSED, emit)

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
