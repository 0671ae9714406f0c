"""The template in config/templates is what the program writes, and its example compiles."""

from __future__ import annotations

import io
from pathlib import Path

import openpyxl

from gateway.core.tags import TagTable
from gateway.rulebook import compile_rules
from gateway.rulebook.workbook.archive import unpack
from gateway.rulebook.workbook.template import files
from gateway.site import load_site
from gateway.site.text import decode

FOLDER = Path(__file__).parents[3] / "config" / "templates"


def test_the_template_is_what_the_program_writes() -> None:
    assert {path.name: path.read_bytes() for path in FOLDER.glob("interlocks*")} == files()


def test_the_example_compiles_on_the_demo() -> None:
    site = load_site(FOLDER.parent / "demo").site
    assert site is not None
    compiled = compile_rules([("e.csv", decode(files()["interlocks-example.csv"]))], site.table)
    assert [problem for problem in compiled.problems if problem.severity == "error"] == []
    gas = ", ".join(f"(gas{at}.lel > 40 %LEL, clears at <= 38 %LEL)" for at in (1, 2, 3))
    assert compiled.formulas == {
        "PKL_LSLL": "((tank1.level < 30 cm, clears at >= 35 cm) for 2 s) permissive (crane2.moving = 0)",
        "GAS_2OO3": f"((2 of 3 ({gas})) for 1 s)",
        "PKL_LSL": "((tank1.level < 50 cm, clears at >= 55 cm) for 10 s)",
    }


def test_the_workbook_is_an_empty_matrix_with_an_example_beside_it(table: TagTable) -> None:
    compiled = compile_rules([("t.xlsx", unpack(files()["interlocks.xlsx"]))], table)
    assert compiled.program is not None
    assert compiled.program.rules == ()
    book = openpyxl.load_workbook(io.BytesIO(files()["interlocks.xlsx"]))
    assert book.sheetnames == ["因果表 C&E", "示例 Example", "说明 Guide"]
    assert book["示例 Example"]["P1"].value == "PKL_LSLL"
    assert book.active.data_validations.count > 5
