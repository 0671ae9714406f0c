"""Which form a block takes, and when the kernel is woken, never changes what it decides."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from stage import MS, SECOND, UTC0, low_level

from gateway.core.effects import Effect, Journal, Write
from gateway.core.kernel import Kernel
from gateway.core.program import Alarm, And, Compare, For, Not, Or, Program, Rule, Stop, Vote
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
    WriteResult,
)
from gateway.core.tags import Cause, Group, Source, Tag, TagTable

FIRST, COUNT = (0, 4), (4, 2)  # of the two groups of inputs
LIMITS: dict[str, Any] = {"low": 0.0, "high": 100.0, "fault_low": -10.0, "fault_high": 110.0}


def site() -> TagTable:
    """plc1: polled a0..a3 and y0, y1; plc2: c0, c1, the first with a rate check, the second with a frozen check."""
    tags = [Tag(at, f"a{at}", "plc1", 0, unit="cm", **LIMITS) for at in range(4)]
    tags.append(Tag(4, "c0", "plc2", 1, rate_max_per_s=200.0))
    tags.append(Tag(5, "c1", "plc2", 1, frozen_s=3.0, **LIMITS))
    tags += [Tag(6 + at, f"y{at}", "plc1", 2, boolean=True, writable=True, area="hall") for at in range(2)]
    tags.append(Tag(8, "plc1.$heartbeat", "plc1", 3, writable=True, hidden=True))
    groups = [
        Group(0, "poll", "plc1", 0, 4, 1000),
        Group(1, "slow", "plc2", 4, 2, 1500),
        Group(2, "coils", "plc1", 6, 2, 5000),
        Group(3, "write", "plc1", 8, 1, 1000),
    ]
    return TagTable(tags, groups, [Source("plc1", "modbus", 100, heartbeat=8), Source("plc2", "modbus", 500)])


def rules() -> tuple[Rule, ...]:
    high = [Compare(f"a{at}", ">", 60.0, 5.0) for at in range(3)]
    facts: dict[str, Any] = {"priority": 2, "on_bad": "alarm", "because": "told"}
    return (
        low_level("LOW", tag="a0", on_delay_ns=SECOND),
        low_level("VOTE", when=Vote(2, tuple(high)), stops=(Stop("y0"), Stop("y1"))),
        low_level("CROSS", when=And((Compare("a3", ">", 50.0), Not(Compare("c0", ">", 50.0)))), output="y1"),
        Alarm(name="LASTS", when=For(Compare("a1", ">", 70.0), SECOND), **facts),
        Alarm(name="EITHER", when=Or((Compare("c1", "<", 10.0), Compare("a2", "=", 0.0))), latch=True, **facts),
    )


class Run:
    """A kernel whose writes are answered and whose intentions are durable at once."""

    def __init__(self, table: TagTable | None = None) -> None:
        self.table = table or site()
        self.kernel = Kernel(self.table, Program(rules()), 1)
        self.seq, self.now_ns, self.commands = 0, SECOND, 0
        self.log: list[tuple[Stamp, Input]] = []
        self.effects: list[Effect] = []
        self.field: dict[int, float] = {}

    def give(self, *inputs: Input) -> None:
        waiting = list(inputs)
        while waiting:
            self.seq += 1
            self.log.append((Stamp(self.seq, self.now_ns, self.now_ns + UTC0), waiting.pop(0)))
            waiting += self._answers(self.kernel.step(*self.log[-1]))

    def _answers(self, new: list[Effect]) -> list[Input]:
        answers: list[Input] = []
        self.effects += new
        for effect in new:
            if isinstance(effect, Write):
                self.field[effect.output] = effect.value
                answers.append(WriteResult(effect.id, True, effect.value))
            elif isinstance(effect, Journal) and effect.confirm:
                answers.append(Durable(effect.confirm))
        return answers

    def wake_until(self, end_ns: int) -> None:
        """Wake the kernel at every due time up to `end_ns` and answer what it writes there."""
        while 0 <= (due_ns := self.kernel.next_due_ns()) <= end_ns:
            self.now_ns = max(self.now_ns, due_ns)
            self.give(*self._answers(self.kernel.wake(due_ns)))
        self.now_ns = end_ns

    def ask(self, verb: str, target: str, **args: str) -> None:
        self.commands += 1
        self.give(Command(self.commands, "li", "engineer", verb, target, args))

    def energise(self, feed: Any) -> None:
        self.give(SelfCheck(True))
        feed(self, 0, [50.0] * 4, [0] * 4, [0] * 4)
        feed(self, 1, [51.0, 51.0], [0] * 2, [0] * 2)
        for state in ("begin", "proven"):
            self.ask("source.watchdog", "plc1", state=state)
        for name in ("LOW", "VOTE", "CROSS"):
            self.ask("interlock.arm", name)
        for at in range(32):
            self.now_ns += 500 * MS
            feed(self, 0, [50.0] * 4, [0] * 4, [0] * 4)
            feed(self, 1, [51.0, 51.0 + (at & 1)], [0] * 2, [0] * 2)
        for name in ("LOW", "VOTE", "CROSS"):
            self.ask("interlock.reset", name)
        states = {name: function.state.name for name, function in self.kernel.functions.items()}
        assert states == {"LOW": "ARMED", "VOTE": "ARMED", "CROSS": "ARMED"}
        assert self.field == {6: 1.0, 7: 1.0}


def columns(run: Run, group: int, values: Sequence[float], qualities: Sequence[int], causes: Sequence[int]) -> None:
    run.give(
        Columns(
            group, np.array(values, np.float64), np.array(qualities, np.uint8), np.array(causes, np.uint8), source_ns=5
        )
    )


def few(run: Run, group: int, values: Sequence[float], qualities: Sequence[int], causes: Sequence[int]) -> None:
    first = run.table.groups[group].first
    tags = list(range(first, first + len(values)))
    run.give(Few(group, tags, list(values), list(qualities), list(causes), source_ns=5))


def packed(run: Run) -> bytes:
    """Everything a run did and is, by its bits."""
    return msgspec.msgpack.encode([[type(e).__name__, e] for e in run.effects]) + run.kernel.snapshot()


OTHER_NAN = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_0000_0123))[0]
VALUES = st.sampled_from(
    [
        0.0,
        -0.0,
        9.0,
        29.0,
        30.0,
        50.0,
        58.0,
        61.0,
        71.0,
        100.0,
        100.5,
        -0.5,
        -11.0,
        111.0,
        math.nan,
        OTHER_NAN,
        math.inf,
        -math.inf,
        5e-324,
        1.7976931348623157e308,
    ]
)
QUALITIES = st.sampled_from([(0, 0), (0, 0), (0, 0), (1, 5), (3, 2), (3, 5)])
PAUSES = st.sampled_from([1, 100, 400, 900, 1100, 2500])


def blocks(count: int) -> st.SearchStrategy[list[tuple[float, tuple[int, int]]]]:
    return st.lists(st.tuples(VALUES, QUALITIES), min_size=count, max_size=count)


EVENT = st.one_of(
    st.tuples(st.just("block0"), PAUSES, blocks(4)),
    st.tuples(st.just("block1"), PAUSES, blocks(2)),
    st.tuples(st.just("same"), PAUSES, st.sampled_from([0, 1])),
    st.tuples(st.just("down"), PAUSES, st.sampled_from(["plc1", "plc2"])),
    st.tuples(st.just("reset"), PAUSES, st.sampled_from(["LOW", "VOTE", "CROSS"])),
)
STORY = st.lists(EVENT, max_size=14)
SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)


def play(run: Run, story: list[Any], feed: Any, *, alive: bool = False, wakes: bool = False) -> None:
    """A story; `alive` tells equal blocks by `Alive`, `wakes` wakes the kernel at every due time."""
    last: dict[int, Any] = {0: ([50.0] * 4, [0] * 4, [0] * 4), 1: ([51.0, 52.0], [0] * 2, [0] * 2)}
    lost: set[int] = set()
    for what, pause_ms, detail in story:
        end_ns = run.now_ns + pause_ms * MS
        if wakes:
            run.wake_until(end_ns)
        run.now_ns = end_ns
        if what.startswith("block"):
            group = int(what[-1])
            last[group] = ([v for v, _ in detail], [q for _, (q, _) in detail], [c for _, (_, c) in detail])
            lost.discard(group)
            feed(run, group, *last[group])
        elif what == "same":
            if alive and detail not in lost:
                run.give(Alive(detail))
            else:
                lost.discard(detail)
                feed(run, detail, *last[detail])
        elif what == "down":
            lost.add(0 if detail == "plc1" else 1)
            run.give(SourceDown(detail, Cause.COMMS))
        else:
            run.ask("interlock.reset", detail)


def assert_alike(one: Run, two: Run) -> None:
    assert one.effects == two.effects or packed(one) == packed(two)
    assert one.kernel.image.qualities == two.kernel.image.qualities
    assert one.kernel.image.causes == two.kernel.image.causes
    assert [r.save() for r in one.kernel.rules] == [r.save() for r in two.kernel.rules]


@SETTINGS
@given(STORY)
def test_columns_and_few_decide_alike(story: list[Any]) -> None:
    one, two = Run(), Run()
    for run, feed in ((one, columns), (two, few)):
        run.energise(feed)
        play(run, story, feed)
    assert_alike(one, two)


@SETTINGS
@given(STORY)
def test_alive_says_what_an_equal_block_says(story: list[Any]) -> None:
    one, two = Run(), Run()
    for run, alive in ((one, True), (two, False)):
        run.energise(columns)
        play(run, story, columns, alive=alive)
    assert_alike(one, two)


@SETTINGS
@given(STORY)
def test_wakes_change_when_effects_appear_never_which(story: list[Any]) -> None:
    woken, driven = Run(), Run()
    woken.energise(few)
    play(woken, story, few, wakes=True)
    for stamp, given_ in woken.log:
        driven.effects += driven.kernel.step(stamp, given_)
    driven.effects += driven.kernel.wake(woken.kernel.now_ns)
    assert packed(woken) == packed(driven)


@pytest.mark.parametrize("feed", [columns, few])
def test_a_group_that_was_lost_to_silence_and_says_the_same_again_is_heard(feed: Any) -> None:
    run = Run()
    run.energise(feed)
    run.now_ns += 4 * SECOND
    run.effects += run.kernel.wake(run.now_ns)
    assert run.kernel.functions["LOW"].when.inputs.lost == 1
    feed(run, 0, [50.0] * 4, [0] * 4, [0] * 4)
    assert run.kernel.functions["LOW"].when.inputs.lost == 0
    assert run.kernel.functions["LOW"].cleared()


def test_one_sample_at_a_time_would_trip_where_the_block_rightly_does_not() -> None:
    """`a3 > 50 and not c0 > 50` needs both in one instant: a block is one instant, so a swap inside it trips nothing."""
    both = And((Compare("a0", ">", 50.0), Compare("a1", "<", 50.0)))
    table = site()
    for feed in (columns, few):
        run = Run(table)
        run.kernel = Kernel(table, Program((low_level("SWAP", when=both),)), 1)
        run.give(SelfCheck(True))
        feed(run, 0, [40.0, 40.0, 0.0, 0.0], [0] * 4, [0] * 4)
        feed(run, 0, [60.0, 60.0, 0.0, 0.0], [0] * 4, [0] * 4)
        assert "interlock.would_trip" not in [e.record.kind for e in run.effects if isinstance(e, Journal)]
        feed(run, 0, [60.0, 40.0, 0.0, 0.0], [0] * 4, [0] * 4)
        assert "interlock.would_trip" in [e.record.kind for e in run.effects if isinstance(e, Journal)]
