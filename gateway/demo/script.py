"""The story of `--script`: the tank is drawn down, the fill valve sticks, pump 7 is tripped, the valve comes free."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.demo.physics import Plant, Rates

PUSH_AFTER_S = 1.0  # the scripted person at the pump pushes start this long after the PLC says ready
FREE_AFTER_S = 2.0  # the valve comes free this long after the pump stopped
FULL_CM = 75.0


def story_plant(seed: int = 1) -> Plant:
    """A plant small and fast enough to be watched: 75 cm falls below 30 cm in about seven seconds."""
    plant = Plant(Rates(drain_cm_s=6.5, fill_cm_s=8.0, fill_on_cm=FULL_CM, fill_off_cm=FULL_CM + 5.0), seed)
    plant.true.update({"tank1.level": FULL_CM, "tank1.level_b": FULL_CM, "tank1.level_c": FULL_CM})
    plant.measured.update({"tank1.level": FULL_CM, "tank1.level_b": FULL_CM, "tank1.level_c": FULL_CM})
    return plant


@dataclass(slots=True)
class Script:
    """Steps after the plant does, over and over. Starting the pump is the only thing it does for people."""

    ready_s: float = 0.0
    stopped_s: float = 0.0

    def step(self, plant: Plant, dt_s: float) -> None:
        """Push start when the pump may run and the tank is full; let the valve stick while it runs."""
        pump = plant.motors["pump7"]
        if pump.run:
            plant.fill_stuck = True
            self.ready_s = self.stopped_s = 0.0
            return
        self.stopped_s += dt_s
        if self.stopped_s >= FREE_AFTER_S:
            plant.fill_stuck = False
        full = plant.true["tank1.level"] >= FULL_CM - 5.0
        self.ready_s = self.ready_s + dt_s if plant.ready("pump7") and full else 0.0
        if self.ready_s >= PUSH_AFTER_S:
            pump.start = True
