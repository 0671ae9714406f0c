"""The gateway frozen, killed, cut off: the PLC is safe within a second of the last heartbeat, and stays so."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon.rig import Refused, Rig, beside, until

SAFE_WITHIN_S = 1.0  # interlocks.md §7
LATCHED_FOR_S = 2.0
NAME, COIL = "PKL_LSLL", "pump7.permit"


def safe_after_s(rig: Rig, silence: Callable[[], None]) -> float:
    """Seconds from the last change of the heartbeat, as the PLC holds it, to the outputs being safe; `silence` follows a beat."""
    assert rig.plant("state")["outputs"][COIL] is True
    before_ns = changed_ns = time.monotonic_ns()
    counter = rig.plant("state")["heartbeat"]
    while (now := rig.plant("state")["heartbeat"]) == counter:
        changed_ns = time.monotonic_ns()  # it had not changed yet: the beat is later than this
    silence()
    last = now
    for _ in range(3):  # a beat that was on its way already
        if (now := rig.plant("state")["heartbeat"]) != last:
            last, changed_ns = now, time.monotonic_ns()
    until(lambda: not rig.plant("state")["outputs"][COIL], 3, "the output is safe")
    rows = [row for row in rig.plant_log(before_ns) if row[1:3] == (COIL, 0.0)]
    assert rows[0][3] == "watchdog", rows
    assert rig.plant("state")["heartbeat"] == last
    return (rows[0][0] - changed_ns) / 1e9


def stays_latched(rig: Rig) -> None:
    """The heartbeat is back, nobody reset the PLC: outputs stay safe, and the gateway refuses to reset into it."""
    counter = rig.plant("state")["heartbeat"]
    until(lambda: rig.plant("state")["heartbeat"] != counter, 12, "the heartbeat is back")
    end = time.monotonic() + LATCHED_FOR_S
    while time.monotonic() < end:
        state = rig.plant("state")
        assert state["healthy"] is False
        assert state["outputs"][COIL] is False
        time.sleep(0.1)
    assert rig.wait_state(NAME, "TRIPPED", "READY")["first_out"] is not None
    with pytest.raises(Refused):
        rig.confirmed("interlock.reset", NAME)
    rig.heal_plc()
    assert rig.plant("state")["outputs"][COIL] is False, "a reset at the PLC energises nothing"


def frozen(rig: Rig) -> None:
    rig.energise(NAME)
    took_s = safe_after_s(rig, lambda: rig.signal(signal.SIGSTOP))
    assert took_s <= SAFE_WITHIN_S
    time.sleep(1.0)
    rig.signal(signal.SIGCONT)
    stays_latched(rig)
    print(f"frozen: safe after {took_s:.3f} s")


def killed(rig: Rig) -> None:
    rig.energise(NAME)
    took_s = safe_after_s(rig, rig.kill)
    assert took_s <= SAFE_WITHIN_S
    rig.start()
    stays_latched(rig)
    assert rig.interlock(NAME)["first_out"]["causes"] == ["POWER_UP"]
    print(f"killed: safe after {took_s:.3f} s")


def cut_off(rig: Rig) -> None:
    rig.energise(NAME)
    took_s = safe_after_s(rig, lambda: rig.loop.do(rig.to_plant.cut()))
    assert took_s <= SAFE_WITHIN_S
    until(lambda: rig.tag("tank1.level")["quality"] == "bad", 4, "values are BAD")
    rig.wait_state(NAME, "TRIP_FAILED", within_s=8)
    until(lambda: rig.alarm(f"{NAME}_FAILED")["active"], 2, "people are told that the output is not known to be safe")
    rig.loop.do(rig.to_plant.heal())
    rig.wait_state(NAME, "TRIPPED", within_s=25)
    stays_latched(rig)
    print(f"cut: safe after {took_s:.3f} s")


def snapped(rig: Rig) -> None:
    rig.energise(NAME)
    took_s = safe_after_s(rig, lambda: rig.loop.do(rig.to_plant.snap()))
    assert took_s <= SAFE_WITHIN_S
    until(lambda: rig.tag("tank1.level")["quality"] == "bad", 1, "values are BAD at once")
    rig.wait_state(NAME, "TRIPPING", "TRIP_FAILED", within_s=4)
    rig.loop.do(rig.to_plant.heal())
    rig.wait_state(NAME, "TRIPPED", within_s=25)
    stays_latched(rig)
    print(f"snapped: safe after {took_s:.3f} s")


def test_the_plc_goes_safe_by_itself_and_stays_safe(armed_state: Path) -> None:
    assert beside(armed_state, frozen, killed, cut_off, snapped) == 4
