"""Every route of the page, as every role and as nobody: none gives what is of a worker, and none but the worker's own says it."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gateway.access.sessions import Person
from gateway.control.verbs import VERBS
from gateway.page import visitor
from tests.control.fakes import Plant
from tests.people.stage import stage
from tests.people.test_door import ARGS, ODD, PERSONS, TEMPERATURE, worked
from tests.web.doors import Doors, entered

SECRETS = (str(TEMPERATURE), str(ODD), "band-0142", "harness_unhooked")
PARTS = {
    "verb": "person.see",
    "function": "CRANE",
    "tag": "worn.fatigue",
    "path": "app.js",
}  # of paths with a place in them


async def session_of(made: Doors, http: aiohttp.ClientSession, person: Person | None) -> None:
    """A browser at the proven kiosk in which `person` has signed in."""
    cookie, session = made.access.sessions.open(kiosk=True)
    if person is not None:
        made.people[person.id] = person
        session.sign_in(person, made.access.sessions.now_ns())
    http.cookie_jar.clear()
    proof = made.kiosk.cookie(made.kiosk.token())
    http.cookie_jar.update_cookies(
        {visitor.SESSION_COOKIE: cookie, visitor.KIOSK_COOKIE: proof}, aiohttp.client.URL(made.url)
    )


async def answered(made: Doors, http: aiohttp.ClientSession) -> list[tuple[str, str]]:
    """Every route as it answers, and every verb through the route of verbs."""
    assert made.page.runner is not None
    found = []
    for route in made.page.runner.app.router.routes():
        path = route.resource.canonical if route.resource is not None else ""
        if route.method != "GET" or path in ("/events", "/static/{path:.+}"):
            continue  # the stream begins with what /api/v1/overview says; static files are the same for all
        filled = re.sub(r"\{(\w+)[^}]*\}", lambda part: PARTS.get(part[1], "x"), path)
        async with http.get(made.url + filled) as reply:
            found.append((path, await reply.text()))
    for name, verb in VERBS.items():
        declared = {one.name for one in verb.arguments} | ({"reason"} if verb.dangerous else set())
        args = {key: value for key, value in ARGS.items() if key in declared}
        target = "w7" if verb.target else ""
        async with http.get(f"{made.url}/api/v1/ask/{name}", params={"target": target, **args}) as reply:
            found.append((f"ask {name}", await reply.text()))
        if verb.read is None:
            said = await acted(made, http, {"verb": name, "target": target, "args": args, "plan": verb.dangerous})
            token = (json.loads(said).get("data") or {}).get("token", "") if verb.dangerous else ""
            if token:
                said += await acted(made, http, {"verb": name, "target": target, "args": args, "token": token})
            found.append((f"act {name}", said))
    return found


async def acted(made: Doors, http: aiohttp.ClientSession, body: dict[str, Any]) -> str:
    async with http.get(f"{made.url}/api/v1/nonce") as reply:
        nonce = (await reply.json())["nonce"]
    headers = {"Origin": made.url, "X-Gatehouse-Nonce": nonce}
    async with http.post(f"{made.url}/api/v1/act", json=body, headers=headers) as reply:
        return await reply.text()


def test_no_route_of_the_page_gives_a_worker_away(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            await worked(on)
            made = Doors(tmp_path / "state", Plant(), on.desk)
            made.people.clear()
            roles = on.peopling.roster.roles
            async with entered(made) as visit:
                for person in [None, *PERSONS.values()]:
                    who = Person(person, person, person, tuple(roles.get(person, ()))) if person is not None else None
                    await session_of(made, visit.http, who)
                    for where, said in await answered(made, visit.http):
                        open_to = person == "qian-hua" and where == "act person.events"  # kinds of events, no value
                        for secret in SECRETS:
                            assert secret not in said or (open_to and secret == "harness_unhooked"), (person, where)
                zhao = Person("zhao-min", "赵敏", "Zhao Min", ("worker",))
                await session_of(made, visit.http, zhao)
                own = await acted(made, visit.http, {"verb": "person.see"})
                assert str(TEMPERATURE) in own, "their own browser shows it, so the secrets above are the right ones"
                for verb in ("person.backup", "person.restore", "person.anew"):
                    said = await acted(made, visit.http, {"verb": verb, "args": {"file": "b.tar", "reason": "x"}})
                    assert "command line" in said

    asyncio.run(run())


@pytest.mark.parametrize("channel", ["upstream", "metrics", "history", "journal"])
def test_rooms_that_carry_things_away_cannot_name_the_people_room(channel: str) -> None:
    """Beside the import contracts: no module of these rooms has the door, the vault or a verb about people in its text."""
    folder = Path(__file__).parents[2] / "gateway" / channel
    for module in folder.glob("*.py"):
        text = module.read_text("utf-8")
        assert "gateway.people" not in text, module
        assert '"person.' not in text, module
