"""What the running gateway has to do with an update: it holds back arming during a trial, and keeps a supervisor's word."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from gateway.appliance import state as states
from gateway.appliance.place import Place, here
from gateway.appliance.words import both
from gateway.control.messages import Reply, Texts
from gateway.control.views import UpdateView

CONFIRM = "update.confirm"
# what would bring something into service that a rollback would trip again
HELD = ("interlock.arm", "control.arm", "interlock.reset", "group.reset")
WORD_S = 900.0


def _nowhere(_kind: str, _detail: dict[str, Any]) -> bool:
    return True


class Updates:
    """Belongs to the loop. `note` writes a row of the gateway's own into the journal."""

    def __init__(self, note: Callable[[str, dict[str, Any]], bool] = _nowhere, place: Place | None = None) -> None:
        self._note = note
        self._place = place or here()
        self._word = ("", 0.0)

    def on_trial(self) -> bool:
        """A version is on trial on this box. One small file, read when somebody arms or resets."""
        return self._place is not None and states.read(self._place).step == "SWITCHED"

    def confirmed(self, person: str, reason: str) -> Reply:
        """Keep the word of `person` that the plant is stopped, for a quarter of an hour."""
        if not self._note("update.confirmed", {"person": person, "reason": reason}):
            return Reply(1)
        self._word = (person, time.monotonic() + WORD_S)
        return Reply(0)

    def view(self) -> UpdateView:
        """What `update.show` answers."""
        person, until_s = self._word
        left_s = until_s - time.monotonic()
        return UpdateView(self.on_trial(), person if left_s > 0 else "", max(0, int(left_s)))


def held() -> Texts:
    """Why nothing is armed or reset now."""
    return both("trial")
