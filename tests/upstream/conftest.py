"""One throw-away broker per test."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.upstream.plant import Broker, Observer


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    folder = tmp_path / "broker"
    folder.mkdir()
    found = Broker(folder)
    found.start()
    yield found
    found.stop()


@pytest.fixture
def observer(broker: Broker) -> Iterator[Observer]:
    found = Observer(broker.plain_port)
    yield found
    found.close()
