"""The commissioning test list as people get it."""

from __future__ import annotations

import csv
import io
import json

from gateway.rulebook.workbook.export import export
from gateway.rulebook.workbook.show import left_as_text, listed
from gateway.rulebook.workbook.testlist import test_list as list_of
from tests.rulebook.workbook.bench import compiled, plant
from tests.rulebook.workbook.samples import PUMPS
from tests.rulebook.workbook.test_round_trip import TEXT


def test_a_list_in_every_form() -> None:
    table = plant()
    program, matrix = compiled("p.csv", PUMPS, table)
    cases = list_of(matrix, program, table)
    assert [case.number for case in cases] == list(range(1, len(cases) + 1))
    shown = listed(cases, "table", "zh-CN").splitlines()
    assert len(shown) == len(cases) + 1
    assert shown[0].split() == ["序号", "类别", "规则", "原因", "操作", "预期", "首出"]
    assert shown[1].split()[:4] == ["1", "原因成立", "STOP_PUMP", "LSLL"]
    rows = list(csv.DictReader(io.StringIO(listed(cases, "csv", "en"))))
    assert rows[0]["expected"] == "trip"
    assert rows[0]["do"].startswith("set a0 = ")
    assert [row["kind"] for row in rows] == [case.kind for case in cases]
    assert json.loads(listed(cases, "json", "en"))[0]["first_out"] == ["LSLL"]


def test_every_cause_of_every_function_has_its_pair() -> None:
    table = plant()
    program, matrix = compiled("p.csv", PUMPS, table)
    cases = list_of(matrix, program, table)
    for effect, causes in (("STOP_PUMP", {"LSLL", "PSHH", "TSHH", "G1", "G2", "G3"}), ("WARN", {"LSL"})):
        pairs = [case for case in cases if case.effect == effect and case.kind == "mcdc"]
        assert {case.causes[0] for case in pairs} == causes
        for cause in causes:
            assert len({case.expect for case in pairs if case.causes == (cause,)}) == 2


def test_what_stays_text_is_told_in_both_languages() -> None:
    layout = export([("a.rules", TEXT)], plant())
    assert [line.split(":")[0] for line in left_as_text(layout, "en").splitlines()] == ["A2", "A4"]
    assert "文本规则" in left_as_text(layout, "zh-CN")
