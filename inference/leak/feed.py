"""One sensor read in a thread of its own: the latest second of it, and why there is none. A sensor that hangs harms no other."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

import av

from gateway.core.errors import SourceError

T = TypeVar("T")

AGAIN_S = (1.0, 2.0, 5.0, 10.0)  # between attempts
HELD = 2  # seconds that wait for the judge; the older is dropped and counted


class Feed(Generic[T]):
    """Runs `open_` again and again, each time to its end, and keeps the last items of it."""

    def __init__(self, name: str, open_: Callable[[threading.Event], Iterator[T]]) -> None:
        self.error = ""
        self.dropped = 0
        self.ended = False  # a file that was played to its end
        self._open = open_
        self._items: list[T] = []
        self._arrived = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self, within_s: float = 1.0) -> None:
        """End it; a thread that hangs in a device is left behind and ends with the process."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join(within_s)

    def take(self, within_s: float) -> T | None:
        """The oldest item that waits; None where none came in time."""
        with self._arrived:
            self._arrived.wait_for(lambda: bool(self._items), within_s)
            return self._items.pop(0) if self._items else None

    def _run(self) -> None:
        failed = 0
        while not self._stopping.is_set():
            try:
                for item in self._open(self._stopping):
                    self._put(item)
                    failed = 0
                    if self._stopping.is_set():
                        return
                self.ended = True
                return
            except (SourceError, OSError, av.FFmpegError, ValueError) as error:
                self.error = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
            self._stopping.wait(AGAIN_S[min(failed, len(AGAIN_S) - 1)])
            failed += 1

    def _put(self, item: T) -> None:
        with self._arrived:
            self.error = ""
            if len(self._items) >= HELD:
                del self._items[0]
                self.dropped += 1
            self._items.append(item)
            self._arrived.notify()


def paced(items: Iterator[T], every_s: float, stopping: threading.Event) -> Iterator[T]:
    """The items of a file in the time they were recorded in."""
    begun = time.monotonic()
    for number, item in enumerate(items, start=1):
        if stopping.wait(max(0.0, begun + number * every_s - time.monotonic())):
            return
        yield item
