"""Twenty random trips of the campaign: twenty complete bundles, twenty identical replays."""

from __future__ import annotations

from pathlib import Path

from tests.offline.campaign_trips import campaign


def test_every_trip_has_a_complete_bundle_that_replays_identically(tmp_path: Path) -> None:
    figures = campaign(20, 31, tmp_path, round_s=240)
    assert (figures.trips, figures.bundles, figures.complete, figures.identical) == (20, 20, 20, 20), figures
    assert len(figures.events) >= 3
    assert figures.decisions > 20 * 5
