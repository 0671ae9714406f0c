"""`scripts/bench NAME [--quick] [--json]`: the figures of one benchmark on stdout, talk on stderr."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent


def names() -> list[str]:
    """All benchmarks there are."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def number(value: object) -> str:
    """A figure for people: four digits that count."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return "" if value is None else str(value)
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def table(items: list[dict[str, Any]]) -> str:
    """The seven columns every benchmark has, aligned."""
    head = ("figure", "value", "unit", "reference", "ratio", "must", "met")
    rows = [head] + [(*(number(item[key]) for key in head[:6]), "yes" if item["met"] else "NO") for item in items]
    widths = [max(len(row[at]) for row in rows) for at in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def main() -> int:
    """Run one benchmark; 0 whether or not its limits were met, because the machine decides that too."""
    parser = argparse.ArgumentParser(prog="scripts/bench", description="each figure beside its reference")
    parser.add_argument("name", choices=names())
    parser.add_argument("--json", action="store_true", help="the list as JSON on stdout")
    parser.add_argument("--quick", action="store_true", help="at most 60 s, and less sure")
    given = parser.parse_args()
    print(f"load of the machine before: {os.getloadavg()[0]:.2f} on {os.cpu_count()} cores", file=sys.stderr)
    items = importlib.import_module(f"tests.bench.bench_{given.name}").figures(given.quick)
    print(f"load after: {os.getloadavg()[0]:.2f}", file=sys.stderr)
    print(json.dumps(items, ensure_ascii=False, indent=1) if given.json else table(items))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
