"""Every verb with every role, and the path of every refusal, over real sockets."""

from __future__ import annotations

import base64
import getpass
from typing import Any

import msgspec
import pytest

from gateway.control.messages import LANGUAGES, ROLES, Reply, Role, allows
from gateway.control.texts import ROLE_WORDS, TEXTS
from gateway.control.verbs import VERBS
from tests.control.fakes import GAS_HIGH
from tests.control.living import Living

ANYBODY = set(ROLES)
PLANT = {"operator", "supervisor", "engineer"}
SENIOR = {"supervisor", "engineer"}
ENGINEER = {"engineer"}

# verb -> (target, args, roles that may); written from spec/operators.md, not from the table of verbs
EXPECTED: dict[str, tuple[str, dict[str, str], set[str]]] = {
    "status.show": ("", {}, ANYBODY),
    "alarm.list": ("", {}, ANYBODY),
    "alarm.show": ("level_low", {}, ANYBODY),
    "alarm.ack": ("level_low", {"occurrence": "3-17"}, PLANT),
    "alarm.silence": ("", {}, PLANT),
    "alarm.reset": ("level_low", {"reason": "valve opened"}, PLANT),
    "alarm.shelved": ("", {}, ANYBODY),
    "alarm.stats": ("", {"place": "box", "days": "7"}, ANYBODY),
    "alarm.actors": ("", {}, ANYBODY),
    "alarm.handover": ("", {}, ANYBODY),
    "alarm.shelve": ("level_low", {"minutes": "30", "reason": "switch is cleaned"}, PLANT),
    "alarm.dispose": ("level_low", {"occurrence": "3-17", "code": "process", "action": "valve opened"}, PLANT),
    "alarm.judge": ("level_low", {"at": "1795421647412", "verdict": "false"}, SENIOR),
    "alarm.unshelve": ("level_low", {}, PLANT),
    "alarm.suppress": ("level_low", {"logic": "idle", "reason": "pump stands still"}, ENGINEER),
    "alarm.unsuppress": ("level_low", {}, PLANT),
    "alarm.oos": ("level_low", {"moc": "M-7", "measure": "patrol", "reason": "being replaced"}, SENIOR),
    "alarm.in-service": ("level_low", {}, PLANT),
    "interlock.list": ("", {}, ANYBODY),
    "interlock.show": ("dry_run", {}, ANYBODY),
    "interlock.explain": ("dry_run", {}, ANYBODY),
    "interlock.bundle": ("dry_run", {}, ANYBODY),
    "interlock.stats": ("", {}, ANYBODY),
    "group.reset": ("line1", {"reason": "all clear"}, PLANT),
    "sos.start": ("dry_run", {"reason": "pump starts after repair"}, PLANT),
    "sos.end": ("dry_run", {}, PLANT),
    "control.list": ("", {}, ANYBODY),
    "control.arm": ("fan", {"reason": "commissioned"}, SENIOR),
    "control.disarm": ("fan", {}, SENIOR),
    "control.clear": ("fan", {}, ENGINEER),
    "permit.list": ("", {}, ANYBODY),
    "permit.show": ("hot_work", {}, ANYBODY),
    "permit.slip": ("hot_work", {}, ANYBODY),
    "permit.page": ("", {}, ANYBODY),
    "permit.issue": ("hot_work", {"place": "tank 3", "reason": "weld the flange"}, SENIOR),
    "permit.revoke": ("hot_work", {}, PLANT),
    "permit.done": ("gas_test", {}, PLANT),
    # The socket opens none of these: the door of the people room asks who the person is (tests/people/test_door.py).
    "person.status": ("", {}, ANYBODY),
    "person.purposes": ("", {}, ANYBODY),
    "person.see": ("", {}, ANYBODY),
    "person.export": ("", {"from_utc_ms": "0"}, ANYBODY),
    "person.consent": ("", {"purpose": "fatigue", "text_sha256": "ab"}, ANYBODY),
    "person.withdraw": ("", {"purpose": "fatigue"}, ANYBODY),
    "person.correct": ("", {"stream": "ppg", "sequence": "1", "now": "0", "reason": "it was not me"}, ANYBODY),
    "person.erase": ("w7", {"reason": "I leave the plant"}, ANYBODY),
    "person.access": ("", {}, ANYBODY),
    "person.report": ("", {"month": "2026-11"}, ANYBODY),
    "person.events": ("", {"reason": "walk round"}, ANYBODY),
    "person.counts": ("", {"month": "2026-11"}, ANYBODY),
    "person.glass": ("w7", {"reason": "collapsed"}, ANYBODY),
    "person.confirm": ("w7", {}, ANYBODY),
    "person.vitals": ("w7", {}, ANYBODY),
    "person.backup": ("", {"file": "vault.tar"}, ANYBODY),
    "person.restore": ("", {"file": "vault.tar"}, ANYBODY),
    "person.anew": ("", {"reason": "the TPM was replaced"}, ANYBODY),
    "confirm.item": ("four_machines", {"item": "east"}, PLANT),
    "telling.list": ("", {}, ANYBODY),
    "time.status": ("", {}, ANYBODY),
    "telling.answer": ("minor", {}, PLANT),
    "proof.list": ("", {}, ANYBODY),
    "proof.start": ("dry_run", {"kind": "partial"}, SENIOR),
    "proof.finish": ("dry_run", {"result": "passed", "looked": "yes", "note": "valve seen closed"}, SENIOR),
    "interlock.shadow": ("dry_run", {}, ENGINEER),
    "interlock.trip": ("dry_run", {}, PLANT),
    "interlock.clear": ("dry_run", {}, ENGINEER),
    "interlock.arm": ("dry_run", {"reason": "commissioned"}, SENIOR),
    "interlock.disarm": ("dry_run", {"reason": "pump removed"}, SENIOR),
    "interlock.reset": ("dry_run", {"reason": "tank filled"}, SENIOR),
    "camera.list": ("", {}, ANYBODY),
    "camera.zones": ("gate3", {}, ANYBODY),
    "camera.clips": ("", {"camera": "gate3"}, ANYBODY),
    "camera.picture": ("gate3", {"zones": "yes"}, PLANT),
    "bypass.list": ("", {}, ANYBODY),
    "bypass.set": (
        "gas_high",
        {"tag": "gas3.lel", "code": "failed", "reason": "transmitter failed", "measure": "portable", "minutes": "60"},
        SENIOR,
    ),
    "bypass.clear": ("gas_high", {"tag": "gas3.lel"}, PLANT),
    "tag.list": ("", {}, ANYBODY),
    "tag.show": ("tank1.level", {}, ANYBODY),
    "tag.trend": ("tank1.level", {}, ANYBODY),
    "source.list": ("", {}, ANYBODY),
    "source.show": ("plc1", {}, ANYBODY),
    "source.watchdog": ("plc1", {"state": "begin"}, SENIOR),
    "leak.list": ("", {}, ANYBODY),
    "leak.spectrum": ("flange7", {}, ANYBODY),
    "record.status": ("", {}, ANYBODY),
    "upstream.status": ("", {}, ANYBODY),
    "warn.list": ("", {}, ANYBODY),
    "warn.show": ("reactor", {}, ANYBODY),
    "update.show": ("", {}, ANYBODY),
    "update.confirm": ("gw-test-01", {"reason": "line stopped"}, SENIOR),
    "version.show": ("", {}, ANYBODY),
    "doctor.show": ("", {}, ANYBODY),
}
DANGEROUS = {"update.confirm", "alarm.reset", "interlock.arm", "interlock.disarm", "interlock.reset", "bypass.set"}
DANGEROUS |= {"group.reset", "sos.start", "control.arm", "permit.issue", "person.erase"}
DANGEROUS |= {"alarm.shelve", "alarm.suppress", "alarm.oos"}


def test_every_verb_is_expected_and_every_dangerous_one_is_marked() -> None:
    assert set(VERBS) == set(EXPECTED)
    assert {name for name, verb in VERBS.items() if verb.dangerous} == DANGEROUS


@pytest.mark.parametrize("verb", sorted(EXPECTED))
def test_each_role_gets_what_is_its_own(alive: Living, verb: str) -> None:
    target, args, may = EXPECTED[verb]
    acts = VERBS[verb].read is None
    for role in ROLES:
        alive.clerk.given.clear()
        request: dict[str, Any] = {"args": args, "role": role}
        if verb in DANGEROUS and role in may:
            request["token"] = alive.call(verb, target, plan=True, **request)["data"]["token"]
        reply = alive.call(verb, target, **request)
        assert reply["code"] == (0 if role in may else 5), (role, reply)
        handed = [(getpass.getuser(), role, verb, target, args)] if acts and role in may else []
        assert alive.clerk.given == handed
        assert (reply.get("data") is not None) == (not acts and role in may)


def test_a_picture_comes_at_the_second_question_and_clips_are_those_of_the_camera(alive: Living) -> None:
    number = alive.call("camera.picture", "gate3")["data"]["number"]
    reply = alive.call("camera.picture", "gate3", args={"number": str(number)})
    assert base64.b64decode(reply["data"]["jpeg"]) == b"jpeg"
    assert len(alive.call("camera.clips")["data"]) == 1
    assert alive.call("camera.clips", args={"camera": "gate4"})["data"] == []


def test_the_interlock_itself_says_who_may_reset_it(alive: Living) -> None:
    args = {"reason": "gas measured, none"}
    assert alive.call("interlock.reset", "gas_high", role="supervisor", args=args, plan=True)["code"] == 5
    assert alive.call("interlock.reset", "gas_high", role="engineer", args=args, plan=True)["code"] == 0
    alive.plant.functions[1] = msgspec.structs.replace(GAS_HIGH, reset_role="operator")
    assert alive.call("interlock.reset", "gas_high", role="operator", args=args, plan=True)["code"] == 0


@pytest.mark.parametrize(
    ("verb", "target", "args", "code"),
    [
        ("frob.nicate", "", {}, 2),
        ("alarm.show", "", {}, 2),
        ("status.show", "x", {}, 2),
        ("alarm.show", "nope", {}, 4),
        ("camera.zones", "nope", {}, 4),
        ("camera.picture", "away", {}, 8),
        ("camera.picture", "gate3", {"number": "-1"}, 2),
        ("alarm.stats", "", {"place": "area:nowhere"}, 4),
        ("alarm.stats", "", {"days": "32"}, 2),
        ("alarm.ack", "nope", {"occurrence": "3-17"}, 4),
        ("alarm.ack", "level_low", {}, 2),
        ("alarm.ack", "level_low", {"occurrence": "3-17", "person": "zhang"}, 2),
        ("alarm.list", "", {"active": "perhaps"}, 2),
        ("interlock.show", "nope", {}, 4),
        ("interlock.explain", "nope", {}, 4),
        ("interlock.arm", "dry_run", {}, 2),
        ("interlock.arm", "dry_run", {"reason": "   "}, 2),
        ("interlock.arm", "dry_run", {"reason": "x" * 1001}, 2),
        ("interlock.arm", "nope", {"reason": "commissioned"}, 4),
        ("tag.show", "tank1.lev", {}, 4),
        ("tag.trend", "nope", {}, 4),
        ("tag.trend", "tank1.level", {"points": "2001"}, 2),
        ("source.show", "nope", {}, 4),
        ("source.watchdog", "plc1", {"state": "maybe"}, 2),
        ("bypass.clear", "dry_run", {"tag": "tank1.level"}, 4),
    ],
)
def test_a_wrong_request_is_refused_and_reaches_no_desk(
    alive: Living, verb: str, target: str, args: dict[str, str], code: int
) -> None:
    for language in LANGUAGES:
        reply = alive.call(verb, target, role="engineer", args=args, language=language)
        assert reply["code"] == code
        assert reply["message"]
    assert alive.clerk.given == []


GOOD_BYPASS = {
    "tag": "gas3.lel",
    "code": "failed",
    "reason": "transmitter failed",
    "measure": "portable",
    "minutes": "60",
}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"minutes": "0"}, 2),
        ({"minutes": "721"}, 2),
        ({"minutes": "1e2"}, 2),
        ({"minutes": "-5"}, 2),
        ({"minutes": "٣"}, 2),
        ({"reason": "too short"}, 2),
        ({"measure": ""}, 2),
        ({"tag": "tank1.level"}, 4),
        ({"minutes": "720"}, 0),
    ],
)
def test_a_bypass_has_the_terms_of_i19(alive: Living, change: dict[str, str], code: int) -> None:
    reply = alive.call("bypass.set", "gas_high", role="supervisor", args=GOOD_BYPASS | change, plan=True)
    assert reply["code"] == code


def test_roles_are_ordered_and_a_maintainer_stands_aside() -> None:
    order: tuple[Role, ...] = ("operator", "supervisor", "engineer")
    for has in order:
        for needed in order:
            assert allows(has, needed) == (order.index(has) >= order.index(needed))
        assert not allows(has, "maintainer")
        assert not allows("maintainer", has)
    assert all(allows(role, None) for role in ROLES)


def test_the_answer_of_the_desk_comes_in_the_asked_language(alive: Living) -> None:
    alive.clerk.reply = Reply(6, texts={"en": "not ready", "zh-CN": "尚未就绪"})
    assert alive.call("interlock.trip", "dry_run", language="zh-CN") == {
        "code": 6,
        "message": "尚未就绪",
        "data": None,
        "texts": {},
        "more": False,
    }
    assert alive.call("interlock.trip", "dry_run", language="tlh")["message"] == "not ready"


def test_texts_exist_in_both_languages_with_the_same_places() -> None:
    for key, texts in {**TEXTS, **ROLE_WORDS}.items():
        assert set(texts) == set(LANGUAGES), key
        places = [sorted(part.split("}")[0] for part in text.split("{")[1:]) for text in texts.values()]
        assert places[0] == places[1] or key == "token.needed", key
    for verb in VERBS.values():
        assert not verb.dangerous or set(verb.effect) == set(LANGUAGES)


def test_a_permit_that_is_not_out_has_no_slip_and_a_box_without_its_key_says_so(alive: Living) -> None:
    assert alive.call("permit.slip", "hot_work")["data"]["text"] == "GHP1.3-9"
    refused = alive.call("permit.slip", "confined_space")
    assert (refused["code"], "not issued" in refused["message"]) == (6, True)
    assert alive.call("permit.slip", "nope")["code"] == 4
    assert alive.call("permit.page", "", args={"others": "ed25519:x"})["data"]["html"] == "<html>ed25519:x"
