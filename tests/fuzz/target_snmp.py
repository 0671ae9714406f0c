"""SNMP: the answer to one GET of four objects, over UDP with a community and over TCP, and an answer signed and encrypted."""

from __future__ import annotations

import contextlib
import math
import struct
from collections.abc import Sequence
from functools import cache
from time import monotonic

from drivers import snmp
from drivers.base import PointSpec
from drivers.base_talk import Malformed
from drivers.snmp_ber import oid
from drivers.snmp_usm import User
from drivers.snmp_wire import RESPONSE, Snmp, SnmpTalk
from tests.contract.case import plan_of
from tests.fuzz.asked import one_cycle, texts
from tests.fuzz.wire import on_loop

NUMBER = 0x01020304
NAMES = {name: oid(f"1.3.6.1.4.1.9.{at}") for at, name in enumerate("abcd")}
SETTINGS = snmp.Settings(url="udp://127.0.0.1", user="u")
PLAN = plan_of(snmp, SETTINGS, [PointSpec(name, f"1.3.6.1.4.1.9.{at}", "") for at, name in enumerate("abcd")])
USER = User("u", "sha256", b"auth phrase", b"priv phrase")


def put(tag: int, content: bytes) -> bytes:
    """Short values only."""
    return bytes([tag, len(content)]) + content if len(content) < 128 else bytes([tag, 0x81, len(content)]) + content


def answer(*values: str, status: int = 0, index: int = 0, number: int = NUMBER) -> bytes:
    """What an agent says to the first request."""
    body = b"".join(
        put(0x30, put(6, name) + bytes.fromhex(value)) for name, value in zip(NAMES.values(), values, strict=True)
    )
    pdu = put(2, number.to_bytes(4, "big")) + bytes([2, 1, status, 2, 1, index]) + put(0x30, body)
    return put(0x30, bytes([2, 1, 1]) + put(4, b"public") + put(0xA2, pdu))


VALUES = ("0202fb2e", "410500fffffffe", "44079f780442f70000", "0404" + b"12.5".hex())


class Pinned(SnmpTalk):
    """Asks with the one number that the seeds answer."""

    def wrap(self, request: bytes) -> bytes:
        super().wrap(request)
        self._number = NUMBER
        return b""


class Signed(Pinned):
    """A v3 talk that has met its agent."""

    def __init__(self) -> None:
        super().__init__(1000, b"", USER, stream=False)
        self._engine, self._boots, self._time_s = b"engine", 3, monotonic()

    def answered(self, pdu: bytes) -> bytes:
        """As the agent would send it."""
        self._number = NUMBER
        return self._wrap3(USER, pdu)


@cache
def genuine() -> bytes:
    """The one message that a signed talk may take."""
    kept: list[bytes] = []
    on_loop(lambda: kept.append(Signed().answered(items(answer(*VALUES), 0x30)[2])))
    return kept[0]


def unwrapped(data: bytes) -> int:
    """The tag of what a signed talk takes, 0 = nothing."""
    kept = [0]

    def turn() -> None:
        talk = Signed()
        talk._number = NUMBER
        with contextlib.suppress(Malformed):
            kept[0] = talk.unwrap(data)[0]

    on_loop(turn)
    return kept[0]


def made(stream: bool) -> tuple[SnmpTalk, Snmp]:
    """A v2c connection."""
    return Pinned(1000, b"public", None, stream=stream), Snmp(20)


def feed(data: bytes) -> None:
    """As a stream and as a datagram; what is signed must be the one genuine message."""
    for stream in (True, False):
        told = one_cycle(
            snmp.Driver(SETTINGS, PLAN), PLAN, lambda stream=stream: made(stream), data, datagram=not stream
        )
        read = texts(strictly(first(data) if stream else data))
        assert told <= read, (told, read)
    assert unwrapped(data) != RESPONSE or data == genuine(), "taken without its signature"


def first(data: bytes) -> bytes:
    """The first message of a stream."""
    try:
        return data[: walk(data, 0)[2]]
    except (IndexError, ValueError):
        return b""


def walk(data: bytes, at: int) -> tuple[int, int, int]:
    """Tag, begin and end of the value at `at`. Raises ValueError, IndexError."""
    tag, size, begin = data[at], data[at + 1], at + 2
    if size > 127:
        count = size - 128
        if not 0 < count < 4:
            raise ValueError(count)
        size, begin = sum(data[begin + one] << 8 * (count - 1 - one) for one in range(count)), begin + count
    if begin + size > len(data):
        raise ValueError(size)
    return tag, begin, begin + size


def items(data: bytes, tag: int) -> list[bytes]:
    """The whole values in a constructed one that fills `data`. Raises ValueError, IndexError."""
    found, begin, end = walk(data, 0)
    if found != tag or end != len(data):
        raise ValueError(found)
    parts = []
    while begin < end:
        stop = walk(data[:end], begin)[2]
        parts.append(data[begin:stop])
        begin = stop
    return parts


def content(data: bytes) -> bytes:
    return data[walk(data, 0)[1] :]


def strictly(data: bytes) -> dict[str, float]:
    """One v2c response to the byte."""
    try:
        version, community, pdu = items(data, 0x30)
        number, status, index, body = items(pdu, 0xA2)
        pairs = [items(one, 0x30) for one in items(body, 0x30)]
        names = [content(name) for name, _ in pairs]
    except (ValueError, IndexError):
        return {}
    head = [int.from_bytes(content(one), "big", signed=True) for one in (version, number, status)]
    if head != [1, NUMBER, 0] or content(community) != b"public" or names != list(NAMES.values()) or index[0] != 2:
        return {}
    found = {name: value_of(value) for name, (_, value) in zip(NAMES, pairs, strict=True)}
    return {name: value for name, value in found.items() if math.isfinite(value)}


def value_of(value: bytes) -> float:
    inner = content(value)
    match value[0]:
        case 2 if inner:
            return float(int.from_bytes(inner, "big", signed=True))
        case 0x41 | 0x42 | 0x43 | 0x46 if inner:
            return float(int.from_bytes(inner, "big"))
        case 0x44 if inner[:3] == b"\x9f\x78\x04" and len(inner) == 7:
            return float(struct.unpack(">f", inner[3:])[0])
        case 0x44 if inner[:3] == b"\x9f\x79\x08" and len(inner) == 11:
            return float(struct.unpack(">d", inner[3:])[0])
        case 4 if inner.isascii() and b"_" not in inner:
            try:
                return float(inner)
            except ValueError:
                return math.nan
    return math.nan


SEEDS: Sequence[bytes] = (
    answer(*VALUES),
    answer("8100", "8000", "0500", "0403" + b"nan".hex()),
    answer(*VALUES, status=5, index=2),
    answer(*VALUES, number=NUMBER + 1),
    genuine(),
)
