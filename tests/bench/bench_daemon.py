"""The whole daemon on 2,000 and 10,000 Modbus values that all change, beside a libmodbus poller that decodes the same.

They take turns on one server: half of the poller's time before the daemon's, half after it.
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from gateway.core.samples import Columns, Stamp
from gateway.history.recorder import Recorder
from gateway.history.writer import Limits
from tests.bench.figure import figure
from tests.bench.rig import Daemon, Device, alarm_rule, write_site
from tests.peers.build import compiled
from tests.peers.lines import LinePeer

PERIOD_MS = 100
RULES = 200
HISTORY = 64 << 20
RSS_MB = 120.0


def prefill(directory: Path, tags: int, size: int) -> None:
    """A history that is full when the daemon starts: retention and preallocation are then part of what is measured."""
    limits = Limits(bytes_max=size, memory_bytes=256 << 20)
    recorder = Recorder(directory / "history", 0, limits, b"{}")
    recorder.start()
    rng, fine = np.random.default_rng(3), np.zeros(tags, np.uint8)
    utc_ns = time.time_ns() - 3600 * 10**9
    for seq in range(1, 2 * size // (9 * tags)):
        recorder.append(Stamp(seq, seq * 10**8, utc_ns + seq * 10**8), Columns(0, rng.normal(size=tags), fine, fine))
        while recorder.status().pending_bytes > 64 << 20:
            time.sleep(0.01)
    recorder.close()


def run(tags: int, seconds: float, lag_s: float) -> dict[str, Any]:
    """One daemon, and the C poller before and after it."""
    server = [str(compiled("modbus_epoll")), "--changing"]
    with (
        tempfile.TemporaryDirectory(prefix="line-bench-") as name,
        LinePeer(server) as ours,
    ):
        before = poller(ours.port, tags, seconds / 2)
        site = Path(name)
        rows = [f"t{at},plc1,holding:{2 * at},float32/abcd,cm,0,300,2500,,,bench,测点,Point" for at in range(tags)]
        rules = "".join(alarm_rule(f"A{at}", f"t{at * (tags // RULES)}", "299 cm") for at in range(RULES))
        metrics = write_site(site, [Device("plc1", ours.port, PERIOD_MS, rows)], rules, history=HISTORY)
        prefill(site / "state", tags, HISTORY)
        with Daemon(site, metrics) as daemon:
            daemon.ready()
            time.sleep(2)
            found = ours_alone(daemon, seconds)
            daemon.ask("lag begin")
            time.sleep(lag_s)
            found["lag"] = daemon.ask("lag end")
            found["rss_mb"] = daemon.anonymous_mb()
            found["overflows"] = daemon.metric("inbox_overflows_total")
            daemon.stop()
        after = poller(ours.port, tags, seconds / 2)
    found["c_points_per_s"], found["c_cpu"] = ((one + other) / 2 for one, other in zip(before, after, strict=True))
    return found


def ours_alone(daemon: Daemon, seconds: float) -> dict[str, Any]:
    """Points a second and CPU of the daemon."""
    points, cpu_s, began_s = daemon.metric("points_total"), daemon.cpu_s(), time.monotonic()
    time.sleep(seconds)
    took_s, used_s = time.monotonic() - began_s, daemon.cpu_s() - cpu_s
    return {
        "points_per_s": (daemon.metric("points_total") - points) / (time.monotonic() - began_s),
        "cpu": 100 * used_s / took_s,
    }


def poller(port: int, tags: int, seconds: float) -> tuple[float, float]:
    """Points a second and CPU of the C poller."""
    command = [str(compiled("modbus_client")), "poll", str(port), str(tags), str(PERIOD_MS), f"{seconds}"]
    points, cpu = subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
    return float(points), float(cpu)


def figures(quick: bool) -> list[dict[str, Any]]:
    """The daemon at two sizes; `quick` in about 25 s."""
    seconds, lag_s = (2.0, 1.0) if quick else (20.0, 20.0)
    small, large = run(2000, seconds, lag_s), run(10_000, seconds, lag_s)
    return [
        figure("2,000 Modbus tags at 100 ms, points", small["points_per_s"], "points/s", ">= 20,000 (less 1 % of the clock)",
               small["points_per_s"] >= 19_800, small["c_points_per_s"]),
        figure("2,000 Modbus tags at 100 ms, CPU", small["cpu"], "% of a core", "<= 5 % and <= 2x libmodbus",
               small["cpu"] <= 5 and small["cpu"] <= 2 * small["c_cpu"], small["c_cpu"]),
        figure("10,000 Modbus tags at 100 ms, points", large["points_per_s"], "points/s", ">= 100,000 (less 1 %)",
               large["points_per_s"] >= 99_000 and not large["overflows"], large["c_points_per_s"]),
        figure("10,000 Modbus tags at 100 ms, CPU", large["cpu"], "% of a core", "<= 15 %", large["cpu"] <= 15, large["c_cpu"]),
        figure("anonymous RSS, 2,000 tags", small["rss_mb"], "MiB", f"<= {RSS_MB:g} MiB", small["rss_mb"] <= RSS_MB),
        figure("anonymous RSS, 10,000 tags", large["rss_mb"], "MiB", "stated", True),
        lag("2,000", small),
        lag("10,000", large),
    ]  # fmt: skip


def lag(name: str, found: dict[str, Any]) -> dict[str, Any]:
    """Lateness of the loop while a full history deletes its oldest."""
    late = found["lag"]["late_ms"]
    most = found["lag"]["input_max_ms"]
    return figure(
        f"loop lag p99 with a full history, {name} tags", late["p99"], "ms", "p99 < 5 ms, max <= 100 ms (core.limits)",
        late["p99"] < 5 and max(late["max"], most) <= 100, late_ms=late, longest_wait_of_an_input_ms=round(most, 3),
    )  # fmt: skip
