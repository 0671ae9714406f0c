"""What Prometheus sees. Every figure is read at scrape time; docs/metrics.md lists them all and a test holds list and code equal."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import msgspec
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gateway.control.views import (
    AlarmView,
    InterlockView,
    KeyFiguresView,
    Overview,
    SourceView,
    State,
    UpstreamView,
    Views,
)

STATES: tuple[State, ...] = ("NORMAL", "WARNING", "TRIPPED", "DEGRADED", "SHADOW", "MONITOR ONLY", "UNCONFIGURED")
PRIORITIES = (1, 2, 3, 4)
EQUATION = ("produced", "confirmed", "queued", "aggregated", "expired", "pending", "unjournalled")


class WorkerCount(msgspec.Struct, frozen=True):
    """What one worker process for native code did since the start."""

    name: str
    starts: int
    killed: int
    results: int
    skipped: int
    resident: int  # bytes


class Counters(msgspec.Struct, frozen=True):
    """What the runtime counts since its start and the views do not show."""

    points: int = 0  # values admitted
    steps: int = 0  # kernel steps finished
    step_overruns: int = 0  # steps over the limit of core.limits
    overflows: int = 0  # blocks refused because a source was over its quota
    read_backs_verified: int = 0
    read_backs_failed: int = 0
    journal_rows: int = 0
    page_clients: int = 0
    page_cut_off: int = 0
    workers: tuple[WorkerCount, ...] = ()


class Gauges(Collector):
    """Reads views and counters once a scrape and yields them as metric families."""

    def __init__(self, views: Views, counters: Callable[[], Counters]) -> None:
        self._views = views
        self._counters = counters

    def collect(self) -> Iterator[Metric]:
        overview = self._views.overview()
        yield from _gateway(overview)
        counters = self._counters()
        yield from _kernel(overview, counters)
        yield from _workers(counters.workers)
        yield from _sources(self._views.sources())
        yield from _interlocks(self._views.interlocks(), overview)
        yield from _alarms(self._views.alarms(), overview)
        yield from _figures(self._views.key_figures("box", 30))
        yield from _upstream(overview.upstream)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(f"gatehouse_{name}", text, value=value)


def _counter(name: str, text: str, value: float) -> Metric:
    return CounterMetricFamily(f"gatehouse_{name}", text, value=value)


def _gateway(o: Overview) -> Iterator[Metric]:
    info = GaugeMetricFamily(
        "gatehouse_info", "Always 1; labels name the gateway.", labels=["gateway", "site", "version"]
    )
    info.add_metric([o.gateway, o.site, o.version], 1)
    yield info
    state = GaugeMetricFamily("gatehouse_state", "1 for the word the page shows, 0 for the others.", labels=["state"])
    for word in STATES:
        state.add_metric([word], float(word == o.state))
    yield state
    yield _gauge("boot", "Durable number of this start.", o.boot)
    yield _gauge("uptime_seconds", "Time since the start.", o.uptime_s)
    quality = GaugeMetricFamily("gatehouse_time_quality", "1 for the quality of the clock.", labels=["quality"])
    quality.add_metric([o.time_quality], 1)
    yield quality
    bound = math.inf if o.time_bound_ms is None else o.time_bound_ms / 1000
    yield _gauge("time_bound_seconds", "The most the clock can be off; +Inf = nothing is known.", bound)
    yield _gauge("disk_free_bytes", "Free space where journal and history are.", o.disk_free_bytes)
    yield _gauge("history_hours", "How far back the history reaches.", o.history_hours)
    yield _gauge("journal_ok", "1 while the journal can be written.", o.journal_ok)


def _kernel(o: Overview, c: Counters) -> Iterator[Metric]:
    yield _counter("points_total", "Values admitted.", c.points)
    yield _gauge("points_per_second", "Values admitted lately.", o.points_per_s)
    yield _counter("steps_total", "Kernel steps finished.", c.steps)
    yield _counter("step_overruns_total", "Kernel steps longer than the limit.", c.step_overruns)
    yield _gauge("step_p99_seconds", "Length of a kernel step, 99th percentile.", o.step_p99_us / 1e6)
    yield _gauge("loop_lag_max_seconds", "Longest wait of an input lately.", o.lag_max_ms / 1e3)
    yield _counter("inbox_overflows_total", "Blocks refused because a source was over its quota.", c.overflows)
    yield _counter("read_backs_verified_total", "Writes confirmed by reading back.", c.read_backs_verified)
    yield _counter("read_backs_failed_total", "Writes that reading back did not confirm.", c.read_backs_failed)
    yield _counter("journal_rows_total", "Events made durable.", c.journal_rows)
    yield _gauge("page_clients", "Open status pages.", c.page_clients)
    yield _counter("page_cut_off_total", "Status pages cut off because they did not keep up.", c.page_cut_off)
    yield _gauge("tags", "Plant tags.", o.tags)
    yield _gauge("tags_bad", "Plant tags whose quality is bad.", o.tags_bad)


def _workers(workers: tuple[WorkerCount, ...]) -> Iterator[Metric]:
    labels = ["worker"]
    starts = CounterMetricFamily("gatehouse_worker_starts_total", "Starts of the worker process.", labels=labels)
    killed = CounterMetricFamily(
        "gatehouse_worker_killed_total", "Times the worker died, was silent, or sent rubbish.", labels=labels
    )
    results = CounterMetricFamily("gatehouse_worker_results_total", "Results of its jobs.", labels=labels)
    skipped = CounterMetricFamily(
        "gatehouse_worker_skipped_total", "Results overtaken by a later one before they were used.", labels=labels
    )
    memory = GaugeMetricFamily("gatehouse_worker_memory_bytes", "Memory it really uses.", labels=labels)
    for one in workers:
        for family, value in (
            (starts, one.starts),
            (killed, one.killed),
            (results, one.results),
            (skipped, one.skipped),
            (memory, one.resident),
        ):
            family.add_metric([one.name], value)
    yield from (starts, killed, results, skipped, memory)


def _sources(sources: list[SourceView]) -> Iterator[Metric]:
    labels = ["source", "driver"]
    up = GaugeMetricFamily("gatehouse_source_up", "1 while the source is connected.", labels=labels)
    bad = GaugeMetricFamily("gatehouse_source_tags_bad", "Bad tags of the source.", labels=labels)
    age = GaugeMetricFamily("gatehouse_source_age_seconds", "Time since the source was last confirmed.", labels=labels)
    restarts = CounterMetricFamily("gatehouse_source_restarts_total", "Reconnects of the source.", labels=labels)
    withheld = GaugeMetricFamily("gatehouse_heartbeat_withheld", "1 while the heartbeat is withheld.", labels=labels)
    proven = GaugeMetricFamily("gatehouse_watchdog_proven", "1 once heartbeat loss was proven.", labels=labels)
    offset = GaugeMetricFamily(
        "gatehouse_source_clock_offset_seconds",
        "How far the source's clock is ahead of ours, where it tells.",
        labels=labels,
    )
    doubt = GaugeMetricFamily(
        "gatehouse_source_clock_uncertainty_seconds", "What that offset may be wrong by.", labels=labels
    )
    for source in sources:
        names = [source.name, source.driver]
        if source.clock_offset_ms is not None and source.clock_uncertainty_ms is not None:
            offset.add_metric(names, source.clock_offset_ms / 1e3)
            doubt.add_metric(names, source.clock_uncertainty_ms / 1e3)
        up.add_metric(names, source.up)
        bad.add_metric(names, source.bad)
        age.add_metric(names, source.age_ms / 1e3)
        restarts.add_metric(names, source.restarts)
        if source.heartbeat != "none":
            withheld.add_metric(names, source.heartbeat == "withheld")
            proven.add_metric(names, source.watchdog_proven)
    yield from (up, bad, age, restarts, withheld, proven, offset, doubt)


def _interlocks(functions: list[InterlockView], o: Overview) -> Iterator[Metric]:
    state = GaugeMetricFamily(
        "gatehouse_interlock_state", "1; labels say mode and state.", labels=["function", "mode", "state"]
    )
    trips = CounterMetricFamily("gatehouse_trips_total", "Trips of the function.", labels=["function"])
    last = GaugeMetricFamily(
        "gatehouse_last_trip_seconds", "Demand to verified read-back, last trip.", labels=["function"]
    )
    degraded = GaugeMetricFamily("gatehouse_interlock_degraded", "Bad channels in the vote.", labels=["function"])
    for view in functions:
        state.add_metric([view.name, view.mode, view.state], 1)
        trips.add_metric([view.name], view.trips)
        degraded.add_metric([view.name], view.degraded)
        if view.last_trip_ms is not None:
            last.add_metric([view.name], view.last_trip_ms / 1e3)
    yield from (state, trips, last, degraded)
    yield _gauge("interlocks_live", "Functions in service.", o.interlocks_live)
    yield _gauge("interlocks_tripped", "Functions in service that are tripped.", o.interlocks_tripped)
    yield _gauge("bypasses", "Active bypasses.", o.bypasses)


def _alarms(alarms: list[AlarmView], o: Overview) -> Iterator[Metric]:
    active = GaugeMetricFamily("gatehouse_alarms_active", "Alarms whose condition is true.", labels=["priority"])
    for priority in PRIORITIES:
        active.add_metric([str(priority)], sum(alarm.active and alarm.priority == priority for alarm in alarms))
    yield active
    yield _gauge("alarms_unacknowledged", "Alarms nobody has acknowledged.", o.alarms_unacked)


def _figures(figures: KeyFiguresView) -> Iterator[Metric]:
    value = GaugeMetricFamily("gatehouse_alarm_figure", "Key figure of the last 30 days.", labels=["figure"])
    for row in figures.figures:
        if row.value is not None:
            value.add_metric([row.figure], row.value)
    yield value
    yield _gauge("alarm_figures_days", "Observed days that the key figures rest on.", figures.observed_days)


def _upstream(up: UpstreamView) -> Iterator[Metric]:
    yield _gauge("upstream_connected", "1 while the broker answers.", up.connected)
    messages = GaugeMetricFamily(
        "gatehouse_upstream_messages", "produced = confirmed + queued + aggregated + expired.", labels=["part"]
    )
    for part in EQUATION:
        messages.add_metric([part], getattr(up, part))
    yield messages
    yield _gauge("upstream_balanced", "1 while the equation holds.", up.balanced)
    yield _gauge("upstream_refused", "Messages the broker refused.", up.refused)
