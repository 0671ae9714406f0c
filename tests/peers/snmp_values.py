"""What snmpd asks for the objects below 1.3.6.1.4.1.8072.9999.9999 (pass_persist): a file of `arc type value` lines, read each time."""

from __future__ import annotations

import sys
from pathlib import Path

BASE = ".1.3.6.1.4.1.8072.9999.9999."


def main() -> None:
    """Until snmpd closes the pipe."""
    file = Path(sys.argv[1])
    while word := sys.stdin.readline().strip():
        if word == "PING":
            print("PONG", flush=True)
            continue
        name = sys.stdin.readline().strip()
        if word == "set":
            sys.stdin.readline()
        held = {BASE + arc + ".0": (kind, value) for arc, kind, value in map(str.split, file.read_text().splitlines())}
        if word == "get" and name in held:
            print(name, *held[name], sep="\n", flush=True)
        else:
            print("not-writable" if word == "set" else "NONE", flush=True)


main()
