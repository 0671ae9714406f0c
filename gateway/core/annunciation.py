"""Where an alarm is heard: sounders, routes by area, priority and shift, escalation and re-alarm (spec/alarms.md §5).

Plain data that the site declares. It decides, so it is part of what a replay needs beside the rules.
"""

from __future__ import annotations

import hashlib
from typing import Literal

import msgspec

from gateway.core.limits import ESCALATE_P1_MS
from gateway.core.summary import Priority

ANYWHERE = "main"  # the operator position where the site names none
NOT_UPSTREAM = -1


class Cadence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a sounder tells a priority: on and off in turn, steady where `off_ms` is 0."""

    on_ms: int = 0
    off_ms: int = 0


# Steady is the most urgent; what comes later leaves more room to talk. A site may say otherwise.
CADENCES: dict[int, Cadence] = {1: Cadence(), 2: Cadence(1000, 1000), 3: Cadence(500, 2500), 4: Cadence(500, 9500)}


class Sounder(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One horn or beacon: a declared bit of the tag list. `priorities` count where no route names it.

    `silenced` False: a beacon that stays until its alarms are acknowledged.
    """

    name: str
    output: str
    priorities: tuple[Priority, ...] = (1, 2)
    cadences: dict[int, Cadence] = {}
    silenced: bool = True
    escalation: bool = False  # sounds only for alarms that nobody acknowledged in time

    def cadence(self, priority: int) -> Cadence:
        """How it tells `priority`."""
        return self.cadences.get(priority) or CADENCES[priority]

    @property
    def alarm(self) -> str:
        """Its own alarm, without the suffix."""
        return f"SOUND_{self.name.upper()}"


class Route(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where alarms of these areas, priorities and shifts go; an empty tuple means all. The first that fits counts.

    `sounds` None: by the priorities of each sounder. `lane` 0: that of the alarm's own priority.
    """

    areas: tuple[str, ...] = ()
    priorities: tuple[int, ...] = ()
    shifts: tuple[str, ...] = ()
    sounds: tuple[str, ...] | None = None
    lane: Literal[-1, 0, 1, 2, 3, 4] = 0
    position: str = ANYWHERE

    def fits(self, area: str, priority: int, shift: str) -> bool:
        """An alarm of that area and priority goes this way in that shift."""
        return (
            (not self.areas or area in self.areas)
            and (not self.priorities or priority in self.priorities)
            and (not self.shifts or shift in self.shifts)
        )


class Way(msgspec.Struct, frozen=True):
    """Where one alarm goes now: sounders by their place in the plan, lane (0 = by priority), operator position."""

    sounds: tuple[int, ...]
    lane: int
    position: str


class AlarmPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the site says about being heard. Without a word of it: no sound, one position, every lane by priority."""

    sounders: tuple[Sounder, ...] = ()
    routes: tuple[Route, ...] = ()
    escalate_ms: int = ESCALATE_P1_MS  # a P1 that nobody acknowledged for so long; 0 = never
    realarm_ms: dict[int, int] = {}  # priority -> an acknowledged alarm that still stands is raised again; none = never

    def hash(self) -> str:
        """What a snapshot names: a replay needs the same plan."""
        return hashlib.sha256(
            msgspec.json.encode(msgspec.to_builtins(self, str_keys=True), order="deterministic")
        ).hexdigest()

    def way(self, area: str, priority: int, shift: str) -> Way:
        """Where an alarm goes. P1 and P2 are always heard upstream."""
        route = next((each for each in self.routes if each.fits(area, priority, shift)), Route())
        sounds = tuple(
            at
            for at, sounder in enumerate(self.sounders)
            if not sounder.escalation
            and (priority in sounder.priorities if route.sounds is None else sounder.name in route.sounds)
        )
        lane = route.lane
        if priority <= 2 and (lane == NOT_UPSTREAM or lane > priority):
            lane = 0
        return Way(sounds, 0 if lane == priority else lane, route.position)

    def positions(self) -> tuple[str, ...]:
        """Every operator position, in the order of the routes."""
        return tuple(dict.fromkeys([*(route.position for route in self.routes), ANYWHERE]))


QUIET = AlarmPlan()
