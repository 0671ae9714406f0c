"""Proof tests (I25) and statistics of interlocks: measured by the kernel, kept over restarts."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from stage import MS, SECOND, Stage, low_level

from gateway.core.interlocks import Event
from gateway.core.program import Confirm, Stop
from gateway.core.statistics import Statistics

NOTE = {"note": "valve 12 seen closed, spring return"}


def armed(**more: object) -> Stage:
    stage = Stage([low_level(**more)])  # type: ignore[arg-type]
    stage.energise("LSLL")
    return stage


def cycle(stage: Stage) -> None:
    """Trip by hand, wait until READY, reset."""
    assert stage.ask("interlock.trip", "LSLL").code == 0
    stage.run(11, step_ms=500)
    answer = stage.ask("interlock.reset", "LSLL")
    assert answer.code == 0, answer
    stage.run(0.2)


def test_i25_a_partial_test_needs_ten_measured_trips_and_is_no_hunting() -> None:
    stage = armed()
    assert stage.ask("proof.start", "LSLL", kind="partial").code == 0
    for _ in range(9):
        cycle(stage)
    answer = stage.ask("proof.finish", "LSLL", result="passed", **NOTE)
    assert (answer.message, answer.args) == ("proof.too-few", {"trips": "9", "least": "10"})
    cycle(stage)
    assert stage.ask("proof.finish", "LSLL", result="passed", **NOTE).code == 0
    result = stage.kernel.proofs.standing["LSLL"].partial
    assert result is not None
    assert (result.passed, result.trips, result.person) == (True, 10, "li")
    assert stage.kernel.proofs.standing["LSLL"].full is None, "to the PLC's word is not to the final element"
    assert not stage.kernel.outputs["y0"].hunting
    assert not stage.kernel.outputs["y0"].proving


def test_i25_what_was_measured_decides_not_what_is_said() -> None:
    stage = armed(stops=(Stop("y0", 20 * MS),))
    assert stage.ask("proof.start", "LSLL", kind="full").code == 0
    slow = iter([None])
    stage.answer = lambda write: next(slow, (True, write.value))
    stage.ask("interlock.trip", "LSLL")
    stage.run(1)
    assert stage.state() == "TRIPPED"
    assert stage.ask("proof.finish", "LSLL", result="passed", looked="yes", **NOTE).message == "proof.too-slow"
    assert stage.ask("proof.finish", "LSLL", result="failed", **NOTE).code == 0
    result = stage.kernel.proofs.standing["LSLL"].full
    assert result is not None
    assert not result.passed


def test_i25_a_full_test_is_seen_at_the_final_element() -> None:
    stage = armed()
    stage.ask("proof.start", "LSLL", kind="full")
    cycle(stage)
    assert stage.ask("proof.finish", "LSLL", result="passed", **NOTE).message == "proof.not-seen"
    assert stage.ask("proof.finish", "LSLL", result="passed", looked="yes", **NOTE).code == 0
    sensed = armed(confirms=(Confirm("a1", "<", 5.0, 3 * SECOND),))
    sensed.ask("proof.start", "LSLL", kind="full")
    sensed.ask("interlock.trip", "LSLL")
    assert sensed.ask("proof.finish", "LSLL", result="passed", looked="yes", **NOTE).message == "proof.not-seen", (
        "where a tag can see it, nobody's word counts"
    )
    sensed.poll(a1=1.0)
    assert sensed.ask("proof.finish", "LSLL", result="passed", **NOTE).code == 0


def test_i25_a_trip_that_failed_fails_the_test() -> None:
    stage = armed()
    stage.ask("proof.start", "LSLL", kind="full")
    stage.answer = lambda write: (True, 1.0)
    stage.ask("interlock.trip", "LSLL")
    assert stage.state() == "TRIP_FAILED"
    stage.answer = lambda write: (True, write.value)
    stage.run(1)
    assert stage.ask("proof.finish", "LSLL", result="passed", looked="yes", **NOTE).message == "proof.trip-failed"


@pytest.mark.parametrize(
    ("verb", "args", "message"),
    [
        ("start", {"kind": "half"}, "proof.kind"),
        ("finish", {"result": "passed", **NOTE}, "proof.not-running"),
    ],
)
def test_i25_what_a_test_needs(verb: str, args: dict[str, str], message: str) -> None:
    stage = armed()
    assert stage.ask(f"proof.{verb}", "LSLL", **args).message == message
    assert stage.ask("proof.start", "LSLL", role="operator", kind="full").code == 5


def test_i25_one_test_at_a_time_with_a_result_and_a_note_and_an_end() -> None:
    stage = armed()
    assert stage.ask("proof.start", "LSLL", kind="full").code == 0
    assert stage.ask("proof.start", "LSLL", kind="full").message == "proof.running"
    assert stage.ask("proof.finish", "LSLL", result="good", **NOTE).message == "proof.result"
    assert stage.ask("proof.finish", "LSLL", result="failed", note="short").message == "proof.note"
    stage.polling = False
    stage.run(8 * 3600, step_ms=600_000)
    assert "proof.abandoned" in stage.kinds()
    assert not stage.kernel.outputs["y0"].proving, "a forgotten test lifts no limit for ever"


def test_statistics_tell_demands_from_spurious_and_manual_trips_and_survive_a_restart() -> None:
    stage = armed()
    stage.poll(a0=10.0)
    stage.poll(a0=50.0)
    stage.run(11)
    stage.ask("interlock.reset", "LSLL")
    stage.run(0.2)
    stage.poll(a0=math.nan)
    stage.run(2.1)
    stage.poll(a0=50.0)
    stage.run(11)
    stage.ask("interlock.reset", "LSLL")
    stage.run(0.2)
    stage.ask("interlock.trip", "LSLL")
    found = stage.function().statistics
    assert (found.demands, found.spurious, found.manual, found.successes, found.failures) == (1, 1, 1, 3, 0)
    again = Stage([low_level()], kept=stage.kept, boot=2)
    assert again.function().statistics == found


def test_statistics_count_the_time_under_bypass() -> None:
    stage = armed()
    form = {"code": "failed", "reason": "transmitter failed", "measure": "gauge", "minutes": "20"}
    stage.ask("bypass.set", "LSLL", tag="a0", **form)
    stage.run(60)
    stage.ask("bypass.clear", "LSLL", tag="a0")
    assert stage.function().statistics.bypassed_ns == 60 * SECOND
    again = Stage([low_level()], kept=stage.kept, boot=2)
    assert again.function().statistics.bypassed_ns == 60 * SECOND


def test_quantiles_are_upper_bounds_within_a_quarter_octave() -> None:
    found = Statistics()
    assert found.quantile_ns(0.5) == -1
    times = [MS * at for at in range(1, 201)]
    for took_ns in times:
        found.trip(Event.DEMAND, known=True)
        found.success(took_ns)
    for share in (0.5, 0.99):
        true_ns = times[int(share * len(times)) - 1]
        assert true_ns <= found.quantile_ns(share) <= true_ns * 1.25 + MS
    assert found.quantile_ns(1.0) == found.longest_ns == 200 * MS
