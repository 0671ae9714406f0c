"""m-of-n pictures with a hard cap: one wrong picture changes nothing, and a slow camera delays nothing.

`occupied` comes when `m` of the last `n` pictures show it, at the latest `cap_ms` after the first one did, if as large a share
of the pictures since then do. It goes only when `n` pictures in a row show nothing and `hold_ms` have passed: what protects
comes easily and goes hard.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Rule:
    """m of n, and the times in milliseconds."""

    m: int = 2
    n: int = 3
    cap_ms: int = 300
    hold_ms: int = 500


@dataclass(slots=True)
class Vote:
    """The state of one question. Times are CLOCK_MONOTONIC in ns and never go back."""

    rule: Rule
    occupied: bool = False
    _seen: deque[bool] = field(default_factory=deque)
    _since: list[bool] = field(default_factory=list)  # the pictures since the first that showed it, at most n
    _first_ns: int = 0
    _last_ns: int = 0  # when it was shown last

    def picture(self, shown: bool, at_ns: int) -> bool:
        """One picture captured at `at_ns` shows it or not; returns whether it is occupied now."""
        self._seen.append(shown)
        while len(self._seen) > self.rule.n:
            self._seen.popleft()
        if shown:
            self._last_ns = at_ns
        if not self._since and shown:
            self._first_ns = at_ns
        if self._since or shown:
            self._since.append(shown)
        if sum(self._seen) >= self.rule.m:
            self.occupied = True
        elif not any(self._seen) and len(self._seen) >= self.rule.n:
            self._since.clear()
            if at_ns - self._last_ns >= self.rule.hold_ms * MS:
                self.occupied = False
        del self._since[: -self.rule.n]
        return self.tick(at_ns)

    def tick(self, now_ns: int) -> bool:
        """Time passes without a picture; returns whether it is occupied now."""
        if self._since and not self.occupied and now_ns - self._first_ns >= self.rule.cap_ms * MS:
            if sum(self._since) * self.rule.n >= self.rule.m * len(self._since):
                self.occupied = True
            else:
                self._since.clear()
        return self.occupied

    def forget(self) -> None:
        """The camera was lost: nothing is known."""
        self.occupied = False
        self._seen.clear()
        self._since.clear()
