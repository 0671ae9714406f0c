"""The one thing a page may do without a login: silence the horn, at the box, from its own page. And what a flood looks like."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import aiohttp
import msgspec

sys.path.insert(0, str(Path(__file__).parent))
from fakes import Plant, alarm, both

from gateway.control.messages import Reply
from gateway.page.server import Page
from gateway.page.stream import shown_alarms

JSON = {"Content-Type": "application/json"}


def test_silence_needs_no_login_but_the_box_and_our_own_page() -> None:
    asked: list[str] = []

    async def silence() -> Reply:
        asked.append("silence")
        return Reply(0, texts={"en": "Done."})

    async def act() -> None:
        page = Page(Plant(), "127.0.0.1", 0, "gw-1", silence)
        task = asyncio.create_task(page.run())
        await page.started.wait()
        url = f"http://127.0.0.1:{page.port}"
        async with aiohttp.ClientSession(url) as session:
            for headers, status in (
                ({**JSON, "Origin": url}, 200),
                ({**JSON, "Origin": "http://elsewhere.example"}, 403),
                (JSON, 403),
                ({"Content-Type": "text/plain", "Origin": url}, 403),
            ):
                async with session.post("/api/v1/silence", data="{}", headers=headers) as reply:
                    assert reply.status == status, headers
            async with session.get("/api/v1/silence") as reply:
                assert reply.status == 405
            async with session.get("/api/v1/kpis") as reply:
                assert (await reply.json())["figures"]["figures"][0]["figure"] == "per_day"
            async with session.get("/api/v1/kpis?place=area:nowhere") as reply:
                assert reply.status == 404
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(act())
    assert asked == ["silence"]


def test_a_flood_is_one_line_with_what_came_first() -> None:
    rows = [
        msgspec.structs.replace(alarm(f"F{at}", both("x", "x"), 3, "UNACK", 100 - at), flood="pit") for at in range(90)
    ]
    urgent = [alarm("HIGH", both("x", "x"), 2, "UNACK", 5)]
    shown = shown_alarms([*rows, *urgent])
    assert [(row.name, row.others) for row in shown] == [("HIGH", 0), ("F0", 89)]
