"""The trial of a new version: ten minutes of local criteria, judged against what was measured before the switch.

No network, broker or cloud has a say in it: a plant without an uplink updates like any other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from gateway.appliance.state import State
from gateway.appliance.update import TRIAL_MIN

SOURCES_SHARE = 0.95  # of the share that was up before
SLOWER = 1.2
P99_FLOOR_US = 2_000  # below this nobody waits for a step, and a fifth of a small number is noise
SETTLE_S = 120.0  # a start, connections, first polls; then every look counts
SILENT_S = 60.0
EVERY_S = 5.0
DEFICIENT_MAX = 12  # looks in a row, one minute: a device that is switched off for a moment is not the version's fault


@dataclass(frozen=True, slots=True)
class Look:
    """One look at the gateway on trial."""

    boot: int
    sources: float
    p99_us: int


class Judge:
    """Takes a look every `EVERY_S` and says when the trial has ended, and why."""

    def __init__(self, state: State, minutes: float = TRIAL_MIN) -> None:
        self._state = state
        self._minutes = minutes
        self._boot = 0
        self._silent_s = 0.0
        self._poor = self._slow = 0
        self._last: Look | None = None

    def lacking(self) -> str:
        """What the last look lacked, as a reason; "" where it was in order."""
        look = self._last
        if look is None:
            return "silent"
        if look.sources < SOURCES_SHARE * self._state.sources:
            return "sources"
        return "slow" if look.p99_us > max(SLOWER * self._state.p99_us, P99_FLOOR_US) else ""

    def look(self, at_s: float, seen: Look | None) -> str | None:
        """One look `at_s` after the switch: "" = ended well, a reason = roll back, None = go on."""
        self._last = seen
        if seen is None:
            self._silent_s += EVERY_S
            return "silent" if self._silent_s >= SILENT_S and at_s >= SETTLE_S else None
        self._silent_s = 0.0
        if self._boot and seen.boot != self._boot:
            return "restarted"
        self._boot = seen.boot
        lacking = self.lacking()
        settled = at_s >= SETTLE_S
        self._poor = self._poor + 1 if lacking == "sources" and settled else 0
        self._slow = self._slow + 1 if lacking == "slow" and settled else 0
        if max(self._poor, self._slow) >= DEFICIENT_MAX:
            return lacking
        if at_s >= 2 * self._minutes * 60:  # neither good for once nor bad for long
            return lacking
        return "" if at_s >= self._minutes * 60 and not lacking else None


def judged(
    judge: Judge,
    since_s: float,
    look: Callable[[], Look | None],
    now_s: Callable[[], float],
    sleep: Callable[[float], None],
) -> str:
    """Look until the trial has ended; "" = well, else the reason to roll back."""
    while True:
        ended = judge.look(now_s() - since_s, look())
        if ended is not None:
            return ended
        sleep(EVERY_S)
