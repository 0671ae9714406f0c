"""kill -9 of the daemon in an alarm storm, again and again."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from tests.daemon.rig import STATES_TRIPPED, Rig, until
from tests.daemon.storm import RULES, Storm
from tests.daemon.witnesses import Verdict, compare

NAME = "PKL_LSLL"
UP_WITHIN_S = 3.0


@dataclass(slots=True)
class Killed:
    """What a campaign found."""

    rounds: int = 0
    answers_s: list[float] = field(default_factory=list)  # exec -> the control socket answers
    tripped_s: list[float] = field(default_factory=list)  # exec -> every live function TRIPPED
    waited_s: list[float] = field(default_factory=list)  # of that, ready to run while others had the processor
    boots: list[int] = field(default_factory=list)
    first_out_lost: list[str] = field(default_factory=list)
    unbalanced: int = 0
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def up_s(self) -> list[float]:
        """Time to TRIPPED on a machine that has a processor to spare."""
        return [all_s - waited_s for all_s, waited_s in zip(self.tripped_s, self.waited_s, strict=True)]


def campaign(seed: Path, rounds: int, dice: random.Random) -> Killed:
    """Trip a function on demand, then kill `rounds` times at random moments; drain and compare."""
    found = Killed()
    with Rig(seed, rules=RULES) as rig:
        rig.start()
        rig.energise(NAME)
        rig.plant("force", name="tank1.level", value=20.0)
        first_out = rig.wait_state(NAME, "TRIPPED", within_s=8)["first_out"]
        rig.plant("force", name="tank1.level")
        boot = rig.overview()["boot"]
        until(lambda: rig.interlock(NAME)["recorded"], 3, "recorded")
        with Storm(rig, seed=dice.randrange(1 << 30)):
            for _ in range(rounds):
                time.sleep(dice.uniform(0.3, 1.5))
                rig.kill()
                _come_back(rig, found)
                found.rounds += 1
                boot += 1
                assert found.boots[-1] == boot, "the boot counter goes up by one"
                if (now := rig.interlock(NAME)["first_out"]) != first_out:
                    found.first_out_lost.append(f"boot {boot}: {now} for {first_out}")
                rig.balanced()
        rig.drained()
        time.sleep(0.3)
        found.verdict = compare(rig)
        assert rig.stop()[0] == 0
    return found


def _come_back(rig: Rig, found: Killed) -> None:
    began_s = time.monotonic()
    found.answers_s.append(rig.start())

    def tripped() -> bool:
        states = rig.states()
        return bool(states) and all(state in STATES_TRIPPED for state in states.values())

    until(tripped, 10, f"up and TRIPPED: {rig.states()}", 0.02)
    found.tripped_s.append(time.monotonic() - began_s)
    found.waited_s.append(rig.waited_s())
    found.boots.append(rig.overview()["boot"])
