"""The gateway's lines in the system's log: their priority, each line of a traceback, and the limits, asked of a real journald."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.runtime.log_lines import Prioritised, priority, read_by_journald
from tests.systemd.test_units import FOLDER, tool

JOURNALD = "/usr/lib/systemd/systemd-journald"
NAMESPACE = f"gatehouse{os.getpid()}"
LIMITS = FOLDER / "gatehouse.journald"
DROP_IN = Path(f"/run/systemd/journald@{NAMESPACE}.conf.d/gatehouse.conf")
SOCKETS = Path(f"/run/systemd/journal.{NAMESPACE}")
LINES = """
import logging, os, sys
found = os.fstat(2)
os.environ["JOURNAL_STREAM"] = f"{found.st_dev}:{found.st_ino}"  # as systemd sets it for the stderr of a unit
from gateway.runtime import log_lines
log_lines.set_up()
log = logging.getLogger("gateway.test")
log.info("ready")
log.warning("plc1 is lost")
try:
    raise OSError("no space")
except OSError:
    log.exception("the journal")
"""


@pytest.fixture(scope="module")
def journald() -> Iterator[Path]:
    """A journald of our own, in a namespace of that name; its socket for the stderr of units."""
    if os.geteuid() != 0 or not Path(JOURNALD).exists() or not Path("/etc/machine-id").exists():
        pytest.skip("a journald of our own needs root, systemd-journald and /etc/machine-id")
    DROP_IN.parent.mkdir(parents=True)
    shutil.copyfile(LIMITS, DROP_IN)
    running = subprocess.Popen([JOURNALD, NAMESPACE], stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if (SOCKETS / "stdout").exists() or running.poll() is not None:
                break
            time.sleep(0.05)
        if not (SOCKETS / "stdout").exists():
            pytest.skip("systemd-journald does not run on this machine")
        yield SOCKETS / "stdout"
    finally:
        running.kill()
        running.wait()
        kept = (one for root in ("/var/log", "/run/log") for one in Path(root).glob(f"journal/*.{NAMESPACE}"))
        for folder in (SOCKETS, DROP_IN.parent, *kept):
            shutil.rmtree(folder, ignore_errors=True)


def stream(path: Path) -> socket.socket:
    """A stderr as systemd gives one to a unit: name, unit, priority of lines without one, then prefixes are understood."""
    found = socket.socket(socket.AF_UNIX)
    found.connect(str(path))
    found.sendall(b"gatehouse\n\n6\n1\n0\n0\n0\n")
    return found


def logged(last: str) -> list[tuple[str, str]]:
    """Priority and text of the lines in our journal, once `last` is among them."""
    command = [tool("journalctl"), f"--namespace={NAMESPACE}", "--identifier=gatehouse", "--output=json", "--no-pager"]
    rows = list[tuple[str, str]]()
    for _ in range(100):
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        rows = [(row["PRIORITY"], row["MESSAGE"]) for row in map(json.loads, said.splitlines())]
        if any(last in text for _, text in rows):
            break
        time.sleep(0.05)
    return rows


def test_the_gateways_lines_reach_the_systems_log_with_their_priority(journald: Path) -> None:
    with stream(journald) as stderr:
        subprocess.run([sys.executable, "-c", LINES], stderr=stderr, check=True)
    rows = logged("OSError: no space")
    found = {text: number for number, text in rows}
    assert found["gateway.test: ready"] == "6"
    assert found["gateway.test: plc1 is lost"] == "4"
    assert (
        found["gateway.test: the journal"]
        == found["OSError: no space"]
        == found["Traceback (most recent call last):"]
        == "3"
    )


def test_a_person_at_a_terminal_gets_the_time_and_no_marks(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("w") as file:
        assert not read_by_journald(file)
        lines = LINES.replace("found = os.fstat(2)", "found = os.stat('/')")
        subprocess.run([sys.executable, "-c", lines], stderr=file, check=True)
    assert " WARNING gateway.test: plc1 is lost" in path.read_text()
    assert "<4>" not in path.read_text()


@pytest.mark.parametrize(
    ("level", "number"),
    [(logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (logging.DEBUG, 7), (35, 4)],
)
def test_levels_are_those_of_syslog(level: int, number: int) -> None:
    assert priority(level) == number
    record = logging.LogRecord("a", level, "", 0, "one\ntwo", (), None)
    assert Prioritised().format(record) == f"<{number}>a: one\n<{number}>two"


def test_journald_takes_our_limits(journald: Path) -> None:
    """Read as a drop-in by the journald of the fixture: what it says of its own size is what the file says."""
    assert journald.exists()
    limit = re.search(r"^SystemMaxUse=(\d+)M$", LIMITS.read_text("utf-8"), re.MULTILINE)
    assert limit
    command = [
        tool("journalctl"),
        f"--namespace={NAMESPACE}",
        "--identifier=systemd-journald",
        "--no-pager",
        "--output=cat",
    ]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert f"max {limit[1]}.0M" in said
    assert "Unknown" not in said
