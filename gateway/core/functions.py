"""The life of one interlock: its condition, mode, timers and first-out around the machine of `core.interlocks`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import msgspec

from gateway.core import deviation, function_state
from gateway.core.evaluate import BYPASSED, OPERATORS, Condition, Leaf
from gateway.core.function_state import Bypass, FirstOut, Kept, Mode
from gateway.core.image import Image
from gateway.core.interlocks import ENERGISED, Event, State, after
from gateway.core.limits import DEGRADED_MAX_NS, DEGRADED_WARN, GOOD_NS, SLOW_SHARE
from gateway.core.outputs import Output
from gateway.core.program import Expression, Interlock, Policy, rule_hash
from gateway.core.statistics import Statistics
from gateway.core.tags import Quality
from gateway.core.voting import FALSE, LEFT, TRUE, UNKNOWN


class Line(Protocol):
    """What a function needs of the kernel."""

    @property
    def self_ok(self) -> bool: ...
    @property
    def stopping(self) -> bool: ...

    def utc_ms(self, at_ns: int) -> int: ...
    def schedule_rule(self, due_ns: int, index: int) -> None: ...
    def stamped(self, name: str, now_ns: int) -> int: ...
    def moved(self, function: Function, event: Event, before: State, now_ns: int, detail: dict[str, Any]) -> None:
        """The function's state changed: journal it, arbitrate its outputs."""

    def noted(self, function: Function, kind: str, now_ns: int, detail: dict[str, Any]) -> None:
        """Something worth a journal row happened that is no change of state."""


class Function:
    """One interlock as the kernel runs it."""

    follows = False

    def __init__(
        self,
        rule: Interlock,
        index: int,
        image: Image,
        numbers: dict[str, int],
        line: Line,
        outputs: Sequence[Output],
        otherwise: Sequence[Output],
    ) -> None:
        self.rule = rule
        self.name = rule.name
        self.index = index
        self.hash = rule_hash(rule)
        self.line = line
        self._image = image
        self._numbers = numbers
        self.when = self._condition(rule.when, rule.on_bad)
        self._read, self._inputs = self.when.root.read, self.when.inputs
        self.deviations = deviation.of(self.when, image)
        self.permissive = self._condition(rule.permissive, demanding=False) if rule.permissive else None
        self.until = self._condition(rule.override.until, demanding=False) if rule.override else None
        self.outputs = outputs
        self.otherwise = otherwise  # secondary outputs, driven when the first ones fail
        self.mode: Mode = "shadow"
        self.armed_hash = ""
        self.state = State.INIT
        self.state_since_ns = 0
        self.truth = UNKNOWN
        self.permitted = FALSE
        self.clear_since_ns = -1
        self.pending_since_ns = -1  # start of PRETRIP
        self.demand_ns = -1  # start of the trip cycle
        self.first_out: FirstOut | None = None
        self.cycle: FirstOut | None = None  # what the running PRETRIP would have as first-out
        self.trips = 0
        self.statistics = Statistics()
        self.last_trip_ns = -1  # demand to verified read-back
        self.confirm_since_ns = -1
        self.unconfirmed: list[int] = []  # effects of the last trip that have not been seen and have time left
        self.effect_failed = False
        self.degraded_since_ns = -1
        self.degraded_warned = False
        self.bypasses: list[Bypass] = []
        self.override: Bypass | None = None  # the start-up override that runs (I18)
        self.would_trip = False
        self.retiring = False  # disarmed, but its outputs are not yet read back safe
        self.last_bypass: dict[str, tuple[str, int]] = {}  # tag -> who bypassed it last, and when that ended
        self._due_ns = -1

    def _condition(self, asked: Expression, on_bad: Policy = "safe", *, demanding: bool = True) -> Condition:
        return Condition(
            asked,
            self._image,
            self._numbers,
            on_bad,
            self.rule.bad_after_ns,
            self._schedule,
            demanding=demanding,
            stamped=self.line.stamped,
        )

    # --- what others ask ---

    def asks(self, _output: Output) -> bool:
        """True while this function wants its outputs energised."""
        return self.state in ENERGISED

    @property
    def live(self) -> bool:
        """In service: it owns its outputs."""
        return self.mode == "live"

    def conditions(self) -> list[Condition]:
        """Everything that reads tags for this function."""
        return [condition for condition in (self.when, self.permissive, self.until) if condition is not None]

    def reads(self) -> set[int]:
        """The tags whose change wakes this function."""
        leaves = (number for condition in self.conditions() for number in condition.reads())
        return {*leaves, *(self._numbers[confirm.tag] for confirm in self.rule.confirms)}

    def demanded(self) -> bool:
        """The voted condition asks for the safe state."""
        return self.truth & 3 == TRUE or self.truth & 3 == UNKNOWN

    def cleared(self) -> bool:
        """The condition is certainly false: an UNCERTAIN value never clears."""
        return self.truth in (FALSE, LEFT)

    def permissive_ok(self) -> bool:
        """The permissive is certainly true, or there is none."""
        return self.permissive is None or self.permitted == TRUE

    def ready_ns(self, now_ns: int) -> int:
        """The instant at which a TRIPPED function may become READY, -1 while something is missing."""
        if not self.cleared() or not self.permissive_ok() or self.clear_since_ns < 0:
            return -1
        if self.when.inputs.unfit or not all(o.verified and o.wanted == o.tag.safe for o in self.outputs):
            return -1
        return max(
            max(self.clear_since_ns, self.state_since_ns) + self.rule.clear_ns, self.when.inputs.fit_since_ns + GOOD_NS
        )

    def budget_ns(self) -> int:
        """The tightest `within` of its outputs, 0 = none is given."""
        return min((stop.within_ns for stop in self.rule.stops if stop.within_ns), default=0)

    def slow(self) -> bool:
        """The trips come too close to their budget: their p99 is above 80 % of it (rules.md)."""
        return 0 < self.budget_ns() * SLOW_SHARE < self.statistics.quantile_ns(0.99)

    # --- evaluation ---

    def _schedule(self, due_ns: int) -> None:
        self.line.schedule_rule(due_ns, self.index)

    def _wake_at(self, due_ns: int, now_ns: int) -> None:
        """One pending deadline is enough: if it comes too early, `settle` asks again."""
        if self._due_ns <= now_ns or due_ns < self._due_ns:
            self._due_ns = due_ns
            self._schedule(due_ns)

    def evaluate(self, now_ns: int) -> None:
        """Read the conditions; act if their truth or the fitness of an input changed."""
        truth = self._read(now_ns)
        if self.until is not None:
            self._judge_override(now_ns)
            truth = LEFT if self.override is not None else truth
        if self.deviations:
            self._judge_deviations(now_ns)
        permitted = TRUE if self.permissive is None else self.permissive.root.read(now_ns)
        if truth == self.truth and permitted == self.permitted and not self._inputs.dirty and not self.rule.confirms:
            return
        self.when.inputs.dirty = False
        self.truth, self.permitted = truth, permitted
        if truth in (FALSE, LEFT) and permitted == TRUE:
            if self.clear_since_ns < 0:
                self.clear_since_ns = now_ns
        else:
            self.clear_since_ns = -1
        self.settle(now_ns)

    def _judge_override(self, now_ns: int) -> None:
        """It ends on its condition or its timer, whichever is first; an uncertain value is enough to end it."""
        assert self.until is not None
        started = self.until.root.read(now_ns) & 3 == TRUE
        if self.override is not None and (started or now_ns >= self.override.until_ns):
            self._drop_override("started" if started else "expired", now_ns)

    def _judge_deviations(self, now_ns: int) -> None:
        """Channels of a vote that drift apart are told before one of them is bad (§3)."""
        for watch in self.deviations:
            changed, due_ns = watch.judge(now_ns)
            if due_ns >= 0:
                self._schedule(due_ns)
            if changed is not None:
                apart = any(other.active for other in self.deviations)
                kind = "interlock.deviation" if apart else "interlock.deviation_end"
                self.line.noted(self, kind, now_ns, {})

    def settle(self, now_ns: int) -> None:
        """Turn truths and elapsed timers into events of the machine."""
        if not self.live:
            self._settle_shadow(now_ns)
            return
        self._settle_degraded(now_ns)
        self._settle_confirm(now_ns)
        if self.state is State.TRIPPED:
            ready = self.ready_ns(now_ns)
            if 0 <= ready <= now_ns:
                self.event(Event.CLEARED, now_ns)
            elif ready > now_ns:
                self._wake_at(ready, now_ns)
        elif self.state is State.READY or self.state is State.ARMING:
            if self.demanded():
                self.event(Event.DEMAND, now_ns)
            elif not self.permissive_ok():
                self.event(Event.PERMISSIVE_LOST, now_ns)
            elif self.state is State.ARMING and all(output.verified and output.withheld() for output in self.outputs):
                self.event(Event.READ_BACK_OK, now_ns)  # a control keeps them safe: nothing will be written
        elif self.state is State.ARMED:
            if self.demanded():
                self.event(Event.DEMAND, now_ns)
        elif self.state is State.PRETRIP:
            self._settle_pretrip(now_ns)

    def _settle_pretrip(self, now_ns: int) -> None:
        over_ns = self.pending_since_ns + self.rule.on_delay_ns
        if self.cleared():
            self.event(Event.DEMAND_GONE, now_ns)
        elif self.truth & 3 == UNKNOWN or now_ns >= over_ns:
            self.event(Event.ON_DELAY_OVER, now_ns)
        else:
            self._wake_at(over_ns, now_ns)

    def _settle_shadow(self, now_ns: int) -> None:
        """What a live function would have done, for the record; it commands nothing."""
        if self.demanded() and not self.would_trip:
            if self.pending_since_ns < 0:
                self.pending_since_ns = now_ns
            over_ns = self.pending_since_ns + (0 if self.truth & 3 == UNKNOWN else self.rule.on_delay_ns)
            if now_ns < over_ns:
                self._wake_at(over_ns, now_ns)
            elif self.mode == "shadow":
                self.would_trip = True
                causes = self._first_out(now_ns).causes
                self.line.noted(self, "interlock.would_trip", now_ns, {"first_out": list(causes)})
        elif self.cleared():
            self.pending_since_ns = -1
            self.would_trip = False

    def _settle_degraded(self, now_ns: int) -> None:
        """I8: a vote with lost inputs runs at most its repair time, then trips."""
        if not self.when.inputs.lost or self.state not in ENERGISED or self.demanded():
            if self.degraded_since_ns >= 0:
                self.degraded_since_ns, self.degraded_warned = -1, False
                self.line.noted(self, "interlock.degraded_end", now_ns, {})
            return
        if self.degraded_since_ns < 0:
            self.degraded_since_ns = now_ns
            self.line.noted(self, "interlock.degraded", now_ns, {"lost": self.when.inputs.lost})
        longest_ns = min(self.rule.degraded_ns, DEGRADED_MAX_NS)
        warn_ns = self.degraded_since_ns + int(longest_ns * DEGRADED_WARN)
        over_ns = self.degraded_since_ns + longest_ns
        if now_ns >= over_ns:
            self.event(Event.DEGRADED_OVER, now_ns)
        elif now_ns >= warn_ns:
            if not self.degraded_warned:
                self.degraded_warned = True
                self.line.noted(
                    self, "interlock.degraded_warning", now_ns, {"left_ms": (over_ns - now_ns) // 1_000_000}
                )
            self._wake_at(over_ns, now_ns)
        else:
            self._wake_at(warn_ns, now_ns)

    def _settle_confirm(self, now_ns: int) -> None:
        """I11: each physical effect must be seen in its own time; if not, the secondary outputs are driven."""
        if not self.unconfirmed:
            return
        self.unconfirmed = [at for at in self.unconfirmed if not self._confirmed(at)]
        due_ns = {at: self.confirm_since_ns + self.rule.confirms[at].within_ns for at in self.unconfirmed}
        for at in [at for at in self.unconfirmed if due_ns[at] <= now_ns]:
            self.unconfirmed.remove(at)
            self.effect_failed = True
            self.line.noted(self, "interlock.effect_failed", now_ns, {"tag": self.rule.confirms[at].tag})
        if self.unconfirmed:
            self._wake_at(min(due_ns[at] for at in self.unconfirmed), now_ns)
        elif not self.effect_failed:
            self.line.noted(self, "interlock.effect_confirmed", now_ns, {})

    def _confirmed(self, at: int) -> bool:
        confirm = self.rule.confirms[at]
        number = self._numbers[confirm.tag]
        return self._image.qualities[number] == Quality.GOOD and OPERATORS[confirm.op](
            self._image.values[number], confirm.value
        )

    # --- the machine ---

    def event(self, event: Event, now_ns: int, detail: dict[str, Any] | None = None) -> bool:
        """Feed one event; True if the state changed."""
        if not self.live:
            return False
        before = self.state
        on_delay = self.rule.on_delay_ns > 0 and self.truth & 3 == TRUE
        state = after(before, event, on_delay=on_delay, self_ok=self.line.self_ok)
        if state is before:
            return False
        self.state, self.state_since_ns = state, now_ns
        self._entered(before, event, now_ns)
        self.line.moved(self, event, before, now_ns, detail or {})
        self.settle(now_ns)
        return True

    def _entered(self, before: State, event: Event, now_ns: int) -> None:
        state = self.state
        if state is State.PRETRIP:
            self.pending_since_ns = now_ns
            self.cycle = self._first_out(now_ns)
        elif state in (State.ARMING, State.ARMED):
            self.first_out = self.cycle = None
            self.pending_since_ns = self.demand_ns = -1
            self.effect_failed = False
            self.unconfirmed = []  # energised anew: the effect of the last trip can no longer be seen
        elif state is State.TRIPPING:
            self.trips += not self.line.stopping  # an orderly stop is no trip
            self.demand_ns = self.pending_since_ns if before is State.PRETRIP else now_ns
            self.first_out = self.cycle or self._cause(event, now_ns)
            if not self.line.stopping:
                self.statistics.trip(event, known=self.truth & 3 == TRUE)
            self.confirm_since_ns, self.unconfirmed = now_ns, list(range(len(self.rule.confirms)))
        elif state is State.TRIPPED:
            if before is State.TRIPPING:
                self.last_trip_ns = now_ns - self.demand_ns
                self.statistics.success(self.last_trip_ns)
            if before in (State.INIT, State.FAULT) and self.first_out is None:
                self.first_out = FirstOut(("POWER_UP",), (), now_ns, self.line.utc_ms(now_ns))
        elif state is State.TRIP_FAILED:
            self.statistics.failures += 1
        if state is not State.PRETRIP:
            self.cycle = None

    def _cause(self, event: Event, now_ns: int) -> FirstOut:
        if event in (Event.DEMAND, Event.ON_DELAY_OVER):
            return self._first_out(now_ns)
        name = "STOP" if self.line.stopping else event.name
        return FirstOut((name,), (), now_ns, self.line.utc_ms(now_ns))

    def _first_out(self, now_ns: int) -> FirstOut:
        leaves = self.when.first_true()
        at_ns = min((leaf.true_since_ns for leaf in leaves), default=now_ns)
        one: Leaf | None = leaves[0] if leaves else None
        value = self._image.values[one.number] if one else None
        return FirstOut(
            tuple(leaf.cause() for leaf in leaves),
            tuple(leaf.node.tag for leaf in leaves),
            at_ns,
            self.line.utc_ms(at_ns),
            value if value == value else None,
            self._image.tags[one.number].unit if one else "",
            one.node.limit if one else None,
        )

    def read_back(self, now_ns: int) -> None:
        """An output of this function was verified, tried, failed or moved by someone else: what does that mean here?"""
        if not self.live:
            return
        if any(output.external for output in self.outputs) and self.state in (*ENERGISED, State.READY):
            self.event(Event.EXTERNAL_TRIP, now_ns)
        elif self.state is State.ARMING:
            if all(o.verified and (o.wanted != o.tag.safe or o.withheld()) for o in self.outputs):
                self.event(Event.READ_BACK_OK, now_ns)
            elif any(output.failed for output in self.outputs):
                self.event(Event.READ_BACK_LATE, now_ns)
        elif self.state in (State.ARMED, State.PRETRIP):
            if any(output.failed for output in self.outputs):
                self.event(Event.READ_BACK_LATE, now_ns)
        elif self.state in (State.TRIPPING, State.TRIP_FAILED):
            if all(output.verified and output.wanted == output.tag.safe for output in self.outputs):
                self.event(Event.READ_BACK_OK, now_ns)
            elif any(output.failed for output in self.outputs):
                self.event(Event.READ_BACK_FAILED, now_ns)
        elif self.state is State.TRIPPED:
            self.settle(now_ns)

    def retire(self, now_ns: int) -> None:
        """Out of service: on trial again, with nothing of its life left."""
        self.mode, self.state, self.state_since_ns = "shadow", State.INIT, now_ns
        self.first_out = self.cycle = None
        self.retiring = self.effect_failed = False
        self.override = None
        self.unconfirmed = []
        self.pending_since_ns = self.demand_ns = self.degraded_since_ns = -1

    def succeed(self, old: Function, now_ns: int) -> None:
        """Go on from the state, timers and first-out of the version that protected until now."""
        function_state.inherit(self, old)
        self.clear_since_ns = now_ns if self.cleared() and self.permissive_ok() else -1

    # --- bypass ---

    def leaves_of(self, tag: str) -> list[Leaf]:
        """The comparisons of the condition that read `tag`."""
        return [leaf for leaf in self.when.leaves() if tag in leaf.tags]

    def set_bypass(self, bypass: Bypass, now_ns: int) -> None:
        """Take the tag's comparisons out of the vote."""
        self.bypasses.append(bypass)
        for leaf in self.leaves_of(bypass.tag):
            leaf.bypass(True, now_ns)
        self.evaluate(now_ns)

    def extend_bypass(self, bypass: Bypass, longer: Bypass) -> None:
        """Another person answers for it from now on; its input stays out of the vote without a gap."""
        self.bypasses[self.bypasses.index(bypass)] = longer

    def end_bypass(self, bypass: Bypass, now_ns: int) -> None:
        """Put them back; if the cause is true now, that is a demand."""
        self.bypasses.remove(bypass)
        self.last_bypass[bypass.tag] = (bypass.person, now_ns)
        for leaf in self.leaves_of(bypass.tag):
            leaf.bypass(False, now_ns)
        self.evaluate(now_ns)

    def started(self) -> bool:
        """The condition that ends a start-up override is true now."""
        return self.until is not None and self.until.root.last & 3 == TRUE

    def begin_override(self, override: Bypass, now_ns: int) -> None:
        """The demand asks for nothing until the equipment has started, or the time is over."""
        self.override = override
        self._schedule(override.until_ns)
        self.evaluate(now_ns)

    def end_override(self, why: str, now_ns: int) -> None:
        """End it now; if the cause is true, that is a demand."""
        self._drop_override(why, now_ns)
        self.evaluate(now_ns)

    def _drop_override(self, why: str, now_ns: int) -> None:
        self.override = None
        self.line.noted(self, "override.end", now_ns, {"why": why})

    def bypassed_votes(self) -> set[int]:
        """Voting groups that have a bypassed channel."""
        return {leaf.vote for leaf in self.when.leaves() if leaf.state == BYPASSED}

    # --- restart and snapshot ---

    def kept(self) -> bytes:
        """What a restart needs, for the journal."""
        return msgspec.msgpack.encode(
            Kept(self.mode, self.armed_hash, int(self.state), self.first_out, self.trips, self.statistics)
        )

    def restore(self, data: bytes) -> None:
        """Take what the journal kept: mode, latch and first-out; never an energised state, a timer or a bypass."""
        kept = msgspec.msgpack.decode(data, type=Kept)
        self.mode, self.armed_hash, self.trips, self.statistics = (
            kept.mode,
            kept.armed_hash,
            kept.trips,
            kept.statistics,
        )
        self.first_out = kept.first_out

    def save(self) -> dict[str, Any]:
        """State for a snapshot."""
        return function_state.save(self)

    def load(self, state: dict[str, Any]) -> None:
        """Take a snapshot's state."""
        function_state.load(self, state)
