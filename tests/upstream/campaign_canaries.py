"""`python -m tests.upstream.campaign_canaries --messages 1000000`: the table of docs/results/canaries.md. Exit 1 if anything came out."""

from __future__ import annotations

import argparse
import sys
import time

from tests.upstream.canaries import Campaign, Found


def table(found: Found, seed: int, seconds: float) -> str:
    """The result in Markdown."""
    kinds: dict[str, int] = {}
    for kind, times in found.refused.items():
        group = kind.split(" of ")[0] if " of " in kind else "field" if "." in kind else "foreign"
        kinds[group] = kinds.get(group, 0) + times
    rows = [
        ("things offered to the encoder", found.messages),
        ("canaries in and around them", found.canaries),
        ("encoded, of the types that may leave", found.encoded.total()),
        *((f"– {kind}", times) for kind, times in sorted(found.encoded.items())),
        ("refused", found.refused.total()),
        ("– of another type: samples, records, commands, bytes, text", kinds.get("foreign", 0)),
        ("– a subclass with one more field", kinds.get("subclass", 0)),
        ("– the same fields in a dict, an object or beside text", sum(kinds.get(k, 0) for k in ("fields", "likeness", "tuple"))),
        ("– an allowed type with one of the above in a field", kinds.get("field", 0)),
        ("different things that were refused", len(found.refused)),
        ("**encoded although it had to be refused**", found.accepted),
        ("**payloads, topics, ids and error texts with a canary**", found.leaked),
        ("**payloads with a value that is neither the summary's nor the encoder's own**", found.unexplained),
    ]  # fmt: skip
    lines = [f"| {what} | {count:,} |" for what, count in rows]
    return "\n".join(["| | |", "|---|---|", *lines, f"| seed, seconds | {seed}, {seconds:.0f} |"])


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.upstream.campaign_canaries")
    parser.add_argument("--messages", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=2607)
    given = parser.parse_args()
    began_s = time.monotonic()
    found = Campaign(given.seed).run(given.messages)
    print(table(found, given.seed, time.monotonic() - began_s))
    for line in found.wrong:
        print(line, file=sys.stderr)
    return 1 if found.accepted or found.leaked or found.unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
