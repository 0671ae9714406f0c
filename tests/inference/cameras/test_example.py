"""The example of a camera is in order, and mistakes in one are named with file, line and what would be right."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from gateway.app.cameras import witnesses
from gateway.app.examine import examine
from gateway.core.errors import Problem

EXAMPLE = Path(__file__).parents[3] / "config" / "examples" / "camera"


def errors(folder: Path) -> list[Problem]:
    return [problem for problem in examine(folder).problems if problem.severity == "error"]


def test_the_example_is_in_order_and_its_rules_have_their_witness() -> None:
    checked = examine(EXAMPLE)
    assert [problem for problem in checked.problems if problem.severity == "error"] == []
    assert checked.site is not None
    assert checked.program is not None
    assert witnesses(checked.program, checked.site.table, {"gate3"}) == {
        "PRESS1_PERSON": ["gate3"],
        "GATE_UNPROTECTED": ["gate3"],
    }
    assert witnesses(checked.program, checked.site.table, {"plc1"}) == {}
    assert all(tag.model for tag in checked.site.table.tags if tag.source == "gate3")


@pytest.mark.parametrize(
    ("file", "old", "new", "line", "right"),
    [
        ("site.toml", "[980, 640], [360, 660]", "[360, 660], [980, 640]", 23, "cross each other"),
        ("site.toml", "[1270, 700]", "[1300, 700]", 14, "outside the picture of 1280 x 720"),
        ("site.toml", 'ppe = ["helmet", "vest"]', 'ppe = ["helmet", "hat"]', 28, "helmet"),
        ("site.toml", "polygon = [[420, 300], [860, 290], ", "polygon = [", 23, "3 to 64"),
        ("tags.csv", "zone.press1.occupied", "zone.press2.occupied", 3, "it has press1, gate"),
        ("tags.csv", "zone.gate.violation", "zone.press1.violation", 5, "ppe = "),
    ],
)
def test_a_mistake_is_named_where_it_is(tmp_path: Path, file: str, old: str, new: str, line: int, right: str) -> None:
    folder = tmp_path / "site"
    shutil.copytree(EXAMPLE, folder)
    text = (folder / file).read_text("utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), "utf-8")
    found = errors(folder)
    assert found
    assert found[0].file == file
    assert found[0].line == line
    assert right in found[0].text["en"] + found[0].remedy["en"]
    assert found[0].text["zh-CN"] != found[0].text["en"]
