"""The broker goes silent without a word, and is killed: nothing is lost, and the equation holds at every reading."""

from __future__ import annotations

import os
from pathlib import Path

from tests.daemon.away import campaign

SILENT_S = 40.0 if os.environ.get("GATEHOUSE_LONG") == "1" else 12.0


def test_a_silent_and_a_killed_broker_lose_nothing(armed_state: Path) -> None:
    found = campaign(armed_state, SILENT_S)
    assert found.verdict.ok, found.verdict
    assert found.expired == 0
    assert found.produced_meanwhile >= 10
    assert found.queued_most >= 10
    assert found.readings >= 40
    assert found.verdict.received >= found.verdict.announced >= 20
