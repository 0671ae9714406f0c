"""A small plant in memory that the page can look at: one tank farm with four functions, in the states the tests need."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator

import msgspec

from gateway.control.messages import Texts
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
from tests.control.fakes import CONFINED, FAN, HOT_WORK, MINOR, PROOF, SPECTRUM, STATISTICS


def both(en: str, zh: str) -> Texts:
    return {"en": en, "zh-CN": zh}


def cause(tag: str, value: float | None, op: str, limit: float, unit: str, high: float, **other: object) -> CauseView:
    demand = value is not None and (value < limit if op == "<" else value > limit)
    view = CauseView(
        text=f"{tag} {op} {limit:g} {unit}".strip(), tag=tag, value=value, unit=unit, limit=limit, op=op,
        low=0.0, high=high, demand=demand, quality="good", bypassed=False,
    )  # fmt: skip
    return msgspec.structs.replace(view, **other)


def output(name: str, asked: float, read: float | None, owners: tuple[str, ...]) -> OutputView:
    return OutputView(name=name, safe=0.0, asked=asked, read=read, verified=read == asked, owners=owners)


def function(name: str, title: Texts, causes: tuple[CauseView, ...], **other: object) -> InterlockView:
    view = InterlockView(
        name=name, title=title, area="pickling", priority=1, mode="live", state="ARMED", degraded=0,
        since_utc_ms=now_ms() - 3_600_000, first_out=None, causes=causes, outputs=(), bypasses=(), missing=(),
        reset_role="supervisor", hash="9c1e44aa" + "0" * 56, trips=2, last_trip_ms=38.4,
        formula=f"({causes[0].text})", recorded=True,
    )  # fmt: skip
    return msgspec.structs.replace(view, **other)


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def alarm(name: str, title: Texts, priority: int, state: str, ago_s: int, **other: object) -> AlarmView:
    view = AlarmView(
        name=name, title=title, cause=both("Level falls below the pump inlet", "液位低于泵入口"),
        consequence=both("Pump runs dry, seal damage, acid leak", "泵空转，机封损坏，酸液泄漏"),
        response=both("Stop filling line, check drain valve V-12", "停止出料，现场检查排放阀 V-12"),
        area="pickling", priority=priority, category="process", state=state, active=not state.startswith("RTN"),
        occurrence=f"3-{priority}", raised_utc_ms=now_ms() - ago_s * 1000, value=27.4, unit="cm", limit=30.0, count=1,
        recorded=True,
    )  # fmt: skip
    return msgspec.structs.replace(view, **other)


def source(name: str, driver: str, tags: int, **other: object) -> SourceView:
    view = SourceView(
        name=name, driver=driver, up=True, cause="", error="", tags=tags, bad=0, age_ms=84, period_ms=100, restarts=0,
        heartbeat="beating" if driver == "modbus" else "none", watchdog_proven=driver == "modbus",
        clock="two-way", clock_offset_ms=-12.3, clock_uncertainty_ms=0.4, clock_lag_ms=3.1,
    )  # fmt: skip
    return msgspec.structs.replace(view, **other)


def group(name: str, state: str, level: float | None, said: Texts) -> WarningView:
    since = now_ms() - 420_000 if state == "warning" else None
    view = WarningView(
        name=name, state="clear", level=level, t2=level, spe=level, ewma=0.4, cusum=0.3, since_utc_ms=since, reasons=(), text=said,
        members=("rx1.temp", "rx1.coolant"), tags=(), period_ms=1000, false_alarm_rate=0.01, rows=8640, from_utc_ms=0,
        to_utc_ms=1, card="0" * 64, rules=(),
    )  # fmt: skip
    return msgspec.structs.replace(view, state=state)


PLACES = [
    LeakView("flange7", "alarm", "ok", "missing", 1.4, 83.2, 21.0, 30.0, 5.5, 0.012),
    LeakView("flange8", "learning", "ok", "ok", None, None, None, 3.0, None, None),
]


class Plant:
    """Implements `Views`; `normal`, `tripped` … set the scene."""

    def __init__(self) -> None:
        self.state: State = "NORMAL"
        self.reason: Texts = {}
        self.level = 118.2
        self.reads = 0
        self.functions: list[InterlockView] = []
        self.rows: list[AlarmView] = []
        self.devices: list[SourceView] = []
        self.groups: list[WarningView] = []
        self.queue = UpstreamView(
            configured=True, connected=True, proof="receipt", produced=128, confirmed=128, url="mqtts://broker:8883"
        )
        self.normal()

    def normal(self) -> None:
        self.state, self.reason, self.level = "NORMAL", both("All functions in service", "全部联锁已投用"), 118.2
        self.rows = []
        self.devices = [source("plc1", "modbus", 1200), source("plc2", "modbus", 640), source("sensors", "mqtt", 160)]
        self.functions = [
            self.tank(),
            function(
                "RX1_TSHH",
                both("Reactor 1 temperature high-high", "1号反应釜温度高高"),
                (
                    cause("rx1.temp_a", 182.4, ">", 240, "degC", 400),
                    cause("rx1.temp_b", 181.9, ">", 240, "degC", 400),
                    cause("rx1.temp_c", 183.0, ">", 240, "degC", 400),
                ),
                area="reactor",
                outputs=(output("rx1.steam", 1, 1, ("RX1_TSHH",)), output("rx1.quench", 1, 1, ("RX1_TSHH",))),
                formula="2 of ((rx1.temp_a > 240 degC), (rx1.temp_b > 240 degC), (rx1.temp_c > 240 degC))",
            ),
            function(
                "TF3_GAS",
                both("Tank farm gas", "罐区可燃气"),
                (cause("gas3.lel", 3.2, ">", 25, "%LEL", 100),),
                area="tankfarm",
                outputs=(output("tf3.loading", 1, 1, ("TF3_GAS",)),),
            ),
            function(
                "CR2_OVERLOAD",
                both("Crane 2 overload", "2号行车超载"),
                (cause("crane2.load", 7.6, ">", 10, "t", 12.5),),
                area="hall",
                mode="shadow",
                priority=2,
            ),
        ]

    def tank(self) -> InterlockView:
        return function(
            "PKL_LSLL",
            both("Pickling tank 1 level low-low", "1号酸洗槽液位低低"),
            (cause("tank1.level", self.level, "<", 30, "cm", 300),),
            outputs=(output("pump7.permit", 1, 1, ("PKL_LSLL",)),),
        )

    def tripped(self, *, recorded: bool = True) -> None:
        self.normal()
        self.state, self.level = "TRIPPED", 27.4
        self.reason = both("1 function tripped: PKL_LSLL", "1 个联锁动作：PKL_LSLL")
        self.functions[0] = msgspec.structs.replace(
            self.tank(),
            state="TRIPPED",
            since_utc_ms=now_ms() - 42_000,
            first_out=FirstOutView(causes=("tank1.level < 30 cm",), utc_ms=now_ms() - 42_000, value=29.8, unit="cm"),
            outputs=(output("pump7.permit", 0, 0, ("PKL_LSLL",)),),
            missing=(both("tank1.level is still below 30 cm", "tank1.level 仍低于 30 cm"),),
            recorded=recorded,
        )
        held = BypassView(
            function="TF3_GAS", tag="gas3.lel", person="Wang Lei", reason="Sensor calibration, order 4711",
            measure="Portable detector on the spot", until_utc_ms=now_ms() + 2_520_000, left_s=2520,
        )  # fmt: skip
        gas = self.functions[2]
        self.functions[2] = msgspec.structs.replace(
            gas, bypasses=(held,), causes=(msgspec.structs.replace(gas.causes[0], bypassed=True),)
        )
        broken = cause("rx1.temp_b", 181.9, ">", 240, "degC", 400, quality="bad")
        reactor = self.functions[1]
        self.functions[1] = msgspec.structs.replace(
            reactor, degraded=1, causes=(reactor.causes[0], broken, reactor.causes[2])
        )
        self.devices[1] = source(
            "plc2", "modbus", 640, up=False, bad=640, age_ms=48_200, restarts=3, heartbeat="withheld",
            cause="COMMS", error="no answer from 192.168.10.22:502 within 1 s",
        )  # fmt: skip
        self.rows = many_alarms()
        self.queue = msgspec.structs.replace(self.queue, produced=141, confirmed=138, queued=2, aggregated=1, pending=2)

    def overview(self) -> Overview:
        self.reads += 1
        live = [f for f in self.functions if f.mode == "live"]
        return Overview(
            gateway="gw-demo-01", site="demo", version="0.1.0", language="en", boot=3, state=self.state,
            reason=self.reason, utc_ms=now_ms(), time_quality="ntp", uptime_s=93_600, interlocks_live=len(live),
            interlocks_tripped=sum(f.state == "TRIPPED" for f in live), alarms_active=len(self.rows),
            alarms_unacked=sum("UNACK" in row.state for row in self.rows), bypasses=len(self.bypasses()), tags=2000,
            tags_bad=sum(d.bad for d in self.devices), points_per_s=20_141.0, step_p99_us=412, lag_max_ms=6,
            disk_free_bytes=41_300_000_000, history_hours=23.8, journal_ok=True, upstream=self.queue,
        )  # fmt: skip

    def interlocks(self) -> list[InterlockView]:
        return self.functions

    def each_interlock(self) -> Iterator[InterlockView]:
        return iter(self.interlocks())

    def explain(self, function: str) -> TruthView:
        found = {view.name: view for view in self.functions}[function]
        leaves = tuple(
            TruthView(
                text=c.text,
                value="left the vote"
                if c.bypassed
                else "unknown"
                if c.quality == "bad"
                else "true"
                if c.demand
                else "false",
                certain=c.quality == "good",
                note=both("held value 181.9 degC, bad for 48 s", "保持值 181.9 degC，坏值已 48 s")
                if c.quality == "bad"
                else {},
            )
            for c in found.causes
        )
        if len(leaves) == 1:
            return leaves[0]
        return TruthView(text=f"2 of {len(leaves)}", value="false", certain=True, items=leaves)

    def alarms(self, *, active_only: bool = False) -> list[AlarmView]:
        return [row for row in self.rows if row.state != "NORMAL" or not active_only]

    def each_alarm(self, *, active_only: bool = False) -> Iterator[AlarmView]:
        return iter(self.alarms(active_only=active_only))

    def tags(self, prefix: str = "") -> list[TagView]:
        row = TagView(
            name="tank1.level", value=self.level, unit="cm", quality="good", cause="", age_ms=84, source="plc1",
            area="pickling", low=0.0, high=300.0, writable=False, text=both("Pickling tank 1 level", "1号酸洗槽液位"),
        )  # fmt: skip
        return [row] if row.name.startswith(prefix) else []

    def sources(self) -> list[SourceView]:
        return self.devices

    def warnings(self) -> list[WarningView]:
        return self.groups

    def leaks(self) -> list[LeakView]:
        return [] if self.state == "UNCONFIGURED" else PLACES

    def spectrum(self, place: str) -> SpectrumView:
        if place != SPECTRUM.name:
            raise KeyError(place)
        return SPECTRUM

    def bypasses(self) -> list[BypassView]:
        return [bypass for view in self.functions for bypass in view.bypasses]

    def controls(self) -> list[ControlView]:
        return [] if self.state == "UNCONFIGURED" else [FAN]

    def permits(self) -> list[PermitView]:
        return [] if self.state == "UNCONFIGURED" else [HOT_WORK, CONFINED]

    def tellings(self) -> list[TellingView]:
        return [] if self.state == "UNCONFIGURED" else [MINOR]

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
        causes = {c.tag: c for view in self.functions for c in view.causes}
        end, last = now_ms(), causes[tag].value or 0.0
        step = seconds * 1000 // points
        back = range(points - 1, -1, -1)
        return Series(
            tag=tag,
            unit=causes[tag].unit,
            utc_ms=[end - n * step for n in back],
            value=[last + n / points * 40 + math.sin(n / 6) * 0.8 for n in back],
            quality=[3 if 100 < n < 120 else 0 for n in back],
        )


def many_alarms() -> list[AlarmView]:
    """Nine alarms in all the states a list shows."""
    return [
        alarm("PKL_LSLL", both("Pickling tank level low-low", "酸洗槽液位低低"), 1, "UNACK", 42, category="interlock"),
        alarm("PLC2_LOST", both("Device plc2 lost", "设备 plc2 失联"), 2, "UNACK", 48, value=None, limit=None, unit="",
              cause=both("No answer on the network", "网络无应答"),
              consequence=both("640 values are bad; functions degrade", "640 个数值失效，联锁降级运行"),
              response=both("Check switch S2 and the PLC's supply", "检查交换机 S2 及 PLC 电源")),
        alarm("RX1_DEV", both("Reactor 1 temperatures disagree", "1号反应釜温度偏差"), 2, "ACKED", 900,
              unit="degC", value=21.3, limit=20.0),
        alarm("PKL_LSL", both("Pickling tank level low", "酸洗槽液位低"), 3, "ACKED", 130, limit=45.0),
        alarm("TF3_BYP", both("Bypass active on gas3.lel", "gas3.lel 旁路中"), 3, "ACKED", 1080, value=None, limit=None, unit=""),
        alarm("PMP7_VIB", both("Pump 7 vibration high", "7号泵振动高"), 3, "RTN_UNACK", 60, unit="mm/s", value=4.1, limit=7.1),
        alarm("FAN2_HRS", both("Fan 2 service due", "2号风机到期维护"), 4, "ACKED", 86_400, value=None, limit=None, unit=""),
        alarm("UPS_BATT", both("UPS battery low", "UPS 电池电压低"), 4, "LATCHED_ACKED", 7_200, unit="V", value=23.1, limit=23.0),
        alarm("HALL_TMP", both("Hall temperature high", "厂房温度高"), 4, "UNACK", 4_000, unit="degC", value=36.2, limit=35.0),
    ]  # fmt: skip
