"""The JSON payloads as types: what is not a field here cannot leave. Absent fields are omitted, never null.

The published JSON Schemas (`config/schemas/`) are generated from these types.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Texts = dict[str, str]
Boot = Annotated[str, Meta(pattern="^[0-9a-f]+$")]
Occurrence = Annotated[str, Meta(pattern="^[0-9a-f]+-[0-9]+$")]
Priority = Literal[1, 2, 3, 4]
Severity = Literal["CRITICAL", "HIGH", "MEDIUM", "LOW"]
TimeQuality = Literal["none", "device", "rtc", "ntp", "ptp"]
Event = Literal[
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

SEVERITIES: dict[int, Severity] = {1: "CRITICAL", 2: "HIGH", 3: "MEDIUM", 4: "LOW"}


class Payload(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False, forbid_unknown_fields=True):
    """What every payload begins with."""

    v: Literal[1] = 1


class Numbered(Payload, frozen=True, kw_only=True):
    """A queued record of lane 5. `seq` is the journal's number, `lane_seq` the lane's, where a hole has a gap record."""

    id: str
    seq: int
    lane_seq: int
    boot: Boot
    ts: str
    ts_ms: int
    time_q: TimeQuality
    site: str
    gw: str
    late: bool


class AlarmPayload(Payload, frozen=True, kw_only=True):
    """One transition of one occurrence. Its lane is `lane`, else `prio`; sent from memory (`durable` false) it has no numbers."""

    id: str
    seq: int | UnsetType = UNSET
    lane_seq: int | UnsetType = UNSET
    boot: Boot
    occ: Occurrence
    ts: str
    ts_ms: int
    time_q: TimeQuality
    site: str
    area: str
    gw: str
    alarm: str
    ev: Event
    state: str
    prio: Priority
    sev: Severity
    cat: str
    act: str | UnsetType = UNSET
    src: str | UnsetType = UNSET
    val: float | UnsetType = UNSET
    unit: str | UnsetType = UNSET
    lim: float | UnsetType = UNSET
    q: str
    first_out: bool
    shadow: bool
    late: bool
    n: int
    dt_ms: int
    txt: Texts | UnsetType = UNSET
    rule: str | UnsetType = UNSET
    lane: Priority | UnsetType = UNSET  # where the site routes it otherwise than by its priority
    durable: Literal[False] | UnsetType = UNSET


class GapPayload(Numbered, frozen=True, kw_only=True):
    """Numbers `first` to `last` of `lane` will never come."""

    lane: Priority
    first: int
    last: int
    reason: Literal["aggregated", "expired", "undecodable"]


class FloodPayload(Numbered, frozen=True, kw_only=True):
    """Begin or end of an alarm flood in an area."""

    area: str
    active: bool
    count: int
    first_out: str | UnsetType = UNSET


class ChatterPayload(Numbered, frozen=True, kw_only=True):
    """Three or more raise and clear cycles of one alarm within 60 s."""

    alarm: str
    area: str
    prio: Priority
    count: int
    txt: Texts | UnsetType = UNSET


class AuditPayload(Numbered, frozen=True, kw_only=True):
    """An arm, disarm, bypass, reset or change: what and in which role, never who or why."""

    verb: str
    target: str
    role: str
    head: str | UnsetType = UNSET


class StatusPayload(Payload, frozen=True, kw_only=True):
    """Retained. The last will carries `online` false and the boot alone."""

    online: bool
    boot: Boot
    ts: str | UnsetType = UNSET
    ts_ms: int | UnsetType = UNSET
    version: str | UnsetType = UNSET
    last_seq: int | UnsetType = UNSET
    state: str | UnsetType = UNSET
    schemas: list[str] | UnsetType = UNSET


class ActiveLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the active list."""

    occ: Occurrence
    alarm: str
    area: str
    state: str
    prio: Priority


class ActivePayload(Payload, frozen=True, kw_only=True):
    """Retained: the active list by priority, `more` were left out."""

    ts: str
    ts_ms: int
    site: str
    gw: str
    alarms: list[ActiveLine]
    more: int


class SummaryPayload(Payload, frozen=True, kw_only=True):
    """Counts of the last period and the range of `seq` it covers."""

    ts: str
    ts_ms: int
    from_ms: int
    site: str
    gw: str
    produced: int
    by_priority: dict[str, int]
    by_state: dict[str, int]
    by_area: dict[str, int]
    top: list[tuple[str, int]]
    first_seq: int
    last_seq: int
    flood: bool
    kpis: dict[str, float]


class HealthPayload(Payload, frozen=True, kw_only=True):
    """How the box is."""

    ts: str
    ts_ms: int
    site: str
    gw: str
    sources_good: int
    sources_bad: list[str]
    step_p99_us: int
    lag_max_ms: int
    disk_free_bytes: int
    queued: int
    lost: int
    bypasses: int
    time_q: TimeQuality
    state: str


class SchemaLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One published schema: the SHA-256 is of `text` as UTF-8."""

    id: str
    sha256: str
    text: str


class SchemaPayload(Payload, frozen=True, kw_only=True):
    """Retained: every schema, and the alarm dictionary from which `txt` is taken."""

    ts: str
    ts_ms: int
    schemas: list[SchemaLine]
    dictionary: dict[str, Texts]


class Receipt(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a receiver may send: the highest contiguous `lane_seq` it holds, by lane."""

    v: Literal[1]
    lanes: dict[Literal["1", "2", "3", "4", "5"], Annotated[int, Meta(ge=0)]]


class Resend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a receiver may ask for where the site allows it: numbers `from` to `to` of a lane, once more."""

    v: Literal[1]
    lane: Literal[1, 2, 3, 4, 5]
    first: Annotated[int, Meta(ge=1)] = msgspec.field(name="from")
    last: Annotated[int, Meta(ge=1)] = msgspec.field(name="to")


PUBLISHED: dict[str, type[msgspec.Struct]] = {
    "alarm": AlarmPayload,
    "gap": GapPayload,
    "flood": FloodPayload,
    "chatter": ChatterPayload,
    "audit": AuditPayload,
    "status": StatusPayload,
    "active": ActivePayload,
    "summary": SummaryPayload,
    "health": HealthPayload,
    "schema": SchemaPayload,
    "receipt": Receipt,
    "resend": Resend,
}
