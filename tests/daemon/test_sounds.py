"""A horn on a real PLC's coil: it sounds, is silenced without a login, escalates, and is an alarm when it does not follow."""

from __future__ import annotations

import contextlib
import json
import socket
import urllib.request
from typing import Any

from tests.daemon.rig import Refused, Rig, until

SOUNDS = """
[alarms]
escalate_s = 4

[sound.horn]
output = "horn1.on"
priorities = [1]

[sound.beacon]
output = "beacon1.on"
escalation = true
silenced = false

[[route]]
areas = ["trial"]
shifts = ["always"]
sounds = ["horn"]

[[route]]
sounds = []

[shift.always]
from = "00:00"
to = "00:00"
"""
RULES = """alarm T_LOW "试验液位低 | Trial level low"
  when tank2.level < 20 cm hyst 6 cm
  then alarm
  priority P1
  area trial
end

alarm T_HOT "试验温度高 | Trial temperature high"
  when tank2.temperature > 110 degC hyst 2 degC
  then alarm
  priority P1
  area trial
end
"""


def outputs(rig: Rig) -> tuple[bool, bool]:
    now = rig.plant("state")["outputs"]
    return bool(now["horn1.on"]), bool(now["beacon1.on"])


def silence(rig: Rig) -> int:
    """At the screen of the box, by nobody who has signed in: the proof of the kiosk, a nonce, the verb."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as link:
        link.connect(str(rig.state / "control" / "kiosk.sock"))
        token = link.makefile("rb").readline().decode().strip()
    url = f"http://127.0.0.1:{rig.page}"
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def ask(path: str, body: dict[str, str] | None = None, **headers: str) -> dict[str, Any]:
        data = None if body is None else json.dumps(body).encode()
        asked = urllib.request.Request(f"{url}/api/v1/{path}", data, {"Origin": url, **headers})
        if data is not None:
            asked.add_header("Content-Type", "application/json")
        with browser.open(asked, timeout=5) as reply:
            found: dict[str, Any] = json.loads(reply.read())
        return found

    ask("kiosk", {"token": token})
    ask("session")
    nonce = ask("nonce")["nonce"]
    code: int = ask("act", {"verb": "alarm.silence"}, **{"X-Gatehouse-Nonce": nonce})["code"]
    return code


def test_a_horn_on_a_real_coil() -> None:
    with Rig(rules=RULES) as rig:
        site = rig.site / "site.toml"
        site.write_text(site.read_text(encoding="utf-8") + SOUNDS, encoding="utf-8")
        rig.start()
        until(lambda: rig.source()["up"], 10, "the PLC is connected")
        rig.heal_plc()
        until(lambda: acknowledged(rig) and outputs(rig) == (False, False), 8, "both are quiet")
        assert rig.overview()["shift"] == "always"
        rig.plant("set", name="tank2.level", value=10.0)
        until(lambda: outputs(rig)[0], 8, "the horn sounds")
        assert rig.overview()["sounding"] == ["horn"]
        assert silence(rig) == 0
        until(lambda: not outputs(rig)[0], 5, "the horn is silent")
        assert rig.alarm("T_LOW")["state"] == "UNACK", "silenced is not acknowledged"
        until(lambda: outputs(rig)[1], 8, "nobody acknowledged: the second line")
        until(lambda: "escalate" in events(rig), 8, "and the plant network")
        rig.plant("set", name="tank2.temperature", value=115.0)
        until(lambda: outputs(rig)[0], 8, "the next alarm sounds again")
        rig.plant("fault", ignore=["coil:23"])
        until(lambda: acknowledged(rig), 8, "every alarm is acknowledged")
        until(lambda: rig.alarm("SOUND_HORN_FAILED")["active"], 15, "a coil that does not follow is an alarm")
        until(lambda: acknowledged(rig) and not outputs(rig)[1], 8, "the beacon is out")
        rig.plant("fault", ignore=[])
        until(lambda: not rig.alarm("SOUND_HORN_FAILED")["active"], 10, "and follows again")
        until(lambda: acknowledged(rig) and outputs(rig) == (False, False), 8, "all is quiet")
        assert rig.stop()[0] == 0


def acknowledged(rig: Rig) -> bool:
    """Acknowledge what waits for it; true once no P1 does."""
    waiting = [row for row in rig.call("alarm.list") if row["priority"] == 1 and "UNACK" in row["state"]]
    for row in waiting:
        with contextlib.suppress(Refused):  # another occurrence has come meanwhile
            rig.call("alarm.ack", row["name"], {"occurrence": row["occurrence"]})
    return not waiting


def events(rig: Rig) -> set[str]:
    assert rig.receiver is not None
    return {each["ev"] for each in rig.receiver.snapshot()[1].values() if each["alarm"] == "T_LOW"}
