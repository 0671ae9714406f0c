"""The evidence of one camera: its ring, the clip that is being written, and the bounds of what is kept."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from inference.cameras.clip import Clip
from inference.cameras.people import People
from inference.cameras.ring import Packet, Ring
from inference.cameras.shot import Seed, Shot
from inference.cameras.sidecar import SUFFIX, Asked, Sidecar, recover, retire

SECOND, MS = 1_000_000_000, 1_000_000
ASKING_NS = 2 * SECOND  # an alarm may reach us so late after its cause and is still covered
RING_BYTES = 64 << 20
CLIPS_MAX = 4  # written at once
RETIRE_NS = 3600 * SECOND  # clips grow old also where no alarm comes

_log = logging.getLogger("gatehouse.clips")


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is asked of the evidence of a camera. `clear_for`: rules whose clips show people as they are."""

    before_s: float = 10.0
    after_s: float = 10.0
    days: float = 30.0
    bytes_max: int = 2 << 30
    clear_for: Collection[str] = ()


class Evidence:
    """Taker of one camera. `packet` and `opened` come from the camera's thread, `ask` from the job's."""

    def __init__(self, source: str, folder: Path, bounds: Bounds) -> None:
        self.people = People()
        self._source, self._folder, self._bounds = source, folder, bounds
        self._ring = Ring(int(bounds.before_s * SECOND) + ASKING_NS, RING_BYTES)
        self._lock = threading.Lock()
        self._seed: Seed | None = None
        self._clips: list[Clip] = []  # being written: with people hidden, as seen, or still on the way to the disk
        self.written = 0
        self._retired_ns = 0

    def prepare(self) -> None:
        """Take up what an earlier run left. Raises OSError."""
        self._folder.mkdir(parents=True, exist_ok=True)
        recover(self._folder)
        retire(self._folder, self._bounds.days, self._bounds.bytes_max)
        self._retired_ns = time.monotonic_ns()

    @property
    def seconds(self) -> float:
        """How much the ring holds."""
        with self._lock:
            return self._ring.seconds

    @property
    def size(self) -> int:
        """Bytes in the ring."""
        return self._ring.size

    def opened(self, seed: Seed | None) -> None:
        """Another connection: another stream."""
        with self._lock:
            self._ring.clear()
            self._seed = seed
            for clip in self._clips:
                clip.lost()

    def packet(self, packet: Packet) -> None:
        """One encoded picture."""
        with self._lock:
            self._ring.add(packet)
            for clip in self._clips:
                clip.feed(packet)

    def picture(self, shot: Shot) -> None:
        """Decoded pictures are not kept."""

    def ask(self, asked: Asked, now_ns: int) -> bool:
        """Begin a clip, or extend the one that is being written; False where there is nothing to show."""
        until_ns = now_ns + int(self._bounds.after_s * SECOND)
        clear = asked.rule in self._bounds.clear_for
        with self._lock:
            alike = [clip for clip in self._clips if clear == (clip.told.people == "as seen")]
            if any(clip.extend(asked, until_ns) for clip in alike):
                return True
            packets = self._ring.since(now_ns - int(self._bounds.before_s * SECOND))
            if not packets or self._seed is None or len(self._clips) >= CLIPS_MAX:
                return False
            told = self._told(asked, packets[0], now_ns, clear=clear)
            clip = Clip(self._folder, told, self._seed, packets, until_ns, None if clear else self.people)
            self._clips.append(clip)
            clip.start()
        return True

    def _told(self, asked: Asked, first: Packet, now_ns: int, *, clear: bool) -> Sidecar:
        begin_ms = asked.utc_ms - (now_ns - first.at_ns) // MS
        stamp = datetime.fromtimestamp(asked.utc_ms / 1000, UTC)
        name = f"{stamp:%Y%m%dT%H%M%S}{asked.utc_ms % 1000:03d}Z-{self._source}-{asked.rule}{SUFFIX}"
        return Sidecar(
            self._source,
            name,
            [asked],
            "as seen" if clear else "blurred",
            begin_ms,
            event_utc_ms=asked.utc_ms,
            before_s=self._bounds.before_s,
            after_s=self._bounds.after_s,
        )

    def tend(self) -> None:
        """Now and then: what is finished is counted, what is too old goes."""
        with self._lock:
            done = [clip for clip in self._clips if not clip.is_alive()]
            self._clips = [clip for clip in self._clips if clip not in done]
        now_ns = time.monotonic_ns()
        if not done and now_ns - self._retired_ns < RETIRE_NS:
            return
        self.written += sum(bool(clip.told.sha256) for clip in done)
        self._retired_ns = now_ns
        try:
            retire(self._folder, self._bounds.days, self._bounds.bytes_max)
        except OSError as error:
            _log.error("old clips of %s stay: %s", self._source, error)

    def close(self, within_s: float = 3.0) -> None:
        """End the clips that are being written."""
        for clip in self._clips:
            clip.lost()
        for clip in self._clips:
            clip.join(within_s)
