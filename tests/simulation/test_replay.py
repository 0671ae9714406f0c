"""An hour of the demo plant with faults, replayed: identical effects, byte for byte, from any snapshot and on any CPU."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from hour import Hour, Told, demo_site
from shift import Mishaps, play

from gateway.core.effects import Journal as JournalEffect
from gateway.core.kernel import Kernel
from gateway.core.privacy import APART
from gateway.core.samples import (
    Alive,
    Columns,
    Command,
    Durable,
    Few,
    Input,
    SelfCheck,
    SourceDown,
    Stamp,
    Stop,
    WriteResult,
)
from gateway.history import reader
from gateway.journal.journal import Journal
from gateway.offline import replay as offline

pytestmark = pytest.mark.slow

SEED = 7
ORDERS = 8  # pairs of neighbours that are swapped
BLOCKS = (Columns, Few, Alive)
HERE = Path(__file__).parent


class Played:
    """The hour as it was lived, and where it was recorded."""

    def __init__(self, directory: Path) -> None:
        site, self.program = demo_site()
        self.table = site.table
        self.directory = directory
        self.hour = Hour(site, self.program, directory, SEED)
        self.mishaps: Mishaps = play(self.hour)

    def kernel(self) -> Kernel:
        """A kernel that knows nothing yet."""
        return Kernel(self.table, self.program, 0)

    def digest(self, told: Told, snapshot: int) -> str:
        """SHA-256 over the live effects from a snapshot to the last input."""
        return hashlib.sha256(b"".join(told.effects[told.cuts[snapshot][1] : told.whole])).hexdigest()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return Played(tmp_path_factory.mktemp("hour"))


def kinds(played: Played) -> dict[str, int]:
    """Journal rows of all boots by kind."""
    counts: dict[str, int] = {}
    for told in played.hour.boots:
        for kind, count in told.kinds().items():
            counts[kind] = counts.get(kind, 0) + count
    return counts


def test_the_hour_is_worth_replaying(played: Played) -> None:
    """Trips, failed trips, bypasses, foreign writes, refusals, a restart and every kind of input are in it."""
    rows, boots = kinds(played), played.hour.boots
    assert len(boots) == 2
    assert sum(len(told.trips) for told in boots) >= 15
    for kind in (
        "interlock.trip_failed", "interlock.near_miss", "interlock.fault", "interlock.degraded", "command.bypass.set",
        "bypass.expired", "refused.bypass.set", "refused.interlock.reset", "output.foreign_write", "source.peer_silent",
        "output.read_back_wrong", "output.read_back_late", "watchdog.proof", "self_check", "gateway.stop",
    ):  # fmt: skip
        assert rows.get(kind, 0) >= 1, f"{kind} did not happen"
    assert len(played.mishaps.happened) >= 14, played.mishaps.happened
    assert played.hour.ended == [True]
    seen = {type(item) for _, item in reader.inputs(played.directory)}
    assert seen == {Columns, Few, Alive, SourceDown, WriteResult, Command, Durable, SelfCheck, Stop}


def test_no_output_stands_energised_against_a_tripped_owner(played: Played) -> None:
    """The kernel never asks for it (asserted at every step of the hour); a foreign hand is undone within three polls."""
    assert 0 < played.hour.longest_ns <= 500_000_000


@pytest.mark.parametrize("boot", [1, 2])
def test_replays_byte_for_byte_from_any_snapshot(played: Played, boot: int) -> None:
    told = played.hour.boots[boot - 1]
    found = reader.snapshots(played.directory, boot=boot)
    assert [info.seq for info in found] == [seq for seq, _ in told.cuts]
    last = len(found) - 1
    for snapshot in (0, last // 2, last - 3):
        outcome = offline.replay(played.directory, played.kernel, boot=boot, snapshot=snapshot)
        assert outcome.withheld == 0
        assert outcome.to_seq == told.inputs
        assert outcome.effects == told.whole - told.cuts[snapshot][1]
        assert outcome.digest == played.digest(told, snapshot), f"boot {boot}, snapshot {snapshot}"


@pytest.mark.parametrize("boot", [1, 2])
def test_every_moment_leads_to_the_next(played: Played, boot: int) -> None:
    """From hundreds of moments, many with a write or a command under way: the same effects up to the next one, and there
    the same state bit for bit. So a replay from any of them is the same to the end."""
    told = played.hour.boots[boot - 1]
    inputs = list(reader.inputs(played.directory, boot=boot))
    assert [stamp.seq for stamp, _ in inputs] == list(range(1, told.inputs + 1))
    assert len(told.moments) >= 300
    for one, two in itertools.pairwise(told.moments):
        kernel = played.kernel()  # a fresh one: nothing that the state does not hold may come along
        kernel.restore(one.state)
        found = list(offline.effects(kernel, inputs[one.seq : two.seq]))
        if two.woken_ns >= 0:
            found += kernel.wake(two.woken_ns)
        live = told.effects[one.effects : two.effects]
        assert [offline._encode(effect) for effect in found] == live, f"after input {one.seq}"
        assert kernel.snapshot() == two.state, f"between inputs {one.seq} and {two.seq}"


def test_other_hash_seeds_and_a_cpu_without_avx_change_nothing(played: Played) -> None:
    umath = importlib.import_module("numpy._core._multiarray_umath")
    dispatched = [name for name in umath.__cpu_dispatch__ if umath.__cpu_features__.get(name)]
    plain = {"NPY_DISABLE_CPU_FEATURES": " ".join(dispatched)} if dispatched else {}
    plain |= {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-AVX,-FMA"}
    variants = [({"PYTHONHASHSEED": "1", **plain}, dispatched), ({"PYTHONHASHSEED": "4242"}, [])]
    said = list(children(played.directory, variants))
    expected = [played.digest(told, 0) for told in played.hour.boots]
    for answer in said:
        assert answer["digests"] == expected
        assert answer["on"] == []
    assert said[0]["hash"] != said[1]["hash"]


def children(directory: Path, variants: list[tuple[dict[str, str], list[str]]]) -> Iterator[dict[str, object]]:
    """The answers of `again.py`, run side by side."""
    path = os.pathsep.join([str(HERE.parents[1]), os.environ.get("PYTHONPATH", "")])
    running = [
        subprocess.Popen(
            [sys.executable, str(HERE / "again.py"), str(directory), *off],
            env={**os.environ, "PYTHONPATH": path, **environment},
            stdout=subprocess.PIPE,
        )
        for environment, off in variants
    ]
    outs = [process.communicate(timeout=120)[0] for process in running]
    assert [process.returncode for process in running] == [0 for _ in running]
    yield from map(json.loads, outs)


def window(played: Played, first: int, last: int) -> list[tuple[Stamp, Input]]:
    """Inputs of boot 1 by number, both included."""
    return list(reader.inputs(played.directory, boot=1, from_seq=first, to_seq=last))


def digest(played: Played, start: bytes, inputs: list[tuple[Stamp, Input]]) -> str:
    """SHA-256 over the effects of some inputs after a snapshot."""
    kernel = played.kernel()
    kernel.restore(start)
    found = hashlib.sha256()
    for effect in offline.effects(kernel, inputs):
        found.update(offline._encode(effect))
    return found.hexdigest()


def deciding(kernel: Kernel, inputs: list[tuple[Stamp, Input]]) -> list[int]:
    """Positions of results, commands and losses that are journalled at their own instant and followed by a later block.

    Two polls may well commute: the first of them brings the source back, whichever it is.
    """
    places = []
    for at, (stamp, given) in enumerate(inputs[:-1]):
        effects = kernel.step(stamp, given)
        decided = any(isinstance(e, JournalEffect) and e.record.at_ns == stamp.admit_ns for e in effects)
        after, following = inputs[at + 1]
        if decided and not isinstance(given, BLOCKS) and isinstance(following, BLOCKS):
            places.append(at)
            assert after.admit_ns > stamp.admit_ns
    return places


def test_a_changed_order_is_caught(played: Played) -> None:
    """Two neighbours swapped under each other's stamps decide otherwise; swapped with their stamps they are refused."""
    info = reader.snapshots(played.directory, boot=1)[len(played.hour.boots[0].cuts) // 3]
    start, inputs = info.read(), window(played, info.seq + 1, info.seq + 1500)
    kernel = played.kernel()
    kernel.restore(start)
    places = deciding(kernel, inputs)
    assert len(places) >= ORDERS
    right = digest(played, start, inputs)
    for at in places[:: len(places) // ORDERS][:ORDERS]:
        (one, first), (two, second) = inputs[at : at + 2]
        swapped = [*inputs[:at], (one, second), (two, first), *inputs[at + 2 :]]
        assert digest(played, start, swapped) != right, f"{first} after {second}"
        with pytest.raises(AssertionError, match="input"):
            digest(played, start, [*inputs[:at], (two, second), (one, first)])


def test_a_missing_input_is_refused(played: Played) -> None:
    info = reader.snapshots(played.directory, boot=1)[0]
    inputs = window(played, info.seq + 1, info.seq + 20)
    with pytest.raises(AssertionError, match="input 11 after 9"):
        digest(played, info.read(), [pair for pair in inputs if pair[0].seq != 10])


def test_decisions_are_the_journal_s(played: Played, tmp_path: Path) -> None:
    """Every row that the replay decides stands in the journal as it was written then; one that is missing is named."""
    forgotten = played.hour.boots[1].rows[100]
    path = asyncio.run(journalled(played, tmp_path, forgotten))
    for told, differing in zip(played.hour.boots, (0, 1), strict=True):
        outcome = offline.replay(played.directory, played.kernel, boot=told.boot, journal=path)
        assert outcome.decisions == sum(row.record.id[1] < APART for row in told.rows)  # the rest is withheld
        assert outcome.equal == outcome.decisions - differing
        assert len(outcome.differing) == differing
    assert forgotten.record.kind in outcome.differing[0]


async def journalled(played: Played, directory: Path, forgotten: JournalEffect) -> Path:
    """A journal of all rows of the hour but one."""
    journal = Journal(directory)
    journal.open()
    for told in played.hour.boots:
        for row in told.rows:
            if row is not forgotten:
                journal.append(row)
    assert await asyncio.to_thread(journal.close, 30.0)
    assert journal.counts().lost == 0
    path: Path = journal.path
    return path
