"""`gatehouse rule submit`: rules are proven before they become a version, and a counterexample is shown to who submits."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from gateway.activation import gate, store
from gateway.app import versions
from gateway.rulebook.prove import check
from tests.daemon.signing import COMMON

SITE = """
[gateway]
id = "g"
site = "s"
area = "a"

[source.plc1]
driver = "modbus"
url = "tcp://192.0.2.1:502"
period_ms = 100
scan_ms = 20
write_ms = 200
"""
TAGS = """tag,source,address,type,unit,low,high,writable,safe
tank1.level,plc1,holding:0,uint16,cm,0,300,,
fan2.high,plc1,coil:1,bool,,,,yes,1
"""
USERS = """
[user.sun-li]
name = "Sun Li"
roles = ["engineer"]
"""
CONTROL = "control FAN\n  when tank1.level > 50 cm{hyst}\n  then set fan2.high = 1\n  priority P3\nend\n"


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    for name, text in (("site.toml", SITE), ("tags.csv", TAGS), ("users.toml", USERS)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    write(tmp_path, hyst=" hyst 5 cm")
    return tmp_path


def write(site: Path, hyst: str) -> None:
    (site / "rules" / "a.rules").write_text(CONTROL.format(hyst=hyst), encoding="utf-8")


def submit(site: Path, **more: str) -> int:
    return versions.rule("submit", site, {**COMMON, "person": "sun-li", **more})


def kept(site: Path) -> store.Kept:
    return store.read(site / "state")


@pytest.mark.parametrize(("lang", "word"), [("en", "FAN would hunt"), ("zh-CN", "FAN 会反复动作")])
def test_a_counterexample_is_shown_and_nothing_is_kept(
    site: Path, lang: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    write(site, hyst="")
    assert submit(site, lang=lang) == 9
    said = capsys.readouterr().err
    assert word in said
    assert "tank1.level = 50" in said, "the values at which it hunts"
    assert not kept(site).versions
    write(site, hyst=" hyst 5 cm")
    assert submit(site, lang=lang) == 0
    assert kept(site).versions[1].proven


def test_what_was_submitted_without_the_solver_is_not_armed_and_may_be_submitted_again(
    site: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with monkeypatch.context() as without:
        without.setattr(check, "find_spec", lambda _name: None)
        assert submit(site) == 0
    assert "not installed" in capsys.readouterr().err, "said to who submits"
    unproven = kept(site)
    reasons = gate.missing(unproven, unproven.versions[1], {})
    assert any("not proven" in reason["en"] for reason in reasons)
    assert submit(site) == 0, "the same program, now proven"
    again = kept(site)
    assert again.versions[2].program_hash == again.versions[1].program_hash
    assert not any("not proven" in reason["en"] for reason in gate.missing(again, again.versions[2], {}))
    assert submit(site) == 6, "it is held already"


def test_who_signs_sees_what_was_found(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert submit(site) == 0
    found = versions.Finding("warning", "check.not-decided", "FAN: not decided", "FAN：未能判定")
    version = msgspec.structs.replace(kept(site).versions[1], number=2, findings=(found,))
    store.add_version(site / "state", version)
    capsys.readouterr()
    key = site / "none.key"
    file = site / "state" / store.FOLDER / "000002.version"
    assert versions.rule("sign", Path(), {**COMMON, "file": str(file), "key": str(key)}) == 1
    assert "warning: FAN: not decided" in capsys.readouterr().err


def test_a_limit_that_is_no_time_is_refused(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert submit(site, limit="soon") == 2
    assert "--limit" in capsys.readouterr().err
    assert submit(site, limit="5") == 0
