"""`gatehouse rule check` as the command line calls it: exit codes, both languages, JSON, one rule file of a site."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway import app
from gateway.app.examine import examine
from gateway.app.proving import plant_of

DEMO = Path(__file__).parents[2] / "config" / "demo"
HUNTS = "\ncontrol FAN\n  when gas5.co > 50 ppm\n  then set beacon1.on = 1\nend\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DEMO, tmp_path / "site", ignore=shutil.ignore_patterns("state", "certs")))


def check(*paths: Path, **more: str) -> int:
    return app.rule("check", paths[0], {"paths": "\n".join(map(str, paths)), **more})


def test_the_demo_is_proven_and_tells_times_and_costs(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for lang, words in (
        ("en", ("0 left open", "half of pst is 15 s", "bytes")),
        ("zh-CN", ("0 个未定", "pst 的一半为 15 s", "字节")),
    ):
        assert check(site, lang=lang) == 0
        out = capsys.readouterr().out
        assert all(word in out for word in words), out


def test_a_finding_stands_at_its_rule_and_ends_with_9(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = site / "rules" / "20-gas.rules"
    rules.write_text(rules.read_text(encoding="utf-8") + HUNTS, encoding="utf-8")
    line = rules.read_text(encoding="utf-8").splitlines().index("control FAN") + 1
    for lang, word in (("en", "FAN would hunt"), ("zh-CN", "FAN 会反复动作")):
        assert check(site, lang=lang) == 9
        out = capsys.readouterr().out
        assert f"20-gas.rules:{line}:9" in out
        assert word in out
        assert "control FAN" in out
    assert check(site, output="json") == 9
    told = json.loads(capsys.readouterr().out)
    hit = next(one for one in told["proof"]["findings"] if one["code"] == "check.no-hysteresis")
    assert (told["ok"], hit["rule"], hit["example"]["instants"]) == (False, "FAN", [{"gas5.co": 50.0}])


def test_one_file_of_a_site_is_checked_with_its_tags(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = site.parent / "new.rules"
    other.write_text(HUNTS, encoding="utf-8")
    assert check(site, other) == 9
    assert "PKL_LSLL" not in capsys.readouterr().out
    assert check(site / "rules" / "20-gas.rules") == 0
    out = capsys.readouterr().out
    assert "GAS_2OO3" in out
    assert "PKL_LSLL" not in out


def test_what_cannot_be_checked_says_why(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lonely = site.parent / "new.rules"
    lonely.write_text(HUNTS, encoding="utf-8")
    for lang, word in (("en", "lies in no site folder"), ("zh-CN", "不在站点目录中")):
        assert check(lonely, lang=lang) == 2
        assert word in capsys.readouterr().err
    assert check(site, site / "rules" / "none.rules") == 1
    assert "none.rules" in capsys.readouterr().err
    assert check(site, limit="soon") == 2
    assert "soon" in capsys.readouterr().err
    assert check(site.parent / "nothing") == 9
    assert capsys.readouterr().out


def test_a_rule_with_errors_is_9_and_nothing_is_proven(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "rules" / "30-new.rules").write_text("alarm X\n when no.such > 3\nend\n", encoding="utf-8")
    assert check(site, output="json") == 9
    told = json.loads(capsys.readouterr().out)
    assert told["proof"] is None
    assert any(problem["code"] == "rule.unknown-tag" for problem in told["problems"])


def test_tags_of_whole_number_types_count(site: Path) -> None:
    found = examine(site).site
    assert found is not None
    steps = plant_of(found).steps
    assert (steps["gas1.lel"].scale, steps["gas1.lel"].low, steps["gas1.lel"].high) == (0.1, 0, 65535)
    assert "tank1.level" not in steps
    assert "pump7.running" not in steps
