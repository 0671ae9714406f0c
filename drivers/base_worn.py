"""What wearables, UWB anchors and event counters say over MQTT, as JSON, and who decides whether it may be taken at all.

Every message is one object on `PREFIX/DEVICE`. `t` is UTC ms of its first sample. What no consent names is thrown away here,
before anything else sees it: the keeper says what may be taken now, and without a keeper nothing is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

T_MAX_MS = 253_402_300_799_000  # year 9999
WAVE_MAX = 4_096  # samples of one message: 4 s at 1 kHz
EVENTS_MAX = 32
RANGES_MAX = 64


class Wave(msgspec.Struct, forbid_unknown_fields=True):
    """Samples of one sensor, evenly spaced. `hz` 1 to 2000."""

    hz: float
    v: list[float]


class Motion(msgspec.Struct, forbid_unknown_fields=True):
    """Acceleration in g, three axes of equal length."""

    hz: float
    x: list[float]
    y: list[float]
    z: list[float]


class Position(msgspec.Struct, forbid_unknown_fields=True):
    """A position on the site's grid in m that a locating system worked out itself, with its error (one standard deviation)."""

    x: float
    y: float
    error_m: float


class Event(msgspec.Struct, forbid_unknown_fields=True):
    """One observation of a kind of people.toml. `n` is its running number; the same number again is the same observation."""

    kind: str
    n: int
    seen: bool = True


class Frame(msgspec.Struct, forbid_unknown_fields=True):
    """One message of a device. Everything but `t` may be left out."""

    t: int
    ppg: Wave | None = None
    ecg: Wave | None = None
    motion: Motion | None = None
    heart_rate: float | None = None  # per minute, by the device itself
    skin_temperature: float | None = None  # degC
    position: Position | None = None
    ranges: dict[str, float] | None = None  # anchor -> m
    events: list[Event] = []


class Surroundings(msgspec.Struct, forbid_unknown_fields=True):
    """One message of a station that watches the surroundings, on `PREFIX/surroundings/AREA`. Nothing in it is of a person."""

    t: int
    noise_dba: float | None = None
    wbgt_degC: float | None = None
    temperature_degC: float | None = None
    humidity_percent: float | None = None
    light_lux: float | None = None


# stream of a consent -> the fields of a frame that are of it
FIELDS: dict[str, tuple[str, ...]] = {
    "ppg": ("ppg",),
    "ecg": ("ecg",),
    "motion": ("motion",),
    "heart_rate": ("heart_rate",),
    "skin_temperature": ("skin_temperature",),
    "position": ("position", "ranges"),
    "behaviour": ("events",),
}

Reading = tuple[float, int, int]  # value, quality, cause
Readings = Sequence[tuple[str, Mapping[str, Reading]]]  # one instant each: group of tags, place in it -> what it reads


class Keeper(Protocol):
    """The people room, as the driver sees it."""

    def devices(self) -> Sequence[str]:
        """The devices of which anything may be taken now."""

    def allowed(self, device: str) -> frozenset[str]:
        """The streams that may be taken now of a device; empty = none."""

    def hear(self, device: str, frame: Frame, allowed: frozenset[str]) -> Readings:
        """A frame that holds only what is `allowed`. What the kernel learns from it."""

    def surroundings(self, area: str, said: Surroundings) -> Readings:
        """How the surroundings of an area are."""

    def tick(self) -> Readings:
        """Called each half second: what is due without a message."""


def stripped(frame: Frame, allowed: frozenset[str]) -> Frame:
    """The frame without what no consent names."""
    for stream, fields in FIELDS.items():
        if stream not in allowed:
            for name in fields:
                setattr(frame, name, [] if name == "events" else None)
    return frame


def sound(frame: Frame) -> bool:
    """Bounded, finite and of equal lengths: what a device can honestly say."""
    if not 0 < frame.t < T_MAX_MS or len(frame.events) > EVENTS_MAX or len(frame.ranges or ()) > RANGES_MAX:
        return False
    for wave in (frame.ppg, frame.ecg):
        if wave is not None and not (1.0 <= wave.hz <= 2000.0 and len(wave.v) <= WAVE_MAX):
            return False
    motion = frame.motion
    if motion is not None and not (
        1.0 <= motion.hz <= 2000.0 and len(motion.x) == len(motion.y) == len(motion.z) <= WAVE_MAX
    ):
        return False
    return all(0.0 < metres < 10_000.0 for metres in (frame.ranges or {}).values())
