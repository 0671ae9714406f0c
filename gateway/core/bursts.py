"""Floods, chatter and stale alarms of the whole box: when they begin and end, and what is told meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.core import summary
from gateway.core.alarms import Base
from gateway.core.deadlines import CHATTER, FLOOD, STALE
from gateway.core.flood import Area, Chatter
from gateway.core.limits import STALE_ALARM_NS
from gateway.core.points import AlarmPoint

if TYPE_CHECKING:
    from gateway.core.annunciator import Annunciator
    from gateway.core.kernel import Kernel

AGGREGATED = (3, 4)  # P1 and P2 are never aggregated (spec/alarms.md §5)


class Bursts:
    """What comes too fast is counted: the outbox aggregates P3 and P4 of a flooded area, chatter is told once."""

    def __init__(self, kernel: Kernel, alarms: Annunciator) -> None:
        self._kernel, self._alarms = kernel, alarms
        self.areas: dict[str, Area] = {}  # in the order in which they were first heard of: as fixed as the inputs
        self.chatters: dict[str, Chatter] = {}
        self.stale: dict[str, int] = {}  # active alarms and since when

    def raised(self, point: AlarmPoint, now_ns: int) -> None:
        """A new occurrence that people are told of."""
        area = self.areas.setdefault(point.area, Area(point.area))
        if area.raised(point.name, now_ns):
            self._flood(area, True, now_ns)
            self._kernel.schedule(area.over_ns(), FLOOD, list(self.areas).index(area.name))
        self.stale[point.name] = now_ns
        self._kernel.schedule(now_ns + STALE_ALARM_NS, STALE, point.index)

    def cleared(self, point: AlarmPoint, now_ns: int) -> None:
        """The condition of an alarm that people were told of is gone."""
        self.stale.pop(point.name, None)
        chatter = self.chatters.setdefault(point.name, Chatter())
        if chatter.cycled(now_ns):
            told = summary.Chatter(
                utc_ms=self._kernel.utc_ms(now_ns),
                alarm=point.name,
                area=point.area,
                priority=point.priority,
                count=chatter.count,
            )
            row = {"cycles": chatter.count, "priority": point.priority}
            heard = not self.flood_of_area(point)  # in a flood of chatter each would be a record of its own
            self._kernel.record("alarm.chatter", point.name, now_ns, row, summary=told if heard else None)
            self._kernel.scores.chattered(point, now_ns)
            self._kernel.schedule(chatter.over_ns(), CHATTER, point.index)

    def quiet(self, point: AlarmPoint) -> bool:
        """This alarm chatters and is told of only once."""
        chatter = self.chatters.get(point.name)
        return point.priority in AGGREGATED and chatter is not None and chatter.count > 0

    def unheard(self, point: AlarmPoint) -> bool:
        """Nobody is told of this alarm one by one: it chatters, or its area is flooded."""
        return self.quiet(point) or self.flood_of_area(point)

    def flood_of_area(self, point: AlarmPoint) -> bool:
        """It is one of those that a flood in its area counts and does not tell."""
        area = self.areas.get(point.area)
        return point.priority in AGGREGATED and area is not None and area.flooded

    def flood_of(self, point: AlarmPoint) -> str:
        """The area of the flood that a standing alarm is counted into, "" = people see it by itself."""
        counted = self.flood_of_area(point) and point.base is not Base.NORMAL
        return (point.area or "-") if counted else ""

    # --- deadlines ---

    def due_flood(self, index: int, now_ns: int) -> None:
        """A flood ends below five in ten minutes; what it left active is told then."""
        area = list(self.areas.values())[index]
        if not area.flooded:
            return
        if area.over_ns() > now_ns:
            self._kernel.schedule(area.over_ns(), FLOOD, index)
            return
        area.end()
        self._flood(area, False, now_ns)
        for point in self._alarms.points.values():
            if point.area == area.name and point.priority in AGGREGATED:
                self._again(point, now_ns)

    def due_chatter(self, point: AlarmPoint, now_ns: int) -> None:
        """A minute without a cycle ends a chatter."""
        chatter = self.chatters[point.name]
        if not chatter.count:
            return
        if chatter.over_ns() > now_ns:
            self._kernel.schedule(chatter.over_ns(), CHATTER, point.index)
            return
        quiet, cycles = self.quiet(point), chatter.end()
        self._kernel.record("alarm.chatter-end", point.name, now_ns, {"cycles": cycles, "priority": point.priority})
        if quiet:
            self._again(point, now_ns)

    def due_stale(self, point: AlarmPoint, now_ns: int) -> None:
        """An alarm that stands for a day is one that nobody heeds."""
        since_ns = self.stale.get(point.name, now_ns)
        if now_ns - since_ns >= STALE_ALARM_NS:
            self._kernel.record("alarm.stale", point.name, now_ns, {"priority": point.priority})

    def _again(self, point: AlarmPoint, now_ns: int) -> None:
        if point.active and point.base in (Base.UNACK, Base.ACKED):
            self._alarms.tell_again(point, now_ns)

    def _flood(self, area: Area, active: bool, now_ns: int) -> None:
        told = summary.Flood(
            utc_ms=self._kernel.utc_ms(now_ns),
            area=area.name,
            active=active,
            count=area.count,
            first_out=area.first_out,
        )
        row = {"count": area.count, "first_out": area.first_out}
        self._kernel.record("flood.begin" if active else "flood.end", area.name, now_ns, row, summary=told)

    # --- snapshot ---

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [
            [[name, area.save()] for name, area in self.areas.items()],
            [[name, chatter.save()] for name, chatter in self.chatters.items()],
            list(self.stale.items()),
        ]

    def load(self, state: list[Any]) -> None:
        """Take a snapshot's state."""
        self.areas = {name: Area(name) for name, _ in state[0]}
        self.chatters = {name: Chatter() for name, _ in state[1]}
        for name, saved in state[0]:
            self.areas[name].load(saved)
        for name, saved in state[1]:
            self.chatters[name].load(saved)
        self.stale = dict(state[2])
