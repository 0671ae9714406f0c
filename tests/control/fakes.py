"""A small plant in memory: views and a desk as page and control see them. For every test that needs a picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from gateway.control.messages import Reply
from gateway.control.views import (
    ActorView,
    AlarmView,
    BypassView,
    CauseView,
    ControlView,
    FigureView,
    FirstOutView,
    InterlockView,
    KeyFiguresView,
    LeakView,
    OutputView,
    Overview,
    PermitView,
    ProofResultView,
    ProofView,
    Series,
    SourceView,
    SpectrumView,
    State,
    StatisticsView,
    TagView,
    TellingView,
    TruthView,
    UpstreamView,
    WarningView,
)

NOW_MS = 1_780_000_000_000

FLANGE = LeakView("flange7", "alarm", "ok", "missing", 1.4, 83.2, 21.0, 30.0, 5.5, 0.012)
SPECTRUM = SpectrumView(
    name="flange7",
    state="alarm",
    bands_hz=[2000 + 1000 * band for band in range(64)],
    levels=[[20] * 64] * 60 + [[20] * 32 + [48] * 32] * 60,
    floor=[20] * 64,
    mask=[[0] * 20] * 14 + [[0] * 18 + [60, 90]],
    change=[[0] * 20] * 15,
    values={
        "evidence": 1.4,
        "level_db": 83.2,
        "sound_state": 0.0,
        "picture_state": 2.0,
        "armed": 1.0,
        "agreement": None,
    },
    sound_error="",
    picture_error="no thermal picture came for 2 s",
)

OVERVIEW = Overview(
    gateway="gw-test-01",
    site="demo",
    version="0.1.0",
    language="en",
    boot=3,
    state="NORMAL",
    reason={"en": "Nothing is abnormal.", "zh-CN": "一切正常。"},
    utc_ms=NOW_MS,
    time_quality="ntp",
    uptime_s=3725,
    interlocks_live=2,
    interlocks_tripped=0,
    alarms_active=1,
    alarms_unacked=1,
    bypasses=1,
    tags=3,
    tags_bad=0,
    points_per_s=120.5,
    step_p99_us=180,
    lag_max_ms=4,
    disk_free_bytes=12_000_000_000,
    history_hours=23.5,
    journal_ok=True,
    upstream=UpstreamView(True, True, "broker", produced=12, confirmed=10, queued=2, url="mqtts://127.0.0.1:8883"),
)

LEVEL_CAUSE = CauseView("tank1.level < 30 cm", "tank1.level", 84.2, "cm", 30.0, "<", 0.0, 300.0, False, "good", False)

DRY_RUN = InterlockView(
    name="dry_run",
    title={"en": "Pump 7 dry-run protection", "zh-CN": "7号泵防干转"},
    area="pickling",
    priority=1,
    mode="live",
    state="READY",
    degraded=0,
    since_utc_ms=NOW_MS - 5000,
    first_out=FirstOutView(("tank1.level < 30 cm",), NOW_MS - 60_000, 29.8, "cm"),
    causes=(LEVEL_CAUSE,),
    outputs=(OutputView("pump7.permit", 0.0, 0.0, 0.0, True, ("dry_run", "gas_high")),),
    bypasses=(),
    missing=({"en": "waits for a reset", "zh-CN": "等待复位"},),
    reset_role="supervisor",
    hash="ab" * 32,
    trips=4,
    last_trip_ms=38.5,
    formula="(tank1.level < 30 cm)",
    recorded=True,
)

GAS_CAUSE = CauseView("gas3.lel > 40 %LEL", "gas3.lel", 1.2, "%LEL", 40.0, ">", 0.0, 100.0, False, "good", True)
GAS_BYPASS = BypassView(
    "gas_high", "gas3.lel", "zhang", "transmitter failed", "portable detector at the pump", NOW_MS + 1_800_000, 1800
)
GAS_HIGH = msgspec.structs.replace(
    DRY_RUN,
    name="gas_high",
    title={"en": "Gas high at pump 7", "zh-CN": "7号泵可燃气高"},
    state="ARMED",
    first_out=None,
    causes=(GAS_CAUSE,),
    bypasses=(GAS_BYPASS,),
    missing=(),
    reset_role="engineer",
    formula="(gas3.lel > 40 %LEL)",
)

LEVEL_LOW = AlarmView(
    name="level_low",
    title={"en": "Tank 1 level low", "zh-CN": "1号酸洗槽液位低"},
    cause={"en": "Supply valve shut", "zh-CN": "进液阀关闭"},
    consequence={"en": "Pump 7 trips", "zh-CN": "7号泵联锁停机"},
    response={"en": "Open valve 12", "zh-CN": "打开12号阀"},
    area="pickling",
    priority=2,
    category="process",
    state="UNACK",
    active=True,
    occurrence="3-17",
    raised_utc_ms=NOW_MS - 30_000,
    value=34.0,
    unit="cm",
    limit=35.0,
    count=1,
    recorded=True,
)
GAS_WARN = msgspec.structs.replace(
    LEVEL_LOW,
    name="gas_warn",
    title={"en": "Gas detector 3 high", "zh-CN": "3号可燃气高"},
    state="NORMAL",
    active=False,
    occurrence="",
)


def tag(name: str, value: float | None, unit: str, *, source: str = "plc1", quality: str = "good") -> TagView:
    """One tag; a bad one has cause COMMS."""
    view = TagView(
        name,
        value,
        unit,
        "good",
        "",
        40,
        source,
        "pickling",
        0.0,
        300.0,
        False,
        {"en": name, "zh-CN": f"{name}（测试）"},
    )
    return view if quality == "good" else msgspec.structs.replace(view, quality="bad", cause="COMMS")


FAN = ControlView("fan", True, "on", False, False, ())
HOT_WORK = PermitView(
    "hot_work", {"en": "Hot work", "zh-CN": "动火作业"}, True, "3-9", "wang", "tank 3", NOW_MS, NOW_MS + 3_600_000, 3600
)
CONFINED = PermitView("confined_space", {"en": "Confined space", "zh-CN": "受限空间"}, False)
MINOR = TellingView(
    "minor",
    "advisory",
    {"en": "Three in a row", "zh-CN": "连续三次"},
    3,
    True,
    ("ladder",),
    NOW_MS - 60_000,
    2,
    "no answer",
)
STATISTICS = StatisticsView("dry_run", 3, 1, 0, 4, 0, 38.5, 44.0, 44.0, 100.0, False, 3600)
PROOF_RESULT = ProofResultView(True, "zhang", NOW_MS - 86_400_000, 10, 44.0, True)
PROOF = ProofView("dry_run", "full", (38.5,), 1, PROOF_RESULT, None, NOW_MS + 86_400_000, False)

PLC = SourceView("plc1", "modbus", True, "", "", 2, 0, 40, 100, 0, "beating", True, "two-way", -12.3, 0.4, 3.1)
SENSORS = SourceView("sensors", "mqtt", False, "COMMS", "connection refused", 1, 1, 9000, 0, 3, "none", False)

LEVEL_TREE = TruthView("tank1.level < 30 cm", "false", True, {"en": "84.2 cm, good", "zh-CN": "84.2 cm，质量好"})


@dataclass(slots=True)
class Plant:
    """Views over plain lists that a test may change."""

    top: Overview = OVERVIEW
    functions: list[InterlockView] = field(default_factory=lambda: [DRY_RUN, GAS_HIGH])
    alarm_rows: list[AlarmView] = field(default_factory=lambda: [LEVEL_LOW, GAS_WARN])
    tag_rows: list[TagView] = field(
        default_factory=lambda: [
            tag("tank1.level", 84.2, "cm"),
            tag("pump7.running", 1.0, ""),
            tag("gas3.lel", 1.2, "%LEL", source="sensors", quality="bad"),
        ]
    )
    source_rows: list[SourceView] = field(default_factory=lambda: [PLC, SENSORS])

    def become(self, state: State, en: str, zh: str) -> None:
        """Change the state of the whole."""
        self.top = msgspec.structs.replace(self.top, state=state, reason={"en": en, "zh-CN": zh})

    def overview(self) -> Overview:
        return self.top

    def interlocks(self) -> list[InterlockView]:
        return list(self.functions)

    def each_interlock(self) -> Iterator[InterlockView]:
        return iter(self.interlocks())

    def explain(self, function: str) -> TruthView:
        named = {interlock.name: interlock for interlock in self.functions}[function]
        return TruthView(named.formula, "false", True, {}, (LEVEL_TREE,))

    def alarms(self, *, active_only: bool = False) -> list[AlarmView]:
        return [alarm for alarm in self.alarm_rows if alarm.active or not active_only]

    def each_alarm(self, *, active_only: bool = False) -> Iterator[AlarmView]:
        return iter(self.alarms(active_only=active_only))

    def tags(self, prefix: str = "") -> list[TagView]:
        return [row for row in self.tag_rows if row.name.startswith(prefix)]

    def sources(self) -> list[SourceView]:
        return list(self.source_rows)

    def leaks(self) -> list[LeakView]:
        return [FLANGE]

    def spectrum(self, place: str) -> SpectrumView:
        if place != FLANGE.name:
            raise KeyError(place)
        return SPECTRUM

    def bypasses(self) -> list[BypassView]:
        return [bypass for function in self.functions for bypass in function.bypasses]

    def controls(self) -> list[ControlView]:
        return [FAN]

    def warnings(self) -> list[WarningView]:
        said = {"en": "As in the clean period.", "zh-CN": "与正常期一致。"}
        scores: tuple[float, ...] = (0.6, 0.6, 0.2, 0.4, 0.3)
        learned = (1000, 0.01, 8640, 0, 1, "0" * 64, ())
        return [WarningView("reactor", "clear", *scores, None, (), said, ("rx1.temp",), (), *learned)]

    def permits(self) -> list[PermitView]:
        return [HOT_WORK, CONFINED]

    def tellings(self) -> list[TellingView]:
        return [MINOR]

    def statistics(self) -> list[StatisticsView]:
        return [STATISTICS]

    def proofs(self) -> list[ProofView]:
        return [PROOF]

    def key_figures(self, place: str, days: int) -> KeyFiguresView:
        if place != "box":
            raise KeyError(place)
        row = FigureView("per_day", 120.0, "1/d", 144, 288, "good")
        return KeyFiguresView(
            "box", ("box",), days, 12.5, False, (row, FigureView("flood_share", None, "%", 1, 1, "none"))
        )

    def actors(self, place: str, days: int) -> list[ActorView]:
        if place != "box":
            raise KeyError(place)
        return [ActorView("PKL_LSL", 40, 33.3, 2, 5)]

    def trend(self, tag: str, seconds: int, points: int) -> Series:
        row = {view.name: view for view in self.tag_rows}[tag]
        count = min(points, seconds)
        times = [NOW_MS - 1000 * (count - at) for at in range(count)]
        return Series(tag, row.unit, times, [row.value or 0.0] * count, [0] * count)


@dataclass(slots=True)
class Clerk:
    """A desk that writes down what it was given and answers as it was told."""

    reply: Reply = field(default_factory=lambda: Reply(0, texts={"en": "done", "zh-CN": "已执行"}))
    given: list[tuple[str, str, str, str, dict[str, str]]] = field(default_factory=list)

    async def submit(self, person: str, role: str, verb: str, target: str, args: dict[str, str]) -> Reply:
        self.given.append((person, role, verb, target, args))
        return self.reply
