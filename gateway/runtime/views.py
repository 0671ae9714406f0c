"""Read-only views of the running gateway for page, command line and metrics: quick, without I/O, frozen structs."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gateway.control.messages import Texts
from gateway.control.views import (
    ActorView,
    AlarmView,
    BypassView,
    CauseView,
    ControlView,
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
from gateway.core.alarms import Base
from gateway.core.cards import DRIVER
from gateway.core.evaluate import BYPASSED, LOST, Leaf
from gateway.core.function_state import Bypass
from gateway.core.functions import Function
from gateway.core.interlocks import State as S
from gateway.core.kernel import Kernel
from gateway.core.points import AlarmPoint
from gateway.core.program import RuleText
from gateway.core.tags import Cause, Quality, Tag
from gateway.core.voting import TRUE
from gateway.history.rings import Rings
from gateway.runtime import words
from gateway.runtime.alarm_figures import actors, key_figures
from gateway.runtime.alarm_words import system_alarm
from gateway.runtime.evidence import proof_view, statistics_view
from gateway.runtime.line import Line
from gateway.runtime.outputs import Outputs
from gateway.runtime.permits import permit_view
from gateway.runtime.source_clocks import SourceClock
from gateway.runtime.supervisor import Standing
from gateway.runtime.tellings import telling_view
from gateway.runtime.truth_tree import TruthTree
from gateway.runtime.warning_words import warning_view

MS = 1_000_000
QUALITY: dict[int, Literal["good", "uncertain", "bad"]] = {0: "good", 1: "uncertain", 3: "bad"}
DISK_EVERY_S = 5.0
TIME_DEGRADED_MS = 10.0


@dataclass(slots=True)
class Facts:
    """What the views need beside the kernel; app fills it."""

    gateway: str
    site: str
    version: str
    language: str
    monitor: bool  # the site is declared to monitor only
    directory: Path
    formulas: Mapping[str, str]
    dictionary: Mapping[str, Mapping[str, RuleText]]
    periods: Mapping[str, int]
    standings: dict[str, Standing]
    upstream: Callable[[], UpstreamView]
    journal_ok: Callable[[], bool]
    history_hours: Callable[[], float]
    recorded: Callable[[], int]  # journal rows on disk so far, against rows asked for
    time_quality: Callable[[], str]
    time_bound_ms: Callable[[], float] = lambda: math.inf
    time_watched: bool = False  # the site names time servers, so an unknown or wide bound is a fault
    leaks: Callable[[], list[LeakView]] = lambda: []
    spectrum: Callable[[str], SpectrumView | None] = lambda _place: None
    source_clock: Callable[[str], SourceClock] = lambda _source: SourceClock()
    started_s: float = field(default_factory=time.monotonic)


class LiveViews:
    """The `Views` of control.messages over the running kernel."""

    def __init__(self, kernel: Kernel, line: Line, outputs: Outputs, rings: Rings, facts: Facts) -> None:
        self._kernel, self._line, self._outputs, self._rings, self._facts = kernel, line, outputs, rings, facts
        self._rate = (time.monotonic(), 0, 0.0)
        self._disk = (0.0, 0)
        self._truth = TruthTree(kernel)

    # --- overview ---

    def overview(self) -> Overview:
        """The top of the page."""
        kernel, facts, meter = self._kernel, self._facts, self._line.meter
        live = [function for function in kernel.functions.values() if function.live]
        points = kernel.alarms.points.values()
        state, reason = self.state()
        plant = [tag for tag in kernel.table.tags if not tag.hidden]
        return Overview(
            gateway=facts.gateway,
            site=facts.site,
            version=facts.version,
            language=facts.language,
            boot=kernel.boot,
            state=state,
            reason=reason,
            utc_ms=self._line.clock.utc_ns() // MS,
            time_quality=facts.time_quality(),
            uptime_s=int(time.monotonic() - facts.started_s),
            interlocks_live=len(live),
            interlocks_tripped=sum(function.state in words.TRIPPED_STATES for function in live),
            alarms_active=sum(point.active and not point.masks.any for point in points),
            alarms_unacked=sum(point.unacked for point in points),
            bypasses=sum(len(function.bypasses) for function in kernel.functions.values()),
            tags=len(plant),
            tags_bad=sum(kernel.image.qualities[tag.number] == Quality.BAD for tag in plant),
            points_per_s=self._points_per_s(),
            step_p99_us=meter.quantile_us(0.99),
            lag_max_ms=meter.lag_max_ns // MS,
            disk_free_bytes=self._disk_free(),
            history_hours=round(facts.history_hours(), 2),
            journal_ok=facts.journal_ok(),
            upstream=facts.upstream(),
            sounding=tuple(kernel.hearing.sounds.sounding()),
            shift=kernel.hearing.shift,
            time_bound_ms=_finite(facts.time_bound_ms()),
        )

    def state(self) -> tuple[State, Texts]:
        """The word for the whole, and why."""
        kernel, facts = self._kernel, self._facts
        functions = kernel.functions.values()
        live = [function for function in functions if function.live]
        tripped = [function for function in live if function.state in words.TRIPPED_STATES]
        if not kernel.program.rules and not kernel.table.sources:
            return "UNCONFIGURED", words.UNCONFIGURED
        if tripped:
            worst = min(tripped, key=lambda f: (f.rule.priority, f.state_since_ns))
            return "TRIPPED", words.tripped(worst.name, worst.state.name, self._first_causes(worst))
        degraded = [name for name, standing in facts.standings.items() if not standing.up]
        if not kernel.self_ok and kernel.booted:
            return "DEGRADED", words.degraded(kernel.self_reason)
        if degraded or not facts.journal_ok():
            return "DEGRADED", words.degraded(", ".join(sorted(degraded)) or "journal")
        if any(f.when.inputs.lost for f in live):
            return "DEGRADED", words.degraded(", ".join(f.name for f in live if f.when.inputs.lost))
        slow = [f.name for f in live if f.slow()]
        if slow:
            return "DEGRADED", words.slow(slow)
        upstream = facts.upstream()
        if upstream.configured and not upstream.connected:
            return "DEGRADED", words.degraded("upstream")
        if facts.time_watched and facts.time_bound_ms() > TIME_DEGRADED_MS:
            return "DEGRADED", words.clock(_finite(facts.time_bound_ms()))
        active = [point.name for point in kernel.alarms.points.values() if point.base not in (Base.NORMAL, Base.MASKED)]
        if active or any(function.bypasses for function in live):
            return "WARNING", words.warning(active)
        if facts.monitor:
            return "MONITOR ONLY", words.MONITOR_MODE
        if functions and not live:
            return "SHADOW", words.SHADOW
        if not functions:
            return "MONITOR ONLY", words.MONITOR_ONLY
        return "NORMAL", words.NORMAL

    def _first_causes(self, function: Function) -> tuple[str, ...]:
        return function.first_out.causes if function.first_out else ()

    def _points_per_s(self) -> float:
        now_s, (then_s, then, rate) = time.monotonic(), self._rate
        if now_s - then_s >= 1.0:
            rate = (self._line.meter.points - then) / (now_s - then_s)
            self._rate = (now_s, self._line.meter.points, rate)
        return round(rate, 1)

    def _disk_free(self) -> int:
        now_s = time.monotonic()
        if now_s - self._disk[0] > DISK_EVERY_S:
            self._disk = (now_s, shutil.disk_usage(self._facts.directory).free)
        return self._disk[1]

    # --- interlocks ---

    def interlocks(self) -> list[InterlockView]:
        """All functions in rule order."""
        return list(self.each_interlock())

    def each_interlock(self) -> Iterator[InterlockView]:
        """The same, one at a time."""
        return (self._interlock(function) for function in self._kernel.functions.values())

    def _interlock(self, function: Function) -> InterlockView:
        rule, kernel = function.rule, self._kernel
        return InterlockView(
            name=function.name,
            title=self._texts(function.name, rule.text, "title"),
            area=rule.area or self._tag(rule_tag(function)).area,
            priority=rule.priority,
            mode=function.mode,
            state=function.state.name if function.live else function.mode.upper(),
            degraded=function.when.inputs.lost,
            since_utc_ms=kernel.utc_ms(function.state_since_ns) if function.state_since_ns else 0,
            first_out=self._first_out(function),
            causes=tuple(self._cause(leaf) for leaf in function.when.leaves()),
            outputs=tuple(self._output(name) for name in [stop.output for stop in rule.stops]),
            bypasses=tuple(self._bypass(function, bypass) for bypass in function.bypasses),
            missing=tuple(self._missing(function)),
            reset_role=rule.reset_role,
            hash=function.hash,
            trips=function.trips,
            last_trip_ms=round(function.last_trip_ns / MS, 3) if function.last_trip_ns >= 0 else None,
            formula=self._facts.formulas.get(function.name, ""),
            recorded=self._facts.recorded() <= 0,
        )

    def rule_texts(self, name: str, part: str) -> Texts:
        """What people read of a rule; `part` is "title", "cause", "consequence" or "response"."""
        return self._texts(name, self._kernel.rules[self._kernel.index_of(name)].rule.text, part)

    def _texts(self, name: str, own: Mapping[str, RuleText], part: str) -> Texts:
        merged: Texts = {}
        for texts in (own, self._facts.dictionary.get(name, {})):
            for language, text in texts.items():
                if value := getattr(text, part):
                    merged[language] = value
        return merged

    def _tag(self, name: str) -> Tag:
        return self._kernel.table.tags[self._kernel.names[name]]

    def _first_out(self, function: Function) -> FirstOutView | None:
        first = function.first_out
        if first is None:
            return None
        return FirstOutView(first.causes, first.utc_ms, first.value, first.unit)

    def _cause(self, leaf: Leaf) -> CauseView:
        tag = self._kernel.table.tags[leaf.number]
        value = self._kernel.image.values[leaf.number]
        return CauseView(
            text=leaf.shown(self._kernel.table.tags),
            tag=tag.name,
            value=None if tag.personal else _finite(value),
            unit=tag.unit,
            limit=leaf.node.limit,
            op=leaf.node.op,
            low=_finite(tag.low),
            high=_finite(tag.high),
            demand=leaf.held == TRUE and leaf.state not in (LOST, BYPASSED),
            quality=QUALITY[self._kernel.image.qualities[leaf.number]],
            bypassed=leaf.state == BYPASSED,
        )

    def _output(self, name: str) -> OutputView:
        output = self._kernel.outputs[name]
        asked = output.tag.safe if math.isnan(output.wanted) else output.wanted
        owners = tuple(f.name for f in self._kernel.functions.values() if f.live and output in f.outputs)
        return OutputView(name, output.tag.safe, asked, _finite(output.read), output.verified, owners)

    def _bypass(self, function: Function, bypass: Bypass) -> BypassView:
        left_ns = bypass.until_ns - self._line.clock.monotonic_ns()
        return BypassView(
            function.name,
            bypass.tag,
            bypass.person,
            bypass.reason,
            bypass.measure,
            bypass.until_utc_ms,
            max(0, left_ns // 1_000_000_000),
            bypass.code,
        )

    def _missing(self, function: Function) -> list[Texts]:
        """What keeps a function from being armed or READY, in words."""
        missing: list[Texts] = []
        if not function.live or function.armed_hash != function.hash:
            missing.append(words.NOT_ARMED)
            for output in function.outputs:
                source = self._kernel.table.sources[self._kernel.source_of(output.tag.number)]
                if source.heartbeat < 0 or not self._kernel.heart.proven(source.name):
                    missing.append(words.watchdog(source.name))
        if function.state is S.TRIPPED or not function.live:
            if not function.cleared():
                missing.append(words.DEMAND)
            if not function.permissive_ok():
                missing.append(words.PERMISSIVE)
            for leaf in function.when.leaves():
                if leaf.state not in (0, BYPASSED):
                    missing.append(words.input_bad(leaf.bad_tag()))
            if function.live:
                missing += [words.output(o.tag.name) for o in function.outputs if not o.verified]
        return missing

    def explain(self, function: str) -> TruthView:
        """The live truth tree. Raises KeyError, also for a rule that reads personal values: whether it is true is nobody's."""
        if function in self._kernel.privacy.names:
            raise KeyError(function)
        found = self._kernel.functions.get(function)
        condition = found.when if found else self._kernel.watches[function].when
        return self._truth.view(condition.root)

    # --- alarms, tags, sources ---

    def alarms(self, *, active_only: bool = False) -> list[AlarmView]:
        """By priority, then time."""
        return list(self.each_alarm(active_only=active_only))

    def each_alarm(self, *, active_only: bool = False) -> Iterator[AlarmView]:
        """The same, one at a time; which they are is settled at the first."""
        points = [p for p in self._kernel.alarms.points.values() if not active_only or p.base is not Base.NORMAL]
        return (self._alarm(p) for p in sorted(points, key=lambda p: (p.priority, -p.raised_ms, p.index)))

    def _alarm(self, point: AlarmPoint) -> AlarmView:
        found = self._kernel.functions.get(point.name) or self._kernel.watches.get(point.name)
        own: Mapping[str, RuleText] = found.rule.text if found else system_alarm(point.name, point.source)
        return AlarmView(
            name=point.name,
            title=self._texts(point.name, own, "title"),
            cause=self._texts(point.name, own, "cause"),
            consequence=self._texts(point.name, own, "consequence"),
            response=self._texts(point.name, own, "response"),
            area=point.area,
            priority=point.priority,
            category=point.category,
            state=point.shown,
            active=point.active,
            occurrence=f"{point.occurrence[0]:x}-{point.occurrence[1]}",
            raised_utc_ms=point.raised_ms,
            value=point.value,
            unit=point.unit,
            limit=point.limit,
            count=point.count,
            recorded=self._facts.recorded() <= 0,
            position=self._kernel.hearing.way(point).position,
            escalated=point.escalated and point.unacked,
            flood=self._kernel.alarms.bursts.flood_of(point),
        )

    def tags(self, prefix: str = "") -> list[TagView]:
        """Plant tags; personal and hidden ones never appear."""
        kernel, now_ns = self._kernel, self._line.clock.monotonic_ns()
        return [
            TagView(
                tag.name,
                _finite(kernel.image.values[tag.number]),
                tag.unit,
                QUALITY[kernel.image.qualities[tag.number]],
                "" if not kernel.image.causes[tag.number] else Cause(kernel.image.causes[tag.number]).name,
                kernel.fresh.age_ns(tag.group, now_ns) // MS,
                tag.source,
                tag.area,
                _finite(tag.low),
                _finite(tag.high),
                tag.writable,
                tag.text,
            )
            for tag in kernel.table.tags
            if not tag.hidden and not tag.personal and tag.name.startswith(prefix)
        ]

    def sources(self) -> list[SourceView]:
        """All devices and feeds."""
        return [self._source(at) for at, source in enumerate(self._kernel.table.sources) if source.driver != DRIVER]

    def _source(self, at: int) -> SourceView:
        kernel, source = self._kernel, self._kernel.table.sources[at]
        standing = self._facts.standings[source.name]
        tags = [tag for tag in kernel.table.tags if tag.source == source.name and not tag.hidden]
        now_ns = self._line.clock.monotonic_ns()
        clock = self._facts.source_clock(source.name)
        beating: Literal["none", "beating", "withheld"] = "none"
        if source.heartbeat >= 0:
            beating = "withheld" if kernel.heart.withheld(at) else "beating"
        return SourceView(
            name=source.name,
            driver=source.driver,
            up=standing.up,
            cause="" if standing.up else standing.cause.name,
            error="" if standing.up else standing.error,
            tags=len(tags),
            bad=sum(kernel.image.qualities[tag.number] == Quality.BAD for tag in tags),
            age_ms=min((kernel.fresh.age_ns(g, now_ns) // MS for g in kernel.fresh.members[at]), default=0),
            period_ms=self._facts.periods.get(source.name, 0),
            restarts=standing.restarts,
            heartbeat=beating,
            watchdog_proven=kernel.heart.proven(source.name),
            clock=clock.way,
            clock_offset_ms=clock.offset_ms,
            clock_uncertainty_ms=clock.uncertainty_ms,
            clock_lag_ms=clock.lag_ms,
        )

    def leaks(self) -> list[LeakView]:
        """The places that are watched for leaks."""
        return self._facts.leaks()

    def spectrum(self, place: str) -> SpectrumView:
        """What one of them hears and sees. Raises KeyError."""
        found = self._facts.spectrum(place)
        if found is None:
            raise KeyError(place)
        return found

    def bypasses(self) -> list[BypassView]:
        """All bypassed inputs, the one that ends first on top."""
        found = [
            self._bypass(function, bypass)
            for function in self._kernel.functions.values()
            for bypass in [*function.bypasses, *([function.override] if function.override else [])]
        ]
        return sorted(found, key=lambda bypass: bypass.until_utc_ms)

    def controls(self) -> list[ControlView]:
        """All linkages, in rule order."""
        return [
            ControlView(
                name=linkage.name,
                live=linkage.live,
                position=linkage.position,
                failed=linkage.failed,
                hunting=any(output.hunting for output in linkage.outputs),
                outputs=tuple(self._output(output.tag.name) for output in linkage.outputs),
            )
            for linkage in self._kernel.controls.values()
        ]

    def warnings(self) -> list[WarningView]:
        """All early-warning groups, in the order of their names."""
        return [warning_view(group, self._kernel) for group in self._kernel.early.groups]

    def permits(self) -> list[PermitView]:
        """All permit rules, in rule order."""
        now_ns, kernel = self._line.clock.monotonic_ns(), self._kernel
        return [
            permit_view(each, self._texts(each.name, each.rule.text, "title"), now_ns)
            for each in kernel.permits.values()
        ]

    def tellings(self) -> list[TellingView]:
        """All rules that tell people, in rule order."""
        return [
            telling_view(self._kernel, name, told, self.rule_texts) for name, told in self._kernel.tellings.told.items()
        ]

    def statistics(self) -> list[StatisticsView]:
        """How all functions have done, in rule order."""
        return [statistics_view(function) for function in self._kernel.functions.values()]

    def proofs(self) -> list[ProofView]:
        """The proof tests of all functions, in rule order."""
        return [proof_view(self._kernel, function) for function in self._kernel.functions.values()]

    def key_figures(self, place: str, days: int) -> KeyFiguresView:
        """The key figures of the alarm system. Raises KeyError."""
        clock = self._line.clock
        return key_figures(self._kernel, clock.utc_ns() // MS, clock.monotonic_ns(), place, days)

    def actors(self, place: str, days: int) -> list[ActorView]:
        """The bad actors of a place. Raises KeyError."""
        return actors(self._kernel, self._line.clock.utc_ns() // MS, place, days)

    def trend(self, tag: str, seconds: int, points: int) -> Series:
        """The last `seconds` of a plant tag. Raises KeyError."""
        found = self._tag(tag)
        if found.personal or found.hidden:
            raise KeyError(tag)
        to_ms = self._line.clock.utc_ns() // MS
        utc_ms, value, quality = self._rings.trend(found.number, to_ms - seconds * 1000, to_ms, points)
        return Series(tag, found.unit, utc_ms.tolist(), value.tolist(), quality.tolist())


def rule_tag(function: Function) -> str:
    """The tag that stands for a function: that of its first comparison."""
    return function.when.leaves()[0].node.tag


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
