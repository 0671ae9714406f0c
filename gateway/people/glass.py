"""Break-glass: a medic asks with a reason, a second person confirms, and for 15 min the medic sees the latest values."""

from __future__ import annotations

from dataclasses import dataclass

WAIT_MIN, OPEN_MIN = 5, 15
MINUTES_MS = 60_000
WAITING_MAX = 32


@dataclass(frozen=True, slots=True)
class Glass:
    """One request. `until_ms` is when it is too late to confirm or, once open, when it closes."""

    asker: str
    reason: str
    until_ms: int
    is_open: bool = False


class Glasses:
    """In memory only: a restart closes every glass."""

    def __init__(self) -> None:
        self._glasses: dict[str, Glass] = {}

    def ask(self, worker: str, asker: str, reason: str, now_ms: int) -> None:
        """A request, which replaces one that waits; an open glass of somebody else stays until its time is over."""
        kept = {name: one for name, one in self._glasses.items() if one.until_ms > now_ms}
        self._glasses = dict(list(kept.items())[-WAITING_MAX:])
        standing = self._glasses.get(worker)
        if standing is None or not standing.is_open:
            self._glasses[worker] = Glass(asker, reason, now_ms + WAIT_MIN * MINUTES_MS)

    def waiting(self, worker: str, now_ms: int) -> Glass | None:
        """The request that waits for a second person."""
        found = self._glasses.get(worker)
        return found if found is not None and not found.is_open and now_ms < found.until_ms else None

    def open(self, worker: str, until_ms: int) -> None:
        """Confirmed."""
        found = self._glasses[worker]
        self._glasses[worker] = Glass(found.asker, found.reason, until_ms, is_open=True)

    def is_open(self, worker: str, asker: str, now_ms: int) -> bool:
        """Whether this medic may look now."""
        found = self._glasses.get(worker)
        return found is not None and found.is_open and found.asker == asker and now_ms < found.until_ms
