"""kill -9 three times; ten times, and the time to come up, is the campaign `python -m tests.daemon.campaign daemon-kill`."""

from __future__ import annotations

import random
from pathlib import Path

from tests.daemon.killing import campaign


def test_kill_9_in_an_alarm_storm_loses_nothing_and_comes_up_tripped(armed_state: Path) -> None:
    found = campaign(armed_state, 3, random.Random(7))
    assert found.rounds == 3
    assert found.first_out_lost == []
    assert found.verdict.ok, found.verdict
    assert found.verdict.announced >= 50
    assert found.verdict.received >= found.verdict.announced
