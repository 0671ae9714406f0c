"""What the page costs and how quick it is: fifty open pages beside none on the same daemon, first paint, staleness, `gatehouse status`.

Fifty pages are held by one process that only reads. Trips with and without them take turns on one daemon, block by block, so that
whatever else the machine does falls on both. The browser's figures come from its own clocks.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.bench.bench_latency import CODES, REGISTERS, armed, time_trips
from tests.bench.figure import figure, spread
from tests.bench.rig import Daemon, compiled
from tests.web.browser import browser, chromium
from tests.web.conftest import scene

PAGES, BLOCK = 50, 10
TURNS, QUICK_TURNS = 12, 2  # daemons, each with 120 trips in turns of BLOCK
SHARE_S, QUICK_SHARE_S = 30.0, 6.0
LOADS, STATUSES = 9, 9
FIRST_BYTE = "performance.getEntriesByType('navigation')[0].responseStart"
PAINTED = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


def figures(quick: bool) -> list[dict[str, Any]]:
    """All figures; `quick` in about a minute."""
    found = Found()
    for turn in range(QUICK_TURNS if quick else TURNS):
        _turn(found, turn, QUICK_SHARE_S if quick else SHARE_S)
    idle, share = found.idle, found.share
    lines = [
        _trips(found),
        figure("cpu of 50 pages", 100 * (share - idle), "% of a core", "≤ 5 % of a core", share - idle <= 0.05, 100 * idle,
               reference_is="the same daemon without pages"),
        figure("gatehouse status, running daemon", found.status, "s", "≤ 0.3 s", found.status <= 0.3, found.bare,
               reference_is="python -c pass"),
    ]  # fmt: skip
    return lines + (asyncio.run(_seen()) if chromium() else [])


@dataclass
class Found:
    """Trips in ms with and without pages by turn; shares of a core with and without; `status` and a bare Python in s."""

    paged: list[list[float]] = field(default_factory=list)
    alone: list[list[float]] = field(default_factory=list)
    share: float = 0.0
    idle: float = 0.0
    status: float = 0.0
    bare: float = 0.0


def _trips(found: Found) -> dict[str, Any]:
    name, must = "trip beside 50 pages, p99 (median of turns)", "within 5 % of the same daemon without pages"
    pairs = [(spread(a)["p99"], spread(b)["p99"]) for a, b in zip(found.paged, found.alone, strict=True) if a and b]
    if not pairs:
        why = "every daemon tripped by itself: this machine is too busy to be timed"
        return figure(name, None, "ms", must, False, not_measured=why)
    ratio = statistics.median(mine / theirs for mine, theirs in pairs)
    mine, theirs = (statistics.median(column) for column in zip(*pairs, strict=True))
    return figure(name, mine, "ms", must, ratio <= 1.05, theirs, median_of_ratios=round(ratio, 3), turns=len(pairs))


@contextlib.contextmanager
def _pages(port: int) -> Iterator[None]:
    command = [sys.executable, "-c", _CLIENT, str(port), str(PAGES)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
        assert reader.stdout is not None
        reader.stdout.readline()  # all of them are open
        yield
        reader.terminate()


def _turn(found: Found, turn: int, share_s: float) -> None:
    """One daemon with 120 functions, each good for one trip: ten without pages, ten with them, and so on."""
    both: tuple[list[float], list[float]] = ([], [])
    with armed(str(compiled("trip_server"))) as (daemon, peer):
        told = re.search(r'listen = "127.0.0.1:(\d+)"', (daemon.site / "site.toml").read_text())
        assert told is not None
        for block in range(REGISTERS * CODES // BLOCK):
            paged = (block + turn) % 2
            with _pages(int(told[1])) if paged else contextlib.nullcontext():
                took = time_trips(peer, BLOCK, block * BLOCK)
            if None in took:  # it tripped before it was asked to: what follows cannot be timed on this daemon
                both = ([], [])
                break
            both[1 - paged].extend(each for each in took if each is not None)
        if turn == 0:
            found.idle = _share(daemon, share_s)
            with _pages(int(told[1])):
                found.share = _share(daemon, share_s)
            found.status, found.bare = _status(daemon.site)
    found.paged.append(both[0])
    found.alone.append(both[1])


def _share(daemon: Daemon, seconds: float) -> float:
    began, cpu = time.perf_counter(), daemon.cpu_s()
    time.sleep(seconds)
    return (daemon.cpu_s() - cpu) / (time.perf_counter() - began)


def _status(site: Path) -> tuple[float, float]:
    """The quickest of some calls, in turns: what a busy machine adds is not the command's."""
    ours: list[float] = []
    bare: list[float] = []
    for _ in range(STATUSES):
        for into, words in ((ours, ["-m", "gateway.cli.main", "--site", str(site), "status"]), (bare, ["-c", "pass"])):
            began = time.perf_counter()
            subprocess.run([sys.executable, *words], stdout=subprocess.DEVNULL, check=True)
            into.append(time.perf_counter() - began)
    return min(ours), min(bare)


async def _seen() -> list[dict[str, Any]]:
    """First paint of a browser that has nothing of the page yet, and how soon a page whose gateway ended is hatched."""
    paints, firsts = [], []
    async with scene(with_browser=False) as made:
        made.plant.tripped()
        async with browser() as tab:
            await tab.call("Network.setCacheDisabled", cacheDisabled=True)
            for _ in range(LOADS):
                await tab.open(f"{made.url}/")
                await tab.until("document.documentElement.dataset.stale === 'no' && !!document.querySelector('table')")
                paints.append(await tab.until(PAINTED))
                firsts.append(await tab.ask(FIRST_BYTE))
            await tab.ask(
                "window.at = 0; const root = document.documentElement;"
                "new MutationObserver(() => { if (root.dataset.stale === 'yes') window.at ||= Date.now(); })"
                ".observe(root, { attributes: true }); 1"
            )
            gone_ms = time.time_ns() // 1_000_000
            await made.stop()
            hatched_ms = await tab.until("window.at", 10)
    paint, late = statistics.median(paints), (hatched_ms - gone_ms) / 1000
    return [
        figure("first contentful paint, no cache (median)", paint, "ms", "≤ 1000 ms", paint <= 1000, statistics.median(firsts),
               reference_is="first byte of the document", most_ms=max(paints)),
        figure("gateway stopped -> hatched", late, "s", "≤ 2 s", late <= 2.0),
    ]  # fmt: skip


_CLIENT = """
import socket, sys
links = []
for _ in range(int(sys.argv[2])):
    link = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    link.sendall(b"GET /events HTTP/1.1\\r\\nHost: localhost\\r\\n\\r\\n")
    link.recv(1000)
    link.setblocking(False)
    links.append(link)
print("open", flush=True)
import selectors
selector = selectors.DefaultSelector()
for link in links:
    selector.register(link, selectors.EVENT_READ)
while True:
    for key, _ in selector.select():
        if not key.fileobj.recv(65536):
            sys.exit()
"""
