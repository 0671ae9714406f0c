"""Silencing the alarms of the whole box: shelves, suppression by design, out of service; who sets and lifts them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from gateway.core import masks
from gateway.core.alarms import Base, Verdict
from gateway.core.deadlines import ALARM
from gateway.core.evaluate import Leaf
from gateway.core.interlocks import ENERGISED
from gateway.core.limits import MS, OOS_REVIEW_MS
from gateway.core.masks import Masks
from gateway.core.points import AlarmPoint
from gateway.core.voting import FALSE, TRUE
from gateway.core.watches import Watch

if TYPE_CHECKING:
    from gateway.core.annunciator import Annunciator
    from gateway.core.kernel import Kernel

REVIEW = "OOS_REVIEW"  # an alarm has been out of service for a day and nobody looked


class Masking:
    """What keeps alarms silent, and what becomes of an alarm when that ends."""

    def __init__(self, kernel: Kernel, alarms: Annunciator) -> None:
        self._kernel, self._alarms = kernel, alarms

    def change(
        self, point: AlarmPoint, changed: Masks, kind: str, now_ns: int, person: str = "", **detail: Any
    ) -> None:
        """Set or lift masks: the first one silences the alarm, the last one to go shows what is there as a new occurrence."""
        before = point.base
        point.base, point.masks, verdict = masks.change(
            before, point.masks, changed, active=point.active, latch=point.latch
        )
        detail = {"mask": kind, **detail}
        if verdict is Verdict.NOTHING:
            self._alarms.note(point, kind, now_ns, person, detail)
        elif before is not Base.MASKED:
            self._alarms.tell(point, "shelve", now_ns, person=person, detail=detail)
        elif point.base is Base.NORMAL:
            self._alarms.tell(point, "clear", now_ns, person=person, detail=detail)
        else:
            self._alarms.begin_occurrence(point, now_ns)
            self._alarms.tell(point, "raise", now_ns, person=person, detail=detail)
        for due_ms in (point.masks.until_ms, point.masks.review_ms):
            if due_ms:
                due_ns = now_ns + (due_ms - self._kernel.utc_ms(now_ns)) * MS
                self._kernel.schedule(due_ns, ALARM, point.index)

    def due(self, index: int, now_ns: int) -> None:
        """A shelf may have run out, or an alarm out of service is to be reviewed."""
        point, now_ms = self._alarms.at(index), self._kernel.utc_ms(now_ns)
        if point.masks.shelf and now_ms >= point.masks.until_ms:
            self.change(point, masks.unshelved(point.masks), "expired", now_ns)
        self._review(now_ns)

    def begin(self, now_ns: int) -> None:
        """The first input after a restart tells the time: shelves go on, or end where what is left of them cannot be told."""
        now_ms = self._kernel.utc_ms(now_ns)
        for point in self._alarms.order:
            recovered = masks.recover(msgspec.to_builtins(point.masks), now_ms)
            if point.masks.any:
                self.change(point, recovered, "recovered", now_ns)
        self._review(now_ns)

    def suppressible(self, point: AlarmPoint) -> bool:
        """No function that is ARMED trips on the cause of this alarm (spec/alarms.md §1)."""
        kernel = self._kernel
        causes = self._causes(point)
        return not any(
            function.live
            and function.state in ENERGISED
            and (function.name == point.name or causes & {_cause(leaf) for leaf in function.when.leaves()})
            for function in kernel.functions.values()
        )

    def _causes(self, point: AlarmPoint) -> set[tuple[int, bool]]:
        """Tags and sides that this alarm is about."""
        watch = self._kernel.watches.get(point.name)
        return {_cause(leaf) for leaf in watch.when.leaves()} if watch else set()

    def follow_logic(self, watch: Watch, now_ns: int) -> None:
        """What this rule suppresses by design is silent while it is certainly true, and no longer."""
        for point in self._alarms.order:
            if point.masks.logic == watch.name:
                self.follow(point, now_ns)

    def follow(self, point: AlarmPoint, now_ns: int, person: str = "") -> None:
        """Bring the suppression of `point` in line with its logic."""
        watch = self._kernel.watches.get(point.masks.logic)
        wanted = watch is not None and watch.truth == TRUE and self.suppressible(point)
        if wanted != point.masks.suppressed:
            changed = msgspec.structs.replace(point.masks, suppressed=wanted)
            kind = "suppressed" if wanted else "unsuppressed"
            self.change(point, changed, kind, now_ns, person, logic=point.masks.logic)

    def name_logic(self, point: AlarmPoint, logic: str, person: str, now_ns: int) -> None:
        """Say which rule suppresses this alarm by design, or that none does."""
        named = msgspec.structs.replace(point.masks, logic=logic)
        self.change(point, named, "logic", now_ns, person, logic=logic)
        self.follow(point, now_ns, person)

    def protected(self, now_ns: int) -> None:
        """A function came into service: nothing it trips on stays suppressed."""
        for point in self._alarms.order:
            if point.masks.suppressed:
                self.follow(point, now_ns)

    def _review(self, now_ns: int) -> None:
        """OOS_REVIEW is up while an alarm has been out of service longer than a day since the last review."""
        now_ms = self._kernel.utc_ms(now_ns)
        overdue = any(point.masks.moc and now_ms >= point.masks.review_ms for point in self._alarms.order)
        self._alarms.system(REVIEW, overdue, now_ns)

    def out_of_service(self, point: AlarmPoint, moc: str, measure: str, person: str, now_ns: int) -> None:
        """Take an alarm out of service, or review it there; `moc` "" brings it back."""
        review_ms = self._kernel.utc_ms(now_ns) + OOS_REVIEW_MS if moc else 0
        kind = ("reviewed" if point.masks.moc else "out-of-service") if moc else "in-service"
        changed = msgspec.structs.replace(point.masks, moc=moc, measure=measure, review_ms=review_ms)
        self.change(point, changed, kind, now_ns, person, moc=moc or point.masks.moc, measure=measure)
        self._review(now_ns)


def _cause(leaf: Leaf) -> tuple[int, bool]:
    """The tag of a comparison, and whether it is about low values."""
    return leaf.number, (leaf.node.op in ("<", "<=")) != (leaf.against == FALSE)
