"""Every decoder for a second or so: the campaigns of 10^6 inputs are scripts/fuzz."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.fuzz.__main__ import begun, keep
from tests.fuzz.engine import Outcome, campaign, inputs, names, target

SECONDS = 1.0
INPUTS = 20_000


@pytest.mark.parametrize("name", names())
def test_hostile_bytes_neither_crash_nor_hang_nor_look_good(name: str) -> None:
    outcome = campaign(target(name), INPUTS, seed=1, until_s=SECONDS)
    assert outcome.inputs > len(target(name).SEEDS), "too slow to say anything"
    assert outcome.clean, [(what, data.hex()) for what, data in outcome.findings]


@pytest.mark.parametrize("name", names())
def test_the_seeds_are_well_formed(name: str) -> None:
    one = target(name)
    assert one.SEEDS
    for seed in one.SEEDS:
        one.feed(seed)  # raises where the decoder refuses it


class Flawed:
    """A decoder that crashes on an odd sum, hangs on a long input and lies on a high first byte."""

    SEEDS = (b"\x02\x02", b"\x04" * 8)

    def feed(self, data: bytes) -> None:
        if len(data) > 40:
            begun = time.thread_time()
            while time.thread_time() - begun < 0.011:
                pass
            return
        assert not data or data[0] < 0x80, "a lie"
        if sum(data) % 2:
            raise IndexError("odd")


def test_the_judge_finds_each_kind_of_flaw() -> None:
    outcome = campaign(Flawed(), 2000, seed=5)
    assert outcome.crashes
    assert outcome.hangs
    assert outcome.lies
    assert not outcome.clean
    assert len(outcome.findings) == 5


def test_one_seed_gives_one_sequence() -> None:
    first, again, other = (inputs(Flawed.SEEDS, seed) for seed in (3, 3, 4))
    taken = [next(first) for _ in range(500)]
    assert taken == [next(again) for _ in range(500)]
    assert taken != [next(other) for _ in range(500)]
    assert taken[:2] == list(Flawed.SEEDS)


def test_the_table_keeps_one_line_a_target(tmp_path: Path) -> None:
    table = tmp_path / "fuzz.md"
    keep("modbus", 1, Outcome(inputs=1_000_000, seconds=10.0), table)
    keep("goose", 1, Outcome(inputs=5, seconds=1.0, crashes=1), table)
    keep("modbus", 2, Outcome(inputs=2_000_000, seconds=10.0), table)
    rows = [line for line in table.read_text("utf-8").splitlines() if line.startswith(("| modbus", "| goose"))]
    assert rows == [
        "| goose | 5 | 1 | 1 | 0 | 0 | 0.00 | 5 |",
        "| modbus | 2,000,000 | 2 | 0 | 0 | 0 | 0.00 | 200,000 |",
    ]


def test_a_stopped_campaign_goes_on_where_it_was(tmp_path: Path) -> None:
    table = tmp_path / "fuzz.md"
    whole, first = Kept(), Kept()
    campaign(whole, 300, seed=5)
    keep("kept", 5, campaign(first, 120, seed=5), table)
    again = begun("kept", 5, table)
    assert again.inputs == 120
    assert begun("kept", 6, table).inputs == 0
    outcome = campaign(first, 300, seed=5, done=again)
    assert outcome.inputs == 300
    assert set(whole.seen) == set(first.seen)


class Kept:
    """Remembers what it was fed."""

    SEEDS = (b"one", b"three")

    def __init__(self) -> None:
        self.seen: list[bytes] = []

    def feed(self, data: bytes) -> None:
        self.seen.append(data)
