"""Thermal cameras: 16-bit frames from V4L2 (Y16), files and UDP, scaled to °C and brought to 160 × 120, as seconds."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import SourceError
from gateway.core.tags import Cause
from inference.leak.feed import paced
from inference.leak.layout import HEIGHT, WIDTH, Floats

Counts = NDArray[np.uint16]

MAGIC = b"GHT1"
_HEADER = struct.Struct("!4sIHHI")  # magic, sequence, height, width, 0: frames over UDP, counts little-endian behind it
DATAGRAM_MAX = 65_535
SIDE_MAX = 1280
WAIT_S = 2.0  # a shutter may close for so long
FRAMES_MAX = 64  # of one second: more are dropped


@dataclass(frozen=True, slots=True)
class Eyes:
    """How a camera is reached and its counts are read: °C = counts × `kelvin_per_count` − 273.15 + `offset_k`."""

    address: str
    kelvin_per_count: float = 0.01
    offset_k: float = 0.0
    frame_hz: float = 9.0
    repeat: bool = False


@dataclass(slots=True)
class Second:
    """The frames of one second in °C [n, 120, 160], their counts as the camera gave them, and CLOCK_MONOTONIC of the last."""

    frames: Floats
    counts: Counts
    captured_ns: int


def seconds(eyes: Eyes, stopping: threading.Event) -> Iterator[Second]:
    """The camera as a stream of seconds. Raises SourceError, OSError or av.FFmpegError."""
    kind, _, rest = eyes.address.partition(":")
    if kind == "udp":
        yield from _by_clock(eyes, _over_udp(rest, stopping))
    elif kind == "v4l2":
        yield from _by_clock(eyes, _video(rest, {"input_format": "y16", "framerate": f"{eyes.frame_hz:g}"}))
    else:
        while True:
            yield from paced(_by_number(eyes, _file(Path(rest))), 1.0, stopping)
            if not eyes.repeat or stopping.is_set():
                return


def _by_clock(eyes: Eyes, frames: Iterator[Counts]) -> Iterator[Second]:
    held: list[Counts] = []
    begun = time.monotonic()
    for frame in frames:
        if len(held) < FRAMES_MAX:
            held.append(frame)
        if time.monotonic() - begun >= 1.0:
            yield second(eyes, held)
            held, begun = [], time.monotonic()


def _by_number(eyes: Eyes, frames: Iterator[Counts]) -> Iterator[Second]:
    held: list[Counts] = []
    for frame in frames:
        held.append(frame)
        if len(held) >= round(eyes.frame_hz):
            yield second(eyes, held)
            held = []


def second(eyes: Eyes, held: list[Counts]) -> Second:
    """Frames of any size as one second."""
    counts = np.array([fitted(frame) for frame in held])
    celsius = counts.astype(np.float32) * np.float32(eyes.kelvin_per_count) + np.float32(eyes.offset_k - 273.15)
    return Second(celsius, counts, time.monotonic_ns())


def fitted(frame: Counts) -> Counts:
    """A frame at 160 × 120; larger ones are averaged over areas."""
    if frame.shape == (HEIGHT, WIDTH):
        return frame
    return np.asarray(cv2.resize(frame, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA), np.uint16)


def _video(name: str, options: dict[str, str]) -> Iterator[Counts]:
    with av.open(name, format="v4l2" if name.startswith("/dev/") else None, options=options) as container:
        if not container.streams.video:
            raise SourceError(f"{name} has no picture in it", Cause.DECODE, slow=True)
        stream = container.streams.video[0]
        if "16" not in (stream.format.name if stream.format else ""):
            found = stream.format.name if stream.format else "?"
            raise SourceError(
                f"{name} gives {found}, a thermal camera must give 16-bit grey (Y16)", Cause.DECODE, slow=True
            )
        for frame in container.decode(stream):
            yield np.asarray(frame.to_ndarray(format="gray16le"), np.uint16)


def _file(path: Path) -> Iterator[Counts]:
    """A recording: `.npy` of uint16 [n, height, width], or any container with 16-bit grey video."""
    if path.suffix != ".npy":
        yield from _video(str(path), {})
        return
    frames = np.load(path, mmap_mode="r", allow_pickle=False)
    if frames.ndim != 3 or frames.dtype != np.uint16 or not 0 < max(frames.shape[1:]) <= SIDE_MAX:
        raise SourceError(f"{path.name} must hold 16-bit counts [frames, height, width]", Cause.DECODE, slow=True)
    yield from (np.array(frame) for frame in frames)


def _over_udp(place: str, stopping: threading.Event) -> Iterator[Counts]:
    host, _, port = place.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        line.bind((host, int(port)))
        line.settimeout(WAIT_S)
        last = -1
        while not stopping.is_set():
            try:
                found = datagram(line.recv(DATAGRAM_MAX))
            except TimeoutError:
                raise SourceError(f"no thermal picture came for {WAIT_S:g} s") from None
            if found is not None and found[0] != last:
                last = found[0]
                yield found[1]


def datagram(data: bytes) -> tuple[int, Counts] | None:
    """Sequence and counts of a frame that came in one datagram; None where it is none."""
    if len(data) < _HEADER.size:
        return None
    magic, sequence, height, width, _ = _HEADER.unpack_from(data)
    if magic != MAGIC or not 0 < height <= SIDE_MAX or not 0 < width <= SIDE_MAX:
        return None
    if len(data) != _HEADER.size + 2 * height * width:
        return None
    counts = np.frombuffer(data, "<u2", offset=_HEADER.size).reshape(height, width).astype(np.uint16)
    return sequence, counts


def packed(sequence: int, counts: Counts) -> bytes:
    """A frame as a datagram."""
    return _HEADER.pack(MAGIC, sequence, *counts.shape, 0) + counts.astype("<u2").tobytes()
