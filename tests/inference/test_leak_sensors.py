"""Microphones and thermal cameras: what is read is what was sent, from files, over RTP and over UDP; a bad one says why."""

from __future__ import annotations

import socket
import threading
import time
import wave
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest

from gateway.core.errors import AddressError, SourceError
from inference.leak import hearing, seeing
from inference.leak.evidence import Evidence, Record, flac, video
from inference.leak.feed import Feed
from inference.leak.rtp import Stream
from inference.leak.settings import Settings
from inference.leak.thermal import ThermalEnd

RATE = 48_000
RNG = np.random.default_rng(3)


def wav(path: Path, samples: np.ndarray, rate: int = RATE) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes((samples * 32767).astype("<i2").tobytes())
    return path


def ears(address: str, **more: object) -> hearing.Ears:
    return hearing.Ears(address, RATE, 120.0, **more)  # type: ignore[arg-type]


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file is played as fast as it is read."""
    for module in (hearing, seeing):
        monkeypatch.setattr(module, "paced", lambda items, _every, _stopping: items)


def test_a_recording_is_read_in_seconds_and_in_pascals(tmp_path: Path) -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(2 * RATE + 500) / RATE)
    file = wav(tmp_path / "a.wav", 0.999 * tone)
    found = list(hearing.seconds(ears(f"file:{file}"), threading.Event()))
    assert [len(one.pressure) for one in found] == [RATE, RATE]
    assert found[1].level_db == pytest.approx(120.0, abs=0.05)
    assert hearing.SelfTest(ears("")).second(found[0]) == "clipped"


@pytest.mark.parametrize(
    ("rate", "channel", "said"),
    [(44_100, 0, "gives 44100 Hz, the site says rate_hz = 48000"), (RATE, 1, "has 1 channels")],
)
def test_a_recording_of_another_kind_is_refused(tmp_path: Path, rate: int, channel: int, said: str) -> None:
    file = wav(tmp_path / "a.wav", np.zeros(4800), rate)
    with pytest.raises(SourceError, match=said):
        list(hearing.seconds(ears(f"file:{file}", channel=channel, channels=2), threading.Event()))


def test_what_is_no_sound_ends_the_attempt_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(RNG.bytes(2000))
    feed = Feed("sound", lambda stopping: hearing.seconds(ears(f"file:{tmp_path}/a.wav"), stopping))
    feed.start()
    assert feed.take(0.2) is None
    feed.stop()
    assert "Invalid data" in feed.error


def sent(samples: np.ndarray, port: int) -> None:
    """FFmpeg's own RTP sender, L16."""
    with av.open(f"rtp://127.0.0.1:{port}", "w", format="rtp") as out:
        stream = out.add_stream("pcm_s16be", rate=RATE, layout="mono")
        for begin in range(0, len(samples), 480):
            part = (samples[None, begin : begin + 480] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
            frame.sample_rate, frame.pts = RATE, begin
            out.mux(stream.encode(frame))


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def test_rtp_from_ffmpeg_is_heard_sample_by_sample() -> None:
    samples = RNG.uniform(-0.5, 0.5, RATE + 4800)
    port = free_port()
    feed = Feed("sound", lambda stopping: hearing.seconds(ears(f"udp:127.0.0.1:{port}"), stopping))
    feed.start()
    try:
        for _ in range(40):  # the socket may not be bound yet; every second sent begins anew
            sent(samples, port)
            found = feed.take(0.25)
            if found is not None:
                break
        assert found is not None, feed.error
    finally:
        feed.stop()
    if found.lost == 0:
        heard = found.pressure / np.float32(ears("").pascal)
        spectrum = np.fft.rfft(heard, 1 << 17) * np.conj(np.fft.rfft(samples, 1 << 17))
        peak = np.fft.irfft(spectrum).max() / (np.linalg.norm(heard) * np.linalg.norm(samples[:RATE]))
        assert peak > 0.4, "the same noise, wherever the second began"


def packet(sequence: int, body: bytes, source: int = 7, first: int = 0x80) -> bytes:
    return bytes([first, 96]) + sequence.to_bytes(2, "big") + bytes(4) + source.to_bytes(4, "big") + body


def test_lost_late_and_strange_packets() -> None:
    stream = Stream("L16")
    one = (1000).to_bytes(2, "big", signed=True) * 10
    first = stream.packet(packet(65_534, one))
    assert first is not None
    assert first == pytest.approx(np.full(10, 1000 / 32768))
    gap = stream.packet(packet(1, one))  # 65535 and 0 are missing
    assert gap is not None
    assert len(gap) == 30
    assert not gap[:20].any()
    assert stream.lost == 2
    assert stream.packet(packet(0, one)) is None, "late"
    for strange in (
        b"",
        b"hello",
        packet(2, b"abc"),
        packet(2, one, first=0x00),
        packet(2, one, first=0x9F),
        packet(2, b""),
    ):
        assert stream.packet(strange) is None
    assert stream.refused == 6
    assert stream.packet(packet(900, one, source=8)) is not None, "another sender is a new stream"
    wide = Stream("L24", channels=2, channel=1).packet(packet(1, bytes([0, 0, 0, 0xC0, 0, 0]) * 3))
    assert wide is not None
    assert wide == pytest.approx(np.full(3, -0.5))


def test_the_self_test_hears_silence_and_its_sounder() -> None:
    given = ears("", tone_hz=20_000.0, tone_db=74.0, tone_every_s=10.0)
    test = hearing.SelfTest(given)
    t = np.arange(RATE) / RATE
    chirp = (0.1 * np.sqrt(2) * np.sin(2 * np.pi * 20_000 * t) * (t < 0.25) / given.pascal).astype(np.float32)
    murmur = RNG.normal(0.0, 1e-4, RATE).astype(np.float32)
    for at in range(12):
        assert test.second(hearing.second(given, murmur + (chirp if at == 5 else 0))) == ""
    assert test.error_db == pytest.approx(0.0, abs=1.0)
    said = [test.second(hearing.second(given, murmur)) for _ in range(12)]
    assert said[-1] == "tone", "the sounder was not heard again"
    assert hearing.SelfTest(ears("")).second(hearing.second(ears(""), np.zeros(RATE, np.float32))) == "silent"


def scene(count: int = 20, level: float = 300.0) -> np.ndarray:
    """Frames of counts in 0.01 K."""
    ramp = 100.0 * level + np.linspace(0, 2000, 160)[None, None, :] + np.zeros((count, 120, 1))
    return np.round(ramp + RNG.normal(0.0, 5.0, ramp.shape)).astype(np.uint16)


@pytest.mark.parametrize("suffix", [".npy", ".mkv"])
def test_a_thermal_recording_is_read_to_the_count(tmp_path: Path, suffix: str) -> None:
    counts, file = scene(), tmp_path / f"a{suffix}"
    np.save(file, counts) if suffix == ".npy" else video(file, counts, 9.0)
    found = list(seeing.seconds(seeing.Eyes(f"file:{file}"), threading.Event()))
    assert [len(one.counts) for one in found] == [9, 9]
    assert np.array_equal(np.concatenate([one.counts for one in found]), counts[:18])
    assert found[0].frames[0].mean() == pytest.approx(counts[0].mean() / 100 - 273.15, abs=0.01)


def test_frames_over_udp_and_what_is_none() -> None:
    counts = scene(1)[0]
    assert seeing.datagram(seeing.packed(3, counts)) is not None
    data = seeing.packed(3, counts)
    for strange in (b"", data[:-1], b"XXXX" + data[4:], data + b"1", RNG.bytes(60)):
        assert seeing.datagram(strange) is None
    port, stopping = free_port(), threading.Event()
    feed = Feed("picture", lambda stop: seeing.seconds(seeing.Eyes(f"udp:127.0.0.1:{port}"), stop))
    feed.start()
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            found, sequence = None, 0
            until = time.monotonic() + 15.0
            while found is None and time.monotonic() < until:
                sequence += 1
                line.sendto(seeing.packed(sequence, counts), ("127.0.0.1", port))
                found = feed.take(0.05)
        assert found is not None, feed.error
        assert np.array_equal(found.counts[0], counts)
    finally:
        stopping.set()
        feed.stop()


def test_larger_frames_are_averaged_and_eight_bits_refused(tmp_path: Path) -> None:
    assert seeing.fitted(np.repeat(np.repeat(scene(1)[0], 2, 0), 2, 1)).shape == (120, 160)
    np.save(tmp_path / "a.npy", np.zeros((4, 120, 160), np.uint8))
    with pytest.raises(SourceError, match="16-bit"):
        list(seeing.seconds(seeing.Eyes(f"file:{tmp_path}/a.npy"), threading.Event()))


def test_a_shutter_a_frozen_picture_and_a_cover_are_seen() -> None:
    def celsius(level: float) -> np.ndarray:
        return (scene(9, level) / 100.0 - 273.15).astype(np.float32)

    end = ThermalEnd()
    assert not end.second(celsius(300.0)).jumped
    assert end.second(celsius(300.0)).shutter_age_s == 2.0
    after = end.second(celsius(300.6))
    assert after.jumped
    assert after.shutter_age_s == 0.0
    quiet = end.second(celsius(300.6))
    assert abs(quiet.maps[0]).mean() < 0.2, "the jump is no change in the scene"
    assert quiet.netd_k == pytest.approx(0.05, rel=0.1)
    assert end.second(np.repeat(celsius(300.6)[:1], 9, axis=0)).frozen
    cover = RNG.normal(20.0, 0.05, (9, 120, 160)).astype(np.float32)
    assert ThermalEnd().second(cover).blind


def test_evidence_is_kept_to_the_bit_with_its_sidecar(tmp_path: Path) -> None:
    noise = (RNG.integers(-8_000_000, 8_000_000, RATE) / 8_388_608.0).astype(np.float32)
    flac(tmp_path / "a.flac", noise, RATE)
    with av.open(str(tmp_path / "a.flac")) as back:
        heard = np.concatenate([frame.to_ndarray()[0] for frame in back.decode(audio=0)])
    assert np.abs((heard >> 8) / 8_388_608.0 - noise).max() <= 2**-23
    evidence = Evidence("f7", tmp_path, (20.0, 0.01, 0.0), (RATE, 9.0))
    evidence.second(noise * 20.0, scene(9))
    assert evidence.ask({"evidence": 1.2, "delay_s": float("nan")})
    assert not evidence.ask({}), "one at a time"
    for _ in range(9):
        evidence.second(noise * 20.0, scene(9))
        assert evidence.finish() is None, "the seconds after the alarm are still to come"
    evidence.second(noise * 20.0, scene(9))
    sidecar = evidence.finish()
    assert sidecar is not None
    import msgspec

    record = msgspec.json.decode(sidecar.read_bytes(), type=Record)
    assert sorted(record.files) == sorted(path.name for path in tmp_path.glob("f7-*") if path.suffix != ".json")
    assert record.found == {"evidence": 1.2, "delay_s": None}
    assert not list(tmp_path.glob("*.part"))


def test_evidence_that_cannot_be_written_stops_nobody_and_says_why(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder should be", "utf-8")
    evidence = Evidence("f7", tmp_path / "taken", (20.0, 0.01, 0.0), (RATE, 9.0))
    assert evidence.ask({})
    for _ in range(10):
        evidence.second(np.zeros(RATE, np.float32), None)
    assert evidence.finish() is None
    assert "taken" in evidence.error
    assert evidence.ask({}), "the next alarm tries again"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "needs a sensor"),
        ({"sound": "hw:1,0"}, "alsa:hw:1,0"),
        ({"sound": "udp:0.0.0.0:70000"}, "udp:0.0.0.0:5004"),
        ({"picture": "alsa:hw:0"}, "v4l2:/dev/video2"),
        ({"sound": "alsa:hw:0", "rate_hz": 8000}, "no rate of a sound card"),
        ({"sound": "alsa:hw:0", "channel": 1}, "counted from 0"),
        ({"sound": "alsa:hw:0", "tone_hz": 40e3}, "tone_db"),
    ],
)
def test_wrong_settings_say_what_would_be_right(given: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said) as found:
        Settings.model_validate(given)
    error = found.value.errors()[0]["ctx"]["error"]  # type: ignore[attr-defined]
    assert isinstance(error, AddressError)
    assert any("\u4e00" <= letter <= "\u9fff" for letter in error.zh)


def test_a_hanging_sensor_is_left_behind() -> None:
    def hangs(stopping: threading.Event) -> Iterator[int]:
        yield 1
        stopping.wait(30.0)

    feed = Feed("x", hangs)
    feed.start()
    assert feed.take(5.0) == 1
    assert feed.take(0.0) is None
    feed.stop()
