"""What follows when people are told of an alarm: where it goes, what sounds, and what when nobody heeds it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from gateway.core.alarms import Base
from gateway.core.annunciation import NOT_UPSTREAM, Way
from gateway.core.deadlines import REALARM, UNHEEDED
from gateway.core.limits import MS
from gateway.core.points import AlarmPoint
from gateway.core.samples import Shift
from gateway.core.sounds import Sounds

if TYPE_CHECKING:
    from gateway.core.annunciator import Annunciator
    from gateway.core.kernel import Kernel


class Hearing:
    """The routes of the plan in the shift that is on, the sounders, escalation and re-alarm."""

    def __init__(self, kernel: Kernel, alarms: Annunciator) -> None:
        self._kernel, self._alarms, self._plan = kernel, alarms, kernel.plan
        self.sounds = Sounds(kernel)
        self.shift = ""
        self._ways: dict[tuple[str, int], Way] = {}

    def way(self, point: AlarmPoint) -> Way:
        """Where this alarm goes now."""
        key = (point.area, point.priority)
        if key not in self._ways:
            self._ways[key] = self._plan.way(*key, self.shift)
        return self._ways[key]

    def leaves(self, point: AlarmPoint) -> bool:
        """Its transitions go upstream one by one."""
        return self.way(point).lane != NOT_UPSTREAM and not self._alarms.bursts.quiet(point)

    def on_shift(self, shift: Shift, now_ns: int) -> None:
        """Another shift is on; what sounds already goes on where it sounds."""
        if shift.name != self.shift:
            self.shift = shift.name
            self._ways.clear()
            self._kernel.record("shift.begin", shift.name or "none", now_ns)

    # --- transitions ---

    def told(self, point: AlarmPoint, event: str, now_ns: int) -> None:
        """One annunciated transition. Alarms on personal values have tellings of their own: a recording shows every sound."""
        if point.name in self._kernel.privacy.names:
            return
        if event == "raise":
            if point.unacked and not self._alarms.bursts.unheard(point):
                self.sounds.raised(point, self.way(point).sounds, now_ns)
            self._watch(point, now_ns)
        elif not point.unacked:
            self.sounds.over(point, now_ns)
        if event == "ack" and point.base is Base.ACKED:
            self._remind(point, now_ns)

    def _watch(self, point: AlarmPoint, now_ns: int) -> None:
        """From its raise a P1 has so long to be acknowledged."""
        if point.priority == 1 and self._plan.escalate_ms and point.unacked and not point.escalated:
            due_ns = now_ns + (point.raised_ms + self._plan.escalate_ms - self._kernel.utc_ms(now_ns)) * MS
            self._kernel.schedule(due_ns, UNHEEDED, point.index, point.occurrence[1])

    def _remind(self, point: AlarmPoint, now_ns: int) -> None:
        """An acknowledged alarm that still stands comes again."""
        after_ms = self._plan.realarm_ms.get(point.priority, 0)
        if after_ms:
            self._kernel.schedule(now_ns + after_ms * MS, REALARM, point.index, point.occurrence[1])

    def due_unheeded(self, point: AlarmPoint, occurrence: int, now_ns: int) -> None:
        """The time to acknowledge is over."""
        if point.unacked and not point.escalated and point.occurrence[1] == occurrence:
            point.escalated = True
            self.sounds.unheeded(point, now_ns)
            self._alarms.escalated(point, now_ns)

    def due_realarm(self, point: AlarmPoint, occurrence: int, now_ns: int) -> None:
        """It was acknowledged a while ago."""
        if point.base is Base.ACKED and point.occurrence[1] == occurrence:
            self._alarms.realarm(point, now_ns)

    def begin(self, now_ns: int) -> None:
        """After a restart what nobody has acknowledged sounds on, and the times run on or anew."""
        self.sounds.begin()
        for point in self._alarms.points.values():
            if point.name in self._kernel.privacy.names:
                continue
            if point.unacked:
                self.sounds.raised(point, self.way(point).sounds, now_ns)
                if point.escalated:
                    self.sounds.unheeded(point, now_ns)
                self._watch(point, now_ns)
            elif point.base is Base.ACKED:
                self._remind(point, now_ns)

    # --- snapshot ---

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [self.shift, self.sounds.save()]

    def load(self, state: list[Any]) -> None:
        """Take a snapshot's state."""
        self.shift = state[0]
        self._ways.clear()
        self.sounds.load(state[1])
