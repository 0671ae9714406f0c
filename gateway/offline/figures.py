"""What a backtest found, as plain data: trips, figures of interlocks and alarms, what the data cover."""

from __future__ import annotations

import msgspec


class WouldTrip(msgspec.Struct, frozen=True):
    """One trip that these rules would have made. `lasted_s` until the demand was gone, None while it was not."""

    function: str
    boot: int
    utc_ms: int
    event: str
    first_out: tuple[str, ...]
    commands: tuple[str, ...]
    lasted_s: float | None = None
    again: bool = False
    really: bool = False  # it tripped live, too


class FunctionFigures(msgspec.Struct, frozen=True):
    """An interlock over the whole period. `ready` is false where it could never be reset: then it could not trip either."""

    function: str
    would: int
    really: int
    both: int
    new: int
    gone: int  # live trips that these rules would not have made
    again: int
    hunting: int
    ready: bool


class AlarmFigures(msgspec.Struct, frozen=True):
    """How often an alarm came, live and with these rules; `chattering`: three times or more within a minute."""

    alarm: str
    before: int
    after: int
    chattering: bool


class Coverage(msgspec.Struct, frozen=True):
    """A boot, or a file, of the data. `missing`: inputs that were not recorded or are withheld; `used`: same tag list."""

    boot: int
    from_utc_ms: int
    to_utc_ms: int
    inputs: int
    missing: int
    used: bool
    gaps: tuple[tuple[int, int], ...] = ()  # UTC ms of silences, of exports only


class Equality(msgspec.Struct, frozen=True):
    """These rules ran live: how many decisions of an exact replay are the journal's, event for event."""

    decisions: int
    equal: int
    differing: tuple[str, ...]


class Backtest(msgspec.Struct, frozen=True, kw_only=True):
    """The whole result. Times are UTC ms."""

    program_hash: str
    from_utc_ms: int
    to_utc_ms: int
    hours: float
    trips: tuple[WouldTrip, ...]
    trips_in_all: int
    functions: tuple[FunctionFigures, ...]
    alarms: tuple[AlarmFigures, ...]
    alarms_before: int
    alarms_after: int
    coverage: tuple[Coverage, ...]
    equality: Equality | None
    took_s: float
    times_real: float
    exported: bool = False  # from an export of a historian, where nothing is known of live decisions

    @property
    def alarms_added_per_hour(self) -> float:
        """Alarms per hour more than live; negative where there are fewer."""
        return round((self.alarms_after - self.alarms_before) / self.hours, 3) if self.hours else 0.0
