"""Fifty open pages: what the stream costs the loop, beside the same loop with one page."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from gateway.page.server import Page
from tests.bench.figure import figure

sys.path.insert(0, str(Path(__file__).parents[1] / "web"))
from fakes import Plant

PAGES = 50
SECONDS, QUICK_S = 60, 8


def figures(quick: bool) -> list[dict[str, Any]]:
    """Share of a core by 50 pages on the stream, with a plant in which something changes at every tick."""
    seconds = QUICK_S if quick else SECONDS
    one, fifty = (asyncio.run(_share(pages, seconds)) for pages in (1, PAGES))
    return [
        figure("cpu of 50 pages", 100 * fifty, "% of a core", "≤ 5 % of a core", fifty <= 0.05, 100 * one),
    ]


async def _share(pages: int, seconds: float) -> float:
    """Processor seconds a second of this process, less those that the clients of the benchmark itself cost."""
    plant = Plant()
    page = Page(plant, "127.0.0.1", 0, "gw-1")
    task = asyncio.create_task(page.run())
    await page.started.wait()
    reader = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CLIENT, str(page.port), str(pages), stdout=asyncio.subprocess.PIPE
    )
    assert reader.stdout is not None
    await reader.stdout.readline()  # all of them are open
    began, cpu = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < seconds:
        plant.level += 0.1
        plant.functions[0] = plant.tank()
        await asyncio.sleep(0.1)
    share = (time.process_time() - cpu) / (time.perf_counter() - began)
    reader.terminate()
    await reader.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return share


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
