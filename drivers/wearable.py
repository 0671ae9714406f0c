"""Wearables, UWB tags and event counters of people over MQTT, under consent.

Protocol: MQTT 5.0 and 3.1.1 (OASIS), JSON as in `base_worn`. Library: aiomqtt >= 2.5, < 3; msgspec.
Not supported: outputs, a device that no worker of people.toml wears, retained messages, the proprietary formats of makers.

Only topics of devices whose wearer consents are subscribed to. A withdrawal unsubscribes within half a second, and what was on
its way is dropped undecoded. A tag of this driver is `WHO/WHAT`; what is of a person is personal, what is of a place is not:

    any/fatigue, w7/fatigue            0..1; any = the highest that is certain; /confidence beside it
    any/event/KIND, newcomer/event/KIND, any/event/minor     1 seen, 0 in order; /number, /worker, /kind beside it
    zone/ZONE/worker, zone/ZONE/occupied                     1 inside; `worker` is personal, `occupied` is nobody in particular
    zone/ZONE/confidence               0..1, the least of the fixes that decide
    surroundings/AREA/stress           0..1, the worst of noise, heat and light; /noise, /heat, /light beside it

name: wearables and UWB | 可穿戴设备与 UWB 定位
done: PPG, ECG, motion, skin temperature, UWB ranges or positions, events, as JSON | JSON 格式的脉搏波、心电、运动、皮温、定位与行为事件
done: consent enforced before a message is decoded; a withdrawal unsubscribes | 解码之前即按同意范围过滤；撤回同意即退订
done: anonymous zone occupancy for interlocks; fatigue and events as personal values | 供联锁使用的匿名区域占用；疲劳与行为事件为个人数据
exempt: writing: a wearable has no outputs | 写入：可穿戴设备没有输出
exempt: proprietary formats of makers: a converter beside their software publishes this JSON | 厂商私有格式：由其软件侧转换为本 JSON
peer: mosquitto (broker and publisher) | mosquitto（代理与发布端）
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Literal

import aiomqtt
import msgspec
from pydantic import Field

from drivers.base import Emit, Plan, PlannedTag, Point, PointSpec, ReadBack, WriteCommand
from drivers.base_mqtt import BrokerSettings, Session
from drivers.base_talk import READ_ONLY, both
from drivers.base_worn import Frame, Keeper, Readings, Surroundings, sound, stripped
from gateway.core.errors import AddressError, SourceError
from gateway.core.samples import FEW_MAX, Few, Personal
from gateway.core.tags import Group

PERSONAL = ("personal", "个人")
TICK_S = 0.5
_WORD = r"[a-z][a-z0-9_-]{0,31}"
_PLACES = (
    (re.compile(rf"(any|{_WORD})/fatigue(/confidence)?"), True),
    (re.compile(rf"(any|newcomer)/event/{_WORD}(/(number|worker|kind))?"), True),
    (re.compile(rf"zone/{_WORD}/worker"), True),
    (re.compile(rf"zone/{_WORD}/(occupied|confidence)"), False),
    (re.compile(rf"surroundings/{_WORD}/(stress|noise|heat|light)"), False),
)
_frame = msgspec.json.Decoder(Frame)
_surroundings = msgspec.json.Decoder(Surroundings)


class Settings(BrokerSettings):
    """Keys of a source of wearables. Its topics are `prefix/DEVICE` and `prefix/surroundings/AREA`.

    Two defaults of its own, which halve the cost of a message: the session is clean, so a broker keeps nothing for later
    and QoS 1 would only acknowledge what TCP has delivered; and nothing of MQTT 5 is used here.
    """

    protocol: Literal["5", "3.1.1"] = "3.1.1"
    qos: Literal[0, 1] = 0
    prefix: str = Field(default="wearable", pattern=r"^[A-Za-z0-9_-]+(/[A-Za-z0-9_-]+)*$", max_length=128)


@dataclass(frozen=True, slots=True)
class Place:
    """A group of tags that are confirmed together, and the place of one in it."""

    group: str
    name: str


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    found = [personal for pattern, personal in _PLACES if pattern.fullmatch(spec.address)]
    if not found:
        raise AddressError(
            f'"{spec.address}" is no value of a wearable; write for instance any/fatigue, any/event/phone/worker,'
            " zone/crane_bay/occupied or surroundings/yard/stress",
            f"“{spec.address}”不是可穿戴数据的地址；可写 any/fatigue、any/event/phone/worker、"
            "zone/crane_bay/occupied 或 surroundings/yard/stress 等",
        )
    if spec.writable:
        raise AddressError("a wearable has no outputs", "可穿戴设备没有输出")
    personal = spec.columns.get("privacy", "") in PERSONAL
    if personal is not found[0]:
        raise AddressError(
            f'"{spec.address}" is of a person: set the column privacy to personal'
            if found[0]
            else f'"{spec.address}" is of a place and of nobody: leave the column privacy empty',
            f"“{spec.address}”属于个人数据，请在 privacy 列填 personal"
            if found[0]
            else f"“{spec.address}”是场所数据，不涉及个人，请将 privacy 列留空",
        )
    place = _place(spec.address)
    return Point(place.group, (), spec.type == "bool" or place.name == "occupied", place)


def _place(address: str) -> Place:
    parts = address.split("/")
    if parts[0] == "zone":
        kind = "worker" if parts[2] == "worker" else "place"
        return Place(f"zone/{parts[1]}/{kind}", parts[2])
    if parts[0] == "surroundings":
        return Place(f"surroundings/{parts[1]}", parts[2])
    deep = 3 if parts[1] == "event" else 2
    return Place("/".join(parts[:deep]), parts[deep] if len(parts) > deep else "value")


class Driver:
    """One session with the broker of the wearables. `keeper` is given by who builds it; without one nothing is taken."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.settings = settings
        self.plan = plan
        self.keeper: Keeper | None = None
        self.refused = 0  # messages without consent, dropped undecoded
        self.undecodable = 0
        self.dropped = 0
        self._groups: dict[str, list[tuple[Group, list[PlannedTag]]]] = {}
        for group, tags in zip(plan.groups, plan.tags, strict=True):
            self._groups.setdefault(tags[0].point.key.group, []).append((group, list(tags)))
        areas = sorted(name.split("/")[1] for name in self._groups if name.startswith("surroundings/"))
        self._stations = {f"{settings.prefix}/surroundings/{area}": area for area in areas}

    async def run(self, emit: Emit) -> None:
        """Connect, subscribe and emit until cancelled. Raises SourceError."""
        if self.keeper is None:
            raise SourceError(
                both("the vault of people is not open: nothing is collected", "人员数据库未打开：不采集数据"), slow=True
            )
        session = Session(
            self.settings,
            self.plan.source,
            self._topics(),
            lambda message, _waiting: self._hear(message, emit),
            self._drop,
            lambda _topic: None,
        )
        running = asyncio.ensure_future(session.run())
        ticking = asyncio.ensure_future(self._tick(session, emit))
        try:
            await asyncio.wait({running, ticking}, return_when=asyncio.FIRST_COMPLETED)
            for task in (running, ticking):
                if task.done():
                    task.result()
        finally:
            running.cancel()
            ticking.cancel()
            await asyncio.wait({running, ticking})

    def _topics(self) -> list[str]:
        assert self.keeper is not None
        return [*self._stations, *(f"{self.settings.prefix}/{device}" for device in self.keeper.devices())]

    async def _tick(self, session: Session, emit: Emit) -> None:
        """Follow what is consented to, and what is due without a message."""
        assert self.keeper is not None
        while True:
            await asyncio.sleep(TICK_S)
            await session.follow(self._topics())
            self._emit(self.keeper.tick(), emit)

    def _drop(self, _topic: str) -> None:
        self.dropped += 1

    def _hear(self, message: aiomqtt.Message, emit: Emit) -> None:
        """One message; consent is asked before a byte of it is decoded."""
        assert self.keeper is not None
        topic = str(message.topic)
        payload = message.payload
        if message.retain or not isinstance(payload, bytes | bytearray):
            return
        device = topic.removeprefix(self.settings.prefix + "/")
        area = self._stations.get(topic)
        allowed = self.keeper.allowed(device) if area is None else frozenset[str]()
        if area is None and not allowed:
            self.refused += 1
            return
        try:
            if len(payload) > self.settings.payload_bytes_max:
                raise msgspec.DecodeError("too long")
            if area is not None:
                self._emit(self.keeper.surroundings(area, _surroundings.decode(payload)), emit)
                return
            frame = stripped(_frame.decode(payload), allowed)
        except msgspec.DecodeError:
            self.undecodable += 1
            return
        if sound(frame):
            self._emit(self.keeper.hear(device, frame, allowed), emit)
        else:
            self.undecodable += 1

    def _emit(self, readings: Readings, emit: Emit) -> None:
        for name, places in readings:
            for group, tags in self._groups.get(name, ()):
                found = [
                    (entry.tag.number, *places[entry.point.key.name])
                    for entry in tags
                    if entry.point.key.name in places
                ]
                for at in range(0, len(found), FEW_MAX):
                    _send(group, tags[0].tag.personal, found[at : at + FEW_MAX], emit)

    async def write(self, command: WriteCommand) -> ReadBack:
        """Refused: nothing is written to a wearable."""
        return ReadBack(False, error=READ_ONLY)


def _send(group: Group, personal: bool, found: list[tuple[int, float, int, int]], emit: Emit) -> None:
    numbers, values, qualities, causes = (list(column) for column in zip(*found, strict=True))
    if personal:
        emit(Personal(group.number, numbers, values, qualities, causes))
    else:
        emit(Few(group.number, numbers, values, qualities, causes))
