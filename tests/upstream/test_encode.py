"""The encoder: a closed set of types, nothing of run time but what a field allows, schemas that say what is sent."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.effects import Record
from gateway.core.samples import Columns, Command, Few, Personal
from gateway.core.summary import (
    Active,
    ActiveAlarm,
    AlarmSummary,
    Audit,
    Chatter,
    Flood,
    Gap,
    Health,
    Period,
    Schema,
    Status,
)
from gateway.upstream import schemas
from gateway.upstream.encode import LEAVING, Encoder, Names, Numbers, lane_of, level
from gateway.upstream.outbox import Outbox
from gateway.upstream.payloads import PUBLISHED, AlarmPayload
from tests.upstream.canaries import Campaign

TEXTS = {"PKL_LSLL": {"zh-CN": "酸洗槽液位低低,已请求停泵", "en": "Pickling tank level low-low, pump stop requested"}}
ENCODER = Encoder(Names("wuhan-2", "gw-kiln-07", 0x7F3A), TEXTS, lambda: "ptp")
FOLDER = Path(__file__).parents[2] / "config" / "schemas"


def alarm(**more: Any) -> AlarmSummary:
    fields: dict[str, Any] = {
        "utc_ms": 1795421647412, "id": (0x7F3A, 184223), "occurrence": (0x7F3A, 305), "alarm": "PKL_LSLL",
        "area": "pickling", "event": "raise", "state": "UNACK", "priority": 1, "category": "interlock", "action": "trip",
        "source": "tank1.level", "value": 27.4, "unit": "cm", "limit": 30.0, "first_out": True, "delay_ms": 312,
        "rule": "9c1e44aa",
    }  # fmt: skip
    return AlarmSummary(**{**fields, **more})


def test_the_example_of_the_specification() -> None:
    message = ENCODER.queued(alarm(), (0, 0), Numbers(184223, 5312, late=False))
    assert message.topic == "gatehouse/v1/wuhan-2/gw-kiln-07/alarm/p1/pickling/pkl_lsll"
    assert message.payload.decode() == (
        '{"v":1,"id":"gw-kiln-07:7f3a:184223","seq":184223,"lane_seq":5312,"boot":"7f3a","occ":"7f3a-305",'
        '"ts":"2026-11-23T08:14:07.412Z","ts_ms":1795421647412,"time_q":"ptp","site":"wuhan-2","area":"pickling",'
        '"gw":"gw-kiln-07","alarm":"PKL_LSLL","ev":"raise","state":"UNACK","prio":1,"sev":"CRITICAL","cat":"interlock",'
        '"act":"trip","src":"tank1.level","val":27.4,"unit":"cm","lim":30.0,"q":"good","first_out":true,"shadow":false,'
        '"late":false,"n":1,"dt_ms":312,"txt":{"zh-CN":"酸洗槽液位低低,已请求停泵",'
        '"en":"Pickling tank level low-low, pump stop requested"},"rule":"9c1e44aa"}'
    )


def test_what_is_absent_is_omitted_and_never_null() -> None:
    bare = alarm(value=float("nan"), limit=None, unit="", source="", action="", rule="", alarm="OTHER")
    fields = json.loads(ENCODER.queued(bare, (0, 0), None).payload)
    assert not {"val", "lim", "unit", "src", "act", "rule", "txt", "seq", "lane_seq"} & set(fields)
    assert fields["durable"] is False
    assert None not in fields.values()


def test_records_beside_alarms_have_a_lane_and_topics() -> None:
    numbers = Numbers(9, 3, late=True)
    root = "gatehouse/v1/wuhan-2/gw-kiln-07"
    for thing, topic in (
        (Gap(utc_ms=1, lane=4, first=2, last=8, reason="expired"), "gap"),
        (Audit(utc_ms=1, verb="interlock.reset", target="PKL", role="supervisor"), "audit"),
        (Flood(utc_ms=1, area="Halle 3", active=True, count=12), "flood/halle-20-3"),
        (Chatter(utc_ms=1, alarm="PKL_LSLL", area="pickling", priority=3, count=4), "chatter/pickling/pkl_lsll"),
    ):
        message = ENCODER.queued(thing, (0x7F3A, 7), numbers)
        assert lane_of(thing) == 5
        assert message.topic == f"{root}/{topic}"
        assert json.loads(message.payload)["id"] == "gw-kiln-07:7f3a:7"
        msgspec.json.decode(message.payload, type=PUBLISHED[message.kind], strict=True)


def test_state_is_encoded_as_published() -> None:
    one = ActiveAlarm(utc_ms=1, alarm="A", area="x", state="UNACK", priority=2, occurrence=(1, 2))
    for thing in (
        Status(utc_ms=1, online=True, version="1", boot=255, last_seq=4, state="NORMAL", schemas=("a",)),
        Active(utc_ms=1, alarms=(one,), more=3),
        Period(
            utc_ms=1, from_ms=0, produced=1, by_priority={"1": 1}, by_state={}, by_area={}, top=(("A", 1),),
            first_seq=1, last_seq=2,
        ),
        Health(
            utc_ms=1, sources_good=1, sources_bad=("plc",), step_p99_us=1, lag_max_ms=1, disk_free_bytes=1, queued=0,
            lost=0, bypasses=0, time_quality="ntp", state="NORMAL",
        ),
        Schema(utc_ms=1, schemas=schemas.published(), dictionary=TEXTS),
    ):  # fmt: skip
        message = ENCODER.state(thing)
        msgspec.json.decode(message.payload, type=PUBLISHED[message.kind], strict=True)
    msgspec.json.decode(ENCODER.will().payload, type=PUBLISHED["status"], strict=True)
    assert json.loads(ENCODER.will().payload) == {"v": 1, "online": False, "boot": "7f3a"}


@pytest.mark.parametrize(
    "thing",
    [
        Few(0, [1], [61.0], [0], [0]),
        Personal(0, [1], [61.0], [0], [0]),
        Command(1, "li", "operator", "alarm.ack"),
        Record((1, 1), 1, 1, "alarm.raise", "x"),
        b"image",
        "free text",
        {"alarm": "x"},
        None,
    ],
)
def test_every_other_type_is_refused(thing: Any, tmp_path: Path) -> None:
    with pytest.raises(TypeError):
        ENCODER.queued(thing, (1, 1), Numbers(1, 1, late=False))
    with pytest.raises(TypeError):
        ENCODER.state(thing)
    with pytest.raises(TypeError):
        Outbox(tmp_path / "x.db", ENCODER).handed(thing)


def test_a_subclass_cannot_smuggle_a_field() -> None:
    class More(AlarmSummary, frozen=True, kw_only=True):
        note: str

    with pytest.raises(TypeError):
        ENCODER.queued(More(**msgspec.structs.asdict(alarm()), note="free text"), (1, 1), Numbers(1, 1, late=False))
    assert Columns not in schemas.PUBLISHED.values()


def test_nothing_but_what_may_leave_is_encoded() -> None:
    """30,000 things with canaries in and around them; a million: `python -m tests.upstream.campaign_canaries`."""
    found = Campaign(seed=7).run(30_000)
    assert (found.accepted, found.leaked, found.unexplained) == (0, 0, 0), found.wrong
    assert len(found.encoded) == len(LEAVING)
    assert min(found.encoded.values()) > 1000
    assert len(found.refused) > 120, "every field of every type, and every other type"


@pytest.mark.parametrize("stowaway", [Personal(0, [1], [61.0], [0], [0]), b"image", {"person": "li"}, 61.0])
def test_a_field_of_text_carries_nothing_else(stowaway: Any) -> None:
    with pytest.raises(TypeError, match="a field of AlarmSummary holds what may not leave") as refusal:
        ENCODER.queued(alarm(unit=stowaway), (1, 1), Numbers(1, 1, late=False))
    assert str(stowaway) not in str(refusal.value)


def test_a_key_figure_without_a_value_is_omitted() -> None:
    period = Period(
        utc_ms=1, from_ms=0, produced=1, by_priority={}, by_state={}, by_area={}, top=(), first_seq=1, last_seq=2,
        kpis={"rate": 1.5, "share": float("nan")},
    )  # fmt: skip
    assert json.loads(ENCODER.state(period).payload)["kpis"] == {"rate": 1.5}


@given(
    priority=st.integers(1, 4),
    value=st.none() | st.floats(),
    late=st.booleans(),
    quality=st.sampled_from(["good", "uncertain", "bad"]),
    canary=st.text("abcdefgh", min_size=24, max_size=32),
)
def test_planted_canaries_never_appear(priority: Any, value: Any, late: bool, quality: str, canary: str) -> None:
    """Names, reasons and run-time text sit where a careless encoder would find them; none may be in topic or bytes."""
    texts = {"PKL_LSLL": {"en": "level low"}, "SECRET": {"en": canary}}
    encoder = Encoder(Names("s", "g", 1), texts, lambda: canary)
    record = Record(
        (1, 1), 1, 1, "alarm.raise", canary, {"reason": canary}, person=canary, key=canary, keep=canary.encode()
    )
    sent = [encoder.queued(alarm(priority=priority, value=value, quality=quality), record.id, Numbers(1, 1, late))]
    sent.append(encoder.queued(Audit(utc_ms=1, verb="v", target="t", role="r"), record.id, Numbers(2, 1, late)))
    for message in sent:
        assert canary.encode() not in message.payload
        assert canary not in message.topic
        json.loads(message.payload, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))


@given(st.text())
def test_topic_levels_hold_only_what_every_broker_takes(text: str) -> None:
    assert set(level(text)) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-")
    assert level(text)


def test_published_schemas_are_what_the_types_say() -> None:
    assert {path.stem for path in FOLDER.glob("*.json")} == set(schemas.documents())
    for name, text in schemas.documents().items():
        assert (FOLDER / f"{name}.json").read_text(encoding="utf-8") == text, (
            f"python -m gateway.upstream.schemas {FOLDER}"
        )
        assert json.loads(text)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
        assert json.loads(text)["additionalProperties"] is False
    required = set(json.loads(schemas.documents()["alarm"])["required"])
    payload = json.loads(ENCODER.queued(alarm(), (1, 1), Numbers(1, 1, late=False)).payload)
    assert required <= set(payload)
    assert set(payload) <= {field.encode_name for field in msgspec.structs.fields(AlarmPayload)}
