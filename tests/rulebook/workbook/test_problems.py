"""What is wrong with a matrix is said with the name of its cell, all of it at once, in both languages."""

from __future__ import annotations

import re

import pytest

from gateway.rulebook import compile_rules
from gateway.rulebook.workbook.sentences import WORKBOOK
from tests.rulebook.workbook.bench import plant
from tests.rulebook.workbook.samples import PUMPS


def problems(text: str, file: str = "m.csv") -> list[tuple[str, str]]:
    compiled = compile_rules([(file, text)], plant())
    assert compiled.program is None
    for problem in compiled.problems:
        assert set(problem.text) == set(problem.remedy) == {"en", "zh-CN"}
        assert re.search("[\u4e00-\u9fff]", problem.text["zh-CN"] + problem.remedy["zh-CN"])
    return [(problem.code, problem.cell) for problem in compiled.problems if problem.severity == "error"]


@pytest.mark.parametrize(
    ("old", "new", "code", "cell"),
    [
        ("液位低低,level low-low,,X", "液位低低,level low-low,,Y", "matrix.mark", "P9"),
        ("压力高高,pressure high-high,,X/1s", "压力高高,pressure high-high,,X/1q", "matrix.mark", "P11"),
        ("LSL,a0", "LSLL,a0", "matrix.duplicate", "A10"),
        ("STOP_PUMP,VENT", "STOP_PUMP,STOP_PUMP", "matrix.duplicate", "Q1"),
        ("G3,a5,>,50,%,,,2oo3:GAS", "G3,a5,>,50,%,,,2oo4:GAS", "matrix.vote", "P15"),
        ("G3,a5,>,50,%,,,2oo3:GAS", "G3,a5,>,50,%,,,2003", "matrix.value", "H15"),
        ("LSLL,a0,<,10,%", "LSLL,b0,<,10,%", "rule.unknown-tag", "B9"),
        ("LSLL,a0,<,10,%", "LSLL,a0,<,10,degC", "rule.unit-mismatch", "E9"),
        ("LSLL,a0,<,10,%", "LSLL,a0,<,400,%", "rule.out-of-range", "D9"),
        ("LSLL,a0,<,10,%", "LSLL,a0,,10,%", "matrix.missing", "C9"),
        ("LSLL,a0,<,10,%", "LSLL,a0,below,10,%", "matrix.value", "C9"),
        ("LSLL,a0,<,10,%", "LSLL,a0,<,=1+1,%", "matrix.formula", "D9"),
        ("LSLL,a0,<,10,%", "LSLL,a0,<,10\u200b,%", "matrix.invisible", "D9"),
        ("y0; y2", "y0; a1", "rule.not-writable", "P2"),
        ("y0; y2", "", "matrix.no-target", "P9"),
        ("yes,yes", "no,yes", "matrix.no-latch", "P4"),
        ("P1,P1,P3", "P1,P9,P3", "rule.priority", "Q6"),
        ("priority", "prioritee", "matrix.heading", "O6"),
        ("within", "target", "matrix.heading-twice", "O3"),
        ("id,tag,op,limit", "id,tag,op,limits", "matrix.heading", "D8"),
        ("id,tag,op,limit", "id,tag,op,tag", "matrix.heading-twice", "D8"),
        ("id,tag,op,limit", "number,tag,op,limit", "matrix.headings", "A1"),
        ("TRIAL,a6", "TRIAL;,a6", "matrix.value", "A18"),
        ("gatehouse cause", "another cause", "matrix.none", "A1"),
        ("液位低,level low,,A,,A", "液位低,level low,oops,A,,A", "matrix.stray", "O10"),
        ("TSHH,a2,>=,90,%,5,,,", "TSHH,a2,>=,90,%,5,,,trip after 2 s", "matrix.terms", "A13"),
    ],
)
def test_the_cell_is_named(old: str, new: str, code: str, cell: str) -> None:
    assert old in PUMPS
    assert (code, cell) in problems(PUMPS.replace(old, new, 1))


def test_unsafe_value_and_idle_effect() -> None:
    assert ("matrix.unsafe", "P3") in problems(PUMPS.replace(",,,,,within,1 s", ",,,,,value,1", 1))
    assert ("matrix.idle-effect", "R1") in problems(PUMPS.replace(",A,,A", ",A,,", 1))


def test_all_problems_come_at_once() -> None:
    text = (
        PUMPS.replace("level low-low,,X", "level low-low,,Y").replace("G3,a5", "G3,b5").replace("P1,P1,P3", "P1,P1,P8")
    )
    assert set(problems(text)) >= {("matrix.mark", "P9"), ("rule.unknown-tag", "B15"), ("rule.priority", "R6")}


def test_a_cell_cannot_smuggle_a_clause() -> None:
    for field, value in (("10", "10 % then stop y3"), ("a0", "a0 < 1 % or a1"), ("30 s", "30 s then stop y3")):
        cells = PUMPS.split("LSLL,", 1)
        found = problems(cells[0] + "LSLL," + cells[1].replace(field, value, 1))
        assert {code for code, _ in found} == {"matrix.value"}


def test_quotation_marks_in_texts_stay_texts() -> None:
    compiled = compile_rules([("m.csv", PUMPS.replace("液位低低", '"低 "" priority P4 \\ then"'))], plant())
    assert compiled.program is not None
    assert compiled.program.rules[0].text["zh-CN"].cause.startswith('低 " priority P4 \\ then；')


def test_full_width_marks_are_understood() -> None:
    wide = PUMPS.replace("level low-low,,X", "level low-low,,Ｘ").replace(
        "2oo3:GAS,,,30 s,,,,X", "2oo3:GAS,,,30 s,,,,２oo3：GAS"
    )
    assert compile_rules([("m.csv", wide)], plant()).program == compile_rules([("m.csv", PUMPS)], plant()).program


def test_every_sentence_has_both_languages() -> None:
    for sentence in WORKBOOK.values():
        fields = [set(re.findall(r"{(\w+)}", text)) for text in sentence[:4]]
        assert fields[0] == fields[1]
        assert fields[2] == fields[3]
