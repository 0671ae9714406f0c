"""`step(stamp, input) -> effects`: the whole of what decides, synchronous and deterministic (spec/kernel.md).

Deadlines are (due_ns, kind, index, generation) in a heap and fire at their own due time, before the input that is applied.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gateway.core.annunciation import QUIET, AlarmPlan
from gateway.core.annunciator import Annunciator
from gateway.core.arbiter import Arbiter
from gateway.core.assembly import Living, asked_done, assemble
from gateway.core.commands import Commands
from gateway.core.controls import Linkage
from gateway.core.deadlines import CALM, ESCALATE, RULE, SOURCE, STOPPING, TOLD
from gateway.core.early import EarlyWarning
from gateway.core.effects import Effect, Ended, Journal, Record, Write
from gateway.core.freshness import NEVER, Freshness
from gateway.core.functions import Function
from gateway.core.hearing import Hearing
from gateway.core.heartbeat import Heartbeats
from gateway.core.image import Image
from gateway.core.intake import Intake
from gateway.core.interlocks import ENERGISED, SILENT, Event
from gateway.core.limits import MS, OVERRUN_CALM_NS, SOURCE_ALARM_NS, STOP_NS
from gateway.core.outputs import Owner
from gateway.core.permits import Permission
from gateway.core.privacy import Privacy
from gateway.core.program import Program, rule_hash
from gateway.core.proofs import ProofTests
from gateway.core.samples import (
    Alive,
    Columns,
    Command,
    Durable,
    Few,
    Input,
    Overrun,
    Personal,
    SelfCheck,
    Shift,
    SourceDown,
    Stamp,
    Stop,
    TimeBound,
    WriteResult,
)
from gateway.core.scores import Scores
from gateway.core.service import Service
from gateway.core.stamps import Checklist, Stamps
from gateway.core.summary import AlarmSummary, Audit, Chatter, Flood
from gateway.core.tags import Cause, TagTable
from gateway.core.tellings import Tellings
from gateway.core.watches import Watch

_OF_A_RULE = (RULE, ESCALATE, TOLD)  # deadlines whose index is that of a rule
_CALM = (TOLD, 0, 0)  # and one that is not


class Kernel:
    """The kernel of one site. `boot` is the durable boot counter; `kept` what the journal kept of earlier boots."""

    def __init__(
        self,
        table: TagTable,
        program: Program,
        boot: int,
        kept: dict[str, bytes] | None = None,
        checklists: Sequence[Checklist] = (),
        plan: AlarmPlan = QUIET,
    ) -> None:
        self.table, self.program, self.boot, self.plan = table, program, boot, plan
        self._program_hash = rule_hash(program)  # of 1,000 rules it costs milliseconds, and every snapshot names it
        self._plan_hash = plan.hash()
        self.names = table.names()
        self.image = Image(table)
        self.privacy = Privacy(table)
        self.fresh = Freshness(table)
        self.sources = {source.name: at for at, source in enumerate(table.sources)}
        self.seq, self.now_ns, self._utc_offset_ns = 0, 0, 0
        self.steps = 0
        self.self_ok, self.self_reason, self.booted = False, "", False
        self.stopping_ns, self.ended = -1, False
        self._overrun_ns = -1  # the last step or lag that took too long, -1 = the line keeps up
        self._counter = 0
        self._index = {rule.name: at for at, rule in enumerate(program.rules)}
        self._heap: list[tuple[int, int, int, int]] = []
        self._writes: list[Effect] = []
        self._rest: list[Effect] = []
        self.functions: dict[str, Function] = {}
        self.candidates: dict[str, Function] = {}  # another version of a function, on trial beside it
        self.controls: dict[str, Linkage] = {}
        self.watches: dict[str, Watch] = {}
        self.permits: dict[str, Permission] = {}
        self.rules: list[Living] = []
        self.asked_done = asked_done(program)  # what people note as done -> the rules that ask for it
        self.stamps = Stamps(boot, checklists)
        self.arbiter = Arbiter(self)
        self.outputs = self.arbiter.outputs
        self.service = Service(self)
        self.alarms = Annunciator(self)
        self.alarms.add_system("OVERRUN", "", 3)
        self.alarms.add_system("CLOCK_UNCERTAIN", "", 3)
        assemble(self)
        self.privacy.know([*self.rules])
        self.tellings = Tellings(self)
        self.intake = Intake(self)
        self.early = EarlyWarning(self)
        self.heart = Heartbeats(self)
        self.proofs = ProofTests(self)
        self.commands = Commands(self)
        self.hearing = Hearing(self, self.alarms)
        self.scores = Scores(self)
        self._apply = self._inputs()
        self._due = self._deadlines()
        self._restore_kept(kept or {})

    # --- construction ---

    def _inputs(self) -> dict[type, Callable[..., None]]:
        return {
            Columns: self.intake.on_columns,
            Few: self.intake.on_few,
            Personal: self.intake.on_few,
            Alive: self.intake.on_alive,
            SourceDown: self.intake.on_source_down,
            WriteResult: self._on_result,
            Command: self.commands.given,
            Durable: self.commands.durable,
            SelfCheck: self._on_self_check,
            Overrun: self._on_overrun,
            Shift: self.hearing.on_shift,
            TimeBound: self._on_time_bound,
            Stop: self._on_stop,
        }

    def _deadlines(self) -> tuple[Callable[[int, int, int], None], ...]:
        """What is due, in the order of `core.deadlines`: called with (index, generation, now_ns)."""
        return (
            self._due_rule,
            self.arbiter.due_try,
            lambda tag, _generation, now_ns: self.arbiter.due_held(tag, now_ns),
            lambda source, _generation, now_ns: self.intake.due_fresh(source, now_ns),
            lambda source, _generation, now_ns: self.intake.due_peer(source, now_ns),
            lambda group, _generation, now_ns: self.intake.due_frozen(group, now_ns),
            lambda source, _generation, now_ns: self.heart.due(source, now_ns),
            self.heart.proof_due,
            lambda rule, _generation, now_ns: self.service.due_bypass(rule, now_ns),
            lambda source, _generation, now_ns: self.alarms.source_due(source, now_ns),
            lambda command, _generation, now_ns: self.commands.overdue(command, now_ns),
            lambda _index, _generation, now_ns: self._due_stopping(),
            lambda rule, _generation, now_ns: self.proofs.due_look(rule, now_ns),
            self.proofs.due_end,
            lambda _index, _generation, now_ns: self._due_calm(now_ns),
            lambda alarm, _generation, now_ns: self.alarms.masking.due(alarm, now_ns),
            self.tellings.due,
            lambda area, _generation, now_ns: self.alarms.bursts.due_flood(area, now_ns),
            lambda alarm, _generation, now_ns: self.alarms.due_chatter(alarm, now_ns),
            lambda alarm, _generation, now_ns: self.alarms.due_stale(alarm, now_ns),
            self.tellings.due_told,
            self.hearing.sounds.due,
            lambda alarm, occurrence, now_ns: self.hearing.due_unheeded(self.alarms.at(alarm), occurrence, now_ns),
            lambda alarm, occurrence, now_ns: self.hearing.due_realarm(self.alarms.at(alarm), occurrence, now_ns),
            lambda _index, _generation, now_ns: self.scores.due(now_ns),
            lambda card, _generation, now_ns: self.early.due(card, now_ns),
        )

    def _restore_kept(self, kept: dict[str, bytes]) -> None:
        for key in sorted(kept):
            kind, _, name = key.partition(":")
            if kind == "function" and name in self.functions:
                function = self.functions[name]
                function.restore(kept[key])
                if function.live:
                    self.arbiter.own(function)
            elif kind == "control" and name in self.controls:
                linkage = self.controls[name]
                linkage.restore(kept[key])
                if linkage.live:
                    self.arbiter.own(linkage)
            elif kind == "permit" and name in self.permits:
                self.permits[name].restore(kept[key])
            elif kind == "done":
                self.stamps.restore(name, kept[key])
            elif kind == "output":
                self.arbiter.restore(name)
            elif kind == "proof":
                self.proofs.restore(name, kept[key])
            elif kind == "watchdog":
                self.heart.restore(name, kept[key])
            elif kind == "alarm":
                self.alarms.restore(name, kept[key])
            elif kind == "kpi":
                self.scores.restore(name, kept[key])

    # --- the door ---

    def step(self, stamp: Stamp, given: Input) -> list[Effect]:
        """Fire what is due at or before `stamp.admit_ns`, each at its own time, then apply `given`."""
        assert stamp.seq == self.seq + 1 or not self.seq, f"input {stamp.seq} after {self.seq}"
        assert stamp.admit_ns >= self.now_ns, "kernel time runs backwards"
        effects = self._fire(stamp.admit_ns)
        self.seq, self.now_ns = stamp.seq, stamp.admit_ns
        self._utc_offset_ns = stamp.utc_ns - stamp.admit_ns
        self._apply[type(given)](given, stamp.admit_ns)
        self.steps += 1
        effects += self._flush(stamp.admit_ns)
        return effects

    def wake(self, now_ns: int) -> list[Effect]:
        """Fire what is due by `now_ns`. Not an input: it changes when effects appear, never which."""
        effects = self._fire(now_ns)
        self.steps += 1
        return effects

    def next_due_ns(self) -> int:
        """The earliest deadline, NEVER if there is none."""
        return self._heap[0][0] if self._heap else NEVER

    def _fire(self, until_ns: int) -> list[Effect]:
        effects: list[Effect] = []
        while self._heap and self._heap[0][0] <= until_ns:
            due_ns, kind, index, generation = heapq.heappop(self._heap)
            self.now_ns = max(self.now_ns, due_ns)
            self._due[kind](index, generation, due_ns)
            effects += self._flush(due_ns)
        return effects

    def _flush(self, now_ns: int) -> list[Effect]:
        """Let the outputs follow the functions, then give back the writes before everything else of this instant."""
        self.arbiter.settle(now_ns)
        if self.stopping_ns >= 0 and not self.ended and self.arbiter.all_safe():
            self.emit(Ended(True))
            self.ended = True  # and stays so: what was asked before the end is not energised after it
        effects, self._writes, self._rest = self._writes + self._rest, [], []
        return effects

    # --- services for functions, watches, alarms, commands ---

    def schedule(self, due_ns: int, kind: int, index: int, generation: int = 0) -> None:
        """Put a deadline in the heap; never before now."""
        heapq.heappush(self._heap, (max(due_ns, self.now_ns), kind, index, generation))

    def schedule_once(self, due_ns: int, kind: int, index: int) -> None:
        """Put a deadline in the heap unless one of its kind and index is due by then."""
        if not any(entry[1] == kind and entry[2] == index and entry[0] <= due_ns for entry in self._heap):
            self.schedule(due_ns, kind, index)

    def schedule_rule(self, due_ns: int, index: int) -> None:
        """Evaluate rule `index` at `due_ns`."""
        heapq.heappush(self._heap, (max(due_ns, self.now_ns), RULE, index, 0))

    def utc_ns(self, at_ns: int) -> int:
        """UTC of a kernel instant, by the last input's stamp."""
        return at_ns + self._utc_offset_ns

    def utc_ms(self, at_ns: int) -> int:
        """The same in ms."""
        return self.utc_ns(at_ns) // MS

    def stamped(self, name: str, now_ns: int) -> int:
        """Age in ns of what a person noted as done, -1 where none counts."""
        return self.stamps.age_ns(name, now_ns, self.utc_ms(now_ns))

    def count(self) -> int:
        """The next number of this boot."""
        apart = self.privacy.count()
        if apart:
            return apart
        self._counter += 1
        return self._counter

    def identify(self) -> tuple[int, int]:
        """A fresh identifier: (boot, counter)."""
        return self.boot, self.count()

    def record(
        self,
        kind: str,
        subject: str,
        at_ns: int,
        detail: dict[str, Any] | None = None,
        *,
        person: str = "",
        key: str = "",
        keep: bytes | None = None,
        summary: AlarmSummary | Audit | Flood | Chatter | None = None,
        confirm: int = 0,
        identity: tuple[int, int] | None = None,
    ) -> None:
        """Ask for a journal row, with what a restart must know and what leaves the box under the same `identity`."""
        row = Record(
            identity or self.identify(), at_ns, self.utc_ms(at_ns), kind, subject, detail or {}, person, key, keep
        )
        self.emit(Journal(row, summary, confirm))

    def emit(self, effect: Effect) -> None:
        """Add an effect of this instant; writes go before the rest."""
        (self._writes if isinstance(effect, Write) else self._rest).append(effect)

    def index_of(self, name: str) -> int:
        """The number of the rule `name`."""
        return self._index[name]

    def advised(self, name: str, up: bool, now_ns: int) -> None:
        """An advisory without an alarm came up or went down."""
        self.record("advisory.up" if up else "advisory.down", name, now_ns)

    def source_of(self, tag: int) -> int:
        """Index of the source of a tag."""
        return self.sources[self.table.tags[tag].source]

    def silent(self, source: str) -> bool:
        """I3: the heartbeat of a PLC is withheld while the self-check is down or a live function of its is not to be trusted."""
        return not self.self_ok or any(
            function.live and function.state in SILENT and any(o.tag.source == source for o in function.outputs)
            for function in self.functions.values()
        )

    def _on_result(self, result: WriteResult, now_ns: int) -> None:
        if not self.tellings.result(result, now_ns):
            self.arbiter.on_result(result, now_ns)

    # --- the gateway itself ---

    def _on_self_check(self, check: SelfCheck, now_ns: int) -> None:
        first, self.booted = not self.booted, True
        if check.ok == self.self_ok and not first:
            return
        self.self_ok, self.self_reason = check.ok, check.what
        if not check.ok or not first:
            self.record("self_check", "gateway", now_ns, {"ok": check.ok, "what": check.what})
        self.alarms.self_check(check.ok, now_ns)
        for function in self.functions.values():
            function.event(Event.SELF_OK if check.ok else Event.SELF_FAIL, now_ns)
        for linkage in self.controls.values():
            linkage.evaluate(now_ns)
        for permission in self.permits.values():
            if permission.issued is not None and (first or not check.ok):
                permission.end("restart" if first else "condition", now_ns)
        if first:
            self._begin(now_ns)

    def _begin(self, now_ns: int) -> None:
        """The first self-check: what has never been received counts as bad from now on."""
        for rule in self.rules:
            rule.evaluate(now_ns)
        self.heart.start(now_ns)
        self.proofs.begin(now_ns)
        self.alarms.masking.begin(now_ns)
        self.hearing.begin(now_ns)
        self.scores.begin(now_ns)
        self.early.begin(now_ns)
        for at, groups in enumerate(self.fresh.members):
            if any(self.fresh.down[group] for group in groups):
                self.alarms.source_lost(at, Cause.NEVER, now_ns)
                self.schedule(now_ns + SOURCE_ALARM_NS, SOURCE, at)

    def _on_overrun(self, overrun: Overrun, now_ns: int) -> None:
        """I26: an event and an alarm that stays until the line has kept up for a while; a long lag is the self-check's."""
        self.record(f"line.{overrun.what}", "gateway", now_ns, {"took_ms": overrun.took_ns / MS})
        if self._overrun_ns < 0:
            self.alarms.system("OVERRUN", True, now_ns)
            self.schedule(now_ns + OVERRUN_CALM_NS, CALM, 0)
        self._overrun_ns = now_ns

    def _on_time_bound(self, bound: TimeBound, now_ns: int) -> None:
        """Kernel time is monotonic and does not care; what people and receivers read beside an event does."""
        self.alarms.system("CLOCK_UNCERTAIN", bound.uncertain, now_ns)

    def _due_calm(self, now_ns: int) -> None:
        if now_ns - self._overrun_ns < OVERRUN_CALM_NS:
            self.schedule(self._overrun_ns + OVERRUN_CALM_NS, CALM, 0)
            return
        self._overrun_ns = -1
        self.alarms.system("OVERRUN", False, now_ns)

    def exchange(self, name: str) -> None:
        """The candidate of `name` and the version in its place change places."""
        self.functions[name], self.candidates[name] = self.candidates[name], self.functions[name]
        self.alarms.restate(self.functions[name].rule)

    def intact(self, index: int) -> bool:
        """I24: rule `index` is still the one that was loaded, by its hash; all of them, by that of the program."""
        rule = self.rules[index]
        return rule.rule is self.program.every()[index] and rule_hash(rule.rule) == rule.hash

    def _on_stop(self, _stop: Stop, now_ns: int) -> None:
        self.stopping_ns = now_ns
        self.record("gateway.stop", "gateway", now_ns)
        for function in self.functions.values():
            if function.state in ENERGISED:
                function.event(Event.MANUAL_TRIP, now_ns, {"because": "STOP"})
        for linkage in self.controls.values():
            linkage.evaluate(now_ns)
        for permission in self.permits.values():
            if permission.issued is not None:
                permission.end("stop", now_ns)
        self.hearing.sounds.stop(now_ns)
        self.scores.keep(now_ns)
        self.schedule(now_ns + STOP_NS, STOPPING, 0)

    def _due_stopping(self) -> None:
        if not self.ended:
            self.ended = True
            self.emit(Ended(False))

    def _due_rule(self, index: int, _generation: int, now_ns: int) -> None:
        rule = self.rules[index]
        rule.evaluate(now_ns)
        rule.settle(now_ns)

    # --- snapshot ---

    def snapshot(self, *, vault: bool = False) -> bytes:
        """Everything that `restore` needs for the same effects from here on, bit for bit.

        What is personal is in it only for the `vault`: without it the rules that read personal tags rest after a `restore`.
        """
        privacy = self.privacy
        hidden = frozenset() if vault else privacy.indexes
        heap = [
            entry for entry in self._heap if not (entry[2] in hidden and entry[1] in _OF_A_RULE and entry[1:] != _CALM)
        ]
        state = {
            "boot": self.boot,
            "program": self._program_hash,
            "plan": self._plan_hash,
            "clock": [self.seq, self.now_ns, self._utc_offset_ns, self._counter],
            "level": [self.self_ok, self.self_reason, self.booted, self.stopping_ns, self.ended],
            "heap": sorted(heap),
            "image": self.image.save([] if vault else privacy.tags),
            "fresh": self.fresh.save(),
            "rules": [None if rule.index in hidden else rule.save() for rule in self.rules],
            "apart": [privacy.withheld or bool(hidden), privacy.counter],
            "versions": {name: self.functions[name].index for name in self.candidates},
            "outputs": self.arbiter.save(),
            "alarms": self.alarms.save(),
            "heart": self.heart.save(),
            "proofs": self.proofs.save(),
            "tellings": self.tellings.save(frozenset() if vault else privacy.names),
            "stamps": self.stamps.save(),
            "overrun": self._overrun_ns,
            "commands": self.commands.save(),
            "hearing": self.hearing.save(),
            "scores": self.scores.save(),
            "early": self.early.save(),
        }
        return msgspec.msgpack.encode(state)

    def restore(self, data: bytes) -> None:
        """Take a snapshot of a kernel of the same site and program. Raises ValueError if it is of another."""
        state = msgspec.msgpack.decode(data)
        if state["program"] != self._program_hash:
            raise ValueError("the snapshot is of another rule set")
        if state.get("plan") != self._plan_hash:
            raise ValueError("the snapshot is of another plan of sounds and routes")
        if not self.early.known(state.get("early", [])):
            raise ValueError("the snapshot is of other warning cards")
        self.boot = state["boot"]
        self.seq, self.now_ns, self._utc_offset_ns, self._counter = state["clock"]
        self.self_ok, self.self_reason, self.booted, self.stopping_ns, self.ended = state["level"]
        self._heap = [(due, kind, index, generation) for due, kind, index, generation in state["heap"]]
        self.image.load(state["image"])
        self.fresh.load(state["fresh"])
        self.privacy.withheld, self.privacy.counter = state["apart"]
        for rule, saved in zip(self.rules, state["rules"], strict=True):
            if saved is None:
                self.privacy.withheld = True
            else:
                rule.load(saved)
        for name, index in state["versions"].items():
            if self.functions[name].index != index:
                self.exchange(name)
        owners: dict[int, Owner] = {rule.index: rule for rule in self.rules if isinstance(rule, Function | Linkage)}
        owners |= {horn.index: horn for horn in self.hearing.sounds.horns}
        self.arbiter.load(state["outputs"], owners)
        self.alarms.load(state["alarms"])
        self.heart.load(state["heart"])
        self.proofs.load(state["proofs"])
        self.tellings.load(state["tellings"])
        self.stamps.load(state["stamps"])
        self._overrun_ns = state["overrun"]
        self.commands.load(state["commands"])
        self.hearing.load(state["hearing"])
        self.scores.load(state["scores"])
        self.early.load(state.get("early", []))
