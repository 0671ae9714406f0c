"""Panels that are fetched when somebody opens them, in a real Chromium: trends, clips, spectrum, reports; and what comes before them."""

from __future__ import annotations

import json
from typing import Any

import aiohttp
import msgspec

from tests.web.doors import PIN
from tests.web.fakes import FigureView, KeyFiguresView
from tests.web.test_page import focus, key, press, shows

FIRST_BYTES = 150_000


def test_what_everybody_loads_first_is_small_and_the_rest_comes_when_it_is_opened(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab = scene.tab
        await scene.settle()
        sizes = dict(
            await tab.ask(
                "performance.getEntriesByType('resource').filter((e) => e.name.includes('/static/'))"
                ".map((e) => [new URL(e.name).pathname, e.decodedBodySize])"
            )
        )
        page = await tab.ask("performance.getEntriesByType('navigation')[0].decodedBodySize")
        assert "/static/app.js" in sizes
        assert not {"/static/trip.js", "/static/papers.js", "/static/vendor/uplot.js"} & set(sizes)
        assert sum(sizes.values()) + page <= FIRST_BYTES
        assert await tab.ask("performance.getEntriesByType('paint').some((e) => e.name === 'first-contentful-paint')")

    seen(act)


def test_a_trend_is_looked_at_closer_and_whole_again(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab = scene.tab
        await scene.settle()
        await tab.ask("location.hash = '#/interlock/PKL_LSLL'")
        await tab.until("!!document.querySelector('.trace .u-over')")
        caption = str(await tab.ask("document.querySelector('.trend figcaption').textContent"))
        assert "tank1.level" in caption
        assert "cm" in caption
        all_, closer = "document.querySelector('.trend .spans button:last-child')", ".trend .spans button"
        assert await tab.ask(f"{all_}.disabled")
        before = len([url for url in tab.requests if "/trend/tank1.level" in url])
        await tab.click(closer)
        await tab.until(f"!{all_}.disabled")
        await tab.until("performance.getEntriesByType('resource').some((e) => e.name.includes('points=1000'))")
        assert len([url for url in tab.requests if "/trend/tank1.level" in url]) > before
        await tab.ask(f"{all_}.click()")
        await tab.until(f"{all_}.disabled")

    seen(act)


def test_a_clip_plays_beside_its_trip_for_an_operator_only(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab = scene.tab
        scene.plant.tripped()
        await scene.settle(kiosk=True)
        await tab.ask("location.hash = '#/trip/PKL_LSLL'")
        await tab.until(shows("Sign in as operator to watch it."))
        clip = scene.doors.access.answering.facts.cameras.clips()[0]
        path = f"/api/v1/clip/{clip.camera}/{clip.file}"
        async with aiohttp.ClientSession(scene.url) as session:
            for asked, status in ((path, 403), ("/api/v1/clip/gate3/..%2f..%2fsecrets", 403)):
                async with session.get(asked) as reply:
                    assert reply.status == status
        await focus(tab, "Sign in", "header")
        await key(tab, "Enter")
        await press(tab, "李娜", "!!document.querySelector('.pad')")
        await tab.ask("document.querySelector('.pad button').focus()")
        for digit in PIN:
            await key(tab, digit)
        await key(tab, "Enter")
        await tab.until("document.querySelector('video').duration > 2")
        assert await tab.ask("document.querySelector('video').videoWidth") == 320
        part = f"fetch('{path}', {{ headers: {{ Range: 'bytes=0-99' }} }}).then(async (reply) => [reply.status, (await reply.blob()).size])"
        assert await tab.ask(part) == [206, 100]  # a film is wound forward without fetching what lies before

    seen(act)


def test_what_a_leak_monitor_hears_is_drawn(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab = scene.tab
        await scene.settle()
        await tab.ask("location.hash = '#/watchers'")
        await tab.until("!!document.querySelector('.things button[aria-expanded]')")
        await tab.click(".things button[aria-expanded]")
        await tab.until("!!document.querySelector('canvas.wide-grid')")
        loud = (
            "(() => { const it = document.querySelector('canvas.wide-grid'), ink = it.getContext('2d').getImageData(0, 0, it.width, it.height);"  # noqa: E501
            " return [...ink.data].filter((v, i) => i % 4 === 3 && v > 200).length; })()"
        )
        assert await tab.ask(loud) == 60 * 32  # the upper half of the bands, in the second half of the minute
        assert await tab.ask(shows("no thermal picture came for 2 s"))

    seen(act)


def test_a_report_opens_inside_the_page_or_says_why_not(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab = scene.tab
        await scene.settle()
        await tab.ask("location.hash = '#/papers'")
        await tab.until("document.querySelectorAll('.things.pairs a').length === 7")
        await tab.click("a[href='#/paper/shift']")
        await tab.until(
            "document.querySelector('iframe').contentDocument.body.textContent.includes('Shift report: gw-demo-01')"
        )
        await tab.ask("location.hash = '#/paper/acceptance'")  # of these doors it cannot be made
        await tab.until(shows("The report could not be made"))
        assert not await tab.ask("!!document.querySelector('iframe')")
        tab.problems.clear()  # the browser itself notes what was answered 409
        async with aiohttp.ClientSession(scene.url) as session:
            for path, status in (("paper/nothing", 404), ("paper/shift?language=xx", 400)):
                async with session.get(f"/api/v1/{path}") as reply:
                    assert reply.status == status
            async with session.get("/api/v1/paper/shift?language=zh-CN") as reply:
                assert "交接班报告" in await reply.text()

    seen(act)


def test_a_screen_shows_one_position_and_says_what_it_leaves_out(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab, plant = scene.tab, scene.plant
        plant.tripped()
        plant.rows = [
            msgspec.structs.replace(row, position="crane" if at == 0 else "main") for at, row in enumerate(plant.rows)
        ]
        places = ("box", "position:main", "position:crane")
        plant.key_figures = lambda place, days: KeyFiguresView(
            place, places, days, 12.5, False, (FigureView("per_day", 120.0, "1/d", 144, 288, "good"),)
        )
        await scene.settle()
        await tab.ask("location.hash = '#/alarms'")
        await tab.until("document.querySelectorAll('.alarms .pick option').length === 3")
        pick = "document.querySelector('.alarms .pick select')"
        await tab.ask(f"{pick}.value = 'crane'; {pick}.dispatchEvent(new Event('change', {{ bubbles: true }})); 1")
        await tab.until("document.querySelectorAll('.alarm').length === 1")
        assert await tab.ask(shows("8 not of crane"))
        await tab.ask("location.hash = '#/overview'")
        await tab.until("!!document.querySelector('.alarms.brief')")
        assert await tab.ask("document.querySelectorAll('.alarm').length") == 1
        assert await tab.ask(shows("8 not of crane"))

    seen(act)


def test_with_a_horn_sounding_and_somebody_signed_in_nothing_of_the_head_is_cut_off(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab, plain = scene.tab, scene.plant.overview
        scene.plant.tripped()
        scene.plant.overview = lambda: msgspec.structs.replace(plain(), sounding=("horn1",))
        await scene.settle(kiosk=True)
        body = json.dumps(json.dumps({"person": "zhang-wei", "secret": PIN}))
        sent = f"{{ method: 'POST', headers: {{ 'Content-Type': 'application/json' }}, body: {body} }}"
        assert await tab.ask(f"fetch('/api/v1/signin', {sent}).then((reply) => reply.status)") == 200
        await tab.ask("location.reload(); 1")
        await tab.until(shows("Sign out"))
        await tab.until(shows("horn1"))
        assert await tab.ask("document.documentElement.scrollWidth <= innerWidth")
        right = (
            "Math.max(...[...document.querySelectorAll('header .tool')].map((it) => it.getBoundingClientRect().right))"
        )
        assert await tab.ask(f"{right} <= innerWidth")

    seen(act)
