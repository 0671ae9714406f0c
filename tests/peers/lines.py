"""A peer process that is driven by lines on its stdin and answers each with a line."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Sequence
from types import TracebackType

ANSWER_S = 60.0  # bounds a peer that hangs, not one on a busy machine: a server of node takes seconds to begin


class LinePeer:
    """Prints its port first; `ask` sends one line and returns the answer. Both raise RuntimeError where none comes."""

    def __init__(self, command: Sequence[str], answer_s: float = ANSWER_S) -> None:
        self._command = list(command)
        self._answer_s = answer_s
        self._held = b""
        self.port = 0

    def __enter__(self) -> LinePeer:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        try:
            self.port = int(self._read("its port"))
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    @property
    def pid(self) -> int:
        """Of the peer's process."""
        return self._process.pid

    def ask(self, line: str) -> str:
        """Raises ValueError where the peer does not understand."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n".encode())
        answer = self._read(f"the answer to {line!r}")
        if answer == "?":
            raise ValueError(line)
        return answer

    def _read(self, what: str) -> str:
        assert self._process.stdout is not None
        stdout, end_s = self._process.stdout.fileno(), time.monotonic() + self._answer_s
        while b"\n" not in self._held:
            if not select.select([stdout], [], [], max(0.0, end_s - time.monotonic()))[0]:
                raise RuntimeError(f"{' '.join(self._command)} did not say {what} within {self._answer_s:g} s")
            piece = os.read(stdout, 65_536)
            if not piece:
                raise RuntimeError(f"{' '.join(self._command)} ended before it said {what}")
            self._held += piece
        line, _, self._held = self._held.partition(b"\n")
        return line.decode().strip()

    def _end(self) -> None:
        self._process.kill()
        self._process.communicate()
