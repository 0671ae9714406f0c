"""The supervisor: every end of a source has its cause, waits before the next life, and never runs two lives at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from drivers.base import Emit
from gateway.core.errors import SourceError
from gateway.core.samples import Alive, SourceDown
from gateway.core.tags import Cause
from gateway.runtime import supervisor
from gateway.runtime.inbox import Inbox
from gateway.runtime.outputs import Outputs
from gateway.runtime.supervisor import Standing
from tests.core.stage import table
from tests.runtime.plant import HandClock, Puppet
from tests.waiting import until

Life = Callable[[Emit], Awaitable[None]]
FIRST_S, SLOW_S = 0.002, 0.05


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same ladder of waits, a hundred times steeper."""
    monkeypatch.setattr(supervisor, "FIRST_S", FIRST_S)
    monkeypatch.setattr(supervisor, "LONGEST_S", 0.008)
    monkeypatch.setattr(supervisor, "SLOW_S", SLOW_S)
    Puppet.alive = Puppet.most_alive = 0


class Care:
    """One supervised source whose lives are played one after the other; the last one is played for ever."""

    def __init__(self, *lives: Life, quota: int = 512) -> None:
        self.lives = list(lives)
        self.inbox = Inbox(HandClock(), lambda: None, quota)
        self.outputs = Outputs(table(), HandClock(), self.inbox.put)
        self.standing = Standing()
        self.made = 0

    def make(self) -> Puppet:
        life = self.lives[min(self.made, len(self.lives) - 1)]
        self.made += 1
        return Puppet(life)

    def run(self, play: Callable[[], Awaitable[None]]) -> None:
        """`play` while the source is cared for, then cancel: it must end, and by CancelledError."""

        async def both() -> None:
            task = asyncio.ensure_future(supervisor.source("plc1", self.make, self.inbox, self.outputs, self.standing))
            try:
                await play()
                assert not task.done(), "the supervisor itself has ended"
            finally:
                task.cancel()
                await asyncio.wait({task}, timeout=1)
            assert task.cancelled()
            assert asyncio.all_tasks() == {asyncio.current_task()}, "a driver's task was left behind"

        asyncio.run(both())
        assert Puppet.alive == 0
        assert Puppet.most_alive <= 1, "two lives of one source at once"

    def downs(self) -> list[SourceDown]:
        """What the Inbox heard of losses."""
        found = []
        while (taken := self.inbox.take()) is not None:
            if isinstance(taken[1], SourceDown):
                found.append(taken[1])
        return found


def raising(error: BaseException) -> Life:
    """A life that ends with `error` after one block."""

    async def life(emit: Emit) -> None:
        emit(Alive(0))
        raise error

    return life


async def steady(emit: Emit) -> None:
    """A life that goes on."""
    emit(Alive(0))
    await asyncio.get_running_loop().create_future()


@pytest.mark.parametrize(
    ("error", "cause", "bugs"),
    [
        (SourceError("away"), Cause.COMMS, 0),
        (SourceError("no", Cause.REFUSED), Cause.REFUSED, 0),
        (ConnectionResetError("reset by peer"), Cause.COMMS, 0),
        (TimeoutError("nothing came"), Cause.COMMS, 0),
        (ZeroDivisionError("a vendor's bug"), Cause.COMMS, 1),
    ],
)
def test_each_end_marks_the_source_down_with_its_cause_and_it_lives_again(
    error: Exception, cause: Cause, bugs: int, caplog: pytest.LogCaptureFixture
) -> None:
    care = Care(raising(error), steady)

    async def play() -> None:
        await until(lambda: care.made == 2 and care.standing.up)
        assert care.downs() == [SourceDown("plc1", cause)]

    with caplog.at_level(logging.INFO):
        care.run(play)
    assert (care.standing.restarts, care.standing.bugs) == (1, bugs)
    assert str(error) in care.standing.error
    assert sum("is lost" in record.message for record in caplog.records) == 1
    assert sum("is back" in record.message for record in caplog.records) == 1
    assert ("Traceback" in caplog.text) == bool(bugs), "a bug has a traceback, an operating error has none"


def test_a_device_that_stays_away_is_one_log_line_and_says_down_each_time(caplog: pytest.LogCaptureFixture) -> None:
    async def away(emit: Emit) -> None:
        raise SourceError("no route")

    care = Care(away)

    async def play() -> None:
        await until(lambda: care.made >= 4)

    care.run(play)
    assert len(care.downs()) >= 3
    assert sum("is lost" in record.message for record in caplog.records) == 1


def test_a_driver_that_simply_returns_has_stopped_and_lives_again() -> None:
    async def over(emit: Emit) -> None:
        return

    care = Care(over, steady)

    async def play() -> None:
        await until(lambda: care.standing.up)

    care.run(play)
    assert care.downs() == [SourceDown("plc1", Cause.STOPPED)]


def test_what_is_slow_waits_long(monkeypatch: pytest.MonkeyPatch) -> None:
    waits = recorded_waits(monkeypatch)
    care = Care(raising(SourceError("wrong password", Cause.REFUSED, slow=True)), raising(SourceError("away")), steady)

    async def play() -> None:
        await until(lambda: care.made == 3)

    care.run(play)
    assert waits[0] >= SLOW_S * 0.75
    assert waits[1] <= 0.008 * 1.25


def recorded_waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long the supervisor asked to wait between lives; the waits themselves are cut short."""
    waits: list[float] = []
    back_off = supervisor._BackOff.wait_s

    def wait_s(self: Any, lived_s: float, slow: bool) -> float:
        waits.append(back_off(self, lived_s, slow))
        return 0.0

    monkeypatch.setattr(supervisor._BackOff, "wait_s", wait_s)
    return waits


def test_back_off_doubles_to_its_longest_with_jitter_and_starts_over_after_a_settled_life() -> None:
    ladder = supervisor._BackOff()
    waits = [ladder.wait_s(0.0, slow=False) for _ in range(5)]
    for wait_s, expected_s in zip(waits, (0.002, 0.004, 0.008, 0.008, 0.008), strict=True):
        assert expected_s * 0.75 <= wait_s <= expected_s * 1.25
    assert len(set(waits[2:])) == 3, "jitter: a plant full of gateways must not knock in step"
    assert ladder.wait_s(supervisor.SETTLED_S, slow=False) <= FIRST_S * 1.25


SHIPPED = (supervisor.FIRST_S, supervisor.LONGEST_S, supervisor.SLOW_S)


def test_the_shipped_waits_never_hammer_and_never_forget() -> None:
    first_s, longest_s, slow_s = SHIPPED
    assert 0.1 <= first_s < longest_s <= 15
    assert slow_s >= 60


def test_cancelled_error_passes_through_and_is_no_loss() -> None:
    care = Care(steady)

    async def play() -> None:
        await until(lambda: care.standing.up)

    care.run(play)
    assert care.downs() == []
    assert care.standing.restarts == 0


def test_a_driver_that_cancels_itself_is_a_loss_like_any_other() -> None:
    """A library's own CancelledError must not end the supervisor: the source would be gone for good, unseen."""
    care = Care(raising(asyncio.CancelledError()), steady)

    async def play() -> None:
        await until(lambda: care.made == 2 and care.standing.up)

    care.run(play)
    assert care.downs() == [SourceDown("plc1", Cause.COMMS)]


def test_overflow_ends_the_life_of_the_driver_and_opens_the_inbox_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    # The next life waits longer than `until` looks away: the inbox is emptied before it begins.
    monkeypatch.setattr(supervisor, "FIRST_S", 0.1)
    monkeypatch.setattr(supervisor, "LONGEST_S", 0.1)
    ended: list[bool] = []

    async def flood(emit: Emit) -> None:
        try:
            for _ in range(10):
                emit(Alive(0))
            await asyncio.get_running_loop().create_future()
        finally:
            ended.append(True)

    care = Care(flood, steady, quota=4)

    async def play() -> None:
        await until(lambda: SourceDown("plc1", Cause.OVERFLOW) in care.downs())
        assert ended == [True]
        await until(lambda: care.made == 2 and care.standing.up)
        assert len(care.inbox) >= 1, "blocks are taken again"

    care.run(play)
    assert care.inbox.overflowed["plc1"] == 6
    assert care.standing.bugs == 0


def test_never_two_lives_though_the_first_is_slow_to_die() -> None:
    async def lingers(emit: Emit) -> None:
        for _ in range(3):
            emit(Alive(0))
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await asyncio.sleep(0.03)

    care = Care(lingers, steady, quota=1)

    async def play() -> None:
        await until(lambda: care.made >= 2)  # nobody empties the inbox, so that later lives overflow as well

    care.run(play)
    assert Puppet.most_alive == 1


def test_the_outputs_have_the_driver_only_while_it_lives() -> None:
    care = Care(raising(SourceError("away")), steady)
    seen: list[bool] = []
    connect = care.outputs.connect

    def spy(source: str, driver: Any) -> None:
        seen.append(driver is not None)
        connect(source, driver)

    care.outputs.connect = spy  # type: ignore[method-assign]

    async def play() -> None:
        await until(lambda: care.standing.up and care.made == 2)

    care.run(play)
    assert seen == [True, False, True]


class _PeerError(Exception):
    """An operating error of an edge, as the upstream session has one."""

    slow = True


@pytest.mark.parametrize(
    ("error", "bugs", "slow"),
    [(OSError("port in use"), 0, False), (_PeerError("refused"), 0, True), (KeyError("a bug"), 1, False)],
)
def test_an_edge_lives_again_after_each_end(
    error: Exception, bugs: int, slow: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    waits, lives, standing = recorded_waits(monkeypatch), 0, Standing()

    async def run() -> None:
        nonlocal lives
        lives += 1
        if lives == 1:
            raise error
        await asyncio.get_running_loop().create_future()

    async def play() -> None:
        task = asyncio.ensure_future(supervisor.edge("page", run, standing, (_PeerError,)))
        await until(lambda: lives == 2)
        assert standing.up
        task.cancel()
        await asyncio.wait({task}, timeout=1)
        assert task.cancelled()

    asyncio.run(play())
    assert (standing.restarts, standing.bugs) == (1, bugs)
    assert (waits[0] >= SLOW_S * 0.75) == slow
    assert ("Traceback" in caplog.text) == bool(bugs)


def test_an_edge_that_cancels_itself_lives_again() -> None:
    lives, standing = 0, Standing()

    async def run() -> None:
        nonlocal lives
        lives += 1
        if lives == 1:
            raise asyncio.CancelledError
        await asyncio.get_running_loop().create_future()

    async def play() -> None:
        task = asyncio.ensure_future(supervisor.edge("upstream", run, standing))
        await until(lambda: lives == 2 or task.done())
        assert not task.done()
        task.cancel()
        await asyncio.wait({task}, timeout=1)

    asyncio.run(play())
