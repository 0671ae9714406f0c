"""What people see of a gateway: read-only views for the page, the command line and the metrics.

Times are UTC ms; durations say their unit. Personal tags never appear.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

import msgspec

from gateway.control.messages import Texts

State = Literal["NORMAL", "WARNING", "TRIPPED", "DEGRADED", "SHADOW", "MONITOR ONLY", "UNCONFIGURED"]


class TagView(msgspec.Struct, frozen=True):
    """One plant tag now. `value` is the last received, whatever its quality; `age_ms` is since its group was confirmed."""

    name: str
    value: float | None
    unit: str
    quality: Literal["good", "uncertain", "bad"]
    cause: str
    age_ms: int
    source: str
    area: str
    low: float | None
    high: float | None
    writable: bool
    text: Texts


class SourceView(msgspec.Struct, frozen=True):
    """One device or feed."""

    name: str
    driver: str
    up: bool
    cause: str
    error: str
    tags: int
    bad: int
    age_ms: int
    period_ms: int
    restarts: int
    heartbeat: Literal["none", "beating", "withheld"]
    watchdog_proven: bool
    clock: Literal["none", "one-way", "two-way", "unset"] = "none"  # unset: it shows a time before 2020
    clock_offset_ms: float | None = None  # the device's clock is ahead of ours by so much; None = not known
    clock_uncertainty_ms: float | None = None  # what the offset may be wrong by
    clock_lag_ms: float | None = None  # smallest age of its stamps when they came; negative: ahead by at least that


class ReasonView(msgspec.Struct, frozen=True):
    """One tag of a warning: its share in it, its value, and where and how wide it was in the clean period."""

    tag: str
    share: float
    value: float | None
    unit: str
    expected: float
    spread: float


class WarningView(msgspec.Struct, frozen=True):
    """One early-warning group. Scores are multiples of their limits, None while unknown; `tags` are where they have a trend."""

    name: str
    state: Literal["clear", "over", "warning", "unknown"]
    level: float | None
    t2: float | None
    spe: float | None
    ewma: float | None
    cusum: float | None
    since_utc_ms: int | None
    reasons: tuple[ReasonView, ...]
    text: Texts  # what, which tags, since when, how sure
    members: tuple[str, ...]
    tags: tuple[str, ...]
    period_ms: int
    false_alarm_rate: float
    rows: int
    from_utc_ms: int
    to_utc_ms: int
    card: str
    rules: tuple[str, ...]  # that use it


class CauseView(msgspec.Struct, frozen=True):
    """One comparison of a function: the value in its band."""

    text: str
    tag: str
    value: float | None
    unit: str
    limit: float
    op: str
    low: float | None
    high: float | None
    demand: bool
    quality: Literal["good", "uncertain", "bad"]
    bypassed: bool


class FirstOutView(msgspec.Struct, frozen=True):
    """What came first in a trip, frozen until the reset."""

    causes: tuple[str, ...]  # more than one: simultaneous
    utc_ms: int
    value: float | None = None
    unit: str = ""


class OutputView(msgspec.Struct, frozen=True):
    """One output of a function: what is asked, what was last read, and whether both agree."""

    name: str
    safe: float
    asked: float
    read: float | None
    verified: bool
    owners: tuple[str, ...]


class BypassView(msgspec.Struct, frozen=True):
    """One bypassed input."""

    function: str
    tag: str
    person: str
    reason: str
    measure: str
    until_utc_ms: int
    left_s: int
    code: str = ""  # why, of the closed list


class InterlockView(msgspec.Struct, frozen=True):
    """One function as people see it; `missing` says what still keeps it from READY or from being armed."""

    name: str
    title: Texts
    area: str
    priority: int
    mode: Literal["draft", "shadow", "live", "off"]
    state: str
    degraded: int
    since_utc_ms: int
    first_out: FirstOutView | None
    causes: tuple[CauseView, ...]
    outputs: tuple[OutputView, ...]
    bypasses: tuple[BypassView, ...]
    missing: tuple[Texts, ...]
    reset_role: str
    hash: str
    trips: int
    last_trip_ms: float | None  # demand to verified read-back of the last trip
    formula: str  # the fully bracketed condition
    recorded: bool  # the last trip is in the journal


class StatisticsView(msgspec.Struct, frozen=True):
    """How one function has done since its first arm. Times from demand to verified read-back, None without a trip."""

    name: str
    demands: int
    spurious: int  # trips without a cause in the plant
    manual: int
    successes: int
    failures: int
    p50_ms: float | None
    p99_ms: float | None
    longest_ms: float | None
    budget_ms: float | None  # the tightest `within` of its outputs
    slow: bool  # p99 above 80 % of the budget
    bypassed_s: int


class ProofResultView(msgspec.Struct, frozen=True):
    """A finished proof test."""

    passed: bool
    person: str
    utc_ms: int
    trips: int
    longest_ms: float
    this_version: bool  # the rule has not changed since


class ProofView(msgspec.Struct, frozen=True):
    """The proof tests of one function. `running` with its measured trips, and how many are needed at least."""

    name: str
    running: Literal["", "partial", "full"]
    trips_ms: tuple[float, ...]
    least: int
    partial: ProofResultView | None  # to the word of the PLC
    full: ProofResultView | None  # to the final element
    due_utc_ms: int  # 0 = the rule asks for none
    overdue: bool


class ControlView(msgspec.Struct, frozen=True):
    """One linkage: whether it is in service, where it stands, and whether its outputs follow."""

    name: str
    live: bool
    position: Literal["safe", "on", "off"]
    failed: bool
    hunting: bool
    outputs: tuple[OutputView, ...]


class PermitView(msgspec.Struct, frozen=True):
    """One permit rule. `allowed` is the necessary condition now; the rest is of the permit that is out, if one is."""

    name: str
    title: Texts
    allowed: bool
    number: str = ""
    person: str = ""
    place: str = ""
    since_utc_ms: int = 0
    until_utc_ms: int = 0
    left_s: int = 0


class TellingView(msgspec.Struct, frozen=True):
    """One rule that tells people. `active` is None where the rule reads personal values; `level` > 0 waits for an answer."""

    name: str
    kind: str
    title: Texts
    priority: int
    active: bool | None
    to: tuple[str, ...]  # speakers and roles by name; "ladder" for the site's order
    told_utc_ms: int = 0
    level: int = 0
    error: str = ""


class TruthView(msgspec.Struct, frozen=True):
    """A node of the live truth tree of `interlock explain`."""

    text: str
    value: Literal["true", "false", "unknown", "left the vote"]
    certain: bool
    note: Texts = {}
    items: tuple[TruthView, ...] = ()


class AlarmView(msgspec.Struct, frozen=True):
    """One alarm. `state` is as shown: NORMAL, UNACK, ACKED, RTN_UNACK, LATCHED_UNACK, LATCHED_ACKED (or a mask)."""

    name: str
    title: Texts
    cause: Texts
    consequence: Texts
    response: Texts
    area: str
    priority: int
    category: str
    state: str
    active: bool
    occurrence: str
    raised_utc_ms: int
    value: float | None
    unit: str
    limit: float | None
    count: int
    recorded: bool
    position: str = "main"  # the operator position it is routed to
    escalated: bool = False  # nobody acknowledged it in its time
    flood: str = ""  # the area whose flood it is part of: counted, not shown line by line
    others: int = 0  # on the page: how many more of that flood this line stands for


Verdict = Literal["good", "fair", "poor", "none"]


class FigureView(msgspec.Struct, frozen=True):
    """One key figure with its target and the level that asks for action; None where nothing was observed."""

    figure: str
    value: float | None
    unit: str
    target: float
    action: float
    verdict: Verdict


class KeyFiguresView(msgspec.Struct, frozen=True):
    """The key figures of a place. `enough` is false below a month of observed time."""

    place: str
    places: tuple[str, ...]
    days: int
    observed_days: float
    enough: bool
    figures: tuple[FigureView, ...]


class ActorView(msgspec.Struct, frozen=True):
    """One alarm of the bad-actor list; `share` in % of all alarms of the place."""

    alarm: str
    count: int
    share: float
    chatters: int
    fleeting: int


class UpstreamView(msgspec.Struct, frozen=True):
    """The balancing equation, read in one transaction: produced = confirmed + queued + aggregated + expired."""

    configured: bool
    connected: bool
    proof: Literal["none", "broker", "receipt"]
    produced: int = 0
    confirmed: int = 0
    queued: int = 0
    aggregated: int = 0
    expired: int = 0
    pending: int = 0
    unjournalled: int = 0
    balanced: bool = True
    refused: int = 0
    error: str = ""
    url: str = ""


class UpdateView(msgspec.Struct, frozen=True):
    """What an update asks: whether a version is on trial here, and whose word says that the plant is stopped ("" nobody's)."""

    trial: bool = False
    stopped_by: str = ""
    left_s: int = 0


class Overview(msgspec.Struct, frozen=True):
    """The top of the page and `gatehouse status`."""

    gateway: str
    site: str
    version: str
    language: str
    boot: int
    state: State
    reason: Texts
    utc_ms: int
    time_quality: str
    uptime_s: int
    interlocks_live: int
    interlocks_tripped: int
    alarms_active: int
    alarms_unacked: int
    bypasses: int
    tags: int
    tags_bad: int
    points_per_s: float
    step_p99_us: int
    lag_max_ms: int
    disk_free_bytes: int
    history_hours: float
    journal_ok: bool
    upstream: UpstreamView
    sounding: tuple[str, ...] = ()  # horns and beacons that sound now
    shift: str = ""
    time_bound_ms: float | None = None  # the most the clock can be off; None = nothing is known


class Series(msgspec.Struct, frozen=True):
    """A trend: parallel lists; `quality` 0 good, 1 uncertain, 3 bad."""

    tag: str
    unit: str
    utc_ms: list[int]
    value: list[float]
    quality: list[int]


class LeakView(msgspec.Struct, frozen=True):
    """One place that is listened to and watched for leaks. `None` = there is no such value now."""

    name: str
    state: Literal["alarm", "watching", "learning", "degraded", "lost"]
    sound: str  # a word of `leak-sensor`
    picture: str
    evidence: float | None  # share of the alarm's threshold
    level_db: float | None  # 25–70 kHz, re 20 µPa
    over_floor_db: float | None
    learned_h: float
    distance_m: float | None
    flow_kg_s: float | None


class SpectrumView(msgspec.Struct, frozen=True):
    """What a place heard in the last minute and what the camera sees: see `inference.leak.view.Seen` for the units.

    The last column of `levels` ends at `captured_utc_ms` (0 = nothing was seen yet); there are `columns_a_second`, oldest first.
    """

    name: str
    state: Literal["alarm", "watching", "learning", "degraded", "lost"]
    bands_hz: list[int]
    levels: list[list[int]]
    floor: list[int]
    mask: list[list[int]]
    change: list[list[int]]
    values: dict[str, float | None]
    sound_error: str
    picture_error: str
    captured_utc_ms: int = 0
    columns_a_second: int = 2


class Views(Protocol):
    """What page, control and metrics may read. Every call is quick (no I/O) and returns frozen structs."""

    def overview(self) -> Overview: ...
    def interlocks(self) -> list[InterlockView]: ...
    def each_interlock(self) -> Iterator[InterlockView]:
        """The same, read one at a time by whoever must not hold the loop for all of them."""

    def explain(self, function: str) -> TruthView:
        """Raises KeyError."""

    def alarms(self, *, active_only: bool = False) -> list[AlarmView]: ...
    def each_alarm(self, *, active_only: bool = False) -> Iterator[AlarmView]:
        """The same, one at a time."""

    def tags(self, prefix: str = "") -> list[TagView]: ...
    def sources(self) -> list[SourceView]: ...
    def leaks(self) -> list[LeakView]: ...
    def spectrum(self, place: str) -> SpectrumView:
        """Raises KeyError where no such place is watched for leaks."""

    def bypasses(self) -> list[BypassView]: ...
    def controls(self) -> list[ControlView]: ...
    def permits(self) -> list[PermitView]: ...
    def tellings(self) -> list[TellingView]: ...
    def warnings(self) -> list[WarningView]: ...
    def statistics(self) -> list[StatisticsView]: ...
    def proofs(self) -> list[ProofView]: ...
    def key_figures(self, place: str, days: int) -> KeyFiguresView:
        """Raises KeyError."""

    def actors(self, place: str, days: int) -> list[ActorView]:
        """Raises KeyError."""

    def trend(self, tag: str, seconds: int, points: int) -> Series:
        """Raises KeyError."""
