"""Who gets what: every verb of the control socket asked by every role, the worker's own verbs, the glass, the ten people, the permit."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import cast

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from drivers.base_worn import Frame, Position
from gateway.activation.signature import public_text
from gateway.app.peopling import _event_tags
from gateway.control.answer import Answering, Caller
from gateway.control.messages import ROLES, Request, Role
from gateway.control.peers import Peer
from gateway.control.tokens import Tokens
from gateway.control.verbs import VERBS
from gateway.core.samples import Personal
from gateway.people import trail
from gateway.people.certificate import Certificate, genuine
from gateway.people.door import VERBS as DOOR
from gateway.people.dossier import Consent
from gateway.people.own import signable
from gateway.people.roster import Certificate as Paper
from gateway.people.roster import Roster, Worker, hindering
from gateway.people.segments import HOUR_MS
from tests.control.fakes import Plant
from tests.control.living import FACTS
from tests.people.stage import Stage, load, pulse, seen, site_folder, stage, still, wave
from tests.simulation.demo_world import demo_site

TEMPERATURE, ODD = 34.8125, 0.734375  # what nobody else may see: of the skin, and one value of the pulse wave
PERSONS = {
    "operator": "li-na",
    "supervisor": "zhang-wei",
    "engineer": "wang-lei",
    "maintainer": "chen-jing",
    "safety-officer": "qian-hua",
    "medic": "sun-yi",
    "another worker": "u1",
    "nobody of the plant": "mallory",
}
ARGS = {
    "reason": "asked by a test",
    "month": "2026-11",
    "purpose": "fatigue",
    "stream": "ppg",
    "sequence": "1",
    "now": "1",
    "file": "../x",
    "text_sha256": "ab",
    "from_utc_ms": "0",
}


async def worked(on: Stage) -> None:
    """w7 consents and works for a while."""
    assert (await on.consent("zhao-min", "fatigue")).code == 0
    assert (await on.consent("zhao-min", "safety")).code == 0
    for second in range(0, 60, 10):
        on.clock.now_ms += 10_000
        values = [ODD, *pulse(10, 72, seed=second)[1:]]
        on.hear("band-0142", ppg=wave(values), motion=still(10), skin_temperature=TEMPERATURE)
    on.hear("band-0142", events=[seen("phone", 1), seen("phone", 2), seen("harness_unhooked", 3)])


def test_no_verb_gives_a_series_to_anybody_but_the_worker(tmp_path: Path) -> None:
    """Every verb there is, as every role, about w7: neither a value of the wave nor the temperature comes out."""

    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            await worked(on)
            answering = Answering(Plant(), on.desk, FACTS, Tokens(on.clock.monotonic_ns))
            told = 0
            # The socket opens verbs of the plant, the person those about people: each once with all of the other.
            callers = [(person, "operator") for person in PERSONS.values()] + [
                ("mallory", socket) for socket in ROLES[1:]
            ]
            at_sockets = [Caller(Peer(person, 1000, 1), cast(Role, socket)) for person, socket in callers]
            # The page and the shell over SSH know people by name, with all their roles.
            roles = on.peopling.roster.roles
            by_name = [Caller.signed_in(person, tuple(roles.get(person, ()))) for person in PERSONS.values()]
            for caller in [*at_sockets, *by_name]:
                on.clock.now_ms += 6 * 60_000  # too late for a second person: what two people may open is another test
                for name, verb in VERBS.items():
                    declared = {one.name for one in verb.arguments} | ({"reason"} if verb.dangerous else set())
                    args = {key: value for key, value in ARGS.items() if key in declared}
                    request = Request(name, "w7" if verb.target else "", args)
                    if verb.dangerous:
                        plan = await answering.answer(caller, msgspec.structs.replace(request, plan=True))
                        request = msgspec.structs.replace(request, token=getattr(plan.data, "token", ""))
                    reply = msgspec.json.encode(await answering.answer(caller, request)).decode()
                    told += 1
                    assert str(TEMPERATURE) not in reply, (caller, name)
                    assert str(ODD) not in reply, (caller, name)
            assert told == (len(at_sockets) + len(by_name)) * len(VERBS)
            own = json.dumps((await on.ask("zhao-min", "see")).data)
            export = await everything(on, "zhao-min")
            assert str(TEMPERATURE) in own
            assert str(ODD) in json.dumps(export)

    asyncio.run(run())


def test_the_table_of_the_door_is_whole() -> None:
    """Every verb of the socket about people is in the door's table, and no role that a plant could add is."""
    assert set(DOOR) == {name for name in VERBS if name.startswith("person.")}
    assert set(DOOR.values()) == {"anybody", "worker", "safety-officer", "medic", "second", "maintainer", "engineer"}
    assert all(VERBS[name].read is None for name in DOOR)


async def everything(on: Stage, person: str) -> list[dict[str, object]]:
    """All pages of an export."""
    rows: list[dict[str, object]] = []
    at = 0
    while True:
        page = (await on.ask(person, "export", from_utc_ms=str(at))).data
        rows += page["rows"]
        at = page["next_utc_ms"]
        if not at:
            return rows


def test_a_worker_sees_exports_corrects_and_reads_who_looked(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            await worked(on)
            seen_now = (await on.ask("zhao-min", "see")).data
            assert seen_now["collected"] == ["behaviour", "motion", "position", "ppg", "skin_temperature"]
            assert seen_now["months"] == {"2026-11": {"phone": 2, "harness_unhooked": 1}}
            assert seen_now["in_a_row"] == {"phone": 2, "harness_unhooked": 1}
            assert 68 < seen_now["latest"]["heart_rate"] < 76
            assert 0.0 <= seen_now["fatigue"]["value"] < 0.3
            rows = await everything(on, "zhao-min")
            assert {row["stream"] for row in rows} == {"ppg", "motion", "skin_temperature", "behaviour"}
            assert len({(row["stream"], row["sequence"]) for row in rows}) == len(rows)
            event = next(row for row in rows if row["stream"] == "behaviour")
            args = {
                "stream": "behaviour",
                "sequence": str(event["sequence"]),
                "now": "a radio",
                "reason": "not a phone",
            }
            assert (await on.ask("zhao-min", "correct", **args)).code == 0
            assert (await on.ask("zhao-min", "correct", **{**args, "sequence": "1"})).code == 4
            again = await everything(on, "zhao-min")
            assert event in again, "the original is kept"
            assert (await on.ask("zhao-min", "see")).data["corrections"][0]["now"] == "a radio"
            events = await on.ask("qian-hua", "events", reason="walk round")
            assert [row["kind"] for row in events.data] == ["phone", "phone", "harness_unhooked"]
            notices = (await on.ask("zhao-min", "see")).data["notices"]
            assert [(one["who"], one["what"], one["reason"]) for one in notices] == [
                ("qian-hua", "events", "walk round")
            ]
            access = (await on.ask("zhao-min", "access")).data
            assert [one["what"] for one in access] == ["consent", "consent", "corrected", "events"]
            for language, word in (("zh-CN", "看手机"), ("en", "Phone in hand")):
                html = (await on.ask("zhao-min", "report", month="2026-11", language=language)).data["html"]
                assert word in html
                assert "qian-hua" in html
            assert trail.verify(on.peopling.keeping.vault.folder) == ""

    asyncio.run(run())


def test_a_withdrawal_stops_and_erases(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            await worked(on)
            keeping = on.peopling.keeping
            withdrawn = asyncio.ensure_future(on.ask("zhao-min", "withdraw", purpose="fatigue"))
            await asyncio.sleep(0)
            assert keeping.intake.allowed("band-0142") <= {"position", "behaviour"}, "before the disk has answered"
            reply = await withdrawn
            assert reply.code == 0
            assert genuine(on.peopling._box_key().public_key(), msgspec.convert(reply.data, Certificate))
            assert keeping.intake.allowed("band-0142") == {"position", "behaviour"}
            assert await everything(on, "zhao-min") == []
            assert (await on.ask("zhao-min", "see")).data["months"], "what the other purpose counts goes on"
            assert (await on.ask("zhao-min", "withdraw", purpose="fatigue")).code == 4
            assert (await on.ask("zhao-min", "erase", "w7", reason="leaving")).code == 0
            assert keeping.intake.devices() == []
            assert (await on.ask("zhao-min", "erase", "w7", reason="leaving")).code == 4
            assert trail.verify(keeping.vault.folder) == ""

    asyncio.run(run())


@pytest.mark.parametrize("broken", ["put_dossier", "erase"])
def test_a_withdrawal_holds_although_the_disk_or_the_key_store_refuses(tmp_path: Path, broken: str) -> None:
    folder = site_folder(tmp_path / "site")

    def refuse(*_args: object) -> None:
        raise OSError("no space left")

    async def run() -> None:
        async with stage(folder) as on:
            await worked(on)
            keeping = on.peopling.keeping
            working = getattr(keeping.vault, broken)
            setattr(keeping.vault, broken, refuse)
            assert (await on.ask("zhao-min", "withdraw", purpose="fatigue")).code == 1
            await keeping.open()  # what the supervisor does after an error of the disk
            assert keeping.intake.allowed("band-0142") == {"position", "behaviour"}, "collection stopped, and stays so"
            setattr(keeping.vault, broken, working)
            await keeping._settle("w7")
            assert await everything(on, "zhao-min") == []
            assert [one["purpose"] for one in (await on.ask("zhao-min", "see")).data["consents"]] == ["safety"]

    asyncio.run(run())


def test_an_erasure_that_a_power_cut_interrupts_is_finished(tmp_path: Path) -> None:
    folder = site_folder(tmp_path / "site")

    async def run(*, cut: bool) -> list[str]:
        async with stage(folder) as on:
            keeping = on.peopling.keeping
            if cut:
                await worked(on)
                keeping.vault.erase = lambda *_args: (_ for _ in ()).throw(OSError("power is gone"))  # type: ignore[method-assign]
                assert (await on.ask("zhao-min", "withdraw", purpose="safety")).code == 1
                keeping._ended.clear()  # what is in memory does not survive
            found = sorted(keeping.intake.allowed("band-0142"))
            await keeping._settle("w7")
            return found if cut is False else []

    asyncio.run(run(cut=True))
    assert asyncio.run(run(cut=False)) == ["motion", "ppg", "skin_temperature"]


def test_counters_go_with_the_consent_that_counted(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            await worked(on)
            assert (await on.ask("zhao-min", "withdraw", purpose="safety")).code == 0
            own = (await on.ask("zhao-min", "see")).data
            assert (own["months"], own["in_a_row"]) == ({}, {})
            assert own["collected"] == ["motion", "ppg", "skin_temperature"]

    asyncio.run(run())


def test_how_long_records_live_is_no_matter_of_a_devices_clock(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            await on.consent("zhao-min", "fatigue")
            keeping, now_ms = on.peopling.keeping, on.clock.now_ms
            for off_ms in (0, -3 * HOUR_MS, 40 * 24 * HOUR_MS):
                frame = Frame(t=now_ms + off_ms, skin_temperature=33.0)
                keeping.intake.hear("band-0142", frame, frozenset(("skin_temperature",)))
            rows = await everything(on, "zhao-min")
            assert [row["utc_ms"] for row in rows] == [now_ms, now_ms - 3 * HOUR_MS, now_ms]
            (file,) = keeping.vault.tiers["raw"].files()
            assert int(file.stem) == now_ms // HOUR_MS
            assert keeping.intake.bodies["w7"].heard_ms == now_ms
            status = (await on.ask("li-na", "status")).data
            assert (status["clock_ahead"], status["late"]) == (1, 1)

    asyncio.run(run())


def test_one_device_that_floods_takes_no_room_from_the_others(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            await on.consent("zhao-min", "fatigue")
            await on.consent("u1", "fatigue")
            flood = [0.5] * 4_096
            for _ in range(300):
                on.hear("band-0142", ppg=wave(flood, 2_000.0))
            on.hear("band-1", skin_temperature=33.0)
            assert on.peopling.keeping.dropped > 0
            assert len(await everything(on, "zhao-min")) == 300 - on.peopling.keeping.dropped
            assert len(await everything(on, "u1")) == 1

    asyncio.run(run())


def test_entering_a_zone_is_an_event_once_and_only_when_it_is_certain(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            await on.consent("zhao-min", "safety")
            tick = on.peopling.keeping.intake.tick
            # outside, at the border, inside for certain, doubtful, inside again: one entry; outside and inside: the second
            for x, error_m in ((2, 0.2), (10.1, 0.2), (15, 0.2), (15, 3.0), (15, 0.2), (2, 0.2), (15, 0.2)):
                on.hear("band-0142", position=Position(x, 13.0, error_m))
                tick()
            own = (await on.ask("zhao-min", "see")).data
            assert own["months"] == {"2026-11": {"zone_entry": 2}}
            assert [row["data"]["zone"] for row in own["events"]] == ["crane_bay", "crane_bay"]

    asyncio.run(run())


def test_the_first_event_after_a_start_counts_for_rules(tmp_path: Path) -> None:
    """Rules count from the first running number that they read: that one must be none of an event."""

    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            await on.consent("zhao-min", "safety")
            for n, numbers in ((1, [0.0, 1.0]), (2, [2.0])):
                told = on.hear("band-0142", events=[seen("phone", n)])
                found = [
                    (places["number"][0], places["value"][0]) for group, places in told if group == "any/event/phone"
                ]
                assert found == [(number, float(number > 0)) for number in numbers]

    asyncio.run(run())


def test_an_event_of_this_second_is_not_read_behind_the_workers_back(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            await on.consent("zhao-min", "safety")
            on.hear("band-0142", events=[seen("phone", 1)])
            assert len((await on.ask("qian-hua", "events", reason="now")).data) == 1
            assert [one["who"] for one in (await on.ask("zhao-min", "see")).data["notices"]] == ["qian-hua"]

    asyncio.run(run())


def test_an_expired_consent_collects_nothing(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            assert on.peopling.keeping.intake.devices() == []
            await on.consent("zhao-min", "fatigue")
            assert on.peopling.keeping.intake.devices() == ["band-0142", "uwb-17"]
            on.clock.now_ms += 361 * 24 * 3_600_000
            assert on.peopling.keeping.intake.devices() == []

    asyncio.run(run())


def test_a_consent_is_to_its_text_and_not_to_the_next_one(tmp_path: Path) -> None:
    folder = site_folder(tmp_path / "site")

    async def agreed(*, again: bool) -> list[str]:
        async with stage(folder) as on:
            if again:
                await on.consent("zhao-min", "fatigue")
            on.peopling.keeping._remind()
            told = (await on.ask("zhao-min", "see")).data["notices"]
            return [*on.peopling.keeping.intake.devices(), *(one["what"] for one in told)]

    assert asyncio.run(agreed(again=True)) == ["band-0142", "uwb-17"]
    people = folder / "people.toml"
    people.write_text(
        people.read_text("utf-8").replace("最多保存 72 小时", "最多保存 48 小时").replace("72 hours", "48 hours"),
        "utf-8",
    )
    assert asyncio.run(agreed(again=False)) == ["fatigue"], "nothing is collected, and the worker is told why"
    assert asyncio.run(agreed(again=True)) == ["band-0142", "uwb-17", "fatigue"]


def test_a_consent_is_signed_and_of_the_present_text(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    folder = site_folder(tmp_path / "site")
    users = folder / "users.toml"
    mine = f'roles = ["worker"]\nkeys = ["{public_text(key.public_key())}"]'
    users.write_text(users.read_text("utf-8").replace('roles = ["worker"]', mine, 1), "utf-8")

    async def run() -> None:
        async with stage(folder) as on:
            assert (await on.ask("zhao-min", "consent", purpose="fatigue", text_sha256="00")).code == 6
            assert (await on.ask("zhao-min", "consent", purpose="pay", text_sha256="00")).code == 4
            shown = next(one for one in (await on.ask("zhao-min", "purposes")).data if one["purpose"] == "fatigue")
            now_ms = on.clock.now_ms
            plain = Consent(
                "fatigue",
                tuple(shown["streams"]),
                now_ms,
                now_ms + 12 * 30 * 86_400_000,
                shown["text_sha256"]["zh-CN"],
                "",
            )
            for worker, code in (("w1", 2), ("w7", 0)):
                signature = "ed25519:" + base64.b64encode(key.sign(signable(on.site.id, worker, plain))).decode()
                reply = await on.consent("zhao-min", "fatigue", signature=signature, given_utc_ms=str(now_ms))
                assert reply.code == code
            assert (await on.consent("zhao-min", "fatigue", signature="paper:" + "a" * 64)).code == 0
            assert (await on.consent("zhao-min", "fatigue", signature="yes")).code == 2

    asyncio.run(run())


def test_the_glass_takes_two_people_and_fifteen_minutes_and_the_worker_knows(tmp_path: Path) -> None:
    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            await worked(on)
            assert (await on.ask("sun-yi", "vitals", "w7")).code == 5
            assert (await on.ask("sun-yi", "confirm", "w7")).code == 4
            assert (await on.ask("qian-hua", "glass", "w7", reason="collapsed")).code == 5
            assert (await on.ask("sun-yi", "glass", "w7", reason="collapsed")).code == 0
            assert (await on.ask("sun-yi", "confirm", "w7")).code == 5, "the same person"
            assert (await on.ask("li-na", "confirm", "w7")).code == 5
            assert (await on.ask("sun-yi", "vitals", "w7")).code == 5
            assert (await on.ask("qian-hua", "confirm", "w7")).code == 0
            assert (await on.ask("zhou-bo", "vitals", "w7")).code == 5, "opened for another medic"
            vitals = (await on.ask("sun-yi", "vitals", "w7")).data
            assert vitals["skin_temperature"] == TEMPERATURE
            assert not any(isinstance(value, list) for value in vitals.values()), "latest values, no course"
            notices = (await on.ask("zhao-min", "see")).data["notices"]
            assert [(one["kind"], one["who"]) for one in notices] == [
                ("glass", "sun-yi + qian-hua"),
                ("read", "sun-yi"),
            ]
            on.clock.now_ms += 15 * 60_000
            assert (await on.ask("sun-yi", "vitals", "w7")).code == 5
            await on.ask("sun-yi", "glass", "w7", reason="again")
            on.clock.now_ms += 5 * 60_000
            assert (await on.ask("qian-hua", "confirm", "w7")).code == 4, "too late"

    asyncio.run(run())


@pytest.mark.parametrize(("workers", "code"), [(9, 6), (10, 0)])
def test_no_figure_of_fewer_than_ten(tmp_path: Path, workers: int, code: int) -> None:
    async def run() -> None:
        async with stage(tmp_path / "site", 11) as on:
            for number in [one for one in range(1, 12) if one != 7][:workers]:
                await on.consent(f"u{number}", "safety")
                on.hear(f"band-{number}", events=[seen("phone", 1)])
            reply = await on.ask("qian-hua", "counts", month="2026-11")
            assert reply.code == code
            if not code:
                assert reply.data == [{"month": "2026-11", "kind": "phone", "count": 10}]

    asyncio.run(run())


def test_a_lost_vault_is_told_and_collects_nothing(tmp_path: Path) -> None:
    folder = site_folder(tmp_path / "site")

    async def first() -> None:
        async with stage(folder) as on:
            await worked(on)

    async def second() -> None:
        async with stage(folder) as on:
            status = (await on.ask("li-na", "status")).data
            assert (status["vault"], status["key_store"]) == ("lost", "")
            assert on.peopling.keeping.intake.devices() == []
            assert (await on.ask("zhao-min", "see")).code == 6
            assert (await on.ask("chen-jing", "anew", reason="lost")).code == 5
            assert (await on.ask("wang-lei", "anew", reason="lost")).code == 0
            assert (await on.ask("li-na", "status")).data["vault"] == "open"
            assert (await on.consent("zhao-min", "safety")).code == 0

    asyncio.run(first())
    for key in (folder / "keys").iterdir():
        key.unlink()
    asyncio.run(second())


def test_what_was_kept_is_there_after_a_restart_and_in_a_backup(tmp_path: Path) -> None:
    folder = site_folder(tmp_path / "site")

    async def first() -> None:
        async with stage(folder) as on:
            await worked(on)
            assert (await on.ask("chen-jing", "backup", file="b.tar")).code == 0
            assert (await on.ask("chen-jing", "backup", file="../b.tar")).code == 2

    async def second() -> None:
        async with stage(folder) as on:
            on.clock.now_ms += 120_000
            assert on.peopling.keeping.intake.devices() == ["band-0142", "uwb-17"]
            rows = await everything(on, "zhao-min")
            assert rows
            for path in on.peopling.keeping.vault.tiers["raw"].files():
                path.unlink()
            assert (await on.ask("chen-jing", "restore", file="b.tar")).code == 0
            assert [row["stream"] for row in await everything(on, "zhao-min")].count("ppg") == 6

    asyncio.run(first())
    asyncio.run(second())


def test_a_certificate_in_its_last_days_freezes_the_permit_and_the_worker_is_told(tmp_path: Path) -> None:
    end = datetime(2027, 3, 31, tzinfo=UTC).timestamp() * 1000

    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            await on.consent("zhao-min", "safety")

            async def issue(**more: str) -> int:
                return (
                    await on.desk.submit(
                        "zhang-wei", "supervisor", "permit.issue", "HOT_WORK", {"place": "tank", **more}
                    )
                ).code

            assert await issue() == 6
            assert await issue(workers="w9") == 4
            assert await issue(workers="w1") == 6, "no such certificate"
            on.clock.now_ms = int(end - 7 * 86_400_000)
            assert await issue(workers="w7") == 0
            assert "workers" not in on.below.asked[-1][3], "who works there is in no journal"
            watching = asyncio.ensure_future(on.desk.watch(0.001))
            on.clock.now_ms = int(end - 6 * 86_400_000)
            assert await issue(workers="w7") == 6
            await asyncio.wait_for(on.below.revoked.wait(), 5.0)
            watching.cancel()
            on.peopling.keeping._remind()
            notices = (await on.ask("zhao-min", "see")).data["notices"]
            assert [(one["kind"], one["what"]) for one in notices] == [("certificate", "hot_work")]
            assert (await on.ask("zhao-min", "see")).data["certificates"][0]["due"], "the page says so, notice or not"

    asyncio.run(run())


def test_events_of_cameras_and_plcs_are_counted_once_and_only_under_consent(tmp_path: Path) -> None:
    table = demo_site().table
    numbers = {tag.name: tag.number for tag in table.tags}
    names = ("harness_unhooked", "harness_unhooked.event", "harness_unhooked.worker")

    def block(seen_: float, event: float, worker: float, quality: int = 0) -> Personal:
        tags = sorted(numbers[name] for name in names)
        values = dict(zip((numbers[name] for name in names), (seen_, event, worker), strict=True))
        return Personal(0, tags, [values[tag] for tag in tags], [quality] * 3, [0] * 3)

    async def run() -> None:
        async with stage(tmp_path / "site") as on:
            assert on.peopling._events == {}, "events of wearables are counted where their frames are heard"
            on.peopling._events = _event_tags(table)
            on.peopling.seen(block(1, 1, 7))
            assert on.peopling.keeping.dossier("w7").months == {}, "no consent"
            await on.consent("zhao-min", "safety")
            for given in (
                block(1, 2, 7),
                block(1, 2, 7),
                block(1, 3, 7, 1),
                block(1, 4, 99),
                block(1, 5, 7),
                block(0, 6, 7),
            ):
                on.peopling.seen(given)
            see = (await on.ask("zhao-min", "see")).data
            assert see["months"] == {"2026-11": {"harness_unhooked": 2}}
            assert see["in_a_row"] == {"harness_unhooked": 0}

    asyncio.run(run())


def test_the_last_days_of_a_certificate() -> None:
    roster = Roster(
        {"a": Worker("a", "a", 1, certificates=(Paper("x", date(2026, 3, 10), "P"), Paper("x", date(2026, 3, 1), "P")))}
    )
    assert hindering(roster, "P", ["a"], date(2026, 3, 3)) == []
    assert hindering(roster, "P", ["a"], date(2026, 3, 4)) == [("a", "x", date(2026, 3, 10))]
    assert hindering(roster, "Q", ["a"], date(2027, 1, 1)) == []


def test_the_example_is_read(tmp_path: Path) -> None:
    site = load(site_folder(tmp_path / "site"))
    assert site.people is not None
    assert site.people.workers["w7"].certificates[0].permit == "HOT_WORK"
