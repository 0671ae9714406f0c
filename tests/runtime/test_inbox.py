"""The Inbox numbers without a gap, keeps the order, bounds each source and never drops what the runtime itself says."""

from __future__ import annotations

from gateway.core.samples import Alive, SelfCheck, SourceDown
from gateway.core.tags import Cause
from gateway.runtime.inbox import Inbox
from tests.runtime.plant import HandClock


def drained(inbox: Inbox) -> list[object]:
    """Everything that waits, with the numbers checked to be without a gap."""
    found = []
    while (taken := inbox.take()) is not None:
        found.append(taken)
    numbers = [stamp.seq for stamp, _ in found]
    assert not numbers or numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    return [given for _, given in found]


def test_numbers_have_no_gap_though_blocks_were_refused() -> None:
    inbox = Inbox(HandClock(), lambda: None, quota=2)
    told = [inbox.offer("plc1", Alive(0)) for _ in range(4)]
    inbox.put(SelfCheck(True))
    assert told == [True, True, False, False]
    assert drained(inbox) == [Alive(0), Alive(0), SourceDown("plc1", Cause.OVERFLOW), SelfCheck(True)]


def test_the_times_are_those_of_admission_not_of_taking() -> None:
    clock = HandClock()
    inbox = Inbox(clock, lambda: None)
    inbox.put(SelfCheck(True))
    admitted_ns = clock.now_ns
    clock.now_ns += 7
    taken = inbox.take()
    assert taken is not None
    assert (taken[0].seq, taken[0].admit_ns, taken[0].utc_ns) == (1, admitted_ns, clock.utc_ns() - 7)


def test_overflow_is_said_once_counted_each_time_and_lasts_until_reopened() -> None:
    inbox = Inbox(HandClock(), lambda: None, quota=1)
    inbox.offer("plc1", Alive(0))
    assert not any(inbox.offer("plc1", Alive(0)) for _ in range(5))
    assert drained(inbox).count(SourceDown("plc1", Cause.OVERFLOW)) == 1
    assert not inbox.offer("plc1", Alive(0)), "room alone does not make the blocks whole again"
    assert inbox.overflowed["plc1"] == 6
    assert drained(inbox) == []
    inbox.reopen("plc1")
    assert inbox.offer("plc1", Alive(0))
    assert not inbox.offer("plc1", Alive(0))
    assert drained(inbox) == [Alive(0), SourceDown("plc1", Cause.OVERFLOW)], "a second overflow is said again"


def test_a_flooding_source_costs_its_neighbour_nothing_and_the_runtime_is_never_dropped() -> None:
    inbox = Inbox(HandClock(), lambda: None, quota=3)
    for _ in range(50):
        inbox.offer("loud", Alive(0))
    assert inbox.offer("quiet", Alive(1))
    for _ in range(500):
        inbox.put(SelfCheck(True))
    assert len(inbox) == 3 + 1 + 1 + 500
    assert drained(inbox).count(SelfCheck(True)) == 500


def test_the_quota_counts_what_waits_not_what_ever_came() -> None:
    inbox = Inbox(HandClock(), lambda: None, quota=2)
    for _ in range(10):
        assert inbox.offer("plc1", Alive(0))
        assert inbox.take() is not None
    assert inbox.overflowed["plc1"] == 0


def test_wake_comes_only_when_it_stops_being_empty() -> None:
    woken: list[int] = []
    inbox = Inbox(HandClock(), lambda: woken.append(1))
    inbox.put(SelfCheck(True))
    inbox.put(SelfCheck(True))
    assert len(woken) == 1
    inbox.take()
    inbox.take()
    inbox.put(SelfCheck(True))
    assert len(woken) == 2
