"""Building and finding foreign peers; a missing one is a visible skip here and a failure under CI."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INCLUDE = Path("/usr/include/modbus")
BUILT = HERE.parent.parent / ".peers"


class PeerMissing(Exception):
    """A foreign peer is not installed; the text says what to install."""


def absent(reason: str) -> None:
    """Skip the running test, or fail it under CI=true."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def compiled(name: str) -> Path:
    """The program made from `tests/peers/<name>.c`, compiled when its source is newer. Raises PeerMissing."""
    source, program = HERE / f"{name}.c", BUILT / name
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    compiler = shutil.which("gcc")
    if compiler is None:
        raise PeerMissing("gcc is missing: apt install gcc libc6-dev")
    if not (INCLUDE / "modbus.h").exists():
        raise PeerMissing("libmodbus is missing: apt install libmodbus-dev")
    BUILT.mkdir(exist_ok=True)
    fresh = BUILT / f"{name}.{os.getpid()}"
    command = [compiler, "-O2", f"-I{INCLUDE}", "-o", str(fresh), str(source), "-lmodbus", "-lpthread"]
    subprocess.run(command, check=True)
    fresh.rename(program)  # in one step, so that two test runs at once do not meet half a program
    return program


def node_script(name: str, package: str) -> list[str]:
    """The command that runs `tests/peers/<name>` with its npm package installed. Raises PeerMissing."""
    node = shutil.which("node")
    if node is None:
        raise PeerMissing("node is missing: apt install nodejs npm")
    if not (HERE / "node_modules" / package).is_dir():
        raise PeerMissing(f"{package} is missing: npm ci --omit=optional --prefix tests/peers")
    return [node, str(HERE / name)]


def python_peer(name: str, package: str) -> list[str]:
    """The command that runs `tests/peers/<name>` in the peers' own environment with its package installed. Raises PeerMissing."""
    python = HERE / ".venv" / "bin" / "python"
    if not any((HERE / ".venv").glob(f"lib/python3*/site-packages/{package}")):
        raise PeerMissing(f"{package} is missing: scripts/peers")
    return [str(python), str(HERE / name)]


def free_port() -> int:
    """A port of this machine that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])
