"""The driver against a real mosquitto: TLS, retained, refusals, restarts, floods, garbage, cancel."""

from __future__ import annotations

import asyncio
import json
import os
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from drivers.base import Plan, PlannedTag, PointSpec, WriteCommand
from drivers.base_mqtt import tls_of
from drivers.mqtt import Driver, Settings, parse
from gateway.core.errors import SourceError
from gateway.core.samples import Alive, Block, Columns, Few, Personal
from gateway.core.tags import Cause, Group, Quality, Tag
from gateway.demo import ca
from gateway.demo.broker import Broker, free_port, mosquitto
from gateway.demo.sensors import publish


@pytest.fixture(scope="module", autouse=True)
def peer() -> None:
    if mosquitto() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("mosquitto is not installed")
        pytest.skip("mosquitto is not installed")


@pytest.fixture(scope="module")
def certs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return ca.make(tmp_path_factory.mktemp("certs"))


def plan(settings: Settings, *addresses: str, personal: frozenset[str] = frozenset()) -> Plan:
    """Tags in the order of their groups, numbered from 0."""
    specs = [PointSpec(a, a, "", columns={"privacy": "personal" if a in personal else ""}) for a in addresses]
    points = sorted(((parse(settings, spec), spec.address) for spec in specs), key=lambda pair: pair[0].group)
    groups: list[Group] = []
    tags: list[list[PlannedTag]] = []
    for number, (point, address) in enumerate(points):
        if not groups or groups[-1].name != point.group:
            groups.append(Group(len(groups), point.group, "m", number, 0, 10_000))
            tags.append([])
        tag = Tag(number, address, "m", groups[-1].number, personal=address in personal)
        tags[-1].append(PlannedTag(tag, point, 1.0, 0.0))
    return Plan(
        "m", [Group(g.number, g.name, "m", g.first, len(t), 10_000) for g, t in zip(groups, tags, strict=True)], tags
    )


def run(body: Callable[[], Awaitable[None]], seconds: float = 20.0) -> None:
    async def whole() -> None:
        await asyncio.wait_for(body(), seconds)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, f"tasks left behind: {left}"

    asyncio.run(whole())


async def until(condition: Callable[[], Any], seconds: float = 5.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 -- the driver under test knows no event to wait for
            await asyncio.sleep(0.01)


@asynccontextmanager
async def session(driver: Driver, blocks: list[Block]) -> AsyncIterator[asyncio.Task[None]]:
    """A running driver; cancelled at the end, which must be quick."""
    task = asyncio.create_task(driver.run(blocks.append))
    try:
        yield task
    finally:
        task.cancel()
        begun = time.monotonic()
        await asyncio.wait([task])
        assert time.monotonic() - begun < 1.0


async def subscribed(broker: Broker, times: int = 1) -> None:
    await until(lambda: broker.log().count("New client connected") >= times)
    await asyncio.sleep(0.1)


def settings(broker: Broker, **more: Any) -> Settings:
    return Settings.model_validate({"url": broker.url, **more})


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_values_alive_and_neighbours_over_mutual_tls(certs: Path, tmp_path: Path, protocol: str) -> None:
    async def body() -> None:
        async with Broker(tmp_path, certs=certs) as broker:
            mine = {"ca": certs / "ca.pem", "certificate": certs / "gateway.pem", "key": certs / "gateway.key"}
            given = settings(broker, protocol=protocol, time="/ts", **mine)
            driver = Driver(given, plan(given, "gas/5#/ch4", "gas/5#/co", "level"))
            blocks: list[Block] = []
            async with session(driver, blocks):
                await subscribed(broker)
                tls = tls_of(given)
                async with aiomqtt.Client("127.0.0.1", broker.port, tls_context=tls) as peer:
                    for payload in (
                        {"ch4": 2.0, "co": 3, "ts": 1_795_421_647_412},
                        {"ch4": 2.0, "co": 3, "ts": 1_795_421_647_512},
                        {"ch4": 2.5},
                        {"ch4": 2.5},
                    ):
                        await peer.publish("gas/5", json.dumps(payload), qos=1)
                    await peer.publish("level", "17.5", qos=1)
                await until(lambda: len(blocks) == 5)
            first, second, third, fourth, fifth = blocks
            assert isinstance(first, Few)
            assert (first.tags, first.values, first.qualities) == ([0, 1], [2.0, 3.0], [0, 0])
            assert (first.source_ns, first.clock) == (1_795_421_647_412_000_000, "device")
            assert second == Alive(0)
            for block in (third, fourth):
                assert isinstance(block, Few), "a bad tag is no confirmation"
                assert block.values[0] == 2.5
                assert block.qualities == [Quality.GOOD, Quality.BAD]
                assert block.causes == [Cause.NONE, Cause.DECODE]
                assert block.clock == "none"
            assert isinstance(fifth, Few)
            assert (fifth.group, fifth.tags, fifth.values) == (1, [2], [17.5])

    run(body)


def test_retained_is_not_fresh_and_writing_is_refused(tmp_path: Path) -> None:
    async def body() -> None:
        async with Broker(tmp_path) as broker, aiomqtt.Client("127.0.0.1", broker.port) as peer:
            await peer.publish("level", "1.0", qos=1, retain=True)
            given = settings(broker)
            driver = Driver(given, plan(given, "level"))
            blocks: list[Block] = []
            async with session(driver, blocks):
                await until(lambda: driver.retained == 1)
                assert blocks == []
                await peer.publish("level", "2.0", qos=1, retain=True)
                await until(lambda: blocks)
                assert isinstance(blocks[0], Few)
                assert blocks[0].values == [2.0]
                answer = await driver.write(WriteCommand(0, 1.0))
                assert not answer.ok
                assert answer.error

    run(body)


def test_personal_values_have_a_type_of_their_own(tmp_path: Path) -> None:
    async def body() -> None:
        async with Broker(tmp_path) as broker, aiomqtt.Client("127.0.0.1", broker.port) as peer:
            given = settings(broker)
            many = [f"wide#/{at}" for at in range(100)]
            driver = Driver(given, plan(given, "band#/hr", "band#/battery", *many, personal=frozenset({"band#/hr"})))
            blocks: list[Block] = []
            async with session(driver, blocks):
                await subscribed(broker, 2)
                await peer.publish("band", '{"hr": 71, "battery": 80}', qos=1)
                await peer.publish("wide", json.dumps({str(at): at for at in range(100)}), qos=1)
                await until(lambda: len(blocks) == 3)
            kinds = {type(block): block for block in blocks}
            assert set(kinds) == {Few, Personal, Columns}
            assert kinds[Personal].values == [71.0]  # type: ignore[union-attr]
            assert kinds[Few].values == [80.0]  # type: ignore[union-attr]
            assert len(kinds[Columns].values) == 100  # type: ignore[union-attr]

    run(body)


def test_a_refused_certificate_is_named(certs: Path, tmp_path: Path) -> None:
    async def body() -> None:
        stranger = ca.make(tmp_path / "other")
        async with Broker(tmp_path, certs=certs) as broker:
            cases: list[tuple[dict[str, Any], str]] = [
                ({"ca": certs / "ca.pem"}, "CERTIFICATE_REQUIRED"),
                (
                    {"ca": certs / "ca.pem", "certificate": stranger / "gateway.pem", "key": stranger / "gateway.key"},
                    "UNKNOWN_CA|DECRYPT_ERROR",
                ),
                ({"ca": stranger / "ca.pem"}, "CERTIFICATE_VERIFY_FAILED"),
                ({"ca": tmp_path / "missing.pem"}, "certificate files"),
            ]
            for more, reason in cases:
                given = settings(broker, connect_timeout_s=0.7, **more)
                with pytest.raises(SourceError, match=reason) as caught:
                    await Driver(given, plan(given, "level")).run(lambda _: None)
                assert caught.value.cause is Cause.REFUSED
                assert caught.value.slow

    run(body)


def test_a_wrong_password_and_a_refused_topic(tmp_path: Path) -> None:
    async def body() -> None:
        secret = tmp_path / "password"
        secret.write_text("wrong\n")
        users = tmp_path / "users"
        users.write_text("")
        users.chmod(0o600)
        async with Broker(tmp_path / "closed", users=users) as broker:
            for protocol in ("5", "3.1.1"):
                given = settings(broker, username="g", password_file=secret, protocol=protocol)
                with pytest.raises(SourceError, match=r"(?i)not authori[sz]ed") as caught:
                    await Driver(given, plan(given, "level")).run(lambda _: None)
                assert (caught.value.cause, caught.value.slow) == (Cause.REFUSED, True)
        async with Broker(tmp_path / "acl", acl="topic read open/#\ntopic write #\n") as broker:
            given = settings(broker)
            blocks: list[Block] = []
            async with (
                session(Driver(given, plan(given, "open/a", "shut/a")), blocks),
                aiomqtt.Client("127.0.0.1", broker.port) as peer,
            ):
                await subscribed(broker, 2)
                await peer.publish("open/a", "1", qos=1)
                await until(lambda: any(isinstance(b, Few) and b.values == [1.0] for b in blocks))

    run(body)


class Refusing:
    """A broker's answer to SUBSCRIBE: mosquitto 2.0 grants every subscription and filters later, others refuse here."""

    def __init__(self, *codes: int) -> None:
        self.codes = codes

    async def subscribe(self, asked: list[tuple[str, int]], **_: float) -> tuple[int, ...]:
        assert len(asked) == len(self.codes)
        return self.codes


def test_a_topic_refused_by_name_leaves_its_neighbours_alone(caplog: pytest.LogCaptureFixture) -> None:
    async def body() -> None:
        given = Settings(url="mqtt://127.0.0.1")
        driver = Driver(given, plan(given, "open/a", "shut/a"))
        blocks: list[Block] = []
        session = driver._session(blocks.append)
        await session._subscribe(Refusing(1, 135), session.topics)  # type: ignore[arg-type]
        (block,) = blocks
        assert isinstance(block, Few)
        assert (block.tags, block.qualities, block.causes) == ([1], [Quality.BAD], [Cause.REFUSED])
        with pytest.raises(SourceError) as caught:
            await session._subscribe(Refusing(128, 135), session.topics)  # type: ignore[arg-type]
        assert (caught.value.cause, caught.value.slow) == (Cause.REFUSED, True)

    run(body)
    assert [one.message.partition(" / ")[0] for one in caplog.records] == [
        "m: shut/a: the broker refuses shut/a: may this user read it?"
    ]


def test_the_embedded_broker_serves_it_too(certs: Path, tmp_path: Path) -> None:
    pytest.importorskip("amqtt")

    async def body() -> None:
        async with Broker(tmp_path, certs=certs, kind="embedded") as broker:
            mine = {"ca": certs / "ca.pem", "certificate": certs / "gateway.pem", "key": certs / "gateway.key"}
            given = settings(broker, protocol="3.1.1", time="/ts", **mine)
            blocks: list[Block] = []
            async with session(Driver(given, plan(given, "plant/gas/3#/lel")), blocks):
                sensors = asyncio.create_task(publish(broker.url, certs, 0.1))
                await until(lambda: blocks)
                sensors.cancel()
                await asyncio.wait([sensors])
            assert isinstance(blocks[0], Few)
            assert blocks[0].qualities == [Quality.GOOD]
            assert blocks[0].clock == "device"

    run(body)


def test_a_broker_that_is_away_or_frozen(tmp_path: Path) -> None:
    async def body() -> None:
        given = Settings(url=f"mqtt://127.0.0.1:{free_port()}")
        with pytest.raises(SourceError) as caught:
            await Driver(given, plan(given, "level")).run(lambda _: None)
        assert (caught.value.cause, caught.value.slow) == (Cause.COMMS, False)
        async with Broker(tmp_path) as broker:
            broker.pause(True)
            given = settings(broker, connect_timeout_s=0.5)
            with pytest.raises(SourceError, match="timed out"):
                await Driver(given, plan(given, "level")).run(lambda _: None)
            async with session(Driver(settings(broker), plan(given, "level")), []):
                await asyncio.sleep(0.2)  # cancelled while it waits for CONNACK
            broker.pause(False)
            blocks: list[Block] = []
            async with session(Driver(settings(broker), plan(given, "level")), blocks) as task:
                await asyncio.sleep(0.3)
                broker.pause(True)  # and while the session is up
                assert not task.done()
            broker.pause(False)

    run(body)


def test_a_flood_stays_bounded_and_is_seen(tmp_path: Path) -> None:
    async def body() -> None:
        async with Broker(tmp_path) as broker, aiomqtt.Client("127.0.0.1", broker.port) as peer:
            given = settings(broker, queue_messages=5)
            driver = Driver(given, plan(given, "level"))
            blocks: list[Block] = []
            async with session(driver, blocks) as task:
                await subscribed(broker, 2)
                for turn in range(3000):
                    peer._client.publish("level", str(turn))
                time.sleep(0.3)  # noqa: ASYNC251 -- the loop stalls on purpose, so that the flood piles up
                await until(lambda: driver.dropped > 0)
                spoilt = next(b for b in blocks if isinstance(b, Few) and b.causes == [Cause.OVERFLOW])
                assert spoilt.qualities == [Quality.BAD]
                seen = 0
                while not any(isinstance(block, Few) and block.values == [7777.0] for block in blocks[seen:]):
                    seen = len(blocks)
                    await peer.publish("level", "7777", qos=1)  # the first may still find the queue full
                    await asyncio.sleep(0.1)
                assert not task.done()

    run(body)


def test_garbage_never_ends_it_and_never_looks_good(tmp_path: Path) -> None:
    async def body() -> None:
        chance = random.Random(3)
        async with Broker(tmp_path) as broker, aiomqtt.Client("127.0.0.1", broker.port) as peer:
            given = settings(broker, payload_bytes_max=100)
            driver = Driver(given, plan(given, "gas#/lel"))
            blocks: list[Block] = []
            async with session(driver, blocks) as task:
                await subscribed(broker, 2)
                for _ in range(200):
                    await peer.publish("gas", chance.randbytes(chance.randrange(300)), qos=0)
                await peer.publish("gas", '{"lel": 4.5}' + " " * 200, qos=1)
                await until(lambda: len(blocks) == 201)
                assert all(isinstance(block, Few) and block.qualities == [Quality.BAD] for block in blocks)
                assert driver.undecodable == 201
                await peer.publish("gas", '{"lel": 4.5}', qos=1)
                await until(lambda: isinstance(blocks[-1], Few) and blocks[-1].values == [4.5])
                assert not task.done()

    run(body)


@pytest.mark.parametrize("url", ["http://x", "mqtt://", "mqtt://u:p@host", "mqtt://host/topic", "mqtt://host:99999"])
def test_wrong_settings(url: str) -> None:
    with pytest.raises(ValueError):
        Settings(url=url)
