"""The watchdog: what systemd hears, and that only finished steps make it heard."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from gateway.core.effects import Effect
from gateway.core.kernel import Kernel
from gateway.core.program import Program
from gateway.core.samples import Alive, Input, SelfCheck, Stamp
from gateway.runtime import watchdog as room
from gateway.runtime.line import Line
from gateway.runtime.watchdog import Watchdog
from tests.core.stage import table
from tests.runtime.plant import HandClock, Heard, Memory, Rings
from tests.waiting import until


@pytest.fixture
def systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The other end of NOTIFY_SOCKET, with a watchdog period of 20 ms."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind(str(tmp_path / "notify"))
        end.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "20000")
        yield end


def heard(end: socket.socket) -> list[str]:
    """All datagrams so far."""
    lines = []
    while True:
        try:
            lines.append(end.recv(200).decode())
        except BlockingIOError:
            return lines


def test_ready_and_stopping_are_said_once_each(systemd: socket.socket) -> None:
    watchdog = Watchdog()
    assert heard(systemd) == []
    watchdog.ready()
    watchdog.stopping()
    assert heard(systemd) == ["READY=1", "STOPPING=1"]


def test_feeding_is_passed_on_at_most_four_times_a_period(
    systemd: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = [100.0]
    monkeypatch.setattr(room, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    watchdog = Watchdog()
    for _ in range(1000):
        now_s[0] += 0.00002
        watchdog.fed()
    assert heard(systemd) == ["WATCHDOG=1"] * 4


def test_without_a_period_nothing_is_fed(systemd: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WATCHDOG_USEC")
    watchdog = Watchdog()
    watchdog.fed()
    watchdog.ready()
    assert heard(systemd) == ["READY=1"]


def test_without_systemd_it_is_silent(systemd: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET")
    monkeypatch.setenv("WATCHDOG_USEC", "20000")
    watchdog = Watchdog()
    watchdog.ready()
    watchdog.fed()
    watchdog.stopping()
    assert heard(systemd) == []


def test_an_abstract_address_is_understood(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    name = f"gatehouse{tmp_path}"[-90:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
        end.bind("\0" + name)
        end.setblocking(False)
        monkeypatch.setenv("NOTIFY_SOCKET", "@" + name)
        Watchdog().ready()
        assert heard(end) == ["READY=1"]


class _Stuck(Kernel):
    """Finds a bug in an `Alive`."""

    def step(self, stamp: Stamp, given: Input) -> list[Effect]:
        assert not isinstance(given, Alive), "a bug"
        return super().step(stamp, given)


def test_only_finished_steps_feed_it(systemd: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    """An idle loop with timers does not feed it, a step does, a step that fails does not."""
    now_s = [100.0]
    monkeypatch.setattr(room, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    line = Line(_Stuck(table(), Program(()), 1), HandClock(), Memory(), Rings(), Heard())
    line.on_step = Watchdog().fed

    async def play() -> None:
        task = asyncio.ensure_future(line.run())
        await until(lambda: line.kernel.booted)
        assert heard(systemd) == ["WATCHDOG=1"]
        now_s[0] += 1
        await asyncio.sleep(0.06)
        assert heard(systemd) == []
        line.inbox.put(SelfCheck(True))
        await until(lambda: not len(line.inbox))
        assert heard(systemd) == ["WATCHDOG=1"]
        now_s[0] += 1
        line.inbox.put(Alive(0))
        await asyncio.wait({task}, timeout=1)
        assert isinstance(task.exception(), AssertionError)
        assert heard(systemd) == []

    asyncio.run(play())
