"""The camera of tests/peers as a process: start, commands, and when what was shown."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PROGRAM = Path(__file__).parents[2] / "peers" / "rtsp_camera.py"
START_S = 30.0


class PeerCamera:
    """One camera; `shown` waits for the moment at which a change was first pictured."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self._lines: list[str] = []
        self._changed = threading.Condition()
        threading.Thread(target=self._read, daemon=True).start()
        self.port = int(self._wait("port ", START_S).split()[1])

    @property
    def url(self) -> str:
        """Of its stream."""
        return f"rtsp://127.0.0.1:{self.port}/live"

    def tell(self, line: str) -> None:
        """A command."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def show(self, line: str, name: str) -> int:
        """A command, and when (CLOCK_MONOTONIC, ns) the first picture with it was made."""
        with self._changed:
            self._lines = [one for one in self._lines if not one.startswith(f"shown {name} ")]
        self.tell(line)
        return int(self._wait(f"shown {name} ", 10.0).split()[-1])

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line.strip())
                self._changed.notify_all()

    def _wait(self, start: str, within_s: float) -> str:
        end = time.monotonic() + within_s
        with self._changed:
            while not (found := [one for one in self._lines if one.startswith(start)]):
                left = end - time.monotonic()
                assert left > 0, f"the camera does not say {start}"
                assert self._process.poll() is None, "the camera ended"
                self._changed.wait(left)
            return found[0]


@contextmanager
def peer_camera(*words: str) -> Iterator[PeerCamera]:
    """A camera that ends with the block."""
    process = subprocess.Popen(
        [sys.executable, str(PROGRAM), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        yield PeerCamera(process)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()
