"""A living control server, and the command line run against it in this process."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.cli.main import run
from tests.control.living import Living, living


@dataclass(frozen=True)
class Ran:
    """What a command left behind."""

    code: int
    out: str
    err: str


@dataclass
class Terminal:
    """The command line in this process; `keyboard` gives it a person at a terminal who types that."""

    capture: pytest.CaptureFixture[str]
    patch: pytest.MonkeyPatch
    directory: Path
    environment: dict[str, str]

    def __call__(self, *words: str, keyboard: str | None = None) -> Ran:
        stdin = _Keyboard(keyboard or "")
        stdin.there = keyboard is not None
        self.patch.setattr("sys.stdin", stdin)
        code = run(list(words), {"GATEHOUSE_CONTROL": str(self.directory)} | self.environment)
        said = self.capture.readouterr()
        return Ran(code, said.out, said.err)


class _Keyboard(io.StringIO):
    there = False

    def isatty(self) -> bool:
        return self.there


@pytest.fixture
def alive(tmp_path: Path) -> Iterator[Living]:
    with living(tmp_path / "control") as server:
        yield server


@pytest.fixture
def terminal(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Terminal:
    return Terminal(capsys, monkeypatch, tmp_path / "control", {"LANG": "en_US.UTF-8"})
