"""Which rule asks which camera, what is shown of clips, and that a trip's bundle names its own."""

from __future__ import annotations

import asyncio
import dataclasses
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.app.cameras import Cameras, changed, stored
from gateway.app.examine import examine
from gateway.core.effects import Journal, Record
from gateway.core.errors import SourceError
from gateway.offline.bundle import NotYetError
from gateway.offline.clips import Reference, parsed, references
from gateway.offline.evidence import Trip
from gateway.site import Site
from inference.cameras.sidecar import Asked, Sidecar, beside, encode

EXAMPLE = Path(__file__).parents[2] / "config" / "examples" / "camera"


class Gate3:
    """A camera in memory."""

    def __init__(self, *, away: bool = False, failing: bool = False) -> None:
        self.clips: Path | None = None
        self.asked: list[tuple[Any, ...]] = []
        self._away, self._failing = away, failing

    def values(self) -> dict[str, float]:
        nan = float("nan")
        return {"connected": 1.0, "fps": 10.0, "health.dark": 1.0, "health.moved": nan, "zone.press1.persons": 2.0}

    def reason(self) -> dict[str, str]:
        return {}

    def clip(self, *what: Any) -> bool:
        if self._failing:
            raise SourceError("the worker is gone")
        self.asked.append(what)
        return not self._away


def keeping(tmp_path: Path, camera: Gate3 | None) -> tuple[Cameras, Site]:
    checked = examine(EXAMPLE)
    assert checked.site is not None
    assert checked.program is not None
    storage = dataclasses.replace(checked.site.storage, directory=tmp_path)
    site = dataclasses.replace(checked.site, storage=storage)
    return Cameras(site, checked.program, lambda _name: camera), site  # type: ignore[arg-type,return-value]


def row(kind: str, subject: str, **detail: Any) -> Journal:
    return Journal(Record((3, 7), 5, 1_000, kind, subject, detail))


def test_an_alarm_and_a_trip_ask_the_cameras_that_their_rule_reads(tmp_path: Path) -> None:
    camera = Gate3()
    cameras, _ = keeping(tmp_path, camera)
    for effect in (
        row("alarm.raise", "GATE_UNPROTECTED"),
        row("interlock.tripping", "PRESS1_PERSON"),
        row("alarm.ack", "GATE_UNPROTECTED"),
        row("alarm.raise", "SOMETHING_ELSE"),
        row("interlock.tripping", "PRESS1_PERSON", because="STOP"),
    ):
        cameras.seen(effect)
    assert camera.asked == [("GATE_UNPROTECTED", "alarm", "3-7", 1_000), ("PRESS1_PERSON", "trip", "3-7", 1_000)]


@pytest.mark.parametrize("camera", [None, Gate3(away=True), Gate3(failing=True)])
def test_a_camera_that_is_away_disturbs_nobody_and_is_said(
    tmp_path: Path, camera: Gate3 | None, caplog: pytest.LogCaptureFixture
) -> None:
    cameras, _ = keeping(tmp_path, camera)
    cameras.seen(row("interlock.tripping", "PRESS1_PERSON"))
    assert "gate3: no clip of PRESS1_PERSON" in caplog.text


def test_a_camera_is_told_where_its_clips_go_and_other_drivers_are_not(tmp_path: Path) -> None:
    camera, other = Gate3(), Gate3()
    cameras, _ = keeping(tmp_path, camera)
    cameras.equip("gate3", camera)  # type: ignore[arg-type]
    cameras.equip("plc1", other)  # type: ignore[arg-type]
    assert camera.clips == tmp_path / "clips" / "gate3"
    assert other.clips is None


def test_what_is_not_known_is_shown_as_not_known(tmp_path: Path) -> None:
    (view,) = keeping(tmp_path, Gate3())[0].every()
    assert (view.connected, view.faults, view.fps, view.ms) == (True, ["dark"], 10.0, None)
    assert [(zone.name, zone.persons, zone.occupied) for zone in view.zones] == [
        ("press1", 2.0, None),
        ("gate", None, None),
    ]
    (away,) = keeping(tmp_path, None)[0].every()
    assert (away.connected, away.fps) == (False, None)


def test_what_the_card_of_a_model_warns_of_is_shown_and_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"en": "A first version.", "zh-CN": "首个版本。"}
    (tmp_path / "own.card.json").write_bytes(
        msgspec.json.encode({"sha256": "", "caution": said, "limits": {"en": "x"}})
    )
    for model, text in ((tmp_path / "own.onnx", said), (tmp_path / "cardless.onnx", {})):
        monkeypatch.setattr("inference.cameras.settings.shipped", lambda model=model: model)
        cameras, _ = keeping(tmp_path, Gate3())
        assert cameras.every()[0].caution == text
        asyncio.run(_begun(cameras))
    assert [record.getMessage() for record in caplog.records] == ["gate3: A first version. / 首个版本。"]


async def _begun(cameras: Cameras) -> None:
    running = asyncio.create_task(cameras.run())
    await asyncio.sleep(0)
    running.cancel()
    await asyncio.wait([running])


def clip(folder: Path, name: str, *asked: Asked) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(b"film")
    told = Sidecar("gate3", name, list(asked), "blurred", 1_000, 21_000, 11_000, sha256="ab" * 32, whole=True)
    beside(folder / name).write_bytes(encode(told))


def test_a_trip_names_the_clips_that_it_asked_for_and_no_others(tmp_path: Path) -> None:
    clip(tmp_path / "gate3", "1.mp4", Asked("GATE", "alarm", "3-9", 0), Asked("PRESS", "trip", "3-7", 0))
    clip(tmp_path / "gate3", "2.mp4", Asked("PRESS", "trip", "3-8", 0))
    clip(tmp_path / "dock", "3.mp4", Asked("PRESS", "alarm", "3-7", 0))
    (tmp_path / "gate3" / "stranger.json").write_text("{")
    trip = Trip(3, 7, 0, 0, "PRESS")
    assert references(tmp_path, trip) == (f"gate3/1.mp4 sha256:{'ab' * 32}",)
    assert references(tmp_path / "nowhere", trip) == ()


def test_clips_of_a_camera_that_is_gone_grow_old_too(tmp_path: Path) -> None:
    cameras, _ = keeping(tmp_path, None)
    for name in ("gate3", "gone"):
        for at in (1, 2):  # of 1970: far over their days
            clip(tmp_path / "clips" / name, f"2026010{at}T000000000Z-{name}-A.mp4", Asked("A", "alarm", "1", 0))
    cameras._retire()
    left = sorted(path.name for path in (tmp_path / "clips").glob("*/*.mp4"))
    assert left == [
        "20260101T000000000Z-gate3-A.mp4",  # its worker looks after them
        "20260102T000000000Z-gate3-A.mp4",
        "20260102T000000000Z-gone-A.mp4",  # the newest stays
    ]


def test_a_bundle_waits_for_a_clip_that_is_still_being_written(tmp_path: Path) -> None:
    clip(tmp_path / "gate3", "1.mp4", Asked("PRESS", "trip", "3-7", 0))
    told = Sidecar("gate3", "2.mp4", [Asked("PRESS", "trip", "3-7", 0)], "blurred", 1_000)
    beside(tmp_path / "gate3" / "2.mp4.part").write_bytes(encode(told))
    trip, other = Trip(3, 7, 0, 0, "PRESS"), Trip(3, 8, 0, 0, "PRESS")
    with pytest.raises(NotYetError):
        references(tmp_path, trip, wait=True)
    assert references(tmp_path, other, wait=True) == ()
    (reference,) = references(tmp_path, trip)  # nobody waits for ever: a worker may have been killed
    assert parsed(reference) == Reference("gate3", "1.mp4", "ab" * 32)


def test_the_clips_of_a_box_are_listed_newest_first_with_what_they_are(tmp_path: Path) -> None:
    clip(tmp_path / "gate3", "20260101T000000000Z-gate3-A.mp4", Asked("A", "alarm", "1", 0), Asked("B", "trip", "2", 0))
    clip(tmp_path / "gate3", "20260102T000000000Z-gate3-A.mp4", Asked("A", "alarm", "3", 0))
    (tmp_path / "gate3" / "20260103T000000000Z-gate3-A.json").write_bytes(b"not whole")
    new, old = stored(tmp_path)
    assert new.file > old.file
    assert (old.rules, old.kinds, old.seconds, old.people) == (["A", "B"], ["alarm", "trip"], 20.0, "blurred")
    assert Path(old.path).read_bytes() == b"film"
    before = changed(tmp_path)
    assert before.keys() == {"gate3"}
    assert changed(tmp_path) == before
    clip(tmp_path / "dock", "20260104T000000000Z-dock-A.mp4", Asked("A", "alarm", "4", 0))
    assert changed(tmp_path) != before
    assert changed(tmp_path / "none") == {}
    assert msgspec.json.decode(msgspec.json.encode(old), type=type(old)) == old
