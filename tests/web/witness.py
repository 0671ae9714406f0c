"""What stands beside a trip: a camera with a real clip on the disk, and reports as the command line makes them."""

from __future__ import annotations

import hashlib
import time
from datetime import UTC
from pathlib import Path

import numpy as np

from gateway.app.periodic import DEFAULT_HOURS, Asked, report_page
from gateway.control.cameras import ClipView
from tests.control.living import OneCamera

FPS, SECONDS, SIZE = 10, 3, (320, 180)


def film(path: Path) -> None:
    """A short H.264 clip: a bright square walks across."""
    import av

    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=FPS, options={"preset": "ultrafast"})
        stream.width, stream.height = SIZE
        stream.pix_fmt = "yuv420p"
        for at in range(FPS * SECONDS):
            picture = np.full((SIZE[1], SIZE[0], 3), 60, np.uint8)
            picture[80:120, 8 * at : 8 * at + 40] = 220
            output.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        output.mux(stream.encode(None))


class Filmed(OneCamera):
    """`gate3` has filmed the trip of PKL_LSLL."""

    def __init__(self, state: Path) -> None:
        self._path = state / "clips" / "gate3" / "20261126T080000Z-3-17.mp4"
        self._path.parent.mkdir(parents=True, exist_ok=True)
        film(self._path)
        self._utc_ms = time.time_ns() // 1_000_000 - 42_000

    def clips(self) -> list[ClipView]:
        data = self._path.read_bytes()
        return [
            ClipView(
                "gate3", self._path.name, str(self._path), self._utc_ms, float(SECONDS), ["PKL_LSLL"], ["trip"], "blurred",
                True, [], len(data), hashlib.sha256(data).hexdigest(),
            )
        ]  # fmt: skip


class Sheets:
    """Reports of a journal without a row; `acceptance` cannot be made."""

    kinds = (*DEFAULT_HOURS, "acceptance")

    def __init__(self) -> None:
        self.made = 0

    async def page(self, kind: str, language: str) -> str | None:
        self.made += 1
        if kind not in DEFAULT_HOURS:
            return None
        return report_page(kind, "gw-demo-01", Asked([], 0, 43_200_000, UTC, language.startswith("zh")))
