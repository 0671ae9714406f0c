"""A slot for one picture: what is put replaces what was there, so that a slow reader always gets the newest one."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """One writer, one reader, no queue."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: T | None = None
        self.dropped = 0

    def put(self, item: T) -> None:
        """Replace what is there."""
        with self._changed:
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify()

    def take(self, within_s: float) -> T | None:
        """The newest that was not taken yet; None where none comes in time."""
        with self._changed:
            if self._item is None:
                self._changed.wait(within_s)
            item, self._item = self._item, None
            return item
