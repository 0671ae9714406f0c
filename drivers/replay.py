"""A recording played as if it were a device: `gatehouse record export` gives the CSV this reads.

Protocol: CSV in UTF-8 with a heading line; columns utc_ms, tag, value and, if there is one, quality (good, uncertain, bad or
0, 1, 3). Rows ascend in time; rows of one instant become one block. Library: none. Not supported: writing, personal tags.

The address of a tag is the name it has in the recording. Times between rows are divided by `speed`. At the end the source
stops (cause STOPPED) or begins again (`repeat`). Nothing is confirmed between rows: what was silent then is silent now.

name: Recording | 回放
done: CSV of `gatehouse record export`, with quality and speed, once or for ever | `gatehouse record export` 的 CSV，含质量与倍速，可循环
exempt: writing: a recording cannot obey | 写入：录制文件无法执行
exempt: personal tags: they are in no recording | 个人数据点：不进入任何录制
"""

from __future__ import annotations

import asyncio
import csv
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from drivers.base import Emit, Plan, PlannedTag, Point, PointSpec, ReadBack, WriteCommand
from drivers.base_talk import both
from gateway.core.errors import AddressError, SourceError
from gateway.core.samples import FEW_MAX, Few
from gateway.core.tags import Cause, Quality

NOTE = ("recorded value: played from a file, not measured now", "回放值:来自录制文件,并非实时测量")
QUALITIES = {"": 0, "good": 0, "0": 0, "uncertain": 1, "1": 1, "bad": 3, "3": 3}
UTC_MAX_MS = 253_402_300_799_000  # year 9999
AGAIN_S = 1.0  # between two passes of `repeat`, so that a file of one instant does not spin
YIELD_ROWS = 1000  # rows of other tags read without a pause

Reading = tuple[float, int, int]  # value, quality, cause


class Settings(BaseModel):
    """Keys of a replayed source. `speed` 10 plays ten times as fast as it was recorded."""

    model_config = ConfigDict(extra="forbid")
    file: Path
    speed: float = Field(default=1.0, ge=0.001, le=10_000.0)
    repeat: bool = False


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    if not spec.address.strip():
        raise AddressError("the address is the tag's name in the recording", "地址为该位号在录制文件中的名称")
    if spec.type not in ("", "bool", "float64"):
        raise AddressError(
            f'type "{spec.type}" does not apply to a recorded value; leave it empty or write bool',
            f"类型“{spec.type}”不适用于录制值;请留空或填 bool",
        )
    if spec.writable:
        raise AddressError("a recording cannot be written", "录制文件不可写,不能作为输出")
    if spec.columns.get("privacy", "") in ("personal", "个人"):
        raise AddressError("personal values are never recorded", "个人数据从不录制,不能回放")
    return Point("", (), spec.type == "bool", spec.address.strip(), NOTE)


@dataclass(slots=True)
class Instant:
    """Everything recorded at one time."""

    utc_ms: int
    readings: dict[int, Reading]  # tag number ->


class Driver:
    """Reads one file while it plays it; holds one instant in memory."""

    def __init__(self, settings: Settings, plan: Plan) -> None:
        self.settings = settings
        self.plan = plan
        self.tags = {entry.point.key: entry for tags in plan.tags for entry in tags}
        self.groups = {entry.tag.number: entry.tag.group for entry in self.tags.values()}

    async def run(self, emit: Emit) -> None:
        """Play until cancelled. Raises SourceError at the end, or where the file cannot be read."""
        while True:
            await self._play(emit)
            if not self.settings.repeat:
                raise SourceError(both("the recording has ended", "记录已播完"), Cause.STOPPED, slow=True)
            await asyncio.sleep(AGAIN_S)

    async def write(self, command: WriteCommand) -> ReadBack:
        """Refused: what was recorded cannot be changed."""
        return ReadBack(False, error="a recording cannot be written")

    async def _play(self, emit: Emit) -> None:
        """One pass."""
        begun_s, first_ms = time.monotonic(), -1
        try:
            with self.settings.file.open(encoding="utf-8-sig", newline="") as file:
                for instant in self._instants(csv.reader(file)):
                    if instant is None:
                        await asyncio.sleep(0)
                        continue
                    if first_ms < 0:
                        first_ms = instant.utc_ms
                    due_s = begun_s + (instant.utc_ms - first_ms) / 1000.0 / self.settings.speed
                    await asyncio.sleep(max(0.0, due_s - time.monotonic()))
                    self._emit(instant, emit)
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            raise SourceError(
                both(f"recording {self.settings.file.name}: {error}", f"记录 {self.settings.file.name}：{error}"),
                Cause.DECODE,
                slow=True,
            ) from error
        if first_ms < 0:
            raise SourceError(
                both("the recording holds none of the tags of this source", "记录中没有本数据源的任何位号"),
                Cause.DECODE,
                slow=True,
            )

    def _instants(self, rows: Iterator[list[str]]) -> Iterator[Instant | None]:
        """Instants in order, and None now and then while nothing concerns us."""
        heading = [name.strip().lower() for name in next(rows, [])]
        missing = {"utc_ms", "tag", "value"} - set(heading)
        if missing:
            raise SourceError(
                both(f"the recording lacks the column {sorted(missing)[0]}", f"记录缺少列 {sorted(missing)[0]}"),
                Cause.DECODE,
                slow=True,
            )
        at, name, value = (heading.index(column) for column in ("utc_ms", "tag", "value"))
        quality = heading.index("quality") if "quality" in heading else -1
        held: Instant | None = None
        for line, row in enumerate(rows, start=2):
            if line % YIELD_ROWS == 0:
                yield None
            if len(row) < len(heading) or (entry := self.tags.get(row[name])) is None:
                continue
            utc_ms = _time(row[at], line)
            number = entry.tag.number
            if held is not None and utc_ms < held.utc_ms:
                raise SourceError(
                    both(f"line {line}: the recording goes back in time", f"第 {line} 行：记录的时间倒退"),
                    Cause.DECODE,
                    slow=True,
                )
            if held is not None and (utc_ms != held.utc_ms or number in held.readings):
                yield held
                held = None
            if held is None:
                held = Instant(utc_ms, {})
            held.readings[number] = _reading(entry, row[value], row[quality] if quality >= 0 else "")
        if held is not None:
            yield held

    def _emit(self, instant: Instant, emit: Emit) -> None:
        for group in self.plan.groups:
            numbers = sorted(number for number in instant.readings if self.groups[number] == group.number)
            for first in range(0, len(numbers), FEW_MAX):
                part = numbers[first : first + FEW_MAX]
                values, qualities, causes = zip(*(instant.readings[number] for number in part), strict=True)
                emit(
                    Few(group.number, part, [*values], [*qualities], [*causes], instant.utc_ms * 1_000_000, 0, "device")
                )


def _time(text: str, line: int) -> int:
    try:
        utc_ms = int(text)
    except ValueError:
        utc_ms = -1
    if not 0 <= utc_ms <= UTC_MAX_MS:
        raise SourceError(
            both(f"line {line}: utc_ms is a whole number of milliseconds", f"第 {line} 行：utc_ms 应为整毫秒数"),
            Cause.DECODE,
            slow=True,
        )
    return utc_ms


def _reading(entry: PlannedTag, text: str, quality_text: str) -> Reading:
    """One row; what is no number, or of a quality nobody knows, is BAD."""
    bad = int(Quality.BAD)
    quality = QUALITIES.get(quality_text.strip().lower(), -1)
    try:
        value = float(text) * entry.scale + entry.offset
    except ValueError:
        return math.nan, bad, int(Cause.DEVICE if quality == bad else Cause.DECODE)
    if quality < 0:
        return math.nan, bad, int(Cause.DECODE)
    if not math.isfinite(value):
        return math.nan, bad, int(Cause.NOT_A_NUMBER)
    value = float(value != 0.0) if entry.point.boolean else value
    return value, quality, int(Cause.NONE if quality == Quality.GOOD else Cause.DEVICE)
