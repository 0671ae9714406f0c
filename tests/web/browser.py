"""A real Chromium over the DevTools protocol: just enough to open the page, ask it things and take its picture."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--remote-debugging-port=0", "--hide-scrollbars", "--disable-dev-shm-usage",
)  # fmt: skip


def chromium() -> str | None:
    """The path of an installed Chromium."""
    return shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


class Navigated(Exception):
    """The page that was asked has gone: another is being loaded."""


class Browser:
    """One tab."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._id = 0
        self.requests: list[str] = []
        self.problems: list[str] = []

    async def call(self, method: str, **params: Any) -> Any:
        self._id += 1
        await self._socket.send_json({"id": self._id, "method": method, "params": params})
        async with asyncio.timeout(20):
            while True:
                message = json.loads(await self._socket.receive_str())
                self._note(message)
                if message.get("id") == self._id:
                    if "navigated or closed" in str(message.get("error")):
                        raise Navigated(message)
                    assert "error" not in message, message
                    return message["result"]

    def _note(self, message: dict[str, Any]) -> None:
        if message.get("method") == "Network.requestWillBeSent":
            self.requests.append(message["params"]["request"]["url"])
        if message.get("method") == "Runtime.exceptionThrown":
            self.problems.append(str(message["params"]["exceptionDetails"]))
        if message.get("method") == "Log.entryAdded" and message["params"]["entry"]["level"] == "error":
            self.problems.append(message["params"]["entry"]["text"])

    async def size(self, width: int, height: int) -> None:
        await self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False
        )

    async def open(self, url: str) -> None:
        await self.call("Page.navigate", url=url)

    async def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression; a promise is awaited."""
        result = await self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, expression: str, seconds: float = 25.0) -> Any:
        """Ask until the answer is true; an error is no answer yet (the page may still be loading)."""
        guarded = f"(() => {{ try {{ return {expression} }} catch {{ return false }} }})()"
        async with asyncio.timeout(seconds):
            while True:
                with contextlib.suppress(Navigated):
                    if answer := await self.ask(guarded):
                        return answer
                await asyncio.sleep(0.05)

    async def picture(self, path: Path) -> None:
        result = await self.call("Page.captureScreenshot", format="png")
        path.write_bytes(base64.b64decode(result["data"]))  # noqa: ASYNC240 - a test may wait for a small file

    async def click(self, selector: str) -> None:
        await self.ask(f"document.querySelector({json.dumps(selector)}).click()")


@asynccontextmanager
async def browser(width: int = 1024, height: int = 600) -> AsyncIterator[Browser]:
    """A tab of a new Chromium with an empty profile."""
    path = chromium()
    assert path is not None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            path, *FLAGS, f"--user-data-dir={profile}", "about:blank",
            stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
        )  # fmt: skip
        try:
            port = await _port(Path(profile) / "DevToolsActivePort")
            async with aiohttp.ClientSession() as session:
                async with session.get(f"http://127.0.0.1:{port}/json/list") as reply:
                    tabs = await reply.json()
                address = next(tab["webSocketDebuggerUrl"] for tab in tabs if tab["type"] == "page")
                async with session.ws_connect(address, max_msg_size=0) as socket:
                    tab = Browser(socket)
                    for domain in ("Page", "Runtime", "Network", "Log"):
                        await tab.call(f"{domain}.enable")
                    await tab.size(width, height)
                    yield tab
        finally:
            process.terminate()
            await process.wait()


async def _port(file: Path) -> int:
    """The port that Chromium wrote into its profile; it tells nobody when."""
    async with asyncio.timeout(20):
        while True:
            lines = _lines(file)
            if len(lines) > 1:
                return int(lines[0])
            await asyncio.sleep(0.05)


def _lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []
