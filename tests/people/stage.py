"""A site with people on a temporary folder: the real site reader, vault, door and desk, a clock that tests move, made-up hearts."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from drivers.base_worn import Event, Frame, Motion, Wave
from gateway.app.peopling import PeopleDesk, Peopling
from gateway.control.messages import Reply
from gateway.site import Site
from gateway.site.load import load_site

EXAMPLE = Path(__file__).parents[2] / "config" / "examples" / "wearable"
START_MS = 1_795_000_000_000
HZ = 25.0
USERS = """
[user.li-na]
name = "李娜"
roles = ["operator"]
[user.zhang-wei]
name = "张伟"
roles = ["operator", "supervisor"]
[user.wang-lei]
name = "王磊"
roles = ["engineer"]
[user.chen-jing]
name = "陈静"
roles = ["maintainer"]
[user.zhou-bo]
name = "周博"
roles = ["medic"]
"""


@dataclass
class Clock:
    """A clock of the runtime that stands until it is moved."""

    now_ms: int = START_MS

    def monotonic_ns(self) -> int:
        return self.now_ms * 1_000_000

    def utc_ns(self) -> int:
        return self.now_ms * 1_000_000


@dataclass
class Below:
    """The desk below: everything is granted and written down."""

    asked: list[tuple[str, str, str, dict[str, str]]] = field(default_factory=list)
    revoked: asyncio.Event = field(default_factory=asyncio.Event)

    async def submit(self, person: str, role: str, verb: str, target: str, args: dict[str, str]) -> Reply:
        self.asked.append((person, verb, target, args))
        if verb == "permit.revoke":
            self.revoked.set()
        return Reply(0)


def site_folder(folder: Path, workers: int = 2, store: str = "key-file") -> Path:
    """The example with `workers` workers w1 … (users u1 …, devices band-1 …) beside its own w7."""
    shutil.copytree(EXAMPLE, folder)
    people = (folder / "people.toml").read_text("utf-8").replace('key_store = "auto"', f'key_store = "{store}"')
    users = (folder / "users.toml").read_text("utf-8") + USERS
    for number in range(1, workers + 1):
        if number != 7:
            people += f'\n[worker.w{number}]\nuser = "u{number}"\nnumber = {number}\ndevices = ["band-{number}"]\n'
            users += f'\n[user.u{number}]\nname = "工人{number}"\nroles = ["worker"]\n'
    (folder / "people.toml").write_text(people, "utf-8")
    (folder / "users.toml").write_text(users, "utf-8")
    return folder


def made(folder: Path, workers: int) -> Path:
    return folder if folder.exists() else site_folder(folder, workers)


def load(folder: Path) -> Site:
    loaded = load_site(folder)
    assert loaded.site is not None, [found.text for found in loaded.problems]
    return loaded.site


@dataclass
class Stage:
    """What a test works with."""

    site: Site
    clock: Clock
    peopling: Peopling
    desk: PeopleDesk
    below: Below

    async def ask(self, person: str, verb: str, target: str = "", **args: str) -> Reply:
        return await self.desk.submit(person, "operator", f"person.{verb}", target, args)

    async def consent(self, person: str, purpose: str, **more: str) -> Reply:
        shown = (await self.ask(person, "purposes")).data
        text = next(one for one in shown if one["purpose"] == purpose)["text_sha256"]["zh-CN"]
        return await self.ask(person, "consent", purpose=purpose, text_sha256=text, **more)

    def hear(self, device: str, **fields: Any) -> Any:
        intake = self.peopling.keeping.intake
        return intake.hear(device, Frame(t=self.clock.now_ms, **fields), intake.allowed(device))


@asynccontextmanager
async def stage(folder: Path, workers: int = 2) -> AsyncIterator[Stage]:
    """The people room running on a folder, which is made where there is none."""
    site = load(made(folder, workers))
    assert site.people is not None
    clock, below = Clock(), Below()
    peopling = Peopling(site, site.people, clock)
    running = asyncio.ensure_future(peopling.keeping.run())
    async with asyncio.timeout(10):
        await peopling.keeping.answered.wait()
    try:
        yield Stage(site, clock, peopling, PeopleDesk(below, peopling), below)
    finally:
        running.cancel()
        await asyncio.wait({running})


def pulse(seconds: float, rate: float, hz: float = HZ, seed: int = 1) -> list[float]:
    """A pulse wave: a systolic and a smaller second wave for each beat, with some noise and variability."""
    rng = np.random.default_rng(seed)
    t = np.arange(int(seconds * hz)) / hz
    beats = np.cumsum(60.0 / rate * (1.0 + 0.03 * rng.standard_normal(int(seconds * rate / 60) + 4)))
    wave = np.zeros(len(t))
    for beat in beats:
        wave += np.exp(-(((t - beat) / 0.09) ** 2)) + 0.35 * np.exp(-(((t - beat - 0.28) / 0.10) ** 2))
    return [float(value) for value in wave + 0.01 * rng.standard_normal(len(t))]


def still(seconds: float, hz: float = HZ) -> Motion:
    count = int(seconds * hz)
    return Motion(hz, [0.0] * count, [0.0] * count, [1.0] * count)


def wave(values: list[float], hz: float = HZ) -> Wave:
    return Wave(hz, values)


def seen(kind: str, n: int, yes: bool = True) -> Event:
    return Event(kind, n, yes)
