"""OPC UA: publish and read responses. What our decoder takes is compared with the library's own, slower one."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from asyncua import ua
from asyncua.common.utils import Buffer, NotEnoughData
from asyncua.ua.ua_binary import struct_from_binary, struct_to_binary

from drivers import opcua_wire

# The library looks closer at what is no value to us (enumerations, texts, types it has not loaded); it says nothing then.
STUMBLES = (ua.UaError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, struct.error)
STAMP = datetime(2026, 11, 24, 8, 14, 7, 412000, UTC)
V, T = ua.Variant, ua.VariantType
VARIANTS = [
    V(1.5, T.Double), V(-0.25, T.Float), V(True, T.Boolean), V(-300, T.Int16), V(4_000_000_000, T.UInt32), V("text", T.String),
    V([1.0, 2.0], T.Double), V(STAMP, T.DateTime), V(ua.LocalizedText("a", "en"), T.LocalizedText), V(ua.NodeId("x", 3), T.NodeId),
    V(None, T.Null), V(200, T.Byte), V(-(2**40), T.Int64),
]  # fmt: skip


def publish(count: int, status: int = 0, *, mixed: bool = True) -> bytes:
    """A publish response as the library writes one."""
    made = ua.PublishResponse()
    made.Parameters.SubscriptionId = 7
    made.Parameters.AvailableSequenceNumbers = [41, 42]
    made.Parameters.NotificationMessage.SequenceNumber = 42
    made.Parameters.NotificationMessage.PublishTime = STAMP
    items = [
        ua.MonitoredItemNotification(
            ClientHandle=at,
            Value=ua.DataValue(VARIANTS[at % len(VARIANTS) if mixed else 0], ua.StatusCode(status), STAMP),
        )
        for at in range(count)
    ]
    made.Parameters.NotificationMessage.NotificationData = [ua.DataChangeNotification(MonitoredItems=items)]
    return bytes(struct_to_binary(made))


def answer(count: int) -> bytes:
    """A read response as the library writes one."""
    made = ua.ReadResponse()
    made.Results = [ua.DataValue(VARIANTS[at % len(VARIANTS)], ua.StatusCode(0), STAMP) for at in range(count)]
    return bytes(struct_to_binary(made))


SEEDS: Sequence[bytes] = (
    publish(13),
    publish(20, mixed=False),
    publish(12, 0x40000000, mixed=False),
    publish(3, 0x80340000),
    publish(0),
    answer(13),
    answer(1),
)


def feed(data: bytes) -> None:
    """Both decoders; which one the driver would call depends on what it asked."""
    try:
        _, found = opcua_wire.published(data)
    except opcua_wire.Malformed:
        pass
    else:
        changes = opcua_wire.Values.join(found.changes)
        ours = zip(changes.handles.tolist(), changes.values.tolist(), changes.statuses.tolist(), strict=True)
        _compare([one for one in ours if _good(*one[1:])], data)
    try:
        _, items = opcua_wire.read(data)
    except opcua_wire.Malformed:
        return
    _compare([(at, value, status) for at, (value, status, _) in enumerate(items) if _good(value, status)], data)


def _good(value: float, status: int) -> bool:
    return value == value and status >> 30 == 0


def _compare(ours: list[tuple[int, float, int]], data: bytes) -> None:
    """Each GOOD value must be one that the library reads there, too."""
    plain = data[20:28] == bytes(8)
    if not ours or not plain:  # diagnostics, an additional header: the library does not read them as Part 6 says
        return
    try:
        theirs = list(_theirs(data))
    except NotEnoughData as error:
        raise AssertionError(f"{ours} from a frame that ends too early: {error}") from error
    except STUMBLES:
        return
    for one in ours:
        assert one in theirs, (one, theirs[:20])


def _theirs(data: bytes) -> Iterator[tuple[int, float, int]]:
    """Handle (or place), value and status as the library decodes them; nothing where it refuses the frame."""
    kind = ua.PublishResponse if data[2:4] == struct.pack("<H", opcua_wire.PUBLISH_RESPONSE) else ua.ReadResponse
    made = struct_from_binary(kind, Buffer(data))
    if isinstance(made, ua.ReadResponse):
        for at, value in enumerate(made.Results or []):
            yield at, _number(value), value.StatusCode.value if value.StatusCode else 0
        return
    for change in made.Parameters.NotificationMessage.NotificationData or []:
        for item in getattr(change, "MonitoredItems", None) or []:
            status = item.Value.StatusCode.value if item.Value.StatusCode else 0
            yield item.ClientHandle, _number(item.Value), status


def _number(value: ua.DataValue) -> float:
    inner = value.Value.Value if value.Value is not None else None
    return float(inner) if isinstance(inner, bool | int | float) else float("nan")
