"""Horns and beacons: which alarms sound, in which cadence, and what when the sounder itself does not follow.

They are outputs of the arbiter like any other, and nothing else waits for them. Shadow rules have no alarm and no sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gateway.core.annunciation import Sounder
from gateway.core.deadlines import SOUND
from gateway.core.limits import MS, SOUND_ALARM_NS, SOUND_RETRY_NS
from gateway.core.outputs import Output
from gateway.core.points import AlarmPoint

if TYPE_CHECKING:
    from gateway.core.kernel import Kernel


class Horn:
    """One sounder as the arbiter's owner of its output. `due` are the alarms it sounds for, with their priorities."""

    follows = True  # it moves its output by itself, without a reset

    def __init__(self, kernel: Kernel, sounder: Sounder, at: int, output: Output) -> None:
        self._kernel = kernel
        self.sounder, self.at = sounder, at
        self.name = sounder.alarm
        self.index = -1 - at  # below those of the rules
        self.outputs: Sequence[Output] = (output,)
        self.due: dict[str, int] = {}
        self.on = False
        self.level = 0  # the priority that it tells now, 0 = none
        self.failed_ns = -1  # since when it has not followed
        self._held_ns = 0  # quiet until then, after a failure
        self._generation = 0

    def asks(self, _output: Output) -> bool:
        """True in the loud part of its cadence."""
        return self.on

    def follow(self, now_ns: int) -> None:
        """Tell the most urgent of what is due; a new level begins with its loud part."""
        level = min(self.due.values(), default=0)
        if self._kernel.stopping_ns >= 0:
            level = 0
        if level != self.level:
            self.level = level
            self._turn(level > 0 and now_ns >= self._held_ns, now_ns)

    def _turn(self, on: bool, now_ns: int) -> None:
        self.on = on
        self._generation += 1
        self._kernel.arbiter.unsettle(self.outputs)
        if not self.level:
            return
        cadence = self.sounder.cadence(self.level)
        if on and cadence.off_ms:
            self._kernel.schedule(now_ns + cadence.on_ms * MS, SOUND, self.at, self._generation)
        elif not on:
            due_ns = max(now_ns + cadence.off_ms * MS, self._held_ns)
            self._kernel.schedule(due_ns, SOUND, self.at, self._generation)

    def next_part(self, generation: int, now_ns: int) -> None:
        """A part of the cadence is over, a retry is due, or it has not followed for long enough to say so."""
        if 0 <= self.failed_ns <= now_ns - SOUND_ALARM_NS:
            self._kernel.alarms.system(f"{self.name}_FAILED", True, now_ns)
        if generation == self._generation and self.level:
            self._turn(not self.on and now_ns >= self._held_ns, now_ns)

    def read_back(self, now_ns: int) -> None:
        """Its output was verified, failed, or moved by someone else: quiet for a moment, then tried again."""
        output = self.outputs[0]
        if output.failed or output.external:
            if self.failed_ns < 0:
                self.failed_ns = now_ns
                self._kernel.schedule(now_ns + SOUND_ALARM_NS, SOUND, self.at)
            if self.on:
                self._held_ns = now_ns + SOUND_RETRY_NS
                self._turn(False, now_ns)
        elif output.verified and self.failed_ns >= 0 and (self.on or not self.level):
            self.failed_ns = -1
            self._kernel.alarms.system(f"{self.name}_FAILED", False, now_ns)

    _SAVED = ("on", "level", "failed_ns", "_held_ns", "_generation")

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [*(getattr(self, name) for name in self._SAVED), list(self.due.items())]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        for name, value in zip(self._SAVED, state[:-1], strict=True):
            setattr(self, name, value)
        self.due = dict(state[-1])


class Sounds:
    """All sounders of the box. An alarm sounds from its raise until it is acknowledged, masked or silenced."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self.horns: list[Horn] = []
        for at, sounder in enumerate(kernel.plan.sounders):
            kernel.alarms.add_system(f"{sounder.alarm}_FAILED", "", 2)
            self.horns.append(Horn(kernel, sounder, at, kernel.arbiter.sound(sounder.output)))

    def begin(self) -> None:
        """The gateway is up: each sounder is written quiet, or goes on for what is still unacknowledged."""
        for horn in self.horns:
            self._kernel.arbiter.own(horn)

    def raised(self, point: AlarmPoint, places: Sequence[int], now_ns: int) -> None:
        """People are told of this alarm: its sounders sound, whatever was silenced before."""
        for at in places:
            self.horns[at].due[point.name] = point.priority
            self.horns[at].follow(now_ns)

    def unheeded(self, point: AlarmPoint, now_ns: int) -> None:
        """Nobody acknowledged in time: the sounders of the second line."""
        self.raised(point, [horn.at for horn in self.horns if horn.sounder.escalation], now_ns)

    def over(self, point: AlarmPoint, now_ns: int) -> None:
        """Acknowledged, masked or gone."""
        for horn in self.horns:
            if horn.due.pop(point.name, 0):
                horn.follow(now_ns)

    def silence(self, now_ns: int) -> bool:
        """Quiet until the next alarm; false where nothing sounded."""
        sounding = [horn for horn in self.horns if horn.sounder.silenced and horn.due]
        for horn in sounding:
            horn.due.clear()
            horn.follow(now_ns)
        return bool(sounding)

    def stop(self, now_ns: int) -> None:
        """The gateway ends."""
        for horn in self.horns:
            horn.follow(now_ns)

    def due(self, at: int, generation: int, now_ns: int) -> None:
        """A part of a cadence is over."""
        self.horns[at].next_part(generation, now_ns)

    def sounding(self) -> list[str]:
        """Names of the sounders that sound."""
        return [horn.sounder.name for horn in self.horns if horn.level]

    def save(self) -> list[Any]:
        """State for a snapshot."""
        return [horn.save() for horn in self.horns]

    def load(self, state: Sequence[Any]) -> None:
        """Take a snapshot's state."""
        for horn, saved in zip(self.horns, state, strict=True):
            horn.load(saved)
