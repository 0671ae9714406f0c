"""The process that reads captures: what it gave up, and what the command line says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli.conftest import Terminal, terminal  # noqa: F401  the fixture
from tests.drivers.identify.frames import dialogue, pcap
from tests.drivers.identify.test_capture import TURNS

CONFINED = """
import os, socket, sys
from drivers.identify import confine
missing = confine.confine()
tried = []
for name, act in (("file", lambda: open("/etc/passwd")), ("socket", socket.socket), ("process", os.fork)):
    try:
        act()
        tried.append(name)
    except OSError:
        pass
print(os.getuid(), missing, tried)
"""


def test_a_confined_process_can_open_nothing() -> None:
    out = subprocess.run(
        [sys.executable, "-c", CONFINED], capture_output=True, text=True, timeout=30, check=True
    ).stdout
    user, rest = out.split(" ", 1)
    assert int(user) != 0
    assert rest.strip().endswith("[]"), out  # neither a file, nor a socket, nor a process


def identified(path: Path) -> dict[str, Any]:
    """What the process says of a capture."""
    with path.open("rb") as capture:
        command = [sys.executable, "-m", "drivers.identify", "file", str(capture.fileno())]
        done = subprocess.run(command, pass_fds=[capture.fileno()], capture_output=True, timeout=60, check=True)
    return msgspec.json.decode(done.stdout, type=dict[str, Any])


def test_the_process_tells_findings_with_evidence(tmp_path: Path) -> None:
    path = tmp_path / "line.pcap"
    path.write_bytes(pcap(dialogue(502, TURNS)))
    found = identified(path)
    (row,) = found["findings"]
    assert (row["protocol"], row["confidence"], row["address"], row["port"]) == (
        "modbus_tcp",
        "confirmed",
        "10.0.0.2",
        502,
    )
    assert row["evidence"]["frame_hex"] in {turn.hex() for turn in TURNS}
    assert row["answered"] == 2
    assert found["problem"] is None
    assert found["hints"] == []


def test_the_command_line_shows_and_explains(terminal: Terminal, tmp_path: Path) -> None:  # noqa: F811
    path = tmp_path / "line.pcap"
    path.write_bytes(pcap(dialogue(502, TURNS))[:-2])
    shown = terminal("device", "identify", "--capture", str(path), "--lang", "zh-CN")
    assert shown.code == 0
    assert "很可能" in shown.out or "已证实" in shown.out
    assert "Modbus TCP" in shown.out
    assert "无法读取" in shown.err
    path.write_bytes(b"PK\x03\x04 a zip file is no capture")
    shown = terminal("device", "identify", "--capture", str(path))
    assert shown.code == 1
    assert "neither pcap nor pcapng" in shown.err
    assert terminal("device", "identify", "--capture", str(tmp_path / "none")).code == 4
    assert terminal("device", "identify").code == 2


@pytest.mark.skipif(os.geteuid() != 0, reason="packet sockets need root")
def test_listening_on_an_interface(terminal: Terminal) -> None:  # noqa: F811
    import socket
    import threading

    def talk() -> None:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as two,
        ):
            one.bind(("127.0.0.1", 0))
            two.bind(("127.0.0.1", 0))
            for number in range(20):
                one.sendto(bytes.fromhex("0001000000060103000000") + bytes((number,)), two.getsockname())
                two.sendto(bytes.fromhex("0001000000050103020000"), one.getsockname())
                stop.wait(0.1)

    stop = threading.Event()
    talking = threading.Thread(target=talk)
    talking.start()
    shown = terminal("device", "identify", "--interface", "lo", "--seconds", "2", "-o", "json")
    talking.join()
    assert shown.code == 0
    assert "modbus_tcp" in shown.out
    assert terminal("device", "identify", "--interface", "nosuch0").code == 4
