"""Pictures of every view for people to look at: `python -m tests.web.pictures FOLDER [WORD]` (WORD: only names that hold it)."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import msgspec

from tests.web.conftest import Scene, scene
from tests.web.fakes import both, group

SIZES = {"touch": (1024, 600), "wall": (1920, 1080), "phone": (390, 844)}
VIEWS = (
    "overview", "alarms", "interlocks", "interlock/PKL_LSLL", "interlock/RX1_TSHH", "trip/PKL_LSLL", "work", "watchers",
    "devices", "figures", "papers", "paper/shift", "people",
)  # fmt: skip


async def main(folder: Path, only: str) -> None:
    async with scene(with_browser=True) as made:
        await made.settle(kiosk=True)
        for language in ("en", "zh-CN"):
            for palette in ("day", "dark"):
                await _look(made, language, palette)
                await _states(made, folder, f"{language}-{palette}", only)
                await _views(made, folder, f"{language}-{palette}", only)
        await made.stop()
        await made.tab.size(*SIZES["touch"])
        await made.tab.until("document.documentElement.dataset.stale === 'yes'")
        await made.tab.picture(folder / "stale.png")


async def _look(made: Scene, language: str, palette: str) -> None:
    tab = made.tab
    await tab.ask(
        f"localStorage.setItem('language', {language!r}); localStorage.setItem('palette', {palette!r}); location.reload(); 1"
    )
    await tab.until(
        f"document.documentElement.lang === {language!r} && document.documentElement.dataset.stale === 'no'"
    )


async def _states(made: Scene, folder: Path, kind: str, only: str) -> None:
    plant: Any = made.plant
    for state in ("normal", "warning", "tripped", "degraded"):
        name = folder / f"{kind}-state-{state}.png"
        if only not in name.name:
            continue
        await made.tab.size(*SIZES["touch"])
        plant.normal()
        plant.groups = []
        if state == "tripped":
            plant.tripped()
        if state == "warning":
            plant.state, plant.reason = "WARNING", both("An alarm is active: HALL_TMP", "有报警：HALL_TMP")
            plant.groups = [
                group("reactor", "warning", 3.4, both("Mainly rx1.coolant 61 %.", "主要来自 rx1.coolant 61 %。"))
            ]
        if state == "degraded":
            plant.tripped()
            plant.state, plant.reason = "DEGRADED", both("plc2 is lost", "plc2 失联")
            plant.functions[0] = plant.tank()
        await made.tab.ask("location.hash = '#/overview'")
        await asyncio.sleep(1.2)
        await made.tab.picture(name)


async def _views(made: Scene, folder: Path, kind: str, only: str) -> None:
    made.plant.tripped()
    ready = msgspec.structs.replace(made.plant.functions[0], state="READY", missing=())
    for size, (width, height) in SIZES.items():
        await made.tab.size(width, height)
        for view in VIEWS:
            name = folder / f"{kind}-{size}-{view.replace('/', '-')}.png"
            if only not in name.name:
                continue
            made.plant.functions[0] = ready if view == "interlock/PKL_LSLL" else made.plant.functions[0]
            await made.tab.ask(f"location.hash = '#/{view}'")
            await asyncio.sleep(1.5)
            if view == "watchers":
                await made.tab.ask("document.querySelector('#watch-leak ~ .scroll button')?.click()")
                await asyncio.sleep(1.5)
            await made.tab.picture(name)


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True, exist_ok=True)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else ""))
