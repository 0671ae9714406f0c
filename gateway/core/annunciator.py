"""All alarms of the box: who raises them, what is journalled, and the summary that may leave."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gateway.core import masks
from gateway.core.alarms import Base, Happening, Verdict, after
from gateway.core.bursts import Bursts
from gateway.core.effects import View
from gateway.core.functions import Function
from gateway.core.interlocks import ENERGISED, State
from gateway.core.limits import MS, SOURCE_ALARM_NS
from gateway.core.masking import REVIEW, Masking
from gateway.core.masks import Shelf
from gateway.core.outputs import Output
from gateway.core.points import AlarmPoint
from gateway.core.program import (
    Advisory,
    And,
    Compare,
    Control,
    Expression,
    For,
    Interlock,
    Not,
    Or,
    Permit,
    Rule,
    Vote,
    rule_hash,
)
from gateway.core.summary import AlarmEvent, AlarmSummary, Priority
from gateway.core.tags import Cause, Quality
from gateway.core.watches import Watch

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel

DOWN_STATES = (State.INIT, State.READY, State.ARMING, State.ARMED, State.PRETRIP)


class Annunciator:
    """The alarm points by name. Interlocks have four: the trip, what failed about it, its degraded vote, its deviation."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.points: dict[str, AlarmPoint] = {}
        self._personal = {tag.name for tag in kernel.table.tags if tag.personal}
        self.lost: dict[int, tuple[Cause, int]] = {}  # sources that are away, why and since when
        self.order: list[AlarmPoint] = []
        self.bursts = Bursts(kernel, self)
        self.masking = Masking(kernel, self)
        self._add("SELF_CHECK", "", 1, "system")
        self._add(REVIEW, "", 3, "system")

    def _add(self, name: str, area: str, priority: Priority, category: str, **more: Any) -> AlarmPoint:
        point = self.points[name] = AlarmPoint(name, area, priority, category, index=len(self.order), **more)
        self.order.append(point)
        return point

    def add_rule(self, rule: Rule, _index: int) -> None:
        """The alarms of a rule; value, unit and limit are those of its first comparison."""
        if isinstance(rule, Permit) or (isinstance(rule, Control | Advisory) and not rule.announce):
            return
        facts, area = self._facts(rule)
        if isinstance(rule, Interlock):
            self._add(rule.name, area, rule.priority, "interlock", action="trip", **facts)
            self._add(f"{rule.name}_FAILED", area, 1, "interlock", rule=facts["rule"])
            self._add(f"{rule.name}_DEGRADED", area, 2, "interlock", rule=facts["rule"])
            self._add(f"{rule.name}_DEVIATION", area, 3, "interlock", rule=facts["rule"])
        else:
            latch = not isinstance(rule, Control) and rule.latch
            self._add(rule.name, area, rule.priority, "process", latch=latch, **facts)

    def restate(self, rule: Interlock) -> None:
        """Another version of an interlock speaks through its alarms from now on."""
        facts, _area = self._facts(rule)
        for name in (f"{rule.name}_FAILED", f"{rule.name}_DEGRADED", f"{rule.name}_DEVIATION"):
            self.points[name].rule = facts["rule"]
        for field, value in facts.items():
            setattr(self.points[rule.name], field, value)

    def _facts(self, rule: Rule) -> tuple[dict[str, Any], str]:
        """What summaries say of a rule, and its area."""
        leaf = _first_compare(rule.when)
        if leaf is None:
            return {"rule": rule_hash(rule)[:8]}, rule.area
        tag = self._kernel.table.tags[self._kernel.names[leaf.tag]]
        facts: dict[str, Any] = {"rule": rule_hash(rule)[:8], "source": tag.name, "unit": tag.unit, "limit": leaf.limit}
        if tag.personal:
            facts |= {"source": "", "unit": "", "limit": None}
        return facts, rule.area or tag.area

    def add_source(self, name: str) -> None:
        """The alarm of a lost source."""
        self._add(f"SOURCE_{name.upper()}", "", 2, "system", source=name)

    def add_system(self, name: str, area: str, priority: Priority) -> None:
        """An alarm of the gateway itself, which `system` raises and clears."""
        self._add(name, area, priority, "system")

    # --- what raises and clears ---

    def rule_up(self, watch: Watch, now_ns: int) -> None:
        """An alarm rule turned true, or unknown: then it no longer suppresses."""
        self.masking.follow_logic(watch, now_ns)
        first = watch.when.first_true()
        self._happen(self.points[watch.name], Happening.UP, now_ns, leaf_ns=first[0].true_since_ns if first else now_ns)

    def rule_again(self, watch: Watch, now_ns: int) -> None:
        """What an alarm rule is about happened once more while it stands: who acknowledged it looks again."""
        self._happen(self.points[watch.name], Happening.REALARM, now_ns)

    def rule_down(self, watch: Watch, now_ns: int) -> None:
        """An alarm rule is certainly false."""
        self.masking.follow_logic(watch, now_ns)
        self._happen(self.points[watch.name], Happening.DOWN, now_ns)

    def function_moved(self, function: Function, before: State, now_ns: int) -> None:
        """An interlock's trip is its alarm; so is what fails about it."""
        state, point = function.state, self.points[function.name]
        failed = self.points[f"{function.name}_FAILED"]
        if state in ENERGISED:
            self.masking.protected(now_ns)
        if self._kernel.stopping_ns >= 0:
            return  # an orderly end is no alarm: the journal has it, and the status topic says offline
        if state is State.TRIPPING:
            assert function.first_out is not None
            self._happen(point, Happening.UP, now_ns, leaf_ns=function.first_out.at_ns)
            self.tell(point, "trip_requested", now_ns)
        elif state in DOWN_STATES:
            self._happen(point, Happening.DOWN, now_ns)
            self._happen(self.points[f"{function.name}_DEGRADED"], Happening.DOWN, now_ns)
            if not function.effect_failed:
                self._happen(failed, Happening.DOWN, now_ns)
            if state is State.ARMING:
                self.tell(point, "reset", now_ns)
        elif state is State.TRIP_FAILED:
            self._happen(failed, Happening.UP, now_ns)
            self.tell(point, "trip_failed", now_ns)
        elif state is State.TRIPPED and before is State.READY and function.demanded():
            self._happen(point, Happening.UP, now_ns)
        elif state is State.TRIPPED and before in (State.TRIPPING, State.TRIP_FAILED):
            self.tell(point, "trip_confirmed", now_ns)

    def function_noted(self, function: Function, kind: str, now_ns: int) -> None:
        """Degraded votes and missing effects."""
        if kind in ("interlock.degraded", "interlock.degraded_warning"):
            self._happen(self.points[f"{function.name}_DEGRADED"], Happening.UP, now_ns)
        elif kind == "interlock.degraded_end":
            self._happen(self.points[f"{function.name}_DEGRADED"], Happening.DOWN, now_ns)
        elif kind in ("interlock.deviation", "interlock.deviation_end"):
            happening = Happening.UP if kind == "interlock.deviation" else Happening.DOWN
            self._happen(self.points[f"{function.name}_DEVIATION"], happening, now_ns)
        elif kind == "interlock.effect_failed":
            self._happen(self.points[f"{function.name}_FAILED"], Happening.UP, now_ns)

    def foreign_write(self, output: Output, now_ns: int) -> None:
        """Someone else moves an output of ours."""
        for owner in output.owners:
            self._happen(self.points[f"{owner.name}_FAILED"], Happening.UP, now_ns)

    def self_check(self, ok: bool, now_ns: int) -> None:
        """The gateway finds itself unfit, or fit again."""
        self._happen(self.points["SELF_CHECK"], Happening.DOWN if ok else Happening.UP, now_ns)

    def system(self, name: str, active: bool, now_ns: int) -> None:
        """One of the gateway's own alarms is up or down."""
        self._happen(self.points[name], Happening.UP if active else Happening.DOWN, now_ns)

    def source_lost(self, source: int, cause: Cause, now_ns: int) -> None:
        """A source went away; its alarm comes when it stays away."""
        if source not in self.lost:
            self.lost[source] = (cause, now_ns)

    def source_due(self, source: int, now_ns: int) -> None:
        """A source has been away for the alarm's delay."""
        if source in self.lost and now_ns - self.lost[source][1] >= SOURCE_ALARM_NS:
            name = self._kernel.table.sources[source].name
            self._happen(self.points[f"SOURCE_{name.upper()}"], Happening.UP, now_ns, leaf_ns=self.lost[source][1])

    def source_back(self, source: int, now_ns: int) -> None:
        """Every group of a source is heard again."""
        if self.lost.pop(source, None) is not None:
            name = self._kernel.table.sources[source].name
            self._happen(self.points[f"SOURCE_{name.upper()}"], Happening.DOWN, now_ns)

    # --- people ---

    def acknowledge(self, name: str, person: str, now_ns: int) -> Verdict:
        """A person has seen this occurrence."""
        verdict = self._happen(self.points[name], Happening.ACK, now_ns, person=person)
        if verdict is Verdict.MOVED:
            self._kernel.tellings.answered(name, person, now_ns)
        return verdict

    def silent(self, name: str) -> bool:
        """The alarm of this rule is masked: nothing of it is annunciated."""
        point = self.points.get(name)
        return point is not None and point.base is Base.MASKED

    def reset(self, name: str, person: str, now_ns: int) -> Verdict:
        """A person lets go of a latched alarm."""
        return self._happen(self.points[name], Happening.RESET, now_ns, person=person)

    def at(self, index: int) -> AlarmPoint:
        """The alarm of a deadline."""
        return self.order[index]

    def due_chatter(self, index: int, now_ns: int) -> None:
        """A chatter may be over."""
        self.bursts.due_chatter(self.order[index], now_ns)

    def due_stale(self, index: int, now_ns: int) -> None:
        """An alarm may have stood for a day."""
        self.bursts.due_stale(self.order[index], now_ns)

    def tell_again(self, point: AlarmPoint, now_ns: int) -> None:
        """The same occurrence once more: people have not been told of it one by one."""
        self.tell(point, "raise", now_ns)

    def realarm(self, point: AlarmPoint, now_ns: int) -> None:
        """An acknowledged alarm still stands and is raised again; it stays the same occurrence."""
        self._happen(point, Happening.REALARM, now_ns)

    def escalated(self, point: AlarmPoint, now_ns: int) -> None:
        """Nobody acknowledged in time: the plant network hears it too."""
        self.tell(point, "escalate", now_ns)

    # --- one way in ---

    def _happen(
        self, point: AlarmPoint, happening: Happening, now_ns: int, *, person: str = "", leaf_ns: int = -1
    ) -> Verdict:
        with self._kernel.privacy.at_work(point.name):
            return self._happened(point, happening, now_ns, person=person, leaf_ns=leaf_ns)

    def _happened(self, point: AlarmPoint, happening: Happening, now_ns: int, *, person: str, leaf_ns: int) -> Verdict:
        if happening in (Happening.UP, Happening.DOWN):
            active = happening is Happening.UP
            if active == point.active:
                return Verdict.NOTHING
            point.active = active
            if point.base is Base.MASKED:
                self._behind_mask(point, now_ns)
                return Verdict.NOTHING
        before = point.base
        point.base, verdict = after(before, happening, latch=point.latch)
        if verdict not in (Verdict.MOVED, Verdict.RAISED):
            return verdict
        if verdict is Verdict.RAISED:
            self.begin_occurrence(point, now_ns)
        elif happening is Happening.REALARM:
            self._kernel.scores.again(point, now_ns)
        event: AlarmEvent = {
            Happening.UP: "raise",
            Happening.DOWN: "return" if point.base is not Base.NORMAL else "clear",
            Happening.ACK: "ack" if point.base is not Base.NORMAL else "clear",
            Happening.RESET: "reset",
            Happening.REALARM: "raise",
        }[happening]
        detail = {"realarm": True} if happening is Happening.REALARM else None
        self.tell(point, event, now_ns, person=person, leaf_ns=leaf_ns, detail=detail)
        if happening is Happening.DOWN:
            self.bursts.cleared(point, now_ns)
            self._kernel.scores.cleared(point, now_ns)
        return verdict

    def begin_occurrence(self, point: AlarmPoint, now_ns: int) -> None:
        """A new occurrence, with its own identifier, time and value."""
        point.occurrence, before_ms = self._kernel.identify(), point.raised_ms
        point.raised_ms = self._kernel.utc_ms(now_ns)
        point.count += 1
        point.escalated = False
        self._kernel.scores.raised(point, before_ms, now_ns)
        point.value = self._value(point)
        self.bursts.raised(point, now_ns)

    def _behind_mask(self, point: AlarmPoint, now_ns: int) -> None:
        """The condition moved and nobody is told: the journal has it; a one-shot shelf ends with its condition."""
        if point.active:
            point.masks = masks.up(point.masks, latch=point.latch)
        elif point.masks.shelf is Shelf.ONE_SHOT:
            self.masking.change(point, masks.unshelved(point.masks), "one-shot-over", now_ns)
            return
        self.note(point, "masked-up" if point.active else "masked-down", now_ns)

    def note(
        self, point: AlarmPoint, kind: str, now_ns: int, person: str = "", detail: dict[str, Any] | None = None
    ) -> None:
        """A journal row about an alarm that nobody is told of."""
        kernel = self._kernel
        kernel.emit(View("alarm", point.name))
        kernel.record(
            f"alarm.{kind}",
            point.name,
            now_ns,
            {"state": point.shown, "active": point.active, **(detail or {})},
            person=person,
            key=f"alarm:{point.name}",
            keep=msgspec.msgpack.encode(point.save()),
        )

    def _value(self, point: AlarmPoint) -> float | None:
        number = self._kernel.names.get(point.source, -1)
        value = self._kernel.image.values[number] if number >= 0 else float("nan")
        return value if value == value else None

    def tell(
        self,
        point: AlarmPoint,
        event: AlarmEvent,
        now_ns: int,
        *,
        person: str = "",
        leaf_ns: int = -1,
        detail: dict[str, Any] | None = None,
    ) -> None:
        """One transition: a journal row with what a restart needs, and the summary that leaves."""
        kernel = self._kernel
        if point.base is Base.MASKED and event != "shelve":
            self.note(point, event, now_ns, person)
            return
        kernel.emit(View("alarm", point.name))
        number = kernel.names.get(point.source, -1)
        quality = Quality(kernel.image.qualities[number]).name.lower() if number >= 0 else "good"
        identity = kernel.identify()  # of the row and of what leaves: a receiver's id is found in the journal
        summary = AlarmSummary(
            utc_ms=kernel.utc_ms(now_ns),
            id=identity,
            occurrence=point.occurrence,
            alarm=point.name,
            area=point.area,
            event=event,
            state=point.shown,
            priority=point.priority,
            category=point.category,
            action=point.action,
            source=point.source,
            value=point.value if event == "raise" else self._value(point),
            unit=point.unit,
            limit=point.limit,
            quality=quality,
            first_out=event == "raise" and point.category == "interlock",
            count=point.count,
            delay_ms=(now_ns - leaf_ns) // MS if leaf_ns >= 0 else 0,
            rule=point.rule,
            lane=max(kernel.hearing.way(point).lane, 0),
        )
        kernel.record(
            f"alarm.{event}",
            point.name,
            now_ns,
            {"state": point.shown, "occurrence": list(point.occurrence), "priority": point.priority, **(detail or {})},
            person=person,
            key=f"alarm:{point.name}",
            keep=msgspec.msgpack.encode(point.save()),
            summary=summary if kernel.hearing.leaves(point) else None,
            identity=identity,
        )
        kernel.hearing.told(point, event, now_ns)

    # --- restart and snapshot ---

    def restore(self, name: str, data: bytes) -> None:
        """Take what the journal kept: base state and occurrence. Whether it is still active is found out anew."""
        point = self.points.get(name)
        if point is not None:
            point.load(msgspec.msgpack.decode(data))
            if point.base is not Base.MASKED:
                point.active = point.base in (Base.UNACK, Base.ACKED)

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [
            [point.save() for point in self.order],
            [[source, int(cause), at] for source, (cause, at) in sorted(self.lost.items())],
            self.bursts.save(),
        ]

    def load(self, state: list[Any]) -> None:
        """Take a snapshot's state."""
        for point, saved in zip(self.order, state[0], strict=True):
            point.load(saved)
        self.lost = {source: (Cause(cause), at) for source, cause, at in state[1]}
        self.bursts.load(state[2])


def _first_compare(expression: Expression) -> Compare | None:
    """The comparison whose value stands for the whole rule in a summary; a rule of computed numbers or events has none."""
    match expression:
        case Compare():
            return expression
        case Not(item=item) | For(item=item):
            return _first_compare(item)
        case And(items=items) | Or(items=items) | Vote(items=items):
            return _first_compare(items[0])
        case _:
            return None
