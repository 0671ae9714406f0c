"""Words for people on their way out: one queue per speaker or role, each message within its time, and an answer for each.

What is told is JSON (docs/rules.md, "Words to people"); text becomes speech at the receiver. Only what the kernel asks
goes out, to channels that the site declares.
"""

from __future__ import annotations

import asyncio
import heapq
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

import msgspec

from drivers.base import Channel, Driver, Teller
from gateway.core.effects import Act
from gateway.core.errors import SourceError
from gateway.core.limits import MS, TELL_APART_S, TELL_WAITING_MAX
from gateway.core.samples import Input, WriteResult
from gateway.runtime.clock import Clock

AGAIN_S = 1.0  # between two tries
TRY_S = 5.0  # of one try; a broker that answers later than this is as good as away

Texts = Callable[[str, str], dict[str, str]]  # (rule, "title" or "response") -> language -> text


class Words(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a receiver gets. `id` is the same in every try; `until` is when the words are worth nothing any more."""

    schema: str
    id: str
    gateway: str
    kind: str  # speak, notify, escalate
    to: str  # the speaker's or role's name in the site
    rule: str
    priority: int
    at: str
    until: str
    text: dict[str, str]  # language -> to be spoken, or the title of the rule
    response: dict[str, str] = {}  # language -> what to do first
    level: int = 0  # of an escalation, from 1


@dataclass(frozen=True, slots=True)
class Spoken:
    """Who tells, and where to: a sink of the kernel ("speaker:helmet", "role:ehs", "ladder:1") and its channel."""

    gateway: str
    boot: int
    channels: Mapping[str, Channel]


@dataclass(slots=True)
class _Way:
    """The words that wait for one channel, the most urgent first."""

    channel: Channel
    waiting: list[tuple[int, int, Act]] = field(default_factory=list)
    came: asyncio.Event = field(default_factory=asyncio.Event)


class Voices:
    """Tells what the kernel asks. `driver` gives the living driver of a source, None while there is none."""

    def __init__(
        self,
        site: Spoken,
        texts: Texts,
        driver: Callable[[str], Driver | None],
        clock: Clock,
        put: Callable[[Input], None],
    ) -> None:
        self._site = site
        self._texts, self._driver, self._clock, self._put = texts, driver, clock, put
        ways = {channel: _Way(channel) for channel in site.channels.values()}
        self._ways = {sink: ways[channel] for sink, channel in site.channels.items()}

    async def run(self) -> None:
        """Carry words until cancelled."""
        async with asyncio.TaskGroup() as group:
            for way in {id(way): way for way in self._ways.values()}.values():
                group.create_task(self._carry(way))
            await asyncio.get_running_loop().create_future()

    def act(self, effect: Act) -> None:
        """Take words, or answer at once why not; sinks that want no answer are not words."""
        if not effect.until_ns:
            return
        way = self._ways.get(effect.sink)
        if way is None:
            self._answer(effect, "the site declares no such speaker or role")
        elif len(way.waiting) >= TELL_WAITING_MAX:
            self._answer(effect, "too many words wait already")
        else:
            heapq.heappush(way.waiting, (effect.priority, effect.id, effect))
            way.came.set()

    async def _carry(self, way: _Way) -> None:
        while True:
            while not way.waiting:
                way.came.clear()
                await way.came.wait()
            effect = heapq.heappop(way.waiting)[2]
            error = await self._told(way.channel, effect)
            self._answer(effect, error)
            if not error:
                await asyncio.sleep(TELL_APART_S)

    async def _told(self, channel: Channel, effect: Act) -> str:
        """Try until it is told or too late; why it was not, "" if it was."""
        payload, error = msgspec.json.encode(self._words(channel, effect)), "it was too late when its turn came"
        while (left_s := (effect.until_ns - self._clock.monotonic_ns()) / 1e9) > 0:
            driver = self._driver(channel.source)
            if driver is None:
                error = f"{channel.source} is not connected"
            else:
                try:
                    await cast(Teller, driver).tell(channel.address, payload, min(left_s, TRY_S))
                except SourceError as refusal:
                    error = str(refusal)
                else:
                    return ""
            await asyncio.sleep(min(AGAIN_S, left_s))
        return error

    def _words(self, channel: Channel, effect: Act) -> Words:
        text = effect.text or self._texts(effect.rule, "title")
        if channel.language in text:
            text = {channel.language: text[channel.language]}
        kind, _, to = effect.sink.partition(":")
        left_ms = (effect.until_ns - self._clock.monotonic_ns()) // MS
        now_ms = self._clock.utc_ns() // MS
        return Words(
            schema="gatehouse/words/1",
            id=f"{self._site.boot:x}-{effect.id}",
            gateway=self._site.gateway,
            kind="speak" if kind == "speaker" else "escalate" if effect.level else "notify",
            to=self._name(channel) if kind == "ladder" else to,
            rule=effect.rule,
            priority=effect.priority,
            at=_iso(now_ms),
            until=_iso(now_ms + left_ms),
            text=text or {"en": effect.rule},
            response={} if kind == "speaker" else self._texts(effect.rule, "response"),
            level=effect.level,
        )

    def _name(self, channel: Channel) -> str:
        """The role that a level of the ladder is."""
        roles = (sink for sink, other in self._site.channels.items() if other is channel and sink.startswith("role:"))
        return next(roles, "").removeprefix("role:")

    def _answer(self, effect: Act, error: str) -> None:
        self._put(WriteResult(effect.id, not error, math.nan, error))


def _iso(utc_ms: int) -> str:
    return datetime.fromtimestamp(utc_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
