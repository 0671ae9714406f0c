"""The self-test of a version: it reads the rules as this version does, opens a copy of the journal, and changes nothing."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from gateway.app import selftest
from gateway.journal.journal import Journal

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "site"
    shutil.copytree(ROOT / "config/demo", folder, ignore=shutil.ignore_patterns("state", "certs"))
    monkeypatch.setattr(selftest, "ROOMS", ("gateway.appliance",))
    journal = Journal(folder / "state/journal")
    journal.open()
    journal.note("gateway.start", {})
    journal.close()
    return folder


def test_it_says_how_it_reads_every_rule_and_touches_nothing(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {path: path.read_bytes() for path in site.rglob("*") if path.is_file() and not path.name.endswith("-shm")}
    assert selftest.main([str(site)]) == 0
    hashes = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert "PKL_LSLL" in hashes
    assert all(len(digest) == 64 for digest in hashes.values())
    assert {path: path.read_bytes() for path in before} == before


def test_a_site_that_this_version_cannot_read_fails_it(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (site / "tags.csv").write_text("nonsense\n", encoding="utf-8")
    assert selftest.main([str(site)]) == 1
    assert "tags.csv" in capsys.readouterr().err


def test_a_journal_that_was_edited_fails_it(site: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = site / "state/journal/journal.db"
    path.write_bytes(path.read_bytes()[:4096] + b"\xff" * 4096)
    assert selftest.main([str(site)]) == 1
    assert "journal" in capsys.readouterr().err


def test_a_module_that_lacks_what_is_no_extra_fails_it(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    room = tmp_path / "planted_room"
    for name, text in (("__init__", ""), ("needs_z3", "import z3_of_no_wheel"), ("broken", "import gone_for_good")):
        room.mkdir(exist_ok=True)
        (room / f"{name}.py").write_text(text)
    (room / "training").mkdir()
    (room / "training/__init__.py").write_text("import torch_that_no_box_has")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(selftest, "ROOMS", ("planted_room",))
    monkeypatch.setattr(selftest, "OPTIONAL", frozenset({"z3_of_no_wheel"}))
    assert selftest.main([str(tmp_path / "nowhere")]) == 1
    said = capsys.readouterr().err
    assert "planted_room.broken" in said
    assert "z3_of_no_wheel" not in said
    assert "torch" not in said


def test_without_a_site_yet_there_is_nothing_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "ROOMS", ("gateway.appliance",))
    assert selftest.main([str(tmp_path / "nowhere")]) == 0
