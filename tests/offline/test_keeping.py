"""The daemon's side of bundles: one comparison on the loop, and a process beside it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.app import bundles
from gateway.app.bundles import BundleKeeping, latest
from gateway.core.effects import Journal, Record
from tests.offline.campaign_trips import Recorded, demo_site


def row(kind: str) -> Journal:
    return Journal(Record((1, 1), 0, 0, kind, "PKL_LSLL"))


async def until(true: Callable[[], bool]) -> None:
    """Look until it is so; the time is the caller's."""
    for _ in range(1_000):
        if true():
            return
        await asyncio.sleep(0.05)


def test_a_trip_is_bundled_and_its_file_is_known(
    recorded: Recorded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = Path(shutil.copytree(recorded.directory, tmp_path / "state"))
    monkeypatch.setattr(bundles, "FIRST_S", 0.0)
    monkeypatch.setattr(bundles, "WAIT_S", 0.0)
    keeping = BundleKeeping(state, 9)

    async def run() -> None:
        task = asyncio.create_task(keeping.run())
        async with asyncio.timeout(30):
            await until(lambda: keeping.last("PKL_LSLL") != "")
            first = keeping.last("PKL_LSLL")
            await asyncio.to_thread(Path(first).unlink)
            keeping.seen(row("interlock.tripping"))
            await until(lambda: keeping.last("PKL_LSLL") != first)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert set(latest(state / "bundles")) <= {"PKL_LSLL", "PKL_LSHH", "GAS_2OO3", "H2S_2OO3", "CRANE_PERSON"}
    assert Path(keeping.last("GAS_2OO3")).is_file()
    assert keeping.last("NO_SUCH") == ""


def test_only_a_trip_asks_for_a_bundle(tmp_path: Path) -> None:
    keeping = BundleKeeping(tmp_path, 1)
    for kind in ("interlock.tripped", "alarm.raise", "interlock.near_miss"):
        keeping.seen(row(kind))
    assert not keeping._tripped.is_set()
    keeping.seen(row("interlock.tripping"))
    assert keeping._tripped.is_set()


def test_a_full_disk_does_not_keep_the_gateway_from_starting(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    site, program = demo_site()
    (tmp_path / "bundles").write_bytes(b"")  # a file where the folder belongs
    BundleKeeping(tmp_path, 1).in_force(site, program, {}, "0")
    assert "was not kept" in caplog.text


def test_what_is_in_force_is_found_again(tmp_path: Path) -> None:
    from gateway.offline import setting

    site, program = demo_site()
    BundleKeeping(tmp_path, 3).in_force(site, program, {"X": "a > 1"}, "1.2")
    (path,) = (tmp_path / "bundles").iterdir()
    found = setting.decode(path.read_bytes())
    assert found.rules() == program
    assert found.table.tags == list(site.table.tags)
    assert setting.find(tmp_path / "bundles", 3, found.program_hash) == found
    setting.forget(tmp_path / "bundles", 4)
    assert not list((tmp_path / "bundles").iterdir())
