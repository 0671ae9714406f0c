"""`gatehouse rule export|import|tests` on the demo site."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.app.examine import examine
from gateway.app.workbooks import rule
from gateway.core.program import rule_hash
from gateway.rulebook import compile_rules
from gateway.site import load_site

DEMO = Path(__file__).parents[2] / "config" / "demo"


def ask(verb: str, file: Path, **args: str) -> int:
    return rule(verb, DEMO, {"file": str(file), **args})


@pytest.mark.parametrize("suffix", [".xlsx", ".csv"])
def test_export_and_import_give_the_same_hash(tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    site = load_site(DEMO).site
    assert site is not None
    assert ask("export", tmp_path / f"a{suffix}") == 0
    capsys.readouterr()
    assert ask("import", tmp_path / f"a{suffix}") == 0
    before = compile_rules(list(site.rules), site.table).program
    after = compile_rules([("a.rules", capsys.readouterr().out)], site.table).program
    assert before is not None
    assert after is not None
    assert rule_hash(before) == rule_hash(after)


def test_tests_are_listed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("export", tmp_path / "a.csv") == 0
    assert ask("tests", tmp_path / "a.csv", output="csv", lang="zh-CN") == 0
    assert capsys.readouterr().out.startswith("序号,类别,规则,原因,操作,预期,首出,起始状态\n")
    assert ask("tests", tmp_path / "a.csv", output="json", out=str(tmp_path / "t.json")) == 0
    assert len(json.loads((tmp_path / "t.json").read_text(encoding="utf-8"))) > 50


def test_what_cannot_be_done_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert ask("export", tmp_path / "a.ods") == 2
    assert ask("import", tmp_path / "none.csv") == 1
    (tmp_path / "a.xlsx").write_bytes(b"no workbook")
    assert ask("import", tmp_path / "a.xlsx") == 9
    assert ask("export", tmp_path / "a.xlsx", lang="zh-CN") == 1
    (tmp_path / "a.csv").write_text("a,b\n", encoding="utf-8")
    assert ask("import", tmp_path / "a.csv") == 9
    said = capsys.readouterr().err
    assert "its name ends in .xlsx or .csv" in said
    assert "not a .xlsx archive" in said
    assert "已存在" in said
    assert "There is no cause & effect matrix" in said


def test_a_site_runs_on_its_workbook_alone(tmp_path: Path) -> None:
    before = examine(DEMO)
    folder = tmp_path / "site"
    shutil.copytree(DEMO, folder, ignore=shutil.ignore_patterns("state"))
    for path in (folder / "rules").iterdir():
        path.unlink()
    assert ask("export", folder / "rules" / "interlocks.xlsx") == 0
    after = examine(folder)
    assert after.problems == before.problems
    assert before.program is not None
    assert after.program is not None
    assert rule_hash(before.program) == rule_hash(after.program)
    (folder / "interlocks.xlsx").write_bytes(b"beside the folder that is read")
    assert [problem.code for problem in examine(folder).problems if problem.severity == "error"] == ["rules.misplaced"]


def test_openpyxl_waits_until_a_workbook_is_read() -> None:
    program = "import sys, gateway.app.examine; sys.exit('openpyxl' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
