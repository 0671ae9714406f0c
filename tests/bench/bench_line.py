"""The line from a register to the broker: every figure that the line has to show, from the benchmarks of its parts."""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any

from tests.bench import bench_modbus

PARTS = ("daemon", "latency", "kernel", "replay", "modbus", "journal", "history")


def figures(quick: bool) -> list[dict[str, Any]]:
    """All parts in turn."""
    lines: list[dict[str, Any]] = []
    for name in PARTS:
        began_s = time.monotonic()
        if quick and name == "modbus":  # its own quick run takes the better part of the minute
            with bench_modbus.on_the_other_core():
                lines += bench_modbus.rates(3, 0.4)
            lines += bench_modbus.floats(1, 2.0)
        else:
            lines += importlib.import_module(f"tests.bench.bench_{name}").figures(quick)
        print(f"{name}: {time.monotonic() - began_s:.0f} s", file=sys.stderr)
    return lines
