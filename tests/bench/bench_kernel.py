"""What a step costs with 1,000 interlock rules: per block and per changed value, beside numpy doing the same array passes."""

from __future__ import annotations

import gc
from statistics import median
from time import perf_counter_ns
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gateway.core.kernel import Kernel
from gateway.core.program import Compare, Interlock, Program, Stop
from gateway.core.samples import Columns, SelfCheck, Stamp
from gateway.core.tags import Group, Source, Tag, TagTable
from tests.bench.figure import figure, spread

TAGS = 2000
RULES = 1000
PERIOD_NS = 100_000_000
UTC_NS = 1_780_000_000_000_000_000
COUNTS = (0, 1, 10, 100, 1000)
BLOCK_US, CHANGE_US = 40.0, 0.5  # spec/performance.md


def kernel() -> Kernel:
    """2,000 analogue tags in one polled group, 1,000 functions of one tag each on one coil; none trips."""
    tags = [Tag(at, f"t{at}", "plc", 0, low=-1e9, high=1e9) for at in range(TAGS)]
    tags.append(Tag(TAGS, "run", "plc", 0, boolean=True, writable=True))
    table = TagTable(tags, [Group(0, "poll", "plc", 0, TAGS + 1, 2000)], [Source("plc", "modbus", 100)])
    rules = [
        Interlock(name=f"R{at}", when=Compare(f"t{at}", ">", 1e6, 5.0), priority=3, on_bad="trip", stops=(Stop("run"),))
        for at in range(RULES)
    ]
    return Kernel(table, Program(tuple(rules)), 1)


class Hand:
    """Feeds one kernel blocks of which the first n values changed."""

    def __init__(self) -> None:
        self.kernel = kernel()
        self._seq = 1
        self._values = np.full(TAGS + 1, 20.0)
        self._values[TAGS] = 0.0
        self._fine = np.zeros(TAGS + 1, np.uint8)
        self.kernel.step(Stamp(1, PERIOD_NS, UTC_NS), SelfCheck(True, "start"))
        for _ in range(200):
            self.step(TAGS)

    def step(self, changed: int) -> int:
        """One block in which rules' tags 0..changed moved; the time of its step in ns."""
        self._seq += 1
        self._values[:changed] += 0.25
        block = Columns(0, self._values.copy(), self._fine.copy(), self._fine.copy())
        stamp = Stamp(self._seq, self._seq * PERIOD_NS, UTC_NS + self._seq * PERIOD_NS)
        begun = perf_counter_ns()
        self.kernel.step(stamp, block)
        return perf_counter_ns() - begun


class Floor:
    """The same passes over the same arrays with nothing around them: what numpy itself asks for a block."""

    def __init__(self) -> None:
        self._low, self._high = np.full(TAGS + 1, -1e9), np.full(TAGS + 1, 1e9)
        self._values, self._qualities = np.full(TAGS + 1, 20.0), np.zeros(TAGS + 1, np.uint8)
        self._causes = np.zeros(TAGS + 1, np.uint8)
        self._tags, self._rules = np.arange(RULES), np.arange(RULES)
        self._awake = np.zeros(RULES, np.bool_)
        self._given = self._values.copy()

    def step(self, changed: int) -> int:
        """One block; ns."""
        self._given[:changed] += 0.25
        values, qualities, causes = self._given.copy(), self._qualities.copy(), self._causes.copy()
        begun = perf_counter_ns()
        self._pass(values, qualities, causes)
        return perf_counter_ns() - begun

    def _pass(self, values: NDArray[np.float64], qualities: NDArray[np.uint8], causes: NDArray[np.uint8]) -> None:
        ((values >= self._low) & (values <= self._high)).all()
        mask = values.view(np.int64) != self._values.view(np.int64)
        mask |= qualities != self._qualities
        mask |= causes != self._causes
        if mask.any():
            self._values[:], self._qualities[:], self._causes[:] = values, qualities, causes
            self._awake[self._rules[mask[self._tags]]] = True
            np.flatnonzero(self._awake).tolist()
            self._awake[:] = False


def figures(quick: bool) -> list[dict[str, Any]]:
    """µs of a block nobody's value changed in, and µs more for every changed value; turns taken with the floor."""
    rounds = 400 if quick else 4000
    ours: dict[int, list[float]] = {count: [] for count in COUNTS}
    floor: dict[int, list[float]] = {count: [] for count in COUNTS}
    hand, bare = Hand(), Floor()
    gc.collect()
    gc.freeze()  # as the daemon does after its start
    for _ in range(rounds):
        for count in COUNTS:
            ours[count].append(hand.step(count) / 1000)
            floor[count].append(bare.step(count) / 1000)
    gc.unfreeze()
    assert not any(function.trips for function in hand.kernel.functions.values())
    middle = {count: median(ours[count]) for count in COUNTS}
    least = {count: median(floor[count]) for count in COUNTS}
    slope, base = _fit(middle)
    floor_slope, floor_base = _fit(least)
    by_count = {str(count): {"ours_us": spread(ours[count]), "floor_us": spread(floor[count])} for count in COUNTS}
    worst = max(middle[count] - BLOCK_US - CHANGE_US * count for count in COUNTS)
    return [
        figure(
            "kernel, a block of 2,000 tags with 1,000 rules", base, "us", f"<= {BLOCK_US:g} us", base <= BLOCK_US,
            floor_base, by_changes=by_count,
        ),
        figure(
            "kernel, each changed value that a rule reads", slope, "us", f"<= {CHANGE_US:g} us", slope <= CHANGE_US,
            floor_slope, reference_is="numpy floor", medians_within_both=worst <= 0,
        ),
    ]  # fmt: skip


def _fit(medians: dict[int, float]) -> tuple[float, float]:
    """Slope from the largest count, and a base that holds for every count at that slope."""
    slope = (medians[1000] - medians[1]) / 999
    return max(slope, 0.0), max(us - max(slope, 0.0) * count for count, us in medians.items())
