"""The interlock machine of spec/interlocks.md §4: a pure table, walked by tests against one written from the spec.

`core.functions` gives it life: it turns truths, timers, read-backs and commands into the events below.
"""

from __future__ import annotations

from enum import IntEnum


class State(IntEnum):
    """States of a live function."""

    INIT = 0
    FAULT = 1
    TRIPPED = 2
    READY = 3
    ARMING = 4
    ARMED = 5
    PRETRIP = 6
    TRIPPING = 7
    TRIP_FAILED = 8


class Event(IntEnum):
    """What can happen to a function."""

    SELF_OK = 0  # the self-check is up
    SELF_FAIL = 1  # the self-check went down (a level: `self_ok` says how it is now)
    CLEARED = 2  # no demand, permissives true, inputs good, all for long enough
    DEMAND = 3  # the voted condition is true
    DEMAND_GONE = 4  # the voted condition is certainly false
    PERMISSIVE_LOST = 5
    RESET = 6  # by a person with the role, edge, accepted
    READ_BACK_OK = 7  # every output stands verified where it is asked to
    READ_BACK_LATE = 8  # an output did not answer as asked, and may be tried again
    READ_BACK_FAILED = 9  # the last try of an output failed
    ON_DELAY_OVER = 10
    MANUAL_TRIP = 11
    EXTERNAL_TRIP = 12  # someone else writes the output, or another wired trip
    DEGRADED_OVER = 13  # the degraded vote has run its time
    CLEAR_FAULT = 14  # `interlock clear` by an engineer
    POWER = 15  # power or process came back


ENERGISED = frozenset({State.ARMING, State.ARMED, State.PRETRIP})
SILENT = frozenset({State.INIT, State.FAULT, State.TRIP_FAILED})  # the heartbeat is withheld
LATCHED = frozenset({State.TRIPPING, State.TRIPPED, State.TRIP_FAILED, State.READY})  # first-out is shown

_TRIPS = (Event.MANUAL_TRIP, Event.EXTERNAL_TRIP, Event.READ_BACK_LATE, Event.READ_BACK_FAILED, Event.SELF_FAIL)

_TABLE: dict[tuple[State, Event], State] = {
    (State.INIT, Event.SELF_OK): State.TRIPPED,
    (State.INIT, Event.SELF_FAIL): State.FAULT,
    (State.FAULT, Event.CLEAR_FAULT): State.TRIPPED,
    (State.TRIPPED, Event.CLEARED): State.READY,
    (State.TRIPPED, Event.SELF_FAIL): State.FAULT,
    (State.READY, Event.RESET): State.ARMING,
    (State.READY, Event.DEMAND): State.TRIPPED,
    (State.READY, Event.PERMISSIVE_LOST): State.TRIPPED,
    (State.READY, Event.MANUAL_TRIP): State.TRIPPED,
    (State.READY, Event.EXTERNAL_TRIP): State.TRIPPED,  # I12: a foreign write while READY
    (State.READY, Event.SELF_FAIL): State.FAULT,
    (State.ARMING, Event.READ_BACK_OK): State.ARMED,
    (State.ARMING, Event.DEMAND): State.TRIPPING,
    (State.ARMING, Event.PERMISSIVE_LOST): State.TRIPPING,
    **{(State.ARMING, event): State.TRIPPING for event in _TRIPS},
    (State.ARMED, Event.DEMAND): State.TRIPPING,  # PRETRIP where there is an on-delay, see `after`
    (State.ARMED, Event.DEGRADED_OVER): State.TRIPPING,
    **{(State.ARMED, event): State.TRIPPING for event in _TRIPS},
    (State.PRETRIP, Event.ON_DELAY_OVER): State.TRIPPING,
    (State.PRETRIP, Event.DEMAND_GONE): State.ARMED,
    (State.PRETRIP, Event.DEGRADED_OVER): State.TRIPPING,
    **{(State.PRETRIP, event): State.TRIPPING for event in _TRIPS},
    (State.TRIPPING, Event.READ_BACK_OK): State.TRIPPED,  # FAULT while the self-check is down, see `after`
    (State.TRIPPING, Event.READ_BACK_FAILED): State.TRIP_FAILED,
    (State.TRIP_FAILED, Event.READ_BACK_OK): State.TRIPPED,  # likewise
}


def after(state: State, event: Event, *, on_delay: bool, self_ok: bool) -> State:
    """The state after `event`; the same state where the event means nothing there.

    `on_delay`: the demand has a confirm delay (T_on > 0) that still has to run. `self_ok`: the self-check's level now.
    """
    if event is Event.POWER:
        return State.INIT
    if state is State.FAULT and not self_ok:
        return State.FAULT
    following = _TABLE.get((state, event), state)
    if state is State.ARMED and event is Event.DEMAND and on_delay:
        return State.PRETRIP
    if event is Event.READ_BACK_OK and following is State.TRIPPED is not state and not self_ok:
        return State.FAULT
    return following
