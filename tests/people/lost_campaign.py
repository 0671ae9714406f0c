"""A vault without its key under a running plant: `python -m tests.people.lost_campaign`. Results: docs/results/people.md.

The whole daemon on the demo site with people. Stopped, every key deleted, started again: the vault is lost and says so, nothing
of people is collected, and the interlock is armed, trips on its level and is reset as if there were no people.
"""

from __future__ import annotations

import json
import shutil
import sys

from tests.daemon.rig import Rig, until
from tests.people.canary_campaign import DEVICE, extend, publisher


def campaign() -> dict[str, object]:
    """What was seen."""
    with Rig(sensors=False) as rig:
        extend(rig)
        rig.start()
        purposes = until(lambda: rig.call("person.purposes"), 10, "the vault is open")
        consent = {"purpose": "all", "text_sha256": purposes[0]["text_sha256"]["en"]}
        until(lambda: rig.call("person.consent", "", consent) is None, 10, "consent is kept")
        rig.stop(20)
        shutil.rmtree(rig.site / "keys")
        seconds = rig.start()
        status = until(lambda: _known(rig), 20, "the vault has said how it is")
        rig.arm("PKL_LSLL")
        rig.energise("PKL_LSLL", within_s=60)
        armed = rig.interlock("PKL_LSLL")["state"]
        band = publisher(rig)
        band.publish(f"wearable/{DEVICE}", json.dumps({"t": 1, "skin_temperature": 33.0}), 1).wait_for_publish(5)
        rig.plant("force", name="tank1.level", value=20.0)
        until(lambda: rig.interlock("PKL_LSLL")["state"] == "TRIPPED", 15, "the interlock trips")
        alarm = until(lambda: rig.alarm("PKL_LSLL")["state"] != "NORMAL", 10, "its alarm is raised")
        band.loop_stop()
        return {
            "vault": status["vault"], "why": status["why"], "seconds to the control socket": round(seconds, 1),
            "interlock after arm": armed, "trips": True, "alarm": alarm, "trips counted": rig.interlock("PKL_LSLL")["trips"],
        }  # fmt: skip


def _known(rig: Rig) -> dict[str, str] | None:
    found: dict[str, str] = rig.call("person.status")
    return found if found["vault"] in ("lost", "open") else None


def main() -> int:
    for name, value in campaign().items():
        print(f"{name}: {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
