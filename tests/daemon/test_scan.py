"""Asking a device that carries outputs, while a living daemon holds them: only when it says that all of them are tripped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway.cli import codes
from tests.daemon.rig import ROOT, Rig, until


def scan(rig: Rig, *words: str) -> subprocess.CompletedProcess[str]:
    """`device scan plc1` against the rig's daemon."""
    command = [
        sys.executable,
        "-m",
        "gateway.cli.main",
        "device",
        "scan",
        "plc1",
        "--approve",
        str(rig.folder / "ok.toml"),
    ]
    where = os.environ | {"GATEHOUSE_CONTROL": str(rig.state / "control"), "LANG": "en_US.UTF-8"}
    return subprocess.run(
        [*command, *words], cwd=ROOT, env=where, capture_output=True, text=True, timeout=60, check=False
    )


def test_live_outputs_forbid_asking_and_tripped_ones_allow_it(armed_state: Path) -> None:
    with Rig(armed_state) as rig:
        end = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        (rig.folder / "ok.toml").write_text(
            f'[[target]]\nname = "plc1"\naddress = "127.0.0.1"\nuntil = {end}\nby = "Li Wei"\noutputs = true\n'
            f'protocols = ["modbus_tcp"]\nports = {{ modbus_tcp = {rig.plant_port} }}\n'
        )
        log = rig.folder / "scan.pcap"
        unheard = scan(rig, "--log", str(log))  # no daemon says anything yet
        assert not log.exists()
        rig.start()
        until(lambda: rig.source()["up"], 15, "the PLC is connected")
        # after a restart every function is tripped until somebody resets it
        until(lambda: set(rig.states().values()) == {"TRIPPED"}, 20, "all tripped")
        asked = scan(rig, "--log", str(log), "-o", "json")
        assert asked.returncode == codes.OK, asked.stderr
        (device,) = json.loads(asked.stdout)["devices"]
        assert [(row["protocol"], row["confidence"]) for row in device["findings"]] == [("modbus_tcp", "confirmed")]
        assert device["asked"] == 1
        assert log.stat().st_size > 24
        log.unlink()
        rig.energise("PKL_LSLL", "PKL_LSHH")
        armed = scan(rig, "--log", str(log))
        for refused in (unheard, armed):
            assert refused.returncode == codes.REFUSED
            assert "carries outputs that are not all tripped" in refused.stderr
        assert not log.exists()
