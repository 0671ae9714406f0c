"""What the daemon and the job of a camera say to each other beside values: settings at the start, orders under way."""

from __future__ import annotations

from typing import Any, Literal

import msgspec


class ZoneGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A zone; corners in pixels of `Camera.picture`."""

    name: str
    polygon: list[tuple[float, float]]
    ppe: list[str] = []
    m: int = 2
    n: int = 3
    cap_ms: int = 300
    hold_ms: int = 500


class EvidenceGiven(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much is kept."""

    before_s: float = 10.0
    after_s: float = 10.0
    days: float = 30.0
    bytes_max: int = 2 << 30
    clear_for: list[str] = []


class Camera(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the job. `folder` "" = nothing is kept."""

    name: str
    kind: Literal["rtsp", "usb", "file", "folder"]
    url: str
    model: str
    password: str = ""
    transport: str = "tcp"
    repeat: bool = False
    size: tuple[int, int] = (0, 0)  # asked of a USB camera
    fps: float = 10.0
    provider: list[str] | str = "auto"
    threads: int = 1
    thresholds: dict[str, float] = {}
    calibration: str = ""
    picture: tuple[int, int] = (0, 0)  # in which the zones were drawn
    zones: list[ZoneGiven] = []
    frozen_s: float = 1.5
    reference: str = ""
    folder: str = ""
    evidence: EvidenceGiven = EvidenceGiven()


class Clip(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="clip"):
    """Write a clip. `at_ns`: CLOCK_MONOTONIC of the event, 0 = now."""

    rule: str
    kind: Literal["alarm", "trip", "person"]
    id: str
    utc_ms: int
    at_ns: int = 0


class Snapshot(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="snapshot"):
    """Put the last picture into the ring of pictures; the value `snapshot` becomes `number`."""

    number: int
    zones: bool = False


Order = Clip | Snapshot


def order(what: dict[str, Any]) -> Order:
    """An order from the wire. Raises msgspec.ValidationError."""
    found: Order = msgspec.convert(what, Order)
    return found
