"""Mitsubishi SLMP / MC protocol, 3E frames in binary over TCP (iQ-R, iQ-F, Q, L, FX5): devices in words and bits.

Specification: Mitsubishi SH-080956, SH-080008. Library: none, see docs/decisions/0012 (own codecs). Not supported: ASCII, 1E and 4E
frames, UDP, labels by name.

Addresses: D100, R5, ZR70000 (decimal, as GX Works shows it), SD203, TN0, STN0, CN0 and W1F, SW1F (hexadecimal) for words; M37, L5,
F3, SM400, TS0, TC0, CS0, CC0, STS0, STC0 and X1F, Y20, B1A, SB1A (hexadecimal) for bits; D100.3 for a bit of a word. An iQ-F (FX5)
counts X and Y in octal: `xy = "octal"`, without which it is refused. A value of two words has its low word first (`/cdab`), as
Mitsubishi stores it. The port is what the module's parameters say: there is no common one.

name: Mitsubishi SLMP / MC protocol (3E binary) | 三菱 SLMP / MC 协议（3E 二进制）
done: D, W, R, ZR, SD, SW, TN, STN, CN; M, X, Y, B, L, F, SM, SB, contacts and coils of timers and counters; bits of words
  | D、W、R、ZR、SD、SW、TN、STN、CN；M、X、Y、B、L、F、SM、SB，定时器与计数器的触点和线圈；字的位
done: X and Y in hexadecimal or, on an iQ-F, in octal; the CPU is asked which it is
  | X、Y 按十六进制或（iQ-F）八进制编号；连接时核对 CPU 型号
done: 16 to 64 bit values in every word order | 16 至 64 位值，各种字序
done: merged reads, bits sixteen in a word; a refused device is isolated | 合并读取，位按 16 点一字读取；被拒绝的软元件单独隔离
done: writes of single bits and whole values, read back | 写单个位和整个值，并回读
todo: 4E frames (they carry a number), UDP with them | 4E 帧（带序号）及其 UDP
todo: long timers and counters (LTN, LCN), S of the FX5 | 长定时器与长计数器（LTN、LCN）、FX5 的 S
todo: labels by name (iQ-R) | 按名称访问标签（iQ-R）
exempt: remote RUN, STOP, RESET, file access | 远程 RUN、STOP、RESET、文件访问
exempt: ASCII and 1E frames: every module named above has 3E binary | ASCII 与 1E 帧：上述模块均支持 3E 二进制
peer: a memory behind 3E frames made for the tests, held to pymcprotocol 0.3 (client); no PLC
  | 为测试编写的 3E 服务端，经 pymcprotocol 0.3（客户端）核对；未接真实 PLC
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from drivers.base import Point, PointSpec
from drivers.base_polled import Item, Polled, grouped
from drivers.base_talk import Talk, both, opened, where
from drivers.base_words import FORMATS, word_type
from drivers.slmp_wire import Slmp, SlmpTalk
from gateway.core.errors import AddressError, SourceError
from gateway.core.tags import Cause

ORDER = "cdab"
# name -> code, holds bits, numbered in hexadecimal (SH-080956, 5.2)
DEVICES = {
    "D": (0xA8, False, False), "W": (0xB4, False, True), "R": (0xAF, False, False), "ZR": (0xB0, False, False),
    "SD": (0xA9, False, False), "TN": (0xC2, False, False), "CN": (0xC5, False, False), "M": (0x90, True, False),
    "L": (0x92, True, False), "F": (0x93, True, False), "SM": (0x91, True, False), "X": (0x9C, True, True),
    "Y": (0x9D, True, True), "B": (0xA0, True, True), "SB": (0xA1, True, True), "SW": (0xB5, False, True),
    "TS": (0xC1, True, False), "TC": (0xC0, True, False), "CS": (0xC4, True, False), "CC": (0xC3, True, False),
    "STS": (0xC7, True, False), "STC": (0xC6, True, False), "STN": (0xC8, False, False),
}  # fmt: skip
WRITABLE = ("D", "W", "R", "ZR", "M", "L", "F", "Y", "B")  # the others are inputs, or what the PLC itself writes
XY = (DEVICES["X"][0], DEVICES["Y"][0])
_ADDRESS = re.compile(
    r"(ZR|ST[SCN]|S[DMBW]|T[SCN]|C[SCN]|[DWRMLFXYB])([0-9A-F]{1,8})(?:\.([0-9A-F]|1[0-5]))?", re.ASCII
)


class Settings(BaseModel):
    """The keys of `[source.<name>]` with `driver = "slmp"`."""

    model_config = ConfigDict(extra="forbid")
    url: str
    network: int = Field(default=0, ge=0, le=239)
    pc: int = Field(default=0xFF, ge=1, le=255)
    module: int = Field(default=0x03FF, ge=0, le=0xFFFF)
    station: int = Field(default=0, ge=0, le=31)
    period_ms: int = Field(default=100, ge=1, le=3_600_000)
    timeout_ms: int = Field(default=1000, ge=10, le=60_000)
    max_words: int = Field(default=480, ge=4, le=960)
    max_gap: int = Field(default=16, ge=0, le=200)  # words nobody asked for, read along to save a request
    # how X and Y are counted; "" = hexadecimal, once the CPU says it is no iQ-F
    xy: Literal["", "hexadecimal", "octal"] = ""

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        endpoint(url)
        return url


def endpoint(url: str) -> tuple[str, int]:
    """Host and port of `tcp://host:port`. Raises AddressError."""
    wrong = AddressError(
        f'"{url}" is not the address of a Mitsubishi PLC; write tcp://192.168.10.60:5007 with the port of its SLMP connection',
        f"“{url}”不是三菱 PLC 地址；应写成 tcp://192.168.10.60:5007，端口为其 SLMP 连接的端口",
    )
    return where(url, ("tcp",), 0, wrong)[1:]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a value lies: `area` is code and whether it holds bits; `start` counts words; `bit` is -1 for a whole value."""

    area: tuple[int, bool]
    start: int
    bit: int
    type: str
    order: str

    @property
    def count(self) -> int:
        """Words."""
        return max(1, struct.calcsize(">" + FORMATS[self.type]) // 2)


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    match = _ADDRESS.fullmatch(spec.address.strip().upper())
    if match is None:
        raise _wrong(spec)
    code, bits, hexadecimal = DEVICES[match[1]]
    base = 8 if code in XY and settings.xy == "octal" else 16 if hexadecimal else 10
    try:
        at = int(match[2], base)
    except ValueError:
        raise _wrong(spec) if base == 10 else _octal(spec) from None
    bit = -1 if match[3] is None else int(match[3], 16) if len(match[3]) == 1 else int(match[3])
    if at >= 1 << 24 or (bits and bit >= 0):
        raise _wrong(spec)
    if bits:
        at, bit = divmod(at, 16)
    kind, order = word_type(spec, bit=bit >= 0, default=ORDER)
    if spec.writable and (match[1] not in WRITABLE or (bit >= 0 and not bits)):
        raise AddressError(
            f"{spec.address} cannot be written: an output is M, L, F, Y, B or a whole word of D, W, R, ZR",
            f"{spec.address} 不可写：输出应为 M、L、F、Y、B，或 D、W、R、ZR 的整个字",
        )
    address = Address((code, bits), at, bit, kind, order)
    return grouped(spec, kind == "bool", (code, at, bit), address)


def _wrong(spec: PointSpec) -> AddressError:
    return AddressError(
        f'"{spec.address}" is not a Mitsubishi device; write D100, W1F (hexadecimal), M37, X1F, Y20, B1A (hexadecimal), a bit as D100.3',
        f"“{spec.address}”不是三菱软元件；应写成 D100、W1F（十六进制）、M37、X1F、Y20、B1A（十六进制），取位写成 D100.3",
    )


def _octal(spec: PointSpec) -> AddressError:
    return AddressError(
        f'{spec.address}: X and Y are counted in octal here (xy = "octal"), so 8, 9 and letters do not occur; X7 is followed by X10',
        f"{spec.address}：此处 X、Y 按八进制编号（xy = “octal”），不会出现 8、9 和字母；X7 之后是 X10",
    )


class Driver(Polled):
    """One PLC over one connection."""

    def item(self, position: int, address: Any) -> Item:
        return Item(position, address.area, address.start, address.start + address.count, address)

    async def connect(self) -> tuple[Talk, Slmp]:
        given = self.settings
        host, port = endpoint(given.url)
        self.most, self.gap = given.max_words, given.max_gap
        talk = SlmpTalk(
            given.timeout_ms, network=given.network, pc=given.pc, module=given.module, station=given.station
        )

        async def hello() -> None:
            inputs = any(tag.point.key.area[0] in XY for tags in self.plan.tags for tag in tags)
            if inputs and not given.xy and await talk.model() == "FX":
                raise SourceError(
                    both(
                        f'{host} is an FX5, which counts X and Y in octal: write xy = "octal"',
                        f"{host} 是 FX5，其 X、Y 按八进制编号：请写 xy = “octal”",
                    ),
                    Cause.REFUSED,
                    slow=True,
                )

        await opened(talk, host, port, ("SLMP connection", "SLMP 连接"), hello)
        return talk, Slmp()
