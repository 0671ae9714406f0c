"""The description of the API is the API: its routes, its types; and rubbish made from it gets no answer above 499."""

from __future__ import annotations

import asyncio
import json
import random
import sys
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).parent))
from doors import Doors, entered
from fakes import Plant
from stories import Bundles
from witness import Sheets

from gateway.control.verbs import VERBS
from gateway.page import openapi
from gateway.page.openapi import LISTS
from tests.control.fakes import Clerk

APART = {"/events", "/", "/static/{path}"}  # a stream and the page itself
WORDS = (
    "", "PKL_LSLL", "tank1.level", "status.show", "alarm.ack", "3-17", "-1", "0", "99999999999", "é罐", "%00", "..",
    "a" * 2000, "{}", "en",
)  # fmt: skip


def test_the_description_has_every_route_and_no_other(tmp_path: Path) -> None:
    made = Doors(tmp_path, Plant(), Clerk(), evidence=Bundles(tmp_path), papers=Sheets())
    from gateway.page.sweep import Sweep

    app = made.page._application(Sweep())
    routes = {(route.method, route.resource.canonical) for route in app.router.routes() if route.resource is not None}
    ours = {route for route in routes if route[0] != "HEAD" and route[1] not in APART}
    told = {(method.upper(), path) for path, methods in openapi.document()["paths"].items() for method in methods}
    assert told == ours


def test_the_answers_are_of_the_described_types(tmp_path: Path) -> None:
    async def act() -> None:
        made = Doors(tmp_path, Plant(), Clerk(), evidence=Bundles(tmp_path), papers=Sheets())
        async with entered(made) as visit:
            for name, kind in LISTS.items():
                async with visit.http.get(f"/api/v1/{name}") as reply:
                    msgspec.json.decode(await reply.read(), type=kind)
            async with visit.http.get("/api/v1/openapi.json") as reply:
                told = json.loads(await reply.read())
            assert told["openapi"].startswith("3.1")
            assert set(told["x-verbs"]) == set(VERBS)

    asyncio.run(act())


def test_rubbish_made_from_the_description_breaks_nothing(tmp_path: Path) -> None:
    """Every path with every method it has, with words that fit and words that do not; nothing answers 5xx."""
    rng, wrong = random.Random(7), list[Any]()

    async def act() -> None:
        made = Doors(tmp_path, Plant(), Clerk(), evidence=Bundles(tmp_path), papers=Sheets())
        paths = openapi.document()["paths"]
        async with entered(made) as visit:
            await visit.prove(made)
            await visit.sign_in("zhang-wei")
            for path, methods in paths.items():
                for method, told in methods.items():
                    for _ in range(12):
                        status = await shot(visit, method, path, told, rng)
                        if status >= 500:
                            wrong.append((method, path, status))

    asyncio.run(act())
    assert wrong == []


async def shot(visit: Any, method: str, path: str, told: dict[str, Any], rng: random.Random) -> int:
    """One request with random words in path, query and body."""
    from urllib.parse import quote

    for each in told["parameters"]:
        if each["in"] == "path":
            path = path.replace("{" + each["name"] + "}", quote(rng.choice(WORDS) or "x", safe=""))
    query = {
        each["name"]: rng.choice(WORDS) for each in told["parameters"] if each["in"] == "query" and rng.random() < 0.6
    }
    query |= {rng.choice(WORDS) or "q": rng.choice(WORDS)} if rng.random() < 0.3 else {}
    if method == "get":
        async with visit.http.get(path, params=query) as reply:
            return int(reply.status)
    if path.endswith("/act") and rng.random() < 0.5:
        status, _ = await visit.act(rng.choice(list(VERBS)), rng.choice(WORDS), {rng.choice(WORDS): rng.choice(WORDS)})
        return int(status)
    bodies: list[Any] = [{}, [], 3, "x", {"person": rng.choice(WORDS), "secret": "000000"}, {"token": "x"}, {"verb": 1}]
    status, _ = await visit.post(path, rng.choice(bodies))
    return int(status)
