"""The thread of one camera: opens it when it is due, reads it until it is lost, and is left behind where a library hangs."""

from __future__ import annotations

import logging
import threading
import time

from inference.cameras.latest import Latest
from inference.cameras.link import Link, Reason, State
from inference.cameras.ring import Packet
from inference.cameras.shot import Lost, Read, Seed, Shot, Taker

LOOK_S = 0.05
HUNG_MAX = 3  # threads that do not come back: then the worker is to be started anew

_log = logging.getLogger("gatehouse.camera")


class Hung(RuntimeError):
    """Too many connections hang inside a library."""


class Intake:
    """One camera. `watch` is called by the job's own thread, everything else happens in the camera's."""

    def __init__(self, name: str, read: Read, record: Taker | None = None) -> None:
        """`record` is given packets and pictures too, in the camera's thread."""
        self.name = name
        self.shots: Latest[Shot] = Latest()
        self.taken = 0  # pictures decoded since the start
        self._read, self._record = read, record
        self._link, self._lock = Link(), threading.Lock()
        self._life = 0  # of the connection; one that is older is given up
        self._hung = 0
        self._closing = False
        self._thread: threading.Thread | None = None

    def standing(self) -> tuple[State, Reason, int]:
        """State, why there is no picture, losses since the start."""
        with self._lock:
            return self._link.state, self._link.reason, self._link.losses

    def watch(self, now_ns: int) -> bool:
        """Start what is due, notice a stall; True where the camera was lost just now. Raises Hung."""
        with self._lock:
            stalled = self._link.watch(now_ns)
            if stalled:
                self._life += 1
            if not self._link.due(now_ns):
                return stalled
            self._life += 1
            life = self._life
        if self._thread is not None and self._thread.is_alive():
            self._hung += 1
            if self._hung > HUNG_MAX:
                raise Hung(f"{self.name}: {self._hung} connections hang")
        self._thread = threading.Thread(target=self._live, args=(life,), name=f"camera-{self.name}", daemon=True)
        self._thread.start()
        return stalled

    def close(self, within_s: float = 2.0) -> None:
        """Give the connection up; returns when its thread is gone or hangs."""
        self._closing = True
        with self._lock:
            self._life += 1
        if self._thread is not None:
            self._thread.join(within_s)

    def _live(self, life: int) -> None:
        """One connection."""
        try:
            self._read(_Door(self, life), lambda: self._life != life or self._closing)
        except Lost as lost:
            reason, detail = lost.reason, str(lost)
        except OSError as error:
            reason, detail = Reason.REFUSED, error.strerror or type(error).__name__
        else:
            reason, detail = Reason.ENDED, ""
        with self._lock:
            if self._life == life:
                self._link.failed(reason, time.monotonic_ns())
                _log.info("%s: %s %s", self.name, reason.name, detail)

    # called by _Door

    def current(self, life: int) -> bool:
        """Whether this connection still counts."""
        return self._life == life

    def took(self, shot: Shot) -> None:
        """A picture of the connection that counts."""
        with self._lock:
            self._link.picture(time.monotonic_ns())
        self.taken += 1
        self.shots.put(shot)

    @property
    def record(self) -> Taker | None:
        """Who is given everything."""
        return self._record


class _Door:
    """Lets through what the connection that counts brings: one that was given up may still be running."""

    def __init__(self, intake: Intake, life: int) -> None:
        self._intake, self._life = intake, life

    def opened(self, seed: Seed | None) -> None:
        if self._intake.record is not None and self._intake.current(self._life):
            self._intake.record.opened(seed)

    def packet(self, packet: Packet) -> None:
        if self._intake.record is not None and self._intake.current(self._life):
            self._intake.record.packet(packet)

    def picture(self, shot: Shot) -> None:
        if self._intake.current(self._life):
            if self._intake.record is not None:
                self._intake.record.picture(shot)
            self._intake.took(shot)
