"""Short runs of the disk campaigns; the long ones are `scripts/bench loss`, their results in docs/results/loss.md."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.faults import disk
from tests.faults.disk import Found


def assert_nothing_lost(found: Found) -> None:
    """Skipped where this machine cannot play the fault."""
    if found.skipped:
        if os.environ.get("CI") == "true" and "mount" not in found.skipped:
            pytest.fail(found.skipped)
        pytest.skip(found.skipped)
    assert found.wrong == []
    assert found.durable > 0


def test_kill_9_loses_nothing(tmp_path: Path) -> None:
    assert_nothing_lost(disk.killed(tmp_path / "box", 15))


def test_kill_at_system_calls_loses_nothing(tmp_path: Path) -> None:
    assert_nothing_lost(disk.killed_at_calls(tmp_path, 3))


def test_a_sync_error_is_never_called_durable(tmp_path: Path) -> None:
    assert_nothing_lost(disk.sync_errors(tmp_path, 2))


def test_power_cuts_lose_nothing(tmp_path: Path) -> None:
    assert_nothing_lost(disk.or_skipped(lambda: disk.power_cuts(tmp_path, 4)))
