"""Who may do what on the page, and what does not help against it: guessing, foreign pages, stolen cookies, big and slow bodies."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from doors import PASSPHRASE, PIN, Doors, browsing, entered
from fakes import alarm, both
from witness import Filmed

from gateway.access.lockout import FAILURES
from gateway.control.messages import ROLES
from gateway.control.verbs import VERBS
from gateway.page import visitor
from gateway.page.stream import shown_alarms
from gateway.page.sweep import KEEP_S, Sweep
from tests.control.fakes import Clerk, Plant
from tests.control.test_verbs import EXPECTED

NO_LOGIN = {"alarm.ack", "alarm.silence", "interlock.trip"}  # spec/operators.md
WHO = {"operator": "li-na", "supervisor": "zhang-wei", "engineer": "wang-lei", "maintainer": "chen-jing"}
OPERATOR = {name for name, (_, _, roles) in EXPECTED.items() if "operator" in roles}


def doors(tmp_path: Path, **more: Any) -> tuple[Doors, Clerk]:
    clerk = Clerk()
    return Doors(tmp_path, Plant(), clerk, **more), clerk


async def outcome(visit: Any, verb: str) -> int:
    """The status of `verb` with what it needs; a dangerous one is planned first, as the page does."""
    target, args, _ = EXPECTED[verb]
    if VERBS[verb].read is not None:
        return int((await visit.get(f"/api/v1/ask/{verb}", target=target, **args))[0])
    token = ""
    if VERBS[verb].dangerous:
        status, said = await visit.act(verb, target, args, plan=True)
        if status != 200:
            return int(status)
        token = said["data"]["token"]
    return int((await visit.act(verb, target, args, token=token))[0])


@pytest.mark.parametrize("role", ["nobody", *ROLES, "worker"])
def test_every_verb_by_every_role_at_the_kiosk(tmp_path: Path, role: str) -> None:
    async def act() -> None:
        made, clerk = doors(tmp_path)
        async with entered(made) as visit:
            await visit.prove(made)
            if role != "nobody":
                assert (await visit.sign_in(WHO.get(role, "zhao-min")))[0] == 200
            for verb, (_, _, roles) in EXPECTED.items():
                anybody = set(roles) == set(ROLES)  # acting needs a name all the same, but for NO_LOGIN
                may = verb in NO_LOGIN or role in roles or (anybody and (VERBS[verb].read or role != "nobody"))
                may = bool(may) and not VERBS[verb].socket_only
                status = await outcome(visit, verb)
                alike = role == "nobody" and VERBS[verb].read is None and not VERBS[verb].socket_only
                assert status == (200 if may else 401 if alike else 403), verb
        who = {person for person, *_ in clerk.given}
        assert who == {"kiosk" if role == "nobody" else WHO.get(role, "zhao-min")}

    asyncio.run(act())


def test_a_clip_is_for_those_who_may_see_pictures_and_a_name_is_no_path(tmp_path: Path) -> None:
    async def act() -> dict[str, list[int]]:
        made, found = Doors(tmp_path, Plant(), Clerk(), cameras=Filmed(tmp_path)), {}
        file = made.access.answering.facts.cameras.clips()[0].file
        names = (
            f"gate3/{file}",
            f"gate4/{file}",
            "gate3/other.mp4",
            "gate3/..%2f..%2faccess%2fca.pem",
            "gate3/%2fetc%2fpasswd",
        )
        async with entered(made) as visit:
            await visit.prove(made)
            for who in ("", "zhao-min", *WHO.values()):
                if who:
                    assert (await visit.sign_in(who))[0] == 200
                found[who] = []
                for name in names:
                    async with visit.http.get(f"/api/v1/clip/{name}") as reply:
                        found[who].append(reply.status)
        return found

    answers = asyncio.run(act())
    assert answers[""] == answers["zhao-min"] == [403] * 5  # nobody; a worker
    assert [answers[who] for who in WHO.values()] == [[200, 404, 404, 404, 404]] * len(WHO)


def test_every_verb_is_enumerated_and_none_that_names_a_file_is_for_the_page() -> None:
    assert set(EXPECTED) == set(VERBS)
    named = {name for name, verb in VERBS.items() if {"file", "path", "folder"} & {one.name for one in verb.arguments}}
    assert {name for name, verb in VERBS.items() if verb.socket_only} == {*named, "person.anew"}
    assert named == {"person.backup", "person.restore"}


def test_loopback_alone_reads_and_does_nothing(tmp_path: Path) -> None:
    async def act() -> None:
        made, clerk = doors(tmp_path)
        async with entered(made) as visit:
            assert (await visit.get("/api/v1/overview"))[0] == 200
            assert (await visit.get("/api/v1/session"))[1]["place"] == "box"
            assert (await visit.get("/api/v1/nonce"))[0] == 401
            for verb in NO_LOGIN:
                assert (await visit.act(verb, *EXPECTED[verb][:2]))[0] == 428, verb
            assert (await visit.sign_in("li-na"))[0] == 403
            assert (await visit.post("/api/v1/kiosk", {"token": "guess"}))[0] == 403
        assert clerk.given == []

    asyncio.run(act())


def test_from_the_network_only_over_tls_and_by_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Requests are made to look remote; TLS itself is served in tests/daemon. A read-only account stays one."""
    secure = [False]
    monkeypatch.setattr(visitor, "is_local", lambda _request: False)
    monkeypatch.setattr("aiohttp.web.BaseRequest.secure", property(lambda _self: secure[0]))

    async def act(remote_acts: bool) -> list[int]:
        made, clerk = doors(tmp_path, remote_acts=remote_acts)
        async with entered(made) as visit:
            secure[0] = False
            plain = [(await visit.get(path))[0] for path in ("/api/v1/overview", "/api/v1/session", "/healthz")]
            assert plain == [403, 403, 403]
            secure[0] = True
            visit.url = made.url.replace("http:", "https:")
            seen = [(await visit.get(path))[0] for path in ("/api/v1/overview", "/healthz", "/api/v1/ask/tag.list")]
            assert seen == [401, 401, 401]
            assert (await visit.get("/api/v1/session"))[1]["may_read"] is False
            assert (await visit.sign_in("zhang-wei", PIN))[0] == 401  # a PIN is for the kiosk
            assert (await visit.sign_in("zhang-wei", PASSPHRASE))[0] == 200
            _send_cookies_in_the_clear(visit)
            assert (await visit.get("/api/v1/overview"))[0] == 200
            status = (await visit.act("alarm.ack", "level_low", {"occurrence": "3-17"}))[0]
            made.people.pop("zhang-wei")  # the site does not know them any more
            after = (await visit.act("alarm.ack", "level_low", {"occurrence": "3-17"}))[0]
            assert len(clerk.given) == (1 if remote_acts else 0)
            return [status, after]

    assert asyncio.run(act(remote_acts=False)) == [403, 403]
    assert asyncio.run(act(remote_acts=True)) == [200, 401]


def _send_cookies_in_the_clear(visit: Any) -> None:
    for morsel in visit.http.cookie_jar:
        morsel["secure"] = False  # the test speaks HTTP while the page believes it is TLS


def test_an_integrators_token_reads_and_nothing_else(tmp_path: Path) -> None:
    async def act() -> None:
        made, clerk = doors(tmp_path)
        async with entered(made) as visit:
            bearer = {"Authorization": f"Bearer {made.token}"}
            async with visit.http.get("/api/v1/ask/alarm.list", headers=bearer) as reply:
                assert reply.status == 200
            body = {"verb": "alarm.silence"}
            assert (await visit.post("/api/v1/act", body, **bearer))[0] == 428
        assert clerk.given == []

    asyncio.run(act())


def test_guessing_locks_one_person_and_stops_nobody_acknowledging(tmp_path: Path) -> None:
    async def act() -> None:
        made, clerk = doors(tmp_path)
        async with entered(made) as visit:
            await visit.prove(made)
            tries = [await visit.sign_in("zhang-wei", f"{at:06}") for at in range(FAILURES)]
            assert [status for status, _ in tries] == [401] * (FAILURES - 1) + [429]
            status, said = await visit.sign_in("zhang-wei")  # the right one, too late
            assert (status, said["why"]) == (429, "locked")
            assert 0 < said["left_s"] <= 60
            assert (await visit.act("alarm.ack", "level_low", {"occurrence": "3-17"}))[0] == 200
            assert (await visit.sign_in("li-na"))[0] == 200
        assert clerk.given == [("kiosk", "operator", "alarm.ack", "level_low", {"occurrence": "3-17"})]

    asyncio.run(act())


def test_a_foreign_page_cannot_act_with_our_cookies(tmp_path: Path) -> None:
    async def act() -> None:
        made, clerk = doors(tmp_path)
        async with entered(made) as visit:
            await visit.prove(made)
            body, used = json.dumps({"verb": "alarm.silence"}), (await visit.get("/api/v1/nonce"))[1]["nonce"]
            good = {"Origin": made.url, "Content-Type": "application/json", "X-Gatehouse-Nonce": used}
            foreign: list[dict[str, str | None]] = [
                {"Origin": "http://evil.example"}, {"Origin": "null"}, {"Origin": None},
                {"Origin": made.url + "0"}, {"Content-Type": "text/plain"}, {"Sec-Fetch-Site": "cross-site"},
                {"Content-Type": "application/x-www-form-urlencoded"}, {"Host": "evil.example"},
            ]  # fmt: skip
            for other in foreign:
                headers = {name: value for name, value in {**good, **other}.items() if value is not None}
                async with visit.http.post("/api/v1/act", data=body, headers=headers) as reply:
                    assert reply.status in (403, 421), other
            guessed = {**good, "X-Gatehouse-Nonce": "guess"}
            for headers, status in ((guessed, 428), (good, 200), (good, 428)):  # a nonce is good once
                async with visit.http.post("/api/v1/act", data=body, headers=headers) as reply:
                    assert reply.status == status
            async with browsing(made) as other_browser:  # with the session's cookie, but not the kiosk's
                stolen = {cookie.key: cookie.value for cookie in visit.http.cookie_jar}
                stolen.pop(visitor.KIOSK_COOKIE)
                other_browser.http.cookie_jar.update_cookies(stolen, aiohttp.client.URL(made.url))
                assert (await other_browser.get("/api/v1/nonce"))[0] == 401
        assert len(clerk.given) == 1

    asyncio.run(act())


def test_cookies_are_for_this_page_alone(tmp_path: Path) -> None:
    async def act() -> None:
        made, _ = doors(tmp_path)
        async with entered(made) as visit:
            await visit.prove(made)
            before = {cookie.key: cookie.value for cookie in visit.http.cookie_jar}
            async with visit.http.post(
                "/api/v1/signin", json={"person": "li-na", "secret": PIN}, headers={"Origin": made.url}
            ) as reply:
                cookie = reply.headers["Set-Cookie"]
            assert all(word in cookie for word in ("HttpOnly", "SameSite=Strict", "Path=/"))
            after = {cookie.key: cookie.value for cookie in visit.http.cookie_jar}
            assert before[visitor.SESSION_COOKIE] != after[visitor.SESSION_COOKIE]
            assert (await visit.get("/api/v1/session"))[1]["person"]["id"] == "li-na"
            await visit.post("/api/v1/signout", {})
            assert (await visit.get("/api/v1/session"))[1]["person"] is None

    asyncio.run(act())


def test_a_first_pin_must_be_changed_before_anything(tmp_path: Path) -> None:
    async def act() -> None:
        made, _ = doors(tmp_path)
        from gateway.access import store

        store.change(tmp_path, lambda kept: kept.fresh.append("li-na"))
        async with entered(made) as visit:
            await visit.prove(made)
            assert (await visit.sign_in("li-na"))[1]["fresh"] is True
            assert (await visit.get("/api/v1/session"))[1]["person"] is None
            change = {"person": "li-na", "old": PIN, "new": "111111"}
            assert await visit.post("/api/v1/pin", change) == (
                400,
                {"why": "weak", "left_s": 0, "fresh": False, "detail": "same"},
            )
            assert (await visit.post("/api/v1/pin", {**change, "new": "735902"}))[0] == 200
            assert (await visit.get("/api/v1/session"))[1]["person"]["id"] == "li-na"

    asyncio.run(act())


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400), (b"{", 400), (b"[]", 400), (b'{"verb": 3}', 400), (b'{"verb": "x", "more": 1}', 400),
        (b'{"verb": "alarm.ack", "args": {"a": 1}}', 400), (b"\xff\xfe", 400), (b"[" * 9_000, 400),
        (b'{"verb": "' + b"x" * 20_000 + b'"}', 413),
    ],
)  # fmt: skip
def test_what_is_no_request_is_refused(tmp_path: Path, body: bytes, status: int) -> None:
    async def act() -> None:
        made, _ = doors(tmp_path)
        async with entered(made) as visit:
            headers = {"Origin": made.url, "Content-Type": "application/json"}
            async with visit.http.post("/api/v1/act", data=body, headers=headers) as reply:
                assert reply.status == status

    asyncio.run(act())


def test_what_is_no_http_is_answered_400_and_fills_no_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def act() -> list[bytes]:
        made, _ = doors(tmp_path)
        answers = []
        async with entered(made):
            for line in (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01\r\n\r\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", made.page.port)
                writer.write(line)
                answers.append(await reader.readline())
                writer.close()
        return answers

    assert [answer.split()[1] for answer in asyncio.run(act())] == [b"400", b"400"]
    assert caplog.records == []


def test_who_says_nothing_or_says_it_slowly_is_cut_off(tmp_path: Path) -> None:
    """Real sockets that send half a request, and a clock of the sweep that the test moves: the sockets are closed."""

    async def act() -> None:
        made, _ = doors(tmp_path)
        async with entered(made):
            held = [await asyncio.open_connection("127.0.0.1", made.page.port) for _ in range(20)]
            for _, writer in held[:10]:
                writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
            await asyncio.sleep(0.05)
            runner = made.page.runner
            assert runner is not None
            now = [0.0]
            sweep = Sweep(lambda: now[0])
            open_ = list(runner.server.connections)  # type: ignore[union-attr]
            assert len(open_) >= 20
            sweep.look(open_)
            assert sweep.closed == 0
            now[0] = KEEP_S + 1
            sweep.look(open_)
            assert sweep.closed == len(open_)
            for reader, writer in held:
                assert await asyncio.wait_for(reader.read(), 5) == b""
                writer.close()
                await writer.wait_closed()

    asyncio.run(act())


def test_a_flood_is_one_line_with_what_came_first() -> None:
    rows = [
        msgspec.structs.replace(alarm(f"F{at}", both("x", "x"), 3, "UNACK", 100 - at), flood="pit") for at in range(90)
    ]
    urgent = [alarm("HIGH", both("x", "x"), 2, "UNACK", 5)]
    shown = shown_alarms([*rows, *urgent])
    assert [(row.name, row.others) for row in shown] == [("HIGH", 0), ("F0", 89)]
