"""The acceptance report: what was done stands there with its result, what was not done as not done, in both languages."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.app.acceptance import WORDS, acceptance, acceptance_page
from gateway.app.examine import examine
from gateway.commission import record
from gateway.journal.journal import Journal

ROOT = Path(__file__).parents[2]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    shutil.copytree(ROOT / "config/demo", folder, ignore=shutil.ignore_patterns("state", "certs"))
    return folder


def test_what_was_not_done_is_said(site: Path) -> None:
    page = acceptance_page(site, examine(site), "en")
    assert page.count(WORDS["none"][0]) >= 3
    assert "Interlocks without a passed proof test: " in page
    assert "PKL_LSLL" in page
    assert "Safety officer" in page


def test_what_was_done_is_there_with_its_result(site: Path) -> None:
    record.note(
        site,
        "loop",
        1_790_000_000_000,
        tag="tank1.level",
        person="lina",
        applied=50,
        seen=50.2,
        allowed=3,
        unit="cm",
        passed=True,
    )
    journal = Journal(site / "state/journal")
    journal.open()
    detail = {"kind": "full", "passed": True, "trips": 10, "longest_ms": 212.5}
    journal.note("proof.result", detail)
    journal.close()
    page = acceptance_page(site, examine(site), "zh-CN")
    assert "验收报告" in page
    assert "lina" in page
    assert "合格" in page
    assert "212.5" in page
    assert "<script" not in page


def test_an_invalid_site_still_gives_a_page(site: Path, tmp_path: Path) -> None:
    (site / "tags.csv").write_text("nonsense\n", encoding="utf-8")
    target = tmp_path / "page.html"
    assert acceptance(site, str(target), "en") == 9
    assert "Acceptance report" in target.read_text(encoding="utf-8")
