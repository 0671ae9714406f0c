"""What targets of ask-and-answer drivers share: one poll cycle whose only question is answered with the input."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

from drivers.base import Plan
from drivers.base_polled import Dialect, Polled, _Cycle
from drivers.base_talk import Malformed, Talk
from gateway.core.errors import SourceError
from tests.fuzz.wire import Good, Nowhere, _loop, pieces


def one_cycle(
    driver: Polled, plan: Plan, make: Callable[[], tuple[Talk, Dialect]], data: bytes, *, datagram: bool = False
) -> set[tuple[str, str]]:
    """The GOOD values (as text: a NaN equals itself) of a cycle whose question was answered with `data`, in two pieces."""
    names = [one.tag.name for one in plan.tags[0]]
    good = Good()

    async def turn() -> None:
        talk, dialect = make()
        talk.connection_made(Nowhere())
        cycle = _Cycle(driver, talk, dialect, good)
        assert len(cycle._questions) == 1, "a target asks one question"
        asking = asyncio.ensure_future(cycle._once())
        await asyncio.sleep(0)
        for piece in (data,) if datagram else pieces(data):
            if talk.error is None:
                (lambda one: talk.datagram_received(one, None) if datagram else talk.data_received(one))(piece)
        if talk.error is None:
            talk.fail("over")
        with contextlib.suppress(SourceError, Malformed):
            await asking

    _loop().run_until_complete(turn())
    return {(names[at], repr(value)) for at, value in good.values}


def texts(found: dict[str, Any]) -> set[tuple[str, str]]:
    """Values as `one_cycle` tells them: scaled, so a minus zero has become zero."""
    return {(name, repr(float(value) + 0.0)) for name, value in found.items()}
