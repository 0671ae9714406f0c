"""The broker silent, then killed, with alarms meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.daemon.rig import Rig, until
from tests.daemon.storm import RULES, Storm
from tests.daemon.witnesses import Verdict, compare


@dataclass(slots=True)
class Away:
    """What a campaign found."""

    silent_s: float = 0.0
    produced_meanwhile: int = 0
    queued_most: int = 0
    recovered_s: float = 0.0  # the cable is whole -> nothing queued
    restarted_s: float = 0.0  # the broker is up again -> nothing queued
    readings: int = 0
    expired: int = 0
    verdict: Verdict = field(default_factory=Verdict)


def campaign(seed: Path, silent_s: float) -> Away:
    """Cut the cable to the broker for `silent_s`, then kill the broker and start it again."""
    found = Away(silent_s=silent_s)
    with Rig(seed, rules=RULES) as rig:
        rig.start()
        until(lambda: rig.overview()["upstream"]["connected"], 10, "connected")
        before = rig.drained()["produced"]
        rig.loop.do(rig.to_broker.cut())
        with Storm(rig):
            _sample(rig, found, silent_s)
        found.produced_meanwhile = rig.balanced()["produced"] - before
        assert rig.states()["PKL_LSLL"] in ("TRIPPED", "READY"), "the line goes on"
        found.recovered_s = _timed(lambda: rig.loop.do(rig.to_broker.heal()), rig, found)
        assert compare(rig).ok, compare(rig)

        rig.loop.do(rig.broker.kill())
        with Storm(rig, seed=2):
            _sample(rig, found, 3.0)
        found.restarted_s = _timed(lambda: rig.loop.do(rig.broker.start()), rig, found)
        found.expired = rig.balanced()["expired"]
        time.sleep(0.3)
        found.verdict = compare(rig)
        assert rig.stop()[0] == 0
    return found


def _sample(rig: Rig, found: Away, seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now: dict[str, Any] = rig.balanced()
        found.readings += 1
        found.queued_most = max(found.queued_most, now["queued"])
        time.sleep(0.2)


def _timed(deed: Callable[[], object], rig: Rig, found: Away) -> float:
    deed()
    began_s = time.monotonic()
    rig.drained(60)
    took_s = time.monotonic() - began_s
    assert rig.receiver is not None
    until(lambda: not compare(rig).lost, 5, "the receiver has everything")
    found.readings += 1
    return took_s
