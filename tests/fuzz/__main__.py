"""`scripts/fuzz NAME --inputs 1000000`: the campaign of one target (or of all), its line kept in docs/results/fuzz.md."""

from __future__ import annotations

import argparse
import logging
import re
from pathlib import Path

from tests.fuzz.engine import HANG_NS, Outcome, campaign, names, target

TABLE = Path(__file__).parents[2] / "docs" / "results" / "fuzz.md"
HEAD = f"""# Decoders against hostile bytes

`scripts/fuzz NAME --inputs 1000000`: seeded mutations of well-formed frames (bits, bytes, counts, lengths, pieces doubled,
lost, cut and joined, bytes of no origin), given to the decoder as its driver gives them; `--resume` goes on from the line
here. A crash is any exception but the decoder's own; a hang is more than {HANG_NS // 1_000_000} ms of processor time for one
input, thrice; the last kind is a GOOD value that a second, strict reading of the frame does not give.

| target | inputs | seed | crashes | hangs | GOOD from malformed | slowest, ms | inputs/s |
|---|---|---|---|---|---|---|---|
"""
ROW = re.compile(r"^\| (\w+) \| \d.*$", re.MULTILINE)
KEPT_S = 60.0  # a campaign of hours that is stopped loses no more than this


def keep(name: str, seed: int, outcome: Outcome, table: Path = TABLE) -> None:
    """Put the line of this target into the table, in place of an older one."""
    found = ROW.finditer(table.read_text("utf-8")) if table.exists() else ()
    rows = {match[1]: match[0] for match in found}
    rows[name] = (
        f"| {name} | {outcome.inputs:,} | {seed} | {outcome.crashes} | {outcome.hangs} | {outcome.lies} "
        f"| {outcome.slowest_ms:.2f} | {outcome.inputs / max(outcome.seconds, 1e-9):,.0f} |"
    )
    table.write_text(HEAD + "\n".join(rows[key] for key in sorted(rows)) + "\n", encoding="utf-8")


def begun(name: str, seed: int, table: Path = TABLE) -> Outcome:
    """What the table says of an earlier run with this seed, to go on from; nothing where there was none."""
    for match in ROW.finditer(table.read_text("utf-8")) if table.exists() else ():
        told = [cell.strip().replace(",", "") for cell in match[0].strip("|").split("|")]
        if told[:1] == [name] and told[2] == str(seed):
            count, crashes, hangs, lies = (int(told[at]) for at in (1, 3, 4, 5))
            return Outcome(count, count / max(float(told[7]), 1.0), float(told[6]), crashes, hangs, lies)
    return Outcome()


def main() -> int:
    """Run; 1 where anything was found."""
    parser = argparse.ArgumentParser(prog="scripts/fuzz", description=__doc__)
    parser.add_argument("name", choices=[*names(), "all"])
    parser.add_argument("--inputs", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=2607)
    parser.add_argument("--no-table", action="store_true", help="do not touch docs/results/fuzz.md")
    parser.add_argument("--resume", action="store_true", help="go on from what the table says of this seed")
    given = parser.parse_args()
    logging.getLogger("gatehouse").addHandler(logging.NullHandler())  # each input is a device that may refuse its tags
    clean = True
    for name in names() if given.name == "all" else [given.name]:
        outcome = begun(name, given.seed) if given.resume else Outcome()
        while outcome.inputs < given.inputs:
            outcome = campaign(target(name), given.inputs, given.seed, KEPT_S, done=outcome)
            if not given.no_table:
                keep(name, given.seed, outcome)
        clean &= outcome.clean
        print(
            f"{name}: {outcome.inputs:,} inputs in {outcome.seconds:.0f} s, {outcome.crashes} crashes, {outcome.hangs} hangs, "
            f"{outcome.lies} GOOD from malformed, slowest {outcome.slowest_ms:.2f} ms",
            flush=True,
        )
        for what, data in outcome.findings:
            print(f"  {what}\n    {data.hex()}")
    return 0 if clean else 1


if __name__ == "__main__":
    raise SystemExit(main())
