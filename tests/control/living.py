"""A real control server on real sockets, in a thread with a loop of its own, over the plant in memory."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from gateway.control.cameras import CameraView, ClipView, ZoneView
from gateway.control.server import ControlServer
from gateway.control.verbs import Facts
from tests.control.fakes import Clerk, Plant

ZONE = ZoneView("press", [(0, 0), (9, 0), (9, 9)], 1.0, 1.0, 0.0, None, None)
GATE3 = CameraView("gate3", True, {}, [], 10.0, 14.0, 1.0, 0.0, 12.0, 1.0, (1280, 720), [ZONE])
CLIP = ClipView("gate3", "a.mp4", "/state/clips/gate3/a.mp4", 0, 20.0, ["R"], ["trip"], "blurred", True, [], 9, "ab")


class OneCamera:
    """A site with a camera whose pictures come at the second question."""

    def every(self) -> list[CameraView]:
        warned = {"en": "A first version.", "zh-CN": "首个版本。"}
        return [GATE3, msgspec.structs.replace(GATE3, name="away", connected=False, caution=warned)]

    def clips(self) -> list[ClipView]:
        return [CLIP]

    def ask(self, name: str, *, zones: bool) -> int:
        return 7

    def picture(self, name: str, number: int) -> bytes:
        return b"jpeg" if number == 7 else b""


FACTS = Facts(
    "0.1.0",
    lambda: {"memory": "locked"},
    lambda name: f"/state/bundles/{name}.trip.zip",
    lambda permit: f"GHP1.{permit.number}",
    lambda others: f"<html>{others}",
    OneCamera(),
)


@dataclass
class Living:
    """What a test gets: where the sockets are, what stands behind them, and the monotonic clock of the tokens."""

    directory: Path
    plant: Plant = field(default_factory=Plant)
    clerk: Clerk = field(default_factory=Clerk)
    now_ns: int = 0

    def call(self, verb: str, target: str = "", *, role: str = "operator", **more: Any) -> dict[str, Any]:
        """One request over its own connection; the first reply."""
        with self.connect(role) as link:
            return link.ask({"verb": verb, "target": target, **more})

    @contextmanager
    def connect(self, role: str = "operator") -> Iterator[Link]:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
            link.settimeout(5)
            link.connect(str(self.directory / f"{role}.sock"))
            with link.makefile("rb") as lines:
                yield Link(link, lines)


@dataclass
class Link:
    """One connection."""

    socket: socket.socket
    lines: Any

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def reply(self) -> dict[str, Any]:
        """The next line. Raises EOFError where the server hung up."""
        line = self.lines.readline()
        if not line:
            raise EOFError
        found: dict[str, Any] = json.loads(line)
        return found

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self.send(json.dumps(request).encode() + b"\n")
        return self.reply()


@contextmanager
def living(
    directory: Path,
    run: Callable[[Coroutine[Any, Any, None]], None] = asyncio.run,
    **limits: Any,
) -> Iterator[Living]:
    """A server on `directory` for the time of the block; what ends it wrongly is raised at the end of the block."""
    alive = Living(directory)
    ready = threading.Event()
    stop: list[Callable[[], None]] = []

    async def serve() -> None:
        server = ControlServer(directory, alive.plant, alive.clerk, FACTS, now_ns=lambda: alive.now_ns, **limits)
        task = asyncio.ensure_future(server.run())
        loop = asyncio.get_running_loop()
        stop.append(lambda: loop.call_soon_threadsafe(task.cancel))
        waiting = asyncio.ensure_future(server.listening.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        ready.set()
        with suppress(asyncio.CancelledError):
            await task

    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(lambda: run(serve()))
        assert ready.wait(5)
        try:
            yield alive
        finally:
            if not running.done():
                stop[0]()
            running.result(5)
