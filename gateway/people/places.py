"""From ranges and positions of all workers to zones: who is inside for certain, and how certain that is.

Ranges are gathered and solved together in a thread: one fix alone costs as much as fifty in one go. The confidence of a zone
is the least of those of the fixes that decide it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from drivers.base_worn import Position, Reading, Readings
from gateway.core.tags import Cause, Quality
from gateway.people.uwb import UNKNOWN_M, locate
from gateway.people.zones import INSIDE, OUTSIDE, UNCERTAIN, Zone, confidence, decide, depth

FRESH_MS = 3_000  # a fix older than this says nothing certain any more
FORGOTTEN_MS = 60_000  # the worker has gone home, or the tag has: it takes part in no zone
ENTERED_MAX = 256
SIGMAS = 3.0  # of an error that a locating system states as one standard deviation

GOOD: tuple[int, int] = (int(Quality.GOOD), int(Cause.NONE))
DOUBT: tuple[int, int] = (int(Quality.UNCERTAIN), int(Cause.DEVICE))


@dataclass(frozen=True, slots=True)
class Fix:
    """Where somebody was, and how far off that may be."""

    x: float
    y: float
    error_m: float
    at_ms: int


class Places:
    """One site's anchors and zones, and the last fix of each worker. `now_ms` is the gateway's UTC."""

    def __init__(
        self,
        anchors: Mapping[str, tuple[float, float, float]],
        zones: Mapping[str, tuple[tuple[float, float], ...]],
        height_m: float,
        now_ms: Callable[[], int],
    ) -> None:
        self._names = {name: at for at, name in enumerate(anchors)}
        self._anchors = np.array(list(anchors.values()), np.float64).reshape(-1, 3)
        self._zones = [Zone(name, corners) for name, corners in zones.items()]
        self._height_m = height_m
        self._now_ms = now_ms
        self._waiting: dict[str, np.ndarray] = {}
        self._wanted: set[str] = set()  # of the batch that is being solved
        self._solving: asyncio.Future[None] | None = None
        self._held: dict[str, int] = {}
        self._inside: set[tuple[str, str]] = set()  # worker, zone: certainly inside at their last certain fix
        self.entered: list[tuple[str, str]] = []  # since somebody asked: worker, zone
        self.fixes: dict[str, Fix] = {}

    def ranges(self, worker: str, ranges: Mapping[str, float]) -> None:
        """Ranges to anchors; those of anchors that nobody surveyed are left out."""
        row = np.full(len(self._anchors), np.nan)
        for name, metres in ranges.items():
            if name in self._names:
                row[self._names[name]] = metres
        self._waiting[worker] = row

    def position(self, worker: str, given: Position) -> None:
        """A position that another system worked out."""
        error_m = max(0.1, SIGMAS * given.error_m)
        self.fixes[worker] = Fix(given.x, given.y, error_m, self._now_ms())

    def forget(self, worker: str) -> None:
        """Nothing of this worker any more."""
        self._waiting.pop(worker, None)
        self._inside = {place for place in self._inside if place[0] != worker}
        self.entered = [place for place in self.entered if place[0] != worker]
        self._wanted.discard(worker)
        self.fixes.pop(worker, None)

    def solve(self) -> None:
        """Solve what was gathered; in a thread where a loop runs, and not before the last batch is done."""
        if not self._waiting or (self._solving is not None and not self._solving.done()):
            return
        waiting, self._waiting = self._waiting, {}
        self._wanted = set(waiting)
        self._solving = asyncio.ensure_future(self._solve(waiting, self._now_ms()))

    async def _solve(self, waiting: Mapping[str, np.ndarray], at_ms: int) -> None:
        found = await asyncio.to_thread(locate, self._anchors, np.array(list(waiting.values())), self._height_m)
        for worker, (x, y), error_m in zip(waiting, found.xy.tolist(), found.error_m.tolist(), strict=True):
            if worker in self._wanted:  # whoever withdrew meanwhile is not put back
                self.fixes[worker] = Fix(x, y, error_m, at_ms)

    async def close(self) -> None:
        """Wait for the batch that is being solved."""
        if self._solving is not None:
            await asyncio.wait([self._solving])

    def zones(self) -> Readings:
        """Every zone as it is now; nothing while nobody was located, so that the tags go stale."""
        now_ms = self._now_ms()
        self.fixes = {name: fix for name, fix in self.fixes.items() if now_ms - fix.at_ms < FORGOTTEN_MS}
        known = list(self.fixes.values())
        if not any(now_ms - fix.at_ms < FRESH_MS for fix in known):
            return []
        xy = np.array([(fix.x, fix.y) for fix in known])
        old = np.array([now_ms - fix.at_ms >= FRESH_MS for fix in known])
        error_m = np.where(old, UNKNOWN_M, np.array([fix.error_m for fix in known]))
        readings: list[tuple[str, Mapping[str, Reading]]] = []
        for zone in self._zones:
            decided = decide(zone, xy, error_m)
            self._follow(zone.name, decided)
            readings += self._zone(zone, decided, depth(zone, xy), error_m)
        return readings

    def _follow(self, zone: str, decided: np.ndarray) -> None:
        """Who went in for certain; a doubtful fix moves nobody."""
        for worker, verdict in zip(self.fixes, decided.tolist(), strict=True):
            if verdict == OUTSIDE:
                self._inside.discard((worker, zone))
            elif verdict == INSIDE and (worker, zone) not in self._inside:
                self._inside.add((worker, zone))
                self.entered = [*self.entered, (worker, zone)][-ENTERED_MAX:]

    def _zone(self, zone: Zone, decided: np.ndarray, deep: np.ndarray, error_m: np.ndarray) -> Readings:
        sure = [confidence(float(one), float(error)) for one, error in zip(deep, error_m, strict=True)]
        inside = [at for at, verdict in enumerate(decided) if verdict == INSIDE]
        if inside:  # one is enough, so the best of them decides
            verdict, certain = INSIDE, max(sure[at] for at in inside)
        elif (decided == OUTSIDE).all():
            verdict, certain = OUTSIDE, min(sure)
        else:
            verdict, certain = UNCERTAIN, min(sure)
        if verdict != UNCERTAIN:
            self._held[zone.name] = verdict
        value = float(self._held.get(zone.name, OUTSIDE))
        reading: Reading = (value, *(DOUBT if verdict == UNCERTAIN else GOOD))
        place = {"occupied": reading, "confidence": (certain, *GOOD)}
        return [(f"zone/{zone.name}/worker", {"worker": reading}), (f"zone/{zone.name}/place", place)]
