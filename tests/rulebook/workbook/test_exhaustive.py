"""Every combination of up to twelve causes, and random matrices: kernel and reference agree on every one."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.rulebook.workbook.bench import plant, run_all
from tests.rulebook.workbook.samples import SAMPLES
from tests.rulebook.workbook.walk import random_book, twelve, walk


@pytest.mark.parametrize("seed", range(2))
def test_every_combination_of_twelve_causes(seed: int) -> None:
    text = twelve(seed)
    assert walk(text, frozenset()) == 4096
    assert walk(text, frozenset({"a1"}), every=8) == 512


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32), st.integers(0, 10))
def test_random_matrices(seed: int, start: int) -> None:
    text = random_book(seed)
    assert run_all("random.csv", text, text, plant(), most=6, skip=1 + start) > 0


def test_the_samples_hold_every_mark() -> None:
    marks = {cell.split(":")[0][:2] for text in SAMPLES.values() for cell in ",".join(text.split("\n")).split(",")}
    assert {"X", "X/", "P", "A", "N", "R", "2o", "S"} <= marks
