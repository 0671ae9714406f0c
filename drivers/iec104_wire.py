"""IEC 60870-5-104 as bytes: frames, information objects and their time tags, commands. No socket, no clock.

Sizes are those that 104 fixes: cause of transmission 2 bytes, common address 2, information object address 3.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from drivers.base_talk import Malformed, Unwritable

START = 0x68
STARTDT, STARTDT_CON, TESTFR, TESTFR_CON = 0x07, 0x0B, 0x43, 0x83
STOPDT, STOPDT_CON = 0x13, 0x23
U_FRAMES = (STARTDT, STARTDT_CON, STOPDT, STOPDT_CON, TESTFR, TESTFR_CON)
MODULUS = 1 << 15  # of the sequence numbers
HEAD, FRAME_MIN, FRAME_MAX = 6, 4, 253  # bytes before the ASDU; what the length byte may say

# Quality descriptors, as bits of one byte (7.2.6.3); those of 7.2.6.1 and 7.2.6.2 have the same places.
OV, BL, SB, NT, IV = 0x01, 0x10, 0x20, 0x40, 0x80
MOVING = 0x100  # not on the wire: the transient bit of a step position
UNDEFINED = 0x200  # not on the wire: a double point that is neither on nor off

INTERROGATION, READ, INITIALISED = 100, 102, 70
SPONTANEOUS, REQUEST, ACT, ACT_CON, ACT_TERM = 3, 5, 6, 7, 10
UNKNOWN = {
    44: ("unknown type", "类型标识未知"),
    45: ("unknown cause", "传送原因未知"),
    46: ("unknown common address", "公共地址未知"),
    47: ("unknown information object", "信息对象地址未知"),
}
MONITORED_CAUSES = frozenset((1, 2, SPONTANEOUS, REQUEST, 11, 12, *range(20, 42)))
NEGATIVE, TEST = 0x40, 0x80  # bits of the cause
STATION = 20  # qualifier: the whole station
SELECT = 0x80  # bit of a command's qualifier
TIME = 7  # bytes of CP56Time2a
_HALF = 1 << 15

Decoded = tuple[float, int]  # number and quality bits


@dataclass(frozen=True, slots=True)
class Asdu:
    """One application service data unit; `body` is what follows the common address."""

    kind: int
    sequence: bool
    count: int
    cause: int
    negative: bool
    test: bool
    station: int
    body: bytes

    @property
    def address(self) -> int:
        """Of the first information object. Raises Malformed."""
        if len(self.body) < 3:
            raise Malformed("an ASDU without an information object")
        return int.from_bytes(self.body[:3], "little")


@dataclass(frozen=True, slots=True)
class Report:
    """What a monitored point is told to be: raw number, quality bits, UTC ns of its time tag (0 = none or invalid)."""

    address: int
    raw: float
    quality: int
    stamp_ns: int


def asdu_of(data: bytes) -> Asdu:
    """Raises Malformed."""
    if len(data) < 9:
        raise Malformed(f"an ASDU of {len(data)} bytes")
    kind, variable, cause, _, station = struct.unpack_from("<BBBBH", data)
    return Asdu(
        kind,
        variable >= 0x80,
        variable & 0x7F,
        cause & 0x3F,
        bool(cause & NEGATIVE),
        bool(cause & TEST),
        station,
        data[6:],
    )


def _single(data: bytes) -> Decoded:
    return float(data[0] & 1), data[0] & 0xF0


def _double(data: bytes) -> Decoded:
    state = data[0] & 3
    return float(state == 2), data[0] & 0xF0 | (0 if state in (1, 2) else UNDEFINED)


def _step(data: bytes) -> Decoded:
    position = data[0] & 0x7F
    return float(position - 128 if position > 63 else position), data[1] & 0xF1 | (MOVING if data[0] & 0x80 else 0)


def _bits(data: bytes) -> Decoded:
    return float(int.from_bytes(data[:4], "little")), data[4] & 0xF1


def _normalised(data: bytes) -> Decoded:
    return int.from_bytes(data[:2], "little", signed=True) / _HALF, data[2] & 0xF1 if len(data) > 2 else 0


def _scaled(data: bytes) -> Decoded:
    return float(int.from_bytes(data[:2], "little", signed=True)), data[2] & 0xF1


def _short(data: bytes) -> Decoded:
    return float(struct.unpack_from("<f", data)[0]), data[4] & 0xF1


def _counter(data: bytes) -> Decoded:
    return float(int.from_bytes(data[:4], "little", signed=True)), data[4] & IV


# Type identification -> bytes of an element without its time tag, what it says; 30 and up are those with CP56Time2a.
_PLAIN: dict[int, tuple[int, Callable[[bytes], Decoded]]] = {
    1: (1, _single), 3: (1, _double), 5: (2, _step), 7: (5, _bits), 9: (3, _normalised), 11: (3, _scaled), 13: (5, _short),
    15: (5, _counter), 21: (2, _normalised),
}  # fmt: skip
_TAGGED = {30: 1, 31: 3, 32: 5, 33: 7, 34: 9, 35: 11, 36: 13, 37: 15}
ELEMENTS = {
    **{kind: (size, decode, False) for kind, (size, decode) in _PLAIN.items()},
    **{kind: (*_PLAIN[plain], True) for kind, plain in _TAGGED.items()},
}


def reports(asdu: Asdu, zone: ZoneInfo) -> Iterator[Report]:
    """The points of a monitoring ASDU in its order; nothing for a type that is not monitored. Raises Malformed before the first."""
    element = ELEMENTS.get(asdu.kind)
    if element is None or asdu.test or asdu.negative or asdu.cause not in MONITORED_CAUSES:
        return
    size, decode, tagged = element
    whole = size + (TIME if tagged else 0)
    step = whole if asdu.sequence else whole + 3
    if not asdu.count or len(asdu.body) != asdu.count * step + (3 if asdu.sequence else 0):
        raise Malformed(f"{asdu.count} objects of type {asdu.kind} in {len(asdu.body)} bytes")
    first = asdu.address
    for index in range(asdu.count):
        at = 3 + index * step
        data = asdu.body[at : at + whole]
        address = first + index if asdu.sequence else int.from_bytes(asdu.body[at - 3 : at], "little")
        raw, quality = decode(data)
        yield Report(address, raw, quality, utc_ns(data[size:], zone) if tagged else 0)


@lru_cache(maxsize=64)  # the objects of one frame often share their minute
def _minute(data: bytes, zone: ZoneInfo) -> int:
    """UTC ns at the begin of the minute, -1 where there is no such time."""
    minute, hour, day, month, year = data[0] & 0x3F, data[1] & 0x1F, data[2] & 0x1F, data[3] & 0x0F, data[4] & 0x7F
    try:
        # In the hour that comes twice in autumn the summer-time bit says which; it says nothing at any other time.
        local = datetime(2000 + year, month, day, hour, minute, tzinfo=zone, fold=0 if data[1] & 0x80 else 1)
    except ValueError:
        return -1
    since = local.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return since // timedelta(seconds=1) * 1_000_000_000


def utc_ns(data: bytes, zone: ZoneInfo) -> int:
    """UTC ns of a CP56Time2a on a clock of `zone`; 0 where the outstation says that it is invalid, or where there is no such time."""
    milliseconds = int.from_bytes(data[:2], "little")
    if data[2] & IV or milliseconds > 59_999:
        return 0
    minute_ns = _minute(data[2:], zone)
    return 0 if minute_ns < 0 else minute_ns + milliseconds * 1_000_000


# -- what we send -------------------------------------------------------------------------------------------------------


def u_frame(function: int) -> bytes:
    """An unnumbered frame."""
    return bytes((START, 4, function, 0, 0, 0))


def s_frame(received: int) -> bytes:
    """A supervisory frame: all before `received` came in."""
    return struct.pack("<BBHH", START, 4, 1, received << 1)


def i_frame(sent: int, received: int, asdu: bytes) -> bytes:
    """A numbered frame."""
    return struct.pack("<BBHH", START, 4 + len(asdu), sent << 1, received << 1) + asdu


def activation(
    kind: int, station: int, address: int, element: bytes, *, originator: int = 0, cause: int = ACT
) -> bytes:
    """An ASDU of one object in control direction."""
    return struct.pack("<BBBBH", kind, 1, cause, originator, station) + address.to_bytes(3, "little") + element


@dataclass(frozen=True, slots=True)
class Order:
    """How a command is spelled: its type, and its element for a raw number. `encode` raises Unwritable."""

    kind: int
    boolean: bool
    encode: Callable[[float], bytes]


def _sco(raw: float) -> bytes:
    return bytes((int(_truth(raw)),))


def _dco(raw: float) -> bytes:
    return bytes((2 if _truth(raw) else 1,))


def _truth(raw: float) -> bool:
    if raw not in (0.0, 1.0):
        raise Unwritable(f"{raw:g} is neither 0 nor 1", f"{raw:g} 既不是 0 也不是 1")
    return raw == 1.0


def _fitting(raw: float) -> int:
    number = round(raw)
    if not -_HALF <= number < _HALF:
        raise Unwritable(f"{raw:g} does not fit into 16 bits", f"{raw:g} 超出 16 位范围")
    return number


def _nva(raw: float) -> bytes:
    if not -1.0 <= raw <= 1.0:
        raise Unwritable(f"{raw:g} is not between -1 and 1", f"{raw:g} 不在 -1 与 1 之间")
    return struct.pack("<hB", min(round(raw * _HALF), _HALF - 1), 0)


def _sva(raw: float) -> bytes:
    return struct.pack("<hB", _fitting(raw), 0)


def _real(raw: float) -> bytes:
    try:
        data = struct.pack("<fB", raw, 0)
    except OverflowError as error:
        raise Unwritable(f"{raw:g} does not fit into 32 bits", f"{raw:g} 超出 32 位浮点范围") from error
    if not math.isfinite(raw):
        raise Unwritable(f"{raw:g} is no number", f"{raw:g} 不是数值")
    return data


ORDERS = {
    "sc": Order(45, True, _sco),
    "dc": Order(46, True, _dco),
    "na": Order(48, False, _nva),
    "nb": Order(49, False, _sva),
    "nc": Order(50, False, _real),
}


def selecting(element: bytes) -> bytes:
    """The same element as a selection: it is obeyed only when it comes again without this bit."""
    return element[:-1] + bytes((element[-1] | SELECT,))
