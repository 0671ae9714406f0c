"""What the system reads of ours, asked of the very programs that read it."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.systemd.test_units import FOLDER, UNIT, exposure, tool

SERIAL = 1.5
MODELS = 1.7  # what workers give up by themselves is not in this figure
TRIAL = 2.0  # runs as root to move a link; no network, no devices, three capabilities
RULE = re.compile(r'[A-Z_]+(\{[^}]+\})?(==|!=|\+=|:=|=)"[^"]*"')


def with_drop_in(folder: Path, name: str) -> Path:
    """The unit as systemd reads it with that drop-in: later lines win."""
    unit = folder / UNIT.name
    text = (FOLDER / name).read_text("utf-8").partition("[Service]")[2]
    unit.write_text(UNIT.read_text("utf-8").replace("[Install]", f"{text}\n[Install]"), "utf-8")
    return unit


def test_serial_lines_open_no_more_than_serial_lines(tmp_path: Path) -> None:
    assert exposure(with_drop_in(tmp_path, "gatehouse-serial.conf")) <= SERIAL


def test_models_open_no_more_than_a_namespace_and_their_devices(tmp_path: Path) -> None:
    assert exposure(with_drop_in(tmp_path, "gatehouse-inference.conf")) <= MODELS


def test_the_judge_of_a_trial_can_do_little_but_judge() -> None:
    assert exposure(FOLDER / "gatehouse-trial.service") <= TRIAL


@pytest.mark.parametrize("name", ["gatehouse-trial.service", "gatehouse-untried.service"])
def test_systemd_understands_every_line(tmp_path: Path, name: str) -> None:
    unit = tmp_path / name
    unit.write_text(re.sub(r"ExecStart=\S+.*", "ExecStart=/bin/true", (FOLDER / name).read_text("utf-8")), "utf-8")
    said = subprocess.run(
        [tool("systemd-analyze"), "verify", "--man=no", str(unit)], capture_output=True, text=True, check=False
    )
    assert [line for line in said.stderr.splitlines() if f"{name}:" in line] == []


def test_the_site_is_read_where_no_ordering_can_go_in_a_circle() -> None:
    """Accounts come before the file systems, and the answers lie on one: found by booting an image."""
    text = (FOLDER / "gatehouse-site.service").read_text("utf-8")
    before = next(line for line in text.splitlines() if line.startswith("Before="))
    assert "sysusers" not in before
    assert "local-fs" not in before
    assert "network-pre.target" in before


def test_the_guard_runs_outside_the_sandbox_and_never_keeps_the_gateway_from_starting() -> None:
    lines = [line for line in UNIT.read_text("utf-8").splitlines() if "/opt/gatehouse/guard" in line]
    assert lines == ["ExecStartPre=-+/opt/gatehouse/guard start", "ExecStartPost=-+/opt/gatehouse/guard ready"]


def test_nftables_takes_the_rules() -> None:
    if os.geteuid() != 0:
        pytest.skip("nft checks rules as root only")
    subprocess.run([tool("nft"), "-c", "-f", str(FOLDER / "gatehouse.nft")], check=True)
    text = (FOLDER / "gatehouse.nft").read_text("utf-8")
    assert text.count("policy drop") == 2


def test_a_site_changes_the_sets_of_the_firewall_by_a_file_beside_it(tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("nft checks rules as root only")
    text = (FOLDER / "gatehouse.nft").read_text("utf-8")
    assert 'include "/etc/gatehouse/nftables*.local"' in text
    rules, local = tmp_path / "rules", tmp_path / "nftables.local"
    rules.write_text(text.replace("/etc/gatehouse/", f"{tmp_path}/"), "utf-8")
    for line, taken in (("redefine listening_udp = { 4840, 6000 }\n", True), ("redefine people = { nobody }\n", False)):
        local.write_text(line, "utf-8")
        said = subprocess.run([tool("nft"), "-c", "-f", str(rules)], capture_output=True, text=True, check=False)
        assert (said.returncode == 0) is taken, said.stderr


def test_sshd_lets_nobody_in_without_a_key(tmp_path: Path) -> None:
    key = tmp_path / "host"
    subprocess.run([tool("ssh-keygen"), "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    command = [
        tool("sshd"),
        "-T",
        "-f",
        str(FOLDER / "gatehouse.sshd"),
        "-h",
        str(key),
        "-C",
        "user=gatehouse-shell,host=a,addr=10.0.0.1",
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    if "privilege separation directory" in said.stderr.lower():
        pytest.skip("sshd wants /run/sshd, which only its service makes")
    effective = dict(line.split(" ", 1) for line in said.stdout.splitlines() if " " in line)
    assert (
        effective["passwordauthentication"]
        == effective["permitrootlogin"]
        == effective["kbdinteractiveauthentication"]
        == "no"
    )
    assert effective["x11forwarding"] == effective["allowtcpforwarding"] == effective["allowagentforwarding"] == "no"


def test_chrony_reads_its_lines_and_serves_nobody() -> None:
    said = subprocess.run(
        [tool("chronyd"), "-p", "-f", str(FOLDER / "gatehouse.chrony")], capture_output=True, text=True, check=True
    )
    assert {"port 0", "cmdport 0"} <= {line.strip() for line in said.stdout.splitlines()}


def test_udev_rules_have_the_form_of_rules() -> None:
    lines = [
        line
        for line in (FOLDER / "gatehouse.udev").read_text("utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    assert len(lines) >= 3
    for line in lines:
        assert all(RULE.fullmatch(part.strip()) for part in line.split(", ")), line


def test_temporary_files_are_made_as_the_file_says(tmp_path: Path) -> None:
    for name in ("etc", "run"):
        (tmp_path / name).mkdir()
    subprocess.run(
        [tool("systemd-sysusers"), f"--root={tmp_path}", str(FOLDER / "gatehouse.sysusers")],
        check=True,
        capture_output=True,
    )
    command = [tool("systemd-tmpfiles"), "--create", f"--root={tmp_path}", str(FOLDER / "gatehouse.tmpfiles")]
    subprocess.run(command, check=True, capture_output=True)
    assert (tmp_path / "run/gatehouse").stat().st_mode & 0o777 == 0o750


def test_a_limit_of_locked_memory_would_end_the_daemon() -> None:
    """It counts what is mapped: a thread whose stack passes it takes the process with it. Found by booting an image."""
    assert "LimitMEMLOCK=infinity" in UNIT.read_text("utf-8")


def test_the_site_is_mounted_by_the_process_that_reads_it() -> None:
    """Each process of a sandboxed unit has a mount table of its own. Found by booting an image."""
    lines = (FOLDER / "gatehouse-site.service").read_text("utf-8").splitlines()
    mounts = [line for line in lines if "mount -t vfat" in line]
    assert len(mounts) == 1
    assert mounts[0].startswith("ExecStart=-/bin/sh -c")
