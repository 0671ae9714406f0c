"""HJ 212 on the wire: frames, the message in them, and our acknowledgement.

Specification: HJ 212-2017, 6 and appendix A. A frame is `##`, four digits of length, the data segment, four hex digits of CRC, CR LF.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from drivers.base_talk import Malformed

MARK = b"##"
AROUND = 12  # bytes of a frame that are not the segment
DATA = (2011, 2021, 2031, 2041, 2051, 2061)
CLOCK_WISH = 1013  # the station asks for the time: a notice, where everything else with values is data
NOTICE_ANSWER, DATA_ANSWER = 9013, 9014
ANSWER_WANTED = 1  # in Flag; 2 = a packet of several; the version of the protocol above
EPOCH = datetime(1970, 1, 1)
_HEAD = re.compile(r"[A-Z]{2,4}=[0-9A-Za-z]{1,24}", re.ASCII)
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


def _eight_shifts(register: int) -> int:
    for _ in range(8):
        register = (register >> 1) ^ 0xA001 if register & 1 else register >> 1
    return register


_SHIFTED = [_eight_shifts(register) for register in range(256)]


def crc(data: bytes) -> int:
    """The check sum (appendix A): the register is shifted before the byte goes in, unlike Modbus."""
    register = 0xFFFF
    for byte in data:
        register = _SHIFTED[(register >> 8) ^ byte]
    return register


def framed(segment: bytes) -> bytes:
    """The frame of a data segment of at most 9999 bytes."""
    return b"##%04d%s%04X\r\n" % (len(segment), segment, crc(segment))


def size(held: bytes | bytearray) -> int:
    """Length of the frame that begins with `held`, 0 = too early to say, -1 = it is none."""
    digits = held[2:6]
    if digits and not digits.isdigit():
        return -1
    return AROUND + int(digits) if len(digits) == 4 else 0


def segment(frame: bytes) -> bytes:
    """The data segment of a whole frame. Raises Malformed."""
    inner, tail = frame[6:-6], frame[-6:]
    if re.fullmatch(rb"[0-9A-Fa-f]{4}\r\n", tail) is None or int(tail[:4], 16) != crc(inner):
        raise Malformed("wrong check sum")
    return inner


@dataclass(frozen=True, slots=True)
class Message:
    """What a station says. `factors`: of each pollutant or device its fields as sent; `time` as sent, "" = none."""

    number: str  # QN, the time of the request with milliseconds
    command: int
    password: str
    station: str
    flag: int
    time: str
    factors: dict[str, dict[str, str]]


def message(inner: bytes) -> Message:
    """The message in a data segment. Raises Malformed."""
    text = inner.decode("latin-1")
    front, mark, back = text.partition("CP=&&")
    if not mark or not front.endswith(";") or not back.endswith("&&"):
        raise Malformed("no ;CP=&&…&&")
    head: dict[str, str] = {}
    for part in front.rstrip(";").split(";"):
        key, _, value = part.partition("=")
        if key in head or _HEAD.fullmatch(part.replace("Flag=", "FLAG=")) is None:
            raise Malformed(f"the head {part[:40]!r}")
        head[key] = value
    command, flag = head.get("CN", ""), head.get("Flag", "0")
    if not command.isdecimal() or not flag.isdecimal() or int(flag) > 255 or not head.get("MN") or len(command) != 4:
        raise Malformed("no CN or MN")
    time, factors = _fields(back[:-2])
    return Message(head.get("QN", ""), int(command), head.get("PW", ""), head["MN"], int(flag), time, factors)


def _fields(text: str) -> tuple[str, dict[str, dict[str, str]]]:
    """DataTime, and `factor-Field=value` by factor; a field said twice leaves open which one holds. Raises Malformed."""
    time, factors = "", dict[str, dict[str, str]]()
    for part in text.replace(";", ",").split(","):
        name, equals, value = part.partition("=")
        if name == "DataTime" and not time:
            time = value
            continue
        factor, dash, field = name.partition("-")
        if not equals or not dash:
            if name == "DataTime":
                raise Malformed("two times")
            continue
        fields = factors.setdefault(factor, {})
        if field in fields:
            raise Malformed(f"{name[:40]!r} twice")
        fields[field] = value
    return time, factors


def number(text: str) -> float:
    """A decimal number; NaN for everything else."""
    value = float(text) if len(text) <= 32 and _NUMBER.fullmatch(text) else math.nan
    return value if math.isfinite(value) else math.nan


def utc_ns(text: str, offset_h: float) -> int:
    """YYYYMMDDhhmmss, with or without milliseconds, of a clock `offset_h` ahead of UTC; 0 = no time. Raises Malformed."""
    if not text:
        return 0
    try:
        if len(text) not in (14, 17) or not (text.isascii() and text.isdecimal()):
            raise ValueError(text)
        parts = [int(text[:4]), *(int(text[at : at + 2]) for at in range(4, 14, 2))]
        since = datetime(*parts) - EPOCH - timedelta(hours=offset_h)  # type: ignore[arg-type]
    except ValueError:
        raise Malformed(f"the time {text[:20]!r}") from None
    seconds = since.days * 86_400 + since.seconds
    return max(0, seconds * 10**9 + int(text[14:] or 0) * 10**6)


def answer(heard: Message) -> bytes:
    """Our acknowledgement of a message that asks for one: data 9014, a notice 9013. It repeats the number of the message."""
    command = NOTICE_ANSWER if heard.command == CLOCK_WISH else DATA_ANSWER
    number = f"QN={heard.number};" if heard.number else ""
    version = heard.flag & ~3
    said = f"{number}ST=91;CN={command};PW={heard.password};MN={heard.station};Flag={version};CP=&&&&"
    return framed(said.encode("latin-1"))
