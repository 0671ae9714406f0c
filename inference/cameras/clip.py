"""One clip: written by a thread of its own while the camera goes on, from the ring's packets to a file that plays.

As seen: the packets as they came. Blurred: decoded, people hidden, encoded anew with a free codec; at most `BLURRED_FPS` pictures a second.
"""

from __future__ import annotations

import io
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
import av.error
import msgspec

from inference.cameras.people import People, hide
from inference.cameras.ring import Packet
from inference.cameras.shot import Seed
from inference.cameras.sidecar import PART, Asked, Lack, Sidecar, beside, encode, finish, store

SECOND = 1_000_000_000
MS = 1_000_000
CLOCK = Fraction(1, 90_000)
WAITING_BYTES = 64 << 20  # packets that were not written yet; more, and the disk or the processor is too slow
LONGEST_NS = 120 * SECOND  # of one clip, however many alarms extend it
LATE_NS = 2 * SECOND  # so long after its end a clip waits for the packet that ends it
SETTLE_NS = 700 * MS  # people are hidden from detections on both sides, so the last pictures wait for theirs
BLURRED_FPS = 13
NICE = 5
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
FREE_CODECS = ("libvpx-vp9", "mpeg4")  # BSD and LGPL; x264 is never used to write
FAST = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0", "row-mt": "0"}

_log = logging.getLogger("gatehouse.clips")


class Writer(Protocol):
    """Takes packets in order."""

    pictures: int

    def write(self, packet: Packet) -> None: ...

    def close(self) -> None: ...


class _Copy:
    """Packets as they came."""

    def __init__(self, output: Any, seed: Seed, began: int) -> None:
        self._output, self._began, self.pictures = output, began, 0
        self._template = av.open(io.BytesIO(seed.data), format=seed.format)
        self._stream = output.add_stream_from_template(self._template.streams.video[0], opaque=True)

    def write(self, packet: Packet) -> None:
        one = av.Packet(packet.data)
        one.stream, one.time_base = self._stream, Fraction(1, SECOND)
        one.pts, one.dts, one.is_keyframe = packet.pts - self._began, packet.dts - self._began, packet.key
        self._output.mux(one)
        self.pictures += 1

    def close(self) -> None:
        self._template.close()


class _Blurred:
    """Decoded, people hidden, encoded anew."""

    def __init__(self, output: Any, seed: Seed, began: int, people: People) -> None:
        self._output, self._began, self._people, self.pictures = output, began, people, 0
        with av.open(io.BytesIO(seed.data), format=seed.format) as template:
            given = template.streams.video[0].codec_context
            self._decoder: Any = av.CodecContext.create(given.name, "r")
            self._decoder.extradata = given.extradata
            size = given.width, given.height
        codec = next(name for name in FREE_CODECS if name in av.codecs_available)
        self._stream = output.add_stream(codec, rate=BLURRED_FPS, options=FAST if codec == FREE_CODECS[0] else {})
        self._stream.width, self._stream.height = (side // 2 * 2 for side in size)
        self._stream.pix_fmt, self._stream.time_base = "yuv420p", CLOCK
        self._stream.codec_context.time_base = CLOCK
        self._stream.bit_rate = max(400_000, size[0] * size[1] * 2)
        self._stream.codec_context.gop_size = BLURRED_FPS * 2
        self._times: dict[int, int] = {}  # pts of a packet -> when it was captured
        self._due, self._last = 0, -1

    def write(self, packet: Packet) -> None:
        one = av.Packet(packet.data)
        one.time_base = Fraction(1, SECOND)
        one.pts, one.dts = packet.pts, packet.dts
        self._times[packet.pts] = packet.at_ns
        try:
            frames = self._decoder.decode(one)
        except av.error.InvalidDataError:
            return
        for frame in frames:
            self._frame(frame)

    def _frame(self, frame: Any) -> None:
        pts = frame.pts if frame.pts is not None else max(self._times)
        at_ns = self._times.get(pts, 0)
        for old in [key for key in self._times if key <= pts]:
            del self._times[old]
        since = pts - self._began
        if since < self._due:
            return
        self._due = max(self._due, since - SECOND // BLURRED_FPS // 2) + SECOND // BLURRED_FPS
        pixels = hide(frame.to_ndarray(format="bgr24"), self._people.at(at_ns) if at_ns else None)
        out = av.VideoFrame.from_ndarray(pixels[: self._stream.height, : self._stream.width].copy(), format="bgr24")
        self._last = max(self._last + 1, since * CLOCK.denominator // SECOND)
        out.pts, out.time_base = self._last, CLOCK
        self._output.mux(self._stream.encode(out))
        self.pictures += 1

    def close(self) -> None:
        for frame in self._decoder.decode(None):
            self._frame(frame)
        self._output.mux(self._stream.encode(None))


class Clip(threading.Thread):
    """One clip of one connection. `until_ns` moves when another alarm overlaps."""

    def __init__(
        self,
        folder: Path,
        told: Sidecar,
        seed: Seed,
        packets: Sequence[Packet],
        until_ns: int,
        people: People | None,
    ) -> None:
        """`told`: what is known beforehand; `people`: None = as seen."""
        super().__init__(name="clip", daemon=True)
        self.told = told
        self.until_ns = until_ns
        self._part = folder / (told.file + PART)
        self._seed, self._people = seed, people
        self._waiting: deque[Packet] = deque()
        self._waiting_bytes = 0
        self._changed = threading.Condition()
        self._began_ns, self._end_ns = packets[0].at_ns, packets[0].at_ns
        self._ended = self._overloaded = False
        for packet in packets:
            self._wait(packet)

    @property
    def open(self) -> bool:
        """Whether it still takes packets."""
        return not self._ended

    def feed(self, packet: Packet) -> None:
        """The next packet of the camera."""
        with self._changed:
            if self._ended:
                return
            if self._waiting_bytes > WAITING_BYTES:
                self._overloaded = self._ended = True
            else:
                self._wait(packet)
                self._ended = packet.at_ns >= self.until_ns
            self._changed.notify()

    def _wait(self, packet: Packet) -> None:
        self._waiting.append(packet)
        self._waiting_bytes += len(packet.data)
        self._end_ns = packet.at_ns

    def extend(self, asked: Asked, until_ns: int) -> bool:
        """Another alarm overlaps; False where this clip is over or long enough."""
        with self._changed:
            if self._ended or until_ns - self._began_ns > LONGEST_NS:
                return False
            self.until_ns = max(self.until_ns, until_ns)
            self.told = msgspec.structs.replace(self.told, asked=[*self.told.asked, asked])
            return True

    def lost(self) -> None:
        """The camera is gone: what there is is the clip."""
        with self._changed:
            self._ended = True
            self._changed.notify()

    def run(self) -> None:
        """Write it. What the disk or the library refuses is logged; the camera goes on."""
        try:
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICE)  # of this thread alone, on Linux
            store(beside(self._part), encode(self.told))
            pictures, size, codec = self._write()
            self.told = finish(self._part, self._account(pictures, size, codec))
            _log.info("%s: %d pictures", self.told.file, pictures)
        except (OSError, ValueError, av.error.FFmpegError) as error:
            self._ended = True
            _log.error("clip %s was not written: %s", self.told.file, error)

    def _write(self) -> tuple[int, tuple[int, int], str]:
        with av.open(str(self._part), "w", format="mp4", options=FRAGMENTED) as output:
            began = self._waiting[0].dts
            writer: Writer = (
                _Copy(output, self._seed, began)
                if self._people is None
                else _Blurred(output, self._seed, began, self._people)
            )
            while (packet := self._next()) is not None:
                writer.write(packet)
            writer.close()
            stream = output.streams.video[0]
            context = stream.codec_context
            size, codec = (context.width, context.height), context.codec.canonical_name
        return writer.pictures, size, codec

    def _next(self) -> Packet | None:
        """The next packet that may be written; None at the end."""
        while True:
            with self._changed:
                now_ns = time.monotonic_ns()
                if not self._ended and now_ns > self.until_ns + LATE_NS:
                    self._ended = True
                if self._waiting:
                    settled = self._people is None or now_ns - self._waiting[0].at_ns >= SETTLE_NS
                    if settled:
                        packet = self._waiting.popleft()
                        self._waiting_bytes -= len(packet.data)
                        return packet
                elif self._ended:
                    return None
                self._changed.wait(0.1)

    def _account(self, pictures: int, size: tuple[int, int], codec: str) -> Sidecar:
        told, lacks = self.told, list[Lack]()
        spare_ms = (self._end_ns - self._began_ns) // MS
        if told.begin_utc_ms > told.event_utc_ms - told.before_s * 1000:
            lacks.append("just-connected")
        if self._end_ns < self.until_ns:
            lacks.append("overloaded" if self._overloaded else "camera-lost")
        return msgspec.structs.replace(
            told,
            end_utc_ms=told.begin_utc_ms + spare_ms,
            pictures=pictures,
            width=size[0],
            height=size[1],
            codec=codec,
            whole=not lacks,
            lacks=lacks,
        )
