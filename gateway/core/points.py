"""One alarm: what it is, its state, its occurrence and its masks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from gateway.core.alarms import Base
from gateway.core.masks import NO_MASKS, Masks
from gateway.core.summary import Priority


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
    masks: Masks = NO_MASKS
    escalated: bool = False  # nobody acknowledged this occurrence in its time
    tally: int = 0  # times it was annunciated since the key figures were last on disk, all of one period
    index: int = field(default=0)

    @property
    def shown(self) -> str:
        """The state as people see it."""
        return self.masks.shown or self.base.name

    @property
    def unacked(self) -> bool:
        """Nobody has seen this occurrence yet."""
        return self.base in (Base.UNACK, Base.RTN_UNACK, Base.LATCHED_UNACK)

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
            msgspec.to_builtins(self.masks),
            self.escalated,
            self.tally,
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
        self.masks = msgspec.convert(state[7], Masks) if len(state) > 7 else NO_MASKS
        self.escalated, self.tally = (bool(state[8]), int(state[9])) if len(state) > 9 else (False, 0)
