"""EtherNet/IP to Logix controllers (ControlLogix, CompactLogix, GuardLogix's standard tags): tags by name, many in one request.

Specification: CIP Networks Library, Logix 5000 Controllers Data Access (1756-PM020). Library: none, see docs/decisions/ (own
codecs). Unconnected messages: nothing of the controller's connections is used up.

Addresses: the tag's name as the controller has it: `TankLevel`, `Program:Main.Level`, `Tank[3].Level`, `Matrix[2,1]`, a bit of an
integer as `Status.5`, and a value of an I/O module as `Local:1:I.Ch0Data` (read only). The controller tells the type; write `bool` for
what is true or false. A tag's external access must not be None.

name: EtherNet/IP (Logix controllers) | EtherNet/IP（罗克韦尔 Logix 控制器）
done: tags of controller, program and I/O modules, members of structures, elements of arrays of up to three dimensions, bits of integers
  | 控制器、程序与 I/O 模块标签、结构成员、至多三维的数组元素、整数的位
done: BOOL, SINT to LINT, USINT to ULINT, REAL, LREAL, BYTE to LWORD | BOOL、SINT 至 LINT、USINT 至 ULINT、REAL、LREAL、BYTE 至 LWORD
done: many tags in one request; an unknown tag does not stop its neighbours | 一次请求读取多个标签；未知标签不影响其他标签
done: writes of whole tags with the tag's own type, read back | 按标签自身类型写整个标签，并回读
done: the tag list of the controller: programs, members of structures, elements of arrays
  | 由控制器给出位号表：程序标签、结构成员、数组元素
todo: large connections (Forward Open, 4,000 bytes) for thousands of tags | 大连接（Forward Open，4000 字节），用于数千标签
todo: arrays of BOOL by index: write the DWORD and its bit, Flags[1].3 | 按下标读 BOOL 数组：请写成 DWORD 及其位，Flags[1].3
exempt: writing single bits of integers: needs read, change and write; declare a BOOL tag | 写整数的单个位：需读改写；请定义 BOOL 标签
exempt: PLC-5, SLC and MicroLogix (PCCC) | PLC-5、SLC、MicroLogix（PCCC）
exempt: I/O connections (class 1): they take part in the control of the machine | I/O 连接（1 类）：会参与设备控制
peer: cpppo 5.2 (Logix simulator, in a process of its own); the tag list: one made for the tests, held to pycomm3 1.2 (client)
  | cpppo 5.2（Logix 仿真，独立进程）；位号表：为测试编写，并由 pycomm3 1.2（客户端）验证
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from drivers import enip_browse
from drivers.base import Listed, Point, PointSpec
from drivers.base_polled import Item, Polled, grouped
from drivers.base_talk import Talk, opened, where
from drivers.enip_wire import Cip, EnipTalk, path_of
from gateway.core.errors import AddressError

PORT = 44818
_PART = re.compile(r"([A-Za-z_]\w{0,39}(?::\w{1,40}){0,2})(?:\[(\d{1,9}(?:\s*,\s*\d{1,9}){0,2})\])?", re.ASCII)
_BIT = re.compile(r"\d{1,2}", re.ASCII)


class Settings(BaseModel):
    """The keys of `[source.<name>]` with `driver = "enip"`."""

    model_config = ConfigDict(extra="forbid")
    url: str
    slot: int = Field(default=0, ge=-1, le=31)  # of the controller in its rack; -1 = no rack between
    period_ms: int = Field(default=100, ge=1, le=3_600_000)
    timeout_ms: int = Field(default=1000, ge=10, le=60_000)

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        endpoint(url)
        return url


def endpoint(url: str) -> tuple[str, int]:
    """Host and port of `tcp://host[:port]`. Raises AddressError."""
    wrong = AddressError(
        f'"{url}" is not the address of a controller; write tcp://192.168.10.40 (port 44818) with slot beside it',
        f"“{url}”不是控制器地址；应写成 tcp://192.168.10.40（端口 44818），并另写 slot",
    )
    return where(url, ("tcp",), PORT, wrong)[1:]


async def browse(settings: Settings) -> list[Listed]:
    """The controller's own tag list. Raises SourceError."""
    return await enip_browse.browse(settings, *endpoint(settings.url))


@dataclass(frozen=True, slots=True)
class Address:
    """A tag's encoded path; `bit` is -1 for the whole tag."""

    path: bytes
    bit: int
    boolean: bool


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    *names, last = spec.address.strip().split(".")
    bit = int(last) if names and _BIT.fullmatch(last) else -1
    parts: list[tuple[str, list[int]]] = []
    for text in names if bit >= 0 else [*names, last]:
        match = _PART.fullmatch(text)
        if match is None:
            raise _wrong(spec)
        parts.append((match[1], [int(one) for one in match[2].split(",")] if match[2] else []))
    module = ":" in parts[0][0] and not parts[0][0].lower().startswith("program:")
    if bit > 63 or any(":" in name for name, _ in parts[1:]) or parts[0][0].count(":") > 1 + module:
        raise _wrong(spec)
    if spec.type.strip().lower() not in ("", "bool") or (spec.type.strip() and spec.type.strip().lower() != "bool"):
        raise AddressError(
            f'{spec.address}: type "{spec.type}" does not apply: the controller tells it; leave it empty or write bool',
            f"{spec.address}：类型“{spec.type}”不适用：由控制器给出；请留空或填 bool",
        )
    if spec.writable and bit >= 0:
        raise AddressError(
            f"{spec.address} is a bit of an integer and cannot be written; declare a BOOL tag in the controller",
            f"{spec.address} 是整数的一位，不可写；请在控制器中定义 BOOL 标签",
        )
    if spec.writable and module:
        raise AddressError(
            f"{spec.address} belongs to an I/O module and cannot be written; write to a tag that the controller's program copies there",
            f"{spec.address} 属于 I/O 模块，不可写；请写入由控制器程序转送的标签",
        )
    boolean = bit >= 0 or bool(spec.type.strip())
    path = path_of(parts)
    if len(path) > 255:
        raise _wrong(spec)
    return grouped(spec, boolean, (path, bit), Address(path, bit, boolean))


def _wrong(spec: PointSpec) -> AddressError:
    return AddressError(
        f'"{spec.address}" is not a tag of a Logix controller; write TankLevel, Program:Main.Level, Tank[3].Level or Status.5 for a bit',
        f"“{spec.address}”不是 Logix 标签；应写成 TankLevel、Program:Main.Level、Tank[3].Level，取位写成 Status.5",
    )


class Driver(Polled):
    """One controller over one session."""

    most = 1  # a span is one tag, however many rows read bits of it

    def item(self, position: int, address: Any) -> Item:
        return Item(position, address.path, 0, 1, address)

    async def connect(self) -> tuple[Talk, Cip]:
        given = self.settings
        host, port = endpoint(given.url)
        talk = EnipTalk(given.timeout_ms, given.slot)
        await opened(talk, host, port, ("EtherNet/IP server", "EtherNet/IP 服务"), talk.open)
        return talk, Cip(given.slot)
