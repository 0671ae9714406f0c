"""Exports of a plant historian as recorded inputs: CSV and Parquet, one column per tag or one row per value.

Wide: a time column, then a column per tag; `TAG.quality` beside it is its quality. Long: columns time, tag, value and, if there is
one, quality. A map file (`header,tag`) names what is called otherwise there. Quality: good, uncertain, bad, or a number of OPC
(192 and more good, 64 to 191 uncertain, below bad). A cell that cannot be read is BAD from there on, and named.

An export tells of changes only: between two rows a value is held, as the historian meant it. After a silence of all tags the
sources are lost, so that nobody takes a gap for a quiet plant.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from gateway.core.limits import MS, SECOND
from gateway.core.samples import Alive, Columns, Input, SourceDown, Stamp
from gateway.core.tags import Cause, Quality, TagTable
from gateway.offline.cells import quality_of, utc_ns_of, value_of

TIMES = ("time", "utc", "utc_ms", "timestamp", "datetime", "date", "时间", "采集时间", "时间戳")
TAGS = ("tag", "tagname", "name", "point", "位号", "点名", "测点")
VALUES = ("value", "val", "值", "数值", "测量值")
QUALITIES = ("quality", "status", "q", "质量", "质量码", "状态")
BAD_SHOWN = 100
GAP_S = 600.0
CONFIRM_NS = 500 * MS  # a held value is confirmed so often: below the least freshness limit of a group


class ExportError(ValueError):
    """The file is no export that can be read; `en` and `zh` say what would be right."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en)
        self.en, self.zh = en, zh


@dataclass(frozen=True, slots=True)
class BadCell:
    """A cell that could not be read: row and column count from 1, the heading is row 1."""

    file: str
    line: int
    column: int
    text: str


@dataclass(slots=True)
class Export:
    """One export. Iterate `inputs` once; then `bad`, `bad_in_all`, `gaps` and `unknown` say what was in it."""

    path: Path
    table: TagTable
    zone: tzinfo = UTC  # of times that name none
    names: Mapping[str, str] = field(default_factory=dict)  # heading or name in the export -> tag
    gap_s: float = GAP_S
    from_utc_ms: int | None = None
    to_utc_ms: int | None = None
    bad: list[BadCell] = field(default_factory=list)
    bad_in_all: int = 0
    gaps: list[tuple[int, int]] = field(default_factory=list)  # UTC ms
    unknown: set[str] = field(default_factory=set)

    def inputs(self) -> Iterator[tuple[Stamp, Input]]:
        """Blocks in the order of time. Raises ExportError, OSError."""
        return _Player(self).play(self._inside())

    def _inside(self) -> Iterator[tuple[int, int, float, int, int]]:
        """The readings of the period."""
        begin_ns = (self.from_utc_ms or 0) * MS
        for reading in self._readings():
            if self.to_utc_ms is not None and reading[0] > self.to_utc_ms * MS:
                return
            if reading[0] >= begin_ns:
                yield reading

    def _readings(self) -> Iterator[tuple[int, int, float, int, int]]:
        """UTC ns, tag number, value, quality, cause."""
        rows = _parquet(self.path) if self.path.suffix.lower() in (".parquet", ".pq") else _csv(self.path)
        heading = [str(name).strip() for name in next(rows, [])]
        low = [name.lower() for name in heading]
        at = next((low.index(name) for name in TIMES if name in low), -1)
        if at < 0:
            raise ExportError(
                f"{self.path.name} has no column of times; name it time",
                f"{self.path.name} 没有时间列，请将其命名为“时间”",
            )
        tag = next((low.index(name) for name in TAGS if name in low), -1)
        value = next((low.index(name) for name in VALUES if name in low), -1)
        if tag >= 0 and value >= 0:
            quality = next((low.index(name) for name in QUALITIES if name in low), -1)
            yield from self._long(rows, at, tag, value, quality)
        else:
            yield from self._wide(rows, heading, at)

    def _long(
        self, rows: Iterator[list[Any]], at: int, tag: int, value: int, quality: int
    ) -> Iterator[tuple[int, int, float, int, int]]:
        numbers = self.table.names()
        for line, row in enumerate(rows, start=2):
            if len(row) <= max(at, tag, value):
                self._spoilt(line, len(row) + 1, "")
                continue
            name = str(row[tag]).strip()
            number = self._number(numbers, name)
            utc_ns = self._time(row[at], line, at)
            if number < 0 or utc_ns < 0:
                continue
            yield utc_ns, number, *self._reading(row, value, quality, line)

    def _wide(
        self, rows: Iterator[list[Any]], heading: list[str], at: int
    ) -> Iterator[tuple[int, int, float, int, int]]:
        numbers, low = self.table.names(), [name.lower() for name in heading]
        columns = []
        for column, name in enumerate(heading):
            stem, _, last = name.rpartition(".")
            if column == at or not name or (last.lower() in QUALITIES and stem.lower() in low):
                continue
            number = self._number(numbers, name)
            beside = next((low.index(f"{name.lower()}.{q}") for q in QUALITIES if f"{name.lower()}.{q}" in low), -1)
            if number >= 0:
                columns.append((column, number, beside))
        for line, row in enumerate(rows, start=2):
            utc_ns = self._time(row[at], line, at) if len(row) > at else -1
            if utc_ns < 0:
                continue
            for column, number, beside in columns:
                if column < len(row) and row[column] not in (None, ""):
                    yield utc_ns, number, *self._reading(row, column, beside, line)

    def _number(self, numbers: Mapping[str, int], name: str) -> int:
        number = numbers.get(self.names.get(name, name), -1)
        if number < 0 or self.table.tags[number].personal:
            self.unknown.add(name)
            return -1
        return number

    def _spoilt(self, line: int, column: int, text: str) -> None:
        self.bad_in_all += 1
        if len(self.bad) < BAD_SHOWN:
            self.bad.append(BadCell(self.path.name, line, column, text[:40]))

    def _time(self, cell: Any, line: int, column: int) -> int:
        utc_ns = utc_ns_of(cell, self.zone)
        if utc_ns < 0:
            self._spoilt(line, column + 1, str(cell))
        return utc_ns

    def _reading(self, row: list[Any], value: int, quality: int, line: int) -> tuple[float, int, int]:
        told = quality_of(row[quality]) if 0 <= quality < len(row) else int(Quality.GOOD)
        if told < 0:
            self._spoilt(line, quality + 1, str(row[quality]))
            return math.nan, int(Quality.BAD), int(Cause.DECODE)
        number = value_of(row[value])
        if number is None:
            if told == Quality.BAD:  # a bad value is often left empty or says why
                return math.nan, told, int(Cause.DEVICE)
            self._spoilt(line, value + 1, str(row[value]))
            return math.nan, int(Quality.BAD), int(Cause.DECODE)
        return number, told, int(Cause.NONE if told == Quality.GOOD else Cause.DEVICE)


class _Player:
    """Readings become blocks: one per group and instant, the group's other values held."""

    def __init__(self, export: Export) -> None:
        self._export, table = export, export.table
        self._group = [tag.group for tag in table.tags]
        self._first = [group.first for group in table.groups]
        self._source = [group.source for group in table.groups]
        self._columns = [
            (
                np.full(group.count, math.nan),
                np.full(group.count, Quality.BAD, np.uint8),
                np.full(group.count, Cause.NEVER, np.uint8),
            )
            for group in table.groups
        ]
        self._heard: set[int] = set()
        self._seq = 0

    def play(self, readings: Iterable[tuple[int, int, float, int, int]]) -> Iterator[tuple[Stamp, Input]]:
        now_ns, touched, first_ns = -1, set[int](), -1
        for utc_ns, tag, value, quality, cause in readings:
            if utc_ns < now_ns:
                raise ExportError("the rows go back in time; sort them by time", "行未按时间排序，请先排序")
            if utc_ns > now_ns and now_ns >= 0:
                yield from self._blocks(touched, now_ns, first_ns)
                yield from self._between(now_ns, utc_ns, first_ns)
                touched = set()
            first_ns = utc_ns if first_ns < 0 else first_ns
            now_ns = utc_ns
            group = self._group[tag]
            at = tag - self._first[group]
            if tag in touched:  # two values of one instant are two blocks, in their order
                yield from self._blocks(touched, now_ns, first_ns)
                touched = set()
            values, qualities, causes = self._columns[group]
            values[at], qualities[at], causes[at] = value, quality, cause
            touched.add(tag)
        yield from self._blocks(touched, now_ns, first_ns)

    def _blocks(self, tags: Iterable[int], utc_ns: int, first_ns: int) -> Iterator[tuple[Stamp, Input]]:
        for group in sorted({self._group[tag] for tag in tags}):
            values, qualities, causes = self._columns[group]
            self._heard.add(group)
            yield self._stamp(utc_ns, first_ns), Columns(group, values.copy(), qualities.copy(), causes.copy(), utc_ns)

    def _between(self, from_ns: int, to_ns: int, first_ns: int) -> Iterator[tuple[Stamp, Input]]:
        """Held values are confirmed; a silence that is too long is a loss."""
        end_ns = min(to_ns, from_ns + int(self._export.gap_s * SECOND))
        for at_ns in range(from_ns + CONFIRM_NS, end_ns, CONFIRM_NS):
            for group in sorted(self._heard):
                yield self._stamp(at_ns, first_ns), Alive(group)
        if end_ns < to_ns:
            self._export.gaps.append((end_ns // MS, to_ns // MS))
            for source in dict.fromkeys(self._source[group] for group in sorted(self._heard)):
                yield self._stamp(end_ns, first_ns), SourceDown(source, Cause.COMMS)
            self._heard.clear()

    def _stamp(self, utc_ns: int, first_ns: int) -> Stamp:
        self._seq += 1
        return Stamp(self._seq, utc_ns - first_ns + SECOND, utc_ns)


def read_map(path: Path) -> dict[str, str]:
    """A map file: two columns, the name in the export and the tag. Raises OSError, ExportError."""
    rows = [row for row in _csv(path) if len(row) >= 2 and row[0].strip()]
    return {row[0].strip(): row[1].strip() for row in rows if row[0].strip().lower() != "header"}


def _csv(path: Path) -> Iterator[list[Any]]:
    """Rows of a CSV in UTF-8 or GB 18030, with comma, semicolon or tab. Raises OSError, ExportError."""
    with path.open("rb") as raw:
        head = raw.read(1 << 16)
    try:
        head.decode("utf-8-sig")
        encoding = "utf-8-sig"
    except UnicodeDecodeError as error:
        encoding = "utf-8-sig" if error.start > len(head) - 4 else "gb18030"
    with path.open(encoding=encoding, newline="") as file:
        first = file.readline()
        file.seek(0)
        delimiter = max(",;\t", key=first.count)
        try:
            yield from csv.reader(file, delimiter=delimiter)
        except (csv.Error, UnicodeDecodeError) as error:
            raise ExportError(f"{path.name}: {error}", f"{path.name}：{error}") from error


def _parquet(path: Path) -> Iterator[list[Any]]:
    """Rows of a Parquet file, its heading first. Raises ExportError where pyarrow is not installed."""
    try:
        parquet = import_module("pyarrow.parquet")
    except ImportError:
        raise ExportError(
            "Parquet needs the extra historian (pyarrow); export as CSV instead",
            "读取 Parquet 需要安装可选组件 historian（pyarrow），也可改用 CSV 导出",
        ) from None
    with parquet.ParquetFile(path) as file:
        names = file.schema_arrow.names
        yield list(names)
        for batch in file.iter_batches():
            columns = [column.to_pylist() for column in batch.columns]
            yield from (list(row) for row in zip(*columns, strict=True))
