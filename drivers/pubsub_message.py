"""What a publisher says, whatever its encoding: one network message with its data set messages. No socket, no clock."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

KEY, DELTA, EVENT, KEEP_ALIVE = 0, 1, 2, 3


class WriterKey(NamedTuple):
    """Who writes: publisher and group as text, `group` "*" where the message names none."""

    publisher: str
    group: str
    writer: int


@dataclass(slots=True)
class Fields:
    """Values in their order, NaN where there is no number. `places` are the fields' numbers, None = from 0 on."""

    values: NDArray[np.float64]
    statuses: NDArray[np.uint32] | None = None  # None: all good
    stamps: NDArray[np.int64] | None = None  # UTC ns, None: the message's own
    places: NDArray[np.int64] | None = None


@dataclass(slots=True)
class Named:
    """One value of a JSON message: NaN where it is no number, its status code, UTC ns or 0."""

    value: float
    status: int = 0
    stamp: int = 0


@dataclass(slots=True)
class DataSet:
    """One data set message. `sequence` is -1 where it has none; `version` is (major, minor), -1 where not told."""

    key: WriterKey
    kind: int = KEY
    valid: bool = True
    sequence: int = -1
    status: int = 0
    stamp: int = 0
    version: tuple[int, int] = (-1, -1)
    fields: Fields | None = None
    named: dict[str, Named] | None = None


@dataclass(slots=True)
class Message:
    """One network message; `skipped` counts data set messages that nobody asked for."""

    publisher: str = ""
    sets: list[DataSet] = field(default_factory=list)
    skipped: int = 0
