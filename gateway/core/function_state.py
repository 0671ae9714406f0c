"""What of an interlock is kept and carried on: over a restart, in a snapshot, into its next version."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

from gateway.core.interlocks import State
from gateway.core.statistics import Statistics

if TYPE_CHECKING:
    from gateway.core.functions import Function

Mode = Literal["draft", "shadow", "live", "off"]


class FirstOut(msgspec.Struct, frozen=True):
    """What came first in a trip cycle; several causes are simultaneous."""

    causes: tuple[str, ...]
    tags: tuple[str, ...]
    at_ns: int
    utc_ms: int
    value: float | None = None
    unit: str = ""
    limit: float | None = None


class Bypass(msgspec.Struct, frozen=True):
    """One input out of the vote until `until_ns` of kernel time."""

    tag: str
    person: str
    reason: str
    measure: str
    since_ns: int
    until_ns: int
    until_utc_ms: int
    code: str = ""  # of the closed list of reasons


class Kept(msgspec.Struct, frozen=True):
    """What of a function survives a restart."""

    mode: Mode
    armed_hash: str
    state: int
    first_out: FirstOut | None
    trips: int
    statistics: Statistics = msgspec.field(default_factory=Statistics)


_INHERITED = (
    "mode", "state", "state_since_ns", "pending_since_ns", "demand_ns", "first_out", "cycle", "trips", "statistics",
    "last_trip_ns", "confirm_since_ns", "effect_failed", "degraded_since_ns", "degraded_warned",
)  # fmt: skip
_SAVED = (
    "mode", "armed_hash", "state_since_ns", "truth", "permitted", "clear_since_ns", "pending_since_ns", "demand_ns",
    "trips", "last_trip_ns", "confirm_since_ns", "unconfirmed", "effect_failed", "degraded_since_ns", "degraded_warned", "would_trip",
    "_due_ns", "retiring",
)  # fmt: skip


def inherit(function: Function, old: Function) -> None:
    """Let `function` go on where `old`, another version of it, stands now."""
    for name in _INHERITED:
        setattr(function, name, getattr(old, name))
    function.last_bypass = dict(old.last_bypass)
    function.unconfirmed = list(old.unconfirmed) if function.rule.confirms == old.rule.confirms else []


def save(function: Function) -> dict[str, Any]:
    """State for a snapshot."""
    state: dict[str, Any] = {name: getattr(function, name) for name in _SAVED}
    state["state"] = int(function.state)
    state["first_out"], state["cycle"] = function.first_out, function.cycle
    state["statistics"] = function.statistics
    state["bypasses"] = function.bypasses
    state["override"] = function.override
    state["last_bypass"] = [[tag, *last] for tag, last in sorted(function.last_bypass.items())]
    state["deviations"] = [watch.save() for watch in function.deviations]
    state["conditions"] = [condition.save() for condition in function.conditions()]
    return state


def load(function: Function, state: dict[str, Any]) -> None:
    """Take a snapshot's state."""
    for name in _SAVED:
        setattr(function, name, state[name])
    function.state = State(state["state"])
    function.first_out = msgspec.convert(state["first_out"], FirstOut | None)
    function.cycle = msgspec.convert(state["cycle"], FirstOut | None)
    function.statistics = msgspec.convert(state["statistics"], Statistics)
    function.bypasses = msgspec.convert(state["bypasses"], list[Bypass])
    function.override = msgspec.convert(state["override"], Bypass | None)
    function.last_bypass = {tag: (person, ended_ns) for tag, person, ended_ns in state["last_bypass"]}
    for watch, data in zip(function.deviations, state["deviations"], strict=True):
        watch.load(data)
    for condition, data in zip(function.conditions(), state["conditions"], strict=True):
        condition.load(data)
