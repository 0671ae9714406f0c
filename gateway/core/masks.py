"""The three masks of an alarm (spec/alarms.md §1): shelf, suppressed by design, out of service. Pure; tests walk all of it.

While any of them is set the base is MASKED: the condition is followed and journalled, nothing is annunciated.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Literal

import msgspec

from gateway.core.alarms import Base, Verdict

Shown = Literal["SHELVED", "SUPPRESSED", "OUT_OF_SERVICE"]


class Shelf(IntEnum):
    """How an alarm is shelved; both kinds end at their time, a one-shot shelf also with its condition."""

    OFF = 0
    TIMED = 1
    ONE_SHOT = 2


class Masks(msgspec.Struct, frozen=True, array_like=True):
    """What keeps one alarm silent. Times are UTC ms, so that a restart can tell what is left of them."""

    shelf: Shelf = Shelf.OFF
    since_ms: int = 0
    until_ms: int = 0
    person: str = ""
    reason: str = ""  # stays after the end: the next shelf needs another one
    logic: str = ""  # the rule whose truth suppresses by design, "" = none is named
    suppressed: bool = False
    moc: str = ""  # the change under which it is out of service, "" = in service
    measure: str = ""  # what replaces it
    review_ms: int = 0
    owed: bool = False  # a latching alarm that must be seen when the last mask goes

    @property
    def any(self) -> bool:
        """One of the three is set."""
        return bool(self.shelf) or self.suppressed or bool(self.moc)

    @property
    def shown(self) -> Shown | None:
        """The mask that people see: out of service before suppressed before shelved."""
        if self.moc:
            return "OUT_OF_SERVICE"
        if self.suppressed:
            return "SUPPRESSED"
        return "SHELVED" if self.shelf else None


NO_MASKS = Masks()
_OWING = (Base.UNACK, Base.ACKED, Base.LATCHED_UNACK, Base.LATCHED_ACKED)


def change(base: Base, masks: Masks, changed: Masks, *, active: bool, latch: bool) -> tuple[Base, Masks, Verdict]:
    """Base and masks after `masks` became `changed`, and what became of the alarm."""
    if changed.any and not masks.any:
        owed = latch and base in _OWING
        return Base.MASKED, msgspec.structs.replace(changed, owed=owed), Verdict.MOVED
    if changed.any or not masks.any:
        return base, changed, Verdict.NOTHING
    changed = msgspec.structs.replace(changed, owed=False)
    if active:
        return Base.UNACK, changed, Verdict.RAISED
    return (Base.LATCHED_UNACK if latch and masks.owed else Base.NORMAL), changed, Verdict.MOVED


def up(masks: Masks, *, latch: bool) -> Masks:
    """The condition turned true behind a mask."""
    return msgspec.structs.replace(masks, owed=True) if latch else masks


def unshelved(masks: Masks) -> Masks:
    """The same without its shelf."""
    return msgspec.structs.replace(masks, shelf=Shelf.OFF, since_ms=0, until_ms=0)


def recover(state: Any, now_ms: int) -> Masks:
    """Masks from what the journal kept; a shelf whose state or remaining time cannot be told is off."""
    try:
        masks = msgspec.convert(state, Masks)
    except msgspec.ValidationError:
        return NO_MASKS
    told = masks.since_ms <= now_ms < masks.until_ms
    return masks if not masks.shelf or told else unshelved(masks)
