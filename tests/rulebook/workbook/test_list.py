"""The generated test lists pass on the real kernel and against the reference."""

from __future__ import annotations

import pytest

from tests.rulebook.workbook.bench import plant, run_all
from tests.rulebook.workbook.samples import SAMPLES


@pytest.mark.parametrize("name", SAMPLES)
def test_every_test_of_the_list_passes(name: str) -> None:
    assert run_all(name, SAMPLES[name], SAMPLES[name], plant()) > 90
