"""The shift calendar: which shift is on by the site's wall clock, told to the kernel as an input like any other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.core.samples import Input, Shift
from gateway.runtime.clock import Clock

LOOK_S = 5.0  # a shift may begin so late; the clock may be set, so nobody sleeps until the next one
MINUTES = 24 * 60


@dataclass(frozen=True, slots=True)
class Span:
    """One shift: minutes of the day, days from 0 = Monday on which it begins. `end_min` at or before `begin_min` is tomorrow."""

    name: str
    begin_min: int
    end_min: int
    days: tuple[int, ...]

    def covers(self, day: int, minute: int) -> bool:
        """The shift is on in that minute of that weekday."""
        if self.begin_min < self.end_min:
            return day in self.days and self.begin_min <= minute < self.end_min
        return (day in self.days and minute >= self.begin_min) or ((day - 1) % 7 in self.days and minute < self.end_min)


class Shifts:
    """The calendar of one site. Of shifts that overlap the first one counts; where none is on its name is ""."""

    def __init__(self, spans: Sequence[Span], timezone: str, clock: Clock, put: Callable[[Input], None]) -> None:
        self._spans, self._zone, self._clock, self._put = spans, ZoneInfo(timezone), clock, put
        self._told: str | None = None

    def at(self, utc_ns: int) -> str:
        """The shift at an instant."""
        when = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=utc_ns // 1000)).astimezone(self._zone)
        minute = when.hour * 60 + when.minute
        return next((span.name for span in self._spans if span.covers(when.weekday(), minute)), "")

    def look(self) -> None:
        """Tell the kernel where the shift is another one than it knows of."""
        now = self.at(self._clock.utc_ns())
        if now != self._told and (self._told is not None or now):
            self._put(Shift(now))
        self._told = now

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)
