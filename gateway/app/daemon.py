"""One gateway: a site becomes objects, objects become nested task groups.

Indentation is the order: sinks outside, sources inside, so on stop the sources close first and the last step drains.
"""

from __future__ import annotations

import asyncio
import fcntl
import gc
import importlib.metadata
import logging
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path

import uvloop

from drivers import base
from gateway.activation import gate, store
from gateway.activation.people import Signer, signers
from gateway.app.arming import ArmingDesk, armed_hashes, standing_down
from gateway.app.audits import AuditKeeping
from gateway.app.bundles import BundleKeeping
from gateway.app.cameras import Cameras
from gateway.app.entering import PageCertificate, access
from gateway.app.examine import examine
from gateway.app.leaks import Leaks
from gateway.app.papers import Papers
from gateway.app.peopling import PeopleDesk, Peopling
from gateway.app.plant_link import PlantLink
from gateway.app.slips import Slips
from gateway.app.stories import Stories
from gateway.app.update_word import Updates
from gateway.control.server import ControlServer
from gateway.control.verbs import Facts as ControlFacts
from gateway.core.effects import Act, Answer, Beat, Ended, Journal, View, Write
from gateway.core.kernel import Kernel
from gateway.core.program import Program
from gateway.core.samples import Durable, Stop
from gateway.history.identity import identity
from gateway.history.recorder import Recorder
from gateway.history.rings import build_rings
from gateway.history.segments import give_up_oldest
from gateway.history.writer import Limits
from gateway.journal.journal import Journal as JournalStore
from gateway.metrics.collector import Counters, WorkerCount
from gateway.metrics.server import Metrics
from gateway.page.kiosk_door import KioskDoor
from gateway.page.server import Page
from gateway.people.vault import Closed
from gateway.runtime import log_lines, supervisor
from gateway.runtime.clock import SystemClock
from gateway.runtime.desk import CommandDesk
from gateway.runtime.line import Line
from gateway.runtime.outputs import Outputs
from gateway.runtime.priority import raise_priority
from gateway.runtime.shifts import Shifts, Span
from gateway.runtime.source_clocks import Lag, SourceClock
from gateway.runtime.supervisor import LONGEST_MODEL_S, LONGEST_S, Standing
from gateway.runtime.timekeeping import Timekeeping
from gateway.runtime.views import Facts, LiveViews
from gateway.runtime.vitals import watch_program
from gateway.runtime.voices import Spoken, Voices
from gateway.runtime.watchdog import Watchdog
from gateway.site import Site
from gateway.site.report import text as as_text
from gateway.upstream.link import UpstreamError
from gateway.upstream.outbox import Algebra
from inference.runtime.source import workers

SITE_INVALID, BUSY = 78, 75
STOP_S = 3.0  # the kernel's own 2 s for safe outputs, and a little to say so

_log = logging.getLogger("gatehouse")


def version() -> str:
    """The installed version."""
    return importlib.metadata.version("gatehouse-edge")


class _Sinks:
    """Where the line's effects go."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway

    def write(self, effect: Write) -> None:
        self._gateway.outputs.write(effect)

    def beat(self, effect: Beat) -> None:
        self._gateway.outputs.beat(effect)

    def journal(self, effect: Journal) -> None:
        self._gateway.journal.append(effect)
        self._gateway.bundles.seen(effect)
        self._gateway.cameras.seen(effect)

    def act(self, effect: Act) -> None:
        self._gateway.voices.act(effect)

    def answer(self, effect: Answer) -> None:
        self._gateway.desk.answered(effect)

    def view(self, effect: View) -> None:
        if effect.what == "alarm":
            self._gateway.link.active_changed()

    def ended(self, effect: Ended) -> None:
        self._gateway.ended(effect.safe)


class Gateway:
    """One running gateway. Construct, then `await run()`; `stop()` ends it as SIGTERM does."""

    def __init__(
        self, site: Site, program: Program, formulas: Mapping[str, str], people: Mapping[str, Signer] | None = None
    ) -> None:
        self.site = site
        self.program = program
        self._formulas = dict(formulas)
        self._people = {**signers(site.users.values()), **(people or {})}
        self.clock = SystemClock()
        self._done = asyncio.Event()
        self._stopping = False
        self.safe = False
        self._algebra_at_end: Algebra | None = None
        self._trips_before = 0
        self.started = asyncio.Event()
        self.watchdog = Watchdog()
        self.standings: dict[str, Standing] = {name: Standing() for name in site.sources}
        self.lags = {name: Lag(self.clock) for name in site.sources}
        self._edges: dict[str, Standing] = {}
        leaks = [name for name, source in site.sources.items() if source.driver == "leak"]
        self.leaks = Leaks(site.storage.directory, leaks)

    # Construction that touches the disk; the order is that of dependence.

    def build(self) -> None:
        """Open journal and history, restore, and connect the parts. Raises OSError, sqlite3.Error."""
        self.site.storage.directory.mkdir(parents=True, exist_ok=True)
        boot, kept = self._open_journal()
        self._compose(kept)
        self.kernel = Kernel(self.site.table, self.program, boot, kept, plan=self.site.plan)
        self._trips_before = sum(function.trips for function in self.kernel.functions.values())
        self._build_line(boot)
        self._build_desks()
        self._build_edges(boot)

    def _open_journal(self) -> tuple[int, dict[str, bytes]]:
        """The number of this boot, and what the journal kept of the earlier ones."""
        site, directory = self.site, self.site.storage.directory
        self.link = PlantLink(site, self.program, self._time_quality)
        self.journal = JournalStore(
            directory / "journal", self.link.outbox, partial(give_up_oldest, directory / "history")
        )
        opened = self.journal.open()
        if opened.fault:
            _log.error("journal: %s", opened.fault)
        self.link.booted(opened.boot)
        return opened.boot, standing_down(opened.kept) if site.monitor else opened.kept

    def _build_line(self, boot: int) -> None:
        """The kernel's surroundings: record, rings, Inbox, clock words, outputs."""
        site, directory = self.site, self.site.storage.directory
        limits = Limits(hours=site.storage.history_hours, bytes_max=site.storage.history_bytes_max)
        self.recorder = Recorder(directory / "history", boot, limits, identity(site.table))
        self.rings = build_rings(site.table)
        self.bundles = BundleKeeping(directory, boot)
        self.bundles.in_force(site, self.program, self._formulas, version())
        self.line = Line(self.kernel, self.clock, self.recorder, self.rings, _Sinks(self))
        self.line.on_step = self.watchdog.fed
        spans = [Span(each.name, each.begin_min, each.end_min, each.days) for each in site.shifts]
        self.shifts = Shifts(spans, site.timezone, self.clock, self.line.inbox.put)
        self.time = Timekeeping(self.clock, self.line.inbox.put, watched=bool(site.time_servers))
        self.outputs = Outputs(site.table, self.clock, self.line.inbox.put, monitor=site.monitor)
        self.journal.on_durable = self._durable

    def _build_desks(self) -> None:
        """Where people ask: the command desk, the gate before arming, the people room."""
        site = self.site
        self.desk = CommandDesk(self.line.inbox.put)
        self.updates = Updates(self.journal.note)
        self.arming = ArmingDesk(
            self.desk,
            self.kernel,
            site.storage.directory,
            self._people,
            self._formulas,
            monitor=site.monitor,
            updates=self.updates,
        )
        self.people = Peopling(site, site.people, self.clock) if site.people is not None else None
        self.front = PeopleDesk(self.arming, self.people)
        if self.people is not None:
            self.line.on_personal = self.people.seen

    def _build_edges(self, boot: int) -> None:
        """What looks, speaks and sends."""
        site = self.site
        self.views = LiveViews(self.kernel, self.line, self.outputs, self.rings, self._facts())
        self.cameras = Cameras(site, self.program, self.outputs.driver)
        self.voices = Voices(
            Spoken(site.id, boot, site.channels),
            self.views.rule_texts,
            self.outputs.driver,
            self.clock,
            self.line.inbox.put,
        )
        self.link.connect(self.kernel, self.views, self.clock, version())

    def _compose(self, kept: dict[str, bytes]) -> None:
        """What was armed last goes on protecting, whatever the site folder says now."""
        versions = store.read(self.site.storage.directory)
        for name in versions.damaged:
            _log.error("versions: %s is damaged and is not loaded", name)
        composed = gate.compose(self.program, self._formulas, armed_hashes(kept), versions, self.site.table)
        for name in composed.lost:
            _log.error("versions: the armed version of %s cannot be loaded", name)
        self.program, self._formulas = composed.program, composed.formulas

    def _durable(self, number: int, ok: bool) -> None:
        self.line.inbox.put(Durable(number, ok))

    def _facts(self) -> Facts:
        site = self.site
        return Facts(
            gateway=site.id,
            site=site.site,
            version=version(),
            language=site.language,
            monitor=site.monitor,
            directory=site.storage.directory,
            formulas=self._formulas,
            dictionary=site.dictionary,
            periods={name: getattr(s.settings, "period_ms", 0) or 0 for name, s in site.sources.items()},
            standings=self.standings,
            upstream=self.link.view,
            journal_ok=lambda: self.journal.counts().ok,
            history_hours=lambda: self.recorder.status().hours,
            recorded=lambda: self.journal.counts().waiting,
            time_quality=self._time_quality,
            time_bound_ms=self.time.bound_ms,
            time_watched=bool(site.time_servers),
            leaks=self.leaks.views,
            spectrum=self.leaks.spectrum,
            source_clock=self._source_clock,
        )

    def _time_quality(self) -> str:
        """Who disciplines the clock, none where nobody does."""
        return self.time.quality

    def counters(self) -> Counters:
        """What metrics count beside the views."""
        meter = self.line.meter
        return Counters(
            points=meter.points,
            steps=meter.steps,
            step_overruns=meter.overruns,
            overflows=sum(self.line.inbox.overflowed.values()),
            read_backs_verified=self.outputs.verified,
            read_backs_failed=self.outputs.failed,
            journal_rows=self.journal.counts().rows,
            workers=tuple(
                WorkerCount(name, one.starts, one.killed, one.results, one.skipped, one.resident)
                for name, one in sorted((name, one.figures) for name, one in workers().items())
            ),
        )

    # Life

    async def run(self) -> bool:
        """Run until stopped; True if the outputs were read back safe at the end. Raises what the kernel raises."""
        self.recorder.start()
        gc.collect()
        gc.freeze()
        try:
            async with asyncio.TaskGroup() as edges:
                edge_tasks = [edges.create_task(self._edge(name, run)) for name, run in self._edge_runs()]
                async with asyncio.TaskGroup() as line:
                    line_tasks = [line.create_task(self.outputs.run()), line.create_task(self.line.run())]
                    if self.site.shifts:
                        line_tasks.append(line.create_task(self.shifts.run()))
                    line_tasks.append(line.create_task(watch_program(self.kernel, self.line.vitals)))
                    line_tasks.append(line.create_task(self.arming.watch(self.line.vitals)))
                    async with asyncio.TaskGroup() as sources:
                        source_tasks = [sources.create_task(self._source(name)) for name in self.site.sources]
                        self.watchdog.ready()
                        self.started.set()
                        await self._done.wait()
                        _cancel(source_tasks)
                    _cancel(line_tasks)
                await asyncio.to_thread(self._drain)
                await self.link.last_words()
                self._algebra_at_end = self.link.counts()
                _cancel(edge_tasks)
        finally:
            await asyncio.to_thread(self._close)
        return self.safe

    def _edge_runs(self) -> list[tuple[str, Callable[[], Awaitable[None]]]]:
        site = self.site
        metrics = Metrics(self.views, site.metrics.listen.host, site.metrics.listen.port, self.counters)
        slips = Slips(site.storage.directory, site.id)
        facts = ControlFacts(
            version(),
            last_bundle=self.bundles.last,
            cameras=self.cameras,
            slip=slips.text,
            slip_page=slips.page,
            update=self.updates.view,
        )
        certificate, people = PageCertificate(site), access(site, self.views, self.front, facts)
        control = ControlServer(site.control.directory, self.views, self.front, facts, roles_of=people.sign_in.roles_of)
        host, port = site.page.listen.host, site.page.listen.port
        stories, papers = Stories(site.storage.directory), Papers(site.folder)
        page = Page(self.views, host, port, site.id, people, certificate.context, stories, papers)
        runs: list[tuple[str, Callable[[], Awaitable[None]]]] = [
            ("page", page.run),
            ("page-certificate", certificate.run),
            ("kiosk", KioskDoor(site.control.directory, people.kiosk).run),
            ("metrics", metrics.run),
            ("control", control.run),
            ("bundles", self.bundles.run),
            ("audits", AuditKeeping(site.storage.directory, self.journal).run),
            ("voices", self.voices.run),
            ("clips", self.cameras.run),
            ("time", self.time.run),
        ]
        if self.link.session is not None:
            runs.append(("upstream", self.link.session.run))
        if self.people is not None:
            runs += [("people", self.people.keeping.run), ("certificates", self.front.watch)]
        return runs

    async def _edge(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        standing = self._edges[name] = Standing()
        await supervisor.edge(name, run, standing, (UpstreamError, Closed))

    async def _source(self, name: str) -> None:
        source = self.site.sources[name]
        module = base.load(source.driver)

        await supervisor.source(
            name,
            lambda: self._guarded(self._equipped(name, module.Driver(source.settings, source.plan))),
            self.line.inbox,
            self.outputs,
            self.standings[name],
            LONGEST_MODEL_S if source.driver in base.models() else LONGEST_S,
            self.lags[name].heard,
        )

    def _source_clock(self, name: str) -> SourceClock:
        """What is known of a device's clock, by asking where its driver asks."""
        asked = getattr(self.outputs.driver(name), "clock", None)
        return self.lags[name].known(asked.offset() if asked is not None else None)

    def _equipped(self, name: str, driver: base.Driver) -> base.Driver:
        """A source whose results are looked at too is told where its files are."""
        self.leaks.take(name, driver)
        return self.cameras.equip(name, driver)

    def _guarded(self, driver: base.Driver) -> base.Driver:
        """A driver of what people wear asks the people room before it takes anything; without that room it takes nothing."""
        if self.people is not None and hasattr(driver, "keeper"):
            driver.keeper = self.people.keeping.intake
        return driver

    def stop(self) -> None:
        """Drive the outputs safe, read back, drain, end. Twice is the same as once."""
        if not self._stopping:
            self._stopping = True
            self.watchdog.stopping()
            self.line.inbox.put(Stop())
            asyncio.get_running_loop().call_later(STOP_S, self._done.set)

    def ended(self, safe: bool) -> None:
        """The kernel's answer to Stop."""
        self.safe = safe
        self._done.set()

    def report(self, seconds: float) -> dict[str, object]:
        """The figures of a run, after its end."""
        algebra = self._algebra_at_end
        detect = sorted(self.outputs.trip_ns)

        def quantile(share: float) -> float | None:
            return round(detect[min(len(detect) - 1, int(share * len(detect)))] / 1e6, 3) if detect else None

        return {
            "points_per_s": round(self.line.meter.points / seconds, 1),
            "trips": sum(function.trips for function in self.kernel.functions.values()) - self._trips_before,
            "read_backs_verified": self.outputs.verified,
            "alarms_produced": algebra.produced if algebra else 0,
            "alarms_confirmed": algebra.confirmed if algebra else 0,
            "alarms_queued": algebra.queued if algebra else 0,
            "alarms_lost": algebra.expired + algebra.missed if algebra else 0,
            "detect_to_output_ms": {"p50": quantile(0.5), "p99": quantile(0.99)},
            "errors": sum(s.bugs for s in (*self.standings.values(), *self._edges.values())),
        }

    def _drain(self) -> None:
        """Everything handed over is on disk, or has had its time."""
        self.journal.ride()
        self.recorder.close()

    def _close(self) -> None:
        self.recorder.close()
        if not self.journal.close():
            _log.error("journal: not everything could be written before the end")


def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()


def _lock(directory: Path) -> int | None:
    """One gateway per state directory; None where another one holds it."""
    directory.mkdir(parents=True, exist_ok=True)
    handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle


def start(site: Path, lang: str, people: Mapping[str, Signer] | None = None) -> Gateway | int:
    """Read, check and build; an exit code where that is the end of it."""
    checked = examine(site, for_run=True)
    told = [problem for problem in checked.problems if problem.severity != "note"]
    if told:
        print(as_text(told, lang), end="", file=sys.stderr)
    if checked.site is None or checked.program is None:
        return SITE_INVALID
    if _lock(checked.site.storage.directory) is None:
        en = f"Another gateway runs on {checked.site.storage.directory}."
        zh = f"已有网关在使用 {checked.site.storage.directory}。"
        print(zh if lang.startswith("zh") else en, file=sys.stderr)
        return BUSY
    gateway = Gateway(checked.site, checked.program, checked.formulas, people)
    gateway.build()
    return gateway


def run(site: Path, *, lang: str) -> int:
    """`gatehouse run`: the daemon, until SIGTERM or SIGINT. 78 where the site is invalid, before any socket opens."""
    set_up_process()
    raise_priority()
    return uvloop.run(_run(site, lang))


async def _run(site: Path, lang: str) -> int:
    gateway = start(site, lang)
    if isinstance(gateway, int):
        return gateway
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, gateway.stop)
    page = gateway.site.page.listen
    _log.info("gateway %s boot %d: page http://%s:%d", gateway.site.id, gateway.kernel.boot, page.host, page.port)
    safe = await gateway.run()
    _log.info("stopped; outputs %s", "read back safe" if safe else "NOT read back safe: the PLC's watchdog has them")
    return 0


def set_up_process() -> None:
    """Assertions on, short switch interval (a decoding thread must not hold the line), logs to stderr."""
    if not __debug__:
        raise SystemExit("the kernel's assertions must stay on: do not run with -O")
    sys.setswitchinterval(0.0005)
    log_lines.set_up()
