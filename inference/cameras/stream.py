"""Network cameras and video files through PyAV: one thread that decodes everything and keeps nothing waiting.

Low delay, slice threads (frame threads would hold back a picture each), the smallest analysis of the stream, and its own time limits.
"""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import av
import av.error
from av.codec.context import Flags, ThreadType

from inference.cameras.link import OPEN_NS, STALL_NS, Reason
from inference.cameras.pace import Pace
from inference.cameras.ring import Packet
from inference.cameras.shot import PIXELS_MAX, Lost, Over, Seed, Shot, Taker

SECOND = 1_000_000_000
BEHIND_NS = SECOND  # what is older than this when it is read is not decoded: on to the next key frame
THREADS = 2
RAW = {"h264": "h264", "hevc": "hevc"}  # codecs whose raw form tells everything

_REASONS: tuple[tuple[type[BaseException], Reason], ...] = (
    (av.error.HTTPUnauthorizedError, Reason.PASSWORD),
    (av.error.HTTPForbiddenError, Reason.PASSWORD),
    (av.error.HTTPClientError, Reason.NOT_FOUND),
    (av.error.FileNotFoundError, Reason.NOT_FOUND),
    (av.error.PermissionError, Reason.NOT_FOUND),
    (av.error.EOFError, Reason.ENDED),
    (av.error.ExitError, Reason.SILENT),
    (av.error.TimeoutError, Reason.SILENT),
    (av.error.InvalidDataError, Reason.UNDECODABLE),
    (av.error.LookupError, Reason.UNDECODABLE),
    (av.error.PatchWelcomeError, Reason.UNDECODABLE),
)


def reason_of(error: BaseException) -> Reason:
    """What an error of FFmpeg means for people."""
    return next((reason for kind, reason in _REASONS if isinstance(error, kind)), Reason.REFUSED)


@dataclass(frozen=True, slots=True)
class Address:
    """Where the pictures come from. `loop`: a file begins anew at its end."""

    url: str
    password: str = ""
    transport: str = "tcp"
    loop: bool = False

    @property
    def network(self) -> bool:
        """Whether it is a camera on the network."""
        return urlsplit(self.url).scheme in ("rtsp", "rtsps")

    def whole(self) -> str:
        """With the password in it: for FFmpeg alone, never for a log."""
        parts = urlsplit(self.url)
        if not self.password or "@" not in parts.netloc:
            return self.url
        user, _, host = parts.netloc.rpartition("@")
        return urlunsplit(parts._replace(netloc=f"{user.partition(':')[0]}:{quote(self.password, safe='')}@{host}"))


def _options(address: Address) -> dict[str, str]:
    if not address.network:
        return {"protocol_whitelist": "file", "format_whitelist": "mov,matroska,mpegts,avi,h264,hevc,mpeg,flv"}
    return {
        "protocol_whitelist": "rtsp,rtsps,rtp,rtcp,tcp,udp,tls,crypto",
        "rtsp_transport": address.transport,
        "fflags": "nobuffer",
        "analyzeduration": "500000",  # in microseconds of the stream
        "probesize": "1000000",
        "reorder_queue_size": "0" if address.transport == "tcp" else "100",
    }


def read(address: Address, taker: Taker, over: Over) -> None:
    """Read one connection until `over`. Raises Lost when it ends or cannot be made."""
    limits = (OPEN_NS / SECOND, STALL_NS / SECOND) if address.network else (None, None)
    try:
        with av.open(address.whole(), options=_options(address), timeout=limits) as container:
            if not container.streams.video:
                raise Lost(Reason.UNDECODABLE, "no video in it")
            _Reading(container, address, taker).run(over)
    except av.error.FFmpegError as error:
        raise Lost(reason_of(error), error.strerror or type(error).__name__) from None
    raise Lost(Reason.ENDED)


class _Reading:
    """One connection."""

    def __init__(self, container: Any, address: Address, taker: Taker) -> None:
        self._container, self._taker = container, taker
        self._live, self._loop = address.network, address.loop
        self._stream = container.streams.video[0]
        context = self._stream.codec_context
        context.thread_type, context.thread_count = ThreadType.SLICE, THREADS
        context.flags |= Flags.low_delay
        self._pace = Pace()
        self._number = 0
        self._skipping = False
        self._shift = 0  # ns added to the time of a file that was begun anew
        self._last = -1  # dts of the packet before, in ns
        self._begun_ns = 0

    def run(self, over: Over) -> None:
        first = True
        while not over():
            for packet in self._container.demux(self._stream):
                if over():
                    return
                if not packet.size:
                    continue
                if first:
                    self._taker.opened(self._seed(packet))
                    first = False
                self._one(packet)
            if not self._loop or self._number == 0:
                raise Lost(Reason.ENDED)
            self._container.seek(0)
            self._stream.codec_context.flush_buffers()
            self._shift = self._last + SECOND // 25

    def _seed(self, packet: Any) -> Seed | None:
        """What a clip of this stream needs to begin with."""
        context = self._stream.codec_context
        extra = bytes(context.extradata or b"")
        if context.name in RAW and extra[:1] != b"\1":  # Annex B, as it comes from the network
            return Seed(RAW[context.name], extra + bytes(packet))
        file = io.BytesIO()
        with av.open(file, "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}) as output:
            try:
                output.add_stream_from_template(self._stream)
            except ValueError:  # a codec that MP4 does not carry: pictures yes, clips no
                return None
            output.start_encoding()
        return Seed("mp4", file.getvalue())

    def _times(self, packet: Any) -> tuple[int, int]:
        """pts and dts in ns, dts always growing."""
        base = packet.time_base
        stamp = packet.pts if packet.pts is not None else packet.dts
        pts = (self._last + SECOND // 25 if stamp is None else int(stamp * base * SECOND)) + (
            0 if stamp is None else self._shift
        )
        dts = pts if packet.dts is None else int(packet.dts * base * SECOND) + self._shift
        self._last = max(dts, self._last + 1)
        return max(pts, self._last), self._last

    def _one(self, packet: Any) -> None:
        """A packet to the ring, its picture to the slot."""
        pts, dts = self._times(packet)
        now_ns = time.monotonic_ns()
        if self._live:
            at_ns = self._pace.captured(pts, now_ns)
        else:
            at_ns = self._played(pts, now_ns)
            now_ns = at_ns
        self._taker.packet(Packet(bytes(packet), at_ns, pts, dts, packet.is_keyframe))
        if self._behind(now_ns - at_ns, packet.is_keyframe):
            return
        for frame in self._decode(packet):
            if frame.width * frame.height > PIXELS_MAX:
                raise Lost(Reason.TOO_LARGE, f"{frame.width} x {frame.height}")
            self._taker.picture(Shot(at_ns, self._number, frame.width, frame.height, frame))
            self._number += 1

    def _behind(self, age_ns: int, key: bool) -> bool:
        """Whether to leave this packet out: decoding is too slow for this camera, and the newest picture is what counts."""
        if self._skipping and key:
            self._skipping = age_ns > BEHIND_NS * 3
            self._stream.codec_context.flush_buffers()
        elif age_ns > BEHIND_NS and not key:
            self._skipping = True
        return self._skipping

    def _decode(self, packet: Any) -> list[Any]:
        try:
            return list(packet.decode())
        except av.error.InvalidDataError:
            return []  # a damaged picture: the next key frame mends it, and silence is noticed by the watchdog

    def _played(self, pts: int, now_ns: int) -> int:
        """A file is played in its own time: waits until the picture is due."""
        if not self._begun_ns:
            self._begun_ns = now_ns - pts
        due_ns = self._begun_ns + pts
        if due_ns > now_ns:
            time.sleep(min(due_ns - now_ns, SECOND) / SECOND)
        elif now_ns - due_ns > BEHIND_NS:
            self._begun_ns, due_ns = now_ns - pts, now_ns
        return due_ns
