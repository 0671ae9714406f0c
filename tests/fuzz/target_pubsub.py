"""OPC UA PubSub: UADP messages, in clear and signed, and JSON. What our decoder takes is compared with asyncua.pubsub's."""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import struct
from collections.abc import Iterator, Sequence

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.pubsub import uadp
from asyncua.ua.status_codes import StatusCodes

from drivers import pubsub_json, pubsub_uadp
from drivers.base_ua import Malformed
from drivers.pubsub_message import WriterKey
from drivers.pubsub_security import Keys, Opener, Refused, decrypted

V, T = ua.Variant, ua.VariantType
STUMBLES = (ua.UaError, ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, struct.error)
KEYS = Keys(bytes(range(32)), bytes(range(16)), b"abcd")
RAW = (11, 4, 1, 10)


def message(payload: list[object], ids: list[int]) -> bytes:
    """As the library writes one."""
    made = uadp.UadpNetworkMessage(
        Header=uadp.UadpHeader(PublisherId=ua.UInt16(2234)),
        GroupHeader=uadp.UadpGroupHeader(WriterGroupId=ua.UInt16(100), SequenceNo=ua.UInt16(7)),
        DataSetPayloadHeader=[ua.UInt16(one) for one in ids],
        Payload=payload,  # type: ignore[arg-type]
    )
    return bytes(made.to_binary())


def variants(*values: ua.Variant) -> uadp.UadpDataSetVariant:
    return uadp.UadpDataSetVariant(uadp.UadpDataSetMessageHeader(SequenceNo=ua.UInt16(3)), list(values))


DOUBLES = [V(at / 4, T.Double) for at in range(12)]
MIXED = [V(1.5, T.Double), V(-3, T.Int16), V(True, T.Boolean), V("text", T.String), V([1.0], T.Double)]
WHOLE = [ua.DataValue(one, ua.StatusCode(ua.UInt32(StatusCodes.Good))) for one in DOUBLES]
DELTA = uadp.UadpDataSetDeltaVariant(
    uadp.UadpDataSetMessageHeader(), [uadp.DeltaVariant(ua.UInt16(2), V(4.5, T.Double))]
)
CLEAR = message([variants(*DOUBLES)], [1])
HEAD = bytes.fromhex("f111ba0801640001010003010000000801020304") + struct.pack("<I", 9)


def signed(payload: bytes) -> bytes:
    """Encrypted and signed with KEYS."""
    body = HEAD + decrypted(KEYS, HEAD[-8:], payload)
    return body + hmac.digest(KEYS.signing, body, hashlib.sha256)


JSON = {
    "MessageId": None,
    "MessageType": "ua-data",
    "PublisherId": "2234",
    "Messages": [
        {
            "DataSetWriterId": 1,
            "SequenceNumber": 5,
            "MetaDataVersion": {"MajorVersion": 1, "MinorVersion": 2},
            "Timestamp": "2026-11-24T08:14:07.412Z",
            "MessageType": "ua-keyframe",
            "Payload": {"0": {"UaType": 11, "Value": 1.5}, "1": {"Type": 11, "Body": 2.5}, "2": 3.5, "3": "text"},
        }
    ],
}
SEEDS: Sequence[bytes] = (
    CLEAR,
    message([variants(*MIXED)], [1]),
    message([variants(*DOUBLES), uadp.UadpDataSetDataValue(uadp.UadpDataSetMessageHeader(), WHOLE)], [1, 2]),
    message([DELTA], [1]),
    message([uadp.UadpDataSetKeepAlive(uadp.UadpDataSetMessageHeader())], [1]),
    message([uadp.UadpDataSetRaw(uadp.UadpDataSetMessageHeader(), struct.pack("<dh?f", 1.5, -3, True, 0.5))], [3]),
    signed(CLEAR[14:]),
    json.dumps(JSON).encode(),
)


def layouts() -> dict[WriterKey, pubsub_uadp.Layout]:
    found = {WriterKey("2234", "100", one): pubsub_uadp.Layout() for one in (1, 2, 3)}
    found[WriterKey("2234", "100", 3)].raw = RAW
    return found


def feed(data: bytes) -> None:
    """All three doors; which one the driver opens is a matter of its settings."""
    try:
        found = pubsub_uadp.network(data, layouts())
    except Malformed:
        pass
    else:
        ours = [value for one in found.sets if one.valid and one.key.writer != 3 for value in _good(one)]
        # The library reads on through the data sets of writers that we do not know, and of those that say they are not valid.
        if ours and not found.skipped and all(one.valid for one in found.sets):
            _compare(ours, data)
    try:
        found_signed = pubsub_uadp.network(data, layouts(), Opener({1: KEYS}, encrypted=True))
    except (Malformed, Refused):
        pass
    else:
        # What was skipped (a chunk, a discovery) gives nothing; what gives a data set must carry its signature.
        if found_signed.sets:
            expected = hmac.digest(KEYS.signing, data[:-32], hashlib.sha256)
            assert hmac.compare_digest(expected, data[-32:]), "accepted without its signature"
    try:
        read = pubsub_json.network(data, lambda key: key.publisher == "2234")
    except Malformed:
        return
    numbers = set(_numbers(json.loads(data)))
    for one in read.sets:
        for told in (one.named or {}).values():
            assert math.isnan(told.value) or told.value in numbers, told


def _numbers(root: object) -> Iterator[float]:
    """Every number that stands anywhere in a JSON document, also as text."""
    if isinstance(root, dict):
        for one in root.values():
            yield from _numbers(one)
    elif isinstance(root, list):
        for one in root:
            yield from _numbers(one)
    elif isinstance(root, bool | int | float):
        yield float(root)
    elif isinstance(root, str):
        try:
            yield float(root)
        except ValueError:
            return


def _good(one: object) -> list[float]:
    fields = getattr(one, "fields", None)
    if fields is None:
        return []
    codes = [0] * len(fields.values) if fields.statuses is None else fields.statuses.tolist()
    return [
        value for value, code in zip(fields.values.tolist(), codes, strict=True) if value == value and not code >> 30
    ]


def _compare(ours: list[float], data: bytes) -> None:
    """Each GOOD value must be one that the library reads, too. Its own defects are passed over."""
    try:
        made = uadp.UadpNetworkMessage.from_binary(Buffer(data))
    except STUMBLES:
        return
    theirs: list[float] = []
    for one in made.Payload if isinstance(made.Payload, list) else []:
        for item in getattr(one, "Data", None) or []:
            value = getattr(item, "Value", item)
            while isinstance(value, ua.Variant | ua.DataValue):
                value = value.Value
            if isinstance(value, bool | int | float):
                theirs.append(float(value))
    if theirs:
        assert set(ours) <= set(theirs), (ours, theirs[:20])
