"""A peer process that is driven by lines on its stdin and answers each with a line."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from types import TracebackType


class LinePeer:
    """Prints its port first; `ask` sends one line and returns the answer."""

    def __init__(self, command: Sequence[str]) -> None:
        self._command = list(command)
        self.port = 0

    def __enter__(self) -> LinePeer:
        self._process = subprocess.Popen(self._command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.port = int(self._read())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    @property
    def pid(self) -> int:
        """Of the peer's process."""
        return self._process.pid

    def ask(self, line: str) -> str:
        """Raises ValueError where the peer does not understand."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._read()
        if answer == "?":
            raise ValueError(line)
        return answer

    def _read(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._command[0]} ended")
        return line.strip()
