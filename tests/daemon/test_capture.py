"""No raw sample leaves the demo: neither in a payload at the broker nor in the clear on the wire."""

from __future__ import annotations

import asyncio
import csv
import getpass
import json
import time
from pathlib import Path
from typing import Any

import pytest

from gateway.demo import faults
from tests.daemon.capture import LEVEL, STILL, Ear, Sweep, examine, tls_only, wait_for
from tests.daemon.rig import ROOT, Rig, until

WORKER, SCORE, REASON = 73_190_557, 0.8328125, "zqxj-reason: Zhang San was at the valve"


def test_a_demo_run_shows_no_raw_sample_to_the_plant_network(armed_state: Path) -> None:
    with Rig(armed_state, sensors=True) as rig:
        rig.to_broker.heard = []
        ear = Ear(rig.broker.port, rig.certs)
        with Sweep(rig) as sweep:
            rig.start()
            _live(rig, ear, sweep)
            assert rig.stop()[0] == 0
        time.sleep(0.3)
        ear.close()
        secrets = [str(WORKER), str(SCORE), REASON, REASON.split(":")[0], f'"{getpass.getuser()}"']
        inputs, personal = _tags()
        seen = examine(ear.heard, sweep.given, inputs, secrets)
        assert seen.wrong == []
        assert seen.messages >= 15
        assert seen.kinds >= {"status", "alarm", "active", "summary", "health", "schema", "audit"}
        assert {tag for tag, _ in seen.values} >= {LEVEL, "gas4.h2s"}, "the values of annunciated alarms do leave"
        assert not {tag for tag, _ in seen.values} & personal
        assert any(topic.startswith("plant/voice/") for topic, _ in ear.heard)
        assert REASON in str([row.detail for row in rig.journal()]), "it was given, and stayed here"
        assert min(len(sweep.given[tag]) for tag in STILL) > 40
        _only_tls(rig)


def _live(rig: Rig, ear: Ear, sweep: Sweep) -> None:
    """Everything that ends in a message: words at a helmet, alarms with values, a person with a reason."""
    until(lambda: rig.source("people")["up"] and rig.source()["up"], 15, "wearables and PLC are heard")
    rig.plant("force", name="wind2", value=12.0)
    _sense(rig, do="set", name="fatigue.worker", value=SCORE)
    for _ in range(2):
        _sense(rig, do="event", name="harness_unhooked", seen=True, worker=WORKER, kind=2)
        time.sleep(1.2)  # the sensors publish once a second
    rig.plant("force", name="gas4.h2s", value=20.0)
    sweep.level = 45.0
    wait_for(ear.heard, "/alarm/p1/pickling/h2s_h")
    wait_for(ear.heard, "/alarm/p3/pickling/pkl_lsl")
    shelf = {"minutes": "5", "reason": REASON}
    plan = rig.call("alarm.shelve", "PKL_LSL", shelf, plan=True)
    rig.call("alarm.shelve", "PKL_LSL", shelf, token=plan["token"])
    wait_for(ear.heard, "/alarm/p2/pickling/belt_wind")
    wait_for(ear.heard, "plant/voice/helmet")
    until(
        lambda: min(len(sweep.given[tag]) for tag in STILL) > 40,
        15,
        "every input was given often enough to be looked for",
    )
    rig.drained()


def _sense(rig: Rig, **asked: Any) -> None:
    asyncio.run(faults.ask(rig.sensors_socket, **asked))


def _tags() -> tuple[tuple[str, ...], set[str]]:
    """The topics on which the demo's sensors speak to the gateway, and the names of personal tags."""
    with (ROOT / "config" / "demo" / "tags.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    topics = {row["address"].split("#")[0] for row in rows if "#" in row["address"]}
    return tuple(topics), {row["tag"] for row in rows if row["privacy"] == "personal"}


def _only_tls(rig: Rig) -> None:
    streams = rig.to_broker.heard
    assert streams, "the gateway's connections went through here"
    sums = [(tls_only(bytes(out)), tls_only(bytes(back))) for out, back in streams]
    assert sum(out[1] for out, _ in sums) > 20
    assert sum(back[1] for _, back in sums) > 20
    assert all(b"MQTT" not in out and b"gatehouse" not in out and b"tank1" not in out for out, _ in streams)


ROOT_TOPIC = "gatehouse/v1/demo/gw-demo-01"
GIVEN = {LEVEL: {45.2580680847168}, "pump7.flow": {41.03125762939453}}
ALARM = {
    "v": 1, "id": "gw-demo-01:2:9", "seq": 9, "lane_seq": 3, "boot": "2", "occ": "2-9", "ts": "2026-11-26T13:22:03.604Z",
    "ts_ms": 1795699323604, "time_q": "none", "site": "demo", "area": "pickling", "gw": "gw-demo-01", "alarm": "PKL_LSL",
    "ev": "raise", "state": "UNACK", "prio": 3, "sev": "MEDIUM", "cat": "alarm", "src": LEVEL, "val": 45.2580680847168,
    "unit": "cm", "lim": 50.0, "q": "good", "first_out": False, "shadow": False, "late": False, "n": 1, "dt_ms": 4,
}  # fmt: skip


@pytest.mark.parametrize(
    ("more", "fault"),
    [
        ({}, ""),
        ({"val": 45.25}, "tank1.level = 45.25"),
        ({"src": "pump7.flow"}, "an alarm of pump7.flow"),
        ({"txt": {"en": "level 45.2580680847168 cm"}}, "tank1.level 45.258068"),
        ({"cat": "flow 41.03125762939453"}, "pump7.flow 41.031257"),
        ({"rule": "Zhang San"}, "Zhang San"),
    ],
)
def test_what_must_not_be_there_is_found(more: dict[str, Any], fault: str) -> None:
    heard = [(f"{ROOT_TOPIC}/alarm/p3/pickling/pkl_lsl", json.dumps({**ALARM, **more}).encode())]
    wrong = examine(heard, GIVEN, (), ["Zhang San"]).wrong
    assert fault in "".join(wrong)
    assert bool(wrong) is bool(fault)


def test_a_topic_of_no_list_and_plain_text_on_the_wire_are_found() -> None:
    assert examine([("plant/pump7/flow", b"{}")], GIVEN, (), []).wrong == [
        "plant/pump7/flow is no topic of the gateway"
    ]
    assert tls_only(b"\x16\x03\x01\x00\x02ab" + b"\x17\x03\x03\x00\x01c" + b"\x17\x03") == (2, 1)
    with pytest.raises(AssertionError, match="no TLS record at byte 7"):
        tls_only(b"\x16\x03\x01\x00\x02ab" + b"0\x0cgatehouse/v1")
