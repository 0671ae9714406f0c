"""Clips: never shorter than asked, beginning with a key frame, people hidden, whole or not at all on the disk."""

from __future__ import annotations

import shutil
import subprocess
import time
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from inference.cameras import clip as clip_module
from inference.cameras.evidence import Bounds, Evidence
from inference.cameras.people import People, hide
from inference.cameras.ring import Packet
from inference.cameras.shot import Seed
from inference.cameras.sidecar import PART, Asked, Sidecar, beside, encode, read, recover, retire
from tests.inference.cameras.scene import Picture, hall, noisy

MS, SECOND = 1_000_000, 1_000_000_000
FPS, GOP, SECONDS = 25, 20, 8
PERSON = (60, 40, 110, 150)  # left, top, right, bottom of a magenta figure in 320 x 180


@pytest.fixture(scope="module")
def stream() -> tuple[Seed, list[Packet]]:
    return film(FPS, GOP, SECONDS)


def film(fps: int, gop: int, seconds: float) -> tuple[Seed, list[Packet]]:
    """Seconds of a hall with a person in it, as a camera sends them; times from 0."""
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 320, 180, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.gop_size = Fraction(1, fps), Fraction(fps), gop
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": "repeat-headers=1"}
    packets = []
    for at in range(int(fps * seconds)):
        frame = av.VideoFrame.from_ndarray(noisy(manned(), at), format="bgr24")
        frame.pts = at
        for packet in encoder.encode(frame):
            time_ns = at * SECOND // fps
            packets.append(Packet(bytes(packet), time_ns, time_ns, time_ns, packet.is_keyframe))
    return Seed("h264", packets[0].data), packets


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """The streams of these tests ran a while ago: a writer that has caught up with the test must wait for the rest of them."""
    monkeypatch.setattr(clip_module, "LATE_NS", 600 * SECOND)


def manned() -> Picture:
    picture = hall()
    cv2.rectangle(picture, PERSON[:2], PERSON[2:], (255, 0, 255), -1)
    return picture


def filmed(
    folder: Path, stream: tuple[Seed, list[Packet]], bounds: Bounds, events: list[tuple[float, str]], cut_s: float = 99
) -> list[tuple[Path, Sidecar]]:
    """The clips of a stream that ran just now; `events`: second of the stream, and the rule that asks then."""
    seed, packets = stream
    begin_ns = time.monotonic_ns() - 20 * SECOND
    evidence = Evidence("gate3", folder, bounds)
    evidence.prepare()
    evidence.opened(seed)
    waiting = list(events)
    for packet in packets:
        at_ns = begin_ns + packet.at_ns
        while waiting and packet.at_ns >= waiting[0][0] * SECOND:
            second, rule = waiting.pop(0)
            utc_ms = int(time.time() * 1000) - 20_000 + int(second * 1000)
            assert evidence.ask(Asked(rule, "alarm", "1-2", utc_ms), begin_ns + int(second * SECOND))
        if packet.at_ns >= cut_s * SECOND:
            evidence.opened(seed)
            break
        evidence.packet(Packet(packet.data, at_ns, packet.pts, packet.dts, packet.key))
        evidence.people.found(np.array([PERSON], np.float32), (320, 180), at_ns)
    evidence.close(120.0)
    evidence.tend()
    return read(folder)


def frames(clip: Path) -> list[tuple[Picture, bool]]:
    """Every picture of a clip, and whether it is a key frame."""
    with av.open(str(clip)) as container:
        return [(one.to_ndarray(format="bgr24"), one.key_frame) for one in container.decode(video=0)]


def magenta(picture: Picture) -> int:
    return int((np.abs(picture.astype(int) - (255, 0, 255)) < 60).all(axis=2).sum())


def test_a_clip_covers_what_was_asked_and_begins_with_a_key_frame(
    tmp_path: Path, stream: tuple[Seed, list[Packet]]
) -> None:
    for at, second in enumerate((2.9, 3.31, 4.0)):  # anywhere between two key frames
        folder = tmp_path / str(at)
        ((clip, told),) = filmed(folder, stream, Bounds(2, 1.5, clear_for={"R"}), [(second, "R")])
        assert told.whole
        assert told.lacks == []
        assert told.people == "as seen"
        assert told.event_utc_ms - told.begin_utc_ms >= 2_000
        assert told.end_utc_ms - told.event_utc_ms >= 1_500 - 1  # ms are cut
        assert told.event_utc_ms - told.begin_utc_ms < 2_000 + 1_000 * GOP / FPS + 1, "no more than a group of pictures"
        shown = frames(clip)
        assert shown[0][1]
        assert len(shown) == told.pictures >= 3.5 * FPS
        assert magenta(shown[-1][0]) > 4_000


def test_the_clip_plays_elsewhere(tmp_path: Path, stream: tuple[Seed, list[Packet]]) -> None:
    if shutil.which("ffprobe") is None:
        pytest.skip("ffprobe is missing: apt install ffmpeg")
    for rule in ("R", "S"):
        ((clip, told),) = filmed(tmp_path / rule, stream, Bounds(2, 1, clear_for={"R"}), [(3.0, rule)])
        words = [
            "ffprobe",
            "-v",
            "error",
            "-count_frames",
            "-show_entries",
            "stream=codec_name,nb_read_frames:format=duration",
        ]
        out = subprocess.run([*words, "-of", "csv=p=0", str(clip)], capture_output=True, text=True, check=True)
        assert out.stderr == ""
        codec, count, duration = out.stdout.replace("\n", ",").strip(",").split(",")
        assert codec == told.codec == {"R": "h264", "S": "vp9"}[rule]
        assert int(count) == told.pictures
        assert float(duration) >= 3.0 - 1 / 12  # the last picture of a blurred clip stands for less than its own time


def test_people_are_hidden_and_the_hall_is_not(tmp_path: Path, stream: tuple[Seed, list[Packet]]) -> None:
    ((clip, told),) = filmed(tmp_path, stream, Bounds(2, 1), [(3.0, "R")])
    assert told.people == "blurred"
    assert told.whole
    shown = frames(clip)
    assert shown[0][1]
    assert 3 * 12 <= len(shown) == told.pictures <= 5 * 14
    left, top, _, bottom = PERSON
    for picture, _ in shown:
        edge = picture[top + 10 : bottom - 10, left - 6 : left + 6].astype(float)
        sharp = noisy(manned(), 1)[top + 10 : bottom - 10, left - 6 : left + 6].astype(float)
        assert np.abs(np.diff(edge, axis=1)).max(axis=(0, 2)).max() < np.abs(np.diff(sharp, axis=1)).max()
    far = shown[-1][0][:, 200:].astype(float)
    assert np.abs(far - hall()[:, 200:]).mean() < 12


def test_where_nobody_looked_everything_is_hidden() -> None:
    people = People()
    assert people.at(5 * SECOND) is None
    people.found(np.array([[10, 10, 20, 40]], np.float32), (100, 100), 5 * SECOND)
    people.found(np.zeros((0, 4), np.float32), (100, 100), 5 * SECOND + 100 * MS)
    near = people.at(5 * SECOND + 50 * MS)
    assert near is not None
    assert near.tolist() == [pytest.approx([0.1, 0.1, 0.2, 0.4])]
    assert people.at(7 * SECOND) is None
    picture = hall()
    assert np.abs(np.diff(hide(picture, None).astype(int), axis=1)).astype(bool).mean() < 0.1
    assert (hide(picture, np.zeros((0, 4))) == picture).all()
    assert (picture == hall()).all(), "what is hidden is a copy"


def test_overlapping_alarms_extend_one_clip_and_a_rule_of_the_zone_has_its_own(
    tmp_path: Path, stream: tuple[Seed, list[Packet]]
) -> None:
    ((clip, told),) = filmed(tmp_path / "a", stream, Bounds(1, 2, clear_for={"R", "S"}), [(2.0, "R"), (3.5, "S")])
    assert [asked.rule for asked in told.asked] == ["R", "S"]
    assert told.end_utc_ms - told.event_utc_ms >= 3_500 - 1
    assert told.whole
    assert len(frames(clip)) == told.pictures
    found = filmed(tmp_path / "b", stream, Bounds(1, 2, clear_for={"R"}), [(2.0, "S"), (3.5, "R")])
    assert [(one.asked[0].rule, one.people) for _, one in found] == [("S", "blurred"), ("R", "as seen")]


def test_what_is_missing_is_said(tmp_path: Path, stream: tuple[Seed, list[Packet]]) -> None:
    ((_, told),) = filmed(tmp_path / "a", stream, Bounds(4, 1, clear_for={"R"}), [(2.0, "R")])
    assert (told.whole, told.lacks) == (False, ["just-connected"])
    ((clip, told),) = filmed(tmp_path / "b", stream, Bounds(1, 5, clear_for={"R"}), [(2.0, "R")], cut_s=4)
    assert (told.whole, told.lacks) == (False, ["camera-lost"])
    assert len(frames(clip)) == told.pictures


def test_what_a_killed_worker_left_is_taken_up(tmp_path: Path, stream: tuple[Seed, list[Packet]]) -> None:
    ((clip, told),) = filmed(tmp_path, stream, Bounds(2, 1, clear_for={"R"}), [(3.0, "R")])
    data = clip.read_bytes()
    clip.unlink()
    beside(clip).unlink()
    part = clip.with_name(clip.name + PART)
    part.write_bytes(data[: len(data) * 3 // 4])
    beside(part).write_bytes(encode(told))
    (tmp_path / ("stranger.mp4" + PART)).write_bytes(b"nobody says what this is")
    assert recover(tmp_path) == 1
    ((taken, now),) = read(tmp_path)
    assert "interrupted" in now.lacks
    with av.open(str(taken)) as container:
        assert sum(packet.size > 0 for packet in container.demux(video=0)) > FPS, "it plays up to where it was cut off"
    assert {path.suffix for path in tmp_path.iterdir()} == {".mp4", ".json"}


def test_clips_grow_old_also_where_no_alarm_comes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    evidence = Evidence("gate3", tmp_path, Bounds(days=1))
    evidence.prepare()
    for at in (1, 2):
        clip = tmp_path / f"2026010{at}T000000000Z-gate3-R.mp4"
        clip.write_bytes(b"film")
        beside(clip).write_bytes(encode(Sidecar("gate3", clip.name, [], "blurred", 0, 0)))
    evidence.tend()
    assert len(read(tmp_path)) == 2
    now_ns = time.monotonic_ns()
    monkeypatch.setattr(time, "monotonic_ns", lambda: now_ns + 3601 * SECOND)
    evidence.tend()
    assert [clip.name[:8] for clip, _ in read(tmp_path)] == ["20260102"], "the newest stays"


def test_bounds_of_days_and_bytes_keep_the_newest(tmp_path: Path) -> None:
    day_ms = 86_400_000
    for at in range(4):
        clip = tmp_path / f"2026010{at + 1}T000000000Z-gate3-R.mp4"
        clip.write_bytes(bytes(100))
        told = Sidecar(
            "gate3", clip.name, [Asked("R", "alarm", "1", 0)], "blurred", at * day_ms, at * day_ms, bytes=100
        )
        beside(clip).write_bytes(encode(told))
    assert retire(tmp_path, 30, 1_000, now_s=3 * 86_400) == 0
    assert retire(tmp_path, 30, 250, now_s=3 * 86_400) == 2
    assert retire(tmp_path, 0.5, 1_000, now_s=30 * 86_400) == 1
    assert [clip.name[:8] for clip, _ in read(tmp_path)] == ["20260104"]
