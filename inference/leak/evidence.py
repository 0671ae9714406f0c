"""What was heard and seen around an alarm: rings of the last seconds, written as FLAC and 16-bit video when an alarm asks for it.

Sound is kept as the microphone gave it (24 bits, full rate, so that it can be judged again); pictures as counts of the camera.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import deque
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np

from inference.leak.layout import Floats
from inference.leak.seeing import Counts

BEFORE_S, AFTER_S = 10, 10
PART = ".part"


class Record(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sidecar of one alarm's evidence: its files with their SHA-256, and how samples and counts become Pa and °C."""

    source: str
    alarm_utc_ms: int
    seconds_before: int
    seconds_after: int
    files: dict[str, str]
    full_scale_pa: float
    kelvin_per_count: float
    offset_k: float
    found: dict[str, float | None]


class Evidence:
    """The rings of one source, and the alarm whose seconds after it are still to come."""

    def __init__(
        self,
        source: str,
        folder: Path | None,
        scale: tuple[float, float, float],
        rates: tuple[int, float],
        most_mb: int = 512,
    ) -> None:
        self._source, self._folder, self._most_mb = source, folder, most_mb
        self._pascal, self._kelvin, self._offset = scale
        self._rate_hz, self._frame_hz = rates
        self._sound: deque[Floats | None] = deque(maxlen=BEFORE_S + AFTER_S)
        self._sight: deque[Counts | None] = deque(maxlen=BEFORE_S + AFTER_S)
        self._asked: tuple[int, dict[str, float]] | None = None
        self._left_s = 0
        self._writer: threading.Thread | None = None
        self._sidecar: Path | None = None
        self.error = ""  # why the last evidence was not kept

    def second(self, pressure: Floats | None, counts: Counts | None) -> None:
        """Keep a second. Evidence that it completes is written beside: a large camera's takes longer than a worker may be silent."""
        self._sound.append(pressure)
        self._sight.append(counts)
        if self._asked is None:
            return
        self._left_s -= 1
        if self._left_s > 0 or (self._writer is not None and self._writer.is_alive()):
            return
        (utc_ms, found), self._asked = self._asked, None
        given = utc_ms, found, list(self._sound), list(self._sight)
        self._writer = threading.Thread(target=self._write, args=given, name="evidence", daemon=True)
        self._writer.start()

    def finish(self) -> Path | None:
        """Wait until what was asked for is written; the sidecar of the last evidence."""
        if self._writer is not None:
            self._writer.join()
        return self._sidecar

    def _write(
        self, utc_ms: int, found: dict[str, float], sound: list[Floats | None], sight: list[Counts | None]
    ) -> None:
        try:
            self._sidecar = self._written(utc_ms, found, sound, sight)
            self.error = ""
        except (OSError, av.FFmpegError) as error:
            self.error = str(error)

    def ask(self, found: dict[str, float]) -> bool:
        """An alarm: its evidence is written when the seconds after it are there. False while another one is being kept."""
        if self._folder is None or self._asked is not None:
            return False
        self._asked = time.time_ns() // 1_000_000, found
        self._left_s = AFTER_S
        return True

    def _written(
        self, utc_ms: int, found: dict[str, float], heard: list[Floats | None], seen: list[Counts | None]
    ) -> Path:
        assert self._folder is not None
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = f"{self._source}-{utc_ms}"
        files = {}
        sound = [one for one in heard if one is not None]
        if sound:
            files[f"{stem}.flac"] = kept(
                self._folder / f"{stem}.flac",
                lambda part: flac(part, np.concatenate(sound) / self._pascal, self._rate_hz),
            )
        sight = [one for one in seen if one is not None]
        if sight:
            files[f"{stem}.mkv"] = kept(
                self._folder / f"{stem}.mkv", lambda part: video(part, np.concatenate(sight), self._frame_hz)
            )
        told = {key: None if value != value else value for key, value in found.items()}
        record = Record(
            self._source, utc_ms, BEFORE_S, AFTER_S, files, self._pascal, self._kelvin, self._offset, told
        )  # fmt: skip
        sidecar = self._folder / f"{stem}.json"
        data = msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"
        kept(sidecar, lambda part: part.write_bytes(data))
        self._retire()
        return sidecar

    def _retire(self) -> None:
        """The oldest evidence goes when the folder holds more than it may; the last one stays."""
        assert self._folder is not None
        cards = sorted(self._folder.glob(f"{self._source}-*.json"))
        sizes = {card: sum(one.stat().st_size for one in self._folder.glob(f"{card.stem}.*")) for card in cards}
        for card in cards[:-1]:
            if sum(sizes.values()) <= self._most_mb << 20:
                return
            for one in self._folder.glob(f"{card.stem}.*"):
                one.unlink(missing_ok=True)
            del sizes[card]


def kept(path: Path, write: Any) -> str:
    """Write a file whole or not at all; its SHA-256. Raises OSError."""
    part = path.with_name(path.name + PART)
    write(part)
    with part.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        os.fsync(file.fileno())
    os.replace(part, path)
    return digest


def flac(path: Path, samples: Floats, rate_hz: int) -> None:
    """Samples −1 to 1 as 24-bit FLAC, one channel."""
    whole = np.clip(np.round(samples * 8_388_608.0), -8_388_608, 8_388_607).astype(np.int32) << 8
    with av.open(str(path), "w", format="flac") as container:
        stream = container.add_stream(
            "flac", rate=rate_hz, layout="mono", format="s32", options={"compression_level": "2"}
        )
        for begin in range(0, len(whole), 4096):
            frame = av.AudioFrame.from_ndarray(whole[None, begin : begin + 4096], format="s32", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = rate_hz, begin, Fraction(1, rate_hz)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def video(path: Path, counts: Counts, frame_hz: float) -> None:
    """Frames of 16-bit counts, lossless (FFV1 in Matroska)."""
    rate = Fraction(frame_hz).limit_denominator(1000)
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("ffv1", rate=rate)
        stream.height, stream.width = counts.shape[1:]
        stream.pix_fmt = "gray16le"
        for one in counts:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(one, format="gray16le")))
        container.mux(stream.encode(None))
