"""The page of a plant in memory, and what to do where Chromium is missing."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2]))

from gateway.access import pins
from gateway.page.server import Page
from tests.control.fakes import Clerk
from tests.web.browser import Browser, browser, chromium
from tests.web.doors import Doors
from tests.web.fakes import Plant
from tests.web.stories import Bundles
from tests.web.witness import Filmed, Sheets


def missing(what: str) -> None:
    """A peer that is not there is a visible skip here and a failure under CI."""
    (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(what)


class Scene:
    """A served page of a plant, with a browser on it where the test wants one."""

    def __init__(self, plant: Plant, clerk: Clerk, doors: Doors, task: asyncio.Task[None], tab: Browser | None) -> None:
        self.plant = plant
        self.clerk = clerk
        self.doors = doors
        self.page: Page = doors.page
        self._task = task
        self._tab = tab

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.page.port}"

    @property
    def tab(self) -> Browser:
        assert self._tab is not None
        return self._tab

    async def stop(self) -> None:
        """End the page as a dead daemon would."""
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def settle(self, *, kiosk: bool = False) -> None:
        """Open the page, as the kiosk does where it is to act, and wait until it shows live values."""
        await self.tab.open(f"{self.url}/#kiosk={self.doors.kiosk.token()}" if kiosk else f"{self.url}/")
        await self.tab.until("document.documentElement.dataset.stale === 'no' && !!document.querySelector('table')")


@contextlib.asynccontextmanager
async def scene(*, with_browser: bool) -> AsyncIterator[Scene]:
    plant, clerk = Plant(), Clerk()
    async with contextlib.AsyncExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        doors = Doors(state, plant, clerk, evidence=Bundles(state), papers=Sheets(), cameras=Filmed(state))
        task = asyncio.create_task(doors.page.run())
        stack.push_async_callback(_end, task)
        await doors.page.started.wait()
        tab = await stack.enter_async_context(browser()) if with_browser else None
        yield Scene(plant, clerk, doors, task, tab)


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a hash costs is tried in tests/access; here it would only be waited for."""
    monkeypatch.setattr(pins, "LOG_N", 4)


Act = Callable[[Scene], Awaitable[None]]


@pytest.fixture
def seen() -> Callable[[Act], None]:
    """Run a coroutine against a served page with Chromium."""
    if chromium() is None:
        missing("Chromium is missing (apt-get install chromium)")

    def play(act: Act) -> None:
        async def run() -> None:
            async with asyncio.timeout(150), scene(with_browser=True) as made:
                await act(made)
                assert [p for p in made.tab.problems if "ERR_CONNECTION_REFUSED" not in p] == []

        asyncio.run(run())

    return play


@pytest.fixture
def served() -> Callable[[Act], None]:
    """Run a coroutine against a served page, without a browser."""

    def play(act: Act) -> None:
        async def run() -> None:
            async with asyncio.timeout(20), scene(with_browser=False) as made:
                await act(made)

        asyncio.run(run())

    return play
