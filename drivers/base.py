"""What a driver is. The registry is `load`; a new protocol is one file and one test.

A driver module `drivers/<name>.py` has:

* a docstring: protocol, specification, library, what is not supported;
* `Settings`: a pydantic model (extra = forbid) of the keys of `[source.<x>]` beyond `driver`;
* `parse(settings, spec) -> Point`: checks one row of the tag list; raises `AddressError` in both languages;
* `Driver(settings, plan)`: does no work in its constructor; `async run(emit)` connects, reads and emits blocks until
  cancelled and leaves by raising `SourceError`; `async write(command)` where the protocol can write;
* where the device itself tells its tags, `async browse(settings) -> list[Listed]`, which raises SourceError;
* where the device can be asked for its time, `Driver.clock`, a `drivers.base_clock.DeviceClock`;
* where the protocol can carry words to people, `check_channel(settings, address)`, which raises `AddressError`, and
  `Driver.tell(address, payload, valid_s)`, which takes the addresses of the plan's `channels` and no other.

No reconnect loop, no thread, no queue: `runtime.supervisor` is strict so that drivers can be naïve.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from gateway.core.samples import Block
from gateway.core.tags import Group, Tag

DRIVERS = (
    "modbus",
    "mqtt",
    "opcua",
    "s7",
    "enip",
    "fins",
    "slmp",
    "iec104",
    "pubsub",
    "hj212",
    "snmp",
    "wearable",
    "simulated",
    "replay",
)

Emit = Callable[[Block], None]


@dataclass(frozen=True, slots=True)
class PointSpec:
    """One row of the tag list as its driver sees it; `row` names it in errors (file and line are added by the site room)."""

    name: str
    address: str
    type: str
    scale: float = 1.0
    offset: float = 0.0
    writable: bool = False
    hidden: bool = False
    columns: dict[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Point:
    """A parsed address. `group` says which tags are confirmed together; `order` sorts tags inside a group.

    `boolean` is the type's nature; `key` is whatever the driver needs later; `note` tells the engineer of a conversion
    made (for example 40001 style addresses), in both languages.
    """

    group: str
    order: tuple[Any, ...]
    boolean: bool
    key: Any
    note: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A tag as a device tells it: its name there, the address and type for the tag list, and what it says of it."""

    name: str
    address: str
    type: str = ""
    unit: str = ""
    low: float | None = None
    high: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class PlannedTag:
    """A numbered tag with its parsed point and scaling: value = raw * scale + offset. `kind` is its type in the tag list."""

    tag: Tag
    point: Point
    scale: float
    offset: float
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Channel:
    """Where words for people go: `address` as the driver of `source` understands it."""

    source: str
    address: str
    language: str = ""  # the one language that a speaker speaks, "" = all that the rule has


@dataclass(frozen=True, slots=True)
class Plan:
    """What one driver instance works on: its groups, and per group the planned tags in the order of their numbers."""

    source: str
    groups: Sequence[Group]
    tags: Sequence[Sequence[PlannedTag]]
    channels: Sequence[str] = ()  # where words for people go, as the site declares


@dataclass(frozen=True, slots=True)
class WriteCommand:
    """Write `value` (in the tag's unit) to output tag `output`. `urgent` goes before all that waits, `read_back` asks for a read."""

    output: int
    value: float
    urgent: bool = False
    read_back: bool = True


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the device answered: `ok` = the write was accepted, `value` = what it then read, NaN if it was not read."""

    ok: bool
    value: float = float("nan")
    error: str = ""


class Driver(Protocol):
    """One connected source."""

    def __init__(self, settings: Any, plan: Plan) -> None: ...

    async def run(self, emit: Emit) -> None:
        """Connect, read and emit until cancelled. Raises SourceError when the device is lost."""

    async def write(self, command: WriteCommand) -> ReadBack:
        """One ordered write; never raises for a device that refuses, is away or answers late."""


class Teller(Driver, Protocol):
    """A driver that can carry words to people."""

    async def tell(self, address: str, payload: bytes, valid_s: float) -> None:
        """Hand over `payload`, worth nothing after `valid_s`; returns when it was taken. Raises SourceError."""


class Camera(Driver, Protocol):
    """A source with pictures: it keeps the last seconds of them and gives clips of alarms."""

    clips: Path | None  # the folder that its clips go to, set before it runs; None = nothing is kept

    def values(self) -> dict[str, float]:
        """Every value that it gave last, NaN where one is not known; empty while it is away."""

    def reason(self) -> dict[str, str]:
        """Why there is no picture, language -> text; empty where pictures come."""

    def clip(self, rule: str, kind: str, number: str, utc_ms: int) -> bool:
        """Ask for a clip of what `rule` did just now; False while it is away. Raises SourceError."""

    def ask(self, *, zones: bool) -> int:
        """Wish for a picture with people hidden, with the zones drawn in it; its number. Raises SourceError."""

    def picture(self, number: int) -> bytes:
        """The picture of that number as JPEG, empty while it has not come."""


def models() -> tuple[str, ...]:
    """The sources that are models (`inference.SOURCES`): no room but the composition root knows inference itself."""
    return tuple(importlib.import_module("inference").SOURCES)


def load(name: str) -> Any:
    """The module `drivers.<name>` or, for a model, `inference.<name>`, which has the same shape.

    Imported on first use so that a site pays only for what it has. Raises KeyError; ImportError where a library is missing.
    """
    if name in DRIVERS:
        return importlib.import_module(f"drivers.{name}")
    if name in models():
        return importlib.import_module(f"inference.{name}")
    raise KeyError(name)
