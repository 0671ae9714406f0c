"""A person steps into a zone: the pump stops, and the film of it is named in the trip's story, kept here, and never sent."""

from __future__ import annotations

import base64
import hashlib
import json
import sys
import urllib.error
from pathlib import Path
from typing import Any

import pytest

from gateway.core import functions
from gateway.offline.keeper import Keep, keep
from tests.daemon.capture import Ear
from tests.daemon.rig import Rig, until
from tests.inference.cameras.peer import peer_camera

NAME = "PRESS_PERSON"
RULE = f"""interlock {NAME} "压机区有人 | Somebody at the press"
  when gate3.press = 1
  then stop pump7.permit
  latch reset by supervisor after 100 ms
  on bad trip after 30 s
  priority P1
  area pickling
end
"""
CAMERA = """
[source.gate3]
driver = "camera"
url = "{url}"
picture = [640, 360]
model = "none.onnx"  # the eyes of this test need none

[source.gate3.evidence]
before_s = 1
after_s = 1

[[source.gate3.zone]]
name = "press"
polygon = [[100, 100], [400, 100], [400, 350], [100, 350]]
"""
PATIENCE_S = 60.0  # nothing here is a measurement


class Filmed(Rig):
    """The demo's site with a camera."""

    def film(self, url: str) -> None:
        with (self.site / "site.toml").open("a", encoding="utf-8") as file:
            file.write(CAMERA.format(url=url))
        with (self.site / "tags.csv").open("a", encoding="utf-8") as file:
            file.write("gate3.press,gate3,zone.press.occupied,bool,,,,,,,,,,pickling,压机区,Press,,\n")
        (self.site / "none.onnx").touch()

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.daemon.eyed", str(self.site)]

    def get(self, path: str) -> Any:
        return json.loads(self.http(self.page, f"/api/v1/{path}"))

    def film_of(self, rule: str) -> dict[str, Any] | None:
        return next((one for one in self.call("camera.clips") if rule in one["rules"]), None)


def test_a_person_in_a_zone_stops_a_pump_and_the_film_of_it_stays_here(
    armed_state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(functions, "GOOD_NS", 0)  # a replay must decide as the daemon did (tests/daemon/eyed.py)
    with peer_camera("--fps", "5", "--gop", "5") as camera, Filmed(armed_state, rules=RULE) as rig:
        rig.film(camera.url)
        ear = Ear(rig.broker.port, rig.certs)
        rig.start()
        until(lambda: rig.tag("gate3.press")["quality"] == "good", PATIENCE_S, "the camera is seen")
        rig.arm(NAME)
        rig.energise(NAME, "PKL_LSLL", within_s=PATIENCE_S)  # the pump needs both
        camera.tell("person 200 150 40 120")
        tripped = rig.wait_state(NAME, "TRIPPED", "READY", within_s=PATIENCE_S)
        assert "gate3.press" in str(tripped["first_out"])
        until(lambda: rig.tag("pump7.permit")["value"] == 0, PATIENCE_S, "the PLC took the permit away")
        clip = until(lambda: rig.film_of(NAME), PATIENCE_S, "its clip is on the disk")
        assert clip["whole"], clip["lacks"]
        film = Path(clip["path"]).read_bytes()
        assert hashlib.sha256(film).hexdigest() == clip["sha256"]

        assert (
            keep(rig.state, 0, Keep()).made == 1
        )  # at once: what comes in the half minute after a trip is not asked here
        (told,) = rig.get(f"trips/{NAME}")
        story = rig.get(f"trip/{told['id']}")
        assert story["clips"] == [{"camera": "gate3", "file": clip["file"], "sha256": clip["sha256"], "kept": True}]
        for language in ("en", "zh-CN"):
            report = rig.http(rig.page, f"/api/v1/trip/{told['id']}/report?language={language}")
            assert clip["file"] in report
        with pytest.raises(urllib.error.HTTPError, match="403"):  # tests/web/test_doors.py signs in
            rig.http(rig.page, f"/api/v1/clip/gate3/{clip['file']}")

        rig.drained()
        assert rig.stop()[0] == 0
        ear.close()
        assert any(topic.endswith(f"/{NAME.lower()}") for topic, _ in ear.heard), "the alarm itself did leave"
        _nothing_of(film, clip, ear.heard)


def _nothing_of(film: bytes, clip: dict[str, Any], heard: list[tuple[str, bytes]]) -> None:
    """Neither its name nor its hash, nor any piece of it in the forms in which bytes travel."""
    pieces = [film[at : at + 48] for at in range(0, len(film) - 48, 1 + len(film) // 50)]
    forms = [form(piece) for piece in pieces for form in (bytes, lambda one: one.hex().encode(), base64.b64encode)]
    secrets = [clip["file"].encode(), clip["sha256"].encode(), b".mp4", *forms]
    assert [(topic, secret) for topic, payload in heard for secret in secrets if secret in payload] == []
