"""The campaign's own arithmetic on made data, and on the public data where they are at hand."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.offline.learning import Wish
from tests.offline import campaign_warning as campaign
from tests.warning import SPREAD, TAGS, clean

NEEDS = f"needs {campaign.EASTMAN}: licensed public data that are not part of the repository"


def test_a_drift_is_found_before_a_limit_would_be() -> None:
    """One tag drifts by a quarter of a spread a row; the limit of its range would be ten spreads away."""
    card = campaign.card_of(TAGS, clean(1000), Wish(lags=1))
    rows = clean(120, 5)
    rows[60:, 0] += 0.25 * SPREAD[0] * np.arange(60)
    first = campaign.raised(list(campaign.levels(card, rows) > 1))
    assert first
    assert 60 < first[-1] < 60 + 30  # ten spreads are reached at row 100


@pytest.mark.parametrize(
    ("over", "rows"),
    [("..xxx", [4]), ("xx.xx.", []), ("xxx.......xxxx", [2]), ("xxx..........xxx", [2, 15])],
)
def test_a_warning_is_counted_as_the_kernel_raises_it(over: str, rows: list[int]) -> None:
    assert campaign.raised([mark == "x" for mark in over]) == rows


@pytest.mark.skipif(not campaign.EASTMAN.is_dir(), reason=NEEDS)
def test_tennessee_eastman_at_one_per_cent_of_false_alarms() -> None:
    names, normal = campaign.rows_of(campaign.EASTMAN / "d00.csv")
    second = campaign.rows_of(campaign.EASTMAN / "d00_te.csv")[1]
    for card in (
        campaign.card_of(names, normal, Wish(), second),
        campaign.card_of(names, normal, Wish(lags=2)),
    ):
        assert np.mean(campaign.levels(card, second) > 1) <= 0.01, "with the second normal run, and without it"
    for fault, least in ((1, 0.99), (4, 0.99), (6, 0.99)):
        rows, begin = campaign._run(fault)
        assert begin == campaign.ONSET
        assert np.mean(campaign.levels(card, rows)[begin:] > 1) >= least
