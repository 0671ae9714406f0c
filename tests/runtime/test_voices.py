"""Words for people through a real mosquitto: in time, in order of urgency, once more after a broken line, never too late."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from drivers.base import Channel, Driver, Plan
from drivers.mqtt import Driver as MqttDriver
from drivers.mqtt import Settings, check_channel
from gateway.core.effects import Act
from gateway.core.errors import AddressError, SourceError
from gateway.core.limits import TELL_WAITING_MAX
from gateway.core.samples import Input, WriteResult
from gateway.demo.broker import Broker, mosquitto
from gateway.runtime import voices
from gateway.runtime.clock import SystemClock
from gateway.runtime.voices import Spoken, Voices
from tests.drivers.test_mqtt import plan, run, until
from tests.runtime.plant import HandClock

HELMET, EHS = "plant/voice/helmet", "plant/notify/ehs"
TITLES = {"en": "Three in a row", "zh-CN": "连续三次违章"}
RESPONSES = {"en": "Talk to the crew.", "zh-CN": "到现场了解情况。"}
CHANNELS = {
    "speaker:helmet": Channel("radio", HELMET, "zh-CN"),
    "role:ehs": (ehs := Channel("radio", EHS)),
    "ladder:1": ehs,
}


@pytest.fixture(autouse=True)
def peer(monkeypatch: pytest.MonkeyPatch) -> None:
    if mosquitto() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("mosquitto is not installed")
        pytest.skip("mosquitto is not installed")
    monkeypatch.setattr(voices, "TELL_APART_S", 0.01)
    monkeypatch.setattr(voices, "AGAIN_S", 0.05)


class Radio:
    """Voices over one MQTT source that its test brings up and down."""

    def __init__(self, broker: Broker, protocol: str = "5") -> None:
        given = Settings(url=broker.url, protocol=protocol)
        groups = plan(given, "helmet/battery")
        told = Plan("radio", groups.groups, groups.tags, (EHS, HELMET))
        self.make: Callable[[], MqttDriver] = lambda: MqttDriver(given, told)
        self.driver: MqttDriver | None = None
        self.answers: list[WriteResult] = []
        self.clock = SystemClock()
        self.voices = Voices(Spoken("gw-1", 31, CHANNELS), self._texts, self._now, self.clock, self._put)

    def _now(self, source: str) -> Driver | None:
        assert source == "radio"
        return self.driver

    def _put(self, given: Input) -> None:
        assert isinstance(given, WriteResult)
        self.answers.append(given)

    def _texts(self, rule: str, part: str) -> dict[str, str]:
        assert rule in ("FATIGUE", "MINOR_X3")
        return TITLES if part == "title" else RESPONSES

    def act(self, number: int, sink: str, seconds: float = 5.0, priority: int = 3, **more: Any) -> None:
        until_ns = self.clock.monotonic_ns() + int(seconds * 1e9)
        self.voices.act(Act(number, sink, True, "MINOR_X3", priority=priority, until_ns=until_ns, **more))

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        driver = self.make()
        task = asyncio.create_task(driver.run(lambda block: None))
        await until(lambda: driver._open is not None or task.done())
        self.driver = driver
        try:
            yield
        finally:
            self.driver = None
            task.cancel()
            with suppress(asyncio.CancelledError, SourceError):
                await task


async def beside(radio: Radio, play: Callable[[], Awaitable[None]]) -> None:
    task = asyncio.create_task(radio.voices.run())
    try:
        await play()
    finally:
        task.cancel()
        await asyncio.wait({task})


async def receive(broker: Broker, heard: list[aiomqtt.Message]) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port, protocol=aiomqtt.ProtocolVersion.V5) as client:
        await client.subscribe("plant/#", qos=1)
        async for message in client.messages:
            heard.append(message)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_what_a_receiver_gets(protocol: str, tmp_path: Path) -> None:
    async def body() -> None:
        heard: list[aiomqtt.Message] = []
        async with Broker(tmp_path) as broker:
            receiver = asyncio.create_task(receive(broker, heard))
            radio = Radio(broker, protocol)

            async def play() -> None:
                async with radio.connected():
                    await asyncio.sleep(0.2)
                    radio.act(7, "speaker:helmet", text={"zh-CN": "请休息", "en": "Please rest"})
                    radio.act(8, "ladder:1", priority=2, level=1)
                    radio.act(9, "role:ehs")
                    await until(lambda: len(radio.answers) == 3 and len(heard) == 3)

            await beside(radio, play)
            receiver.cancel()
            await asyncio.wait({receiver})
        assert all(answer.ok for answer in radio.answers)
        told = {(str(message.topic), json.loads(message.payload)["id"]): message for message in heard}  # type: ignore[arg-type]
        spoken = json.loads(told[HELMET, "1f-7"].payload)  # type: ignore[arg-type]
        assert set(spoken) == {"schema", "id", "gateway", "kind", "to", "rule", "priority", "at", "until", "text"}
        assert (spoken["kind"], spoken["to"], spoken["gateway"]) == ("speak", "helmet", "gw-1")
        assert spoken["text"] == {"zh-CN": "请休息"}, "this speaker speaks one language"
        assert spoken["at"] < spoken["until"]
        raised = json.loads(told[EHS, "1f-8"].payload)  # type: ignore[arg-type]
        assert (raised["kind"], raised["to"], raised["level"], raised["priority"]) == ("escalate", "ehs", 1, 2)
        assert (raised["text"], raised["response"]) == (TITLES, RESPONSES)
        assert json.loads(told[EHS, "1f-9"].payload)["kind"] == "notify"  # type: ignore[arg-type]
        assert not any(message.retain for message in heard)
        expiry = getattr(told[HELMET, "1f-7"].properties, "MessageExpiryInterval", None)
        assert (expiry in (4, 5)) if protocol == "5" else expiry is None

    run(body)


def test_a_broken_line_is_tried_again_and_the_most_urgent_goes_first(tmp_path: Path) -> None:
    async def body() -> None:
        heard: list[aiomqtt.Message] = []
        async with Broker(tmp_path) as broker:
            radio = Radio(broker)

            async def play() -> None:
                radio.act(1, "role:ehs", priority=4)
                await asyncio.sleep(0.05)  # it has had its turn and tries
                radio.act(2, "role:ehs", priority=3)
                radio.act(3, "role:ehs", priority=1)
                receiver = asyncio.create_task(receive(broker, heard))
                await asyncio.sleep(0.3)
                assert radio.answers == []
                async with radio.connected():
                    await until(lambda: len(heard) == 3)
                receiver.cancel()
                await asyncio.wait({receiver})

            await beside(radio, play)
        assert [json.loads(message.payload)["id"] for message in heard] == ["1f-1", "1f-3", "1f-2"]  # type: ignore[arg-type]

    run(body)


def test_a_frozen_broker_is_told_as_a_failure_and_nothing_is_said_too_late(tmp_path: Path) -> None:
    async def body() -> None:
        heard: list[aiomqtt.Message] = []
        async with Broker(tmp_path) as broker:
            radio = Radio(broker)

            async def play() -> None:
                async with radio.connected():
                    broker.pause(True)
                    radio.act(1, "role:ehs", seconds=0.4)
                    radio.act(2, "role:ehs", seconds=0.4)
                    await until(lambda: len(radio.answers) == 2)
                    broker.pause(False)

            await beside(radio, play)
        assert [(answer.id, answer.ok) for answer in radio.answers] == [(1, False), (2, False)]
        assert radio.answers[0].error == "the broker does not acknowledge / MQTT 代理未确认"
        assert "too late" in radio.answers[1].error
        assert heard == []

    run(body)


def test_what_cannot_be_told_is_answered_at_once() -> None:
    put: list[Input] = []
    clock = HandClock()
    spoken = Spoken("gw", 1, CHANNELS)
    told = Voices(spoken, lambda rule, part: {}, lambda source: None, clock, put.append)
    told.act(Act(1, "speaker:roof", True, "R", until_ns=clock.now_ns + 1))
    told.act(Act(2, "horn1", True))  # no words: nobody waits for an answer
    assert [(answer.id, answer.ok) for answer in put if isinstance(answer, WriteResult)] == [(1, False)]
    for number in range(TELL_WAITING_MAX + 1):
        told.act(Act(10 + number, "role:ehs", True, "R", until_ns=clock.now_ns + 1))
    assert isinstance(put[-1], WriteResult)
    assert (put[-1].id, put[-1].ok, len(put)) == (10 + TELL_WAITING_MAX, False, 2)


def test_only_declared_topics_and_no_wildcards() -> None:
    given = Settings(url="mqtt://127.0.0.1")
    driver = MqttDriver(given, Plan("radio", (), (), (HELMET,)))
    with pytest.raises(AssertionError, match="not declared"):
        asyncio.run(driver.tell("plant/plc/write", b"1", 1.0))
    with pytest.raises(SourceError, match="not connected"):
        asyncio.run(driver.tell(HELMET, b"1", 1.0))
    for topic in ("", "plant/#", "plant/+/x", "$SYS/x", "a" * 257):
        with pytest.raises(AddressError):
            check_channel(given, topic)
    check_channel(given, HELMET)
