"""Priority and locked memory are asked for; a refusal is said and never ends the gateway."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Any

import pytest

from gateway.runtime import priority


class _Libc:
    """A C library whose `mlockall` answers as told."""

    def __init__(self, answer: int) -> None:
        self.answer = answer
        self.asked: list[int] = []

    def mlockall(self, flags: int) -> int:
        self.asked.append(flags)
        ctypes.set_errno(errno.EPERM if self.answer else 0)
        return self.answer


def played(monkeypatch: pytest.MonkeyPatch, *, nice: int, refuse: bool) -> tuple[list[int], _Libc]:
    """`raise_priority` in a process with this niceness; what it asked for. Nothing of this process is touched."""
    asked: list[int] = []
    libc = _Libc(-1 if refuse else 0)

    def setpriority(which: int, who: int, value: int) -> None:
        asked.append(value)
        if refuse:
            raise PermissionError("not permitted")

    def load(*args: Any, **more: Any) -> _Libc:
        return libc

    monkeypatch.setattr(os, "setpriority", setpriority)
    monkeypatch.setattr(os, "getpriority", lambda which, who: nice)
    monkeypatch.setattr(ctypes, "CDLL", load)
    priority.raise_priority()
    return asked, libc


def test_both_are_asked_for(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    asked, libc = played(monkeypatch, nice=0, refuse=False)
    assert asked == [priority.NICE]
    assert libc.asked == [7]
    assert not caplog.records


def test_what_the_unit_has_raised_higher_is_not_lowered(monkeypatch: pytest.MonkeyPatch) -> None:
    asked, _ = played(monkeypatch, nice=-19, refuse=False)
    assert asked == [], "its sandbox refuses the call"


def test_a_refusal_is_said_and_is_not_fatal(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    asked, libc = played(monkeypatch, nice=0, refuse=True)
    assert asked == [priority.NICE]
    assert libc.asked == [7], "a refused priority does not keep it from asking for memory"
    told = [record.message for record in caplog.records]
    assert len(told) == 2
    assert "priority: refused" in told[0]
    assert "memory lock: refused" in told[1]
    assert os.strerror(errno.EPERM) in told[1]
