"""The tag list: rows into checked tags that know their driver's point, not yet numbered."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from drivers.base import Point, PointSpec
from gateway.core.errors import AddressError, Problem
from gateway.core.tags import INF
from gateway.rulebook.units import parse_unit
from gateway.site.messages import Severity, listed, nearest, problem
from gateway.site.sources import SourceDraft
from gateway.site.table import Row, Table

HEADINGS: dict[str, tuple[str, ...]] = {
    "tag": ("位号", "tagname", "点名"),
    "source": ("数据源", "来源"),
    "address": ("地址",),
    "type": ("类型", "数据类型"),
    "unit": ("单位", "工程单位"),
    "scale": ("系数", "比例", "倍率"),
    "offset": ("偏移", "偏移量"),
    "low": ("下限", "量程下限"),
    "high": ("上限", "量程上限"),
    "stale_ms": ("失效毫秒", "失效时间ms", "陈旧毫秒"),
    "deadband": ("死区",),
    "writable": ("可写",),
    "safe": ("安全值", "安全状态"),
    "area": ("区域",),
    "zh": ("中文", "中文描述", "描述"),
    "en": ("英文", "英文描述"),
    "frozen_s": ("冻结秒", "冻结时间s"),
    "rate_max_per_s": ("最大变化率", "每秒最大变化"),
    "signal": ("信号", "信号类型"),
    "privacy": ("隐私",),
    "calibration_due": ("校准到期", "检定有效期"),
    "asset": ("设备", "设备编号", "资产"),
}
REQUIRED = ("tag", "source", "address")

STALE_MS_MAX = 24 * 3600 * 1000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z0-9_]+)*")
_AREA = re.compile(r"[a-z0-9_-]{1,32}")
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?")
_YES = {"yes", "y", "true", "1", "是", "可写", "√"}
_NO = {"", "no", "n", "false", "0", "否", "不可写", "×"}
_UNITS = {
    "℃": "degC", "°c": "degC", "c": "degC", "摄氏度": "degC", "度": "degC", "celsius": "degC", "厘米": "cm", "米": "m",
    "毫米": "mm", "千帕": "kPa", "兆帕": "MPa", "帕": "Pa", "巴": "bar", "毫安": "mA", "安": "A", "伏": "V", "秒": "s",
    "转/分": "rpm", "分贝": "dB", "%vol.": "%vol", "lel": "%LEL", "vol": "%vol", "centimeters": "cm", "m3/hr": "m3/h",
}  # fmt: skip
_COMMON = ("cm", "mm", "m", "degC", "degF", "K", "bar", "mbar", "Pa", "kPa", "MPa", "ppm", "ppb", "%LEL", "%vol", "%",
           "m/s", "mm/s", "m3/h", "L/min", "L/s", "kg/h", "t/h", "rpm", "Hz", "A", "mA", "V", "kV", "kW", "kWh", "mg/m3",
           "ms", "s", "min", "h", "kg", "t", "L", "m3", "pH", "dB", "dBA", "lux", "uS/cm", "mS/cm", "NTU", "Pa*s")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Draft:
    """One checked row: everything of a core Tag but its numbers."""

    row: Row
    spec: PointSpec
    point: Point
    unit: str
    low: float
    high: float
    fault: tuple[float, float]
    stale_ms: int
    frozen_s: float
    rate_max_per_s: float
    deadband: float
    safe: float
    area: str
    personal: bool
    text: dict[str, str]


@dataclass(slots=True)
class _Cells:
    """The cells of one row on their way to a Draft; collects what is wrong with them."""

    table: Table
    row: Row
    problems: list[Problem]

    def say(self, code: str, at: str, severity: Severity = "error", /, **args: Any) -> None:
        """Note a problem at a cell."""
        self.problems.append(problem(code, self.table.place(self.row, at), severity, **args))

    def number(self, column: str, default: float) -> float:
        """The number in a cell, `default` where it is empty or wrong."""
        text = self.row[column]
        if not text:
            return default
        value = float(text) if _NUMBER.fullmatch(text) else math.nan
        if not math.isfinite(value):
            self.say("tag.number", column, value=text, column=column)
            return default
        return value

    def from_zero(self, column: str) -> float:
        """A number that is not negative; 0 where the cell is empty."""
        value = self.number(column, 0.0)
        if value < 0.0:
            self.say("tag.positive", column, column=column, value=self.row[column], bound=("at least 0", "不小于 0"))
            return 0.0
        return value

    def yes(self, column: str) -> bool:
        """Whether a cell says yes."""
        text = self.row[column].lower()
        if text not in _YES and text not in _NO:
            self.say("tag.yes-no", column, value=self.row[column], column=column)
        return text in _YES


def read_tags(table: Table, sources: Mapping[str, SourceDraft], area: str) -> tuple[list[Draft], list[Problem]]:
    """Every row of the tag list, checked; `area` is the default of the site."""
    problems = list(table.problems)
    drafts: list[Draft] = []
    if any(name not in table.columns for name in REQUIRED):
        return drafts, problems
    if not table.rows:
        problems.append(problem("tags.none", table.grid.place(table.grid.rows[0][0])))
    seen: dict[str, int] = {}
    for row in table.rows:
        cells = _Cells(table, row, problems)
        draft = _draft(cells, seen, sources, area)
        if draft is not None:
            drafts.append(draft)
    return drafts, _once(problems)


def _draft(cells: _Cells, seen: dict[str, int], sources: Mapping[str, SourceDraft], area: str) -> Draft | None:
    row = cells.row
    before = len(cells.problems)
    _name(cells, seen)
    source = _source(cells, sources)
    writable = cells.yes("writable")
    scale, offset = cells.number("scale", 1.0), cells.number("offset", 0.0)
    low, high = cells.number("low", -INF), cells.number("high", INF)
    if low >= high:
        cells.say("tag.range", "low", low=row["low"], high=row["high"])
    scale, offset, fault = _signal(cells, scale, offset, low, high)
    spec = PointSpec(row["tag"], row["address"], row["type"], scale, offset, writable, False, dict(row.cells))
    point = _point(cells, source, spec)
    unit = _unit(cells)
    boolean = point is not None and point.boolean
    safe = _safe(cells, writable, low, high, boolean)
    personal = _privacy(cells, writable)
    if boolean:
        low, high = _boolean(cells)
    due = row["calibration_due"]
    if due and not _is_date(due):
        cells.say("tag.date", "calibration_due", value=due)
    if row["area"] and not _AREA.fullmatch(row["area"]):
        cells.say("tag.area", "area", value=row["area"])
    stale_ms = _stale(cells, source)
    frozen_s, rate, deadband = (cells.from_zero(name) for name in ("frozen_s", "rate_max_per_s", "deadband"))
    text = {language: row[column] for language, column in (("en", "en"), ("zh-CN", "zh")) if row[column]}
    if point is None or any(found.severity == "error" for found in cells.problems[before:]):
        return None
    area = row["area"] or area
    return Draft(
        row, spec, point, unit, low, high, fault, stale_ms, frozen_s, rate, deadband, safe, area, personal, text
    )


def _name(cells: _Cells, seen: dict[str, int]) -> None:
    name = cells.row["tag"]
    if not name:
        cells.say("tag.empty", "tag", column="tag")
    elif not _NAME.fullmatch(name) or len(name) > 64:
        cells.say("tag.name", "tag", value=name)
    elif name.lower() in seen:
        cells.say("tag.duplicate", "tag", value=name, row=seen[name.lower()])
    else:
        seen[name.lower()] = cells.row.number


def _source(cells: _Cells, sources: Mapping[str, SourceDraft]) -> SourceDraft | None:
    name = cells.row["source"]
    if not name:
        cells.say("tag.empty", "source", column="source")
    elif name not in sources:
        near, known = nearest(name, sources), listed(sources) if sources else ("none", "无")
        cells.say("tag.unknown-source", "source", value=name, near=near, known=known)
    else:
        sources[name].used = True
        return sources[name]
    return None


def _point(cells: _Cells, source: SourceDraft | None, spec: PointSpec) -> Point | None:
    if not spec.address:
        cells.say("tag.empty", "address", column="address")
        return None
    if source is None or source.settings is None:
        return None
    try:
        point: Point = source.module.parse(source.settings, spec)
    except AddressError as error:
        cells.say("tag.address", "address", what=(error.en, error.zh))
        return None
    if point.note is not None:
        cells.say("tag.address-note", "address", "note", what=point.note)
    return point


def _signal(
    cells: _Cells, scale: float, offset: float, low: float, high: float
) -> tuple[float, float, tuple[float, float]]:
    """Scale, offset and the NE 43 fault limits in the tag's unit: below 3.6 mA and above 21 mA the loop is at fault."""
    text = cells.row["signal"]
    if scale == 0.0:
        cells.say("tag.positive", "scale", column="scale", value="0", bound=("a number other than 0", "为非零数字"))
        return 1.0, offset, (-INF, INF)
    if not text:
        return scale, offset, (-INF, INF)
    if text.lower().replace(" ", "").replace("..", "-").replace("~", "-").replace("～", "-") != "4-20ma":
        cells.say("tag.signal", "signal", value=text)
        return scale, offset, (-INF, INF)
    if not cells.row["scale"] and not cells.row["offset"] and cells.row["unit"] != "mA":
        if not (math.isfinite(low) and math.isfinite(high)):
            cells.say("tag.signal-unscaled", "signal", value=cells.row["tag"])
            return scale, offset, (-INF, INF)
        scale = (high - low) / 16.0
        offset = low - 4.0 * scale
        unit = cells.row["unit"]
        cells.say("tag.signal-scaled", "signal", "note", low=cells.row["low"], high=cells.row["high"], unit=unit)
    if _raw_is_ma(scale, offset, low, high):
        ends = sorted((3.6 * scale + offset, 21.0 * scale + offset))
        return scale, offset, (ends[0], ends[1])
    ma = (high - low) / 16.0
    unit = cells.row["unit"]
    cells.say("tag.signal-range", "signal", "note", low=cells.row["low"], high=cells.row["high"], unit=unit)
    return scale, offset, (low + (3.6 - 4.0) * ma, low + (21.0 - 4.0) * ma)


def _raw_is_ma(scale: float, offset: float, low: float, high: float) -> bool:
    """Whether 4 to 20 of the raw value fill the range; where they do not, the card delivers counts."""
    span = high - low
    if not 0.0 < span < INF:
        return True
    bottom, top = sorted((4.0 * scale + offset, 20.0 * scale + offset))
    slack = 1e-6 * span
    return low - slack <= bottom and top <= high + slack and top - bottom >= 0.5 * span


def _unit(cells: _Cells) -> str:
    unit = cells.row["unit"]
    if not unit:
        return ""
    try:
        parse_unit(unit)
    except ValueError:
        right = _UNITS.get(unit.lower())
        cells.say("tag.unit", "unit", value=unit, near=nearest(right, [right]) if right else nearest(unit, _COMMON))
    return unit


def _safe(cells: _Cells, writable: bool, low: float, high: float, boolean: bool) -> float:
    if not cells.row["safe"]:
        if writable:
            cells.say("tag.no-safe", "safe", value=cells.row["tag"])
        return 0.0
    if not writable:
        cells.say("tag.safe-not-writable", "safe", value=cells.row["tag"])
    before = len(cells.problems)
    safe = cells.number("safe", 0.0)
    if len(cells.problems) > before:
        return safe
    if boolean and safe not in (0.0, 1.0):
        cells.say("tag.safe-range", "safe", value=cells.row["safe"], low=0, high=1)
    elif not boolean and low < high and not low <= safe <= high:
        bottom, top = cells.row["low"] or "-∞", cells.row["high"] or "∞"
        cells.say("tag.safe-range", "safe", value=cells.row["safe"], low=bottom, high=top)
    return safe


def _boolean(cells: _Cells) -> tuple[float, float]:
    """A bool has no unit, no deadband, no signal and no range but 0 to 1; scale and offset are judged by its driver."""
    usual = {"unit": ("",), "deadband": ("", "0"), "signal": ("",), "low": ("", "0"), "high": ("", "1")}
    for column, fine in usual.items():
        if cells.row[column] not in fine:
            cells.say("tag.bool", column, column=column, value=cells.row[column])
    return -INF, INF


def _privacy(cells: _Cells, writable: bool) -> bool:
    text = cells.row["privacy"].lower()
    personal = text in ("personal", "个人")
    if text not in ("", "plant", "装置", "personal", "个人"):
        cells.say("tag.privacy", "privacy", value=cells.row["privacy"])
    if personal and writable:
        cells.say("tag.personal-output", "privacy", value=cells.row["tag"])
    return personal


def _stale(cells: _Cells, source: SourceDraft | None) -> int:
    """The tag's limit of freshness in ms; the default is three periods, at least 1 s (interlocks.md I6)."""
    period = source.period_ms if source else 0
    text = cells.row["stale_ms"]
    if not text:
        if source and source.settings is not None and not period:
            cells.say("tag.stale-default", "stale_ms", "warning", value=cells.row["tag"], source=source.name)
        return max(3 * period, 1000)
    value = cells.number("stale_ms", 1000.0)
    if not 1.0 <= value <= STALE_MS_MAX or value != int(value):
        bound = (f"a whole number from 1 to {STALE_MS_MAX}", f"为 1 至 {STALE_MS_MAX} 的整数")
        cells.say("tag.positive", "stale_ms", column="stale_ms", value=text, bound=bound)
        return 1000
    if value < 3 * period:
        cells.say("tag.stale-short", "stale_ms", "warning", value=text, period=period, right=3 * period)
    return int(value)


def _is_date(text: str) -> bool:
    try:
        date.fromisoformat(text.replace("/", "-"))
    except ValueError:
        return False
    return True


def _once(problems: Sequence[Problem]) -> list[Problem]:
    """One note where many rows would say the very same, such as that a simulated value is not measured."""
    said: set[str] = set()
    kept = []
    for found in problems:
        if found.code != "tag.address-note" or found.text["en"] not in said:
            kept.append(found)
            said.add(found.text["en"])
    return kept


def check_together(table: Table, drafts: Sequence[Draft], sources: Mapping[str, SourceDraft]) -> list[Problem]:
    """What only several rows can tell: two outputs on one place, personal tags that arrive among plant tags."""
    problems: list[Problem] = []
    writers = {
        (name, word.point.order): word.spec.name
        for name, source in sources.items()
        for word in source.words.values()
        if word.spec.writable
    }
    plant = {(draft.row["source"], draft.point.group) for draft in drafts if not draft.personal}
    for draft in drafts:
        name, source = draft.spec.name, draft.row["source"]
        place = (source, draft.point.order)
        if draft.spec.writable and draft.point.order:
            if place in writers:
                at = table.place(draft.row, "address")
                problems.append(problem("tag.same-output", at, value=name, other=writers[place]))
            writers.setdefault(place, name)
        if draft.personal and (source, draft.point.group) in plant:
            at = table.place(draft.row, "privacy")
            problems.append(problem("tag.personal-mixed", at, value=name, source=source))
    return problems
