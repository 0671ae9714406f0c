"""The shift calendar on the site's wall clock, over midnight, week ends and a change of summer time."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.core.samples import Input, Shift
from gateway.runtime.shifts import Shifts, Span

WEEK = tuple(range(7))
SPANS = [Span("weekend", 480, 1200, (5, 6)), Span("day", 480, 1200, WEEK), Span("night", 1200, 480, (0, 1, 2, 3, 4))]


class Hand:
    """A clock that stands where it is put."""

    def __init__(self) -> None:
        self.ns = 0

    def monotonic_ns(self) -> int:
        return self.ns

    def utc_ns(self) -> int:
        return self.ns


def at(text: str, zone: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-23T07:59:59", ""),  # the night before began on a Sunday
        ("2026-11-23T08:00:00", "day"),
        ("2026-11-23T19:59:59", "day"),
        ("2026-11-23T20:00:00", "night"),
        ("2026-11-24T00:00:00", "night"),
        ("2026-11-24T07:59:59", "night"),
        ("2026-11-28T03:00:00", "night"),  # Saturday: Friday's night goes on
        ("2026-11-28T12:00:00", "weekend"),
        ("2026-11-28T21:00:00", ""),
    ],
)
def test_which_shift_is_on(when: str, expected: str) -> None:
    assert Shifts(SPANS, "Asia/Shanghai", Hand(), lambda _given: None).at(at(when, "Asia/Shanghai")) == expected


def test_wall_time_holds_when_summer_time_ends() -> None:
    shifts = Shifts(SPANS, "Europe/Berlin", Hand(), lambda _given: None)
    for day in ("2026-10-23", "2026-10-26"):
        assert shifts.at(at(f"{day}T08:00:00", "Europe/Berlin")) == "day"
        assert shifts.at(at(f"{day}T07:59:59", "Europe/Berlin")) != "day"


def test_the_kernel_is_told_once_a_change() -> None:
    told: list[Input] = []
    clock = Hand()
    shifts = Shifts(SPANS, "Asia/Shanghai", clock, told.append)
    for when in ("2026-11-23T07:00:00", "2026-11-23T08:00:01", "2026-11-23T09:00:00", "2026-11-28T22:00:00"):
        clock.ns = at(when, "Asia/Shanghai")
        shifts.look()
    assert told == [Shift("day"), Shift("")]
