"""Addresses and payloads of the driver `mqtt`: `topic#/json/pointer` (RFC 6901) to numbers. No socket, no clock.

Protocol: MQTT topics (OASIS MQTT 5.0 §4.7), JSON (RFC 8259). Library: none. Not supported: wildcards, binary payloads.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drivers.base import PlannedTag, Point, PointSpec
from gateway.core.errors import AddressError
from gateway.core.tags import Cause, Quality

NAN = math.nan
PERSONAL = ("personal", "个人")  # the words of the tag list's privacy column
PERSONAL_GROUP = " (personal)"  # personal values of a topic are a group of their own
TIME_MAX_MS = 253_402_300_799_000  # year 9999

INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
ESCAPE = re.compile(r"~(?![01])")

Reading = tuple[float, int, int]  # value, quality, cause


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value is: a topic and the unescaped steps of a JSON pointer; no steps = the payload itself."""

    topic: str
    steps: tuple[str, ...]


def pointer(text: str) -> tuple[str, ...]:
    """The steps of a JSON pointer. Raises AddressError."""
    if text and (not text.startswith("/") or ESCAPE.search(text)):
        raise AddressError(
            f'"{text}" is no JSON pointer: it starts with / and writes ~ as ~0 and / as ~1, such as /rms/x',
            f"“{text}”不是 JSON 指针:须以 / 开头,~ 写作 ~0,/ 写作 ~1,例如 /rms/x",
        )
    return tuple(step.replace("~1", "/").replace("~0", "~") for step in text.split("/")[1:])


def parse_address(spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    topic, _, rest = spec.address.partition("#")
    if not topic or "+" in topic or "\0" in topic or topic.startswith("$") or len(topic.encode()) > 65535:
        raise AddressError(
            f'"{topic}" is no topic of one sensor; write topic#/json/pointer without + and $, such as plant/gas/3#/lel',
            f"“{topic}”不是单个传感器的主题;请写 主题#/json/指针,不含 + 和 $,例如 plant/gas/3#/lel",
        )
    if spec.type not in ("", "bool", "float64"):
        raise AddressError(
            f'type "{spec.type}" does not apply to a JSON value; leave it empty for a number or write bool',
            f"类型“{spec.type}”不适用于 JSON 值;数值请留空,开关量请填 bool",
        )
    if spec.writable:
        raise AddressError(
            "MQTT values are read only; an output needs a device that is read back, such as modbus",
            "MQTT 值只读;输出须接在可回读的设备上,例如 modbus",
        )
    personal = spec.columns.get("privacy", "") in PERSONAL
    group = topic + PERSONAL_GROUP if personal else topic
    return Point(group, (), spec.type == "bool", Place(topic, pointer(rest)))


class Undecodable(ValueError):
    """A payload that is not JSON, or is too large."""


def document(payload: bytes, size_max: int) -> Any:
    """The JSON document of a payload. Raises Undecodable."""
    if len(payload) > size_max:
        raise Undecodable(f"{len(payload)} bytes, more than {size_max}")
    try:
        return json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Undecodable(str(error)) from error


def find(root: Any, steps: tuple[str, ...]) -> Any:
    """What the pointer points at. Raises KeyError where there is nothing."""
    here = root
    for step in steps:
        if isinstance(here, dict):
            here = here[step]
        elif isinstance(here, list) and INDEX.fullmatch(step) and int(step) < len(here):
            here = here[int(step)]
        else:
            raise KeyError(step)
    return here


def reading(root: Any, entry: PlannedTag) -> Reading:
    """The value of one tag in a document; BAD where it is missing, of the wrong type, or no finite number."""
    bad = (NAN, int(Quality.BAD), int(Cause.DECODE))
    try:
        raw = find(root, entry.point.key.steps)
    except KeyError:
        return bad
    if entry.point.boolean:
        known = isinstance(raw, bool) or (isinstance(raw, int | float) and raw in (0, 1))
        return (float(raw), 0, 0) if known else bad
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        return bad
    try:
        value = float(raw) * entry.scale + entry.offset
    except OverflowError:  # an integer beyond float64
        value = math.inf
    return (value, 0, 0) if math.isfinite(value) else (NAN, int(Quality.BAD), int(Cause.NOT_A_NUMBER))


def source_time(root: Any, steps: tuple[str, ...]) -> int:
    """UTC ns at the pointer, from ISO 8601 with an offset or from epoch milliseconds; 0 where there is no such time."""
    try:
        raw = find(root, steps)
        if isinstance(raw, str):
            moment = datetime.fromisoformat(raw)
            if moment.tzinfo is None:
                return 0  # local time of an unknown place is no time
            past = moment - datetime(1970, 1, 1, tzinfo=UTC)
            return max(0, (past.days * 86_400 + past.seconds) * 1_000_000_000 + past.microseconds * 1000)
        if isinstance(raw, int | float) and not isinstance(raw, bool) and 0 < raw < TIME_MAX_MS:
            return int(raw * 1_000_000)
    except (KeyError, ValueError, OverflowError):
        return 0
    return 0
