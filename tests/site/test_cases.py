"""Wrong sites as data: every folder under tests/cases/site says exactly what its expected.json says, in both languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drivers.base import DRIVERS, models
from gateway.site import load_site
from gateway.site.report import plain

CASES = sorted((Path(__file__).parents[1] / "cases" / "site").iterdir())


def test_at_least_twenty_cases_and_most_of_them_refused() -> None:
    refused = [case for case in CASES if load_site(case).site is None]
    assert len(refused) >= 20


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_wrong_site_says_what_is_expected(case: Path) -> None:
    loaded = load_site(case)
    text = (case / "expected.json").read_text(encoding="utf-8")
    # Every new driver would change this list in every case.
    names = (*DRIVERS, *models())
    text = text.replace("{drivers}", ", ".join(names)).replace("{驱动}", "、".join(names))
    expected = json.loads(text)
    assert plain(loaded.problems) == expected
    assert (loaded.site is None) == any(problem["severity"] == "error" for problem in expected)
    assert expected
    for problem in expected:
        for sentence in (problem["text"], problem["remedy"]):
            assert sentence.keys() == {"en", "zh-CN"}
            assert all(sentence.values())
