"""The page in a real Chromium: what a person sees, in both languages, and what happens when the gateway is gone.

With GATEHOUSE_PICTURES=FOLDER the pictures of the states are written there, to be looked at.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from gateway.control.views import UpstreamView
from gateway.offline.archive import verify
from tests.web.doors import PIN
from tests.web.fakes import both, group
from tests.web.stories import TRIP

AXE = Path(__file__).parent / "node_modules/axe-core/axe.min.js"
WORD = "document.querySelector('.banner strong').textContent"
BODY = "document.body.textContent"


def shows(text: str) -> str:
    return f"{BODY}.includes({text!r})"


async def picture(scene: Any, name: str) -> None:
    folder = os.environ.get("GATEHOUSE_PICTURES")
    if folder:
        await scene.tab.picture(Path(folder) / f"page-{name}.png")


async def chinese(scene: Any) -> None:
    await scene.tab.click("header .tool[lang='zh-CN']")
    await scene.tab.until("document.documentElement.lang === 'zh-CN'")


def test_a_trip_arrives_by_itself_and_reads_in_both_languages(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab = scene.tab
        await scene.settle()
        assert await tab.ask(WORD) == "NORMAL"
        assert await tab.ask(shows("No active alarms."))
        await picture(scene, "normal")
        scene.plant.tripped(recorded=False)
        await tab.until(f"{WORD} === 'TRIPPED'", 2)
        for text in ("First-out", "tank1.level < 30 cm", "29.8 cm", "recording", "LOST", "Wang Lei"):
            assert await tab.ask(shows(text)), text
        assert await tab.ask(shows("141 produced = 138 confirmed + 2 queued + 1 aggregated + 0 expired"))
        scene.plant.tripped()
        await tab.until(f"!{shows('recording')}", 2)
        await picture(scene, "tripped")
        await chinese(scene)
        for text in ("已联锁", "首出", "处置", "失联", "1号酸洗槽液位低低", "141 产生 = 138 已确认"):
            assert await tab.ask(shows(text)), text
        assert not await tab.ask(shows("First-out"))
        await picture(scene, "tripped-zh")
        assert [url for url in tab.requests if not url.startswith((scene.url, "data:"))] == []

    seen(act)


def test_early_warning_says_which_tags_and_takes_no_room_without_groups(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab = scene.tab
        await scene.settle()
        assert not await tab.ask("!!document.getElementById('warnings-title')")
        said = both(
            "Unlike the clean period: 3.4 × the limit. Mainly rx1.coolant 61 %.",
            "偏离正常期：限值的 3.4 倍。主要来自rx1.coolant 61 %。",
        )
        calm = both("As in the clean period.", "与正常期一致。")
        scene.plant.groups = [
            group("reactor", "warning", 3.4, said),
            group("boiler", "clear", 0.6, calm),
            group("kiln", "unknown", None, calm),
        ]
        await tab.until("!!document.getElementById('warnings-title')", 8)
        for text in ("Early warning", "Mainly rx1.coolant 61 %", "3.4 × limit", "AS USUAL", "UNKNOWN"):
            assert await tab.ask(shows(text)), text
        await picture(scene, "warning")
        await chinese(scene)
        for text in ("早期预警", "主要来自rx1.coolant", "无法判断"):
            assert await tab.ask(shows(text)), text

    seen(act)


def test_without_the_gateway_nothing_passes_for_live(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab = scene.tab
        await scene.settle()
        await scene.stop()
        gone = time.monotonic()
        await tab.until("document.documentElement.dataset.stale === 'yes'", 4)
        assert time.monotonic() - gone > 1.0  # two ticks may be late; how soon at the latest is measured by bench_page
        assert await tab.ask(WORD) == "STALE"
        assert await tab.ask("getComputedStyle(document.querySelector('.hatch')).position") == "fixed"
        assert float(await tab.ask("getComputedStyle(document.querySelector('main')).opacity")) < 0.6
        assert await tab.ask("document.title.startsWith('STALE')")
        await picture(scene, "stale")
        await chinese(scene)
        assert await tab.ask(WORD) == "数据中断"
        await picture(scene, "stale-zh")

    seen(act)


def test_at_touch_size_seven_alarms_fit(seen: Any) -> None:
    async def act(scene: Any) -> None:
        scene.plant.tripped()
        await scene.settle()
        whole = """[...document.querySelectorAll('.alarm')].filter((row) => {
            const box = row.getBoundingClientRect(), frame = row.closest('.scroll').getBoundingClientRect();
            return box.bottom <= frame.bottom + 1 && box.height >= 48; }).length"""
        for view in ("overview", "alarms"):
            await scene.tab.ask(f"location.hash = '#/{view}'")
            await scene.tab.until(f"!!document.querySelector('.alarms.{'brief' if view == 'overview' else 'all'}')")
            assert await scene.tab.ask(whole) >= 7, view
            assert await scene.tab.ask("document.documentElement.scrollHeight <= innerHeight")
        await picture(scene, "alarms")

    seen(act)


def test_nothing_moves_under_a_finger(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab, plant = scene.tab, scene.plant
        plant.tripped()
        await scene.settle()
        names = "[...document.querySelectorAll('.alarm .what b')].map((row) => row.textContent)"
        before = await tab.ask(names)
        await tab.ask("document.querySelector('.alarms').dispatchEvent(new PointerEvent('pointerenter'))")
        gone, new = plant.rows[1], msgspec.structs.replace(plant.rows[0], name="NEW", raised_utc_ms=2**42)
        plant.rows = [new, *(row for row in plant.rows if row is not gone)]
        await tab.until(shows("Order held while touched: 1 new"), 2)
        assert await tab.ask(names) == before
        assert await tab.ask("document.querySelectorAll('.alarm.ended').length") == 1
        await tab.ask("document.querySelector('.alarms').dispatchEvent(new PointerEvent('pointerleave'))")
        await tab.until(f"{names}[1] === {before[0]!r} && !{shows('Order held')}", 6)

    seen(act)


def test_why_it_is_as_it_is(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab, plant = scene.tab, scene.plant
        plant.tripped()
        await scene.settle()
        await tab.ask("location.hash = '#/interlock/RX1_TSHH'")
        await tab.until("document.querySelectorAll('[role=treeitem]').length === 4", 4)
        assert await tab.ask(shows("held value 181.9 degC, bad for 48 s"))
        assert await tab.ask(shows("2 of ((rx1.temp_a > 240 degC)"))
        await tab.until("document.querySelectorAll('.trace .u-over').length >= 2")
        assert await tab.ask("document.querySelector('.outputs tbody').textContent.includes('rx1.quench')")
        plant.functions[1] = msgspec.structs.replace(plant.functions[1], causes=plant.functions[1].causes[:1])
        await tab.until("document.querySelectorAll('[role=treeitem]').length === 1", 4)
        await picture(scene, "interlock")

    seen(act)


def test_an_empty_gateway_says_what_to_do(seen: Any) -> None:
    async def act(scene: Any) -> None:
        plant = scene.plant
        plant.state, plant.functions, plant.devices, plant.reason = "UNCONFIGURED", [], [], {}
        plant.queue = UpstreamView(configured=False, connected=False, proof="none")
        await scene.tab.open(f"{scene.url}/")
        await scene.tab.until(f"{WORD} === 'UNCONFIGURED'")
        for text in (
            "No interlocks are configured.",
            "No devices are configured.",
            "gatehouse check SITE",
            "alarms stay local",
        ):
            assert await scene.tab.ask(shows(text)), text

    seen(act)


def test_the_keyboard_reaches_everything(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab = scene.tab
        scene.plant.tripped()
        await scene.settle()
        reached = []
        for _ in range(30):
            await tab.call("Input.dispatchKeyEvent", type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
            await tab.call("Input.dispatchKeyEvent", type="keyUp", key="Tab", code="Tab", windowsVirtualKeyCode=9)
            reached.append(await tab.ask("document.activeElement.textContent.trim().slice(0, 40)"))
        assert reached[0] == "Skip to content"
        for text in ("Alarms", "Interlocks", "中文", "Dark", "PKL_LSLL"):
            assert any(text in at for at in reached), text
        await tab.ask("document.querySelector('.alarm button').focus()")
        await tab.call("Input.dispatchKeyEvent", type="keyDown", key="Enter", windowsVirtualKeyCode=13, text="\r")
        await tab.until("!!document.querySelector('.alarm dl') && " + shows("Pump runs dry, seal damage, acid leak"), 2)

    seen(act)


def test_symbols_toggle_only_unacknowledged_and_not_with_reduced_motion(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab = scene.tab
        scene.plant.tripped()
        await scene.settle()
        assert await tab.ask("document.querySelectorAll('.alarm .toggle').length") == 4
        moving = "document.getAnimations().length"
        assert await tab.ask(moving) > 0
        await tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
        await tab.until(f"{moving} === 0", 2)

    seen(act)


VIEWS = (
    ("overview", ".alarms.brief"), ("alarms", ".alarms.all"), ("interlocks", ".matrix"), ("work", ".things button"),
    ("watchers", "#watch-leak"), ("devices", "#devices-title"), ("figures", "#figures-title"),
    ("interlock/RX1_TSHH", ".trace .u-over"), ("trip/PKL_LSLL", ".plot.story"), ("papers", ".things.pairs"),
    ("paper/shift", "iframe"),
)  # fmt: skip
SMALL = """[...document.querySelectorAll('button, select, input, textarea, nav a, a.big, .matrix a, .devices a')].filter((it) => {
    const box = it.getBoundingClientRect(), least = it.matches('.ack, .reset, .hold, .pad button') ? 64 : 48;
    return box.width > 0 && (box.height < least - 0.5 || box.width < least - 0.5); }).map((it) => it.outerHTML.slice(0, 120))"""


def test_axe_and_a_finger_find_nothing_wrong_in_any_view_language_and_palette(seen: Any) -> None:
    """Structure is judged once a language; the dark palette changes nothing but contrast."""
    if not AXE.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("axe-core is missing (npm ci in tests/web)")

    async def act(scene: Any) -> None:
        tab = scene.tab
        scene.plant.tripped()
        await scene.settle(kiosk=True)
        await tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
        await tab.ask(f"{AXE.read_text()};true")
        found = []

        async def judge(where: str) -> None:
            only = "" if where.startswith("day") else "runOnly: ['color-contrast'], "
            report = await tab.ask(
                f"axe.run({{{only}resultTypes: ['violations']}}).then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))"
            )
            found.extend([where, *violation] for violation in report)
            found.extend([where, "small", it] for it in await tab.ask(SMALL))

        for language in ("en", "zh-CN"):
            for palette in ("day", "dark"):
                for view, there in VIEWS:
                    await tab.ask(f"location.hash = '#/{view}'")
                    await tab.until(f"!!document.querySelector({there!r})")
                    if view == "alarms":
                        await tab.ask("document.querySelector('.alarm button').click()")
                        await tab.until("!!document.querySelector('.alarm .ack')")
                    await judge(f"{palette} {language} {view}")
                await tab.ask(
                    "[...document.querySelectorAll('header .tool')].find((b) => /登录|Sign in/.test(b.textContent)).click()"
                )
                await tab.until("document.querySelectorAll('dialog .people button').length === 5")
                await tab.click("dialog .people button")
                await tab.until("document.querySelectorAll('.pad button').length === 12")
                await judge(f"{palette} {language} sign-in")
                await tab.ask("document.querySelector('dialog').close()")
                await tab.click("header .tool:last-of-type")
            if language == "en":
                await tab.click("header .tool[lang='zh-CN']")
        assert found == []

    seen(act)


WHOLE_UNACKED = """[...document.querySelectorAll('[data-occurrence]')].filter((row) =>
    row.getBoundingClientRect().bottom <= row.closest('.scroll').getBoundingClientRect().bottom + 1)
    .map((row) => [row.dataset.name, row.dataset.occurrence])"""
EFFECT = "document.querySelector('.effect')?.textContent.includes('starts nothing')"


async def key(tab: Any, name: str, *, until: str = "") -> None:
    """Press a key as a keyboard does; it is held until `until` is true, however long the browser needs for that."""
    code = {"Enter": 13, "Tab": 9, "Escape": 27}.get(name, ord(name[0]))
    text = "\r" if name == "Enter" else name if len(name) == 1 else ""
    await tab.call("Input.dispatchKeyEvent", type="keyDown", key=name, windowsVirtualKeyCode=code, text=text)
    if until:
        await tab.until(until)
    await tab.call("Input.dispatchKeyEvent", type="keyUp", key=name, windowsVirtualKeyCode=code)


async def focus(tab: Any, text: str, within: str = "dialog") -> None:
    """Give the focus to the button with that text."""
    find = f"[...document.querySelectorAll('{within} button, {within} a')].find((b) => b.textContent.includes({text!r}) && !b.disabled)"
    await tab.until(f"!!{find} && ({find}.focus(), true)")


async def press(tab: Any, text: str, until: str) -> None:
    """Enter on that button until `until` is true: a dialog drawn anew under the finger is pressed again, as a person would."""
    for _ in range(5):
        with contextlib.suppress(TimeoutError):
            await tab.until(
                f"({until}) || [...document.querySelectorAll('dialog button')].some((b) => b.textContent.includes({text!r}))"
            )
            if await tab.ask(f"!!({until})"):
                return
            await focus(tab, text)
            await key(tab, "Enter")
            await tab.until(until, 6)
            return
    raise AssertionError(f"{text} does nothing")


def test_a_shift_by_keyboard_acknowledges_signs_in_and_resets(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab, plant, given = scene.tab, scene.plant, scene.clerk.given
        plant.tripped()
        plant.functions[0] = msgspec.structs.replace(plant.functions[0], state="READY", missing=())
        await scene.settle(kiosk=True)
        await tab.ask("location.hash = '#/alarms'")
        await tab.until("!!document.querySelector('.alarms h2 .ack')")
        shown = await tab.ask(WHOLE_UNACKED)
        await focus(tab, "Acknowledge what is shown", ".alarms")
        await key(tab, "Enter")
        async with asyncio.timeout(8):
            while len(given) < len(shown):  # noqa: ASYNC110 - the clerk only writes down
                await asyncio.sleep(0.05)
        assert [[target, args["occurrence"]] for _, _, _, target, args in given] == shown  # what is shown, nothing else
        assert {(person, verb) for person, _, verb, *_ in given} == {("kiosk", "alarm.ack")}
        given.clear()

        await tab.ask("location.hash = '#/interlock/PKL_LSLL'")
        await tab.until("!!document.querySelector('.act .reset')")
        await focus(tab, "Reset", ".act")
        await key(tab, "Enter")  # nobody is signed in, so that comes first
        await press(tab, "张伟", "!!document.querySelector('.pad')")
        await tab.ask("document.querySelector('.pad button').focus()")
        for digit in PIN:
            await key(tab, digit)
        await key(tab, "Enter")
        await tab.until("!!document.querySelector('dialog textarea')")
        await tab.ask("document.querySelector('dialog textarea').focus()")
        await tab.call("Input.insertText", text="tank filled, level checked")
        await press(tab, "Check", f"!!document.querySelector('dialog .hold:not(:disabled)') && {EFFECT}")
        await picture(scene, "reset")
        await focus(tab, "Reset")
        await key(tab, "Enter")  # not held: nothing happens
        assert given == []
        await key(tab, "Enter", until="!document.querySelector('dialog')")
        assert given == [
            ("zhang-wei", "supervisor", "interlock.reset", "PKL_LSLL", {"reason": "tank filled, level checked"})
        ]
        assert await tab.ask(shows("张伟"))

    seen(act)


def test_why_did_it_trip_is_one_click_away(seen: Any) -> None:
    async def act(scene: Any) -> None:
        tab = scene.tab
        scene.plant.tripped()
        await scene.settle()
        await tab.click(".banner a[href='#/trip/PKL_LSLL']")
        await tab.until("document.querySelectorAll('.plot.story .line').length === 3")
        for text in (
            "tank1.level < 30 cm",
            "29.8 cm",
            "left the vote",
            "wang-lei",
            "pump7.permit = 0",
            "38 ms",
            "1038 ms",
        ):
            assert await tab.ask(shows(text)), text
        await picture(scene, "trip")
        sheet, bundle = await tab.ask("[...document.querySelectorAll('a.big')].map((a) => a.getAttribute('href'))")
        assert await tab.ask(shows("Sign in as operator to watch it."))  # a clip of that moment lies beside the story
        async with aiohttp.ClientSession(scene.url) as session:
            async with session.get(f"/api/v1/trip/{TRIP}/report") as reply:
                assert "script" not in reply.headers["Content-Security-Policy"]
                assert reply.headers["X-Frame-Options"] == "SAMEORIGIN"
                assert "size:A4" in await reply.text()
            async with session.get(bundle) as reply:
                assert verify(await reply.read()).manifest.function == "PKL_LSLL"
        await tab.ask(f"location.hash = {sheet!r}")
        await tab.until("document.querySelector('iframe').contentDocument.body.textContent.includes('PKL_LSLL')")
        await tab.click(".back")
        await tab.until("!!document.querySelector('.plot.story')")
        await chinese(scene)
        await tab.until(shows("为什么联锁"))
        await picture(scene, "trip-zh")

    seen(act)


def test_at_the_box_without_the_proof_there_is_nothing_to_press(seen: Any) -> None:
    async def act(scene: Any) -> None:
        scene.plant.tripped()
        await scene.settle()
        for view in ("alarms", "interlock/PKL_LSLL", "work"):
            await scene.tab.ask(f"location.hash = '#/{view}'")
            await scene.tab.until("!!document.querySelector('main .panel')")
            assert await scene.tab.ask("document.querySelectorAll('main button.big').length") == 0

    seen(act)


def test_a_phone_needs_no_sideways_scrolling(seen: Any) -> None:
    async def act(scene: Any) -> None:
        scene.plant.tripped()
        await scene.tab.size(390, 844)
        await scene.settle()
        for view, there in VIEWS:
            await scene.tab.ask(f"location.hash = '#/{view}'")
            await scene.tab.until(f"!!document.querySelector({there.replace(' button', '')!r})")
            assert await scene.tab.ask("document.documentElement.scrollWidth <= innerWidth"), view

    seen(act)
