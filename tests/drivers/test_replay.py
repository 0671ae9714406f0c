"""A recording played: times, qualities, ends, and files that are none."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from drivers.base import Plan, PlannedTag, PointSpec, WriteCommand
from drivers.replay import Driver, Settings, parse
from gateway.core.errors import AddressError, SourceError
from gateway.core.samples import Block, Few
from gateway.core.tags import Cause, Group, Quality, Tag

RECORDING = """\ufeffutc_ms,tag,value,quality
1000,a,1.5,good
1000,b,1,good
1000,else,9,good
1100,a,2.5,uncertain
1100,a,3.5,good
1200,b,,bad
1200,a,many,good
1300,a,nan,good
1300,b,0,strange
"""


def driver(tmp_path: Path, text: str, **more: object) -> Driver:
    """A driver of tags a (number 4) and b (5, bool)."""
    path = tmp_path / "r.csv"
    path.write_text(text, encoding="utf-8")
    settings = Settings.model_validate({"file": path, **more})
    tags = []
    for number, name in enumerate("ab", start=4):
        point = parse(settings, PointSpec(name, name, "bool" if name == "b" else ""))
        tags.append(PlannedTag(Tag(number, name, "r", 2), point, 1.0, 0.0))
    return Driver(settings, Plan("r", [Group(2, "", "r", 4, 2, 1000)], [tags]))


def play(source: Driver, seconds: float = 5.0) -> tuple[list[tuple[float, Block]], SourceError | None]:
    """What comes out and when, until it stops or is cancelled."""
    got: list[tuple[float, Block]] = []

    async def body() -> SourceError | None:
        begun = time.monotonic()
        task = asyncio.create_task(source.run(lambda block: got.append((time.monotonic() - begun, block))))
        await asyncio.wait([task], timeout=seconds)
        if not task.done():
            task.cancel()
            await asyncio.wait([task], timeout=0.5)
            assert task.cancelled()
            return None
        error = task.exception()
        assert isinstance(error, SourceError)
        return error

    error = asyncio.run(body())
    return got, error


def test_times_values_qualities_and_the_end(tmp_path: Path) -> None:
    got, error = play(driver(tmp_path, RECORDING, speed=2.0))
    assert error is not None
    assert (error.cause, error.slow) == (Cause.STOPPED, True)
    blocks = [block for _, block in got]
    assert all(isinstance(block, Few) and block.group == 2 and block.clock == "device" for block in blocks)
    shown = [(b.tags, b.values, b.qualities, b.causes) for b in blocks if isinstance(b, Few)]
    assert shown[:3] == [
        ([4, 5], [1.5, 1.0], [0, 0], [0, 0]),
        ([4], [2.5], [Quality.UNCERTAIN], [Cause.DEVICE]),
        ([4], [3.5], [0], [0]),
    ]
    assert [(tags, causes) for tags, _, _, causes in shown[3:]] == [
        ([4, 5], [Cause.DECODE, Cause.DEVICE]),
        ([4, 5], [Cause.NOT_A_NUMBER, Cause.DECODE]),
    ]
    assert isinstance(blocks[1], Few)
    assert blocks[1].source_ns == 1_100_000_000
    times = [at for at, _ in got]
    assert 0.149 <= times[-1] - times[0] < 0.35, "300 ms at double speed"


def test_it_repeats_and_ends_when_cancelled(tmp_path: Path) -> None:
    got, error = play(driver(tmp_path, "utc_ms,tag,value\n5,a,1\n", repeat=True), 1.3)
    assert error is None
    assert len(got) == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "utc_ms,tag\n1,a\n",
        "utc_ms,tag,value\n",
        "utc_ms,tag,value\n1,c,1\n",
        "utc_ms,tag,value\n2,a,1\n1,a,1\n",
        "utc_ms,tag,value\nsoon,a,1\n",
        "utc_ms,tag,value\n-5,a,1\n",
        "utc_ms,tag,value\n1,a,1\n2,a,\udce4\n",
    ],
)
@pytest.mark.parametrize("repeat", [False, True])
def test_files_that_are_none(tmp_path: Path, text: str, repeat: bool) -> None:
    source = driver(tmp_path, "", repeat=repeat)
    source.settings.file.write_bytes(text.encode("utf-8", "surrogateescape"))
    _, error = play(source)
    assert error is not None
    assert (error.cause, error.slow) == (Cause.DECODE, True)


def test_a_missing_file_and_writing(tmp_path: Path) -> None:
    source = driver(tmp_path, "")
    source.settings.file.unlink()
    assert play(source)[1] is not None
    assert not asyncio.run(source.write(WriteCommand(4, 1.0))).ok


def test_a_long_recording_of_other_tags_leaves_the_loop_free(tmp_path: Path) -> None:
    text = "utc_ms,tag,value\n" + "".join(f"{at},other,1\n" for at in range(200_000)) + "200000,a,1\n"

    async def body() -> float:
        task = asyncio.create_task(driver(tmp_path, text).run(lambda _: None))
        longest, last = 0.0, time.monotonic()
        while not task.done():
            await asyncio.sleep(0)
            now = time.monotonic()
            longest, last = max(longest, now - last), now
        assert isinstance(task.exception(), SourceError)
        return longest

    assert asyncio.run(body()) < 0.1


@pytest.mark.parametrize("spec", [("", "", False), ("a", "int16", False), ("a", "", True)])
def test_wrong_addresses(tmp_path: Path, spec: tuple[str, str, bool]) -> None:
    address, kind, writable = spec
    with pytest.raises(AddressError) as caught:
        parse(Settings(file=tmp_path), PointSpec("t", address, kind, writable=writable))
    assert any("一" <= letter <= "鿿" for letter in caught.value.zh)
