"""The clock's bound: read from chrony's words and the system's, growing while nobody tells, an alarm above 5 ms."""

from __future__ import annotations

import asyncio
import math
import os
from pathlib import Path

import pytest

from gateway.core.samples import Input, TimeBound
from gateway.runtime.clock import SystemClock
from gateway.runtime.timekeeping import Bound, Clock, Timekeeping, of_chrony, of_system
from tests.runtime.test_views import high, staged

# chronyc -c tracking of chrony 4.3: id, name, stratum, ref time, system, last, rms, freq, resid, skew, delay, dispersion, interval, leap
GOOD = "C0A80A01,192.168.10.1,3,1732600000.123,-0.000412,0.000001,0.00002,-1.2,0.0,0.03,0.001200,0.000350,64.2,Normal"
LOST = "00000000,,0,0.000000,0.000000000,0.000000000,0.0,0.0,0.0,0.0,1.000000000,1.000000000,0.0,Not synchronised"


class Hands:
    """A clock that is moved by hand."""

    now_ns = 0

    def monotonic_ns(self) -> int:
        return self.now_ns

    def utc_ns(self) -> int:
        return self.now_ns


def test_chrony_gives_offset_dispersion_and_half_the_delay() -> None:
    bound = of_chrony(GOOD, 7)
    assert bound.ms == pytest.approx(0.412 + 0.350 + 0.600)
    assert (bound.clock, bound.by, bound.at_ns) == ("ntp", "chrony 192.168.10.1", 7)
    assert of_chrony(GOOD.replace("192.168.10.1", "PHC0"), 0).clock == "ptp"


ODD = [GOOD.replace("-0.000412", "x"), GOOD.replace("-0.000412", "nan"), GOOD.replace(",3,", ",x,"), GOOD[:40]]


@pytest.mark.parametrize("line", [LOST, "", "506 Cannot talk to daemon", *ODD])
def test_what_tells_nothing_is_unknown(line: str) -> None:
    assert of_chrony(line, 0) == Bound()


def test_the_system_answers_or_says_that_it_does_not_know() -> None:
    bound = of_system(0)
    assert bound.clock == "none" or 0.0 <= bound.ms < 16_000_001.0


def test_a_bound_grows_by_50_ppm_while_the_time_daemon_is_away() -> None:
    bound = Bound(2.0, "ntp", "chrony", 0)
    assert bound.now_ms(60 * 1_000_000_000) == pytest.approx(2.0 + 60_000 * 50e-6)


def story(answers: list[Bound], *, watched: bool = True) -> tuple[list[Input], Timekeeping]:
    """Ten minutes pass before each look; `answers` is what the time daemon says each time."""
    hands, told = Hands(), []  # type: ignore[var-annotated]

    async def asked(clock: Clock) -> Bound:
        found = answers.pop(0)
        return Bound(found.ms, found.clock, found.by, clock.monotonic_ns())

    kept = Timekeeping(hands, told.append, watched=watched, asked=asked)

    async def main() -> None:
        while answers:
            hands.now_ns += 600 * 1_000_000_000
            await kept.look()

    asyncio.run(main())
    return told, kept


def test_the_kernel_is_told_once_when_it_becomes_uncertain_and_once_when_not() -> None:
    good, bad = Bound(1.0, "ntp", "chrony"), Bound(7.0, "ntp", "chrony")
    told, _ = story([good, good, bad, bad, good])
    assert told == [TimeBound(True), TimeBound(False)]


def test_a_time_daemon_that_goes_away_is_noticed_by_the_growing_bound() -> None:
    told, kept = story([Bound(1.0, "ntp", "chrony"), *[Bound()] * 200])
    assert told == [TimeBound(True)]
    assert kept.bound_ms() == pytest.approx(1.0 + 200 * 600_000 * 50e-6)


def test_a_site_without_time_servers_is_told_nothing() -> None:
    told, kept = story([Bound()] * 3, watched=False)
    assert told == []
    assert math.isinf(kept.bound_ms())


@pytest.mark.parametrize(
    ("skew_ms", "alarm", "degraded"), [(3.0, False, False), (7.0, True, False), (12.0, True, True)]
)
def test_a_skew_that_chrony_tells_is_an_alarm_above_5_ms_and_degraded_above_10(
    skew_ms: float, alarm: bool, degraded: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`chronyc` is a program in the path, asked as in the field; the skew stands in what it prints."""
    program = tmp_path / "chronyc"
    line = GOOD.replace("-0.000412", f"-{skew_ms / 1000:.6f}").replace("0.001200,0.000350", "0.000200,0.000050")
    program.write_text(f"#!/bin/sh\necho '{line}'\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    stage, window = staged([high()])
    told: list[Input] = []
    kept = Timekeeping(SystemClock(), told.append, watched=True)
    asyncio.run(kept.look())
    assert kept.bound_ms() == pytest.approx(skew_ms + 0.15, abs=0.01)
    window.views._facts.time_bound_ms, window.views._facts.time_watched = kept.bound_ms, True
    for given in told:
        stage.give(given)
    assert ("CLOCK_UNCERTAIN" in {one.name for one in window.views.alarms(active_only=True)}) == alarm
    assert (window.word() == "DEGRADED") == degraded
