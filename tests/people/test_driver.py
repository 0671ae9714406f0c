"""The driver of wearables on a real broker: nothing without consent, what consent names and no more, nothing after a withdrawal."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiomqtt
import msgspec
import pytest

from drivers import wearable
from drivers.base import PointSpec
from drivers.base_worn import Frame, Motion, Wave, sound, stripped
from gateway.core.errors import AddressError, SourceError
from gateway.core.samples import Block, Few, Personal
from gateway.demo.broker import Broker, mosquitto
from tests.people.stage import site_folder, stage

SETTINGS = wearable.Settings(url="mqtt://127.0.0.1:1883")


@pytest.mark.parametrize(
    ("address", "privacy", "group", "name"),
    [
        ("any/fatigue", "personal", "any/fatigue", "value"),
        ("w7/fatigue/confidence", "personal", "w7/fatigue", "confidence"),
        ("newcomer/event/phone/worker", "personal", "newcomer/event/phone", "worker"),
        ("zone/crane_bay/occupied", "", "zone/crane_bay/place", "occupied"),
        ("zone/crane_bay/worker", "personal", "zone/crane_bay/worker", "worker"),
        ("surroundings/yard/heat", "", "surroundings/yard", "heat"),
    ],
)
def test_addresses(address: str, privacy: str, group: str, name: str) -> None:
    point = wearable.parse(SETTINGS, PointSpec("x", address, "", columns={"privacy": privacy}))
    assert (point.group, point.key.name) == (group, name)
    with pytest.raises(AddressError):
        wearable.parse(SETTINGS, PointSpec("x", address, "", columns={"privacy": "" if privacy else "personal"}))


@pytest.mark.parametrize(
    "address", ["", "any", "any/pulse", "zone/x", "w7/event/phone", "any/event/", "zone/+/occupied"]
)
def test_other_addresses_are_refused(address: str) -> None:
    with pytest.raises(AddressError):
        wearable.parse(SETTINGS, PointSpec("x", address, ""))


def test_a_frame_keeps_only_what_is_consented_to() -> None:
    frame = Frame(t=1, ppg=Wave(25, [1.0]), ecg=Wave(25, [1.0]), skin_temperature=33.0, ranges={"A1": 1.0})
    assert msgspec.to_builtins(stripped(frame, frozenset(("ecg",)))) == msgspec.to_builtins(
        Frame(t=1, ecg=Wave(25, [1.0]))
    )


@pytest.mark.parametrize(
    "frame",
    [
        Frame(t=0),
        Frame(t=1, ppg=Wave(0.0, [1.0])),
        Frame(t=1, ecg=Wave(250.0, [0.0] * 5000)),
        Frame(t=1, motion=Motion(25.0, [0.0], [0.0], [])),
        Frame(t=1, ranges={"A1": -1.0}),
    ],
)
def test_what_no_device_can_honestly_say_is_not_taken(frame: Frame) -> None:
    assert not sound(frame)


def test_without_a_keeper_nothing_is_collected() -> None:
    driver = wearable.Driver(SETTINGS, wearable.Plan("worn", [], []))
    with pytest.raises(SourceError, match="vault"):
        asyncio.run(driver.run(lambda _block: None))


@pytest.mark.skipif(mosquitto() is None, reason="mosquitto is not installed")
def test_consent_at_a_real_broker(tmp_path: Path) -> None:
    """No consent, consent, and a withdrawal: what the driver emits and the vault holds follows at once."""
    folder = site_folder(tmp_path / "site")
    blocks: list[Block] = []

    async def run() -> None:
        async with Broker(tmp_path / "broker", kind="mosquitto") as broker:
            site = folder / "site.toml"
            site.write_text(site.read_text("utf-8").replace("127.0.0.1:1883", f"127.0.0.1:{broker.port}"), "utf-8")
            async with stage(folder) as on, aiomqtt.Client("127.0.0.1", broker.port) as band:
                source = on.site.sources["worn"]
                driver = wearable.Driver(source.settings, source.plan)
                driver.keeper = on.peopling.keeping.intake
                running = asyncio.ensure_future(driver.run(blocks.append))
                kept = on.peopling.keeping

                async def say(topic: str, **message: Any) -> None:
                    await band.publish(f"wearable/{topic}", json.dumps({"t": on.clock.now_ms, **message}), 1)

                async def until(condition: Any) -> None:
                    async with asyncio.timeout(20):
                        while not condition():
                            await asyncio.sleep(0.05)
                            await say("surroundings/yard", noise_dba=90.0)

                await until(lambda: any(isinstance(block, Few) for block in blocks))
                blocks.clear()
                await say("band-0142", skin_temperature=34.0)
                await until(lambda: len(blocks) > 2)
                assert not any(isinstance(block, Personal) for block in blocks), "nobody has consented"
                assert not kept._batches

                await on.consent("zhao-min", "safety")
                numbers = {tag.name: tag.number for tag in on.site.table.tags}

                async def at_work(n: int) -> None:
                    events = [{"kind": "phone", "n": n}]
                    await say(
                        "band-0142", events=events, skin_temperature=34.0, position={"x": 15, "y": 13, "error_m": 0.2}
                    )

                number = 0
                async with asyncio.timeout(20):
                    while not ("behaviour" in streams(kept) and occupied(blocks, numbers["crane_bay.occupied"])):
                        number += 1
                        await at_work(number)
                        await asyncio.sleep(0.1)
                assert "skin_temperature" not in streams(kept), "not of this purpose"
                found = personal(blocks)
                assert found[numbers["phone"]] == 1.0
                assert found[numbers["phone.worker"]] == 7.0
                await band.publish("wearable/band-0142", b"{nonsense", 1)
                await band.publish("wearable/band-0142", b'{"t": 1, "salary": 9}', 1)
                await until(lambda: driver.undecodable == 2)

                assert (await on.ask("zhao-min", "withdraw", purpose="safety")).code == 0
                blocks.clear()
                await at_work(number + 1)
                await until(lambda: sum(isinstance(block, Few) for block in blocks) > 3)
                assert not streams(kept), "what was on its way is dropped"
                running.cancel()
                await asyncio.wait({running})

    asyncio.run(run())


def streams(kept: Any) -> set[str]:
    return {place[2] for place in kept._batches}


def personal(blocks: list[Block]) -> dict[int, float]:
    return {
        number: value
        for block in blocks
        if isinstance(block, Personal)
        for number, value in zip(block.tags, block.values, strict=True)
    }


def occupied(blocks: list[Block], number: int) -> bool:
    return any(
        isinstance(block, Few) and number in block.tags and block.values[block.tags.index(number)] == 1.0
        for block in blocks
    )
