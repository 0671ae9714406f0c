"""What was recorded, for people: a list by boot, and an export of tag values as CSV or JSON lines."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, TextIO

import msgspec
import numpy as np

from gateway.core.samples import Columns, Few, Input, SourceDown, Stamp
from gateway.core.tags import Cause, Quality
from gateway.history import reader
from gateway.history.identity import Identity, TagName, parse_identity

COLUMNS = ("utc", "boot", "seq", "tag", "value", "unit", "quality", "cause", "source_utc")


class UnknownTagError(LookupError):
    """A tag that is not in any recording; `tag` names it."""

    def __init__(self, tag: str) -> None:
        super().__init__(tag)
        self.tag = tag


class RecordView(msgspec.Struct, frozen=True):
    """What is kept of one boot. `holes` = (first, last, reason); reasons: memory, disk, missing, damaged."""

    boot: int
    from_utc_ms: int
    to_utc_ms: int
    hours: float
    first_seq: int
    last_seq: int
    inputs: int
    withheld: int  # personal inputs: in the vault only
    missing: int
    snapshots: int
    bytes: int
    torn_bytes: int
    holes: tuple[tuple[int, int, str], ...]


def list_records(directory: Path) -> list[RecordView]:
    """Everything kept, oldest boot first. Raises OSError."""
    return [_view(boot) for boot in reader.coverage(directory)]


def _view(boot: reader.BootCoverage) -> RecordView:
    return RecordView(
        boot.boot,
        boot.first_utc_ns // 1_000_000,
        boot.last_utc_ns // 1_000_000,
        (boot.last_utc_ns - boot.first_utc_ns) / 3.6e12,
        boot.first_seq,
        boot.last_seq,
        boot.inputs,
        boot.withheld,
        sum(last - first + 1 for first, last, _ in boot.holes),
        boot.snapshots,
        boot.bytes,
        boot.torn_bytes,
        boot.holes,
    )


def export(
    directory: Path,
    out: TextIO,
    *,
    tags: Iterable[str] = (),
    from_utc_ms: int | None = None,
    to_utc_ms: int | None = None,
    fmt: Literal["csv", "jsonl"] = "csv",
) -> int:
    """Write the values of `tags` (none named = all), one row where value or quality changed; how many rows.

    The first row of a tag in each boot is the value it had at `from_utc_ms`. Times are ISO 8601 in UTC.
    Raises UnknownTagError for a name that no recording knows, OSError.
    """
    wanted = tuple(dict.fromkeys(tags))
    parts = reader.segments(directory)
    names = {part.index.identity: _identity(directory, part) for part in parts}
    known = {tag.name for identity in names.values() for tag in identity.tags}
    for name in wanted:
        if name not in known:
            raise UnknownTagError(name)
    write = _csv(out) if fmt == "csv" else _jsonl(out)
    count = 0
    for row in _rows(parts, names, frozenset(wanted), from_utc_ms, to_utc_ms):
        write(row)
        count += 1
    return count


def _identity(directory: Path, part: reader.SegmentInfo) -> Identity:
    return parse_identity(reader.identity_bytes(directory, part))


@dataclass(slots=True)
class _Walk:
    """Follows the tags of one boot through its inputs; `state` = bits of value and quality last seen of a tag."""

    boot: int
    tags: dict[int, TagName]
    groups: dict[int, tuple[int, int]]  # group -> first tag, count
    sources: dict[str, list[int]]
    state: dict[int, tuple[int, int, int]] = field(default_factory=dict)  # value bits, quality, cause
    source_ns: dict[int, int] = field(default_factory=dict)

    def take(self, item: Input) -> list[int]:
        """The tags whose value or quality this input changed."""
        if isinstance(item, Columns):
            return self._columns(item)
        if isinstance(item, Few):
            bits = np.array(item.values, np.float64).view(np.uint64).tolist()
            times = [item.source_ns] * len(bits)
            return self._changed(item.tags, bits, item.qualities, item.causes, times)
        if isinstance(item, SourceDown):
            tags = [tag for tag in self.sources.get(item.source, []) if tag in self.state]
            bits = [self.state[tag][0] for tag in tags]
            bad, cause = [int(Quality.BAD)] * len(tags), [int(item.cause)] * len(tags)
            return self._changed(tags, bits, bad, cause, [0] * len(tags))
        return []

    def _columns(self, item: Columns) -> list[int]:
        first, count = self.groups.get(item.group, (0, 0))
        numbers = [number for number in range(first, first + count) if number in self.tags]
        at = [number - first for number in numbers if number - first < len(item.values)]
        times = item.source_ns[at].tolist() if isinstance(item.source_ns, np.ndarray) else [item.source_ns] * len(at)
        bits = item.values.view(np.uint64)[at].tolist()
        return self._changed(numbers[: len(at)], bits, item.qualities[at].tolist(), item.causes[at].tolist(), times)

    def _changed(
        self, tags: list[int], bits: list[int], qualities: list[int], causes: list[int], times: list[int]
    ) -> list[int]:
        found = []
        for tag, *now, source_ns in zip(tags, bits, qualities, causes, times, strict=True):
            state = (now[0], now[1], now[2])
            if tag in self.tags and self.state.get(tag) != state:
                self.state[tag] = state
                self.source_ns[tag] = source_ns
                found.append(tag)
        return found

    def row(self, stamp: Stamp, tag: int, utc_ns: int) -> dict[str, Any]:
        """One row of the export."""
        bits, quality, cause = self.state[tag]
        value = float(np.uint64(bits).view(np.float64))
        source_ns = self.source_ns[tag]
        return {
            "utc": _iso(utc_ns),
            "boot": self.boot,
            "seq": stamp.seq,
            "tag": self.tags[tag].name,
            "value": value if math.isfinite(value) else None,
            "unit": self.tags[tag].unit,
            "quality": Quality(quality).name.lower(),
            "cause": Cause(cause).name.lower(),
            "source_utc": _iso(source_ns) if source_ns else "",
        }


def _begin(boot: int, identity: Identity, wanted: frozenset[str]) -> _Walk:
    tags = {tag.number: tag for tag in identity.tags if not wanted or tag.name in wanted}
    sources: dict[str, list[int]] = {}
    for group in identity.groups:
        members = range(group.first, group.first + group.count)
        sources.setdefault(group.source, []).extend(tag for tag in members if tag in tags)
    return _Walk(boot, tags, {group.number: (group.first, group.count) for group in identity.groups}, sources)


def _rows(
    parts: list[reader.SegmentInfo],
    names: dict[str, Identity],
    wanted: frozenset[str],
    from_utc_ms: int | None,
    to_utc_ms: int | None,
) -> Iterator[dict[str, Any]]:
    """Rows in the order of boots and numbers, each number once."""
    walk, last, opened = _Walk(-1, {}, {}, {}), -1, True
    begin_ns = None if from_utc_ms is None else from_utc_ms * 1_000_000
    end_ns = None if to_utc_ms is None else to_utc_ms * 1_000_000
    for part in parts:
        if walk.boot != part.index.boot:
            walk, last = _begin(part.index.boot, names[part.index.identity], wanted), -1
            opened = begin_ns is None
        for stamp, item in reader.segment_inputs(part.path):
            if stamp.seq <= last or (end_ns is not None and stamp.utc_ns > end_ns):
                continue
            last = stamp.seq
            inside = begin_ns is None or stamp.utc_ns >= begin_ns
            if inside and not opened and begin_ns is not None:
                opened = True
                yield from [walk.row(stamp, tag, begin_ns) for tag in sorted(walk.state)]
            changed = walk.take(item)
            if inside:
                yield from [walk.row(stamp, tag, stamp.utc_ns) for tag in changed]


def _iso(utc_ns: int) -> str:
    """ISO 8601 with microseconds."""
    seconds, rest = divmod(utc_ns, 1_000_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest // 1000:06d}Z"


def _csv(out: TextIO) -> Callable[[dict[str, Any]], object]:
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    return writer.writerow


def _jsonl(out: TextIO) -> Callable[[dict[str, Any]], object]:
    def write(row: dict[str, Any]) -> None:
        out.write(json.dumps(row, ensure_ascii=False) + "\n")

    return write
