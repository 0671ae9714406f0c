"""A page that lets people in: the kiosk, four people with PINs, one with a passphrase, an integrator's token."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp

from gateway.access import pins, store
from gateway.access.kiosk import Kiosk, key_of
from gateway.access.lockout import Lockouts
from gateway.access.sessions import Person, Sessions
from gateway.access.signin import SignIn, new_token, token_digest
from gateway.control.answer import Answering
from gateway.control.cameras import Cameras
from gateway.control.messages import Desk
from gateway.control.tokens import Tokens
from gateway.control.views import Views
from gateway.page.papers import Papers
from gateway.page.server import Page
from gateway.page.trips import Evidence
from gateway.page.visitor import Access
from tests.control.living import FACTS

PIN, PASSPHRASE = "802417", "four words of a song"
PEOPLE = {
    id: Person(id, name, name_en, roles)
    for id, name, name_en, roles in (
        ("li-na", "李娜", "Li Na", ("operator",)),
        ("zhang-wei", "张伟", "Zhang Wei", ("operator", "supervisor")),
        ("wang-lei", "王磊", "Wang Lei", ("engineer",)),
        ("chen-jing", "陈静", "Chen Jing", ("maintainer",)),
        ("zhao-min", "赵敏", "Zhao Min", ("worker",)),
    )
}


class Doors:
    """A served page with its doors. Requests come from this machine; `remote` makes them look as if from the network."""

    def __init__(
        self,
        state: Path,
        views: Views,
        desk: Desk,
        *,
        remote_acts: bool = False,
        evidence: Evidence | None = None,
        papers: Papers | None = None,
        cameras: Cameras | None = None,
    ) -> None:
        self.token = new_token()
        facts = replace(FACTS, cameras=cameras) if cameras is not None else FACTS
        store.change(state, self._fill)
        lockouts = Lockouts(store.make_folder(state) / "lockouts.json", _utc_ms, time.monotonic_ns)
        lockouts.read()
        self.people = dict(PEOPLE)
        self.kiosk = Kiosk(key_of(state), time.monotonic_ns, _utc_ms)
        self.access = Access(
            SignIn(state, lambda: self.people, lockouts),
            Sessions(time.monotonic_ns),
            self.kiosk,
            Answering(views, desk, facts, Tokens(time.monotonic_ns)),
            remote_acts=remote_acts,
        )
        self.page = Page(views, "127.0.0.1", 0, "gw-demo-01", self.access, evidence=evidence, papers=papers)

    def _fill(self, kept: store.Secrets) -> None:
        kept.pins = {id: pins.hashed(PIN) for id in PEOPLE}
        kept.passphrases = {"zhang-wei": pins.hashed(PASSPHRASE)}
        kept.tokens = [store.Token("mes", token_digest(self.token), 0)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.page.port}"


class Visit:
    """One browser, without a browser: cookies, the origin of the page, and a nonce for each action."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.http, self.url = session, url

    async def get(self, path: str, **params: str) -> tuple[int, Any]:
        async with self.http.get(path, params=params) as reply:
            return reply.status, await reply.json()

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        async with self.http.post(path, json=body, headers={"Origin": self.url, **headers}) as reply:
            return reply.status, await reply.json() if reply.content_type == "application/json" else None

    async def prove(self, doors: Doors) -> None:
        status, _ = await self.post("/api/v1/kiosk", {"token": doors.kiosk.token()})
        assert status == 200
        assert (await self.get("/api/v1/session"))[1]["place"] == "kiosk"

    async def sign_in(self, person: str, secret: str = PIN) -> tuple[int, Any]:
        return await self.post("/api/v1/signin", {"person": person, "secret": secret})

    async def act(
        self, verb: str, target: str = "", args: dict[str, str] | None = None, **more: Any
    ) -> tuple[int, Any]:
        _, given = await self.get("/api/v1/nonce")
        body = {"verb": verb, "target": target, "args": args or {}, **more}
        return await self.post("/api/v1/act", body, **{"X-Gatehouse-Nonce": given.get("nonce", "")})


@contextlib.asynccontextmanager
async def entered(doors: Doors) -> AsyncIterator[Visit]:
    """The page served, and one browser on it."""
    task = asyncio.create_task(doors.page.run())
    try:
        await doors.page.started.wait()
        async with browsing(doors) as visit:
            yield visit
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@contextlib.asynccontextmanager
async def browsing(doors: Doors) -> AsyncIterator[Visit]:
    """Another browser on the same page."""
    jar = aiohttp.CookieJar(unsafe=True)  # unsafe: cookies of an address
    async with aiohttp.ClientSession(doors.url, cookie_jar=jar) as session:
        yield Visit(session, doors.url)


def _utc_ms() -> int:
    return time.time_ns() // 1_000_000
