"""The gateway finds itself fit or unfit: one level out of several findings, overruns told, the program hashed anew."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1] / "core"))
from stage import Stage, low_level

from gateway.core.limits import LAG_FAULT_NS
from gateway.core.samples import Input, Overrun, SelfCheck
from gateway.runtime.vitals import Vitals, watch_program

MS = 1_000_000


def test_i26_the_level_is_up_again_only_when_nothing_is_wrong() -> None:
    given: list[Input] = []
    vitals = Vitals(given.append)
    vitals.report("program", "changed")
    vitals.stepped(0, LAG_FAULT_NS + 1, 0)
    vitals.stepped(0, LAG_FAULT_NS + 1, MS)
    vitals.stepped(0, 0, 2 * MS)
    assert [check.ok for check in given if isinstance(check, SelfCheck)] == [False, False]
    vitals.report("program", "")
    assert given[-1] == SelfCheck(True, "the gateway is fit again")


def test_i26_overruns_are_told_at_most_once_a_second() -> None:
    given: list[Input] = []
    vitals = Vitals(given.append)
    for at in range(30):
        vitals.stepped(25 * MS, 0, at * 100 * MS)
    vitals.stepped(0, 150 * MS, 10_000 * MS)
    assert given == [Overrun("step", 25 * MS)] * 3 + [Overrun("lag", 150 * MS)]


def test_i24_a_program_that_changed_in_memory_takes_the_self_check_down() -> None:
    given: list[Input] = []
    stage = Stage([low_level(), low_level("TWO", tag="a1")])

    async def play() -> None:
        watching = asyncio.ensure_future(watch_program(stage.kernel, Vitals(given.append), every_s=0.06))
        await asyncio.sleep(0.2)
        assert given == []
        msgspec.structs.force_setattr(stage.kernel.program.rules[1], "clear_ns", 1)
        await asyncio.sleep(0.2)
        watching.cancel()

    asyncio.run(play())
    assert given == [SelfCheck(False, "the program in memory has changed: TWO")]
