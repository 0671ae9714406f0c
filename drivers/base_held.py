"""The last of every value of one group, for drivers that are told of changes, and the block that says what changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from drivers.base import Emit, PlannedTag
from gateway.core.samples import FEW_MAX, Alive, Columns, Few, Personal
from gateway.core.tags import Cause, Group, Quality

Places = NDArray[np.int64]  # positions in a group


class Held:
    """Values in the tags' units with quality and cause; before anything was heard all are BAD (NEVER)."""

    __slots__ = (
        "causes", "group", "offset", "personal", "places", "plain", "qualities", "scale", "tags", "uncertainty_ns", "values"
    )  # fmt: skip

    def __init__(self, group: Group, tags: Sequence[PlannedTag]) -> None:
        size = len(tags)
        self.group = group
        self.tags = tags
        self.personal = tags[0].tag.personal
        self.places: Places = np.arange(size)
        self.scale = np.array([entry.scale for entry in tags])
        self.offset = np.array([entry.offset for entry in tags])
        self.plain = bool((self.scale == 1.0).all() and (self.offset == 0.0).all())
        self.values = np.full(size, math.nan)
        self.qualities = np.full(size, Quality.BAD, np.uint8)
        self.causes = np.full(size, Cause.NEVER, np.uint8)
        self.uncertainty_ns = 0  # of the device's stamps, where its clock is known

    def spoil(self, cause: Cause, emit: Emit) -> None:
        """All of them BAD now."""
        self.values[:] = math.nan
        self.qualities[:] = Quality.BAD
        self.causes[:] = cause
        self.whole(emit)

    def confirm(self, emit: Emit) -> None:
        """The group answered and nothing changed. That confirms no value that is not GOOD."""
        if self.qualities.any():
            self.whole(emit)
        else:
            emit(Alive(self.group.number))

    def whole(self, emit: Emit) -> None:
        """Everything as it stands."""
        self.tell(self.places, 0, emit)

    def tell(self, at: Places, stamps: Places | int, emit: Emit) -> None:
        """One instant: these places, each once, with their source times. As columns where they are many, else as few."""
        number = self.group.number
        one = int(stamps) if isinstance(stamps, int) else None
        stamped = stamps != 0 if isinstance(stamps, int) else stamps.any()
        clock: Literal["none", "device"] = "device" if stamped else "none"
        doubt_ns = self.uncertainty_ns if stamped else 0
        if len(at) > FEW_MAX and not self.personal:
            times: Places | int = one or 0
            if one is None:
                times = np.zeros(len(self.tags), np.int64)
                times[at] = stamps
            emit(Columns(number, self.values.copy(), self.qualities.copy(), self.causes.copy(), times, doubt_ns, clock))
            return
        order = np.argsort(at)
        for first in range(0, len(order), FEW_MAX):
            part = order[first : first + FEW_MAX]
            places = at[part]
            tags = (places + self.group.first).tolist()
            lists = self.values[places].tolist(), self.qualities[places].tolist(), self.causes[places].tolist()
            at_ns = one if one is not None else int(stamps[part].max())  # type: ignore[index]
            emit(
                Personal(number, tags, *lists, at_ns)
                if self.personal
                else Few(number, tags, *lists, at_ns, doubt_ns, clock)
            )
