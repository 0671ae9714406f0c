"""The line: a kernel's error ends it, deadlines fire unasked, snapshots come when they must, and slowness is told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.core.effects import Beat, Effect, Journal, Write
from gateway.core.kernel import Kernel
from gateway.core.limits import LAG_FAULT_NS, SNAPSHOT_NS
from gateway.core.program import Program
from gateway.core.samples import Alive, Command, Durable, Input, Personal, SelfCheck, SourceDown, Stamp, WriteResult
from gateway.core.tags import Cause, TagTable
from gateway.runtime.clock import SystemClock
from gateway.runtime.line import SNAPSHOT_AFTER_TRIP_S, Line
from tests.core.stage import low_level, table
from tests.runtime.plant import HandClock, Heard, Memory, Rings, few
from tests.waiting import until


class Shop:
    """A line over a real kernel, with everything it hands on remembered in one log."""

    def __init__(self, clock: HandClock | None = None, kernel: Kernel | None = None) -> None:
        self.clock = clock or HandClock()
        self.kernel = kernel or Kernel(table(), Program((low_level(),)), 1)
        self.log: list[Any] = []
        self.memory, self.rings, self.heard = Memory(self.log), Rings(), Heard(self.log)
        self.line = Line(self.kernel, self.clock, self.memory, self.rings, self.heard)

    def run(self, play: Callable[[], Awaitable[None]]) -> None:
        """`play` while the line runs; the line is cancelled at its end, and what it raised is raised."""

        async def both() -> None:
            task = asyncio.ensure_future(self.line.run())
            try:
                await until(lambda: self.kernel.booted or task.done())
                if not task.done():
                    await play()
            finally:
                task.cancel()
                await asyncio.wait({task})
            if not task.cancelled():
                task.result()

        asyncio.run(both())

    def given(self, kind: type) -> list[Any]:
        """Recorded inputs of one kind."""
        return [item for _, item in self.memory.inputs if isinstance(item, kind)]


class _Broken(Kernel):
    """Has a bug that a certain input finds."""

    def step(self, stamp: Stamp, given: Input) -> list[Effect]:
        if isinstance(given, Alive):
            raise AssertionError("a bug in the kernel")
        return super().step(stamp, given)


def test_an_error_of_the_kernel_ends_run_and_nothing_runs_after(caplog: pytest.LogCaptureFixture) -> None:
    shop = Shop(kernel=_Broken(table(), Program((low_level(),)), 1))

    async def play() -> None:
        steps = shop.kernel.steps
        shop.line.inbox.put(Alive(0))
        shop.line.inbox.put(SelfCheck(False, "after the bug"))
        await asyncio.sleep(0.02)
        shop.line.inbox.put(SelfCheck(False, "long after the bug"))
        await asyncio.sleep(0.02)
        assert shop.kernel.steps == steps

    with pytest.raises(AssertionError, match="a bug in the kernel"):
        shop.run(play)
    assert shop.given(SelfCheck) == [SelfCheck(True, "start")]


class _Moved:
    """The system's clock, shifted by hand."""

    def __init__(self) -> None:
        self._system = SystemClock()
        self.ahead_ns = 0

    def monotonic_ns(self) -> int:
        return self._system.monotonic_ns() + self.ahead_ns

    def utc_ns(self) -> int:
        return self._system.utc_ns() + self.ahead_ns


def test_deadlines_fire_without_input() -> None:
    """The heartbeat is due every 250 ms; nothing comes in, and it is beaten all the same."""
    kernel = Kernel(replace_heartbeat(table(), 20), Program((low_level(),)), 1)
    shop = Shop(kernel=kernel)
    line = Line(kernel, _Moved(), shop.memory, shop.rings, shop.heard)
    shop.line = line

    async def play() -> None:
        inputs = len(shop.memory.inputs)
        await until(lambda: sum(isinstance(effect, Beat) for effect in shop.log) >= 4)
        assert len(shop.memory.inputs) == inputs
        assert not len(line.inbox)

    shop.run(play)
    counters = [effect.counter for effect in shop.log if isinstance(effect, Beat)]
    assert counters == list(range(1, len(counters) + 1))


def replace_heartbeat(site: TagTable, every_ms: int) -> TagTable:
    """The same site with another heartbeat period."""
    plc1, *rest = site.sources
    return TagTable(site.tags, site.groups, [replace(plc1, heartbeat_ms=every_ms), *rest])


def test_a_snapshot_at_the_start_and_every_minute() -> None:
    shop = Shop()

    async def play() -> None:
        assert len(shop.memory.snapshots) == 1
        for after_ns, expected in ((SNAPSHOT_NS - 1, 1), (1, 2), (SNAPSHOT_NS - 1, 2), (1, 3)):
            shop.clock.now_ns += after_ns
            shop.line.inbox.put(SelfCheck(True))
            await until(lambda: not len(shop.line.inbox))
            assert len(shop.memory.snapshots) == expected

    shop.run(play)
    assert shop.log[0] == "snapshot", "before the first input"


async def energised(shop: Shop) -> None:
    """Proof, arming and reset through the line, with a field that answers every write."""
    inbox, done = shop.line.inbox, 0

    async def settle() -> None:
        nonlocal done
        await until(lambda: not len(inbox))
        for effect in shop.log[done:]:
            if isinstance(effect, Write):
                inbox.put(WriteResult(effect.id, True, effect.value))
            elif isinstance(effect, Journal) and effect.confirm:
                inbox.put(Durable(effect.confirm))
        done = len(shop.log)
        await until(lambda: not len(inbox))

    async def ask(number: int, verb: str, target: str, **args: str) -> None:
        inbox.put(Command(number, "li", "supervisor", verb, target, args))
        await settle()
        await settle()

    inbox.offer("plc1", few(0, 50.0, 50.0, 50.0, 0.0, 0.0))
    await ask(1, "source.watchdog", "plc1", state="begin")
    await ask(2, "source.watchdog", "plc1", state="proven")
    await ask(3, "interlock.arm", "LSLL")
    for _ in range(40):
        shop.clock.now_ns += 500_000_000
        inbox.offer("plc1", Alive(0))
        await settle()
    await ask(4, "interlock.reset", "LSLL")
    inbox.offer("plc1", few(0, 50.0, 50.0, 50.0, 1.0, 0.0))
    await settle()
    assert shop.kernel.functions["LSLL"].state.name == "ARMED"


def test_a_trip_asks_for_a_snapshot_soon_but_never_before_its_writes() -> None:
    shop = Shop()

    async def play() -> None:
        await energised(shop)
        del shop.log[:]
        shop.line.inbox.offer("plc1", few(0, 10.0, 50.0, 50.0, 1.0, 0.0))
        await until(lambda: not len(shop.line.inbox))
        assert any(isinstance(effect, Write) and effect.urgent for effect in shop.log)
        assert "snapshot" not in shop.log, "the coil comes first"
        began_s = asyncio.get_running_loop().time()
        await until(lambda: "snapshot" in shop.log)
        assert asyncio.get_running_loop().time() - began_s < SNAPSHOT_AFTER_TRIP_S + 0.5
        urgent = next(at for at, effect in enumerate(shop.log) if isinstance(effect, Write))
        assert urgent < shop.log.index("snapshot")

    shop.run(play)


def test_two_inputs_that_waited_too_long_take_the_self_check_down_and_up_again() -> None:
    shop = Shop()

    async def play() -> None:
        shop.line.inbox.put(SelfCheck(True))
        shop.clock.now_ns += LAG_FAULT_NS + 1
        await until(lambda: not len(shop.line.inbox))
        assert not [check for check in shop.given(SelfCheck) if not check.ok], "one alone is no fault"
        for _ in range(2):
            shop.line.inbox.put(SelfCheck(True))
        shop.clock.now_ns += LAG_FAULT_NS + 1
        await until(lambda: not len(shop.line.inbox))

    shop.run(play)
    checks = shop.given(SelfCheck)
    down = [at for at, check in enumerate(checks) if not check.ok]
    assert len(down) == 1
    assert "waited 500 ms" in checks[down[0]].what
    assert checks[down[0] + 1 :] == [SelfCheck(True, "the gateway is fit again")]
    assert shop.kernel.self_ok
    assert shop.line.meter.lag_max_ns == LAG_FAULT_NS + 1


def test_a_long_wait_that_is_no_fault_leaves_the_self_check_up() -> None:
    shop = Shop()

    async def play() -> None:
        for _ in range(3):
            shop.line.inbox.put(SelfCheck(True))
        shop.clock.now_ns += LAG_FAULT_NS
        await until(lambda: not len(shop.line.inbox))

    shop.run(play)
    assert all(check.ok for check in shop.given(SelfCheck))


def test_personal_blocks_are_withheld_and_never_recorded() -> None:
    site = table()
    tags = [replace(tag, personal=True) if tag.name == "b0" else tag for tag in site.tags]
    shop = Shop(kernel=Kernel(TagTable(tags, site.groups, site.sources), Program(()), 1))
    number = next(tag.number for tag in tags if tag.personal)

    async def play() -> None:
        shop.line.inbox.offer("aux", Personal(2, [number], [37.5], [0], [0]))
        await until(lambda: not len(shop.line.inbox))

    shop.run(play)
    assert shop.kernel.image.values[number] == 37.5
    assert len(shop.memory.withheld) == 1
    assert not shop.given(Personal)
    assert not shop.rings.trend


def test_blocks_and_losses_reach_history_trend_and_meter() -> None:
    shop = Shop()

    async def play() -> None:
        shop.line.inbox.offer("plc1", few(0, 1.0))
        shop.line.inbox.put(SourceDown("plc1", Cause.COMMS))
        await until(lambda: not len(shop.line.inbox))

    shop.run(play)
    assert [stamp.seq for stamp, _ in shop.memory.inputs] == [1, 2, 3]
    assert shop.rings.trend == [few(0, 1.0)]
    assert shop.rings.lost_groups == [0], "not the other source's"
    assert shop.line.meter.points == 5, "polled and confirmed, changed or not"


def test_on_step_is_called_by_finished_work_only() -> None:
    shop = Shop()
    called: list[int] = []

    async def play() -> None:
        shop.line.on_step = lambda: called.append(shop.kernel.steps)
        await asyncio.sleep(0.02)
        idle = len(called)
        shop.line.inbox.put(SelfCheck(True))
        steps = shop.kernel.steps
        await until(lambda: not len(shop.line.inbox))
        assert idle == 0, "a quiet line does not feed the watchdog by itself"
        assert called == [steps + 1], "once, and after the step"

    shop.run(play)


def test_a_flood_leaves_the_loop_its_turns() -> None:
    """200 inputs take several turns: a timer of the loop gets in between."""
    shop = Shop()

    async def play() -> None:
        for _ in range(200):
            shop.line.inbox.put(SelfCheck(True))
        await asyncio.sleep(0)
        assert 0 < len(shop.line.inbox) < 200
        await until(lambda: not len(shop.line.inbox))

    shop.run(play)
    assert [stamp.seq for stamp, _ in shop.memory.inputs] == list(range(1, 202))
