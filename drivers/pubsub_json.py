"""The JSON encoding of OPC UA PubSub (Part 14, 7.2.5) as stacks really send it. No socket, no clock.

A value is `{"UaType": 11, "Value": 1.5}` (1.05.04, open62541), `{"Type": 11, "Body": 1.5}` (1.03 reversible), bare, or a
data value around any of these. `MessageId` may be null. Writers are told by number; a group by name, if at all. What is no
such message raises `Malformed`; a field that is no number is NaN.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from drivers.base_ua import NUMBERS, STATUS_CODE, Malformed
from drivers.pubsub_message import DELTA, EVENT, KEEP_ALIVE, KEY, DataSet, Message, Named, WriterKey

KINDS = {"ua-keyframe": KEY, "ua-deltaframe": DELTA, "ua-event": EVENT, "ua-keepalive": KEEP_ALIVE}
SETS_MAX = 1000
UINT16, UINT32 = 1 << 16, 1 << 32
BAD = 0x8000_0000

Wanted = Callable[[WriterKey], bool]


def network(payload: bytes, wanted: Wanted) -> Message:
    """A network message with the data sets that are wanted. Raises Malformed."""
    try:
        root = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Malformed(str(error)) from error
    outer = root if isinstance(root, dict) else {}
    if outer.get("MessageType", "ua-data") not in ("ua-data", *KINDS):
        return Message()  # metadata, connection, status: nothing for us
    inner = outer.get("Messages", root)
    items = inner if isinstance(inner, list) else [inner]
    if len(items) > SETS_MAX or not all(isinstance(one, dict) for one in items):
        raise Malformed("no list of data set messages")
    found = Message(_publisher(outer))
    for item in items:
        key = _key(item, outer)
        if wanted(key):
            found.sets.append(_data_set(item, key))
        elif key.group != "*" and wanted(WriterKey(key.publisher, "*", key.writer)):
            found.sets.append(_data_set(item, WriterKey(key.publisher, "*", key.writer)))
        else:
            found.skipped += 1
    return found


def _publisher(table: dict[str, Any]) -> str:
    told = table.get("PublisherId", "")
    if isinstance(told, bool) or not isinstance(told, str | int):
        raise Malformed(f"a publisher id that is {type(told).__name__}")
    return str(told)


def _key(item: dict[str, Any], outer: dict[str, Any]) -> WriterKey:
    writer = item.get("DataSetWriterId", -1)
    if isinstance(writer, str) and writer.isdecimal() and len(writer) < 6:
        writer = int(writer)
    if isinstance(writer, bool) or not isinstance(writer, int) or not -1 <= writer < UINT16:
        raise Malformed("a data set writer id that is no number of 16 bits")
    group = item.get("WriterGroupName", outer.get("WriterGroupName", "*"))
    return WriterKey(_publisher(item) or _publisher(outer), group if isinstance(group, str) and group else "*", writer)


def _data_set(item: dict[str, Any], key: WriterKey) -> DataSet:
    kind = KINDS.get(item.get("MessageType", "ua-keyframe"))
    if kind is None:
        raise Malformed(f"a data set message of type {item.get('MessageType')}")
    found = DataSet(key, kind, status=_status(item.get("Status", 0)), stamp=_time(item.get("Timestamp")))
    found.sequence = _uint(item.get("SequenceNumber", -1))
    version = item.get("MetaDataVersion")
    if isinstance(version, dict):
        found.version = _uint(version.get("MajorVersion", -1)), _uint(version.get("MinorVersion", -1))
    if kind == KEEP_ALIVE:
        return found
    payload = item.get("Payload")
    if not isinstance(payload, dict):
        raise Malformed("a data set message without a payload")
    found.named = {name: _named(told) for name, told in payload.items()}
    return found


def _uint(told: Any) -> int:
    """A number of 32 bits; -1 for none."""
    if isinstance(told, bool) or not isinstance(told, int) or not -1 <= told < UINT32:
        raise Malformed("a number that is not of 32 bits")
    return told


def _status(told: Any) -> int:
    """A status code, written as a number or as {"Code": …}; bad where it is neither."""
    if isinstance(told, dict):
        told = told.get("Code", 0)
    if told is None:
        return 0
    return told if isinstance(told, int) and not isinstance(told, bool) and 0 <= told < UINT32 else BAD


def _named(told: Any) -> Named:
    """A field in any of its forms."""
    if not isinstance(told, dict):
        return Named(_number(told, 0))
    status, stamp = 0, 0
    for name in ("Status", "StatusCode"):
        status = status or _status(told.get(name, 0))
    for name in ("SourceTimestamp", "ServerTimestamp"):
        stamp = stamp or _time(told.get(name))
    kind = told.get("UaType", told.get("Type", 0))
    value = told.get("Value", told.get("Body"))
    if isinstance(value, dict):  # a data value around a variant
        kind, value = value.get("UaType", value.get("Type", 0)), value.get("Value", value.get("Body"))
    if kind == STATUS_CODE:
        return Named(math.nan, _status(value) or BAD, stamp)
    return Named(_number(value, kind if isinstance(kind, int) else -1), status, stamp)


def _number(value: Any, kind: int) -> float:
    """The number, NaN where it is none. Types of 64 bits come as text (Part 6, 5.4.2.3); type 0 = not told."""
    if kind and kind not in NUMBERS:
        return math.nan
    if isinstance(value, str) and kind in (8, 9):
        try:
            return float(int(value)) if len(value) <= 20 else math.nan
        except ValueError:
            return math.nan
    if isinstance(value, bool):
        return float(value) if kind in (0, 1) else math.nan
    if isinstance(value, int | float) and kind != 1:
        try:
            return float(value)
        except OverflowError:
            return math.nan
    return math.nan


def _time(told: Any) -> int:
    """UTC ns of an ISO 8601 time, 0 where there is none or it makes no sense."""
    if not isinstance(told, str):
        return 0
    try:
        moment = datetime.fromisoformat(told)
    except ValueError:
        return 0
    if moment.tzinfo is None or not 1970 < moment.year < 2262:
        return 0
    past = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (past.days * 86_400 + past.seconds) * 1_000_000_000 + past.microseconds * 1000
