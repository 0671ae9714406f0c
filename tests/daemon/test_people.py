"""The demo's rules for people in the whole daemon: words at a real broker, permits, controls, and no worker on the disk."""

from __future__ import annotations

import asyncio
import json
import ssl
import struct
import time
from pathlib import Path
from typing import Any

import aiomqtt

from gateway.demo import faults
from gateway.demo.move import SENSORS, request
from tests.daemon.rig import Rig, until

WORKER = 73_190_557
CANARIES = [str(WORKER).encode(), *(struct.pack(form, WORKER) for form in ("<d", ">d"))]


async def listen(rig: Rig, heard: list[dict[str, Any]]) -> None:
    """A helmet and a phone."""
    tls = ssl.create_default_context(cafile=str(rig.certs / "ca.pem"))
    tls.load_cert_chain(rig.certs / "receiver.pem", rig.certs / "receiver.key")
    async with aiomqtt.Client("127.0.0.1", rig.broker.port, tls_context=tls, identifier="helmet") as client:
        await client.subscribe([("plant/voice/#", 1), ("plant/notify/#", 1)])
        async for message in client.messages:
            assert isinstance(message.payload, bytes)
            heard.append({**json.loads(message.payload), "topic": str(message.topic)})


def move(rig: Rig, name: str, value: str, worker: int = 1, kind: int = 1) -> None:
    where, asked = request(name, value, worker, kind)
    asyncio.run(faults.ask(rig.sensors_socket if where == SENSORS else rig.plant_socket, **asked))


def telling(rig: Rig, name: str) -> dict[str, Any]:
    return next(row for row in rig.call("telling.list") if row["name"] == name)


def observe(rig: Rig, name: str, times: int) -> None:
    """Each observation is published before the next one."""
    for _ in range(times):
        move(rig, name, "1", WORKER, 2)
        time.sleep(1.2)  # the sensors publish once a second


def test_words_permits_and_controls_live_and_no_worker_on_the_disk(armed_state: Path) -> None:
    heard: list[dict[str, Any]] = []
    with Rig(armed_state, sensors=True) as rig:
        rig.start()
        ear = asyncio.run_coroutine_threadsafe(listen(rig, heard), rig.loop._loop)
        until(lambda: rig.source("people")["up"] and rig.source()["up"], 15, "wearables and PLC are heard")
        rig.heal_plc()
        move(rig, "wind2", "12")
        observe(rig, "harness_unhooked", 2)
        until(lambda: heard, 5, "the helmet speaks")
        assert (heard[0]["topic"], heard[0]["kind"], heard[0]["rule"]) == ("plant/voice/helmet", "speak", "BELT_WIND")
        assert heard[0]["text"] == {"en": "Hook up your harness now", "zh-CN": "请立即系好安全带"}
        assert rig.alarm("BELT_WIND")["active"]
        observe(rig, "minor_violation", 3)
        until(lambda: len(heard) == 2, 5, "the safety officer is told")
        assert (heard[1]["to"], heard[1]["level"], heard[1]["kind"]) == ("ehs", 1, "escalate")
        assert "安全员" in heard[1]["response"]["zh-CN"]
        assert (telling(rig, "MINOR_X3")["level"], telling(rig, "MINOR_X3")["active"]) == (1, None)
        rig.call("telling.answer", "MINOR_X3")
        assert telling(rig, "MINOR_X3")["level"] == 0

        assert rig.call("permit.list")[0]["allowed"] is False
        rig.call("permit.done", "gas_test")
        rig.call("permit.done", "calibration")
        until(lambda: rig.call("permit.list")[0]["allowed"], 3, "hot work is allowed")
        rig.confirmed("control.arm", "KILN_FAN")
        (fan,) = rig.call("control.list")
        assert (fan["live"], fan["position"]) == (True, "safe")
        until(lambda: rig.plant("state")["outputs"]["fan2.high"], 3, "safe is the high speed")

        shown = (
            rig.http(rig.page, "/api/v1/overview")
            + rig.http(rig.metrics, "/metrics")
            + json.dumps(rig.call("tag.list"))
        )
        assert str(WORKER) not in shown
        assert "harness_unhooked" not in shown
        ear.cancel()
        assert rig.stop()[0] == 0
        files = [path for path in rig.state.rglob("*") if path.is_file()]
        assert len(files) > 3
        assert [path.name for path in files if leaked(path)] == []
        assert rig.receiver is not None
        assert str(WORKER) not in json.dumps(rig.receiver.snapshot()[1])


def leaked(path: Path) -> bool:
    data = path.read_bytes()
    return any(canary in data for canary in CANARIES)
