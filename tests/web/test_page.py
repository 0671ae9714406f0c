"""The page in a real Chromium: what a person sees, in both languages, and what happens when the gateway is gone.

With GATEHOUSE_PICTURES=FOLDER the pictures of the states are written there, to be looked at.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.control.messages import UpstreamView
from tests.web.fakes import both, group

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
    await scene.tab.click("header .tool")
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
        assert 1.5 < time.monotonic() - gone < 3.0
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
            return box.bottom <= frame.bottom + 1 && box.height >= 44; }).length"""
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
        await tab.until("document.querySelectorAll('.trend .line').length >= 2", 4)
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


@pytest.mark.parametrize("language", ["en", "zh-CN"])
def test_axe_finds_nothing(seen: Any, language: str) -> None:
    if not AXE.exists():
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("axe-core is missing (npm ci in tests/web)")

    async def act(scene: Any) -> None:
        tab = scene.tab
        scene.plant.tripped()
        await scene.settle()
        if language != "en":
            await chinese(scene)
        await tab.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
        await tab.ask(f"{AXE.read_text()};true")
        found = []
        for palette in ("day", "dark"):
            for view in ("overview", "alarms", "interlock/RX1_TSHH", "devices"):
                await tab.ask(f"location.hash = '#/{view}'")
                await tab.until("!!document.querySelector('main .panel')")
                if view.startswith("interlock/"):
                    await tab.until("!!document.querySelector('[role=treeitem]')")
                report = await tab.ask(
                    "axe.run().then((r) => r.violations.map((v) => [v.id, v.nodes.map((n) => n.html)]))"
                )
                found += [(palette, view, *violation) for violation in report]
            await tab.click("header .tool:last-of-type")
        assert found == []

    seen(act)


def test_a_phone_needs_no_sideways_scrolling(seen: Any) -> None:
    async def act(scene: Any) -> None:
        scene.plant.tripped()
        await scene.tab.size(390, 844)
        await scene.settle()
        for view in ("overview", "alarms", "interlock/RX1_TSHH"):
            await scene.tab.ask(f"location.hash = '#/{view}'")
            await scene.tab.until("!!document.querySelector('main .panel')")
            assert await scene.tab.ask("document.documentElement.scrollWidth <= innerWidth"), view

    seen(act)
