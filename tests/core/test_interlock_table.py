"""The whole state x event product of the interlock machine against a table written from spec/interlocks.md §4."""

from __future__ import annotations

import itertools

import pytest

from gateway.core.interlocks import ENERGISED, LATCHED, SILENT, Event, State, after

# One row per state, one letter per event; "." stays. Where the next state depends on T_on ("p") or on the level of the
# self-check ("t": TRIPPED, or FAULT while it is down; "c": only while it is up) the letter is a small one.
LETTERS = {
    "I": State.INIT,
    "F": State.FAULT,
    "T": State.TRIPPED,
    "R": State.READY,
    "G": State.ARMING,
    "A": State.ARMED,
    "P": State.PRETRIP,
    "X": State.TRIPPING,
    "Y": State.TRIP_FAILED,
}
EVENTS = (
    Event.SELF_OK,
    Event.SELF_FAIL,
    Event.CLEARED,
    Event.DEMAND,
    Event.DEMAND_GONE,
    Event.PERMISSIVE_LOST,
    Event.RESET,
    Event.READ_BACK_OK,
    Event.READ_BACK_LATE,
    Event.READ_BACK_FAILED,
    Event.ON_DELAY_OVER,
    Event.MANUAL_TRIP,
    Event.EXTERNAL_TRIP,
    Event.DEGRADED_OVER,
    Event.CLEAR_FAULT,
    Event.POWER,
)
#           OK FAIL CLR DEM GONE PERM RST RBOK LATE FAILED T_ON MAN EXT DEGR CLEAR PWR
TABLE = {
    "I": "  T  F    .   .   .    .    .   .    .    .      .    .   .   .    .     I",
    "F": "  .  .    .   .   .    .    .   .    .    .      .    .   .   .    c     I",
    "T": "  .  F    R   .   .    .    .   .    .    .      .    .   .   .    .     I",
    "R": "  .  F    .   T   .    T    G   .    .    .      .    T   T   .    .     I",
    "G": "  .  X    .   X   .    X    .   A    X    X      .    X   X   .    .     I",
    "A": "  .  X    .   p   .    .    .   .    X    X      .    X   X   X    .     I",
    "P": "  .  X    .   .   A    .    .   .    X    X      X    X   X   X    .     I",
    "X": "  .  .    .   .   .    .    .   t    .    Y      .    .   .   .    .     I",
    "Y": "  .  .    .   .   .    .    .   t    .    .      .    .   .   .    .     I",
}


def expected(state: State, event: Event, on_delay: bool, self_ok: bool) -> State:
    row = next(letters.split() for letter, letters in TABLE.items() if LETTERS[letter] is state)
    assert len(row) == len(EVENTS)
    what = row[EVENTS.index(event)]
    conditional = {
        ".": state,
        "p": State.PRETRIP if on_delay else State.TRIPPING,
        "t": State.TRIPPED if self_ok else State.FAULT,
        "c": State.TRIPPED if self_ok else State.FAULT,
    }
    return conditional[what] if what in conditional else LETTERS[what]


def test_the_table_names_every_state_and_event() -> None:
    assert set(LETTERS.values()) == set(State)
    assert sorted(EVENTS) == sorted(Event)
    assert set(TABLE) == set(LETTERS)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_every_state_and_event(state: State, event: Event) -> None:
    for on_delay, self_ok in itertools.product((False, True), repeat=2):
        found = after(state, event, on_delay=on_delay, self_ok=self_ok)
        assert found is expected(state, event, on_delay, self_ok), (on_delay, self_ok)


def test_energised_is_entered_by_reset_only_and_left_to_tripping_only() -> None:
    for state, event, on_delay, self_ok in itertools.product(State, Event, (False, True), (False, True)):
        following = after(state, event, on_delay=on_delay, self_ok=self_ok)
        if state not in ENERGISED and following in ENERGISED:
            assert (state, event, following) == (State.READY, Event.RESET, State.ARMING)
        if state in ENERGISED and following not in ENERGISED:
            assert following is State.TRIPPING or event is Event.POWER


def test_the_sets_of_states_are_those_of_the_spec() -> None:
    assert {State.ARMING, State.ARMED, State.PRETRIP} == ENERGISED
    assert {State.INIT, State.FAULT, State.TRIP_FAILED} == SILENT
    assert {State.TRIPPING, State.TRIPPED, State.TRIP_FAILED, State.READY} == LATCHED


def test_every_state_can_be_left_without_power_loss_and_armed_is_reachable() -> None:
    reached = {State.INIT}
    while True:
        more = {
            after(state, event, on_delay=delay, self_ok=ok)
            for state in reached
            for event in Event
            for delay in (False, True)
            for ok in (False, True)
        }
        if more <= reached:
            break
        reached |= more
    assert reached == set(State)
    for state in State:
        moves = {after(state, event, on_delay=True, self_ok=True) for event in Event if event is not Event.POWER}
        assert moves - {state}, state
