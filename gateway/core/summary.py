"""What may leave the box: AlarmSummary and its few companions. A leaf that imports nothing of ours.

Every type here is closed and flat. None has a field for free text, a name of a person, a sample or a waveform.
`upstream` encodes exactly these types and refuses every other.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Priority = Literal[1, 2, 3, 4]
AlarmEvent = Literal[
    "raise",
    "ack",
    "clear",
    "return",
    "shelve",
    "escalate",
    "trip_requested",
    "trip_confirmed",
    "trip_failed",
    "reset",
]


class Summary(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Base of all types that may leave; `utc_ms` is when it happened."""

    utc_ms: int


class AlarmSummary(Summary, frozen=True, kw_only=True):
    """One annunciated transition of one alarm occurrence. `id` and `occurrence` are (boot, counter) pairs."""

    id: tuple[int, int]
    occurrence: tuple[int, int]
    alarm: str
    area: str
    event: AlarmEvent
    state: str
    priority: Priority
    category: str
    action: str = ""
    source: str = ""
    value: float | None = None  # plant tags only
    unit: str = ""
    limit: float | None = None
    quality: str = "good"
    first_out: bool = False
    shadow: bool = False
    count: int = 1
    delay_ms: int = 0  # from the first sample that mattered to this event
    rule: str = ""  # first eight hex digits of the rule hash
    lane: int = 0  # 1 … 4, 0 = that of its priority


class Gap(Summary, frozen=True, kw_only=True):
    """Numbers of a lane that will never come, and why."""

    lane: Priority
    first: int
    last: int
    reason: Literal["aggregated", "expired", "undecodable"]


class Status(Summary, frozen=True, kw_only=True):
    """Retained on `status`: the box is there, which software, which boot."""

    online: bool
    version: str
    boot: int
    last_seq: int
    state: str
    schemas: tuple[str, ...] = ()


class ActiveAlarm(Summary, frozen=True, kw_only=True):
    """One line of the active list."""

    alarm: str
    area: str
    state: str
    priority: Priority
    occurrence: tuple[int, int]


class Active(Summary, frozen=True, kw_only=True):
    """The active list, by priority then time; at most 200 lines, `more` says how many were left out."""

    alarms: tuple[ActiveAlarm, ...]
    more: int = 0


class Period(Summary, frozen=True, kw_only=True):
    """Counts of the last period and the range of numbers it covers."""

    from_ms: int
    produced: int
    by_priority: dict[str, int]
    by_state: dict[str, int]
    by_area: dict[str, int]
    top: tuple[tuple[str, int], ...]
    first_seq: int
    last_seq: int
    flood: bool = False
    kpis: dict[str, float] = {}  # key figures of the whole box over the last 30 days


class Health(Summary, frozen=True, kw_only=True):
    """How the box is: sources, kernel, disk, queue."""

    sources_good: int
    sources_bad: tuple[str, ...]
    step_p99_us: int
    lag_max_ms: int
    disk_free_bytes: int
    queued: int
    lost: int
    bypasses: int
    time_quality: str
    state: str


class Flood(Summary, frozen=True, kw_only=True):
    """Begin or end of an alarm flood in an area."""

    area: str
    active: bool
    count: int
    first_out: str = ""


class Chatter(Summary, frozen=True, kw_only=True):
    """Three or more raise and clear cycles of one alarm within 60 s."""

    alarm: str
    area: str
    priority: Priority
    count: int


class Audit(Summary, frozen=True, kw_only=True):
    """An arm, disarm, bypass, reset or change; no names, no reasons."""

    verb: str
    target: str
    role: str
    head: str = ""  # hash of the journal chain


class Schema(Summary, frozen=True, kw_only=True):
    """Ids, hashes and text of the published schemas."""

    schemas: tuple[tuple[str, str, str], ...]  # (id, SHA-256, JSON text)
    dictionary: dict[str, dict[str, str]]  # alarm -> language -> text


Queued = AlarmSummary | Gap | Audit | Flood | Chatter
Leaving = AlarmSummary | Gap | Status | Active | Period | Health | Flood | Chatter | Audit | Schema
