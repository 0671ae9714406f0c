"""The PLC's Modbus server comes and goes."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.daemon.rig import Rig, until

BAD_WITHIN_S = 0.5  # the connection is reset: BAD at once, and a view later we see it
GOOD_WITHIN_S = 16.5  # the longest back-off, and a cycle on a busy machine


@dataclass(slots=True)
class Restarts:
    """What a campaign found."""

    rounds: int = 0
    bad_s: list[float] = field(default_factory=list)  # server killed -> values BAD
    good_s: list[float] = field(default_factory=list)  # server up -> values GOOD
    open_most: int = 0  # connections of the gateway open at once, seen at the server
    sessions: list[int] = field(default_factory=list)  # connections the server took in each life


def campaign(seed: Path, rounds: int) -> Restarts:
    """Kill the server and start it again `rounds` times."""
    found = Restarts()
    with Rig(seed) as rig:
        rig.start()
        until(lambda: rig.tag("tank1.level")["quality"] == "good", 10, "GOOD")
        for _ in range(rounds):
            began_s = time.monotonic()
            rig.kill_plant()
            until(lambda: rig.tag("tank1.level")["quality"] == "bad", 5, "BAD", 0.02)
            found.bad_s.append(time.monotonic() - began_s)
            assert not rig.source()["up"]
            rig.to_plant.open_max = 0
            rig.start_plant()
            began_s = time.monotonic()
            until(lambda: rig.tag("tank1.level")["quality"] == "good", GOOD_WITHIN_S, "GOOD again")
            found.good_s.append(time.monotonic() - began_s)
            assert rig.source()["up"]
            time.sleep(0.3)
            assert rig.to_plant.open == 1
            found.open_most = max(found.open_most, rig.to_plant.open_max)
            found.rounds += 1
        assert rig.states()["PKL_LSLL"] == "TRIPPED"
    return found
