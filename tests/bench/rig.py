"""Sites, servers and daemons of the line's benchmarks: real processes, made in a folder that goes away."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gateway.demo.broker import free_port
from gateway.upstream.link import Address
from tests.peers.build import BUILT, PeerMissing

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
READY_S = 30.0

SITE = """[gateway]
id = "gw-bench-01"
site = "bench"
area = "bench"

[storage]
directory = "state"
history_bytes_max = {history}

[page]
listen = "127.0.0.1:{page}"

[metrics]
listen = "127.0.0.1:{metrics}"
"""
UPSTREAM = """
[upstream]
url = "mqtts://127.0.0.1:{port}"
ca = "{ca}"
certificate = "{certificate}"
key = "{key}"
"""
COLUMNS = "tag,source,address,type,unit,low,high,stale_ms,writable,safe,area,zh,en"


@dataclass(frozen=True)
class Device:
    """One Modbus source of a generated site; `rows` are rows of tags.csv."""

    name: str
    port: int
    period_ms: int
    rows: Sequence[str]
    more: str = ""


def write_site(
    folder: Path, devices: Sequence[Device], rules: str, broker: Address | None = None, history: int = 64 << 20
) -> int:
    """Write a site folder; returns the port of its metrics."""
    folder.mkdir(parents=True, exist_ok=True)
    metrics = free_port()
    text = SITE.format(history=history, page=free_port(), metrics=metrics)
    if broker is not None:
        text += UPSTREAM.format(port=broker.port, ca=broker.ca, certificate=broker.certificate, key=broker.key)
    for device in devices:
        url = f"tcp://127.0.0.1:{device.port}"
        text += (
            f'\n[source.{device.name}]\ndriver = "modbus"\nurl = "{url}"\nperiod_ms = {device.period_ms}\n{device.more}'
        )
    (folder / "site.toml").write_text(text)
    rows = [row for device in devices for row in device.rows]
    (folder / "tags.csv").write_text("\n".join([COLUMNS, *rows]) + "\n")
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules" / "bench.rules").write_text(rules)
    return metrics


def alarm_rule(name: str, tag: str, limit: str) -> str:
    """The text of an alarm without delay."""
    return (
        f'alarm {name} "测试 | {name}"\n  when {tag} > {limit}\n'
        "  then alarm\n  priority P1\n  area bench\nend\n"
    )  # fmt: skip


def compiled(name: str) -> Path:
    """The program made from `tests/bench/c/<name>.c`. Raises PeerMissing."""
    source, program = HERE / "c" / f"{name}.c", BUILT / name
    if program.exists() and program.stat().st_mtime > source.stat().st_mtime:
        return program
    compiler, config = shutil.which("gcc"), shutil.which("pkg-config")
    if compiler is None or config is None:
        raise PeerMissing("gcc and pkg-config are missing: apt install gcc pkg-config")
    found = subprocess.run([config, "--cflags", "--libs", "libmodbus"], capture_output=True, text=True, check=False)
    if found.returncode:
        raise PeerMissing("libmodbus is missing: apt install libmodbus-dev")
    BUILT.mkdir(exist_ok=True)
    subprocess.run([compiler, "-O2", "-o", str(program), str(source), *shlex.split(found.stdout)], check=True)
    return program


class Daemon:
    """A gateway in a process of its own: `tests.bench.probed` on a site folder, watched from outside."""

    def __init__(self, site: Path, metrics: int, *arguments: str) -> None:
        self.site, self._metrics = site, metrics
        self._arguments = arguments

    def __enter__(self) -> Self:
        self._log = (self.site / "daemon.log").open("wb")
        command = [sys.executable, "-m", "tests.bench.probed", str(self.site), *self._arguments]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log, text=True
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self._log.close()

    def ready(self, points: float = 1) -> None:
        """Wait until it has admitted values. Raises RuntimeError with the end of its log."""
        until = time.monotonic() + READY_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                if self.metric("points_total") >= points:
                    return
            except OSError:
                pass  # its metrics do not listen yet
            time.sleep(0.1)
        raise RuntimeError(f"the daemon does not run: {self.log()}")

    def log(self) -> str:
        """The end of what it said."""
        return (self.site / "daemon.log").read_text(errors="replace")[-3000:]

    def metric(self, name: str) -> float:
        """One metric without labels. Raises OSError."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics", timeout=5) as answer:
            found = re.search(rf"^gatehouse_{name} (\S+)", answer.read().decode(), re.MULTILINE)
        return float(found.group(1)) if found else 0.0

    def cpu_s(self) -> float:
        """CPU time of all its threads so far."""
        return cpu_s(self.process.pid)

    def anonymous_mb(self) -> float:
        """Anonymous resident memory."""
        text = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        found = re.search(r"^Anonymous:\s+(\d+) kB", text, re.MULTILINE)
        return int(found.group(1)) / 1024 if found else 0.0

    def ask(self, line: str) -> dict[str, Any]:
        """One line to the probe inside; its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the daemon ended: {self.log()}")
        return dict(json.loads(answer))

    def stop(self) -> None:
        """SIGTERM, as systemd does it."""
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(15)


def cpu_s(pid: int) -> float:
    """User and system time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
