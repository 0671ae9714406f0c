"""The alarm machine of spec/alarms.md §1, base table; the masks (shelf, by design, out of service) will stand beside `base`.

`after` is a pure table walked by tests; `AlarmPoint` is one alarm with its occurrence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from gateway.core.summary import Priority


class Base(IntEnum):
    """Base states, with the letters of ISA-18.2; MASKED is entered by any mask."""

    NORMAL = 0  # A
    UNACK = 1  # B
    ACKED = 2  # C
    RTN_UNACK = 3  # D
    LATCHED_UNACK = 4  # E
    LATCHED_ACKED = 5  # F


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


_A, _B, _C, _D, _E, _F = Base
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
}


def after(base: Base, event: Happening, *, latch: bool) -> tuple[Base, Verdict]:
    """The base state after `event` and what became of it."""
    if event is Happening.DOWN and base is Base.UNACK:
        return (Base.LATCHED_UNACK if latch else Base.RTN_UNACK), Verdict.MOVED
    if event is Happening.DOWN and base is Base.ACKED:
        return (Base.LATCHED_ACKED if latch else Base.NORMAL), Verdict.MOVED
    return _BASE.get((base, event), (base, Verdict.NOTHING))


@dataclass(slots=True)
class AlarmPoint:
    """One alarm. `occurrence` is (boot, counter) of the current or last occurrence; `active` is the condition."""

    name: str
    area: str
    priority: Priority
    category: str
    rule: str = ""
    latch: bool = False
    source: str = ""
    unit: str = ""
    limit: float | None = None
    base: Base = Base.NORMAL
    active: bool = False
    occurrence: tuple[int, int] = (0, 0)
    raised_ms: int = 0
    count: int = 0
    value: float | None = None
    action: str = ""
    index: int = field(default=0)

    def save(self) -> list[Any]:
        """What a snapshot and a restart need."""
        return [
            int(self.base),
            self.active,
            list(self.occurrence),
            self.raised_ms,
            self.count,
            self.value,
            self.action,
        ]

    def load(self, state: Sequence[Any]) -> None:
        """Take `save`'s state."""
        self.base, self.active, occurrence, self.raised_ms, self.count, self.value, self.action = (
            Base(state[0]),
            bool(state[1]),
            state[2],
            *state[3:7],
        )
        self.occurrence = (occurrence[0], occurrence[1])
