"""The alarm machine of spec/alarms.md §1, base table; `core.masks` has what stands beside it.

`after` is a pure table walked by tests; `core.points` has one alarm with its occurrence.
"""

from __future__ import annotations

from enum import IntEnum


class Base(IntEnum):
    """Base states, with the letters of ISA-18.2; MASKED is entered by any mask."""

    NORMAL = 0  # A
    UNACK = 1  # B
    ACKED = 2  # C
    RTN_UNACK = 3  # D
    LATCHED_UNACK = 4  # E
    LATCHED_ACKED = 5  # F
    MASKED = 6  # M


class Happening(IntEnum):
    """Events of the base table."""

    UP = 0
    DOWN = 1
    ACK = 2
    RESET = 3
    REALARM = 4


class Verdict(IntEnum):
    """What the table says of an event."""

    NOTHING = 0
    MOVED = 1
    RAISED = 2  # a new occurrence
    REJECTED = 3
    ACK_FIRST = 4


_A, _B, _C, _D, _E, _F, _M = Base
_BASE: dict[tuple[Base, Happening], tuple[Base, Verdict]] = {
    (_A, Happening.UP): (_B, Verdict.RAISED),
    (_A, Happening.ACK): (_A, Verdict.REJECTED),
    (_A, Happening.RESET): (_A, Verdict.REJECTED),
    (_B, Happening.ACK): (_C, Verdict.MOVED),
    (_B, Happening.RESET): (_B, Verdict.REJECTED),
    (_C, Happening.RESET): (_C, Verdict.REJECTED),
    (_C, Happening.REALARM): (_B, Verdict.MOVED),
    (_D, Happening.UP): (_B, Verdict.RAISED),
    (_D, Happening.ACK): (_A, Verdict.MOVED),
    (_D, Happening.RESET): (_D, Verdict.REJECTED),
    (_E, Happening.UP): (_B, Verdict.RAISED),
    (_E, Happening.ACK): (_F, Verdict.MOVED),
    (_E, Happening.RESET): (_E, Verdict.ACK_FIRST),
    (_F, Happening.UP): (_B, Verdict.RAISED),
    (_F, Happening.RESET): (_A, Verdict.MOVED),
    (_M, Happening.ACK): (_M, Verdict.REJECTED),
    (_M, Happening.RESET): (_M, Verdict.REJECTED),
}


def after(base: Base, event: Happening, *, latch: bool) -> tuple[Base, Verdict]:
    """The base state after `event` and what became of it."""
    if event is Happening.DOWN and base is Base.UNACK:
        return (Base.LATCHED_UNACK if latch else Base.RTN_UNACK), Verdict.MOVED
    if event is Happening.DOWN and base is Base.ACKED:
        return (Base.LATCHED_ACKED if latch else Base.NORMAL), Verdict.MOVED
    return _BASE.get((base, event), (base, Verdict.NOTHING))
