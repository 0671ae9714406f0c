"""The daemon's side of a leak source: the addresses of its values, and the job in its worker. Imports no native code."""

from __future__ import annotations

from pathlib import Path

import msgspec

from drivers.base import Emit, Plan, Point, PointSpec, ReadBack, WriteCommand
from inference.leak.settings import Settings
from inference.runtime.ring import Ring
from inference.runtime.source import Task, follow, value_point, worker

ENTRY = "inference.leak.job:Job"
VALUES = (
    "alarm", "probability", "evidence", "sound_probability", "picture_probability", "agreement", "distance_m", "distance_bin",
    "flow_kg_s", "flow_bin", "delay_s", "level_db", "over_floor_db", "plume_cells", "armed", "degraded", "sound_state",
    "picture_state", "netd_mk", "shutter_age_s", "lost_samples", "learned_h", "ms", "model_ms", "provider",
)  # fmt: skip
TRUTHS = ("alarm", "armed", "degraded")
VIEW_MAX = 160 << 10  # bytes


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    return value_point(spec, VALUES, booleans=TRUTHS)


class Driver:
    """One place: its job in the worker, followed from here."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.settings = settings
        self.plan = plan
        self.folder: Path | None = None  # of baselines and evidence, set by the daemon
        self._ring: Ring | None = None

    async def run(self, emit: Emit) -> None:
        """Follow both sensors until cancelled. Raises SourceError."""
        given = self.settings
        accelerator = given.provider if isinstance(given.provider, str) else given.provider[0]
        where = worker(accelerator, network=given.network)
        ring = self._ring = Ring.create(VIEW_MAX)
        try:
            task = Task(ENTRY, given.job(self.plan.source, self.folder), given.oldest_ms)
            await follow(where, task, self.plan, emit, ring)
        finally:
            self._ring = None
            ring.close()

    async def write(self, command: WriteCommand) -> ReadBack:
        """Refused: a leak source has no outputs."""
        return ReadBack(False, error="a leak source has no outputs")

    def view(self) -> bytes:
        """The last view as JSON (`inference.leak.view.Seen`), empty while there is none."""
        found = self._ring.latest() if self._ring is not None else None
        return b"" if found is None else msgspec.json.format(found.pixels.tobytes(), indent=-1)
