"""What early warning finds in public data: `python -m tests.offline.campaign_warning [FILE]` writes docs/results/warning.md.

Every level comes from `core.early.Model`, the kernel's own step. The data are licensed and are not part of this repository.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from gateway.core.cards import Card
from gateway.core.early import CLEAR_AFTER, RAISE_AFTER, Model
from gateway.core.windows import BUCKETS
from gateway.core.windows import fit as line
from gateway.offline.learning import Floats, Wish, learn, stack

ROOT = Path(__file__).parents[2]
DATA = ROOT / "shared" / "data" if (ROOT / "shared").is_dir() else ROOT.parent / "shared" / "data"
EASTMAN, BATCH, NAB = DATA / "tennessee_eastman", DATA / "batch_reactor_runaway", DATA / "nab"
STEP_MIN, ONSET = 3.0, 160  # of d??_te: minutes between rows, row after which the fault begins
RATE = 0.01
TEXTBOOK = ("PCA T²", "PCA SPE", "DPCA T²", "DPCA SPE")
BALANCE = ("ReactorTemp", "Pressure_bar", "Coolant_Flow_m3_s", "Coolant_delatT_K")  # the heat balance
ALONE = "gatehouse"  # limits from d00 alone
HELD = "gatehouse, --check d00_te"  # held against the second normal run as well
HOTTEST_K = (390.0, 400.0, 410.0, 420.0)


def rows_of(path: Path, wanted: Sequence[str] = ()) -> tuple[list[str], Floats]:
    """Names and rows of one file."""
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        names = list(wanted or reader.fieldnames or ())
        return names, np.array([[float(row[name]) for name in names] for row in reader])


def card_of(names: Sequence[str], rows: Floats, wish: Wish, checked: Floats | None = None) -> Card:
    """A card that only this campaign knows."""
    facts: dict[str, Any] = {"from_utc_ms": 0, "to_utc_ms": 0, "learned_from": "data", "learned_utc_ms": 0}
    return learn("g", list(names), [""] * len(names), 180_000, rows, wish, checked, **facts)


def levels(card: Card, rows: Floats) -> Floats:
    """The level after each row, 0 until the past is known."""
    model, found = Model(card), []
    for row in rows:
        scores = model.step(row)
        found.append(0.0 if scores is None else max(scores[:2]))
    return np.array(found)


def raised(over: Sequence[bool]) -> list[int]:
    """The rows at which a warning is raised, as the kernel raises and clears it."""
    found, up, run = [], False, 0
    for at, high in enumerate(over):
        run = run + 1 if high != up else 0
        if run >= (CLEAR_AFTER if up else RAISE_AFTER):
            up, run = not up, 0
            found += [at] if up else []
    return found


# --- Tennessee Eastman ---


@dataclass(slots=True)
class Found:
    """Detection rate by method and fault, delay of ours in minutes, false alarms on d00_te."""

    rates: dict[str, dict[int, float]] = field(default_factory=dict)
    delays: dict[int, float | None] = field(default_factory=dict)
    false_alarms: dict[str, float] = field(default_factory=dict)
    tested: set[int] = field(default_factory=set)  # faults with a test run

    def mean(self, method: str, faults: Sequence[int] | None = None) -> float:
        """Over all faults, or some."""
        rates = self.rates[method]
        return float(np.mean([rates[fault] for fault in faults or rates]))


def eastman() -> Found:
    """All faults by our card, learned from d00 alone, and by the textbook's statistics with 1 % false alarms on d00_te."""
    names, normal = rows_of(EASTMAN / "d00.csv")
    second = rows_of(EASTMAN / "d00_te.csv")[1]
    runs = {fault: _run(fault) for fault in range(1, 22)}
    found = Found(tested={fault for fault, (_, begin) in runs.items() if begin})
    for method, wish, checked in (
        (ALONE, Wish(lags=2, rate=RATE), None),
        (HELD, Wish(lags=2, rate=RATE), second),
    ):
        card = card_of(names, normal, wish, checked)
        found.false_alarms[method] = float(np.mean(levels(card, second) > 1))
        over = {fault: levels(card, rows) > 1 for fault, (rows, _) in runs.items()}
        found.rates[method] = {fault: float(np.mean(over[fault][begin:])) for fault, (_, begin) in runs.items()}
        if method == ALONE:
            for fault, (_, begin) in runs.items():
                first = raised(list(over[fault][begin:]))
                found.delays[fault] = (first[0] + 1) * STEP_MIN if first else None
    for name, lags, parts in (("PCA", 0, 11), ("DPCA", 3, 28)):
        for at, what in enumerate(("T²", "SPE")):
            clean = _textbook(normal, second, lags, parts)[:, at]
            limit = np.sort(clean)[::-1][int(RATE * len(second))]
            method = f"{name} {what}"
            found.false_alarms[method] = float(np.sum(clean > limit) / len(second))
            found.rates[method] = {
                fault: float(np.mean(_textbook(normal, rows, lags, parts)[max(begin - lags, 0) :, at] > limit))
                for fault, (rows, begin) in runs.items()
            }
    return found


def _run(fault: int) -> tuple[Floats, int]:
    """The test run of a fault with its onset; where there is none, the training run, in which it stands from the start."""
    test = EASTMAN / f"d{fault:02}_te.csv"
    return (rows_of(test)[1], ONSET) if test.exists() else (rows_of(EASTMAN / f"d{fault:02}.csv")[1], 0)


def _textbook(normal: Floats, rows: Floats, lags: int, parts: int) -> Floats:
    """T² and SPE with mean and standard deviation, the first `parts` components and no smoothing."""
    scaled = [(each - normal.mean(axis=0)) / normal.std(axis=0, ddof=1) for each in (normal, rows)]
    clean, stacked = stack(scaled[0], lags), stack(scaled[1], lags)
    values, vectors = np.linalg.eigh(np.cov(clean.T))
    values, vectors = values[::-1][:parts], vectors[:, ::-1][:, :parts]
    along = stacked @ vectors
    rest = stacked - along @ vectors.T
    return np.column_stack([(along * along / values).sum(axis=1), (rest * rest).sum(axis=1)])


# --- batch reactor ---


def batch() -> dict[str, Any]:
    """Warnings on each normal run by a card of the others; and how long before each temperature the runaway was seen."""
    normal = [rows_of(path, BALANCE)[1] for path in sorted((BATCH / "normal").glob("*.csv"))]
    wish = Wish(lags=2, rate=RATE)
    held = [len(raised(list(levels(card_of(BALANCE, np.vstack(normal[:at] + normal[at + 1 :]), wish), rows) > 1)))
            for at, rows in enumerate(normal)]  # fmt: skip
    card = card_of(BALANCE, np.vstack(normal), wish)
    own = [len(raised(list(levels(card, rows) > 1))) for rows in normal]
    runaway = rows_of(BATCH / "faults" / "runawayfault.csv", BALANCE)[1]
    first = raised(list(levels(card, runaway) > 1))[0]
    eta = _eta(runaway[:, 0])
    crossed = {limit: int(np.argmax(runaway[:, 0] > limit)) for limit in HOTTEST_K}
    return {
        "held": held,
        "own": own,
        "hours": sum(len(rows) for rows in normal) / 120,
        "first_min": first / 2,
        "crossed_min": {limit: at / 2 for limit, at in crossed.items()},
        "warning_min": {limit: (at - first) / 2 for limit, at in crossed.items()},
        "eta_min": {limit: eta(limit, at) for limit, at in crossed.items()},
        "eta_false": [sum(_eta(rows[:, 0])(limit, len(rows)) is not None for limit in (400.0,)) for rows in normal],
    }


def _eta(values: Floats) -> Any:
    """Minutes before row `at` at which `eta(temp, > limit, window = 30 min, sure = 95 %) < 20 min` first held; None if never."""

    def before(limit: float, at: int) -> float | None:
        for row in range(BUCKETS, at):
            drawn = line(values[row - BUCKETS : row].tolist(), 2.0)
            slope = drawn.sure_slope(95)
            left = limit - drawn.level + 2.0484 * drawn.spread
            if slope > 0 and left / slope < 20:
                return (at - row) / 2
        return None

    return before


# --- NAB: one tag alone ---


def nab() -> dict[str, tuple[int, int, int, int]]:
    """By file: labelled windows, those in which a warning was raised, warnings outside them, rows learned from."""
    windows = json.loads((NAB / "windows.json").read_text(encoding="utf-8"))
    found = {}
    for key, spans in windows.items():
        path = NAB / Path(key).name
        with path.open(encoding="utf-8", newline="") as file:
            rows = [(datetime.fromisoformat(row["timestamp"]), float(row["value"])) for row in csv.DictReader(file)]
        values = np.array([[value] for _, value in rows])
        times = [at for at, _ in rows]
        begun = [tuple(datetime.fromisoformat(end) for end in span) for span in spans]
        clean = sum(at < begun[0][0] for at in times) * 9 // 10
        over = levels(card_of(["value"], values[:clean], Wish(lags=2, rate=RATE)), values) > 1
        at_times = [times[clean + at] for at in raised(list(over[clean:]))]
        hit = sum(any(begin <= at <= end for at in at_times) for begin, end in begun)
        outside = sum(not any(begin <= at <= end for begin, end in begun) for at in at_times)
        found[path.name] = (len(begun), hit, outside, clean)
    return found


# --- the report ---


def report(told: Found, runaway: dict[str, Any], series: dict[str, tuple[int, int, int, int]]) -> str:
    """docs/results/warning.md."""
    methods = (ALONE, *TEXTBOOK, HELD)
    head = "| fault | run | delay, min | " + " | ".join(methods) + " |"
    out = [_INTRO, head, "|" + "---|" * (len(methods) + 3)]
    for fault in range(1, 22):
        delay = told.delays[fault]
        shown = " | ".join(f"{told.rates[method][fault]:.3f}" for method in methods)
        run = "test" if fault in told.tested else "training"
        out.append(f"| {fault} | {run} | {'–' if delay is None else f'{delay:g}'} | {shown} |")
    for name, faults in (("**mean of 21**", None), ("**mean of the test runs**", sorted(told.tested))):
        shown = " | ".join(f"**{told.mean(method, faults):.3f}**" for method in methods)
        out.append(f"| {name} | | | {shown} |")
    shown = " | ".join(f"{told.false_alarms[method]:.4f}" for method in methods)
    out += [f"| false alarms on d00_te | test | | {shown} |", "", _BATCH.format(**runaway)]
    out += [
        "| limit, K | first crossed at, min | early warning before it, min | `eta … sure = 95 %` before it, min |",
        "|---|---|---|---|",
    ]
    for limit, at in runaway["crossed_min"].items():
        eta = runaway["eta_min"][limit]
        told_eta = "never" if eta is None else f"{eta:g}"
        out.append(f"| {limit:g} | {at:g} | {runaway['warning_min'][limit]:g} | {told_eta} |")
    out += [
        "",
        _NAB,
        "| series | labelled windows | with a warning inside | warnings outside | rows learned from |",
        "|---|---|---|---|---|",
    ]
    out += [
        f"| {name} | {count} | {hit} | {outside} | {clean} |" for name, (count, hit, outside, clean) in series.items()
    ]
    return "\n".join(out) + "\n"


_INTRO = """# Early warning on public data

Written by `python -m tests.offline.campaign_warning docs/results/warning.md`; every level by the kernel's own step.

## Tennessee Eastman

The column "gatehouse" is a card learned from d00 alone (500 rows of 3 min, 52 tags, 2 past instants), its limits with it: nothing of
d00_te, the second normal run, was used for a number in it. With 25 hours the smoothed T² is left out (`gateway/offline/learning.py`: too
few independent rows) and the limits are the 95 % bound for another period. That rule was made because an earlier one, plain quantiles of
d00, gave 20 % false alarms on d00_te; the run was therefore not unknown when the rule was chosen, among some fifty
variants whose false alarms and detection rates were seen; no constant was fitted to it, but it is no blind test. The
column "--check d00_te" has its limits held against d00_te as well, as those of the textbook's methods are: each of them is allowed the
1 % of that very run, which ours is not.
Detection rate: share of rows of the fault above the limit. Delay: from the onset until three rows in a row were above it.
Test runs (fault after row 160) exist here for faults 1, 4 and 6 only. For the others the training run is used, in which the fault stands
from the first row; these figures are not of the same rows as those in the literature. Faults 3, 9 and 15 are hardly detectable by design.
The settings (2 past instants, smoothing 0.1, 90 % of the variance) were chosen on these same files, so part of the lead is selection.

The columns PCA and DPCA are the textbook's statistics (Russell, Chiang & Braatz, *Data-driven Methods for Fault Detection and Diagnosis
in Chemical Processes*, Springer 2000; Chemometrics and Intelligent Laboratory Systems 51 (2000) 81) recomputed here on the very same
rows: mean and standard deviation, 11 components; 3 past instants and 28 components. The authors' own table of missed detections (and that
of Yin et al., Journal of Process Control 22 (2012) 1567) could not be had to copy from; none of their numbers is quoted from memory.
"""

_BATCH = """## Batch reactor runaway

Group of the heat balance (temperature, pressure, coolant flow and rise), 0.5 min a row, 2 past instants, 1 % of the clean rows. Seven
normal runs ({hours:.0f} h) of different recipes. False warnings on each normal run by a card of the other six: {held}; by a card of all
seven: {own}.
The card of all seven raises its first warning on the runaway at {first_min:g} min. No limit is given with the data, so four are shown;
the hottest normal run reaches 378.4 K. The source speaks of 19 minutes. A negative number is a warning that came after the limit was
crossed: the recipes differ so much that a card of all of them is careful; `eta` beside it is not.
`eta(temp, > limit, window = 30 min, sure = 95 %) < 20 min` held on the normal runs (limit 400 K): {eta_false}.
"""

_NAB = """## NAB, as a sanity check

One tag alone, learned from nine tenths of what precedes the first labelled window. NAB scores another way (a window counts once, early
is better); these are plain counts.
"""


def main() -> None:
    """Run all and write the report."""
    text = report(eastman(), batch(), nab())
    if len(sys.argv) > 1:
        Path(sys.argv[1]).write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
