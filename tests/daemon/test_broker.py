"""The broker goes silent without a word, and is killed: nothing is lost, and the equation holds at every reading."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.daemon.away import campaign
from tests.daemon.rig import Rig, until
from tests.daemon.witnesses import compare

SILENT_S = 40.0 if os.environ.get("GATEHOUSE_LONG") == "1" else 12.0


def test_a_silent_and_a_killed_broker_lose_nothing(armed_state: Path) -> None:
    found = campaign(armed_state, SILENT_S)
    assert found.verdict.ok, found.verdict
    assert found.expired == 0
    assert found.produced_meanwhile >= 100
    assert found.queued_most >= 100
    assert found.readings >= 40
    assert found.verdict.received >= found.verdict.announced >= 150


def test_a_broker_that_refuses_our_alarms_is_told_and_loses_none(armed_state: Path) -> None:
    everything = "topic readwrite #\n"
    states = "".join(f"topic write gatehouse/v1/+/+/{name}\n" for name in ("status", "active", "health", "schema"))
    head = f"user receiver\n{everything}user gateway\ntopic read plant/#\n"
    with Rig(armed_state, acl=head + states) as rig:
        rig.start()
        until(lambda: rig.overview()["upstream"]["connected"], 10, "connected")
        rig.plant("force", name="gas4.h2s", value=20.0)
        until(lambda: rig.overview()["upstream"]["refused"], 10, "the refusal is seen")
        upstream = rig.balanced()
        assert upstream["queued"] >= 1
        assert upstream["proof"] == "broker"
        assert upstream["error"], "people are told why"
        assert rig.receiver is not None
        assert rig.receiver.snapshot()[1] == {}

        (rig.broker.directory / "acl").write_text(head + everything)
        assert rig.broker.process is not None
        rig.broker.process.send_signal(signal.SIGHUP)
        rig.drained(60)
        until(lambda: compare(rig).ok, 3, "everything is there, once the broker allows it")
        assert rig.overview()["upstream"]["error"] == ""
        assert rig.stop()[0] == 0
