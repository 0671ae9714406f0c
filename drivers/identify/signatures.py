"""Signatures as data: `signatures/*.toml` read into protocols with their frames, and tables that find candidates quickly."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from drivers.identify.checks import building, china, fieldbus, iso, it, plc, power
from drivers.identify.checks.found import CHECKS, Check
from drivers.identify.cuts import CUTS
from drivers.identify.frames import Frame, SignatureError, compile_frame

FOLDER = Path(__file__).parent / "signatures"
_ROOMS = (building, china, fieldbus, iso, it, plc, power)  # importing them registers their checks


class Watch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Once a flow is known, packets whose byte `at` is one of `values` are still looked at: they may tell who it is."""

    at: int
    values: list[int]


class FrameText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One shape of a protocol's frames, as written. `anywhere`: looked for on every port, not only on `ports`."""

    over: list[str]
    layout: str
    ports: list[int] = []
    ether: list[int] = []
    anywhere: bool = False
    check: str = ""
    cut: str = ""
    watch: Watch | None = None


class ProtocolText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A protocol as written. `within`: seen inside another one; `proven`: by captures, or by frames built from `source`."""

    id: str
    en: str
    zh: str
    source: str
    proven: str
    kind: str = "industrial"
    within: str = ""
    tells: str = ""
    frame: list[FrameText] = []


@dataclass(frozen=True, slots=True, eq=False)
class Variant:
    """One compiled shape: what the engine tries on a payload."""

    protocol: str
    frame: Frame
    check: Check | None
    cut: Callable[[bytes, int], int] | None
    ports: frozenset[int]
    watch: Watch | None
    rule: str

    def size_of(self, data: bytes, at: int) -> int:
        """Bytes of the frame at `at`; 0: more is needed; -1: it is none."""
        return self.cut(data, at) if self.cut is not None else self.frame.size_of(data, at)

    @property
    def sized(self) -> bool:
        """Whether a frame tells its own length."""
        return self.cut is not None or self.frame.size_field is not None


@dataclass(slots=True)
class Table:
    """All signatures: candidates by transport, port, and the first byte of a payload."""

    protocols: dict[str, ProtocolText]
    by_port: dict[tuple[str, int], list[Variant]]
    by_byte: dict[str, list[list[Variant]]]
    by_ether: dict[int, list[Variant]]

    def candidates(self, over: str, first: int, ports: tuple[int, int]) -> list[Variant]:
        """What a payload beginning with `first` between `ports` may be, the protocols of these ports first."""
        own = [variant for port in ports for variant in self.by_port.get((over, port), ())]
        return own + [variant for variant in self.by_byte[over][first] if variant not in own]


@cache
def table() -> Table:
    """The signatures that ship with the product. Raises SignatureError."""
    return build(load(FOLDER))


def load(folder: Path) -> list[ProtocolText]:
    """All protocols of a folder. Raises SignatureError with file and place."""
    out = []
    for path in sorted(folder.glob("*.toml")):
        try:
            raw: Mapping[str, Any] = tomllib.loads(path.read_text("utf-8"))
            out += msgspec.convert(raw["protocol"], list[ProtocolText])
        except (tomllib.TOMLDecodeError, msgspec.ValidationError, KeyError) as wrong:
            raise SignatureError(f"{path.name}: {wrong}") from wrong
    return out


def build(texts: list[ProtocolText]) -> Table:
    """The tables of `texts`. Raises SignatureError."""
    out = Table({}, {}, {over: [[] for _ in range(256)] for over in ("tcp", "udp")}, {})
    for text in texts:
        if text.id in out.protocols:
            raise SignatureError(f"{text.id} is there twice")
        out.protocols[text.id] = text
        for shape in text.frame:
            _enter(out, text, shape)
    for text in texts:
        if (text.within and text.within not in out.protocols) or (not text.within and not text.frame):
            raise SignatureError(f"{text.id}: neither a frame nor within a known protocol")
    return out


def _enter(out: Table, text: ProtocolText, shape: FrameText) -> None:
    try:
        frame = compile_frame(shape.layout)
        check = CHECKS[shape.check] if shape.check else None
        cut = CUTS[shape.cut] if shape.cut else None
    except (SignatureError, KeyError) as wrong:
        raise SignatureError(f"{text.id}: {wrong}") from wrong
    rule = f"{frame.text}{f'; check {shape.check}' if shape.check else ''}"
    variant = Variant(text.id, frame, check, cut, frozenset(shape.ports), shape.watch, rule)
    for over in shape.over:
        for port in shape.ports:
            out.by_port.setdefault((over, port), []).append(variant)
        for first in range(256) if shape.anywhere and over != "ethernet" else ():
            if _may_begin(frame, first):
                out.by_byte[over][first].append(variant)
    for ether in shape.ether:
        out.by_ether.setdefault(ether, []).append(variant)


def _may_begin(frame: Frame, first: int) -> bool:
    """Whether a frame may begin with the byte `first`."""
    head = frame.fields[0]
    if head.allowed is None:
        return True
    shift = 0 if head.order == "little" else 8 * (head.width - 1)
    mask = head.mask >> shift & 0xFF
    return any(value >> shift & 0xFF == first & mask for value in head.allowed)
