"""Problems as people and programs read them."""

from __future__ import annotations

import json
import string

import pytest

from gateway.site import report
from gateway.site.messages import SENTENCES, problem
from gateway.site.place import Place, excerpt

FOUND = problem(
    "tag.unknown-source",
    Place("tags.csv", 4, 10, "", "gas3,sensor\n     ^"),
    value="sensor",
    near=("", ""),
    known="plc1",
)


def test_text_has_place_excerpt_caret_and_remedy() -> None:
    lines = report.text([FOUND], "en").split("\n")
    assert lines[0] == 'tags.csv:4:10: error: There is no source "sensor".'
    assert lines[1:3] == ["    gas3,sensor", "         ^"]
    assert lines[3].startswith("  → Known sources: plc1")
    assert report.text([FOUND], "zh-CN").split("\n")[0] == "tags.csv:4:10: 错误：没有名为“sensor”的数据源。"
    assert report.text([FOUND], "zh-CN").endswith("错误 1 项，警告 0 项，提示 0 项\n")


def test_workbook_place_names_sheet_and_cell() -> None:
    found = problem("tag.number", Place("tags.xlsx", 3, 0, "位号表!G3"), value="x", column="high")
    assert report.one(found, "en").startswith("tags.xlsx [位号表!G3]: error: ")


def test_plain_survives_json() -> None:
    data = json.loads(json.dumps(report.plain([FOUND])))
    assert data[0]["code"] == "tag.unknown-source"
    assert data[0]["remedy"].keys() == {"en", "zh-CN"}


def test_caret_stands_under_wide_characters_and_in_long_lines() -> None:
    assert excerpt("液位,x", 4) == "液位,x\n     ^"
    shown, caret = excerpt("a" * 300 + "X" + "b" * 300, 301).split("\n")
    assert shown[caret.index("^")] == "X"


@pytest.mark.parametrize("code", SENTENCES)
def test_both_languages_name_the_same_things(code: str) -> None:
    sentence = SENTENCES[code]
    names = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in sentence]
    assert names[0] | {"column"} >= names[1] - {"zh", "value"}
    assert all(text.strip() for text in sentence)
    assert any("\u4e00" <= char <= "\u9fff" for char in sentence.zh) or "{what}" in sentence.zh
