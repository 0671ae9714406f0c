"""One story gives one sequence of bytes: under other hash seeds, without AVX, and from any snapshot of it."""

from __future__ import annotations

import hashlib
import importlib
import os
import random
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from test_forms import Run, columns, few, site

from gateway.core.effects import Effect
from gateway.core.kernel import Kernel
from gateway.core.program import Program
from gateway.core.samples import Alive, Few, Input, SelfCheck, SourceDown, Stamp
from gateway.core.tags import Cause

MS = 1_000_000
MINUTES_NS = 600_000 * MS
VALUES = (50.0, 50.0, 50.0, 55.5, 61.0, 75.0, 29.0, 101.0, float("nan"), -0.0, 51.0)
FORM = {"code": "failed", "reason": "transmitter failed, spare ordered", "measure": "gauge", "minutes": "2"}


def story(seed: int) -> list[tuple[Stamp, Input]]:
    """Ten minutes of blocks, losses, self-checks and people; the log of everything that was given to a kernel."""
    dice = random.Random(seed)
    run = Run()
    run.energise(columns)
    end_ns = run.now_ns + MINUTES_NS
    while run.now_ns < end_ns:
        run.wake_until(run.now_ns + dice.choice((100, 100, 300, 500, 900)) * MS)
        calm = dice.random() < 0.7
        feed = columns if dice.random() < 0.5 else few
        for group, count in ((0, 4), (1, 2)):
            values = [51.0 + 0.01 * dice.random() if calm else dice.choice(VALUES) for _ in range(count)]
            feed(run, group, values, [0] * count, [0] * count)
        what = dice.random()
        name = dice.choice(("LOW", "VOTE", "CROSS"))
        if what < 0.25:
            run.ask("interlock.reset", name)
        elif what < 0.28:
            run.give(SourceDown(dice.choice(("plc1", "plc2")), Cause.COMMS))
        elif what < 0.31:
            run.ask("bypass.set", name, tag=dice.choice(("a0", "a1", "a3")), **FORM)
        elif what < 0.33:
            run.ask("interlock.trip", name)
        elif what < 0.34:
            run.give(SelfCheck(False, "lag"), SelfCheck(True))
            for each in ("LOW", "VOTE", "CROSS"):
                run.ask("interlock.clear", each)
        elif what < 0.5:
            run.give(Alive(dice.choice((0, 1))))
    kinds = {type(given).__name__ for _, given in run.log}
    assert kinds >= {"Columns", "Few", "Alive", "SourceDown", "WriteResult", "Command", "Durable", "SelfCheck"}
    states = {name: function.trips for name, function in run.kernel.functions.items()}
    assert all(states.values()), f"a story in which everything trips: {states}"
    return run.log


def fresh() -> Kernel:
    return Kernel(site(), Program(Run().kernel.program.rules), 1)


def encode(effects: Sequence[Effect]) -> bytes:
    return b"".join(msgspec.msgpack.encode([type(effect).__name__, effect]) for effect in effects)


def told(kernel: Kernel, log: Sequence[tuple[Stamp, Input]]) -> bytes:
    """Every effect of a log, in bytes."""
    return b"".join(encode(kernel.step(stamp, given)) for stamp, given in log)


def digest(seed: int) -> str:
    log, kernel = story(seed), fresh()
    return hashlib.sha256(told(kernel, log) + kernel.snapshot()).hexdigest()


def features() -> str:
    """The optional CPU features that this numpy was built to use and this machine has."""
    try:
        umath = importlib.import_module("numpy._core._multiarray_umath")
    except ImportError:  # numpy 1
        umath = importlib.import_module("numpy.core._multiarray_umath")
    return " ".join(name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name))


def child(hash_seed: str, disabled: str) -> str:
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "NPY_DISABLE_CPU_FEATURES": disabled, "PYTHONPATH": path}
    done = subprocess.run(
        [sys.executable, str(Path(__file__).resolve()), "7"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_other_hash_seeds_and_no_avx_change_no_byte() -> None:
    with ThreadPoolExecutor() as pool:
        first, without_avx, other = pool.map(child, ("0", "1", "31337"), ("", features(), ""))
    assert len(first) == 64
    assert without_avx == first
    assert other == first


@pytest.fixture(scope="module")
def log() -> list[tuple[Stamp, Input]]:
    return story(7)


def test_from_any_snapshot_the_rest_is_the_same(log: list[tuple[Stamp, Input]]) -> None:
    kernel = fresh()
    snapshots, outcomes = [], []
    for at, (stamp, given) in enumerate(log):
        if at % (len(log) // 12) == 0:
            snapshots.append((at, kernel.snapshot()))
        outcomes.append(encode(kernel.step(stamp, given)))
    last = kernel.snapshot()
    for at, data in snapshots:
        again = fresh()
        again.restore(data)
        assert again.snapshot() == data
        assert told(again, log[at:]) == b"".join(outcomes[at:])
        assert again.snapshot() == last


def test_a_change_of_order_is_caught(log: list[tuple[Stamp, Input]]) -> None:
    """Two neighbouring blocks of one instant that differ, told in the other order (their stamps stay)."""
    original, tried = told(fresh(), log), []
    for at in range(len(log) // 2, len(log)):
        (stamp, given), (next_stamp, following) = log[at - 1], log[at]
        if not isinstance(given, Few) or not isinstance(following, Few) or (given.group, following.group) != (0, 1):
            continue
        if any(value < 30 or value != value for value in given.values):
            swapped = [*log[: at - 1], (stamp, following), (next_stamp, given), *log[at + 1 :]]
            tried.append(told(fresh(), swapped) != original)
            if tried[-1]:
                break
    assert any(tried), f"none of {len(tried)} changes of order was seen"


if __name__ == "__main__":
    print(digest(int(sys.argv[1])))
