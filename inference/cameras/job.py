"""The job of one camera in the worker: pictures in, values out; evidence and snapshots beside it.

Entry of the worker: `inference.cameras.job:Job`. Its settings are `inference.cameras.orders.Camera` as a dict.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np

from gateway.core.errors import SourceError
from gateway.core.tags import Cause
from inference.cameras.evidence import Bounds, Evidence
from inference.cameras.found import PERSON
from inference.cameras.health import Fault, Grey, Health, Repeats, small
from inference.cameras.intake import Intake
from inference.cameras.link import State, cause
from inference.cameras.local import read_folder, read_usb
from inference.cameras.orders import Camera, Clip, Order, Snapshot, order
from inference.cameras.people import hide
from inference.cameras.protection import ITEMS
from inference.cameras.shot import Over, Read, Shot, Taker
from inference.cameras.sidecar import Asked
from inference.cameras.sight import HIDE, ModelSight, Sight, calibrated
from inference.cameras.stream import Address, read
from inference.cameras.votes import Rule
from inference.cameras.zones import Watch, ZoneSpec, names

SECOND, MS = 1_000_000_000, 1_000_000
TICK_S = 0.05  # how often time alone is looked at
SIGN_NS = SECOND // 2  # a camera without pictures says so this often
ORDERS_MAX = 32
BLIND = Fault.DARK | Fault.COVERED | Fault.DEFOCUSED | Fault.MOVED | Fault.FROZEN
JPEG_QUALITY = 85
ZONE_COLOUR = (0, 200, 255)  # blue, green, red

_log = logging.getLogger("gatehouse.camera")

Emit = Callable[[Mapping[str, float], int], None]
Show = Callable[[Any, int], object]


class Job:
    """One camera. `show` is set by the worker; `tell` may be called by any thread."""

    pictures = True
    show: Show | None = None

    def __init__(self, settings: dict[str, Any]) -> None:
        self.given = msgspec.convert(settings, Camera)
        self._orders: deque[Order] = deque(maxlen=ORDERS_MAX)
        self._emit: Emit = lambda _values, _captured_ns: None
        self._answered = 0.0  # the number of the last snapshot order that was answered

    def tell(self, what: dict[str, Any]) -> None:
        """An order of the daemon. Raises msgspec.ValidationError."""
        self._orders.append(order(what))

    def sight(self) -> Sight:
        """The detector. Raises SourceError."""
        given = self.given
        model, own = Path(given.model), dict(given.thresholds)
        if given.calibration:
            own = calibrated(Path(given.calibration), model) | own
        return ModelSight(model, given.provider, given.threads, own)

    def run(self, emit: Emit, stopping: threading.Event) -> None:
        """Until stopping. Raises SourceError, OSError, Hung."""
        self._emit = emit
        sight = self.sight()
        _check_classes(self.given, sight)
        watching = _Watching(self.given, sight)
        intake = Intake(self.given.name, _reader(self.given), watching.evidence)
        if watching.evidence is not None:
            watching.evidence.prepare()
        try:
            self._watch(intake, watching, stopping)
        finally:
            intake.close()
            if watching.evidence is not None:
                watching.evidence.close()

    def _watch(self, intake: Intake, watching: _Watching, stopping: threading.Event) -> None:
        pause_ns, next_ns, signed_ns = int(SECOND / self.given.fps), 0, 0
        while not stopping.is_set():
            now_ns = time.monotonic_ns()
            if intake.watch(now_ns) or intake.standing()[0] is not State.LIVE:
                watching.forget()
            self._obey(intake, watching)
            wait_s = max(0.0, (next_ns - now_ns) / SECOND)
            if wait_s > TICK_S:
                stopping.wait(TICK_S)
                shot = None
            else:
                stopping.wait(wait_s)
                shot = intake.shots.take(TICK_S)
            now_ns = time.monotonic_ns()
            if shot is not None:
                next_ns = max(next_ns + pause_ns, now_ns - pause_ns)
                values = watching.picture(shot, intake)
                self._say(values, shot.captured_ns, intake, watching)
                signed_ns = now_ns
            elif watching.tick(now_ns) or now_ns - signed_ns >= SIGN_NS:
                self._say(watching.values, watching.captured_ns or now_ns, intake, watching)
                signed_ns = now_ns

    def _say(self, values: dict[str, float], captured_ns: int, intake: Intake, watching: _Watching) -> None:
        state, reason, losses = intake.standing()
        live = state is State.LIVE
        health = watching.health_values(live)
        told = {key: value if live and not watching.fault & BLIND else math.nan for key, value in values.items()}
        why = Cause.NONE if live else cause(reason)
        if live and watching.fault & BLIND:
            why = Cause.FROZEN if watching.fault & Fault.FROZEN else Cause.DEVICE
        told |= health | {
            "connected": float(live),
            "reason": float(reason),
            "losses": float(losses),
            "provider": watching.sight.provider,
            "fps": watching.fps if live else 0.0,
            "ms": watching.ms,
            "clips": float(watching.evidence.written) if watching.evidence else 0.0,
            "ring_s": watching.evidence.seconds if watching.evidence else 0.0,
            "snapshot": self._answered,
            "cause": float(why),
        }
        self._emit(told, captured_ns if live else time.monotonic_ns())

    def _obey(self, intake: Intake, watching: _Watching) -> None:
        while self._orders:
            one = self._orders.popleft()
            if isinstance(one, Clip) and watching.evidence is not None:
                asked = Asked(one.rule, one.kind, one.id, one.utc_ms)
                if not watching.evidence.ask(asked, min(one.at_ns or time.monotonic_ns(), time.monotonic_ns())):
                    _log.warning("%s: no clip of %s, nothing is kept yet", self.given.name, one.rule)
            elif isinstance(one, Snapshot):
                self._snapshot(one, watching)
        if watching.evidence is not None:
            watching.evidence.tend()

    def _snapshot(self, one: Snapshot, watching: _Watching) -> None:
        """The last picture with people hidden, as JPEG bytes in the ring of pictures."""
        pixels = watching.shown(zones=one.zones)
        if pixels is None or self.show is None:
            return
        ok, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if ok:
            self.show(np.ascontiguousarray(data).reshape(1, -1, 1), watching.captured_ns)
            self._answered = float(one.number)


def _check_classes(given: Camera, sight: Sight) -> None:
    """Raises SourceError where the model does not know what the zones ask for: silence about helmets is no answer."""
    asked = {PERSON} | {
        label for zone in given.zones for name in zone.ppe for label in (ITEMS[name].worn, ITEMS[name].missing)
    }
    missing = sorted(asked - set(sight.least))
    if missing:
        raise SourceError(
            f"the model does not know {', '.join(missing)}; it knows {', '.join(sight.least)}", Cause.DEVICE, slow=True
        )


def _reader(given: Camera) -> Read:
    """How this kind of camera is read."""
    if given.kind == "usb":
        return lambda taker, over: read_usb(given.url, taker, over, given.size)
    if given.kind == "folder":
        return lambda taker, over: read_folder(Path(given.url), given.fps, given.repeat, taker, over)
    address = Address(given.url, given.password, given.transport, given.repeat)

    def stream(taker: Taker, over: Over) -> None:
        read(address, taker, over)

    return stream


class _Watching:
    """What is seen: detections, zones, health."""

    def __init__(self, given: Camera, sight: Sight) -> None:
        self.sight, self.given = sight, given
        zones = [
            ZoneSpec(one.name, [(x, y) for x, y in one.polygon], one.ppe, Rule(one.m, one.n, one.cap_ms, one.hold_ms))
            for one in given.zones
        ]
        drawn = given.picture if given.picture[0] else (1, 1)
        self._watch = Watch(zones, drawn, sight.least)
        self._health = Health(Repeats(int(given.frozen_s * SECOND)), _reference(given.reference))
        self.evidence: Evidence | None = None
        if given.folder:
            asked = given.evidence
            bounds = Bounds(asked.before_s, asked.after_s, asked.days, asked.bytes_max, frozenset(asked.clear_for))
            self.evidence = Evidence(given.name, Path(given.folder), bounds)
        self.values = dict.fromkeys(names(zones), math.nan)
        self.captured_ns = 0
        self.fault = Fault.NONE
        self.ms = 0.0
        self._known = False
        self._shot: Shot | None = None
        self._people = np.zeros((0, 4), np.float32)
        self._times: deque[int] = deque(maxlen=20)

    @property
    def fps(self) -> float:
        """Pictures looked at in a second."""
        span = self._times[-1] - self._times[0] if len(self._times) > 1 else 0
        return (len(self._times) - 1) * SECOND / span if span else 0.0

    def picture(self, shot: Shot, _intake: Intake) -> dict[str, float]:
        """Look at one picture."""
        began = time.perf_counter()
        self.fault = self._health.picture(small(shot.grey()), shot.captured_ns)
        pixels = shot.pixels()
        found = self.sight.look(pixels)
        size = shot.width, shot.height
        self.values = self._watch.picture(found, size, shot.captured_ns)
        self._people = found.of(PERSON, HIDE).boxes
        if self.evidence is not None and self.sight.hides:
            self.evidence.people.found(self._people, size, shot.captured_ns)
        self.ms = (time.perf_counter() - began) * 1e3
        self.captured_ns, self._shot, self._known = shot.captured_ns, shot, True
        self._times.append(time.monotonic_ns())
        return self.values

    def tick(self, now_ns: int) -> bool:
        """Whether time alone changed a value."""
        if not self._known:
            return False
        told = self._watch.tick(now_ns)
        changed = any(self.values.get(key) != value for key, value in told.items())
        self.values |= told
        return changed

    def forget(self) -> None:
        """The camera was lost: what was seen is no longer so."""
        if not self._known:
            return
        self._watch.forget()
        self._health.forget()
        self._times.clear()
        self.fault, self._known, self._shot = Fault.NONE, False, None

    def health_values(self, live: bool) -> dict[str, float]:
        """1 = something is wrong; unknown without pictures."""
        faults = [one for one in Fault if one is not Fault.NONE]
        return {
            f"health.{one.name.lower()}": float(bool(self.fault & one)) if live else math.nan
            for one in faults
            if one.name
        }

    def shown(self, *, zones: bool) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
        """The last picture with people hidden, and the zones drawn in it."""
        shot = self._shot
        if shot is None:
            return None
        scale = np.array([shot.width, shot.height] * 2, float)
        pixels = hide(shot.pixels(), self._people.astype(np.float64) / scale if self.sight.hides else None)
        drawn = self.given.picture
        for zone in self.given.zones if zones else ():
            corners = np.array(zone.polygon, float) * (shot.width / drawn[0], shot.height / drawn[1])
            cv2.polylines(pixels, [corners.astype(np.int32)], True, ZONE_COLOUR, max(1, shot.height // 240))
            x, y = corners.min(axis=0).astype(int)
            cv2.putText(pixels, zone.name, (int(x), max(12, int(y) - 4)), cv2.FONT_HERSHEY_SIMPLEX, 0.5, ZONE_COLOUR, 1)
        return pixels


def _reference(path: str) -> Grey | None:
    """The picture that a moved camera is told from. Raises SourceError."""
    if not path:
        return None
    found = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    if found is None:
        raise SourceError(f"the reference picture {Path(path).name} cannot be read", Cause.DEVICE, slow=True)
    return small(found.astype(np.uint8, copy=False))
