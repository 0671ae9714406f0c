"""Feeds a decoder with mutated bytes and judges what happens: crash, hang, or a GOOD value from a malformed frame.

A target is a module `tests/fuzz/target_<name>.py` with

* `SEEDS: Sequence[bytes]`: well-formed inputs of every kind the decoder knows, to mutate from;
* `feed(data: bytes) -> None`: gives `data` to the decoder as the driver would. It catches the errors the decoder may raise
  (its own `Malformed`, a `SourceError`), lets every other exception through, and raises AssertionError where a GOOD value
  came of bytes that a second, slow and strict reading (written in the target, not imported from the driver) does not give.

One seed gives one sequence of inputs, so a finding is found again.
"""

from __future__ import annotations

import gc
import importlib
import itertools
import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

HERE = Path(__file__).parent
HANG_NS = 10_000_000  # of processor time, so that a busy machine is no hang
AGAIN = 3  # the slowest so far is fed again: a pause of the interpreter does not come back
KEPT = 5  # findings that are told in full
LENGTH_MAX = 4096
EDGES = (0, 1, 2, 3, 7, 8, 0x7F, 0x80, 0x81, 0xFE, 0xFF)
TOKENS = (
    b"\x00\x00",
    b"\xff\xff",
    b"\x7f\xff",
    b"\x80\x00",
    b"\xff\xff\xff\xff",
    b"\x00\x00\x00\x00",
    b"\xff\xff\xff\x7f",
)


class Target(Protocol):
    """What a `target_<name>.py` holds."""

    SEEDS: Sequence[bytes]

    def feed(self, data: bytes) -> None:
        """See above."""


@dataclass(slots=True)
class Outcome:
    """What came of a campaign. Findings are (what, input)."""

    inputs: int = 0
    seconds: float = 0.0
    slowest_ms: float = 0.0
    crashes: int = 0
    hangs: int = 0
    lies: int = 0  # GOOD from a malformed frame
    findings: list[tuple[str, bytes]] = field(default_factory=list)

    def found(self, what: str, data: bytes) -> None:
        """Keep the first few in full."""
        if len(self.findings) < KEPT:
            self.findings.append((what, data))

    @property
    def clean(self) -> bool:
        """Nothing was found."""
        return not (self.crashes or self.hangs or self.lies)


def names() -> list[str]:
    """All targets there are."""
    return sorted(path.stem.removeprefix("target_") for path in HERE.glob("target_*.py"))


def target(name: str) -> Target:
    """The module of one target."""
    return cast(Target, importlib.import_module(f"tests.fuzz.target_{name}"))


def inputs(seeds: Sequence[bytes], seed: int) -> Iterator[bytes]:
    """Without end: every seed as it is, then mutations of them, now and then bytes of no origin."""
    rng = random.Random(seed)
    yield from seeds
    while True:
        if rng.random() < 0.02:
            yield rng.randbytes(rng.randrange(200))
            continue
        data = bytearray(rng.choice(seeds))
        for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4, 8))):
            _mutate(data, rng, seeds)
        yield bytes(data[:LENGTH_MAX])


def _mutate(data: bytearray, rng: random.Random, seeds: Sequence[bytes]) -> None:
    """Change `data` in place, once."""
    at = rng.randrange(len(data) + 1)
    last = max(0, len(data) - 1)
    kind = rng.randrange(9)
    if kind == 0 and data:
        data[min(at, last)] ^= 1 << rng.randrange(8)
    elif kind == 1 and data:
        data[min(at, last)] = rng.choice(EDGES)
    elif kind == 2 and data:
        data[min(at, last)] = rng.randrange(256)
    elif kind == 3 and data:  # a count or a length that is off by little
        data[min(at, last)] = (data[min(at, last)] + rng.choice((-2, -1, 1, 2))) & 0xFF
    elif kind == 4:
        token = rng.choice(TOKENS)
        data[at : at + len(token)] = token
    elif kind == 5:
        del data[at:]
    elif kind == 6:
        del data[at : at + rng.randrange(1, 9)]
    elif kind == 7:
        begin = rng.randrange(len(data) + 1)
        data[at:at] = data[begin : begin + rng.randrange(1, 33)]
    else:
        other = rng.choice(seeds)
        data[at:] = other[rng.randrange(len(other) + 1) :]


def campaign(
    one: Target, count: int, seed: int, until_s: float = float("inf"), *, done: Outcome | None = None
) -> Outcome:
    """Feed inputs until there are `count`, or as many as `until_s` seconds allow; `done` is what an earlier run fed of them."""
    outcome = done or Outcome()
    one.feed(one.SEEDS[0])  # what is made once, on first use, is no hang
    gc.collect()
    gc.freeze()
    begun_s = time.monotonic()
    try:
        for data in itertools.islice(inputs(one.SEEDS, seed), outcome.inputs, count):
            if time.monotonic() - begun_s >= until_s:
                break
            outcome.inputs += 1
            _judge(one.feed, data, outcome)
    finally:
        gc.unfreeze()
    outcome.seconds += time.monotonic() - begun_s
    return outcome


def _judge(feed: Callable[[bytes], None], data: bytes, outcome: Outcome) -> None:
    begun_ns = time.perf_counter_ns()  # the processor's own clock is slow to read: it judges the slow ones only
    try:
        feed(data)
    except AssertionError as error:
        outcome.lies += 1
        outcome.found(f"GOOD from a malformed frame: {error}", data)
        return
    except Exception as error:  # noqa: BLE001 - any exception is a finding, and the next input must follow
        outcome.crashes += 1
        outcome.found(f"{type(error).__name__}: {error}", data)
        return
    took_ns = time.perf_counter_ns() - begun_ns
    if took_ns <= min(outcome.slowest_ms * 1e6, HANG_NS):
        return
    for _ in range(AGAIN):
        begun_ns = time.thread_time_ns()
        feed(data)
        took_ns = min(took_ns, time.thread_time_ns() - begun_ns)
    outcome.slowest_ms = max(outcome.slowest_ms, took_ns / 1e6)
    if took_ns > HANG_NS:
        outcome.hangs += 1
        outcome.found(f"took {took_ns / 1e6:.1f} ms", data)
