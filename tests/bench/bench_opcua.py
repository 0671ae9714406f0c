"""What watching 5,000 changing items costs: our client over a relay, beside what asyncua needs to decode the same bytes.

The publish responses are made beforehand and come through a real TCP connection into a real session of node-opcua
(`tests/peers/opcua_relay.py`): no server at hand changes 5,000 items every 10 ms. CPU is processor time of this process.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import uvloop
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_from_binary

from drivers import opcua
from drivers.base import PointSpec
from gateway.core.samples import Block, Columns
from tests.bench.figure import figure, spread
from tests.contract.case import plan_of
from tests.contract.case_opcua import WAIVER, serving
from tests.peers.lines import LinePeer
from tests.peers.opcua_relay import responses

ITEMS = 5000
PERIOD_MS = 10  # of the relay
SERVER_MS = 500  # of the server behind, which only has to keep the session
RELAY = "tests.peers.opcua_relay"


class Seen:
    """Values that arrived."""

    def __init__(self) -> None:
        self.values = 0

    def __call__(self, block: Block) -> None:
        if isinstance(block, Columns):
            self.values += len(block.values)


async def lags(into: list[float]) -> None:
    """How late a sleep of 1 ms ends, in ms."""
    while True:
        begun = time.monotonic()
        await asyncio.sleep(0.001)
        into.append((time.monotonic() - begun) * 1000.0 - 1.0)


async def measured(relay: LinePeer, seen: Seen, seconds: float) -> dict[str, Any]:
    """Rate, CPU and lag from the moment on at which the relay answers."""
    relay.ask("begin")
    while not int((await asyncio.to_thread(relay.ask, "sent")).split()[0]):  # noqa: ASYNC110 - requests that the server holds come back with its keep-alives
        await asyncio.sleep(0.05)
    await asyncio.sleep(0.5)
    late: list[float] = []
    ticking = asyncio.create_task(lags(late))
    sent, lost = map(int, (await asyncio.to_thread(relay.ask, "sent")).split())
    begun, used, before = time.monotonic(), time.process_time(), seen.values
    await asyncio.sleep(seconds)
    took, used, got = time.monotonic() - begun, time.process_time() - used, seen.values - before
    after, lost_after = map(int, (await asyncio.to_thread(relay.ask, "sent")).split())
    ticking.cancel()
    return {
        "rate": got / took,
        "cpu": 100.0 * used / took,
        "us": 1e6 * used / max(1, got),
        "late": late,
        "missing": (after - sent) * ITEMS - got,
        "unasked": lost_after - lost,
    }


async def ours(relay: LinePeer, seconds: float) -> dict[str, Any]:
    """Our driver."""
    given = opcua.Settings(
        url=f"opc.tcp://127.0.0.1:{relay.port}",
        security="none",
        waiver=WAIVER,
        period_ms=SERVER_MS,
        keep_alive_ms=SERVER_MS,
        timeout_ms=20_000,
    )
    driver = opcua.Driver(given, plan_of(opcua, given, [PointSpec(f"t{at}", "ns=1;s=v", "") for at in range(ITEMS)]))
    seen = Seen()
    task = asyncio.create_task(driver.run(seen))
    await asyncio.sleep(4.0)
    try:
        return await measured(relay, seen, seconds)
    finally:
        task.cancel()
        (error,) = await asyncio.gather(task, return_exceptions=True)
        assert isinstance(error, asyncio.CancelledError), error


def theirs() -> float:
    """Microseconds of processor time in which the library decodes one value of the same responses, before it hands it on."""
    data = responses(ITEMS)[0]
    begun = time.thread_time()
    struct_from_binary(ua.PublishResponse, Buffer(data))
    return 1e6 * (time.thread_time() - begun) / ITEMS


def run(side: Callable[[LinePeer, float], Awaitable[dict[str, Any]]], seconds: float) -> dict[str, Any]:
    """With a server and a relay of its own."""
    with tempfile.TemporaryDirectory() as folder:
        variables = {"v": {"type": "Double", "value": 1.5}}
        command = [sys.executable, "-m", RELAY]
        with (
            serving(Path(folder), variables, "None") as server,
            LinePeer([*command, str(server.port), str(ITEMS), str(PERIOD_MS)]) as relay,
        ):
            return uvloop.run(side(relay, seconds))  # type: ignore[arg-type]


def figures(quick: bool) -> list[dict[str, Any]]:
    """Rate, processor time, lag of the loop, and whether all that was sent arrived."""
    seconds = 5.0 if quick else 30.0
    own, library_us = run(ours, seconds), theirs()
    name, lag, under_way = f"{ITEMS} items at {PERIOD_MS} ms", spread(own["late"]), 3 * ITEMS
    missing = max(0, abs(own["missing"]) - under_way)
    return [
        figure(name, own["rate"], "values/s", "value >= 4e5", own["rate"] >= 4e5, 1e6 / library_us),
        figure(f"{name}, CPU", own["cpu"], "% of a core", "value < 15", own["cpu"] < 15.0),
        figure(f"{name}, CPU", own["us"], "us/value", "ratio <= 0.1", own["us"] <= 0.1 * library_us, library_us),
        figure(f"{name}, loop lag p99", lag["p99"], "ms", "value < 5", lag["p99"] < 5.0, lag=lag),
        figure(f"{name}, lost", missing, "values", "value = 0", missing == 0, unasked=own["unasked"]),
    ]
