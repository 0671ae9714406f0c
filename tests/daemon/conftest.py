"""One state folder in which the functions are armed already, made once: proof and arming take time."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.daemon.rig import Rig

PKL = ("PKL_LSLL", "PKL_LSHH")


@pytest.fixture(scope="session")
def armed_state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with a proven watchdog and two functions in service."""
    seed = tmp_path_factory.mktemp("seed") / "state"
    with Rig() as rig:
        rig.start()
        rig.arm(*PKL)
        assert rig.stop()[0] == 0
        shutil.copytree(rig.state, seed, ignore=shutil.ignore_patterns("*.sock", "lock"))
    return seed
