"""The unit files: what systemd itself says about them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "systemd"
UNIT = FOLDER / "gatehouse.service"
EXPOSURE = 1.2  # what is left is named in systemd/README.md
EXPOSURE_ONE_ACCOUNT = 1.0


def service() -> dict[str, str]:
    parser = RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(UNIT)
    return dict(parser["Service"])


def tool(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{name} is missing (scripts/peers)")
    return found


def exposure(unit: Path) -> float:
    command = [tool("systemd-analyze"), "security", "--offline=true", "--no-pager", str(unit)]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"exposure level for \S+: ([\d.]+)", said.stdout)
    assert found, said.stderr
    return float(found[1])


def test_the_sandbox_is_as_tight_as_its_readme_says() -> None:
    assert exposure(UNIT) <= EXPOSURE


def test_with_one_account_the_sandbox_is_tighter(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("PrivateUsers=no", "PrivateUsers=yes"))
    assert exposure(unit) <= EXPOSURE_ONE_ACCOUNT


def test_systemd_understands_every_line(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(re.sub(r"ExecStart=\S+", "ExecStart=/bin/true", UNIT.read_text()))
    said = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert [line for line in said.stderr.splitlines() if UNIT.name in line] == []


def test_a_wrong_site_is_not_tried_again_and_all_else_is() -> None:
    unit = service()
    assert unit["Type"] == "notify"
    assert unit["Restart"] == "always"
    assert unit["RestartPreventExitStatus"] == "78"
    assert 0 < float(unit["WatchdogSec"]) <= 5
    assert "StartLimitIntervalSec=0" in UNIT.read_text()


def test_the_account_may_give_each_socket_to_its_role(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    command = [tool("systemd-sysusers"), f"--root={tmp_path}", str(FOLDER / "gatehouse.sysusers")]
    subprocess.run(command, check=True, capture_output=True)
    rows = [line.split(":") for line in (tmp_path / "etc/group").read_text().splitlines()]
    members = {row[0]: row[3].split(",") for row in rows}
    for role in ("operator", "supervisor", "engineer", "maintainer"):
        assert "gatehouse" in members[f"gatehouse-{role}"]


def test_the_run_directory_is_closed_to_others() -> None:
    assert "d /run/gatehouse 0750 gatehouse gatehouse" in (FOLDER / "gatehouse.tmpfiles").read_text()
