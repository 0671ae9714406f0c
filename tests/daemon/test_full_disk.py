"""The disk of a running gateway fills up: it trips and tells all the same, and goes on without a restart once there is room."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.daemon.rig import Rig, until
from tests.daemon.witnesses import compare

NAME = "PKL_LSLL"
DISK_MB = 192


@contextmanager
def _small_disk(rig: Rig) -> Iterator[None]:
    """The gateway's state folder as a file system of its own; skipped where this machine lets nobody mount."""
    kept = rig.folder / "kept"
    shutil.move(rig.state, kept)
    rig.state.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(rig.state)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mount: {done.stderr.strip()}")
    try:
        shutil.copytree(kept, rig.state, dirs_exist_ok=True)
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(rig.state)], check=True)


def _fill(path: Path) -> None:
    with path.open("ab", buffering=0) as file:
        while True:
            try:
                file.write(bytes(1 << 16))
            except OSError:
                return


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_a_full_disk_costs_history_and_no_trip_no_alarm_and_no_restart(armed_state: Path) -> None:
    with Rig(armed_state) as rig, _small_disk(rig):
        rig.start()
        rig.energise(NAME)
        before = rig.plant_log()[-1][0]
        ballast = rig.state / "ballast"
        _fill(ballast)
        rig.plant("force", name="tank1.level", value=20.0)
        rig.wait_state(NAME, "TRIPPED")
        assert any("pump7.permit" in row[1] and row[2] == 0 for row in rig.plant_log(before)), "the PLC was told"
        until(lambda: rig.alarm("PKL_LSLL")["state"] != "NORMAL", 3, "local operators see it")
        _fill(ballast)
        rig.plant("force", name="gas4.h2s", value=20.0)
        until(lambda: rig.alarm("H2S_H")["state"] != "NORMAL", 3, "and what comes later")
        until(lambda: rig.overview()["disk_free_bytes"] < 1 << 20, 12, "it is still full, and people see it")

        ballast.unlink()
        rig.plant("force", name="tank1.level")
        rig.plant("force", name="gas4.h2s")
        until(lambda: (rig.state / "journal" / "reserve").exists(), 10, "the reserve is there again")
        rig.drained()
        with suppress(AssertionError):
            until(lambda: compare(rig).ok, 8, "nothing was lost")
        verdict = compare(rig)
        assert verdict.ok, verdict
        kinds = {(row.kind, row.subject) for row in rig.journal()}
        assert {("interlock.tripped", NAME), ("alarm.trip_confirmed", NAME), ("alarm.raise", "H2S_H")} <= kinds
        assert rig.stop()[0] == 0
