"""The worker's side: `python -m inference.runtime.child DESCRIPTOR MEMORY NETWORK` runs the jobs the daemon asks for, each in a thread.

A job is a class in `inference/<room>/job.py`:

    class Job:
        def __init__(self, settings: dict[str, Any]) -> None: ...          # no work here
        def run(self, emit: Emit, stopping: threading.Event) -> None: ...  # until stopping; leave by raising SourceError

`emit(values, captured_ns)` hands over what was found in a capture (CLOCK_MONOTONIC) and is the job's only sign of life: a job that
is silent for two seconds is killed with its process, so one that waits for its camera says so (`{"connected": 0.0}`) once a second.
A class with `tell(what: dict)` is given what the daemon has to say while it runs, in a thread that must not wait.
A class that sets `pictures = True` is also given `show(pixels, captured_ns)` as its attribute before `run`.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from typing import Any

from inference.runtime import accel
from inference.runtime.confine import confine

Emit = Callable[[Mapping[str, float], int], None]


class Hall:
    """The jobs of this process, and the one socket they report on."""

    def __init__(self, line: socket.socket) -> None:
        # loaded after the process was confined: these bring threads and native code
        from inference.runtime import messages, ring

        self._messages, self._ring = messages, ring
        self._line = line
        self._stops: dict[int, threading.Event] = {}
        self._running: dict[int, Any] = {}
        threading.excepthook = self._failed

    def serve(self, missing: list[str]) -> None:
        """Answer the daemon until it is gone."""
        self._say(self._messages.Ready(missing))
        while True:
            packet, descriptors, _, _ = socket.recv_fds(self._line, self._messages.LARGEST, 1)
            if not packet:
                return
            order = self._messages.order(packet)
            if isinstance(order, self._messages.Halt):
                if stop := self._stops.pop(order.job, None):
                    stop.set()
            elif isinstance(order, self._messages.Tell):
                if job := self._running.get(order.job):  # else it is starting or over, and the daemon asks again
                    job.tell(order.what)
            else:
                self._start(order, descriptors)

    def _say(self, report: Any) -> None:
        self._line.send(self._messages.encode(report))  # one packet: threads cannot mix theirs

    def _start(self, order: Any, descriptors: list[int]) -> None:
        stop = self._stops[order.job] = threading.Event()
        ring = self._ring.Ring(descriptors[0]) if descriptors else None
        name = f"job-{order.job}"
        threading.Thread(target=self._run, args=(order, ring, stop), name=name, daemon=True).start()

    def _run(self, order: Any, ring: Any, stop: threading.Event) -> None:
        from gateway.core.errors import SourceError

        def emit(values: Mapping[str, float], captured_ns: int) -> None:
            if not stop.is_set():
                self._say(self._messages.Result(order.job, {key: float(v) for key, v in values.items()}, captured_ns))

        try:
            module, _, name = order.entry.partition(":")
            job = getattr(importlib.import_module(module), name)(order.settings)
            if ring is not None:
                job.show = ring.write
            self._running[order.job] = job
            job.run(emit, stop)
        except (SourceError, OSError, ImportError) as error:
            slow = bool(getattr(error, "slow", isinstance(error, ImportError)))
            self._ended(order.job, str(error), slow=slow)
        else:
            self._ended(order.job, "ended")
        finally:
            self._running.pop(order.job, None)
            if ring is not None:
                ring.close()

    def _failed(self, args: threading.ExceptHookArgs) -> None:
        """A job ended by a bug of its own: the daemon hears which, and the traceback goes to the log.

        A thread that a job has made ends alone: whoever made it notices that nothing comes any more.
        """
        sys.__excepthook__(args.exc_type, args.exc_value or args.exc_type(), args.exc_traceback)
        kind, _, number = (args.thread.name if args.thread else "").partition("-")
        if kind == "job":
            self._ended(int(number), f"{args.exc_type.__name__}: {args.exc_value}", bug=True)

    def _ended(self, job: int, reason: str, *, slow: bool = False, bug: bool = False) -> None:
        stop = self._stops.pop(job, None)
        if stop is not None:  # nobody waits for one that was halted
            self._say(self._messages.Ended(job, reason[: self._messages.REASON_MAX], slow, bug))


def main(words: list[str]) -> int:
    """Serve on the descriptor that was inherited; 2 on a wrong call."""
    if len(words) != 3 or not all(word.isdigit() for word in words):
        print(__doc__, file=sys.stderr)
        return 2
    missing = confine(memory=int(words[1]), network=words[2] == "1")
    accel.first()
    with socket.socket(fileno=int(words[0])) as line:
        Hall(line).serve(missing)
    # native threads of a job may hang for ever: nothing is left to lose
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
