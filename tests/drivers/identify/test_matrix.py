"""Accuracy over the captures: recall of main labels, no false positive, and a manual that says the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.identify.signatures import table
from tests.drivers.identify.matrix import CAPTURES, Judged, false_positives, judged, recall, rewritten, tables

DOCS = Path(__file__).parents[3] / "docs"
pytestmark = pytest.mark.skipif(
    not (CAPTURES / "manifest.csv").exists(), reason="the licensed captures (shared/data/ics_pcaps) are not here"
)


@pytest.fixture(scope="module")
def files() -> list[Judged]:
    return judged()


def test_recall_of_main_labels(files: list[Judged]) -> None:
    hit, claimed = recall(files)
    assert claimed > 100
    assert hit / claimed >= 0.95


def test_no_false_positive_on_the_negatives(files: list[Judged]) -> None:
    assert false_positives(files) == 0


@pytest.mark.parametrize("name", ["identification.md", "identification.zh-CN.md"])
def test_the_manual_shows_this_matrix(files: list[Judged], name: str) -> None:
    text = (DOCS / name).read_text("utf-8")
    assert text == rewritten(text, tables(files, "zh-CN" in name)), (
        "python -m tests.drivers.identify.matrix docs/identification.md docs/identification.zh-CN.md"
    )


def test_no_signature_names_a_capture() -> None:
    folder = Path(__file__).parents[3] / "drivers" / "identify"
    names = {path.stem.partition("__")[2].rpartition("__")[0] for path in CAPTURES.glob("*.pcap*")}
    text = "\n".join(path.read_text("utf-8") for path in folder.rglob("*") if path.suffix in (".py", ".toml"))
    names -= set(table().protocols) | {name for name in names if len(name) <= 12}  # a protocol's own name is no fit
    assert not [name for name in names if name in text]
