"""A short stretch of the long campaigns, and its replay: from a snapshot the same inputs give the same effects."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from campaign_steps import Walk, bypass_lives, rules

from gateway.core.effects import Effect
from gateway.core.kernel import Kernel


def encoded(effects: list[Effect]) -> bytes:
    return b"".join(msgspec.msgpack.encode([type(effect).__name__, effect]) for effect in effects)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_random_walk_holds_every_invariant_and_replays_the_same(seed: int) -> None:
    walk = Walk(seed)
    while walk.steps < 4000:
        walk.once()
    boots, data = walk.boots, walk.kernel.snapshot()
    walk.log = []
    while len(walk.log) < 2000 and walk.boots == boots:
        walk.once()
    log = [entry for entry in walk.log if entry[0].seq > 1] if walk.boots != boots else walk.log
    twin = Kernel(walk.table, rules(), boots)
    twin.restore(data)
    assert twin.snapshot() == data
    for stamp, given, effects in log:
        if stamp.seq != twin.seq + 1:
            break  # a restart: another kernel from here on
        assert encoded(twin.step(stamp, given)) == encoded(effects)
    else:
        assert twin.snapshot() == walk.kernel.snapshot()
    assert walk.trips > 10
    assert walk.resets > 10


def test_no_bypass_outlives_its_timer_or_a_restart() -> None:
    walk = bypass_lives(300, seed=1)
    assert walk.boots > 10
