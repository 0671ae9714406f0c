"""The page's server: read-only, fenced, small, one encoding for all."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from gateway.page import stream
from gateway.page.fence import HEADERS, HostList
from gateway.page.server import load_static

STATIC = Path(__file__).parents[2] / "gateway/page/static"
VIEWS = (
    "overview",
    "interlocks",
    "alarms",
    "sources",
    "bypasses",
    "warnings",
    "tags",
    "explain/PKL_LSLL",
    "trend/tank1.level",
)


async def read_event(reply: aiohttp.ClientResponse) -> tuple[str, str, dict[str, Any]]:
    """(id, kind, data) of the next event."""
    fields: dict[str, str] = {}
    while True:
        line = (await reply.content.readline()).decode().rstrip("\n")
        if not line and "data" in fields:
            return fields["id"], fields["event"], json.loads(fields["data"])
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value


def test_every_view_is_answered(served: Any) -> None:
    async def act(scene: Any) -> None:
        async with aiohttp.ClientSession(scene.url) as session:
            for view in VIEWS:
                async with session.get(f"/api/v1/{view}") as reply:
                    assert reply.status == 200, view
                    await reply.json()
            async with session.get("/api/v1/trend/tank1.level?points=5000&seconds=999999") as reply:
                assert len((await reply.json())["value"]) == 1000
            async with session.get("/healthz") as reply:
                assert (await reply.json())["ok"] is True

    served(act)


def test_what_is_not_there_and_what_is_no_number(served: Any) -> None:
    async def act(scene: Any) -> None:
        async with aiohttp.ClientSession(scene.url) as session:
            wrong = {
                "/api/v1/explain/NONE": 404, "/api/v1/trend/none": 404, "/static/nothing.js": 404,
                "/static/%2e%2e/server.py": 404, "/static/..%2fserver.py": 404,
                "/api/v1/trend/tank1.level?seconds=-1": 400, "/api/v1/trend/tank1.level?points=x": 400,
            }  # fmt: skip
            for path, status in wrong.items():
                async with session.get(path) as reply:
                    assert reply.status == status, path

    served(act)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_nothing_but_reading(served: Any, method: str) -> None:
    async def act(scene: Any) -> None:
        async with aiohttp.ClientSession(scene.url) as session:
            for path in ("/", "/api/v1/overview", "/events", "/nowhere"):
                async with session.request(method, path) as reply:
                    assert reply.status == 405
                    assert reply.headers["Allow"] == "GET, HEAD"

    served(act)


def test_headers_on_every_answer(served: Any) -> None:
    async def act(scene: Any) -> None:
        async with aiohttp.ClientSession(scene.url) as session:
            for path in ("/", "/static/app.js", "/api/v1/overview", "/events", "/nowhere"):
                async with session.get(path) as reply:
                    assert {name: reply.headers[name] for name in HEADERS} == HEADERS, path
            async with session.post("/") as reply:
                assert {name: reply.headers[name] for name in HEADERS} == HEADERS

    served(act)


def test_a_foreign_name_is_refused(served: Any) -> None:
    async def act(scene: Any) -> None:
        async with aiohttp.ClientSession(scene.url) as session:
            for host, status in (("evil.example", 421), ("localhost:1", 200), ("gw-demo-01", 200), ("192.0.2.1", 421)):
                async with session.get("/", headers={"Host": host}) as reply:
                    assert reply.status == status, host

    served(act)


def test_a_page_that_listens_everywhere_answers_to_addresses_only() -> None:
    hosts = HostList("0.0.0.0", "gw-1")
    assert [hosts.allows(h) for h in ("192.0.2.1:8080", "[2001:db8::1]:80", "GW-1.local")] == [True] * 3
    assert [hosts.allows(h) for h in ("evil.example", "192.0.2.1.evil.example", "", "0.0.0.0.nip.io")] == [False] * 4


def test_only_what_changed_is_sent(served: Any) -> None:
    async def act(scene: Any) -> None:
        async with aiohttp.ClientSession(scene.url) as session, session.get("/events") as reply:
            _, kind, full = await read_event(reply)
            assert kind == "full"
            assert full["interlocks"]["order"][0] == "PKL_LSLL"
            _, kind, quiet = await read_event(reply)
            assert kind == "delta"
            assert set(quiet) == {"seq", "overview"}
            tank = scene.plant.functions[0]
            scene.plant.functions[0] = msgspec.structs.replace(tank, state="TRIPPING")
            while "interlocks" not in (changed := (await read_event(reply))[2]):
                pass
            assert list(changed["interlocks"]["set"]) == ["PKL_LSLL"]
            assert "order" not in changed["interlocks"]

    served(act)


def test_a_client_that_comes_back_gets_what_it_missed(served: Any) -> None:
    async def act(scene: Any) -> None:
        async with aiohttp.ClientSession(scene.url) as session, session.get("/events") as stays:
            await read_event(stays)
            last, _, before = await read_event(stays)
            scene.plant.tripped()
            await read_event(stays)
            async with session.get("/events", headers={"Last-Event-ID": last}) as back:
                _, kind, missed = await read_event(back)
                assert (kind, missed["seq"]) == ("delta", before["seq"] + 1)
            for other in ("00000000-1", "nonsense", last.partition("-")[0] + "-99999"):
                async with session.get("/events", headers={"Last-Event-ID": other}) as back:
                    assert (await read_event(back))[1] == "full"

    served(act)


def test_views_are_read_once_for_all_and_not_at_all_for_nobody(served: Any) -> None:
    async def act(scene: Any) -> None:
        plant = scene.plant
        await asyncio.sleep(0.6)
        assert plant.reads == 0
        async with aiohttp.ClientSession(scene.url) as session:
            replies = [await session.get("/events") for _ in range(6)]
            for reply in replies:
                await read_event(reply)
            begun = plant.reads
            await asyncio.sleep(1.1)
            assert 2 <= plant.reads - begun <= 6  # 2 to 5 Hz, however many look
            for reply in replies:
                reply.close()
        await asyncio.sleep(0.6)
        begun = plant.reads
        await asyncio.sleep(0.6)
        assert plant.reads == begun

    served(act)


def test_one_client_too_many_is_told_to_come_back(served: Any) -> None:
    async def act(scene: Any) -> None:
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(scene.url, connector=connector) as session:
            held = [await session.get("/events") for _ in range(stream.CLIENTS_MAX)]
            async with session.get("/events") as extra:
                assert extra.status == 503
                assert extra.headers["Retry-After"] == "10"
            for reply in held:
                reply.close()

    served(act)


def test_a_client_that_does_not_keep_up_is_cut_off() -> None:
    async def act() -> None:
        audience, slow, quick = stream.Audience(), stream.Client(None), stream.Client(None)
        assert audience.join(slow)
        assert audience.join(quick)
        for number in range(stream.QUEUE_MAX + 1):
            audience.publish(b"%d" % number)
            assert await quick.next() == b"%d" % number
        assert (len(audience), audience.cut_off) == (1, 1)

    asyncio.run(act())


def test_the_end_of_the_page_is_quick_with_clients_on_it(served: Any) -> None:
    async def act(scene: Any) -> None:
        async with aiohttp.ClientSession(scene.url) as session, session.get("/events") as reply:
            await read_event(reply)
            begun = asyncio.get_running_loop().time()
            await scene.stop()
            assert asyncio.get_running_loop().time() - begun < 1.0

    served(act)


def test_the_page_is_small_and_what_is_loaded_first_smaller() -> None:
    """The first view is measured in a browser too (test_panels); here by following what imports what."""
    sizes = {name.removeprefix("/static/"): len(body) for name, (body, _) in load_static().items()}
    first, waiting = {"index.html", "style.css", "icon.svg"}, ["app.js"]
    while waiting:
        name = waiting.pop()
        first.add(name)
        code = (STATIC / name).read_text()
        waiting += [each for each in re.findall(r'^import .*"\./(.+)";', code, re.MULTILINE) if each not in first]
    assert sum(sizes[name] for name in first) <= 130_000
    assert "trip.js" not in first
    assert sum(sizes.values()) <= 240_000


def test_the_vendored_files_are_those_that_were_looked_at() -> None:
    told = (STATIC / "vendor/README.md").read_text()
    for path in (STATIC / "vendor").iterdir():
        if path.suffix in (".js", ".css"):
            assert hashlib.sha256(path.read_bytes()).hexdigest() in told, path.name


def words() -> dict[str, dict[str, str]]:
    text = (STATIC / "words.js").read_text()
    found: dict[str, dict[str, str]] = json.loads(text.partition("\nexport default")[2].rstrip().rstrip(";"))
    return found


def test_both_languages_have_the_same_words_and_places() -> None:
    english, chinese = words()["en"], words()["zh-CN"]
    assert list(english) == list(chinese)
    for key, text in english.items():
        assert text
        assert chinese[key]
        assert sorted(re.findall(r"\{\d\}", text)) == sorted(re.findall(r"\{\d\}", chinese[key])), key


def test_every_word_that_is_asked_for_is_there() -> None:
    code = "".join(path.read_text() for path in STATIC.glob("*.js") if path.name != "words.js")
    known = words()["en"]
    asked = set(re.findall(r"""\bt\(\s*"([a-z]+\.?[A-Za-z.]*)\"""", code))
    assert asked - set(known) == set()
    groups = set(re.findall(r"`([a-z.]+\.)\$\{", code))
    unused = [key for key in known if key not in code and not any(key.startswith(group) for group in groups)]
    assert unused == []


def test_no_forbidden_word() -> None:
    text = "".join(path.read_text() for path in STATIC.glob("*.*"))
    for word in (r"\bSI" r"L\b", "safety PLC", "guarantee", "certified"):
        assert not re.search(word, text), word
