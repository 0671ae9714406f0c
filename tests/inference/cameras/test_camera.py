"""A camera over RTSP as a source: a peer process with a camera, a worker process with the job, the driver here. Eyes: `blob`."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import av
import pytest

from drivers.base import Plan, PlannedTag, PointSpec
from gateway.core.errors import AddressError
from gateway.core.samples import Block, Columns
from gateway.core.tags import Cause, Group, Quality, Tag
from inference import camera
from inference.cameras.sidecar import read
from tests.inference.cameras.peer import PeerCamera, peer_camera

PATIENCE_S = 120.0  # nothing here is a measurement: a loaded machine may take its time
ZONE = {"name": "press", "polygon": [(100, 100), (400, 100), (400, 350), (100, 350)]}
NAMES = (
    "persons", "zone.press.persons", "zone.press.occupied", "zone.press.intrusion", "health.frozen", "health.dark",
    "health.covered", "connected", "reason", "fps", "ring_s", "clips", "age_ms",
)  # fmt: skip


@pytest.fixture(scope="module")
def peer() -> Iterator[PeerCamera]:
    with peer_camera("--fps", "10") as found:
        yield found


class Seen:
    """The last value of every tag: (value, cause)."""

    def __init__(self) -> None:
        self.last: dict[str, tuple[float, Cause]] = {}
        self.changed = asyncio.Event()

    def emit(self, block: Block) -> None:
        assert isinstance(block, Columns)
        for name, value, quality, cause in zip(NAMES, block.values, block.qualities, block.causes, strict=True):
            assert (quality == Quality.GOOD) == (cause == Cause.NONE)
            self.last[name] = float(value), Cause(int(cause))
        self.changed.set()

    async def until(self, true: Callable[[dict[str, tuple[float, Cause]]], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not (self.last and true(self.last)):
                self.changed.clear()
                await self.changed.wait()


class Driver(camera.Driver):
    entry = "tests.inference.cameras.blob:Job"


@asynccontextmanager
async def running(folder: Path, **given: Any) -> AsyncIterator[tuple[Driver, Seen]]:
    settings = camera.Settings(picture=(640, 360), zone=[ZONE], model=Path("eyes-of-the-test"), **given)
    tags = []
    for at, name in enumerate(NAMES):
        point = camera.parse(settings, PointSpec(f"gate3.{name}", name, ""))
        tags.append(PlannedTag(Tag(at, f"gate3.{name}", "gate3", 0, boolean=point.boolean), point, 1.0, 0.0))
    driver = Driver(settings, Plan("gate3", [Group(0, "", "gate3", 0, len(tags), 1000)], [tags]))
    driver.clips = folder
    seen = Seen()
    task = asyncio.create_task(driver.run(seen.emit))
    try:
        yield driver, seen
    finally:
        task.cancel()
        await asyncio.wait({task})


def test_a_day_of_a_camera(peer: PeerCamera, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    asyncio.run(assert_day(peer, tmp_path))


async def assert_day(peer: PeerCamera, folder: Path) -> None:
    """From quiet over a person, clips, darkness and a frozen picture to a silent camera and back."""
    evidence = {"before_s": 1, "after_s": 1, "clear_for": ["SEEN"]}
    async with running(folder, url=peer.url, evidence=evidence) as (driver, seen):
        await seen.until(lambda last: last["connected"][0] == 1 and last["ring_s"][0] > 1.5)
        assert seen.last["persons"] == (0.0, Cause.NONE)
        assert driver.reason() == {}
        # somebody stands in the zone, and a machine drives there
        peer.tell("person 200 150 40 120")
        await seen.until(lambda last: last["zone.press.occupied"] == (1.0, Cause.NONE))
        assert seen.last["zone.press.intrusion"] == (0.0, Cause.NONE)
        # evidence and a picture
        assert driver.clip("SEEN", "trip", "3-7", int(time.time() * 1000))
        assert driver.clip("HIDDEN", "alarm", "3-8", int(time.time() * 1000))
        number = driver.ask(zones=True)
        await seen.until(lambda _last: bool(driver.picture(number)))
        assert driver.picture(number)[:3] == b"\xff\xd8\xff"
        await seen.until(lambda last: last["clips"][0] == 2)
        told = {one.asked[0].rule: (clip, one) for clip, one in read(folder)}
        assert {rule: one.people for rule, (_, one) in told.items()} == {"SEEN": "as seen", "HIDDEN": "blurred"}
        for clip, one in told.values():
            assert one.whole, one.lacks
            with av.open(str(clip)) as container:
                assert next(container.decode(video=0)).key_frame
        # a picture that nobody can believe
        peer.tell("dark")
        await seen.until(lambda last: last["health.dark"][0] == 1)
        assert math.isnan(seen.last["persons"][0])
        assert seen.last["zone.press.occupied"][1] is Cause.DEVICE
        peer.tell("light")
        await seen.until(lambda last: last["persons"] == (1.0, Cause.NONE))
        peer.tell("freeze")
        await seen.until(lambda last: last["persons"][1] is Cause.FROZEN and last["health.frozen"][0] == 1)
        peer.tell("thaw")
        await seen.until(lambda last: last["persons"] == (1.0, Cause.NONE))
        # the camera falls silent and comes back
        peer.tell("stall")
        await seen.until(lambda last: last["connected"] == (0.0, Cause.NONE) and last["persons"][1] is Cause.COMMS)
        assert driver.reason()["en"].startswith(("connected, but no picture", "being connected"))
        peer.tell("go")
        await seen.until(lambda last: last["zone.press.occupied"] == (1.0, Cause.NONE))


def test_a_wrong_password_is_said_and_not_hammered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))
    (tmp_path / "password").write_text("wrong\n")

    async def try_it(url: str) -> None:
        given = {"url": url.replace("//", "//guard@"), "password_file": tmp_path / "password"}
        async with running(tmp_path / "clips", **given) as (driver, seen):
            await seen.until(lambda last: last["persons"][1] is Cause.REFUSED)
            assert "password" in driver.reason()["en"]
            assert driver.picture(1) == b""

    with peer_camera("--fps", "5", "--password", "right") as guarded:
        asyncio.run(try_it(guarded.url))


# --- settings and addresses ---


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ({"url": "http://10.0.0.1/"}, "rtsp://"),
        ({"url": "rtsp://u:secret@10.0.0.1/s"}, "password_file"),
        ({}, "exactly one of"),
        ({"url": "rtsp://10.0.0.1/s", "folder": "x"}, "exactly one of"),
        ({"url": "rtsp://10.0.0.1/s", "password_file": "x"}, "user"),
        ({"file": "a.mp4", "zone": [ZONE]}, "picture = "),
        ({"file": "a.mp4", "picture": (200, 200), "zone": [ZONE]}, "outside the picture of 200 x 200"),
        ({"file": "a.mp4", "picture": (640, 360), "zone": [ZONE, ZONE]}, 'called "press"'),
        ({"file": "a.mp4", "picture": (640, 360), "zone": [ZONE | {"polygon": [(0, 0), (9, 9)]}]}, "3 to 64"),
        (
            {"file": "a.mp4", "picture": (640, 360), "zone": [ZONE | {"polygon": [(0, 0), (9, 9), (9, 0), (0, 9)]}]},
            "cross each other",
        ),
        ({"file": "a.mp4", "picture": (640, 360), "zone": [ZONE | {"name": "Press 1"}]}, "press1"),
        ({"file": "a.mp4", "picture": (640, 360), "zone": [ZONE | {"ppe": ["hat"]}]}, "helmet"),
        ({"file": "a.mp4", "picture": (640, 360), "zone": [ZONE | {"m": 4, "n": 3}]}, "m is at most n"),
    ],
)
def test_what_is_wrong_with_a_camera_says_what_would_be_right(given: dict[str, Any], right: str) -> None:
    with pytest.raises(ValueError, match=right):
        camera.Settings(**given)


@pytest.mark.parametrize(
    ("address", "right"),
    [
        ("zone.dock.persons", "it has press"),
        ("zone.press.violations", "ppe = "),
        ("zone.press.people", "occupied"),
        ("health.moved", "reference = "),
        ("people", "persons"),
    ],
)
def test_what_is_wrong_with_an_address_says_what_would_be_right(address: str, right: str) -> None:
    settings = camera.Settings(file=Path("a.mp4"), picture=(640, 360), zone=[ZONE])
    with pytest.raises(AddressError, match=right) as caught:
        camera.parse(settings, PointSpec("t", address, ""))
    assert caught.value.zh != caught.value.en
    assert camera.parse(settings, PointSpec("t", "zone.press.occupied", "")).boolean
    assert not camera.parse(settings, PointSpec("t", "zone.press.persons", "")).boolean
