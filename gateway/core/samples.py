"""Everything that can enter the kernel. A block is one instant: a tag occurs in it once.

Values are float64 in the tag's unit (booleans 0.0 and 1.0). Qualities and causes are the small integers of
`core.tags`; a GOOD value has cause NONE.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gateway.core.tags import Cause

FEW_MAX = 64  # above this a vectorised pass is cheaper than a loop (crossover measured at 32 to 64 values)

ClockClass = Literal["none", "device", "ntp", "ptp"]


@dataclass(slots=True)
class Columns:
    """One poll cycle of a whole group. Arrays have the group's length; the receiver may keep them, the sender may not reuse them."""

    group: int
    values: NDArray[np.float64]
    qualities: NDArray[np.uint8]
    causes: NDArray[np.uint8]
    source_ns: NDArray[np.int64] | int = (
        0  # UTC ns of the device, one for all or one per value; 0 = the device gives none
    )
    uncertainty_ns: int = 0
    clock: ClockClass = "none"


@dataclass(slots=True)
class Few:
    """Up to 64 values of one group as plain lists; `tags` are tag numbers, ascending and each once."""

    group: int
    tags: list[int]
    values: list[float]
    qualities: list[int]
    causes: list[int]
    source_ns: int = 0
    uncertainty_ns: int = 0
    clock: ClockClass = "none"


@dataclass(slots=True)
class Personal:
    """Up to 64 values of personal tags: shaped like `Few`, and a type of its own so that no writer of plant data accepts it."""

    group: int
    tags: list[int]
    values: list[float]
    qualities: list[int]
    causes: list[int]
    source_ns: int = 0


@dataclass(slots=True)
class Alive:
    """The group answered and nothing changed. Never sent after a bad status."""

    group: int


@dataclass(slots=True)
class SourceDown:
    """The source is lost: all its tags are BAD now."""

    source: str
    cause: Cause


@dataclass(slots=True)
class WriteResult:
    """Answer to one `Write`, or to one `Act` that asks for it. `ok`: it was accepted; `value`: what was read back, else NaN."""

    id: int
    ok: bool
    value: float
    error: str = ""


@dataclass(slots=True)
class Command:
    """What a person asks. `args` holds only strings, so that it can be journalled and replayed as it was given."""

    id: int
    person: str
    role: str
    verb: str
    target: str = ""
    args: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Durable:
    """A journalled intention is on disk (`ok`), or could not be written (`not ok`)."""

    id: int
    ok: bool = True


@dataclass(slots=True)
class SelfCheck:
    """A level, not an event: the runtime found itself fit or unfit (deadline overruns, program hash)."""

    ok: bool
    what: str = ""


@dataclass(slots=True)
class Overrun:
    """I26: a step took, or an input waited, longer than it may."""

    what: Literal["step", "lag"]
    took_ns: int


@dataclass(slots=True)
class Shift:
    """The shift that is on from now, "" = none. The calendar is the runtime's: the kernel reads no clock."""

    name: str = ""


@dataclass(slots=True)
class TimeBound:
    """A level: the box's clock may be further from UTC than alarms and bundles may be (the runtime knows the bound)."""

    uncertain: bool


@dataclass(slots=True)
class Stop:
    """SIGTERM: drive the outputs safe and end."""


Block = Columns | Few | Personal | Alive
Input = Block | SourceDown | WriteResult | Command | Durable | SelfCheck | Overrun | Shift | TimeBound | Stop


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the Inbox writes on an input: gap-free number, monotonic ns (kernel time), UTC ns."""

    seq: int
    admit_ns: int
    utc_ns: int
