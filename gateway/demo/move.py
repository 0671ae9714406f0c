"""Move the demo plant by hand while it runs, so that a rule comes true: `python -m gateway.demo.move NAME VALUE`.

co.kiln 120             gas heads for this value; `-` lets it blow away
tank1.level 25          any value of the PLC, at once
rx1.temp 2/min          it runs away by so much a minute; 0/min stops it
crane2.moving 1         a switch of the plant; also watcher.present
leak.sound.f12 0.9      a score of a detector; also leak.ir.f12, crane_bay.occupied, fatigue.worker
harness_unhooked 1 --worker 7
minor_violation 1 --worker 7 --kind 2
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from gateway.demo.detections import EVENTS, SCORES
from gateway.demo.faults import ask
from gateway.demo.physics import START, SWITCHES

GASES = ("gas1.lel", "gas2.lel", "gas4.h2s", "h2s1", "h2s2", "h2s3", "co.kiln")
PLANT, SENSORS = "plant.sock", "sensors.sock"


def request(name: str, value: str, worker: int = 1, kind: int = 1) -> tuple[str, dict[str, Any]]:
    """The socket to ask and what to ask it. Raises ValueError with what would be right."""
    if name in EVENTS:
        return SENSORS, {"do": "event", "name": name, "seen": bool(float(value)), "worker": worker, "kind": kind}
    if name in SCORES:
        return SENSORS, {"do": "set", "name": name, "value": float(value)}
    if name in SWITCHES:
        return PLANT, {"do": "switch", "name": name, "on": bool(float(value))}
    if name not in START:
        raise ValueError(f"{name} is none of {', '.join(sorted([*EVENTS, *SCORES, *SWITCHES, *START]))}")
    if value.endswith("/min"):
        return PLANT, {"do": "drift", "name": name, "value": float(value.removesuffix("/min"))}
    if name in GASES:
        return PLANT, {"do": "gas", "name": name} | ({} if value == "-" else {"value": float(value)})
    return PLANT, {"do": "set", "name": name, "value": float(value)}


def main() -> int:
    """Ask the running demo."""
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="gateway.demo.move", description=__doc__, formatter_class=form)
    parser.add_argument("name")
    parser.add_argument("value")
    parser.add_argument("--worker", type=int, default=1)
    parser.add_argument("--kind", type=int, default=1)
    parser.add_argument("--state", type=Path, default=Path("config/demo/state/demo"))
    given = parser.parse_args()
    try:
        socket, asked = request(given.name, given.value, given.worker, given.kind)
        asyncio.run(ask(given.state / socket, **asked))
    except (OSError, ValueError) as error:
        print(f"{error}. Is ./scripts/run running?" if isinstance(error, OSError) else error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
