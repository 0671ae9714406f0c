"""Jobs that behave as the test asks: well, or in every way in which native code goes wrong. They run in a worker process."""

from __future__ import annotations

import ctypes
import os
import threading
import time
from typing import Any

import numpy as np

from gateway.core.errors import SourceError
from gateway.core.tags import Cause
from inference.runtime.child import Emit


class Job:
    """Counts up; after `after` results it does what `then` says."""

    pictures = True

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings
        self.show: Any = None

    def run(self, emit: Emit, stopping: threading.Event) -> None:
        count = 0
        while not stopping.wait(self.settings.get("every_s", 0.02)):
            now_ns = time.monotonic_ns() - int(self.settings.get("old_ms", 0) * 1e6)
            if count == self.settings.get("after", -1):
                getattr(self, self.settings["then"])(emit)
            if self.show is not None:
                self.show(np.full((4, 6, 3), count, np.uint8), now_ns)
            emit({"count": count, "pid": os.getpid(), "hole": float("nan")}, now_ns)
            count += 1

    def segfault(self, emit: Emit) -> None:
        ctypes.string_at(0)

    def kill(self, emit: Emit) -> None:
        os.kill(os.getpid(), 9)

    def stop(self, emit: Emit) -> None:
        os.kill(os.getpid(), 19)  # SIGSTOP

    def hang(self, emit: Emit) -> None:
        threading.Event().wait()

    def freeze(self, emit: Emit) -> None:
        """Hold the interpreter itself, as native code does that never lets it go."""
        ctypes.PyDLL(None).pause()

    def leak(self, emit: Emit) -> None:
        kept = []
        while True:
            kept.append(np.ones(4 << 20, np.uint8))
            emit({"count": len(kept)}, time.monotonic_ns())
            time.sleep(0.002)

    def leave(self, emit: Emit) -> None:
        raise SourceError("the camera said no", Cause.REFUSED, slow=True)

    def stumble(self, emit: Emit) -> None:
        raise ZeroDivisionError("a bug")

    def ahead(self, emit: Emit) -> None:
        emit({"count": 1.0}, time.monotonic_ns() + 10**12)

    def sidekick(self, emit: Emit) -> None:
        """A thread of the job's own ends by a bug."""
        thread = threading.Thread(target=lambda: {}["no such key"], name="camera-gate3")
        thread.start()
        thread.join()

    def garbage(self, emit: Emit) -> None:
        self._raw(b"\xff\x00garbage")

    def torrent(self, emit: Emit) -> None:
        self._raw(b'{"type":"result"' + b" " * (100 << 10))

    def strange(self, emit: Emit) -> None:
        self._raw(b'{"type":"write","tag":"xv101.open","value":1}')

    def _raw(self, packet: bytes) -> None:
        """What a process that was taken over might send: straight past everything of ours."""
        for descriptor in os.listdir("/proc/self/fd"):
            try:
                if os.readlink(f"/proc/self/fd/{descriptor}").startswith("socket:"):
                    os.write(int(descriptor), packet)
            except OSError:
                continue
        time.sleep(0.5)


class Reach:
    """Tries to leave its process: reports what it could do."""

    def __init__(self, settings: dict[str, Any]) -> None:
        self.settings = settings

    def run(self, emit: Emit, stopping: threading.Event) -> None:
        import socket

        try:
            with socket.create_connection(("127.0.0.1", self.settings["port"]), timeout=1):
                reached = 1.0
        except OSError:
            reached = 0.0
        while not stopping.wait(0.05):
            emit({"reached": reached}, time.monotonic_ns())
