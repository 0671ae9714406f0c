"""The long run: `python -m tests.rulebook.workbook.campaign [MATRICES]`, every combination and every test of random matrices."""

from __future__ import annotations

import sys
import time

from tests.rulebook.workbook.bench import plant, run_all
from tests.rulebook.workbook.walk import random_book, twelve, walk


def main(matrices: int) -> None:
    """Prints how much was compared; stops at the first difference."""
    begun = time.monotonic()
    states = tests = 0
    for seed in range(matrices):
        text = twelve(seed)
        states += sum(walk(text, frozenset(bad)) for bad in ((), ("a0",), ("a1", "a2")))
        random = random_book(seed)
        tests += run_all("random.csv", random, random, plant())
        print(
            f"\r{seed + 1} matrices, {states} states, {tests} tests, {time.monotonic() - begun:.0f} s",
            end="",
            flush=True,
        )
    print()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
