"""Every example of docs/rule-check.md is found as it says, on the tags of the demo, and every finding is in both manuals."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.app.examine import examine
from gateway.app.proving import plant_of
from gateway.rulebook import compile_rules
from gateway.rulebook.prove.check import prove
from gateway.rulebook.prove.sentences import SAID

ROOT = Path(__file__).resolve().parents[2]
MANUALS = ("rule-check.md", "rule-check.zh-CN.md")
EXAMPLE = re.compile(r"^## [^\n]*`(check\.[a-z-]+)`\n(?:(?!^## ).)*?^```rules\n(.*?)^```", re.MULTILINE | re.DOTALL)


def examples(manual: str) -> list[tuple[str, str]]:
    return EXAMPLE.findall((ROOT / "docs" / manual).read_text("utf-8"))


def test_both_manuals_have_the_same_examples_and_every_finding() -> None:
    assert examples(MANUALS[0]) == examples(MANUALS[1])
    assert len(examples(MANUALS[0])) >= 16
    for manual in MANUALS:
        text = (ROOT / "docs" / manual).read_text("utf-8")
        assert [code for code in SAID if f"`{code}`" not in text] == []


@pytest.mark.parametrize(("code", "rules"), examples(MANUALS[0]), ids=[code for code, _ in examples(MANUALS[0])])
def test_the_example_is_found(code: str, rules: str) -> None:
    site = examine(ROOT / "config" / "demo").site
    assert site is not None
    compiled = compile_rules([("a.rules", rules)], site.table)
    assert compiled.program is not None, [problem.text["en"] for problem in compiled.problems]
    assert code in {finding.code for finding in prove(compiled.program, plant_of(site)).findings}
