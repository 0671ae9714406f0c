"""When a control goes on and off, as the kernel decides it (core.controls)."""

from __future__ import annotations

import z3

from gateway.core.program import Control
from gateway.rulebook.prove.plant import Plant
from gateway.rulebook.prove.scene import Logic
from gateway.rulebook.prove.truth import Reading


def goes_on(rule: Control, reading: Reading) -> Logic:
    """It goes on, or stays so."""
    return reading.holds(rule.when)


def goes_off(rule: Control, reading: Reading, plant: Plant) -> Logic:
    """It goes off, or stays so. Away from the safe state only what is firmly false counts."""
    when = reading.holds(rule.when)
    if rule.clear is not None:
        return z3.And(z3.Not(when), reading.holds(rule.clear))
    return z3.Not(when) if off_is_safe(rule, plant) else reading.over(rule.when)


def off_is_safe(rule: Control, plant: Plant) -> bool:
    """All its outputs are safe while it is off."""
    return all(1.0 - one.value == plant.tags[one.output].safe for one in rule.sets)
