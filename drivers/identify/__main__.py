"""The process that reads captures: `python -m drivers.identify file|socket FD [SECONDS]`; JSON on stdout, then it ends.

Somebody else opens the capture or the socket and hands over the descriptor. This process gives up everything else first.
"""

from __future__ import annotations

import os
import sys

import msgspec
import numpy.ma  # noqa: F401  loaded by numpy when it is first needed, which would be too late

from drivers.identify import passive
from drivers.identify.confine import confine

_CPU_S = 3600  # a capture of 100 GB takes half of it


def main(words: list[str]) -> int:
    """Run one identification; 2 on a wrong call."""
    if len(words) < 2 or words[0] not in ("file", "socket") or not words[1].isdigit():
        print(__doc__, file=sys.stderr)
        return 2
    passive.rehearse()  # all that is read from disk is read now
    missing = confine(_CPU_S if words[0] == "file" else 0)
    descriptor = int(words[1])
    if words[0] == "file":
        found = passive.from_file(descriptor)
    else:
        found = passive.from_socket(descriptor, float(words[2]) if len(words) > 2 else 0.0)
    found["confined"] = {"missing": missing}
    out = memoryview(msgspec.json.encode(found))
    while out:
        out = out[os.write(1, out) :]
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
