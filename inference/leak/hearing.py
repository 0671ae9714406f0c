"""Microphones: ALSA devices, recordings, and RTP over UDP, each as seconds of pressure in Pa with what the self-test found."""

from __future__ import annotations

import math
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

import av
import numpy as np
from numpy.typing import NDArray

from gateway.core.errors import SourceError
from gateway.core.tags import Cause
from inference.leak.bands import RATES_HZ
from inference.leak.feed import paced
from inference.leak.layout import REFERENCE_PA, Floats
from inference.leak.rtp import DATAGRAM_MAX, Stream

CLIPPED = 0.985  # of full scale
WAIT_S = 1.0
QUIET_DB = 12.0  # broadband level below which no microphone's own noise is: something is unplugged
TONE_PARTS = 8  # a test tone is looked for in eighths of a second


@dataclass(frozen=True, slots=True)
class Ears:
    """How a microphone is reached and read: `full_scale_db` is the level of a sine that just reaches full scale."""

    address: str
    rate_hz: int
    full_scale_db: float
    channel: int = 0
    channels: int = 1
    coding: str = "L16"
    repeat: bool = False
    tone_hz: float = 0.0  # of a sounder that tests the microphone, 0 = there is none
    tone_db: float = 0.0
    tone_every_s: float = 3600.0

    @property
    def pascal(self) -> float:
        """Pressure of full scale."""
        return float(REFERENCE_PA * 10.0 ** (self.full_scale_db / 20.0) * math.sqrt(2.0))


@dataclass(slots=True)
class Second:
    """One second of sound in Pa, and CLOCK_MONOTONIC of its last sample. `lost`: samples the network kept."""

    pressure: Floats
    captured_ns: int
    clipped: float
    level_db: float
    lost: int = 0


def seconds(ears: Ears, stopping: threading.Event) -> Iterator[Second]:
    """The microphone as a stream of seconds. Raises SourceError, OSError or av.FFmpegError."""
    kind, _, rest = ears.address.partition(":")
    if kind == "udp":
        yield from _over_udp(ears, rest, stopping)
    elif kind == "alsa":
        yield from _chunks(ears, _decoded(ears, rest, alsa=True), 0)
    else:
        while True:
            yield from paced(_chunks(ears, _decoded(ears, rest, alsa=False), 0), 1.0, stopping)
            if not ears.repeat or stopping.is_set():
                return


def _decoded(ears: Ears, name: str, *, alsa: bool) -> Iterator[Floats]:
    """Samples −1 to 1 of one channel as the device or file gives them."""
    options = {"sample_rate": str(ears.rate_hz), "channels": str(ears.channels)} if alsa else {}
    with av.open(name, format="alsa" if alsa else None, options=options) as container:
        if not container.streams.audio:
            raise SourceError(f"{name} has no sound in it", Cause.DECODE, slow=True)
        stream = container.streams.audio[0]
        if stream.rate != ears.rate_hz:
            raise SourceError(
                f"{name} gives {stream.rate} Hz, the site says rate_hz = {ears.rate_hz}", Cause.DECODE, slow=True
            )
        if ears.channel >= stream.channels:
            raise SourceError(
                f"{name} has {stream.channels} channels, the site asks for number {ears.channel}",
                Cause.DECODE,
                slow=True,
            )
        resampler = av.AudioResampler(format="fltp")
        for frame in container.decode(stream):
            for part in resampler.resample(frame):
                yield np.asarray(part.to_ndarray()[ears.channel], np.float32)


def _chunks(ears: Ears, samples: Iterator[Floats], lost: int) -> Iterator[Second]:
    """Whole seconds."""
    held: list[Floats] = []
    count = 0
    for part in samples:
        held.append(part)
        count += len(part)
        while count >= ears.rate_hz:
            whole = np.concatenate(held)
            yield second(ears, whole[: ears.rate_hz], lost)
            held, count = [whole[ears.rate_hz :]], count - ears.rate_hz


def second(ears: Ears, samples: NDArray[np.float32], lost: int = 0) -> Second:
    """Samples of one second with what can be said of them at once."""
    steady = samples - samples.mean()
    pressure = steady * np.float32(ears.pascal)
    power = float(np.mean(pressure * pressure))
    level = 10.0 * math.log10(max(power, 1e-20) / REFERENCE_PA**2)
    clipped = float(np.mean(np.abs(samples) >= CLIPPED))
    return Second(pressure, time.monotonic_ns(), clipped, level, lost)


def _over_udp(ears: Ears, place: str, stopping: threading.Event) -> Iterator[Second]:
    host, _, port = place.rpartition(":")
    stream = Stream(ears.coding, ears.channels, ears.channel)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        line.bind((host, int(port)))
        line.settimeout(WAIT_S)
        for found in _chunks(ears, _packets(line, stream, stopping), 0):
            found.lost = stream.lost
            yield found


def _packets(line: socket.socket, stream: Stream, stopping: threading.Event) -> Iterator[Floats]:
    while not stopping.is_set():
        try:
            data = line.recv(DATAGRAM_MAX)
        except TimeoutError:
            hint = f"; {stream.refused} packets were no {stream.coding} sound" if stream.refused else ""
            raise SourceError(f"no sound came for {WAIT_S:g} s{hint}") from None
        samples = stream.packet(data)
        if samples is not None:
            yield samples


class SelfTest:
    """Whether the microphone can be believed: silence, overload, and the sounder's tone where there is one."""

    def __init__(self, ears: Ears) -> None:
        self._ears = ears
        self._best_db = -math.inf
        self._tone_s = 0.0
        self.error_db = 0.0  # of the sounder's level, as last heard
        self.tone_heard = True
        if ears.tone_hz:
            part = ears.rate_hz // TONE_PARTS
            turn = np.exp(-2j * np.pi * ears.tone_hz / ears.rate_hz * np.arange(part))
            self._turn = (turn * np.hanning(part) / (np.hanning(part).sum() / math.sqrt(2.0))).astype(np.complex64)

    def second(self, heard: Second) -> str:
        """ "" where it is in order, else one of silent, clipped, tone."""
        if self._ears.tone_hz:
            self._listen(heard.pressure)
        if heard.level_db < QUIET_DB:
            return "silent"
        if heard.clipped > 0.01:
            return "clipped"
        return "" if self.tone_heard and abs(self.error_db) <= 6.0 else "tone"

    def _listen(self, pressure: Floats) -> None:
        """The sounder is to be heard once in `tone_every_s`: the loudest eighth of a second at its frequency is its level."""
        part = len(self._turn)
        blocks = pressure[: TONE_PARTS * part].reshape(-1, part)
        amplitude = float(np.abs(blocks @ self._turn).max(initial=1e-9))
        self._best_db = max(self._best_db, 20.0 * math.log10(amplitude / REFERENCE_PA))
        self._tone_s += 1.0
        if self._tone_s >= self._ears.tone_every_s * 1.1:
            self.error_db = self._best_db - self._ears.tone_db
            self.tone_heard = abs(self.error_db) <= 20.0
            self._tone_s, self._best_db = 0.0, -math.inf


__all__ = ["RATES_HZ", "Ears", "Second", "SelfTest", "second", "seconds"]
