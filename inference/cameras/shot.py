"""One picture on its way from a camera to a detector, and what a camera hands over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from inference.cameras.link import Reason
from inference.cameras.ring import Packet

PIXELS_MAX = 4096 * 2304  # of one picture: more is no camera for this, and memory that nobody planned


class Lost(Exception):
    """A camera cannot be opened, or its connection is over."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(detail or reason.name)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Shot:
    """A decoded picture. It is turned into pixels only where somebody looks at it."""

    captured_ns: int  # CLOCK_MONOTONIC
    number: int  # of the connection, from 0
    width: int
    height: int
    raw: Any  # av.VideoFrame, or pixels

    def pixels(self) -> NDArray[np.uint8]:
        """height x width x (blue, green, red)."""
        found: NDArray[np.uint8] = self.raw if isinstance(self.raw, np.ndarray) else self.raw.to_ndarray(format="bgr24")
        return found

    def grey(self) -> NDArray[np.uint8]:
        """height x width: the brightness as the stream has it, without a conversion."""
        if isinstance(self.raw, np.ndarray):
            found: NDArray[np.uint8] = self.raw[:, :, 1]
            return found
        plane = self.raw.planes[0]
        lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
        return lines[: self.height, : self.width]


@dataclass(frozen=True, slots=True)
class Seed:
    """What a file of these packets begins with: enough of the stream for `av.open` to tell its codec and size."""

    format: str
    data: bytes


class Taker(Protocol):
    """Where a camera's pictures and packets go; called in the camera's own thread."""

    def opened(self, seed: Seed | None) -> None:
        """A connection stands; what was taken before belongs to another one."""

    def packet(self, packet: Packet) -> None:
        """One encoded picture."""

    def picture(self, shot: Shot) -> None:
        """One decoded picture."""


Over = Callable[[], bool]  # whether the connection is to be given up
Read = Callable[[Taker, Over], None]  # reads until `over`; leaves by raising Lost
