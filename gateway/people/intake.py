"""The keeper that a driver asks and tells: consent first, then the vault, then what the kernel may know. No frame is kept here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

import msgspec
import numpy as np

from drivers.base_worn import Event, Frame, Reading, Readings, Surroundings
from gateway.people.body import FRESH_MS, Body
from gateway.people.dossier import Dossier
from gateway.people.fatigue import CONFIDENT, Index
from gateway.people.places import DOUBT, GOOD, Places
from gateway.people.roster import Kind, Roster, Worker
from gateway.people.surroundings import stress, wet_bulb_globe
from gateway.people.vault import Record, Tier

ENTRY = "zone_entry"  # the kind of event that positions make by themselves
HEARD_MS = 30_000  # events are confirmed while somebody who may be counted is heard
AHEAD_MS = 60_000  # a device whose clock is further ahead has none: what it says is of now
LATE_MS = 600_000  # what is older is kept for the worker, and says nothing of how they are and where
_encode = msgspec.msgpack.Encoder().encode


class Store(Protocol):
    """Where records go, and what is consented to."""

    def allowed(self, worker: str) -> frozenset[str]: ...
    def dossier(self, worker: str) -> Dossier: ...
    def put(self, tier: Tier, worker: str, stream: str, record: Record) -> None: ...
    def now_ms(self) -> int: ...
    def today(self) -> date: ...
    def counted(self, worker: str, kind: str, seen: bool) -> None:
        """One observation of a behaviour: counters of the worker move."""


class Intake:
    """Implements `drivers.base_worn.Keeper` for the workers of a roster."""

    def __init__(self, roster: Roster, store: Store) -> None:
        self._roster, self._store = roster, store
        self._wearers = {device: worker for worker in roster.workers.values() for device in worker.devices}
        self._numbers: dict[tuple[str, str], int] = {}  # (device, kind) -> last running number
        # As it stands before anything was seen: a rule counts from the first number it reads, so that one is none of an event.
        self._events: dict[str, Mapping[str, Reading]] = {
            group: _observed(0.0, 0, 0, kind.number)
            for kind in roster.kinds.values()
            for group in _groups(kind, newcomer=True)
        }
        self._observed = 0
        self.ahead = self.late = 0  # frames of devices whose clock is ahead, and frames that came too late to judge by
        self._judged = False  # somebody's index is new since the last tick
        self._heard_ms = -HEARD_MS
        self.bodies: dict[str, Body] = {}
        self.places = Places(roster.anchors, roster.zones, roster.tag_height_m, store.now_ms)

    # --- consent ---

    def devices(self) -> Sequence[str]:
        """The devices whose wearers consent to something."""
        return [device for device, worker in self._wearers.items() if self._store.allowed(worker.id)]

    def allowed(self, device: str) -> frozenset[str]:
        """The streams that may be taken of a device now."""
        worker = self._wearers.get(device)
        return self._store.allowed(worker.id) if worker is not None else frozenset()

    def forget(self, worker: str) -> None:
        """Consent is gone: what is in memory goes too."""
        self.bodies.pop(worker, None)
        self.places.forget(worker)

    # --- what a driver tells ---

    def hear(self, device: str, frame: Frame, allowed: frozenset[str]) -> Readings:
        """Keep what came, and say what the kernel learns from it at once; what is of everybody follows with the next `tick`."""
        worker, now_ms = self._wearers[device], self._store.now_ms()
        if frame.t > now_ms + AHEAD_MS:
            self.ahead += 1
            frame.t = now_ms
        self._keep(worker, frame)
        late = now_ms - frame.t > LATE_MS
        self.late += late
        if frame.ranges and not late:
            self.places.ranges(worker.id, frame.ranges)
        if frame.position is not None and not late:
            self.places.position(worker.id, frame.position)
        readings: list[tuple[str, Mapping[str, Reading]]] = []
        if frame.events and now_ms - self._heard_ms >= HEARD_MS:
            readings += self._events.items()
        for event in frame.events:
            readings += self._event(worker, device, event, frame.t)
        if not late and self.bodies.setdefault(worker.id, Body()).hear(frame, self._store.dossier(worker.id)):
            readings.append((f"{worker.id}/fatigue", _index(self.bodies[worker.id].fatigue)))
            self._judged = True
        if "behaviour" in allowed:
            self._heard_ms = now_ms
        return readings

    def _keep(self, worker: Worker, frame: Frame) -> None:
        put = self._store.put
        for stream, wave in (("ppg", frame.ppg), ("ecg", frame.ecg)):
            if wave is not None and wave.v:
                data = {"hz": wave.hz, "v": np.array(wave.v, np.float32).tobytes()}
                put("raw", worker.id, stream, Record(frame.t, msgspec.Raw(_encode(data))))
        if frame.motion is not None:
            axes = {axis: np.array(getattr(frame.motion, axis), np.float32).tobytes() for axis in "xyz"}
            data = {"hz": frame.motion.hz, **axes}
            put("raw", worker.id, "motion", Record(frame.t, msgspec.Raw(_encode(data))))
        for stream, value in (("heart_rate", frame.heart_rate), ("skin_temperature", frame.skin_temperature)):
            if value is not None:
                put("raw", worker.id, stream, Record(frame.t, msgspec.Raw(_encode(value))))
        if frame.position is not None or frame.ranges:
            place = frame.position if frame.position is not None else frame.ranges
            put("raw", worker.id, "position", Record(frame.t, msgspec.Raw(_encode(place))))

    def _event(self, worker: Worker, device: str, event: Event, t_ms: int) -> Readings:
        """One observation, once."""
        kind = self._roster.kinds.get(event.kind)
        if kind is None or self._numbers.get((device, kind.name)) == event.n:
            return []
        self._numbers[device, kind.name] = event.n
        self._store.counted(worker.id, event.kind, event.seen)
        if event.seen:
            record = Record(t_ms, msgspec.Raw(_encode({"kind": event.kind, "n": event.n})))
            self._store.put("event", worker.id, "behaviour", record)
        return self._observation(worker, kind, seen=event.seen)

    def _observation(self, worker: Worker, kind: Kind, *, seen: bool) -> Readings:
        self._observed += 1
        reading = _observed(float(seen), self._observed, worker.number, kind.number)
        groups = _groups(kind, newcomer=self._roster.newcomer(worker, self._store.today()))
        self._events.update(dict.fromkeys(groups, reading))
        return [(group, reading) for group in groups]

    def _entries(self) -> Readings:
        """Whoever went into a zone for certain, as an event, where people.toml has the kind `zone_entry`."""
        entered, self.places.entered = self.places.entered, []
        kind, now_ms = self._roster.kinds.get(ENTRY), self._store.now_ms()
        readings: list[tuple[str, Mapping[str, Reading]]] = []
        for id, zone in entered:
            if kind is not None and "behaviour" in self._store.allowed(id):
                record = Record(now_ms, msgspec.Raw(_encode({"kind": ENTRY, "zone": zone})))
                self._store.put("event", id, "behaviour", record)
                self._store.counted(id, ENTRY, True)
                readings += self._observation(self._roster.workers[id], kind, seen=True)
        return readings

    # --- fatigue ---

    def _most_tired(self) -> Readings:
        """The highest index of all that is certain, where there was a new one since the last time."""
        judged, self._judged = self._judged, False
        fresh = [
            body.fatigue
            for body in self.bodies.values()
            if body.fatigue is not None and body.heard_ms - body.fatigue_ms < FRESH_MS
        ]
        if not judged or not fresh:
            return []
        certain = [one for one in fresh if one.confidence >= CONFIDENT] or fresh
        return [("any/fatigue", _index(max(certain, key=lambda one: one.value)))]

    # --- surroundings and what is due ---

    def surroundings(self, area: str, said: Surroundings) -> Readings:
        """Noise, heat and light of an area. Nothing of it is personal and nothing of it is kept."""
        heat = said.wbgt_degC
        if heat is None and said.temperature_degC is not None and said.humidity_percent is not None:
            heat = wet_bulb_globe(said.temperature_degC, said.humidity_percent)
        found = stress(said.noise_dba, heat, said.light_lux)
        return [(f"surroundings/{area}", {name: (value, *GOOD) for name, value in found.items()})] if found else []

    def tick(self) -> Readings:
        """Zones as they are, and events confirmed while those who are counted are heard."""
        self.places.solve()
        readings = [*self.places.zones(), *self._entries(), *self._most_tired()]
        if self._store.now_ms() - self._heard_ms < HEARD_MS:
            readings += [(group, reading) for group, reading in self._events.items()]
        return readings


def _groups(kind: Kind, *, newcomer: bool) -> list[str]:
    """The groups of tags that an event of this kind is in."""
    who = ["any", "newcomer"] if newcomer else ["any"]
    what = [kind.name, "minor"] if kind.minor else [kind.name]
    return [f"{one}/event/{name}" for one in who for name in what]


def _observed(seen: float, number: int, worker: int, kind: int) -> Mapping[str, Reading]:
    values = {"value": seen, "number": float(number), "worker": float(worker), "kind": float(kind)}
    return {name: (value, *GOOD) for name, value in values.items()}


def _index(found: Index | None) -> Mapping[str, Reading]:
    assert found is not None, "a body that judged has an index"
    fit = GOOD if found.confidence >= CONFIDENT else DOUBT
    return {"value": (found.value, *fit), "confidence": (found.confidence, *GOOD)}
