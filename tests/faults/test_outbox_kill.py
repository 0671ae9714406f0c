"""A short campaign of tests/faults/outbox_kill.py; the long one's result is in docs/results/outbox-kill.md."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.faults.outbox_kill import campaign


@pytest.mark.slow
def test_kill_9_in_an_alarm_storm_loses_nothing(tmp_path: Path) -> None:
    result = campaign(tmp_path, rounds=20)
    assert result.ok, result
    assert result.durable > 100
    assert result.distinct > 100
    assert result.start_max_s < 10, "a loaded test machine; the figure is the campaign's"
