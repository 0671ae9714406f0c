"""Cells of a historian's export: times, qualities and values in the forms that plants use."""

from __future__ import annotations

import math
from datetime import UTC, datetime, tzinfo
from typing import Any

from gateway.core.limits import MS, SECOND
from gateway.core.tags import Quality

WORDS = {
    "good": Quality.GOOD, "ok": Quality.GOOD, "uncertain": Quality.UNCERTAIN, "bad": Quality.BAD,
    "好": Quality.GOOD, "良好": Quality.GOOD, "不确定": Quality.UNCERTAIN, "坏": Quality.BAD,
}  # fmt: skip
TRUE, FALSE = ("true", "on", "是", "开"), ("false", "off", "否", "关")
FORMATS = ("%Y/%m/%d %H:%M:%S.%f", "%Y/%m/%d %H:%M:%S", "%Y/%m/%d %H:%M", "%d.%m.%Y %H:%M:%S")


def utc_ns_of(cell: Any, zone: tzinfo) -> int:
    """ISO 8601, common plant forms, or a number of seconds, ms, us or ns since 1970; -1 where it is none of them."""
    if isinstance(cell, datetime):
        return _ns(cell, zone)
    text = str(cell).strip()
    try:
        number = float(text)
    except ValueError:
        return _parsed(text, zone)
    if not math.isfinite(number) or number <= 0:
        return -1
    for unit_ns, above in ((1, 1e17), (1_000, 1e14), (MS, 1e11), (SECOND, 0.0)):
        if number > above:
            whole = int(text) if text.isdigit() else number
            return int(whole * unit_ns)
    return -1


def _parsed(text: str, zone: tzinfo) -> int:
    try:
        return _ns(datetime.fromisoformat(text), zone)
    except ValueError:
        pass
    for form in FORMATS:
        try:
            return _ns(datetime.strptime(text, form), zone)
        except ValueError:
            continue
    return -1


def _ns(when: datetime, zone: tzinfo) -> int:
    when = when if when.tzinfo else when.replace(tzinfo=zone)
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND + since.microseconds * 1000


def quality_of(cell: Any) -> int:
    """A quality of ours, -1 where nobody knows it."""
    text = str(cell).strip().lower() if cell is not None else ""
    if text in ("", *WORDS):
        return int(WORDS.get(text, Quality.GOOD))
    try:
        code = int(float(text))
    except ValueError:
        return -1
    if not 0 <= code <= 0xFFFF:
        return -1
    return int(Quality.GOOD if code & 0xC0 == 0xC0 else Quality.UNCERTAIN if code & 0xC0 == 0x40 else Quality.BAD)


def value_of(cell: Any) -> float | None:
    """A number, None where it is none; on and off are 1 and 0."""
    if isinstance(cell, bool | int | float):
        return float(cell) if math.isfinite(cell) else None
    text = str(cell).strip().lower()
    if text in TRUE or text in FALSE:
        return float(text in TRUE)
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
