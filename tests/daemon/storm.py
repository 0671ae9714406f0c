"""Alarms without end: transmitters jump over their limits, and an operator acknowledges now and then."""

from __future__ import annotations

import contextlib
import random
import threading
from types import TracebackType
from typing import Self

from tests.daemon.rig import Refused, Rig

# tag -> (its alarm, unit, limit, a value above, a value below); none of them trips anything
LIMITS = {
    "gas1.lel": ("STORM_GAS1", "%LEL", 25, 30.0, 2.0),
    "gas4.h2s": ("H2S_H", "ppm", 0, 20.0, 0.4),  # of the demo's own rules
    "tank1.level_b": ("STORM_LEVEL_B", "cm", 250, 260.0, 180.0),
    "tank1.level_c": ("STORM_LEVEL_C", "cm", 250, 260.0, 180.0),
    "tank2.level": ("STORM_LEVEL2", "cm", 250, 260.0, 120.0),
    "tank2.temperature": ("STORM_TEMPERATURE2", "degC", 90, 95.0, 45.0),
    "vent1.flow": ("STORM_FLOW", "m3/h", 1500, 1600.0, 900.0),
}
RULES = "".join(
    f'alarm {alarm} "试验 | Test"\n  when {tag} > {limit} {unit}\n  then alarm\n  priority P2\n  area pickling\nend\n\n'
    for tag, (alarm, unit, limit, _, _) in LIMITS.items()
    if limit
)


class Storm:
    """A thread that forces values while it is entered; the gateway may be dead meanwhile."""

    def __init__(self, rig: Rig, seed: int = 1, every_s: float = 0.04) -> None:
        self._rig, self._dice, self._every_s = rig, random.Random(seed), every_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._blow, name="storm", daemon=True)
        self.error: BaseException | None = None

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        for name in LIMITS:
            self._rig.plant("force", name=name)

    def _blow(self) -> None:
        high = dict.fromkeys(LIMITS, False)
        while not self._over.wait(self._every_s * self._dice.uniform(0.5, 1.5)):
            name = self._dice.choice(list(LIMITS))
            alarm, _, _, up, down = LIMITS[name]
            high[name] = not high[name]
            self._rig.plant("force", name=name, value=up if high[name] else down)
            if self._dice.random() < 0.1:
                with contextlib.suppress(OSError, Refused, ValueError):
                    self._settle(alarm)

    def _settle(self, alarm: str) -> None:
        """Acknowledge and reset, so that the next jump is a new occurrence."""
        row = self._rig.alarm(alarm)
        if "UNACK" in row["state"]:
            self._rig.call("alarm.ack", alarm, {"occurrence": row["occurrence"]})
        with contextlib.suppress(Refused):
            self._rig.call("alarm.reset", alarm)
