"""From `exec` to evaluating, and the memory of the demo site without inference, beside a bare import of the same libraries.

The first step is when systemd hears READY=1: kernel, outputs and sources run. The plant need not be there for that.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from gateway.demo import ca
from gateway.demo.site import prepare
from tests.bench.figure import figure
from tests.daemon.rig import port

ROOT = Path(__file__).parents[2]
START_S = 3.0
RSS_MB = 250.0
SETTLED_S = 8.0


def figures(quick: bool) -> list[dict[str, Any]]:
    """Two figures; each start has a state folder that knows a start before it."""
    turns = 3 if quick else 10
    bare = [imports() for _ in range(turns)]
    with tempfile.TemporaryDirectory(prefix="start-bench-") as name:
        site = prepare(
            ROOT / "config" / "demo", Path(name) / "site", plant=port(), broker=port(), page=port(), metrics=port()
        )
        ca.make(site / "certs")
        starts, rss = list[float](), 0.0
        for turn in range(turns + 1):
            took, rss = started(site, Path(name), settle=turn == turns)
            starts += [took] if turn else []  # the first one makes files that later ones find
    took, reference = statistics.median(starts), statistics.median(bare)
    return [
        figure("start to evaluating", took, "s", f"<= {START_S:g}", took <= START_S, reference, longest=max(starts)),
        figure("resident, demo site", rss, "MB", f"<= {RSS_MB:g}", rss <= RSS_MB),
    ]


def imports() -> float:
    """Seconds of a Python that loads what the daemon loads, and ends."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-c", "import gateway.app.daemon"], cwd=ROOT, check=True)
    return time.monotonic() - began


def started(site: Path, scratch: Path, *, settle: bool) -> tuple[float, float]:
    """Seconds to READY=1 and resident megabytes; with `settle` some seconds later."""
    at = scratch / "notify"
    at.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        notify.bind(str(at))
        notify.settimeout(60)
        around = {**os.environ, "NOTIFY_SOCKET": str(at)}
        command = [shutil.which("gatehouse", path=str(Path(sys.executable).parent)) or "gatehouse", "run", str(site)]
        began = time.monotonic()
        daemon = subprocess.Popen(command, env=around, stderr=subprocess.DEVNULL)
        try:
            while b"READY=1" not in notify.recv(4096):
                pass
            took = time.monotonic() - began
            if settle:
                time.sleep(SETTLED_S)
            found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{daemon.pid}/status").read_text())
            return took, int(found[1]) / 1024 if found else 0.0
        finally:
            daemon.terminate()
            daemon.wait(20)
