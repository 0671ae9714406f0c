"""SNMP v2c and v3 (UPS, switches, cabinets, sensors of the infrastructure): objects read with GET; nothing is ever set.

Specification: RFC 3416, RFC 3414, RFC 7860, RFC 3826. Library: none, see docs/decisions/0018 (own codec).

Address: the object identifier in numbers, 1.3.6.1.2.1.33.1.2.4.0. For a state that is a number, =n makes a bool of it:
1.3.6.1.2.1.2.2.1.8.3=1 is true while port 3 is up. A text that is a number is read as one; TimeTicks are hundredths of a second.
A counter is told as it stands: a Counter32 begins again at 0 after 4294967295, every counter after a restart of the agent.

name: SNMP | SNMP
done: v2c with a community; v3 signed (SHA-1, SHA-2) and encrypted (AES-128), over UDP and TCP
  | v2c（团体名）；v3 认证（SHA-1、SHA-2）与加密（AES-128），UDP 与 TCP
done: integers, counters, gauges, time ticks, opaque floats, texts that are numbers
  | 整数、计数器、仪表值、时间刻度、Opaque 浮点数、数字文本
done: many objects in one request; an object that is missing stands alone | 一次请求读取多个对象；不存在的对象单独标坏
todo: traps and informs; AES-192 and AES-256 | Trap 与 Inform；AES-192 与 AES-256
exempt: SET: an output needs a device that is read back | SET：输出须接在可回读的设备上
exempt: v1, MD5, DES: nobody should trust them | v1、MD5、DES：已不可信
exempt: names of MIBs: a tag list is checked without them | MIB 名称：点表校验不依赖 MIB
peer: Net-SNMP 5.9 snmpd (v2c, v3; UDP, TCP) | Net-SNMP 5.9 snmpd（v2c、v3；UDP、TCP）
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from drivers.base import Point, PointSpec
from drivers.base_polled import Item, Polled, grouped
from drivers.base_talk import Talk, both, datagrams, opened, where
from drivers.snmp_ber import oid
from drivers.snmp_usm import User
from drivers.snmp_wire import Snmp, SnmpTalk
from gateway.core.errors import AddressError, SourceError
from gateway.core.tags import Cause

PORT = 161
UDP_RETRIES = 2
PHRASE_MIN = 8  # RFC 3414, 11.2


class Settings(BaseModel):
    """The keys of `[source.<name>]` with `driver = "snmp"`. The files hold one line each: community or pass phrase."""

    model_config = ConfigDict(extra="forbid")
    url: str
    community_file: Path | None = None  # v2c
    user: str = Field(default="", max_length=32)  # v3
    auth: Literal["sha", "sha224", "sha256", "sha384", "sha512"] = "sha256"
    auth_file: Path | None = None
    priv_file: Path | None = None
    context: str = Field(default="", max_length=32)
    period_ms: int = Field(default=1000, ge=10, le=3_600_000)
    timeout_ms: int = Field(default=1000, ge=10, le=60_000)
    max_objects: int = Field(default=20, ge=1, le=100)  # in one request

    @field_validator("url")
    @classmethod
    def _reachable(cls, url: str) -> str:
        endpoint(url)
        return url

    @model_validator(mode="after")
    def _who(self) -> Settings:
        if bool(self.community_file) == bool(self.user):
            raise AddressError(
                'write either community_file = "switch.community" (v2c) or user = "reader" with auth_file and priv_file (v3)',
                '请写 community_file = "switch.community"（v2c），或 user = "reader" 及 auth_file、priv_file（v3），二者取一',
            )
        if (self.priv_file and not self.auth_file) or (self.auth_file and not self.user):
            raise AddressError(
                "priv_file needs auth_file, and both need user: what is encrypted must be signed too",
                "priv_file 需要 auth_file，二者都需要 user：加密的报文也必须认证",
            )
        return self


def endpoint(url: str) -> tuple[str, str, int]:
    """ "udp" or "tcp", host and port. Raises AddressError."""
    wrong = AddressError(
        f'"{url}" is not the address of an SNMP agent; write udp://192.168.10.60 (port 161)',
        f"“{url}”不是 SNMP 代理地址；应写成 udp://192.168.10.60（端口 161）",
    )
    return where(url, ("udp", "tcp"), PORT, wrong)


@dataclass(frozen=True, slots=True)
class Address:
    """An object; `equals` = the bool is true where the object has this value."""

    name: bytes
    equals: int | None
    boolean: bool


def parse(settings: Settings, spec: PointSpec) -> Point:
    """One row of the tag list. Raises AddressError."""
    text, sign, state = spec.address.strip().removeprefix(".").partition("=")
    try:
        name, equals = oid(text), int(state) if sign else None
    except ValueError:
        raise AddressError(
            f'"{spec.address}" is no object identifier; write 1.3.6.1.2.1.33.1.2.4.0, or 1.3.6.1.2.1.2.2.1.8.3=1 for a bool',
            f"“{spec.address}”不是对象标识符；应写成 1.3.6.1.2.1.33.1.2.4.0，bool 可写 1.3.6.1.2.1.2.2.1.8.3=1",
        ) from None
    if spec.type not in ("", "bool", "float64") or (sign and spec.type == "float64"):
        raise AddressError(
            f'type "{spec.type}" does not apply: the agent tells the type; leave it empty or write bool',
            f"类型“{spec.type}”不适用：类型由代理给出；请留空或填 bool",
        )
    if spec.writable:
        raise AddressError(
            "nothing is set over SNMP; an output needs a device that is read back, such as modbus",
            "不通过 SNMP 写入；输出须接在可回读的设备上，例如 modbus",
        )
    boolean = spec.type == "bool" or bool(sign)
    return grouped(spec, boolean, (name, equals or 0), Address(name, equals, boolean))


class Driver(Polled):
    """One agent."""

    most, gap = 1, 0

    def item(self, position: int, address: Any) -> Item:
        return Item(position, address.name, 0, 1, address)

    async def connect(self) -> tuple[Talk, Snmp]:
        given = self.settings
        kind, host, port = endpoint(given.url)
        community, user = await asyncio.to_thread(_who, given)
        talk = SnmpTalk(given.timeout_ms, community, user, given.context, stream=kind == "tcp")
        if kind == "tcp":
            await opened(talk, host, port, ("SNMP over TCP", "SNMP/TCP"), talk.hello)
        else:
            talk.retries = UDP_RETRIES
            await datagrams(talk, host, port, talk.hello)
        return talk, Snmp(given.max_objects)


def _who(given: Settings) -> tuple[bytes, User | None]:
    """Community and user as the files say. Raises SourceError."""
    community, auth, priv = (_line(file) for file in (given.community_file, given.auth_file, given.priv_file))
    for phrase, file in ((auth, given.auth_file), (priv, given.priv_file)):
        if file is not None and len(phrase) < PHRASE_MIN:
            raise SourceError(
                both(
                    f"{file}: a pass phrase has at least {PHRASE_MIN} characters",
                    f"{file}：口令至少 {PHRASE_MIN} 个字符",
                ),
                Cause.REFUSED,
                slow=True,
            )
    return community, User(given.user, given.auth, auth, priv) if given.user else None


def _line(file: Path | None) -> bytes:
    try:
        return file.read_bytes().strip() if file is not None else b""
    except OSError as error:
        raise SourceError(
            both(f"{file} cannot be read ({error})", f"无法读取 {file}（{error}）"), Cause.REFUSED, slow=True
        ) from error
