"""Cameras as people see them: the messages, and where the daemon keeps them."""

from __future__ import annotations

from typing import Protocol

import msgspec


class ZoneView(msgspec.Struct, frozen=True):
    """A zone of a camera: its corners in pixels of the picture it was drawn in, and what it says now (None = not known)."""

    name: str
    polygon: list[tuple[float, float]]
    persons: float | None
    occupied: float | None
    moving: float | None
    violations: float | None
    uncertain: float | None


class CameraView(msgspec.Struct, frozen=True):
    """A camera. `reason` says why there is no picture, `faults` what is wrong with it. Figures None = not known.

    `caution`: what the card of its model wants said wherever it is used; empty where there is nothing.
    """

    name: str
    connected: bool
    reason: dict[str, str]
    faults: list[str]
    fps: float | None
    ms: float | None
    persons: float | None
    losses: float | None
    ring_s: float | None
    clips: float | None
    picture: tuple[int, int]
    zones: list[ZoneView]
    caution: dict[str, str] = {}


class ClipView(msgspec.Struct, frozen=True):
    """A clip on the disk of this box. `people`: "blurred" or "as seen"; `whole`: it shows all that was asked for."""

    camera: str
    file: str
    path: str
    utc_ms: int
    seconds: float
    rules: list[str]
    kinds: list[str]
    people: str
    whole: bool
    lacks: list[str]
    bytes: int
    sha256: str


class PictureView(msgspec.Struct, frozen=True):
    """The answer to a wish for a picture: `number` to ask for it again, `jpeg` once it is there."""

    number: int
    jpeg: bytes = b""


class Cameras(Protocol):
    """What the daemon knows of its cameras."""

    def every(self) -> list[CameraView]:
        """Every camera of the site."""

    def clips(self) -> list[ClipView]:
        """The clips on the disk, the newest first."""

    def ask(self, name: str, *, zones: bool) -> int:
        """Wish for a picture with people hidden; the number under which it comes, 0 = none will."""

    def picture(self, name: str, number: int) -> bytes:
        """The picture of that number as JPEG, empty while it has not come."""


class NoCameras:
    """Of a site without any."""

    def every(self) -> list[CameraView]:
        return []

    def clips(self) -> list[ClipView]:
        return []

    def ask(self, name: str, *, zones: bool) -> int:
        return 0

    def picture(self, name: str, number: int) -> bytes:
        return b""
