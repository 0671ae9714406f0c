"""The Inbox: every input gets its number and times here, on the loop's thread, and waits in order.

It is not latest-wins: a short trip pulse must not be lost. A source over its quota is marked BAD (OVERFLOW), visibly.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable

from gateway.core.limits import INBOX_QUOTA
from gateway.core.samples import Block, Input, SourceDown, Stamp
from gateway.core.tags import Cause
from gateway.runtime.clock import Clock


class Inbox:
    """A bounded queue in order of arrival; `wake` is called when it stops being empty."""

    def __init__(self, clock: Clock, wake: Callable[[], None], quota: int = INBOX_QUOTA) -> None:
        self._clock = clock
        self._wake = wake
        self._quota = quota
        self._waiting: deque[tuple[Stamp, Input, str]] = deque()
        self._held: Counter[str] = Counter()
        self._over: set[str] = set()
        self._seq = 0
        self.overflowed: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, source: str, block: Block) -> bool:
        """Take a block of a source; False where its quota is used up: the block is gone, and the source must be restarted."""
        if self._held[source] >= self._quota or source in self._over:
            if source not in self._over:
                self._over.add(source)
                self._put(SourceDown(source, Cause.OVERFLOW), "")
            self.overflowed[source] += 1
            return False
        self._held[source] += 1
        self._put(block, source)
        return True

    def reopen(self, source: str) -> None:
        """The source starts anew: its blocks are whole again."""
        self._over.discard(source)

    def put(self, given: Input) -> None:
        """Take a result, command or message of the runtime: few by nature, and never dropped."""
        self._put(given, "")

    def _put(self, given: Input, source: str) -> None:
        self._seq += 1
        stamp = Stamp(self._seq, self._clock.monotonic_ns(), self._clock.utc_ns())
        self._waiting.append((stamp, given, source))
        if len(self._waiting) == 1:
            self._wake()

    def take(self) -> tuple[Stamp, Input] | None:
        """The next input, None if there is none."""
        if not self._waiting:
            return None
        stamp, given, source = self._waiting.popleft()
        if source:
            self._held[source] -= 1
        return stamp, given
