"""A stated backtest is held against its report, and nothing that drives an output is armed without a version."""

from __future__ import annotations

import asyncio
import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from gateway.activation import store
from gateway.app.arming import ArmingDesk, standing_down
from gateway.control.messages import Reply
from gateway.core.program import Compare, Control, Set
from tests.core.stage import Stage, low_level
from tests.daemon.signing import Laptop, do

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    shutil.copytree(ROOT / "config" / "demo", folder)
    Laptop(tmp_path / "laptop").enrol(folder / "users.toml")
    assert do(folder, "submit", person="sun-li") == 0
    return folder


def stated(site: Path, report: object) -> int:
    path = site.parent / "report.json"
    path.write_text(report if isinstance(report, str) else json.dumps(report), encoding="utf-8")
    words = {"person": "sun-li", "version": "1", "kind": "backtest", "note": "all that is kept"}
    return do(site, "evidence", report=str(path), **words)


def test_a_backtest_is_held_against_its_report(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = store.read(site / "state")
    good: dict[str, Any] = {
        "program_hash": kept.versions[1].program_hash, "hours": 23.5, "trips_in_all": 4, "from_utc_ms": 0,
        "to_utc_ms": 84_600_000, "functions": [],
    }  # fmt: skip
    assert do(site, "evidence", person="sun-li", version="1", kind="backtest", note="it was fine") == 2
    assert stated(site, "no report") == 2
    assert stated(site, {"hours": 3}) == 2
    assert stated(site, {**good, "program_hash": "0" * 64}) == 6
    assert stated(site, {**good, "hours": 0}) == 6
    assert store.read(site / "state").evidence == {}
    said = capsys.readouterr().err
    for words in ("--report FILE", "not the JSON of a backtest", "of other rules than version 1", "no time at all"):
        assert words in said
    assert stated(site, good) == 0
    (found,) = store.read(site / "state").evidence[1]
    assert found.report == hashlib.sha256((site.parent / "report.json").read_bytes()).hexdigest()
    assert found.summary == "all that is kept (23.5 h, 1970-01-01 00:00 … 1970-01-01 23:30 UTC, 4 trips)"


class Passed:
    """A desk that takes everything."""

    def __init__(self) -> None:
        self.given: list[str] = []

    async def submit(self, person: str, role: str, verb: str, target: str, args: dict[str, str]) -> Reply:
        self.given.append(verb)
        return Reply(0)


FAN = Control(name="FAN", when=Compare("a1", ">", 60.0), priority=3, on_bad="safe", sets=(Set("y1", 1.0),))


def desk(tmp_path: Path, **more: bool) -> tuple[ArmingDesk, Passed]:
    behind = Passed()
    return ArmingDesk(behind, Stage([low_level(), FAN]).kernel, tmp_path, {}, {}, **more), behind


@pytest.mark.parametrize(("verb", "target"), [("interlock.arm", "LSLL"), ("control.arm", "FAN")])
def test_what_drives_an_output_needs_a_version(tmp_path: Path, verb: str, target: str) -> None:
    arming, behind = desk(tmp_path)
    reply = asyncio.run(arming.submit("li", "supervisor", verb, target, {"reason": "r"}))
    assert (reply.code, "submit it first" in reply.texts["en"], behind.given) == (6, True, [])
    assert asyncio.run(arming.submit("li", "supervisor", "interlock.trip", "LSLL", {})).code == 0
    assert behind.given == ["interlock.trip"]


@pytest.mark.parametrize("verb", ["interlock.arm", "control.arm", "source.watchdog"])
def test_where_only_is_monitored_nothing_that_writes_is_begun(tmp_path: Path, verb: str) -> None:
    arming, behind = desk(tmp_path, monitor=True)
    reply = asyncio.run(arming.submit("li", "supervisor", verb, "LSLL", {}))
    assert (reply.code, "only monitors" in reply.texts["en"], "仅监测" in reply.texts["zh-CN"]) == (6, True, True)
    assert asyncio.run(arming.submit("li", "supervisor", "interlock.shadow", "LSLL", {})).code == 0
    assert behind.given == ["interlock.shadow"]
    kept = {"function:LSLL": b"", "control:FAN": b"", "alarm:HIGH": b"1", "output:y0": b"hunting"}
    assert standing_down(kept) == {"alarm:HIGH": b"1", "output:y0": b"hunting"}
