"""One recording of the simulated plant for all tests of this room: history, journal and settings as the daemon leaves them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.journal.journal import Journal
from gateway.offline import bundle
from gateway.offline import setting as settings
from gateway.offline.keys import box_key
from tests.offline.campaign_trips import Recorded, record_round

ROUND_S = 200


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    """Four minutes with a score of trips; nothing here may write into it."""
    state = tmp_path_factory.mktemp("plant")
    found = record_round(state, 5, ROUND_S)
    settings.keep(state / "bundles", 1, found.setting)
    asyncio.run(_journalled(state / "journal", found))
    return found


async def _journalled(directory: Path, found: Recorded) -> None:
    journal = Journal(directory)
    journal.open()
    for effect in found.hour.boots[0].rows:
        journal.append(effect)
        await asyncio.sleep(0)
    assert await asyncio.to_thread(journal.close, 30.0)


@pytest.fixture(scope="session")
def packed(recorded: Recorded) -> bytes:
    """The bundle of the last trip."""
    trip = recorded.trips()[-1]
    part = bundle.cut(recorded.directory / "history", trip, running=True)
    return bundle.collect(trip, part, recorded.setting, recorded.rows, box_key(recorded.directory))
