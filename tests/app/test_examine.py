"""`check` and `record` as the command line calls them: exit codes, and data that a program can read."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway import app
from gateway.app.examine import examine

DEMO = Path(__file__).parents[2] / "config" / "demo"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A copy of the demo site that has never run."""
    return Path(shutil.copytree(DEMO, tmp_path / "site", ignore=shutil.ignore_patterns("state", "certs")))


def test_the_demo_site_is_in_order(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checked = examine(site)
    assert checked.ok
    assert checked.program is not None
    assert set(checked.formulas) >= {rule.name for rule in checked.program.rules}
    for lang, word in (("en", "in order"), ("zh-CN", "检查通过")):
        assert app.check(site, lang=lang, as_json=False) == 0
        assert word in capsys.readouterr().out
    assert app.check(site, lang="en", as_json=True) == 0
    assert not [row for row in json.loads(capsys.readouterr().out) if row["severity"] == "error"]


def test_every_problem_at_once_with_exit_code_9(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = site / "rules" / "10-pickling.rules"
    rules.write_text(
        rules.read_text(encoding="utf-8") + "\ninterlock BROKEN\n  when no.such.tag < 3\n", encoding="utf-8"
    )
    assert app.check(site, lang="en", as_json=True) == 9
    problems = json.loads(capsys.readouterr().out)
    errors = [row for row in problems if row["severity"] == "error"]
    assert any(row["file"].endswith("10-pickling.rules") and row["line"] > 0 for row in errors)
    assert all(set(row["text"]) == {"en", "zh-CN"} for row in problems)
    for lang in ("en", "zh-CN"):
        assert app.check(site, lang=lang, as_json=False) == 9
        out = capsys.readouterr().out
        assert "10-pickling.rules" in out
        assert "in order" not in out
        assert "检查通过" not in out


def test_a_folder_that_is_no_site_is_9_and_has_no_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checked = examine(tmp_path)
    assert (checked.ok, checked.site, checked.program) == (False, None, None)
    assert app.check(tmp_path, lang="en", as_json=True) == 9
    assert json.loads(capsys.readouterr().out)


def test_a_site_that_cannot_start_says_why_before_anything_is_made(
    site: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from gateway.app.daemon import SITE_INVALID, start

    (site / "tags.csv").write_text("nonsense\n", encoding="utf-8")
    assert start(site, "en") == SITE_INVALID
    assert capsys.readouterr().err
    assert not (site / "state").exists()


@pytest.mark.parametrize("verb", ["list", "export", "replay"])
def test_where_nothing_is_recorded_nothing_is_made(verb: str, site: Path) -> None:
    app.record(verb, site, {"output": "json"})
    assert not (site / "state").exists(), "looking at records must not make any"


def test_replay_of_nothing_is_exit_code_4(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for lang, word in (("en", "Nothing is recorded"), ("zh-CN", "没有记录")):
        assert app.record("replay", site, {"lang": lang}) == 4
        assert word in capsys.readouterr().err


def test_a_tag_that_no_recording_knows_is_exit_code_4(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.record("export", site, {"tags": "no.such.tag"}) == 4
    captured = capsys.readouterr()
    assert "no.such.tag" in captured.err


def test_a_time_that_is_none_is_exit_code_2(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.record("export", site, {"from": "yesterday"}) == 2
    assert "yesterday" in capsys.readouterr().err


def test_records_of_a_broken_site_are_9(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.record("list", tmp_path, {}) == 9
    assert capsys.readouterr().err


def test_a_list_of_nothing_is_an_empty_list(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert app.record("list", site, {"output": "json"}) == 0
    assert json.loads(capsys.readouterr().out) == []
