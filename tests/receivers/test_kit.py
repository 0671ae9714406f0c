"""The receiver kit, run: the code of the Node-RED flow and the ThingsBoard converter in node, on messages of the encoder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gateway.core.summary import Gap
from gateway.upstream.encode import Encoder, Message, Names, Numbers
from tests.upstream.test_encode import TEXTS, alarm

KIT = Path(__file__).parents[2] / "config" / "receivers"
ENCODER = Encoder(Names("wuhan-2", "gw-kiln-07", 1), TEXTS)
ROOT = ENCODER.names.root


@pytest.fixture
def node() -> str:
    found = shutil.which("node")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("node is not installed")
        pytest.skip("node is not installed")
    return found


def run(node: str, script: str, given: Any) -> Any:
    done = subprocess.run(
        [node, "-e", script], input=json.dumps(given), capture_output=True, text=True, timeout=30, check=True
    )
    return json.loads(done.stdout)


def sent(seq: int, priority: int = 3) -> Message:
    summary = alarm(id=(1, seq), occurrence=(1, seq), priority=priority)
    return ENCODER.queued(summary, (1, seq), Numbers(seq, seq, late=False))


def test_the_node_red_flow_checks_as_the_manual_says(node: str) -> None:
    """As Node-RED does: the function's text with `msg` and `context`, one message after the other."""
    flow = json.loads((KIT / "node-red" / "flow.json").read_text(encoding="utf-8"))
    (check,) = [part for part in flow if part["type"] == "function"]
    known = {part["id"] for part in flow}
    assert all(wire in known for part in flow for wires in part.get("wires", []) for wire in wires)
    script = f"""
        const store = {{}}, context = {{ get: (k) => store[k], set: (k, v) => {{ store[k] = v; }} }};
        const check = new Function("msg", "context", {json.dumps(check["func"])});
        const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
        console.log(JSON.stringify(given.map(([topic, payload]) => check({{ topic, payload }}, context))));
    """
    gap = ENCODER.queued(
        Gap(utc_ms=1, lane=3, first=4, last=5, reason="expired"), "gw:gap-3:4-5", Numbers(9, 1, late=False)
    )
    state = [("status", {"online": True}), ("health", {"queued": 0}), ("status", {"online": False})]
    online, calm, offline = [(f"{ROOT}/{kind}", fields) for kind, fields in state]
    records = [(m.topic, json.loads(m.payload)) for m in (sent(1), sent(3), sent(3), sent(6), gap, sent(8))]
    answers = run(node, script, [online, *records[:5], calm, records[5], calm, offline, offline])
    alarms = [answer[0]["payload"]["lane_seq"] for answer in answers if answer and answer[0]]
    problems = [item["payload"] for answer in answers if answer for item in answer[1]]
    assert alarms == [1, 3, 6, 8], "a repeat is dropped"
    assert [(p["what"], p.get("numbers")) for p in problems] == [("hole", [2]), ("hole", [7]), ("lost", None)]


def test_the_thingsboard_converter_makes_devices(node: str) -> None:
    script = """
        const { convert } = require(process.env.CONVERTER);
        const given = JSON.parse(require("fs").readFileSync(0, "utf8"));
        console.log(JSON.stringify(given.map(([topic, text]) => convert(Buffer.from(text, "utf8"), { topic }))));
    """.replace("process.env.CONVERTER", json.dumps(str(KIT / "thingsboard" / "converter.js")))
    message = sent(7, 1)
    will = ENCODER.will()
    pairs = [(message.topic, message.payload.decode()), (will.topic, will.payload.decode()), (f"{ROOT}/schema", "{}")]
    (device,), (lost,), nothing = run(node, script, pairs)
    assert (device["deviceName"], device["attributes"]["site"]) == ("gw-kiln-07", "wuhan-2")
    values = device["telemetry"][0]["values"]
    assert (values["alarm"], values["priority"], values["id"]) == ("PKL_LSLL", 1, message.id)
    assert values["text"] == TEXTS["PKL_LSLL"]["zh-CN"]
    assert lost["attributes"]["online"] is False
    assert nothing == []


def test_every_field_that_the_kit_names_exists() -> None:
    """A field renamed in the payload breaks a rule silently; here it breaks the build."""
    from gateway.upstream.payloads import PUBLISHED

    fields = {name for kind in PUBLISHED.values() for name in kind.__struct_encode_fields__}
    sql = (KIT / "emqx" / "rules.sql").read_text(encoding="utf-8")
    named = set(re.findall(r"payload\.([a-z_]+)", sql))
    named |= set(re.findall(r"message\.([a-z_]+)", (KIT / "thingsboard" / "converter.js").read_text(encoding="utf-8")))
    assert named - {"length"} <= fields


def test_every_part_has_a_manual_in_both_languages() -> None:
    for folder in ("node-red", "thingsboard", "emqx", "telegraf", "ignition"):
        text = (KIT / folder / "README.md").read_text(encoding="utf-8")
        assert "**en**" in text
        assert "**中文**" in text
