"""Looks at a Modbus device in every byte order and with its addresses one off, in the same poll cycle."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from drivers.base import PointSpec
from gateway.commission.guess import Guess, decide, plausibility
from gateway.commission.live import listen
from gateway.core.errors import AddressError

ORDERS = ("abcd", "cdab", "badc", "dcba")
SHIFTS = (-1, 0, 1)
_PRIOR = {"+0": 2.5, "-1": 1.5}  # most lists are right; of the others, most come from documents that count from 1
TAGS_MAX = 100  # each is read up to twelve times over; the device must bear it


@dataclass(frozen=True, slots=True)
class Ranged:
    """A row of the tag list with its physical range in the tag's unit, ±inf where it has none."""

    spec: PointSpec
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Looked:
    """What the values say about a device; `written` is the order the tag list has now, "" where it has several."""

    order: Guess | None
    shift: Guess | None
    written: str
    tags: int


async def look(module: Any, settings: Any, rows: Sequence[Ranged], seconds: float) -> Looked:
    """Read the numbers among `rows` in all orders, then with shifted addresses; None where no tag can tell."""
    wide = [row for row in rows if _kind(row)[0] in ("int32", "uint32", "int64", "uint64", "float32", "float64")]
    wide = wide[:TAGS_MAX]
    order = await _orders(module, settings, wide, seconds) if wide else None
    words = [row for row in rows if _registers(module, settings, row)][:TAGS_MAX]
    shift = await _shifts(module, settings, words, seconds) if words else None
    written = {_kind(row)[1] for row in wide}
    return Looked(order, shift, written.pop() if len(written) == 1 else "", max(len(wide), len(words)))


def _kind(row: Ranged) -> tuple[str, str]:
    kind, _, order = row.spec.type.partition("/")
    return kind.strip().lower(), order.strip().lower() or "abcd"


def _registers(module: Any, settings: Any, row: Ranged) -> bool:
    return not module.parse(settings, row.spec).boolean and row.high < float("inf") and row.low > -float("inf")


async def _orders(module: Any, settings: Any, rows: Sequence[Ranged], seconds: float) -> Guess | None:
    specs = {
        f"{row.spec.name}|{order}": replace(row.spec, name=f"{row.spec.name}|{order}", type=f"{_kind(row)[0]}/{order}")
        for row in rows
        for order in ORDERS
    }
    heard = await listen(module, settings, list(specs.values()), seconds)
    evidence: dict[str, list[float]] = {order: [] for order in ORDERS}
    for row in rows:
        series = [heard.stories[f"{row.spec.name}|{order}"].values for order in ORDERS]
        if not all(series) or len({tuple(values) for values in series}) == 1:
            continue  # not readable, or the same in every order
        integer = not _kind(row)[0].startswith("float")
        for order, values in zip(ORDERS, series, strict=True):
            evidence[order].append(plausibility(values, row.low, row.high, integer=integer))
    return decide(evidence) if any(evidence.values()) else None


async def _shifts(module: Any, settings: Any, rows: Sequence[Ranged], seconds: float) -> Guess | None:
    """Only tags with a range can tell: one register further lies another, equally lively value."""
    specs: dict[tuple[str, int], PointSpec] = {}
    for row in rows:
        for shift in SHIFTS:
            moved = shifted(module, settings, row.spec, shift)
            if moved is not None:
                specs[row.spec.name, shift] = replace(moved, name=f"{row.spec.name}|{shift}")
    heard = await listen(module, settings, list(specs.values()), seconds)
    evidence: dict[str, list[float]] = {f"{shift:+d}": [] for shift in SHIFTS}
    for row in rows:
        told = {
            shift: heard.stories[spec.name].values for shift in SHIFTS if (spec := specs.get((row.spec.name, shift)))
        }
        if not any(told.values()):
            continue  # the device was away
        for shift in SHIFTS:
            evidence[f"{shift:+d}"].append(plausibility(told.get(shift, ()), row.low, row.high))
    return decide(evidence, _PRIOR) if any(evidence.values()) else None


def shifted(module: Any, settings: Any, spec: PointSpec, by: int) -> PointSpec | None:
    """The row with its register address moved by `by`, None where that is no address."""
    address = module.parse(settings, spec).key
    bit = f".{address.bit}" if address.bit >= 0 else ""
    moved = replace(spec, address=f"{address.table}:{address.start + by}{bit}")
    try:
        module.parse(settings, moved)
    except AddressError:
        return None
    return moved
