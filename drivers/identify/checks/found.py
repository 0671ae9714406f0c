"""What a structural check says of a frame, the table that checks register in, and the tools they share."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache

REQUEST, RESPONSE = 1, 2


@dataclass(frozen=True, slots=True)
class Found:
    """`bits` of agreement beyond the signature's fields; `protocol` where the content is another one than the signature's.

    `key` is what an answer echoes; `role` REQUEST or RESPONSE where the frame says so; `facts` what it tells of its sender.
    """

    bits: float
    protocol: str = ""
    key: bytes = b""
    role: int = 0
    facts: tuple[tuple[str, str], ...] = ()


Check = Callable[[bytes], "Found | None"]
CHECKS: dict[str, Check] = {}


def check(function: Check) -> Check:
    """Register `function` under its name."""
    CHECKS[function.__name__] = function
    return function


def text(raw: bytes, most: int = 96) -> str:
    """Printable text in `raw` (UTF-8, else Latin-1), "" where it is none."""
    raw = raw.partition(b"\0")[0][:most]
    try:
        out = raw.decode("utf-8")
    except UnicodeDecodeError:
        out = raw.decode("latin-1")
    out = " ".join(out.split())
    return out if out.isprintable() else ""


def facts(**told: str) -> tuple[tuple[str, str], ...]:
    """The pairs that say something."""
    return tuple((name, value) for name, value in told.items() if value)


def be(data: bytes, at: int, width: int = 2) -> int:
    """A big-endian number; 0 behind the end."""
    return int.from_bytes(data[at : at + width], "big")


def le(data: bytes, at: int, width: int = 2) -> int:
    """A little-endian number; 0 behind the end."""
    return int.from_bytes(data[at : at + width], "little")


# --- BER (ITU-T X.690): tags of one byte and definite lengths, which is all that these protocols use ---

Tlv = tuple[int, int, int]  # tag, start and end of the content


def ber(data: bytes, at: int, end: int) -> Tlv | None:
    """The element at `at`, wholly inside `end`; None where it is none."""
    if at + 2 > end or (data[at] & 0x1F == 0x1F and data[at] != 0x5F):
        return None
    tag, length, at = data[at], data[at + 1], at + 2
    if length & 0x80:
        width = length & 0x7F
        if not 1 <= width <= 4 or at + width > end:
            return None
        length, at = int.from_bytes(data[at : at + width], "big"), at + width
    return (tag, at, at + length) if at + length <= end else None


def elements(data: bytes, at: int, end: int, most: int = 64) -> Iterator[Tlv | None]:
    """The elements from `at` to exactly `end`; None at the place where they do not fit."""
    for _ in range(most):
        if at == end:
            return
        one = ber(data, at, end)
        yield one
        if one is None:
            return
        at = one[2]


def exact(data: bytes, at: int, end: int) -> list[Tlv] | None:
    """The elements that fill `at` to `end` exactly; None where they do not."""
    found = list(elements(data, at, end))
    if not found or any(one is None for one in found):
        return None
    whole = [one for one in found if one is not None]
    return whole if whole[-1][2] == end else None


# --- check sums ---


@cache
def _table(polynomial: int) -> tuple[int, ...]:
    out = []
    for register in range(256):
        for _ in range(8):
            register = (register >> 1) ^ polynomial if register & 1 else register >> 1
        out.append(register)
    return tuple(out)


def crc16(data: bytes, start: int = 0xFFFF, polynomial: int = 0xA001) -> int:
    """A reflected CRC-16; the defaults are Modbus."""
    table, register = _table(polynomial), start
    for byte in data:
        register = (register >> 8) ^ table[(register ^ byte) & 0xFF]
    return register


def printable(data: bytes) -> bool:
    """Whether all of `data` is ASCII text."""
    return all(32 <= byte < 127 for byte in data)
