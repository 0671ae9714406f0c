"""Siemens S7 communication (S7-300, 400, 1200, 1500, LOGO!, S7-200 SMART): many variables in one read, writes with read-back.

Specification: none is public; RFC 1006 and ISO 8073 below, the S7 layer as Wireshark's dissector and Snap7 document it.
Library: none, see docs/decisions/ (own codecs). Not supported: symbolic access and optimised blocks (S7CommPlus), which need OPC
UA; timers and counters; strings; password protected CPUs.

Addresses: DB1.DBD20, DB1.DBW4, DB1.DBB7, DB1.DBX0.3, M10.2, MW4, I0.0, QB1, and IEC style with %; E and A for I and Q.
TIME and TOD are milliseconds, DATE is days since 1990-01-01.
An S7-1200 or 1500 answers only if "Permit access with PUT/GET communication" is set and the block is not optimised.

name: Siemens S7 (S7comm) | 西门子 S7（S7comm）
done: DB, M, I and Q; bits, 8 to 64 bit integers, real, lreal, time, date, tod
  | DB、M、I、Q；位、8 至 64 位整数、real、lreal、time、date、tod
done: many variables in one read, as the PDU allows; a refused one does not stop its neighbours
  | 在 PDU 允许范围内一次读取多个变量；被拒绝的变量不影响其他变量
done: writes of single bits and whole values, read back | 写单个位和整个值，并回读
done: the refusals of an S7-1200/1500 without PUT/GET or with an optimised block are said in words
  | S7-1200/1500 未开放 PUT/GET 或使用优化块时给出明确说明
todo: timers and counters, S5TIME, DATE_AND_TIME | 定时器、计数器、S5TIME、DATE_AND_TIME
todo: inputs of the periphery beside the process image (PIW, PEW) | 过程映像之外的外设输入（PIW、PEW）
exempt: strings: a tag is a number or a bit | 字符串：位号只能是数值或位
exempt: symbolic access and optimised blocks (S7CommPlus): use the PLC's OPC UA server
  | 符号访问与优化块（S7CommPlus）：请用 PLC 的 OPC UA 服务器
exempt: start, stop, block upload and download: this is no programming tool | 启停、程序块上传下载：本软件不是编程工具
peer: Snap7 1.4 in C (server of python-snap7 2.0.2, in a process of its own) | Snap7 1.4（C 语言，python-snap7 2.0.2 的服务端，独立进程）
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from drivers.base import Point, PointSpec
from drivers.base_polled import Item, Polled, grouped
from drivers.base_talk import Talk, both, opened, where
from drivers.s7_wire import FORMATS, S7, S7Talk
from gateway.core.errors import AddressError, SourceError
from gateway.core.tags import Cause

PORT = 102
AREAS = {"I": 0x81, "E": 0x81, "Q": 0x82, "A": 0x82, "M": 0x83, "DB": 0x84}
S7_TYPES = {
    "byte": "uint8", "usint": "uint8", "sint": "int8", "word": "uint16", "uint": "uint16", "int": "int16",
    "dword": "uint32", "udint": "uint32", "dint": "int32", "lint": "int64", "ulint": "uint64", "real": "float32",
    "lreal": "float64", "char": "uint8", "time": "int32", "date": "uint16", "tod": "uint32", "time_of_day": "uint32",
}  # fmt: skip
WIDTHS = {"X": 0, "B": 1, "W": 2, "D": 4}
_DB = re.compile(r"%?DB(\d{1,5})\.DB([XBWD])(\d{1,5})(?:\.(\d))?", re.ASCII)
_FLAT = re.compile(r"%?([IEQAM])([BWD]?)(\d{1,5})(?:\.(\d))?", re.ASCII)


class Settings(BaseModel):
    """The keys of `[source.<name>]` with `driver = "s7"`."""

    model_config = ConfigDict(extra="forbid")
    url: str
    rack: int = Field(default=0, ge=0, le=7)
    slot: int = Field(default=1, ge=0, le=31)  # S7-1200 and 1500: 1; S7-300: 2; S7-400: as built
    connection: int = Field(default=3, ge=1, le=3)  # 1 PG, 2 OP, 3 basic: the CPU has a number of each
    period_ms: int = Field(default=100, ge=1, le=3_600_000)
    timeout_ms: int = Field(default=1000, ge=10, le=60_000)
    pdu: int = Field(default=960, ge=240, le=960)  # what we ask for; the CPU says what it gives
    max_gap: int = Field(default=16, ge=0, le=200)  # bytes nobody asked for, read along to save a variable

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        endpoint(url)
        return url


def endpoint(url: str) -> tuple[str, int]:
    """Host and port of `tcp://host[:port]`. Raises AddressError."""
    wrong = AddressError(
        f'"{url}" is not the address of an S7 CPU; write tcp://192.168.10.30 (port 102) with rack and slot beside it',
        f"“{url}”不是 S7 CPU 地址；应写成 tcp://192.168.10.30（端口 102），并另写 rack 与 slot",
    )
    return where(url, ("tcp",), PORT, wrong)[1:]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a value lies: `db` is 0 outside data blocks; `bit` is -1 for a whole value."""

    area: int
    db: int
    start: int
    bit: int
    type: str

    @property
    def size(self) -> int:
        """Bytes."""
        return struct.calcsize(">" + FORMATS[self.type])


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    text = spec.address.strip().upper()
    if match := _DB.fullmatch(text):
        area, db, width, start, bit = AREAS["DB"], int(match[1]), match[2], int(match[3]), match[4]
    elif match := _FLAT.fullmatch(text):
        area, db, width, start, bit = AREAS[match[1]], 0, match[2] or "X", int(match[3]), match[4]
    else:
        raise _wrong(spec)
    if (width == "X") != (bit is not None) or (bit is not None and int(bit) > 7) or db > 65535 or start > 65535:
        raise _wrong(spec)
    if area == AREAS["DB"] and not db:
        raise _wrong(spec)
    kind = _type(spec, width)
    if spec.writable and area == AREAS["I"]:
        raise AddressError(
            f"{spec.address} is an input of the PLC and cannot be written; an output lies in a DB, M or Q",
            f"{spec.address} 是 PLC 的输入，不可写；输出应位于 DB、M 或 Q",
        )
    address = Address(area, db, start, -1 if bit is None else int(bit), kind)
    return grouped(spec, kind == "bool", (area, db, start, address.bit), address)


def _wrong(spec: PointSpec) -> AddressError:
    return AddressError(
        f'"{spec.address}" is not an S7 address; write DB1.DBD20, DB1.DBW4, DB1.DBB7, DB1.DBX0.3 (bit 0 to 7), M10.2, MW4, I0.0 or QB1',
        f"“{spec.address}”不是 S7 地址；应写成 DB1.DBD20、DB1.DBW4、DB1.DBB7、DB1.DBX0.3（位 0 到 7）、M10.2、MW4、I0.0 或 QB1",
    )


def _type(spec: PointSpec, width: str) -> str:
    text = spec.type.strip().lower()
    kind = S7_TYPES.get(text, text) or {"X": "bool", "B": "uint8", "W": "uint16"}.get(width, "")
    fits = [
        name
        for name, layout in FORMATS.items()
        if (name == "bool") == (width == "X")
        and (width == "X" or (size := struct.calcsize(layout)) == WIDTHS[width] or (size == 8 and width in "BD"))
    ]
    if kind not in fits:
        raise AddressError(
            f'{spec.address}: type "{spec.type}" does not lie there; write {", ".join(fits)} (or the S7 name: int, dint, real)',
            f"{spec.address}：类型“{spec.type}”与地址不符；应为 {'、'.join(fits)}（也可写 S7 类型名：int、dint、real）",
        )
    return kind


class Driver(Polled):
    """One S7 CPU over one connection."""

    def item(self, position: int, address: Any) -> Item:
        return Item(position, (address.area, address.db), address.start, address.start + address.size, address)

    async def connect(self) -> tuple[Talk, S7]:
        given = self.settings
        host, port = endpoint(given.url)
        talk, pdu = S7Talk(given.timeout_ms), given.pdu

        async def hello() -> None:
            nonlocal pdu
            if not await talk.open(given.connection << 8 | given.rack << 5 | given.slot):
                raise SourceError(
                    both(
                        f"{host} refuses rack {given.rack}, slot {given.slot}: S7-1200 and 1500 have slot 1, S7-300 slot 2",
                        f"{host} 拒绝 rack {given.rack}、slot {given.slot}：S7-1200/1500 为 1，S7-300 为 2",
                    ),
                    Cause.REFUSED,
                    slow=True,
                )
            pdu = await talk.setup(given.pdu)

        await opened(talk, host, port, ("S7 communication", "S7 通信"), hello)
        self.most, self.gap = pdu - 18, given.max_gap
        return talk, S7(pdu)
