"""A leak that a living gateway hears while its camera is dead, and an early-warning group learned for the same place."""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from gateway import app
from inference.leak import baseline as baselines
from inference.leak.bands import FrontEnd
from inference.leak.layout import REFERENCE_PA, Floats
from inference.leaksim.scenario import draw
from inference.leaksim.sound import samples
from tests.daemon.rig import Rig, until
from tests.inference.test_leak_sensors import wav

RATE, ONSET, SECONDS = 96_000, 4, 24
FULL_PA = REFERENCE_PA * 10.0 ** (120.0 / 20.0) * 2.0**0.5
SITE = f"""
[gateway]
site = "s"
id = "gw-1"
area = "tanks"
timezone = "UTC"

[source.f7]
driver = "leak"
provider = "cpu"
sound = "file:FOLDER/f7.wav"
rate_hz = {RATE}
picture = "file:FOLDER/nothing-here.npy"
"""
TAGS = """tag,source,address,type,unit,low,high,stale_ms
f7.leak,f7,alarm,bool,,,,5000
f7.degraded,f7,degraded,bool,,,,5000
f7.level,f7,level_db,,dB,-20,160,5000
f7.over,f7,over_floor_db,,dB,-100,160,5000
"""
RULES = """alarm F7_LEAK "法兰泄漏 | Flange leaks"
  when f7.leak = 1
  then alarm
  priority P1
end

alarm F7_ODD "法兰声音异常 | Flange sounds unlike itself"
  when warning(f7)
  then alarm
  priority P3
end
"""


class Alone(Rig):
    """A gateway with a site of its own and nothing around it."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="gh-"))
        self.log, self.site = self.folder / "gateway.log", self.folder / "site"
        self.state = self.site / "state"
        self.gateway = None

    def _enter(self) -> None:
        (self.site / "rules").mkdir(parents=True)
        for name, text in (("site.toml", SITE.replace("FOLDER", str(self.folder))), ("tags.csv", TAGS)):
            (self.site / name).write_text(text, "utf-8")

    def close(self) -> None:
        """End the gateway and remove the folder."""
        if self.gateway is not None and self.gateway.poll() is None:
            self.gateway.kill()
            self.gateway.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def leaking() -> Floats:
    """Pascals of a simulated place in which a leak of 30 g/s begins at 5 m."""
    place = replace(draw("test", 11, leak=True, metres=5.0, kg_s=0.03), rate_hz=RATE, neighbours=())
    return np.concatenate([samples(place, at, SECONDS, float(ONSET)) for at in range(SECONDS)])


def accepted(sound: Floats) -> baselines.Baseline:
    """What the place sounds like before its leak, as somebody accepted it."""
    front, learner = FrontEnd(RATE), baselines.Learner("f7")
    for second in np.split(sound[: (ONSET - 1) * RATE], ONSET - 1):
        learner.second(front.second(second), None, 0.0)
    return msgspec.structs.replace(learner.baseline(), accepted_by="li")


def clean_rows(file: Path, sound: Floats) -> Path:
    """An export of the two levels as they are without the leak, a row a second."""
    levels = FrontEnd(RATE).second(sound[:RATE])
    usual = 10.0 * np.log10(np.sum(10.0 ** (levels[44:59].mean(axis=1) / 10.0)))
    draws = np.array([usual, 0.5]) + np.random.default_rng(1).normal(0.0, 0.2, (300, 2))
    lines = [
        f"2026-05-01T00:{at // 60:02}:{at % 60:02}Z,{one:.3f},{other:.3f}" for at, (one, other) in enumerate(draws)
    ]
    file.write_text("timestamp,f7.level,f7.over\n" + "\n".join(lines) + "\n", "utf-8")
    return file


def test_a_leak_is_heard_with_a_dead_camera_and_the_group_of_the_place_says_it_is_unlike_itself() -> None:
    sound = leaking()
    with Alone() as rig:
        wav(rig.folder / "f7.wav", sound / FULL_PA, RATE)
        baselines.write(baselines.paths(rig.state / "leak", "f7")[1], accepted(sound))
        args = {"group": "f7", "tags": "f7.level\nf7.over", "data": str(clean_rows(rig.folder / "clean.csv", sound))}
        assert app.warn("learn", rig.site, args | {"period": "1", "from": "", "to": ""}) == 0
        (rig.site / "rules" / "10.rules").write_text(RULES, "utf-8")
        rig.start()
        place = until(lambda: [row for row in rig.call("leak.list") if row["state"] == "alarm"], 60, "a leak")[0]
        assert (place["sound"], place["picture"]) == ("ok", "missing")
        assert rig.tag("f7.degraded")["value"] == 1
        assert rig.alarm("F7_LEAK")["active"]
        seen = rig.call("leak.spectrum", "f7")
        assert "nothing-here" in seen["picture_error"]
        assert {len(column) for column in seen["levels"]} == {64}
        assert len(seen["levels"]) % seen["columns_a_second"] == 0
        assert abs(time.time() - seen["captured_utc_ms"] / 1000) < 60
        group = until(lambda: warned(rig), 20, "a warning")
        assert set(group["members"]) == {"f7.level", "f7.over"}
        assert group["rules"] == ["F7_ODD"]
        assert group["reasons"], "which tags, and how far they are"
        assert "f7." in group["text"]["en"]
        assert "f7." in group["text"]["zh-CN"]


def warned(rig: Rig) -> dict[str, Any]:
    """The group once it warns, empty before."""
    found: dict[str, Any] = rig.call("warn.show", "f7")
    return found if found["state"] == "warning" else {}
