"""The process of `gatehouse model`: `python -m inference.models`, one request as JSON on stdin, one line of JSON for everything it says.

It gives up the network, limits its memory and time, and only then loads what parses files. Whoever started it shows the lines, and
says so where it died instead of answering. Lines: `{"row": …}`, `{"note": {"en", "zh-CN"}}`, `{"refused": {"code", "en", "zh-CN"}}`;
the last is `{"end": true}`.
"""

from __future__ import annotations

import sys

from inference.runtime import accel
from inference.runtime.confine import confine

MEMORY = 6 << 30  # bytes of address space: native libraries map about two before anything is read
CPU_S = 900  # a loop without end in a graph ends here
LONG_S = 4 * 3600  # three methods on a few hundred pictures take a quarter of an hour, on a slow box an hour
LONG = ("quantise", "calibrate", "detect")


def main() -> int:
    """Answer one request; 2 where there is none."""
    text = sys.stdin.buffer.read(1 << 20)
    long = any(f'"verb":"{verb}"'.encode() in text.replace(b" ", b"") for verb in LONG)
    confine(memory=MEMORY, network=False, cpu_s=LONG_S if long else CPU_S)
    accel.first()
    from inference.models.commands import answer  # parsers and native code, after the limits

    return answer(text)


if __name__ == "__main__":
    sys.exit(main())
