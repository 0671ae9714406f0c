"""Export and import give the same rule hash, from text and from workbooks, as .xlsx and as CSV; nothing is lost."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.core.program import rule_hash
from gateway.core.tags import TagTable
from gateway.rulebook import compile_rules
from gateway.rulebook.workbook.archive import unpack
from gateway.rulebook.workbook.export import ExportError, export
from gateway.rulebook.workbook.write import HEADS, LABELS, csv_text, xlsx_bytes
from gateway.site import load_site
from tests.rulebook.workbook.bench import plant
from tests.rulebook.workbook.samples import SAMPLES
from tests.rulebook.workbook.walk import random_book

DEMO = Path(__file__).parents[3] / "config" / "demo"
TEXT = """
interlock A1 "中文 | English"
  when (a0 < 30 % hyst 5 % for 2 s) or a1 >= 80 % or 2 of (a2 > 1 %, a3 > 1 % for 1 s, a4 > 1 %)
  then stop y0 within 1 s, stop y2, confirm d0 = 0 within 3 s, confirm a9 < 5 % within 4 s
  else stop y3
  permissive d1 = 1 and not d2 = 1 and (a5 > 3 % for 4 s)
  on bad avail after 1 s because "say \\"no\\" \\\\ twice"
  bypass max 4 h by engineer  pst 30 s  priority P2  area "hall 2"  latch reset by engineer
  text en cause "=one; two" consequence "boom" response "+run"  text zh response "处置"
end
alarm A2 when a1 > 1 % hyst 0.5 % and a2 > 1 % hyst 0.5 % then alarm priority P2 end  # a matrix has no 'and'
interlock A3 when 2 of (a6 > 10 %, a7 > 10 %, a8 > 10 %) for 1 s then trip y1 pst 10 s priority P1 end
interlock A4 when not a1 > 5 % then stop y0 pst 10 s priority P1 end
alarm A5 when (a3 > 10 % hyst 1 % or a4 > 10 % hyst 1 %) for 10 s then alarm priority P3 latch reset by engineer end
alarm A6 when a3 > 10 % hyst 1 % for 10 s then alarm priority P3 bypass max 1 h end
interlock A7 when d3 = 1 for 500 ms then stop y0 pst 10 s priority P1 bypass never end
"""


def hash_of(files: list[tuple[str, str]], table: TagTable) -> str:
    compiled = compile_rules(files, table)
    assert compiled.program is not None, [(p.cell, p.text["en"]) for p in compiled.problems if p.severity == "error"]
    return rule_hash(compiled.program)


def both_ways(files: list[tuple[str, str]], table: TagTable) -> list[str]:
    """Names of the rules that stayed text, after a round trip through each form."""
    layout = export(files, table)
    want = hash_of(files, table)
    assert hash_of([("x.csv", csv_text(layout))], table) == want
    data = xlsx_bytes(layout, [tag.name for tag in table.tags])
    assert hash_of([("x.xlsx", unpack(data))], table) == want
    again = export([("x.xlsx", unpack(data))], table)
    assert hash_of([("y.csv", csv_text(again))], table) == want
    return [left.name for left in layout.left]


def test_text_rules_go_both_ways_and_what_no_column_can_say_stays_text() -> None:
    layout = export([("a.rules", TEXT)], plant())
    assert both_ways([("a.rules", TEXT)], plant()) == ["A2", "A4"]
    assert [left.why[0] for left in layout.left] == [
        "its condition is more than comparisons joined by 'or' and votes of comparisons"
    ] * 2
    assert layout.left[0].after == "A1"


@pytest.mark.parametrize("name", SAMPLES)
def test_workbooks_go_both_ways(name: str) -> None:
    assert both_ways([(name, SAMPLES[name])], plant()) == []


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_random_workbooks_go_both_ways(seed: int) -> None:
    files = [("r.csv", random_book(seed))]
    if compile_rules(files, plant()).program is not None:
        assert both_ways(files, plant()) == []


def test_text_and_workbook_of_one_site_become_one_workbook() -> None:
    files = [("10.rules", TEXT), ("20.csv", SAMPLES["pumps.csv"])]
    assert both_ways(files, plant()) == ["A2", "A4"]


def test_the_demo_goes_both_ways() -> None:
    site = load_site(DEMO).site
    assert site is not None
    both_ways(list(site.rules), site.table)


def test_a_matrix_says_what_the_text_says() -> None:
    text = 'interlock A when a0 < 30 % for 2 s then stop y0 pst 30 s priority P1 text zh title "低" end'
    (column,) = export([("a.rules", text)], plant()).columns
    assert column.fields["zh"] == "低"
    assert column.marks[0][1] == "X/2 s"


def test_rules_with_errors_are_not_exported() -> None:
    with pytest.raises(ExportError):
        export([("a.rules", "interlock A when b < 1 then stop y0 end")], plant())


def test_a_workbook_is_ready_for_excel() -> None:
    table = plant()
    data = xlsx_bytes(export([("a.rules", TEXT)], table), [tag.name for tag in table.tags])
    assert data == xlsx_bytes(export([("a.rules", TEXT)], table), [tag.name for tag in table.tags])
    book = openpyxl.load_workbook(io.BytesIO(data))
    sheet = book["因果表 C&E"]
    assert sheet.freeze_panes == "P18" == sheet.cell(HEADS + 1, LABELS + 1).coordinate
    assert sheet["A1"].value == "gatehouse cause & effect 因果表"
    assert [sheet.cell(HEADS, 1).value, sheet.cell(HEADS, 3).value, sheet["O1"].value, sheet["O2"].value] == [
        "编号 id", "比较 op", "结果编号 effect", "输出位号 target",
    ]  # fmt: skip
    offered = {str(one.sqref): one.formula1 for one in sheet.data_validations.dataValidation}
    marks = next(choices for area, choices in offered.items() if area.startswith("P18:"))
    assert marks == '"X,X/5s,P,A,N,R,2oo3:G1,S"'
    assert any(choices == "'位号 Tags'!$A$1:$A$21" and area.startswith("B18:") for area, choices in offered.items())
    assert not any(cell.data_type == "f" for page in book for row in page.iter_rows() for cell in row)
    assert book["文本规则 Text"]["A3"].value == "A2"
