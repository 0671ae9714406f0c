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
    _seen: deque[bool] = field(default_factory=deque)  # the last n
    _since: deque[tuple[int, bool]] = field(default_factory=deque)  # the same from the first that showed it, with times
    _last_ns: int = 0  # when it was shown last

    def picture(self, shown: bool, at_ns: int) -> bool:
        """One picture captured at `at_ns` shows it or not; returns whether it is occupied now."""
        self._seen.append(shown)
        self._since.append((at_ns, shown))
        while len(self._seen) > self.rule.n:
            self._seen.popleft()
        while len(self._since) > self.rule.n:
            self._since.popleft()
        self._begin_with_one()
        if shown:
            self._last_ns = at_ns
        if sum(self._seen) >= self.rule.m:
            self.occupied = True
        elif not any(self._seen) and len(self._seen) >= self.rule.n:
            self.occupied = self.occupied and at_ns - self._last_ns < self.rule.hold_ms * MS
        return self.tick(at_ns)

    def tick(self, now_ns: int) -> bool:
        """Time passes without a picture; returns whether it is occupied now."""
        while not self.occupied and self._since and now_ns - self._since[0][0] >= self.rule.cap_ms * MS:
            count = sum(shown for _, shown in self._since)
            if count * self.rule.n >= self.rule.m * len(self._since):
                self.occupied = True
                break
            self._since.popleft()
            self._begin_with_one()
        return self.occupied

    def _begin_with_one(self) -> None:
        while self._since and not self._since[0][1]:
            self._since.popleft()

    def forget(self) -> None:
        """The camera was lost: nothing is known."""
        self.occupied = False
        self._seen.clear()
        self._since.clear()
