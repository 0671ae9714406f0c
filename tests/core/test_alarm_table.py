"""The base table of spec/alarms.md §1, walked whole: base x event x latch against the table as data."""

from __future__ import annotations

import itertools

import pytest

from gateway.core.alarms import Base, Happening, Verdict, after

A, B, C, D, E, F, M = Base
NO, MOVE, NEW, REJECT, FIRST = Verdict.NOTHING, Verdict.MOVED, Verdict.RAISED, Verdict.REJECTED, Verdict.ACK_FIRST

# base: UP, DOWN without latch, DOWN with latch, ACK, RESET, REALARM
TABLE = {
    A: ((B, NEW), (A, NO), (A, NO), (A, REJECT), (A, REJECT), (A, NO)),
    B: ((B, NO), (D, MOVE), (E, MOVE), (C, MOVE), (B, REJECT), (B, NO)),
    C: ((C, NO), (A, MOVE), (F, MOVE), (C, NO), (C, REJECT), (B, MOVE)),
    D: ((B, NEW), (D, NO), (D, NO), (A, MOVE), (D, REJECT), (D, NO)),
    E: ((B, NEW), (E, NO), (E, NO), (F, MOVE), (E, FIRST), (E, NO)),
    F: ((B, NEW), (F, NO), (F, NO), (F, NO), (A, MOVE), (F, NO)),
    M: ((M, NO), (M, NO), (M, NO), (M, REJECT), (M, REJECT), (M, NO)),
}
COLUMN = {
    (Happening.UP, False): 0,
    (Happening.UP, True): 0,
    (Happening.DOWN, False): 1,
    (Happening.DOWN, True): 2,
    (Happening.ACK, False): 3,
    (Happening.ACK, True): 3,
    (Happening.RESET, False): 4,
    (Happening.RESET, True): 4,
    (Happening.REALARM, False): 5,
    (Happening.REALARM, True): 5,
}


@pytest.mark.parametrize("latch", [False, True])
@pytest.mark.parametrize("base", Base)
@pytest.mark.parametrize("event", Happening)
def test_every_base_and_event(base: Base, event: Happening, latch: bool) -> None:
    assert after(base, event, latch=latch) == TABLE[base][COLUMN[event, latch]]


def reach(latch: bool) -> set[Base]:
    found = {A}
    while True:
        more = {after(base, event, latch=latch)[0] for base in found for event in Happening}
        if more <= found:
            return found
        found |= more


def test_what_can_be_reached_with_and_without_latch() -> None:
    assert reach(False) == {A, B, C, D}
    assert reach(True) == {A, B, C, E, F}


def test_a_latching_alarm_reaches_normal_only_by_reset_from_latched_acked() -> None:
    for base, event in itertools.product(reach(True) - {A}, Happening):
        if after(base, event, latch=True)[0] is A:
            assert (base, event) == (F, Happening.RESET)


def test_a_true_condition_is_unacked_or_acked_after_any_story() -> None:
    """Every story of six events: while the condition is true the base is B or C, and each UP that moved is a new occurrence."""
    events = (Happening.UP, Happening.DOWN, Happening.ACK, Happening.RESET, Happening.REALARM)
    for latch in (False, True):
        for story in itertools.product(events, repeat=6):
            base, active = A, False
            for event in story:
                before = base
                base, verdict = after(base, event, latch=latch)
                active = event is Happening.UP or (active and event is not Happening.DOWN)
                assert (base in (B, C)) == active, (latch, story)
                assert (verdict is NEW) == (event is Happening.UP and before not in (B, C))
