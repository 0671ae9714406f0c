"""limits.csv: what a permit rule must not be laxer than, who stands for it, and what the check says."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest

from gateway.app.examine import examine

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "config" / "templates" / "limits.csv"
HEAD = "permit,what,op,value,unit,clause,edition,status,approver,date\n"
PERMIT = """
permit WELDING
  when done(gas_test, max_age = 30 min) and tank1.level < 200 cm and tank1.level > 20 cm
  on bad deny
end
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    folder = tmp_path / "site"
    shutil.copytree(ROOT / "config" / "demo", folder)
    (folder / "rules" / "90-permit.rules").write_text(PERMIT, encoding="utf-8")
    return folder


def said(site: Path, *rows: str) -> list[tuple[str, str]]:
    """(code, severity) of what the check says of these rows."""
    (site / "limits.csv").write_text(HEAD + "".join(f"{row}\n" for row in rows), encoding="utf-8")
    found = examine(site).problems
    return [(one.code, one.severity) for one in found if one.code.startswith("limits.")]


SIGNED = "§5,GB 30871-2022,signed,wang,2026-03-01"


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ("done gas_test,<=,30,min", ""), ("done gas_test,<=,0.5,h", ""), ("done gas_test,<=,20,min", "limits.laxer"),
        ("done ventilation,<=,30,min", "limits.not-asked"), ("valid,<=,8,h", ""), ("valid,<=,4,h", "limits.laxer"),
        ("tank1.level,<=,200,cm", ""), ("tank1.level,<=,2,m", ""), ("tank1.level,<=,1.9,m", "limits.laxer"),
        ("tank1.level,>=,20,cm", ""), ("tank1.level,>=,30,cm", "limits.laxer"), ("tank1.lvel,<=,1,cm", "limits.no-tag"),
        ("tank1.level,<=,1,bar", "limits.unit"), ("tank1.level,=,1,cm", "limits.op"), ("tank1.level,<=,x,cm", "limits.value"),
        ("valid,<=,8,weeks", "limits.time"), ("valid,>=,8,h", "limits.time"),
    ],
)  # fmt: skip
def test_a_row_against_the_rule(site: Path, row: str, code: str) -> None:
    assert said(site, f"WELDING,{row},{SIGNED}") == ([(code, "error")] if code else [])


def test_who_stands_for_a_limit(site: Path) -> None:
    row = "WELDING,valid,<=,8,h,§5,GB 30871-2022"
    assert said(site, f"{row},unverified,,") == [("limits.unverified", "warning")]
    assert said(site, f"{row},signed,,") == [("limits.unsigned", "error")]
    assert said(site, f"{row},signed,wang,soon") == [("limits.unsigned", "error")]
    assert said(site, f"{row},perhaps,,") == [("limits.status", "error")]
    assert said(site, f"COLD_WORK,valid,<=,8,h,{SIGNED}") == [("limits.no-permit", "warning")]


def test_only_what_is_asked_in_any_case_counts(site: Path) -> None:
    rules = site / "rules" / "90-permit.rules"
    rules.write_text(
        PERMIT.replace("and tank1.level < 200 cm", "and (tank1.level < 200 cm or tank1.level > 250 cm)"),
        encoding="utf-8",
    )
    assert said(site, f"WELDING,tank1.level,<=,200,cm,{SIGNED}") == [("limits.not-asked", "error")]


def test_a_changed_limit_is_another_site(site: Path) -> None:
    hashes = set()
    for value in (8, 9):
        said(site, f"WELDING,valid,<=,{value},h,{SIGNED}")
        checked = examine(site)
        assert checked.site is not None
        hashes.add(checked.site.hash)
    assert len(hashes) == 2


def test_the_template_has_all_kinds_of_work_and_calls_no_row_verified(site: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(TEMPLATE.read_text(encoding="utf-8-sig"))))
    work = {row["作业 work"] for row in rows}
    for kind in ("动火", "受限空间", "盲板", "高处", "吊装", "临时用电", "动土", "断路"):
        assert any(kind in name for name in work), kind
    assert {row["状态 status"] for row in rows} == {"未核实"}
    assert all(row["条款 clause"] and row["标准版本 edition"] for row in rows)
    shutil.copy(TEMPLATE, site / "limits.csv")
    codes = {one.code for one in examine(site).problems if one.code.startswith("limits.")}
    assert codes == {"limits.no-permit"}, "it is read as it is shipped; its permits are the site's to write"
