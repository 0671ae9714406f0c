"""`gatehouse record` on bundles and `gatehouse rule backtest`, from a site folder and its state to what a person reads."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway import app
from gateway.offline.keeper import Keep, keep, list_bundles
from tests.offline.campaign_trips import Recorded

DEMO = Path(__file__).parents[2] / "config" / "demo"


@pytest.fixture(scope="module")
def site(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's site folder with the recorded state in it."""
    folder = tmp_path_factory.mktemp("site") / "demo"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("state"))
    shutil.copytree(recorded.directory, folder / "state")
    keep(folder / "state", 0, Keep())
    return folder


@pytest.fixture
def last(site: Path) -> Path:
    return list_bundles(site / "state" / "bundles")[-1]


def test_bundles_are_listed_oldest_first(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.record("bundles", site, {"output": "json"}) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row["file"] for row in rows] == [str(path) for path in list_bundles(site / "state" / "bundles")]
    assert [row["utc"] for row in rows] == sorted(row["utc"] for row in rows)
    assert "complete" in {row["state"] for row in rows}


def test_a_bundle_is_verified_and_replayed(site: Path, last: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = str(site / "state" / "keys" / "box.pub")
    assert app.record("verify", last, {"key": key}) == 0
    assert "signed by the given key" in capsys.readouterr().err
    assert app.record("verify", last, {"lang": "zh-CN"}) == 0
    assert "已逐字节核对" in capsys.readouterr().err
    assert app.record("replay", last, {"output": "json"}) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["identical"]
    assert told["tripped"]
    assert told["equal"] == told["decisions"] > 0


def test_a_changed_bundle_is_refused_by_every_verb(
    last: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = bytearray(last.read_bytes())
    data[len(data) // 2] ^= 1
    spoilt = tmp_path / last.name
    spoilt.write_bytes(data)
    for verb in ("verify", "replay", "report"):
        assert app.record(verb, spoilt, {}) == 9
        captured = capsys.readouterr()
        assert captured.out == ""
        assert last.name in captured.err
    assert app.record("verify", tmp_path / "gone.trip.zip", {}) == 4


@pytest.mark.parametrize(("lang", "word"), [("en", "Trip report"), ("zh-CN", "联锁动作报告")])
def test_a_report_is_written(last: Path, tmp_path: Path, lang: str, word: str) -> None:
    page = tmp_path / "trip.html"
    assert app.record("report", last, {"html": str(page), "lang": lang, "zone": "Asia/Shanghai"}) == 0
    text = page.read_text(encoding="utf-8")
    assert word in text
    assert "+08:00" in text
    assert app.record("report", last, {"html": str(page), "zone": "Nowhere/Never"}) == 2


def test_a_backtest_of_the_rules_that_run(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "backtest.html"
    assert app.rule("backtest", site, {"html": str(page), "output": "json", "lang": "en"}) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["equality"]["equal"] == told["equality"]["decisions"] > 100
    assert told["trips"]
    assert "<svg" in page.read_text(encoding="utf-8")


def test_a_backtest_of_new_rules(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "new.rules"
    text = (site / "rules" / "10-pickling.rules").read_text(encoding="utf-8")
    rules.write_text(text.replace("< 30 cm", "< 34 cm"), encoding="utf-8")
    assert app.rule("backtest", site, {"rules": str(rules), "lang": "zh-CN"}) == 0
    out = capsys.readouterr().out
    assert "假定动作" in out
    assert "逐项一致" not in out
    rules.write_text("interlock X\n", encoding="utf-8")
    assert app.rule("backtest", site, {"rules": str(rules)}) == 9
    assert "new.rules" in capsys.readouterr().err


def test_a_backtest_on_an_export(site: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = ["time,tank1.level,pump7.running,fill1.open"]
    rows += [f"2026-05-28T20:{at // 60:02d}:{at % 60:02d}Z,{20 if 120 <= at < 150 else 150},1,0" for at in range(300)]
    rows[10] = rows[10].replace(",150,", ",I/O Timeout,")
    data = tmp_path / "export.csv"
    data.write_text("\n".join(rows), encoding="utf-8")
    assert app.rule("backtest", site, {"data": str(data), "output": "json", "lang": "en"}) == 0
    told = json.loads(capsys.readouterr().out)
    trips = [trip for trip in told["trips"] if trip["function"] == "PKL_LSLL"]
    assert [trip["first_out"] for trip in trips] == [["tank1.level < 30"]]
    assert trips[0]["commands"] == ["pump7.permit = 0"]
    assert abs(trips[0]["lasted_s"] - 28.0) <= 5.0
    assert [(cell["line"], cell["column"]) for cell in told["bad_cells"]] == [(11, 2)]
    assert app.rule("backtest", site, {"data": str(tmp_path / "none.csv")}) == 1
