"""One state folder in which the functions are armed already, made once: proof and arming take time."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.daemon.campaign import seed_state


@pytest.fixture(scope="session")
def armed_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with a proven watchdog and two functions in service."""
    return seed_state(tmp_path_factory.mktemp("seed") / "state")
