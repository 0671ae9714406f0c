"""The manual of the drivers is what the drivers say, in both languages, and its examples pass `gatehouse check`."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.base import DRIVERS, load
from drivers.manual import EXAMPLES, FILES, KINDS, entries, manual
from gateway.app.examine import examine

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("language", FILES)
def test_the_manual_is_what_the_drivers_say(language: str) -> None:
    assert (DOCS / FILES[language]).read_text("utf-8") == manual(language), (
        "the manual is older than the drivers: python -m drivers.manual docs"
    )


@pytest.mark.parametrize("name", DRIVERS)
def test_every_driver_says_what_it_can_do(name: str) -> None:
    found = entries(load(name).__doc__)
    kinds = [entry.kind for entry in found]
    assert kinds.count("name") == 1
    assert "done" in kinds
    assert "todo" in kinds or "exempt" in kinds, "no driver can do everything"
    assert kinds == sorted(kinds, key=KINDS.index), "in the order name, done, todo, exempt, peer"
    for entry in found:
        assert any("\u3000" <= c <= "\u9fff" or c > "\uff00" for c in entry.zh) or entry.zh == entry.en, entry


@pytest.mark.parametrize("name", DRIVERS)
def test_the_example_of_a_driver_is_in_order(name: str) -> None:
    checked = examine(EXAMPLES / name)
    assert not [problem for problem in checked.problems if problem.severity == "error"]
    assert checked.site is not None
    assert {source.driver for source in checked.site.sources.values()} == {name}
    assert sum(not tag.hidden for tag in checked.site.table.tags) >= 2


def test_an_entry_needs_both_languages() -> None:
    assert [entry.zh for entry in entries("done: a long\n  line | 一行\n  长文\nand no entry")] == ["一行 长文"]
    with pytest.raises(ValueError, match="parted"):
        entries("done: only English")
